"""What a leaving employee holds in the rooms around the appeals: each kind passed on by its own room's function.

What a colleague cannot simply take over (a reception asks for an authority of one's own) is named with where to decide.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from django.urls import reverse
from django.utils import timezone

from otklik.appeals import handover
from otklik.appeals.permissions import check_power
from otklik.channels.webhooks import subscriptions
from otklik.core.terms import valid
from otklik.hotline import missed, promises
from otklik.people import roles, tokens
from otklik.people.models import AccessToken, Employee
from otklik.reception import authority, instructions
from otklik.reception.models import Appointment


@dataclass(frozen=True)
class Duty:
    """A kind of duty. `powers`: any of them makes a colleague fit to be offered; `line`: how one is told in a list."""

    code: str
    title: str
    powers: tuple[str, ...]
    held: Callable[[Employee], Iterable[Any]]
    line: Callable[[Any], str]
    pass_on: Callable[[Any, Employee, Employee], None]


DUTIES: Final = (
    Duty(
        "instructions",
        "поручения с приёма",
        (),
        instructions.owed_by,
        lambda row: f"Поручение с приёма {row.card.number}, до {row.due_on:%d.%m.%Y}",
        lambda row, taker, by: instructions.pass_on(row, taker, by=by),
    ),
    Duty(
        "promises",
        "обещания перезвонить",
        (promises.CONSULTANT, promises.HEAD),
        promises.owed_by,
        lambda row: f"Обещал перезвонить до {timezone.localtime(row.due_at):%d.%m.%Y %H:%M}",
        lambda row, taker, by: promises.pass_on(row, taker, by=by),
    ),
    Duty(
        "connections",
        "сообщения другим системам",
        (),
        subscriptions.answered_for_by,
        lambda row: f"Отвечает за сообщения системе «{row.name}»",
        lambda row, taker, by: subscriptions.pass_on(row, taker, by=by),
    ),
)


@dataclass(frozen=True)
class Others:
    """What an employee holds, by kind; `missed`: calls he has taken, which go back into the common list."""

    rows: dict[Duty, list[Any]]
    missed: list[Any]

    def __bool__(self) -> bool:
        return bool(self.rows or self.missed)

    def lines(self) -> list[str]:
        """Return each in words; neither names nor numbers of people."""
        told = [duty.line(row) for duty, rows in self.rows.items() for row in rows]
        return [*told, *("Взял пропущенный звонок: вернётся в общий список" for _ in self.missed)]


def held_by(employee: Employee) -> Others:
    """Return what the employee himself holds now."""
    found = {duty: list(duty.held(employee)) for duty in DUTIES}
    return Others({duty: rows for duty, rows in found.items() if rows}, list(missed.in_hand_of(employee)))


def pass_on(employee: Employee, *, to: Mapping[str, Employee], by: Employee) -> bool:
    """Pass all of it on inside the caller's transaction, kind → who takes it; tell whether there was anything."""
    check_power(by, roles.MANAGE, "передать дела сотрудника")
    others = held_by(employee)
    if lacking := [duty.title for duty in others.rows if duty.code not in to]:
        raise handover.CannotTake(what=f"Выберите, кому передать: {', '.join(lacking)}.")
    for duty, rows in others.rows.items():
        taker = to[duty.code]
        if taker.pk == employee.pk or not taker.is_active:
            raise handover.CannotTake(what=f"{taker.short_name}: дела передают другому, работающему сотруднику.")
        for row in rows:
            duty.pass_on(row, taker, by)
    for row in others.missed:
        missed.let_go(row, by=by)
    return bool(others)


def apart(employee: Employee) -> list[tuple[str, str]]:
    """Return what is decided elsewhere, in words, with an address where there is one for who manages the staff."""
    today = timezone.localdate()
    found = []
    here = Appointment.objects.filter(official=employee, state=Appointment.State.ARRIVED, ends_at__gt=timezone.now())
    if number := here.count():
        found.append((f"Уже пришли к нему на приём: {number}. Приём ведёт он или передаёт карточку приёма.", ""))
    if authority.valid_on(today).filter(official=employee).exists():
        found.append(("Полномочие на личный приём: его прекращает приёмная.", ""))
    if number := AccessToken.objects.filter(tokens.running(today), owner=employee).count():
        words = f"Ключи доступа программ от его имени: {number}. После блокировки они не действуют."
        found.append((words, reverse("workplace:tokens")))
    if number := employee.extensions.filter(valid(today)).count():
        words = f"Внутренние номера телефона: {number}. Завершите их, чтобы выдать другому."
        found.append((words, reverse("workplace:employee", args=[employee.pk])))
    return found
