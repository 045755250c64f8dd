"""Queues: built-in views with counters, filters in the address, 50 rows a page; and the way from row to row."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from functools import lru_cache
from textwrap import shorten
from typing import Any, Final
from urllib.parse import urlsplit

from django.db.models import QuerySet, Value
from django.http import HttpResponse, QueryDict
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_GET

from otklik.appeals import bulk, queues
from otklik.appeals.models import BulkRun, Topic
from otklik.core import built, typed
from otklik.core.access import requires
from otklik.core.terms import valid
from otklik.correspondence.models import ChannelCode
from otklik.people.models import Unit
from otklik.workplace import asked, saved
from otklik.workplace.asked import APPEALS
from otklik.workplace.requests import StaffRequest

# What most is done over many appeals of a view: it is offered first.
STEPS_OF_VIEWS: Final = {"dispatch": BulkRun.Action.SEND, "replies": BulkRun.Action.READ}


@requires(*APPEALS)
@require_GET
def queue(request: StaffRequest) -> HttpResponse:
    """Show one view of the work; with htmx only its rows."""
    view, filters = asked.read(request.user, request.GET)
    if request.htmx and not request.htmx.boosted:
        template = "workplace/queue.html#short" if "short" in request.GET else "workplace/queue.html#rows"
        return render(request, template, _page(request, view, filters))
    page = _page(request, view, filters) | _choices()
    # A search, and what burns of both kinds, is work enough for one page: the menu's counters come right after it.
    later = bool(filters.text) or view == "due"
    menu = {"numbers": {}, "lazy_menu": True} if later else {"numbers": saved.counters(request.user)}
    return render(request, "workplace/queue.html", page | menu)


@requires(*APPEALS)
@require_GET
def neighbour(request: StaffRequest, pk: int, way: str) -> HttpResponse:
    """Go to the next or the previous row of the view the card was opened from."""
    view, filters = asked.read(request.user, request.GET)
    page = queues.rows(request.user, view, filters)
    # An appeal may have the number of a message, and is walked on from in a list of messages once it is registered.
    here = ("message" if request.GET.get("kind") == "message" else "appeal", pk)
    known = [(row.kind, row.pk) for row in page.rows]
    step = 1 if way == "next" else -1
    at = known.index(here) + step if here in known else 0
    if (at == len(known) and page.has_next) or (at < 0 and page.number > 1):  # the row beyond the edge of this page
        filters = replace(filters, page=page.number + step)
        page = queues.rows(request.user, view, filters)
        at = 0 if step > 0 else len(page.rows) - 1
    if 0 <= at < len(page.rows):
        row = page.rows[at]
        return redirect(f"{row_url(row.kind, row.pk)}?{asked.write(view, filters)}")
    return redirect(f"{reverse('workplace:queue')}?{asked.write(view, filters)}")


@lru_cache(maxsize=10_000)
def row_url(kind: str, pk: int) -> str:
    """Return where a row of a queue leads. Looked up once: a list asks for fifty."""
    return reverse("workplace:inbox" if kind == "message" else "workplace:card", args=[pk])


def came_from(request: StaffRequest) -> str:
    """Return the query of the list that a card was opened from; empty where it was opened by itself."""
    given = request.GET
    if request.method == "POST" and "view" not in given:  # the form's address is bare, its page's is not
        given = QueryDict(urlsplit(request.headers.get("Referer", "")).query)
    if given.get("view") not in queues.VIEWS:
        return ""
    return asked.write(*asked.read(request.user, given))


def card_url(request: StaffRequest, pk: int) -> str:
    """Return the address of a card with the list it was opened from, so that a step done does not lose the place."""
    return step_url(request, "card", pk)


def step_url(request: StaffRequest, name: str, pk: int) -> str:
    """Return the address of a step's page with the list its card was opened from."""
    back = came_from(request)
    return reverse(f"workplace:{name}", args=[pk]) + (f"?{back}" if back else "")


def _page(request: StaffRequest, view: str, filters: queues.Filters) -> dict[str, Any]:
    page = queues.rows(request.user, view, filters)
    conditions = asked.write(view, filters, page=None)
    named = saved.of_query(request.user, conditions)
    return {
        "named": named,
        "menu_view": f"saved_{named.pk}" if named else view,
        "conditions": conditions,
        "many": bulk.offered_to(request.user, first=STEPS_OF_VIEWS.get(view, "")) if page.view.narrow else [],
        "prints": page.view.narrow is not None,
        "orderable": view not in ("registration", "due"),
        "page": page,
        "can_write_down": request.user.has_power("intake.decide"),
        "view": view,
        "filters": filters,
        "narrowed": filters.narrows,
        "counted": asked.counted(filters),
        "counted_words": asked.counted_words(filters),
        "hidden": filters.hide.split(","),
        "query": asked.write(view, filters),
        "next_query": asked.write(view, filters, page=page.number + 1) if page.has_next else "",
        "previous_query": asked.write(view, filters, page=page.number - 1) if page.number > 1 else "",
        "current": typed.number(request.GET.get("current")),
    }


@built.asked
def _dictionaries(on: date) -> QuerySet[Topic, tuple[str, int, str]]:
    """Return the topics and the units of a day in one query: which it is, its key, its name."""
    topics = Topic.objects.filter(valid(on), leaf=True).annotate(of=Value("topic")).order_by()
    units = Unit.objects.filter(valid(on)).annotate(of=Value("unit")).order_by()
    names = units.values_list("of", "pk", "short_name")
    return topics.values_list("of", "pk", "name").union(names).order_by("name")


@lru_cache(maxsize=2000)
def _short(name: str) -> str:
    """Return a topic's name as it fits into a filter. Made once: every list offers them all."""
    return shorten(name, 70, placeholder="…")


def _choices() -> dict[str, Any]:
    """Return what the filters offer."""
    offered = _dictionaries(timezone.localdate())
    return {
        "channels": ChannelCode.choices,
        "topics": [(pk, _short(name)) for of, pk, name in offered if of == "topic"],
        "units": [(pk, name) for of, pk, name in offered if of == "unit"],
        "terms": asked.TERMS.items(),
        "orders": asked.ORDERS.items(),
        "pieces": asked.PIECES.items(),
    }
