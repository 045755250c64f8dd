"""The department's working hours, by the production calendar."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Final

from django.utils import timezone

from otklik.core.models import CalendarDay
from otklik.core.workdays import WorkCalendar

FRIDAY: Final = 4


@dataclass(frozen=True, kw_only=True)
class Hours:
    """From when till when people work on working days."""

    opens: time
    closes: time
    closes_on_friday: time
    shorter_before_holidays: bool

    def closing(self, day: date, kind: str) -> time:
        """Return when work ends on this working day."""
        closes = self.closes_on_friday if day.weekday() == FRIDAY else self.closes
        if kind == CalendarDay.Kind.SHORTENED and self.shorter_before_holidays:
            return closes.replace(hour=closes.hour - 1)  # ТК РФ, ст. 95
        return closes


# п. 28 of the Procedure names these hours.
DEPARTMENT: Final = Hours(opens=time(9), closes=time(18), closes_on_friday=time(17), shorter_before_holidays=True)


def midnight(day: date, days: int = 0) -> datetime:
    """Return the moment a day begins where the department is, or so many days later."""
    return _moment(day + timedelta(days=days), time.min)


def when_at_work(at: datetime, calendar: WorkCalendar, hours: Hours = DEPARTMENT) -> datetime:
    """Return the moment itself where people are at work then, else the beginning of the next working morning."""
    now = timezone.localtime(at)
    today = now.date()
    if calendar.is_working(today):
        if hours.opens <= now.time() < hours.closing(today, calendar.day(today).kind):
            return at
        if now.time() < hours.opens:
            return _moment(today, hours.opens)
    return _moment(calendar.next_working(today), hours.opens)


def at_work_between(since: datetime, until: datetime, calendar: WorkCalendar, hours: Hours = DEPARTMENT) -> timedelta:
    """Return for how long people have been at work between two moments; nothing where the second is the earlier."""
    since, until = timezone.localtime(since), timezone.localtime(until)
    total, day = timedelta(), since.date()
    while day <= until.date():
        if calendar.is_working(day):
            opens, closes = _moment(day, hours.opens), _moment(day, hours.closing(day, calendar.day(day).kind))
            total += max(timedelta(), min(until, closes) - max(since, opens))
        day += timedelta(days=1)
    return total


def next_time(at: datetime, of_day: time, calendar: WorkCalendar | None) -> datetime:
    """Return the next moment after `at` when the clock shows this; with a calendar on a working day only."""
    day = timezone.localdate(at)
    moment = _moment(day, of_day)
    if moment <= at or (calendar and not calendar.is_working(day)):
        moment = _moment(calendar.next_working(day) if calendar else day + timedelta(days=1), of_day)
    return moment


def _moment(day: date, of_day: time) -> datetime:
    return timezone.make_aware(datetime.combine(day, of_day))
