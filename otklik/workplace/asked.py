"""What the address of a list asks for: a view, what narrows it, the order and the look; read and written one way."""

from __future__ import annotations

from typing import Any, Final
from urllib.parse import urlencode

from django.http import Http404, QueryDict

from otklik.appeals import measured, queues
from otklik.core import typed
from otklik.correspondence.models import ChannelCode
from otklik.people.models import Employee

# Whoever has appeals or messages to look at.
APPEALS: Final = ("appeals.view_all", "appeals.view_unit", "appeals.view_own", "intake.view")
TERMS: Final = {"overdue": "просрочено", "today": "срок сегодня", "soon": "осталось до 3 дней", "open": "на исполнении"}
ORDERS: Final = {"new": "сначала новые", "old": "сначала старые", "number": "по номеру"}
# What a row may do without: left out where the reader asks.
PIECES: Final = {"applicant": "заявитель", "channel": "канал", "executor": "исполнитель", "unit": "подразделение"}
MOST_PAGES: Final = 100_000


def read(user: Employee, given: QueryDict) -> tuple[str, queues.Filters]:
    """Return the view and its filters; what makes no sense does not narrow; raise 404 where there is no such view."""
    mine = [view.code for view in queues.views_for(user)]
    code = given.get("view", "") or "all"
    if code not in queues.VIEWS:
        raise Http404
    hidden = {one for sent in given.getlist("hide") for one in sent.split(",")}
    return code if code in mine else "all", queues.Filters(
        channel=_known(given.get("channel"), ChannelCode.values),
        topic=typed.number(given.get("topic")),
        unit=typed.number(given.get("unit")),
        term=_known(given.get("term"), TERMS),
        text=given.get("text", "")[:200],
        need=typed.number(given.get("need")),
        executor=typed.number(given.get("executor")),
        came_first=typed.day(given.get("came_first")),
        came_last=typed.day(given.get("came_last")),
        ended_first=typed.day(given.get("ended_first")),
        ended_last=typed.day(given.get("ended_last")),
        mark=_known(given.get("mark"), measured.LISTED),
        lane=_known(given.get("lane"), measured.LANES),
        order=_known(given.get("order"), ORDERS),
        hide=",".join(one for one in PIECES if one in hidden),
        dense=given.get("dense") == "1",
        page=min(typed.number(given.get("page")) or 1, MOST_PAGES),
    )


def write(view: str, filters: queues.Filters, **changes: Any) -> str:
    """Return the query of an address that asks for this."""
    pairs = {"view": view, **vars(filters), **changes}
    said = {name: "1" if value is True else value for name, value in pairs.items() if value}
    return urlencode({name: value for name, value in said.items() if (name, value) != ("page", 1)})


# What only the address of a list says, no field of its form: what a figure counts.
COUNTED: Final = (
    *("need", "executor", "came_first", "came_last", "ended_first", "ended_last"),
    *("mark", "lane"),
)


def counted(filters: queues.Filters) -> list[tuple[str, str]]:
    """Return what a figure asks of a list, name and value, to be carried along by the list's form."""
    said = {name: getattr(filters, name) for name in COUNTED}
    return [(name, str(value)) for name, value in said.items() if value]


def counted_words(filters: queues.Filters) -> str:
    """Say in words what a figure asks of a list: «закончено 01.11.2026 — 30.11.2026, в срок, по 59-ФЗ»."""
    parts = []
    for words, first, last in (
        ("поступило", filters.came_first, filters.came_last),
        ("закончено", filters.ended_first, filters.ended_last),
    ):
        if first or last:
            parts.append(f"{words} {f'{first:%d.%m.%Y}' if first else '…'} — {f'{last:%d.%m.%Y}' if last else '…'}")
    parts += [measured.LISTED[filters.mark].words] if filters.mark else []
    parts += [measured.LANES[filters.lane][0]] if filters.lane else []
    parts += ["одной потребности"] if filters.need else []
    parts += ["одного исполнителя"] if filters.executor else []
    return ", ".join(parts)


def _known(value: str | None, among: Any) -> str:
    return value if value and value in among else ""
