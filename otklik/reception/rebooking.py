"""A day moved or cancelled, a room closed: each who was to come gets another time of the same official and is told."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, time, timedelta
from typing import Final

from django.db import transaction
from django.utils import timezone

from otklik.core.errors import DomainError
from otklik.people.models import Employee
from otklik.reception import appointments, displaced, finder
from otklik.reception.models import Appointment, ReceptionException
from otklik.reception.schedule import Slot

AHEAD: Final = timedelta(days=60)
MOST_FREE: Final = 400  # free times looked at
CHOICES: Final = 8  # times to choose from beside the one proposed


class NobodyChosen(DomainError):
    """No time was chosen for anybody."""

    code = "reception.nobody_rebooked"
    text = "Выберите новое время хотя бы одному из записанных."


class NotRebooked(DomainError):
    """One of the times cannot be given: nobody is moved."""

    code = "reception.not_rebooked"
    text = "{was:%d.%m.%Y %H:%M}, {who}: {why} Никто не перенесён, проверьте список и повторите."
    status = 409


@dataclass(frozen=True)
class Proposal:
    """An appointment that cannot stay, the time proposed instead and others to choose from."""

    row: Appointment
    slot: Slot | None
    others: tuple[Slot, ...]


def waiting(official: Employee) -> list[Appointment]:
    """Return whose appointments with an official cannot stay, the nearest first; who has come is met by the desk."""
    rows = displaced.waiting().filter(official=official, state=Appointment.State.BOOKED)
    return list(rows.select_related("official", "room", "topic"))


def proposed(official: Employee) -> list[Proposal]:
    """Return another time for each: on the day his day was moved to at the nearest hour, else the soonest after it.

    Nobody is proposed today or a day before the one he was promised; no time is proposed twice.
    """
    rows, tomorrow = waiting(official), timezone.localdate() + timedelta(days=1)
    moved_to = _moved_to(official, rows)
    known: dict[tuple[int | None, bool, date], list[Slot]] = {}
    given: set[Slot] = set()
    found = []
    for row in rows:
        first = moved_to.get(timezone.localdate(row.starts_at)) or timezone.localdate(row.starts_at)
        asked = (row.topic_id, row.needs_access, max(first, tomorrow))
        if asked not in known:
            known[asked] = finder.free(
                asked[2],
                asked[2] + AHEAD,
                official=official,
                topic=row.topic,
                needs_access=row.needs_access,
                limit=MOST_FREE,
            )
        free = [slot for slot in known[asked] if slot not in given]
        day = [slot for slot in free if free[0].starts_at.date() == slot.starts_at.date()]
        hour = timezone.localtime(row.starts_at).time()
        # The same hour if it is free, else the nearest: a person has arranged his day around it.
        best = min(day, key=lambda slot: (abs(_minutes(slot.starts_at.time()) - _minutes(hour)), slot), default=None)
        if best is not None:
            given.add(best)
        found.append(Proposal(row, best, tuple(slot for slot in free if slot != best)[:CHOICES]))
    return found


@transaction.atomic
def rebook(official: Employee, chosen: Mapping[int, str], *, by: Employee) -> int:
    """Give each the time chosen for him, appointment → time as forms name it; each is told. All of them or nobody."""
    moved = 0
    for row in waiting(official):
        name = chosen.get(row.pk, "")
        if not name:
            continue
        was, who = timezone.localtime(row.starts_at), row.masked_name
        try:
            appointments.move(row, appointments.chosen(name), by=by, why=row.to_move)
        except DomainError as refusal:
            raise NotRebooked(was=was, who=who, why=str(refusal)) from refusal
        moved += 1
    if not moved:
        raise NobodyChosen
    return moved


def _moved_to(official: Employee, rows: list[Appointment]) -> dict[date, date]:
    days = {timezone.localdate(row.starts_at) for row in rows}
    found = ReceptionException.objects.filter(official=official, moved_from__in=days)
    return {row.moved_from: row.date for row in found if row.moved_from}


def _minutes(at: time) -> int:
    return at.hour * 60 + at.minute
