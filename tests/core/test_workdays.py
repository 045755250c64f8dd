"""The term engine against an independent slow count, and the rules it must never break."""

import random
import sys
from collections import ChainMap
from datetime import date, datetime, timedelta

import pytest
from django.utils import timezone
from hypothesis import given, settings
from hypothesis import strategies as st

from otklik.core import hours
from otklik.core.calendar import shipped_calendar
from otklik.core.workdays import Day, Pause, Term, WorkCalendar
from tests import sizes

CASES = settings(max_examples=sizes.size(200, 10_000))
CALENDAR = shipped_calendar()
FIRST, LAST = date(2024, 1, 1), date(2027, 12, 31)
EVERY_DAY = [FIRST + timedelta(n) for n in range((LAST - FIRST).days + 1)]
KINDS = ("off", "working", "holiday", "shortened")
ROLLS = ("none", "previous_working", "next_working")

days = st.dates(FIRST, LAST)
rolls = st.sampled_from(ROLLS)
units = st.sampled_from(["calendar", "working"])


@st.composite
def calendars(draw):
    """A real calendar in which a person has changed some days."""
    changed = draw(st.dictionaries(days, st.sampled_from(KINDS), max_size=12))
    return WorkCalendar(ChainMap({day: Day(kind) for day, kind in changed.items()}, CALENDAR.days))


@st.composite
def pauses(draw):
    starts, length = draw(st.lists(days, max_size=2)), draw(st.integers(0, 40))
    return [Pause(start, start + timedelta(length), "статья, разрешающая паузу") for start in starts]


def slow_due(term, start, calendar, pauses):
    """Count another way: make the whole set of days first, then choose from it."""
    horizon = [start + timedelta(n) for n in range(400)]
    paused = {day for day in horizon for pause in pauses if pause.first <= day <= pause.last}
    at_work = {day for day in horizon if calendar.day(day).kind not in ("off", "holiday")}
    countable = [day for day in horizon if day > start and day not in paused]
    if term.unit == "working":
        countable = [day for day in countable if day in at_work]
    end = countable[: term.days][-1]
    usable = sorted(at_work - paused)
    if end not in at_work and term.roll != "none":
        earlier = [day for day in usable if start < day < end]
        later = [day for day in usable if day > end]
        end = earlier[-1] if term.roll == "previous_working" and earlier else later[0]
    if term.spares_working_day:
        end = max(end, min(day for day in usable if day > start))
    return end


@pytest.mark.proof
@pytest.mark.once
def test_a_hundred_thousand_random_cases_agree_with_the_slow_count():
    chance, count = random.Random(2725), sizes.size(2000, 100_000)
    for _ in range(count):
        changed = {chance.choice(EVERY_DAY): Day(chance.choice(KINDS)) for _ in range(chance.randrange(13))}
        calendar = WorkCalendar(ChainMap(changed, CALENDAR.days))
        starts, length = chance.choices(EVERY_DAY, k=chance.randrange(3)), chance.randrange(41)
        breaks = [Pause(start, start + timedelta(length), "статья, разрешающая паузу") for start in starts]
        days_, unit, roll = chance.randint(1, 60), chance.choice(("calendar", "working")), chance.choice(ROLLS)
        term = Term(days_, "статья", unit, roll, spares_working_day=chance.random() < 0.5)
        start = chance.choice(EVERY_DAY)
        due, slow = term.due(start, calendar, breaks).on, slow_due(term, start, calendar, breaks)
        assert due == slow, (term, start, changed, breaks)
    sys.stdout.write(f"\nterms: {count} random cases, differences 0\n")


# The same with cases that Hypothesis chooses, and makes smaller when one fails.
@CASES
@given(days, st.integers(1, 60), units, rolls, st.booleans(), calendars(), pauses())
def test_the_engine_and_the_slow_count_agree(start, length, unit, roll, spares, calendar, breaks):
    term = Term(length, "статья", unit, roll, spares_working_day=spares)
    assert term.due(start, calendar, breaks).on == slow_due(term, start, calendar, breaks)


@pytest.mark.parametrize("roll", ROLLS)
def test_on_every_day_of_four_years_both_counts_agree_for_the_terms_of_the_law(roll):
    register = Term(3, "59-ФЗ, ст. 8 ч. 2", roll=roll, spares_working_day=True)
    answer = Term(30, "59-ФЗ, ст. 12 ч. 1", roll=roll)
    for day in EVERY_DAY:
        for term in (register, answer):
            assert term.due(day, CALENDAR).on == slow_due(term, day, CALENDAR, ()), (day, term)


def test_on_every_day_of_four_years_registration_is_not_due_before_the_first_working_day_after_arrival():
    for roll in ROLLS:
        term = Term(3, "59-ФЗ, ст. 8 ч. 2", roll=roll, spares_working_day=True)
        for day in EVERY_DAY:
            assert term.due(day, CALENDAR).on >= CALENDAR.next_working(day)


