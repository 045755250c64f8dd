"""The production calendar: our own table, filled from `holidays`, read as one immutable value."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import date, datetime
from threading import local
from typing import TYPE_CHECKING, Any, cast

import holidays
from django.core.signals import request_finished, request_started
from django.db import transaction

from otklik.core import journal
from otklik.core.models import CalendarDay, CalendarYear, ChainHead
from otklik.core.workdays import Day, Kind, WorkCalendar, days_of, is_holiday, plain_year, with_shortened

if TYPE_CHECKING:
    from otklik.people.models import Employee

CHAIN = "calendar"
SHIPPED_YEARS = range(2024, 2028)
_MOVED = re.compile(r"перенесено с (\d\d\.\d\d\.\d{4})")


def shipped(year: int) -> tuple[dict[date, Day], bool]:
    """Return the days of a year as we ship them, and whether a decree about moved days is known."""
    known = holidays.country_holidays("RU", years=year, language="ru")
    if not any(_MOVED.search(title) for title in known.values()):
        return dict(plain_year(year)), False
    days = {}
    for day in days_of(year):
        title = known.get(day) or ""
        moved = _MOVED.search(title)
        if is_holiday(day):
            days[day] = Day("holiday", title)
        elif title:
            source = datetime.strptime(moved[1], "%d.%m.%Y").date() if moved else None
            days[day] = Day("off", title, source)
        elif day in known.weekend_workdays:
            days[day] = Day("working", "Рабочая суббота")
        else:
            days[day] = Day("off" if day.weekday() >= 5 else "working")
    return with_shortened(days), True


def shipped_calendar(years: Iterable[int] = SHIPPED_YEARS) -> WorkCalendar:
    """Return the calendar we ship, without touching the database."""
    days: dict[date, Day] = {}
    approved = set()
    for year in years:
        of_year, decreed = shipped(year)
        days |= of_year
        if decreed:
            approved.add(year)
    return WorkCalendar(days, frozenset(approved))


@transaction.atomic
def load(years: Iterable[int] = SHIPPED_YEARS) -> None:
    """Fill the table for these years; days a person has edited stay as they are."""
    for year in years:
        days, approved = shipped(year)
        rows = {row.date: row for row in CalendarDay.objects.filter(date__year=year)}
        fresh = [_row(day, what) for day, what in days.items() if day not in rows or _differs(rows[day], what)]
        if not fresh and CalendarYear.objects.filter(year=year).exists():
            continue
        source = "переносы постановлением Правительства РФ (из поставки Отклика)" if approved else "ТК РФ, ст. 112"
        CalendarYear.objects.get_or_create(year=year, defaults={"approved": approved, "source": source})
        CalendarDay.objects.bulk_create(
            fresh,
            update_conflicts=True,
            unique_fields=["date"],
            update_fields=["kind", "title", "moved_from", "source"],
        )
        journal.record("calendar.loaded", chain=CHAIN, by=None, year=year, days=len(fresh), approved=approved)
    forget()


def _row(day: date, what: Day) -> CalendarDay:
    source = "ТК РФ, ст. 112" if what.kind == "holiday" else ""
    return CalendarDay(date=day, kind=what.kind, title=what.title, moved_from=what.moved_from, source=source)


def _differs(row: CalendarDay, what: Day) -> bool:
    return not row.edited_by_hand and (row.kind, row.title, row.moved_from) != (what.kind, what.title, what.moved_from)


@transaction.atomic
def set_day(
    day: date, kind: str, *, source: str, by: Employee, title: str = "", moved_from: date | None = None
) -> CalendarDay:
    """Change one day by hand and write down who did it and on what ground."""
    was = current().day(day).kind
    row, _ = CalendarDay.objects.update_or_create(
        date=day,
        defaults={
            "kind": CalendarDay.Kind(kind),
            "title": title,
            "source": source,
            "moved_from": moved_from,
            "edited_by_hand": True,
        },
    )
    journal.record("calendar.day_set", chain=CHAIN, by=by, day=day, was=was, now=kind, source=source)
    forget()
    return row


@transaction.atomic
def approve_year(year: int, *, source: str, by: Employee) -> None:
    """Note that the government has decreed the moved days of a year; a year nobody has loaded gets its days."""
    load([year])
    CalendarYear.objects.update_or_create(year=year, defaults={"approved": True, "source": source})
    journal.record("calendar.year_approved", chain=CHAIN, by=by, year=year, source=source)
    forget()


@transaction.atomic
def unapprove_year(year: int, *, by: Employee) -> None:
    """Take back the note that a year's moved days are decreed."""
    if CalendarYear.objects.filter(year=year, approved=True).update(approved=False, source=""):
        journal.record("calendar.year_unapproved", chain=CHAIN, by=by, year=year)
    forget()


# Every change of the table is journalled in its own transaction, so the last hash of the journal's chain is the
# table's version: equal hash, equal table, in every process and after a rollback too.
_known: tuple[str, WorkCalendar] | None = None
_request = local()


def current() -> WorkCalendar:
    """Return the calendar as it is now: within a request asked once, outside one tiny query tells if it changed."""
    global _known  # noqa: PLW0603
    if (asked := getattr(_request, "calendar", None)) is not None:
        return asked  # type: ignore[no-any-return]
    version = ChainHead.objects.filter(chain=CHAIN).values_list("last_hash", flat=True).first()
    if version is None:
        return shipped_calendar()
    if _known is None or _known[0] != version:
        _known = (version, _read())
    if getattr(_request, "running", False):
        _request.calendar = _known[1]
    return _known[1]


def _read() -> WorkCalendar:
    rows = CalendarDay.objects.values_list("date", "kind", "title", "moved_from")
    days = {day: Day(cast("Kind", kind), title, moved) for day, kind, title, moved in rows}
    approved = CalendarYear.objects.filter(approved=True).values_list("year", flat=True)
    return WorkCalendar(days, frozenset(approved))


def forget() -> None:
    """Drop what this request has read: the next `current()` asks the database again."""
    _request.calendar = None


def request_began(**_: Any) -> None:
    """Ask once from here on: a request sees one calendar."""
    _request.calendar, _request.running = None, True


def request_ended(**_: Any) -> None:
    """Ask every time again."""
    _request.calendar, _request.running = None, False


@contextmanager
def asked_once() -> Iterator[None]:
    """Let everything inside see one calendar, as a request does: for long work that does not change it."""
    request_began()
    try:
        yield
    finally:
        request_ended()


request_started.connect(request_began, dispatch_uid="otklik.core.calendar.started")
request_finished.connect(request_ended, dispatch_uid="otklik.core.calendar.finished")
