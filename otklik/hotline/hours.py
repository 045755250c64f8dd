"""When a telephone line is answered: its own hours, by the production calendar, but for days an editor has entered."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Final, NamedTuple

from django.db.models import Prefetch, Q
from django.utils import timezone

from otklik.core import calendar
from otklik.core.workdays import WorkCalendar
from otklik.hotline.models import Line, LineException, LineHours

MONDAY: Final = 0
FRIDAY: Final = 4
LOOK_AHEAD: Final = timedelta(days=20)  # the longest holidays are shorter
_HOUR: Final = timedelta(hours=1)


class Interval(NamedTuple):
    """From when till when, local time, the end not included."""

    starts: datetime
    ends: datetime


@dataclass(frozen=True)
class Opening:
    """Whether a line is answered at a moment, and what to tell about it."""

    line: Line
    is_open: bool
    changes_at: datetime | None  # when it closes, or opens next; None where that is further than anybody plans
    words: str  # «открыта до 18:00», «закрыта, откроется завтра в 09:00»


class Schedule:
    """The hours of one line, read once; every question about a moment is answered from memory."""

    def __init__(self, line: Line, work: WorkCalendar) -> None:
        """Take a line with its `hours` and `exceptions` prefetched, or have them read now."""
        self.line = line
        self._work = work
        self._hours = list(line.hours.all())
        self._exceptions = {row.date: row for row in line.exceptions.all()}

    def intervals(self, day: date) -> list[Interval]:
        """Return when the line is answered on a day: nothing, one interval, or two around a break."""
        rule = self._exceptions.get(day) or self._rule(day)
        if rule is None or rule.opens is None or rule.closes is None:
            return []
        opens, closes = _moment(day, rule.opens), _moment(day, rule.closes)
        if isinstance(rule, LineHours) and self.line.shorter_before_holidays and self._is_shortened(day):
            closes -= _HOUR  # ТК РФ, ст. 95
        if rule.break_from is None or rule.break_to is None:
            parts = [(opens, closes)]
        else:
            parts = [(opens, min(_moment(day, rule.break_from), closes)), (_moment(day, rule.break_to), closes)]
        return [Interval(*part) for part in parts if part[0] < part[1]]

    def is_open(self, at: datetime) -> bool:
        """Tell whether the line is answered at this moment."""
        now = timezone.localtime(at)
        return any(part.starts <= now < part.ends for part in self.intervals(now.date()))

    def opening(self, at: datetime) -> Opening:
        """Tell whether the line is answered now, until when, or when it will be."""
        now = timezone.localtime(at)
        for part in self._from(now):
            if part.starts <= now:
                return Opening(self.line, True, part.ends, f"открыта до {part.ends:%H:%M}")
            ahead = (part.starts.date() - now.date()).days
            day = ("сегодня", "завтра")[ahead] if ahead < 2 else f"{part.starts:%d.%m}"
            return Opening(self.line, False, part.starts, f"закрыта, откроется {day} в {part.starts:%H:%M}")
        return Opening(self.line, False, None, "закрыта")

    def after(self, at: datetime, minutes: int) -> datetime:
        """Return the moment when so many minutes of the line's hours will have passed since `at`."""
        left = timedelta(minutes=minutes)
        now = timezone.localtime(at)
        for part in self._from(now):
            starts = max(part.starts, now)
            if starts + left <= part.ends:
                return starts + left
            left -= part.ends - starts
        return now + left  # a line that is never answered

    def note(self, day: date) -> str:
        """Return why a day is unlike its weekday: the editor's words or the calendar's; empty where it is like it."""
        if (row := self._exceptions.get(day)) is not None:
            return row.why
        what = self._work.day(day)
        if what.kind == "shortened":
            return "предпраздничный день" if self.line.shorter_before_holidays else ""
        if what.kind == "holiday" or (what.kind == "off" and day.weekday() <= FRIDAY):
            return what.title or "выходной по календарю"
        return "рабочая суббота" if what.kind == "working" and day.weekday() > FRIDAY else ""

    def _from(self, now: datetime) -> Iterator[Interval]:
        """Yield what is left of today and the days to come."""
        for ahead in range(LOOK_AHEAD.days + 1):
            yield from (part for part in self.intervals(now.date() + timedelta(days=ahead)) if part.ends > now)

    def _rule(self, day: date) -> LineHours | None:
        if not self._work.is_working(day):
            return None
        weekday = day.weekday()
        if weekday > FRIDAY:  # a working Saturday stands for a day of the week
            if not self.line.open_on_moved_days:
                return None
            weekday = MONDAY
        of_day = [
            row
            for row in self._hours
            if row.weekday == weekday and row.valid_from <= day and (row.valid_to is None or day <= row.valid_to)
        ]
        return max(of_day, key=lambda row: row.valid_from, default=None)

    def _is_shortened(self, day: date) -> bool:
        return self._work.day(day).kind == "shortened"


def schedules(lines: Iterable[Line] | None = None) -> dict[int, Schedule]:
    """Return the schedules of these lines, or of all that count today, by the line's id; at most three queries."""
    if lines is None:
        today = timezone.localdate()
        valid = Q(valid_from__lte=today) & (Q(valid_to=None) | Q(valid_to__gte=today))
        found = Line.objects.filter(valid)
    else:
        found = Line.objects.filter(pk__in=[line.pk for line in lines])
    work = calendar.current()
    rows = found.prefetch_related(
        Prefetch("hours", LineHours.objects.all()), Prefetch("exceptions", LineException.objects.all())
    )
    return {line.pk: Schedule(line, work) for line in rows}


def openings(at: datetime) -> list[Opening]:
    """Tell of every line that counts today whether it is answered at this moment, ours first."""
    return [schedule.opening(at) for schedule in schedules().values()]


def _moment(day: date, of_day: time) -> datetime:
    return timezone.make_aware(datetime.combine(day, of_day))
