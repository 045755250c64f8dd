"""For auditors: the journal of changes with filters, whether its chains hold, and the log of looks at personal data."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta
from operator import itemgetter
from typing import Any

from django.core.paginator import Paginator
from django.db.models import Q, QuerySet
from django.http import HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_GET

from otklik.appeals.models import Appeal
from otklik.core import journal, typed
from otklik.core.access import requires
from otklik.core.actions import name_of
from otklik.core.models import AccessEntry, ChainedEntry, JournalEntry
from otklik.people.models import Employee
from otklik.workplace.requests import StaffRequest

PER_PAGE = 100


@requires("journal.view")
@require_GET
def changes(request: StaffRequest) -> HttpResponse:
    """Show changes, newest first, filtered by appeal, person, action and dates."""
    appeal = _asked_appeal(request)
    rows = _filtered(JournalEntry.objects.all(), request)
    if request.GET.get("number"):
        rows = rows.filter(chain=f"appeal:{appeal.pk}") if appeal else rows.none()
    context = _page(request, rows) | {
        "appeal": appeal,
        "problems": journal.verify_chain(f"appeal:{appeal.pk}") if appeal else None,
        "actions": _actions(JournalEntry),
    }
    return render(request, "workplace/journal.html", context)


@requires("journal.view")
@require_GET
def looks(request: StaffRequest) -> HttpResponse:
    """Show who opened what of whose personal data and why, newest first; asked by an appeal too."""
    appeal = _asked_appeal(request)
    rows = _filtered(AccessEntry.objects.all(), request)
    if request.GET.get("number"):
        of_it = Q(data__appeal=appeal.pk) | Q(data__about=f"appeal:{appeal.pk}") if appeal else Q(pk__in=[])
        rows = rows.filter(of_it)
    context = _page(request, rows) | {"actions": _actions(AccessEntry)}
    seen = {row.pk: _appeal_of(row) for row in context["page"]}
    appeals = Appeal.objects.in_bulk([pk for pk in seen.values() if pk])
    for row in context["page"]:
        row.appeal = appeals.get(seen[row.pk] or 0)
    return render(request, "workplace/access_log.html", context)


def _asked_appeal(request: StaffRequest) -> Appeal | None:
    return Appeal.objects.filter(number=request.GET.get("number", "").strip()).first()


def _appeal_of(look: AccessEntry) -> int | None:
    """Return the appeal a look was at, or was taken over."""
    kind, _, pk = str(look.data.get("about", "")).partition(":")
    over = int(pk) if kind == "appeal" and pk.isdecimal() else None
    return look.data.get("appeal") or over


def _actions(kind: type[ChainedEntry]) -> list[tuple[str, str]]:
    met = kind.objects.order_by("action").values_list("action", flat=True).distinct()
    return sorted(((action, name_of(action)) for action in met), key=itemgetter(1))


def _filtered(rows: QuerySet[Any], request: StaffRequest) -> QuerySet[Any]:
    asked = request.GET
    if actor := typed.number(asked.get("actor")):
        rows = rows.filter(actor=actor)
    if asked.get("action"):
        rows = rows.filter(action=asked["action"])
    if first := typed.day(asked.get("first")):
        rows = rows.filter(at__gte=_midnight(first))
    if last := typed.day(asked.get("last")):
        rows = rows.filter(at__lt=_midnight(last + timedelta(days=1)))
    return rows.select_related("actor", "on_behalf_of").order_by("-at", "-id")


def _page(request: StaffRequest, rows: QuerySet[Any]) -> dict[str, Any]:
    kept = request.GET.copy()
    kept.pop("page", None)
    return {
        "page": Paginator(rows, PER_PAGE).get_page(request.GET.get("page")),
        "asked": request.GET,
        "kept": kept.urlencode(),
        "employees": Employee.objects.all(),
    }


def _midnight(day: date) -> datetime:
    return timezone.make_aware(datetime.combine(day, time.min))
