"""Rooms of reception: what is said of them, what was checked there and what that bars (п. 35.1)."""

from __future__ import annotations

import builtins
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any, Final

from django.db import transaction
from django.utils import timezone

from otklik.core import journal
from otklik.core.errors import DomainError
from otklik.core.terms import valid
from otklik.people.models import Employee
from otklik.reception.models import Appointment, Room, RoomCheck

POWER: Final = "reception.schedule"
SOON: Final = 30  # days: what lapses within them is told beforehand
Property = RoomCheck.Property


class WrongDays(DomainError):
    """The last day is before the first."""

    code = "reception.wrong_days"
    text = "Последний день раньше первого, {since:%d.%m.%Y}. Исправьте одну из дат."


class NotYetChecked(DomainError):
    """A check is written down when it has been made."""

    code = "reception.check_to_come"
    text = "Проверка {on:%d.%m.%Y} ещё не состоялась. Внесите её в день проверки или исправьте дату."


class SeatsInUse(DomainError):
    """Appointments already hold a seat that would be no more."""

    code = "reception.seats_in_use"
    text = "Место № {seat} занято записями: последняя — {last:%d.%m.%Y}. Сначала перенесите их."


@dataclass(frozen=True)
class Fitness:
    """One property of a room on a day: whether it counts, in words; the check that says so, if there was one."""

    property: str
    ok: bool
    words: str
    check: RoomCheck | None = None
    days_left: int | None = None

    @builtins.property
    def name(self) -> str:
        """Return what п. 35.1 asks, in words."""
        return str(Property(self.property).label)

    @builtins.property
    def lapses_soon(self) -> bool:
        """Tell whether it counts and will not within a month."""
        return self.ok and self.days_left is not None and self.days_left < SOON


class Checks:
    """What was checked in these rooms, read at once: many rooms and days are judged by one query."""

    def __init__(self, rooms: Iterable[Room]) -> None:
        self._rooms = {room.pk: room for room in rooms}
        self._found: dict[tuple[int, str], list[RoomCheck]] = {}
        rows = RoomCheck.objects.filter(room__in=self._rooms).select_related("checked_by")
        for row in rows.order_by("-checked_on", "-pk"):
            self._found.setdefault((row.room_id, row.property), []).append(row)

    def fitness(self, room: int, on: date) -> list[Fitness]:
        """Return the five properties of a room on a day; of each the newest check made by that day counts."""
        return [_judged(code, self._newest(room, code, on), on) for code in Property.values]

    def bars(self, room: int, on: date, *, needs_access: bool = False) -> list[str]:
        """Return why a room may not be used on a day; nothing where it may."""
        return _bars(self._rooms[room], self.fitness(room, on), on, needs_access=needs_access)

    def _newest(self, room: int, code: str, on: date) -> RoomCheck | None:
        return next((one for one in self._found.get((room, code), ()) if one.checked_on <= on), None)


def _judged(code: str, check: RoomCheck | None, on: date) -> Fitness:
    if check is None:
        return Fitness(code, ok=False, words="не проверялось")
    if not check.passed:
        return Fitness(code, False, f"не соответствует: проверка {check.checked_on:%d.%m.%Y}", check)
    left = (check.valid_until - on).days
    if left < 0:
        return Fitness(code, False, f"срок проверки истёк {check.valid_until:%d.%m.%Y}", check, left)
    return Fitness(code, True, f"соответствует по {check.valid_until:%d.%m.%Y}", check, left)


def _bars(room: Room, found: Iterable[Fitness], on: date, *, needs_access: bool) -> list[str]:
    said = []
    if on < room.valid_from or (room.valid_to is not None and on > room.valid_to):
        said.append("помещение в этот день не действует")
    for one in found:
        if not one.ok:
            needed = ", а заявителю она нужна" if needs_access and one.property == Property.ACCESSIBLE else ""
            said.append(f"{one.name}: {one.words}{needed}")
    return said


def fitness(room: Room, on: date) -> list[Fitness]:
    """Return the five properties п. 35.1 asks of a room, as they stand on a day."""
    return Checks([room]).fitness(room.pk, on)


def bars(room: Room, on: date, *, needs_access: bool = False) -> list[str]:
    """Return why a room may not be used on a day, empty where it may: a property never checked, failed or lapsed.

    п. 35.1 asks accessibility of every room; where the applicant needs it the reason says so.
    """
    return Checks([room]).bars(room.pk, on, needs_access=needs_access)


def in_use(on: date) -> list[Room]:
    """Return the rooms that count on a day, in their order."""
    return list(Room.objects.filter(valid(on)))


def unfit(on: date) -> dict[Room, list[str]]:
    """Return the rooms in use that may not be used on a day, each with the reasons."""
    rooms = in_use(on)
    checks = Checks(rooms)
    return {room: said for room in rooms if (said := checks.bars(room.pk, on))}


@transaction.atomic
def keep(room: Room, *, changed: Mapping[str, Any], by: Employee) -> list[Appointment]:
    """Write down what is said of a room, a new one too; return the appointments that cannot stay in it.

    Raises WrongDays, SeatsInUse.
    """
    from otklik.reception import displaced

    if room.valid_to and room.valid_to < room.valid_from:
        raise WrongDays(since=room.valid_from)
    is_new = room._state.adding
    if not is_new:
        Room.objects.select_for_update().get(pk=room.pk)
        sitting = room.appointments.filter(
            state__in=Appointment.LIVE, seat__gt=room.seats, ends_at__gt=timezone.now()
        ).order_by("-starts_at")
        if last := sitting.first():
            raise SeatsInUse(seat=last.seat, last=timezone.localtime(last.starts_at))
    room.save()
    journal.record(
        "reception.room_added" if is_new else "reception.room_changed",
        chain=f"room:{room.pk}",
        by=by,
        fields=sorted(changed),
    )
    return displaced.look(by=by, room=room)


@transaction.atomic
def check(
    room: Room, property: str, *, passed: bool, checked_on: date, valid_until: date, basis: str, by: Employee
) -> list[Appointment]:
    """Write down a check of one property; return the appointments that must now be moved.

    Raises NotYetChecked, WrongDays.
    """
    from otklik.reception import displaced

    if checked_on > timezone.localdate():
        raise NotYetChecked(on=checked_on)
    if valid_until < checked_on:
        raise WrongDays(since=checked_on)
    row = RoomCheck.objects.create(
        room=room,
        property=Property(property),
        passed=passed,
        checked_on=checked_on,
        valid_until=valid_until,
        basis=basis,
        checked_by=by,
    )
    journal.record(
        "reception.room_checked",
        chain=f"room:{room.pk}",
        by=by,
        row=row.pk,
        what=property,
        approved=passed,
        on=checked_on,
        till=valid_until,
    )
    return displaced.look(by=by, room=room)


def first_bar(room: Room, on: date) -> date | None:
    """Return the first day from this one on at which the room may not be used as things stand; None: no such day."""
    found = fitness(room, on)
    if _bars(room, found, on, needs_access=False):
        return on
    ends = [one.check.valid_until for one in found if one.check] + ([room.valid_to] if room.valid_to else [])
    return min(ends) + timedelta(days=1) if ends else None
