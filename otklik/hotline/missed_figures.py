"""Figures of missed calls: how many, how soon we called back, in which hours and who was there to answer."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from statistics import median
from typing import Final

from django.db.models import Count, Exists, F, OuterRef, Q, QuerySet, Subquery
from django.db.models.functions import Coalesce, ExtractHour, ExtractIsoWeekDay, Least, TruncDate
from django.utils import timezone

from otklik.hotline import hours
from otklik.hotline.hours import Schedule
from otklik.hotline.models import Call, MissedCall, ReturnCall

WEEKDAYS: Final = ("Пн", "Вт", "Ср", "Чт", "Пт", "Сб", "Вс")
_ANSWERED: Final = (Call.State.TALKING, Call.State.ANSWERED)
FEWEST: Final = 10  # of fewer calls no percentage is told (domain: small groups)
CALLED_BACK: Final = Q(outcome=MissedCall.Outcome.CALLED_BACK)
_TALKS: Final = ReturnCall.objects.filter(missed=OuterRef("pk"), result=ReturnCall.Result.TALKED).order_by("at")
# Called back before the time was over: by the talk that was noted, or as soon as the duty was settled.
IN_TIME: Final = CALLED_BACK & (Q(Exists(_TALKS.filter(at__lte=OuterRef("due_at")))) | Q(settled_at__lte=F("due_at")))


@dataclass(frozen=True)
class Scope:
    """Which days, both included, and which line; None: all of ours and the unknown."""

    first: date
    last: date
    line: int | None = None

    def moments(self) -> tuple[datetime, datetime]:
        """Return the beginning of the first day and the end of the last."""
        first, after = (datetime.combine(day, time()) for day in (self.first, self.last + timedelta(days=1)))
        return timezone.make_aware(first), timezone.make_aware(after)


def calls(scope: Scope) -> QuerySet[Call]:
    """Return the calls that came in the days of a scope and are over or answered."""
    first, after = scope.moments()
    rows = Call.objects.filter(direction=Call.Direction.IN, came_at__gte=first, came_at__lt=after)
    rows = rows.exclude(state=Call.State.WAITING)
    return rows.filter(line=scope.line) if scope.line else rows.filter(Q(line=None) | Q(line__ours=True))


def duties(scope: Scope) -> QuerySet[MissedCall]:
    """Return the duties whose first call came in the days of a scope."""
    first, after = scope.moments()
    rows = MissedCall.objects.filter(first_at__gte=first, first_at__lt=after)
    return rows.filter(line=scope.line) if scope.line else rows


@dataclass
class Figures:
    """Calls and duties of some days, counted."""

    came: int = 0
    missed: int = 0
    came_in_hours: int = 0
    missed_in_hours: int = 0
    by_outcome: dict[str, int] = field(default_factory=dict)
    in_time: int = 0
    median: int | None = None

    @property
    def share(self) -> int | None:
        """Return how many of a hundred calls in working hours nobody answered; None where they are too few to say."""
        return round(100 * self.missed_in_hours / self.came_in_hours) if self.came_in_hours >= FEWEST else None

    @property
    def missed_out(self) -> int:
        """Return how many nobody answered out of working hours."""
        return self.missed - self.missed_in_hours

    @property
    def duties(self) -> int:
        """Return how many duties there were."""
        return sum(self.by_outcome.values())

    @property
    def waiting(self) -> int:
        """Return how many have no outcome yet."""
        return self.by_outcome.get("", 0)

    @property
    def called_back(self) -> int:
        """Return how many were called back."""
        return self.by_outcome.get(MissedCall.Outcome.CALLED_BACK, 0)


def figures(scope: Scope) -> Figures:
    """Count the calls and the duties of a scope."""
    missed = Q(state=Call.State.MISSED)
    counted = calls(scope).aggregate(
        came=Count("pk"),
        missed=Count("pk", filter=missed),
        came_in_hours=Count("pk", filter=Q(in_hours=True)),
        missed_in_hours=Count("pk", filter=missed & Q(in_hours=True)),
    )
    told = Figures(**counted)
    rows = duties(scope).order_by()
    told.by_outcome = dict(rows.values_list("outcome").annotate(Count("pk")))
    told.in_time = rows.filter(IN_TIME).count()
    told.median = median_wait(rows)
    return told


def median_wait(rows: QuerySet[MissedCall]) -> int | None:
    """Return how many seconds of their line's hours half of those called back waited for it, at most.

    From the first call to the first talk, or till it was settled where that was earlier, as `IN_TIME` judges it.
    """
    reached = Least("settled_at", Coalesce(Subquery(_TALKS.values("at")[:1]), "settled_at"))
    facts = list(rows.filter(CALLED_BACK).order_by().values_list("line", "first_at", reached))
    if not facts:
        return None
    schedules = hours.schedules()
    ours = next((one for one in schedules.values() if one.line.ours), None)
    return round(median(_wait(schedules.get(line or 0, ours), since, till) for line, since, till in facts))


def _wait(schedule: Schedule | None, since: datetime, till: datetime) -> float:
    """Return how many seconds of the line's hours lie between two moments."""
    if schedule is None:
        return max((till - since).total_seconds(), 0)
    day, passed = timezone.localdate(since), timedelta()
    while day <= timezone.localdate(till):
        for part in schedule.intervals(day):
            passed += max(min(part.ends, till) - max(part.starts, since), timedelta())
        day += timedelta(days=1)
    return passed.total_seconds()


