"""The left menu: what an employee's powers open, with live counters."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import NoReverseMatch, reverse

from otklik.core.access import requires
from otklik.people.models import Employee


@dataclass(frozen=True)
class Item:
    """One line of the menu; `view` is a queue's code, `counter` names its number."""

    label: str
    icon: str
    name: str
    powers: tuple[str, ...] = ()
    view: str = ""
    counter: str = ""
    hot: bool = False
    inner: bool = False

    def url(self) -> str:
        """Return the address."""
        return reverse(f"workplace:{self.name}") + (f"?view={self.view}" if self.view else "")


@dataclass(frozen=True)
class Shown:
    """A line as the template draws it."""

    label: str
    icon: str
    url: str
    current: bool
    number: int
    hot: bool
    inner: bool


APPEALS: Final = ("appeals.view_all", "appeals.view_unit", "appeals.view_own")

GROUPS: Final[tuple[tuple[Item, ...], ...]] = (
    (
        Item("Сегодня", "sun", "today"),
        Item("Обращения", "inbox", "queue", APPEALS),
        Item("Мои", "", "queue", APPEALS, view="mine", counter="mine", inner=True),
        Item("На регистрацию", "", "queue", ("intake.view",), view="registration", counter="registration", inner=True),
        Item(
            "На классификацию",
            "",
            "queue",
            ("appeals.classify",),
            view="classification",
            counter="classification",
            inner=True,
        ),
        Item("На согласование", "", "queue", ("appeals.approve",), view="approval", counter="approval", inner=True),
        Item(
            "На подпись",
            "",
            "queue",
            ("appeals.sign", "appeals.attest"),
            view="signing",
            counter="signing",
            inner=True,
        ),
        Item("Горят сроки", "", "queue", APPEALS, view="burning", counter="burning", hot=True, inner=True),
        Item("Карантин", "shield-question", "quarantine", ("intake.decide",), counter="quarantine"),
        Item("Заявители", "users", "applicants", ("applicants.view",)),
    ),
    (
        Item("База знаний", "book-2", "knowledge", ("knowledge.read",)),
        Item("Отзывы", "star", "feedback", APPEALS),
    ),
    (
        Item("Календарь и сроки", "calendar", "calendar", ("calendar.edit",)),
        Item("Журнал", "history", "journal", ("journal.view",)),
    ),
)


def groups_for(employee: Employee, *, path: str, view: str, numbers: Mapping[str, int]) -> list[list[Shown]]:
    """Return the menu's groups as this employee sees them on this page."""
    shown = [list(_lines(group, employee, path, view, numbers)) for group in GROUPS]
    return [group for group in shown if group]


def _lines(
    group: Iterable[Item], employee: Employee, path: str, view: str, numbers: Mapping[str, int]
) -> Iterable[Shown]:
    for item in group:
        if item.powers and not any(employee.has_power(power) for power in item.powers):
            continue
        try:
            url = item.url()
        except NoReverseMatch:
            continue
        current = url.partition("?")[0] == path and item.view == view
        number = numbers.get(item.counter, 0)
        yield Shown(item.label, item.icon, url, current, number, item.hot and number > 0, item.inner)


def numbers_for(employee: Employee) -> dict[str, int]:
    """Return the live counters of the queues this employee sees."""
    return {}


@requires()
def menu(request: HttpRequest) -> HttpResponse:
    """Show the menu's lines anew: called every minute by open pages."""
    assert isinstance(request.user, Employee)
    groups = groups_for(
        request.user,
        path=request.GET.get("at", ""),
        view=request.GET.get("view", ""),
        numbers=numbers_for(request.user),
    )
    return render(request, "workplace/menu.html", {"groups": groups})
