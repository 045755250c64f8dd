"""The production calendar: the years we ship, the Labour Code's own rules, changes by hand."""

from datetime import date

import pytest

from otklik.core import calendar, defaults, journal
from otklik.core.models import CalendarDay, CalendarYear, JournalEntry
from otklik.core.workdays import days_of
from otklik.people.models import Employee


def iso(days):
    return sorted(day.isoformat() for day in days)


@pytest.mark.parametrize(
    ("year", "working", "off", "working_saturdays", "shortened"),
    [
        (
            2024,
            248,
            118,
            ["2024-04-27", "2024-11-02", "2024-12-28"],
            ["2024-02-22", "2024-03-07", "2024-05-08", "2024-06-11", "2024-11-02"],
        ),
        (2025, 247, 118, ["2025-11-01"], ["2025-03-07", "2025-04-30", "2025-06-11", "2025-11-01"]),
        (2026, 247, 118, [], ["2026-04-30", "2026-05-08", "2026-06-11", "2026-11-03"]),
        (2027, 247, 118, ["2027-02-20"], ["2027-02-20", "2027-04-30", "2027-06-11", "2027-11-03"]),
    ],
)
def test_a_year_with_a_decree_has_its_known_days(year, working, off, working_saturdays, shortened):
    shipped = calendar.shipped_calendar()
    at_work = [day for day in days_of(year) if shipped.is_working(day)]
    assert (len(at_work), sum(1 for _ in days_of(year)) - len(at_work)) == (working, off)
    assert iso(day for day in at_work if day.weekday() >= 5) == working_saturdays
    assert iso(day for day in at_work if shipped.day(day).kind == "shortened") == shortened
    assert shipped.is_approved(year)


@pytest.mark.parametrize(
    ("year", "moved"),
    [
        (2025, {"2025-05-02": "2025-01-04", "2025-05-08": "2025-02-23", "2025-06-13": "2025-03-08",
                "2025-11-03": "2025-11-01", "2025-12-31": "2025-01-05"}),
        (2026, {"2026-01-09": "2026-01-03", "2026-12-31": "2026-01-04"}),
        (2027, {"2027-02-22": "2027-02-20", "2027-11-05": "2027-01-02", "2027-12-31": "2027-01-03"}),
    ],
)  # fmt: skip
def test_moved_days_say_where_they_were_moved_from(year, moved):
    shipped = calendar.shipped_calendar()
    found = {
        day.isoformat(): shipped.day(day).moved_from.isoformat() for day in days_of(year) if shipped.day(day).moved_from
    }
    assert found == moved


@pytest.mark.parametrize("year", [2025, 2026, 2027])
def test_the_norm_of_a_forty_hour_week_is_1972_hours(year):
    shipped = calendar.shipped_calendar()
    kinds = [shipped.day(day).kind for day in days_of(year)]
    assert 8 * kinds.count("working") + 7 * kinds.count("shortened") == 1972


def test_a_year_without_a_decree_is_made_by_the_labour_code_and_marked_so():
    shipped = calendar.shipped_calendar([2028])
    assert not shipped.is_approved(2028)
    assert not shipped.is_working(date(2028, 11, 6))  # Saturday, 4 November, gives Monday off
    assert sum(shipped.is_working(day) for day in days_of(2028)) == 249


@pytest.fixture
def clerk(db):
    return Employee.objects.create_user("clerk", last_name="Петрова", first_name="Елена")


def test_loading_twice_changes_nothing_and_keeps_what_a_person_edited(clerk):
    calendar.set_day(date(2026, 6, 11), "off", source="распоряжение", by=clerk)
    before = list(CalendarDay.objects.values()), JournalEntry.objects.count()
    defaults.load()
    assert (list(CalendarDay.objects.values()), JournalEntry.objects.count()) == before
    assert CalendarDay.objects.get(date=date(2026, 6, 11)).kind == "off"
    assert CalendarDay.objects.count() == 366 + 3 * 365


def test_a_day_set_by_hand_counts_at_once_and_is_journalled(clerk):
    day = date(2026, 6, 11)
    assert calendar.current().is_working(day)
    calendar.set_day(day, "off", source="распоряжение Губернатора", by=clerk)
    assert not calendar.current().is_working(day)
    entry = JournalEntry.objects.filter(chain="calendar").latest("seq")
    assert (entry.action, entry.actor, entry.data["day"], entry.data["was"]) == (
        "calendar.day_set",
        clerk,
        "2026-06-11",
        "shortened",
    )
    assert journal.verify() == []


def test_a_rolled_back_change_is_not_seen(clerk):
    from django.db import transaction

    with transaction.atomic():
        calendar.set_day(date(2026, 6, 11), "off", source="ошибка", by=clerk)
        assert not calendar.current().is_working(date(2026, 6, 11))
        transaction.set_rollback(True)
    assert calendar.current().is_working(date(2026, 6, 11))


def test_a_year_is_approved_by_a_person_with_the_decree_named(clerk):
    calendar.load([2028])
    assert not calendar.current().is_approved(2028)
    calendar.approve_year(2028, source="постановление Правительства РФ", by=clerk)
    assert calendar.current().is_approved(2028)
    assert CalendarYear.objects.get(year=2028).source == "постановление Правительства РФ"


def test_the_calendar_costs_one_query_outside_a_request_and_one_for_all_asking_within(db, django_assert_num_queries):
    calendar.current()
    with django_assert_num_queries(1):
        calendar.current()
    calendar.request_began()
    with django_assert_num_queries(1):
        calendar.current()
        calendar.current()
    calendar.request_ended()
