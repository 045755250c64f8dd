"""When the telephone lines are open, by the production calendar."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from datetime import date, datetime, time, timedelta
from typing import Final

from django.utils import timezone

from otklik.core import hours
from otklik.core.hours import FRIDAY, Hours
from otklik.core.models import CalendarDay

LOOK_AHEAD: Final = timedelta(days=20)  # the longest holidays are shorter


@dataclass(frozen=True, kw_only=True)
class Line(Hours):
    """A telephone line and its hours on working days."""

    name: str
    phones: str  # separated by commas


@dataclass(frozen=True)
class Opening:
    """Whether a line is open now, and what to tell about it."""

    line: Line
    is_open: bool
    words: str


# п. 28: the department's numbers, in its working hours. п. 27.4: ЕКЦ, number 110, with its own hours.
DEPARTMENT: Final = Line(name="Департамент", phones="238-60-02, 238-60-62", **asdict(hours.DEPARTMENT))
EKC: Final = Line(
    name="Единый контакт-центр",
    phones="110",
    opens=time(9),
    closes=time(18),
    closes_on_friday=time(17),
    shorter_before_holidays=False,
)
LINES: Final = (DEPARTMENT, EKC)


def openings(at: datetime) -> list[Opening]:
    """Tell of every line whether it is open at this moment; one query."""
    now = timezone.localtime(at)
    kinds = dict(
        CalendarDay.objects.filter(date__range=(now.date(), now.date() + LOOK_AHEAD)).values_list("date", "kind")
    )
    return [_opening(line, now, kinds) for line in LINES]


def _opening(line: Line, now: datetime, kinds: dict[date, str]) -> Opening:
    today = now.date()
    if _works(today, kinds):
        closes = line.closing(today, kinds.get(today, ""))
        if line.opens <= now.time() < closes:
            return Opening(line, True, f"открыта до {closes:%H:%M}")
        if now.time() < line.opens:
            return Opening(line, False, f"закрыта, откроется сегодня в {line.opens:%H:%M}")
    for ahead in range(1, LOOK_AHEAD.days + 1):
        day = today + timedelta(days=ahead)
        if _works(day, kinds):
            when = "завтра" if ahead == 1 else f"{day:%d.%m}"
            return Opening(line, False, f"закрыта, откроется {when} в {line.opens:%H:%M}")
    return Opening(line, False, "закрыта")


def _works(day: date, kinds: dict[date, str]) -> bool:
    """Tell whether people work on this day; a day without a row is judged by the week."""
    kind = kinds.get(day)
    if kind is None:
        return day.weekday() <= FRIDAY
    return kind in {CalendarDay.Kind.WORKING, CalendarDay.Kind.SHORTENED}
