"""What everybody may know of the reception: who receives, when, where, by which telephones one makes an appointment.

One truth: the portal, the Knowledge Base and the call screen ask here for what holds now; nobody keeps a copy.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Any, Final

from django.db import transaction
from django.utils import timezone

from otklik.core import calendar, journal
from otklik.core import hours as working
from otklik.core.terms import valid
from otklik.people.models import Employee
from otklik.reception import authority, schedule
from otklik.reception.models import Authority, ReceptionException, ReceptionPhone, ReceptionRule, Room
from otklik.reception.rooms import WrongDays
from otklik.reception.schedule import Reception

AHEAD: Final = 31


@dataclass(frozen=True)
class Day:
    """A day to come on which an official receives: hours in words, where, and what is unlike the rule."""

    on: date
    words: str
    room: Room
    why: str = ""


@dataclass(frozen=True)
class Receives:
    """An official with the days of his reception, by the week and to come."""

    official: Employee
    weekly: list[tuple[str, Room]]
    days: list[Day]
    cancelled: list[tuple[date, str]] = field(default_factory=list)


def phones(on: date) -> list[ReceptionPhone]:
    """Return the telephones by which appointments are made on a day."""
    return list(ReceptionPhone.objects.filter(valid(on)))


def phone_words(on: date) -> str:
    """Return the telephones separated by commas."""
    return ", ".join(one.number for one in phones(on))


def phone_hours() -> str:
    """Return when an appointment is made by telephone (п. 28: «в рабочие часы»)."""
    at = working.DEPARTMENT
    return f"пн–чт {at.opens:%H:%M}–{at.closes:%H:%M}, пт {at.opens:%H:%M}–{at.closes_on_friday:%H:%M}"


def hours(on: date, days: int = AHEAD) -> list[Receives]:
    """Return every official who is authorised and receives in the days to come, by name; five queries at most.

    A day for which his authority does not count is not shown: nobody would be received.
    """
    last = on + timedelta(days=days - 1)
    people = list(authority.officials(on))
    powers = defaultdict(list)
    for row in Authority.objects.filter(official__in=people):
        powers[row.official_id].append((row.valid_from, row.valid_to))
    rules = ReceptionRule.objects.filter(valid(on), official__in=people).order_by("weekday", "opens")
    weekly = defaultdict(list)
    places = {room.pk: room for room in Room.objects.all()}
    for rule in rules:
        weekly[rule.official_id].append((schedule.weekly(rule), places[rule.room_id]))
    coming = defaultdict(list)
    for one in schedule.receptions(on, last, [person.pk for person in people]):
        if any(first <= one.day and (end is None or one.day <= end) for first, end in powers[one.official_id]):
            coming[one.official_id].append(one)
    cancelled = defaultdict(list)
    unlike = ReceptionException.objects.filter(official__in=people, date__range=(on, last), opens=None)
    for exception in unlike:
        cancelled[exception.official_id].append((exception.date, exception.why))
    return [
        Receives(person, weekly[person.pk], _days(coming[person.pk], places), cancelled[person.pk])
        for person in people
        if coming[person.pk] or weekly[person.pk]
    ]


def _days(found: list[Reception], places: Mapping[int, Room]) -> list[Day]:
    """Put the stretches of a day in one room together."""
    days: dict[tuple[date, int], list[Reception]] = {}
    for one in found:
        days.setdefault((one.day, one.room_id), []).append(one)
    return [
        Day(on, ", ".join(one.words for one in parts), places[room], next((one.why for one in parts if one.why), ""))
        for (on, room), parts in days.items()
    ]


@transaction.atomic
def keep_phone(row: ReceptionPhone, *, changed: Mapping[str, Any], by: Employee) -> ReceptionPhone:
    """Write down a telephone of the appointment, a new one too. Raises WrongDays."""
    if row.valid_to and row.valid_to < row.valid_from:
        raise WrongDays(since=row.valid_from)
    is_new = row._state.adding
    row.save()
    journal.record(
        "reception.phone_added" if is_new else "reception.phone_changed",
        chain="reception",
        by=by,
        row=row.pk,
        fields=sorted(changed),
    )
    return row


def in_hours_now() -> bool:
    """Tell whether appointments are made by telephone at this moment."""
    now = timezone.now()
    return working.when_at_work(now, calendar.current()) == now