@dataclass
class Cell:
    """One hour of one day of the week over the days of a scope."""

    came: int = 0
    missed: int = 0
    answering: int = 0  # consultants of each day, added up
    days: set[date] = field(default_factory=set)

    @property
    def share(self) -> int | None:
        """Return how many of a hundred nobody answered."""
        return round(100 * self.missed / self.came) if self.came else None

    @property
    def heat(self) -> int:
        """Return the colour of the cell, 0 (none missed) to 4 (half and more)."""
        share = self.share or 0
        return 0 if not self.missed else 1 + sum(share >= edge for edge in (10, 25, 50))

    @property
    def staffing(self) -> str:
        """Return how many consultants answered calls in such an hour of a day on which anybody called."""
        return f"{self.answering / len(self.days):.1f}".replace(".", ",").removesuffix(",0") if self.days else "0"


def by_hour(scope: Scope) -> dict[tuple[int, int], Cell]:
    """Return the hours in which anybody called: (day of the week from 0, hour) → its cell."""
    zone = timezone.get_current_timezone()
    rows = (
        calls(scope)
        .order_by()
        .annotate(day=TruncDate("came_at", tzinfo=zone), hour=ExtractHour("came_at", tzinfo=zone))
    )
    counted = rows.values("day", "hour").annotate(
        came=Count("pk"),
        missed=Count("pk", filter=Q(state=Call.State.MISSED)),
        answering=Count("answered_by", filter=Q(state__in=_ANSWERED), distinct=True),
    )
    cells: dict[tuple[int, int], Cell] = {}
    for row in counted:
        cell = cells.setdefault((row["day"].weekday(), row["hour"]), Cell())
        cell.came += row["came"]
        cell.missed += row["missed"]
        cell.answering += row["answering"]
        cell.days.add(row["day"])
    return cells


def hour_range(cells: dict[tuple[int, int], Cell]) -> Iterator[int]:
    """Yield the hours the table shows: from the first in which anybody called to the last, without gaps."""
    known = [hour for _, hour in cells]
    yield from range(min(known), max(known) + 1) if known else ()


def of_hour(scope: Scope, weekday: int, hour: int) -> QuerySet[Call]:
    """Return the very calls a cell counts."""
    zone = timezone.get_current_timezone()
    rows = calls(scope).annotate(
        of_day=ExtractIsoWeekDay("came_at", tzinfo=zone), of_hour=ExtractHour("came_at", tzinfo=zone)
    )
    return rows.filter(of_day=weekday + 1, of_hour=hour)
