"""Working days and legal terms: dates in, a date and its day-by-day grounds out.

Pure: no database, no clock. How we read the law, and why, is in docs/terms.md.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta
from functools import cache
from typing import Final, Literal, NamedTuple, TypedDict

Kind = Literal["working", "shortened", "off", "holiday"]
Unit = Literal["calendar", "working"]
Roll = Literal["none", "previous_working", "next_working"]

DAY: Final = timedelta(days=1)

# ТК РФ, ст. 112 ч. 1: (month, day) -> name.
HOLIDAYS: Final[dict[tuple[int, int], str]] = {
    **{(1, day): "Новогодние каникулы" for day in (1, 2, 3, 4, 5, 6, 8)},
    (1, 7): "Рождество Христово",
    (2, 23): "День защитника Отечества",
    (3, 8): "Международный женский день",
    (5, 1): "Праздник Весны и Труда",
    (5, 9): "День Победы",
    (6, 12): "День России",
    (11, 4): "День народного единства",
}


class Day(NamedTuple):
    """What one day of the production calendar is."""

    kind: Kind
    title: str = ""
    moved_from: date | None = None


def is_holiday(day: date) -> bool:
    """Tell whether ТК РФ, ст. 112 names this day a holiday."""
    return (day.month, day.day) in HOLIDAYS


def days_of(year: int) -> Iterator[date]:
    """Yield every day of a year."""
    day = date(year, 1, 1)
    while day.year == year:
        yield day
        day += DAY


@cache
def plain_year(year: int) -> Mapping[date, Day]:
    """Return a year as the Labour Code alone makes it, without any decree (ТК РФ, ст. 112 ч. 1 и 2).

    A holiday on a weekend gives one more day off, the next working day after it; January's are moved by decree only.
    """
    days = {day: _plain_day(day) for day in days_of(year)}
    for day in [day for day in days if is_holiday(day) and day.weekday() >= 5 and day.month != 1]:
        observed = next(later for later in days if later > day and days[later].kind == "working")
        days[observed] = Day("off", f"Выходной (перенесено с {day:%d.%m.%Y})", moved_from=day)
    return with_shortened(days)


def _plain_day(day: date) -> Day:
    if is_holiday(day):
        return Day("holiday", HOLIDAYS[day.month, day.day])
    return Day("off" if day.weekday() >= 5 else "working")


def with_shortened(days: Mapping[date, Day]) -> dict[date, Day]:
    """Return the days with shortened ones marked (ТК РФ, ст. 95).

    One hour less on a working day right before a holiday, and on a working Saturday given in exchange for such a day.
    """
    exchanged = {day.moved_from for date_, day in days.items() if day.moved_from and is_holiday(date_ + DAY)}
    return {
        date_: Day("shortened", day.title or "Сокращённый на час", day.moved_from)
        if day.kind == "working" and (is_holiday(date_ + DAY) or date_ in exchanged)
        else day
        for date_, day in days.items()
    }


@dataclass(frozen=True)
class WorkCalendar:
    """Which days are working. A day nobody entered is taken from the Labour Code alone."""

    days: Mapping[date, Day] = field(default_factory=dict)
    approved_years: frozenset[int] = frozenset()

    def day(self, on: date) -> Day:
        """Return what this day is."""
        return self.days.get(on) or plain_year(on.year)[on]

    def is_working(self, on: date) -> bool:
        """Tell whether people work on this day."""
        return self.day(on).kind in {"working", "shortened"}

    def is_approved(self, year: int) -> bool:
        """Tell whether the government has decreed the moved days of this year."""
        return year in self.approved_years

    def next_working(self, after: date) -> date:
        """Return the first working day later than `after`."""
        day = after + DAY
        while not self.is_working(day):
            day += DAY
        return day

    def previous_working(self, before: date) -> date:
        """Return the last working day earlier than `before`."""
        day = before - DAY
        while not self.is_working(day):
            day -= DAY
        return day

    def working_between(self, first: date, last: date) -> int:
        """Return how many working days lie between two dates, both included."""
        return sum(self.is_working(first + n * DAY) for n in range((last - first).days + 1))


@dataclass(frozen=True)
class Pause:
    """Days a term does not run, both included, and the article that allows it."""

    first: date
    last: date
    basis: str

    def __contains__(self, day: date) -> bool:
        return self.first <= day <= self.last


class DayLine(TypedDict):
    """One line of the grounds: the day, its number in the count (if it has one), the explanation."""

    date: str
    number: int | None
    text: str


@dataclass(frozen=True)
class Due:
    """The last day of a term and, day by day, why it is this one. `why` is ready for JSON."""

    on: date
    why: list[DayLine]


@dataclass(frozen=True)
class Term:
    """One term and the article it comes from."""

    days: int
    basis: str
    unit: Unit = "calendar"
    roll: Roll = "previous_working"
    event: str = "Событие"
    # Registration: a letter that came on a day off cannot be asked for before somebody is at work.
    spares_working_day: bool = False

    def __post_init__(self) -> None:
        if self.days < 1:
            raise ValueError("a term has at least one day")

    def due(self, start: date, calendar: WorkCalendar, pauses: Iterable[Pause] = ()) -> Due:
        """Return the last day of the term that the event on `start` sets running."""
        return _Count(self, start, calendar, tuple(pauses)).due()


class _Count:
    """One term being counted: the days gone through and the lines written so far."""

    def __init__(self, term: Term, start: date, calendar: WorkCalendar, pauses: tuple[Pause, ...]) -> None:
        self.term, self.start, self.calendar, self.pauses = term, start, calendar, pauses
        self.why: list[DayLine] = []

    def due(self) -> Due:
        event = f"{self.term.event}, отсюда идёт срок ({self.term.basis})."
        self._say(self.start, f"{event} День 1 — следующий (ГК РФ, ст. 191).")
        last = self._roll(self._last_day())
        if self.term.spares_working_day and last < (first_working := self._seek(self.start, DAY)):
            self._say(first_working, "Раньше первого рабочего дня после поступления срок не истекает.")
            last = first_working
        if not self.calendar.is_approved(last.year):
            self._say(last, f"Календарь на {last.year} год не утверждён: дата предварительная.")
        return Due(last, self.why)

    def _last_day(self) -> date:
        """Go through the days one by one until the term has run out."""
        day, number = self.start, 0
        while number < self.term.days:
            day += DAY
            if pause := self._pause(day):
                self._say(day, f"Срок приостановлен: {pause.basis}.")
            elif self.term.unit == "working" and not self.calendar.is_working(day):
                self._say(day, f"{self._name(day)}, в рабочие дни не входит.")
            else:
                number += 1
                self._say(day, f"{self._name(day)}, день {number} из {self.term.days}.", number)
        return day

    def _roll(self, last: date) -> date:
        """Move a last day that is a day off as the term says, never to the day of the event or before it."""
        if self.calendar.is_working(last) or self.term.roll == "none":
            return last
        if self.term.roll == "previous_working":
            if (earlier := self._seek(last, -DAY)) > self.start:
                self._say(earlier, f"Последний день {last:%d.%m.%Y} нерабочий: переносим на предыдущий рабочий.")
                return earlier
            reason = "нерабочий, а предыдущий рабочий раньше начала счёта: переносим на следующий рабочий"
        else:
            reason = "нерабочий: переносим на следующий рабочий"
        later = self._seek(last, DAY)
        self._say(later, f"Последний день {last:%d.%m.%Y} {reason}.")
        return later

    def _seek(self, day: date, step: timedelta) -> date:
        """Return the nearest working day, in one direction, on which the term runs."""
        day += step
        while not self.calendar.is_working(day) or self._pause(day):
            day += step
        return day

    def _pause(self, day: date) -> Pause | None:
        return next((pause for pause in self.pauses if day in pause), None)

    def _name(self, day: date) -> str:
        kind, title, _ = self.calendar.day(day)
        names = {"working": "рабочий день", "shortened": "сокращённый день", "off": "выходной", "holiday": "праздник"}
        name = names[kind].capitalize()
        return f"{name} «{title}»" if kind == "holiday" and title else name

    def _say(self, day: date, text: str, number: int | None = None) -> None:
        self.why.append({"date": day.isoformat(), "number": number, "text": text})
