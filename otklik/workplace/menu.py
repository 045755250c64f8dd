"""The left menu: what an employee's powers open, with live counters."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final

from django.http import HttpResponse
from django.shortcuts import render
from django.urls import reverse

from otklik.appeals import queues
from otklik.core.access import requires
from otklik.people.models import Employee
from otklik.workplace.requests import StaffRequest


@dataclass(frozen=True)
class Item:
    """One section of the menu; `powers`: any of them opens it, none named: everybody."""

    label: str
    icon: str
    name: str
    powers: tuple[str, ...] = ()
    counter: str = ""


@dataclass(frozen=True)
class Line:
    """A line as the template draws it."""

    label: str
    url: str
    current: bool
    icon: str = ""
    number: int = 0
    hot: bool = False
    inner: bool = False


APPEALS: Final = ("appeals.view_all", "appeals.view_unit", "appeals.view_own", "intake.view")
HOT: Final = {"due", "undelivered"}

GROUPS: Final[tuple[tuple[Item, ...], ...]] = (
    (
        Item("Сегодня", "sun", "today"),
        Item("Обращения", "inbox", "queue", APPEALS),
        Item("Недоставленное", "mail-x", "deliveries", ("appeals.dispatch",)),
        Item("Карантин", "shield-question", "quarantine", ("intake.decide",)),
        Item("Заявители", "users", "applicants", ("applicants.view",)),
        Item("Отзывы", "mood-smile", "feedback", ("appeals.view_all", "appeals.view_unit", "appeals.view_own")),
        Item("База знаний", "book-2", "knowledge", ("knowledge.read",)),
    ),
    (
        Item("Сверка приёма", "scale", "reconciliation", ("intake.view",)),
        Item("Календарь", "calendar", "calendar", ("calendar.edit",)),
        Item("Сроки", "clock-cog", "terms", ("calendar.edit",)),
        Item("Журнал", "history", "journal", ("journal.view",)),
        Item("Ключи доступа", "key", "tokens", ("people.manage",)),
        Item("Замещение", "user-share", "away"),
    ),
)


def groups_for(employee: Employee, *, path: str, view: str, numbers: Mapping[str, int]) -> list[list[Line]]:
    """Return the menu's groups as this employee sees them on this page."""
    groups = [list(_lines(group, employee, path, view, numbers)) for group in GROUPS]
    return [group for group in groups if group]


def _lines(
    group: Iterable[Item], employee: Employee, path: str, view: str, numbers: Mapping[str, int]
) -> Iterable[Line]:
    for item in group:
        if item.powers and not any(employee.has_power(power) for power in item.powers):
            continue
        url = reverse(f"workplace:{item.name}")
        here = url == path
        yield Line(item.label, url, here and not view, item.icon, numbers.get(item.counter, 0))
        if item.name == "queue":
            yield from _queue_lines(employee, url, view if here else "", numbers)


def _queue_lines(employee: Employee, url: str, view: str, numbers: Mapping[str, int]) -> Iterable[Line]:
    for one in queues.views_for(employee):
        number = numbers.get(one.code, 0)
        if one.code == "all" or (one.code in HOT and not number and view != one.code):
            continue
        yield Line(
            one.title,
            f"{url}?view={one.code}",
            one.code == view,
            number=number,
            hot=one.code in HOT and number > 0,
            inner=True,
        )


@requires()
def menu(request: StaffRequest) -> HttpResponse:
    """Show the menu's lines anew: open pages ask every minute."""
    groups = groups_for(
        request.user,
        path=request.GET.get("at", ""),
        view=request.GET.get("view", ""),
        numbers=queues.counters(request.user),
    )
    return render(request, "workplace/menu.html", {"groups": groups})