def test_no_term_of_any_length_ends_on_the_day_of_its_event_or_before_it():
    for roll in ROLLS:
        for unit in ("calendar", "working"):
            for length in (1, 2, 3, 5, 7, 10, 15, 30):
                term = Term(length, "статья", unit, roll)
                assert all(term.due(day, CALENDAR).on > day for day in EVERY_DAY)


@CASES
@given(days, st.integers(0, 60), st.integers(1, 45), units, rolls, calendars(), pauses())
def test_an_event_that_comes_later_never_brings_the_end_closer(start, later, length, unit, roll, calendar, breaks):
    term = Term(length, "статья", unit, roll)
    assert term.due(start, calendar, breaks).on <= term.due(start + timedelta(later), calendar, breaks).on


@CASES
@given(days, st.integers(1, 45), units, calendars(), pauses())
def test_the_rolled_date_is_a_working_day_and_the_policies_keep_their_order(start, length, unit, calendar, breaks):
    back, stay, ahead = (
        Term(length, "статья", unit, roll).due(start, calendar, breaks).on
        for roll in ("previous_working", "none", "next_working")
    )
    assert calendar.is_working(back)
    assert calendar.is_working(ahead)
    assert stay <= ahead
    assert back <= ahead
    assert back == ahead or back <= stay


@CASES
@given(days, st.integers(1, 30), units, rolls, calendars(), pauses())
def test_the_grounds_count_every_day_once_and_end_on_the_date_given(start, length, unit, roll, calendar, breaks):
    due = Term(length, "59-ФЗ, ст. 12 ч. 1", unit, roll).due(start, calendar, breaks)
    assert [line["number"] for line in due.why if line["number"]] == list(range(1, length + 1))
    assert due.why[0]["date"] == start.isoformat()
    assert "59-ФЗ, ст. 12 ч. 1" in due.why[0]["text"]
    assert due.why[-1]["date"] == due.on.isoformat()


@pytest.mark.parametrize(
    ("registered", "stays", "back", "ahead"),
    [
        ("2026-04-01", "2026-05-01", "2026-04-30", "2026-05-04"),
        ("2026-04-10", "2026-05-10", "2026-05-08", "2026-05-12"),
        ("2026-12-03", "2027-01-02", "2026-12-30", "2027-01-11"),
        ("2026-12-08", "2027-01-07", "2026-12-30", "2027-01-11"),
        ("2027-01-11", "2027-02-10", "2027-02-10", "2027-02-10"),
    ],
)
def test_thirty_days_around_holidays(registered, stays, back, ahead):
    expected = dict(zip(ROLLS, (stays, back, ahead), strict=True))
    start = date.fromisoformat(registered)
    counted = {roll: Term(30, "59-ФЗ, ст. 12 ч. 1", roll=roll).due(start, CALENDAR).on.isoformat() for roll in ROLLS}
    assert counted == expected


def test_a_form_sent_on_new_years_day_is_to_be_registered_when_people_are_back():
    term = Term(3, "59-ФЗ, ст. 8 ч. 2", spares_working_day=True)
    assert term.due(date(2027, 1, 1), CALENDAR).on == date(2027, 1, 11)


def test_days_of_a_pause_are_not_counted_and_the_grounds_name_its_article():
    pause = Pause(date(2026, 6, 3), date(2026, 6, 12), "статья о приостановлении")
    due = Term(5, "статья", roll="none").due(date(2026, 6, 1), CALENDAR, [pause])
    assert due.on == date(2026, 6, 16)
    assert sum("статья о приостановлении" in line["text"] for line in due.why) == 10


def test_a_date_in_a_year_without_a_decree_says_that_it_is_preliminary():
    due = Term(30, "59-ФЗ, ст. 12 ч. 1").due(date(2027, 12, 20), CALENDAR)
    assert due.on.year == 2028
    assert "не утверждён" in due.why[-1]["text"]
    assert not any("не утверждён" in line["text"] for line in Term(3, "статья").due(date(2026, 6, 1), CALENDAR).why)


def test_a_term_without_days_cannot_be_made():
    with pytest.raises(ValueError, match="at least one day"):
        Term(0, "статья")


@pytest.mark.parametrize(
    ("since", "until", "worked"),
    [
        ("2026-11-24T10:00", "2026-11-24T12:30", 2.5),
        ("2026-11-20T16:00", "2026-11-23T10:30", 2.5),  # a Friday till 17:00, a Monday from 9:00
        ("2026-11-21T00:00", "2026-11-22T23:00", 0),
        ("2026-11-24T20:00", "2026-11-25T08:00", 0),
        ("2026-11-24T12:00", "2026-11-24T11:00", 0),
    ],
)
def test_hours_at_work_between_two_moments_leave_out_nights_and_days_off(since, until, worked):
    def at(moment):
        return timezone.make_aware(datetime.fromisoformat(moment))

    assert hours.at_work_between(at(since), at(until), WorkCalendar()) == timedelta(hours=worked)
