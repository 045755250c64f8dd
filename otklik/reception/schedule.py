"""When officials receive: rules by the production calendar, exceptions, the slots of a day."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import TypeVar

from django.db.models import QuerySet
from django.utils import timezone

from otklik.core import calendar
from otklik.core.workdays import WorkCalendar
from otklik.reception.models import ReceptionException, ReceptionRule

Row = TypeVar("Row", ReceptionRule, ReceptionException)


@dataclass(frozen=True, order=True)
class Slot:
    """One person's time with an official, aware local moments, the end not included; free or not."""

    starts_at: datetime
    ends_at: datetime
    official_id: int
    room_id: int


def slots(
    first: date, last: date, *, officials: Iterable[int] | None = None, work: WorkCalendar | None = None
) -> list[Slot]:
    """Return every slot of the period, both days included, in order of time; authority and rooms are asked elsewhere.

    Two questions to the database, whatever the period.
    """
    work = work or calendar.current()
    rules = list(_of(ReceptionRule.objects.all(), officials))
    unlike = {
        (row.official_id, row.date): row
        for row in _of(ReceptionException.objects.filter(date__range=(first, last)), officials)
    }
    found: list[Slot] = []
    for (official, day), row in unlike.items():
        found += _cut(row, official, day)
    for day in (first + timedelta(days=ahead) for ahead in range((last - first).days + 1)):
        if not work.is_working(day):
            continue
        for rule in rules:
            if (rule.official_id, day) not in unlike and _meets(rule, day):
                found += _cut(rule, rule.official_id, day)
    return sorted(found)


def _of(rows: QuerySet[Row], officials: Iterable[int] | None) -> QuerySet[Row]:
    return rows if officials is None else rows.filter(official__in=list(officials))


def _meets(rule: ReceptionRule, day: date) -> bool:
    in_force = rule.valid_from <= day and (rule.valid_to is None or day <= rule.valid_to)
    return in_force and day.weekday() == rule.weekday and rule.week in (0, (day.day - 1) // 7 + 1)


def _cut(row: ReceptionRule | ReceptionException, official: int, day: date) -> list[Slot]:
    """Cut the hours of a day into slots; one that would reach into the break or past the end is not offered."""
    if row.opens is None or row.closes is None or row.room_id is None:
        return []
    length, pause = timedelta(minutes=row.slot_minutes), timedelta(minutes=row.pause_minutes)
    parts = [(row.opens, row.closes)]
    if row.break_from is not None and row.break_to is not None:
        parts = [(row.opens, row.break_from), (row.break_to, row.closes)]
    found = []
    for opens, closes in parts:
        at, until = _moment(day, opens), _moment(day, closes)
        while at + length <= until:
            found.append(Slot(at, at + length, official, row.room_id))
            at += length + pause
    return found


def _moment(day: date, at: time) -> datetime:
    return timezone.make_aware(datetime.combine(day, at))
