"""When the lines are answered: the hours of п. 27.4 and their edges, breaks, exceptions, working minutes."""

from __future__ import annotations

from datetime import date, time, timedelta

import pytest

from otklik.hotline import hours
from otklik.hotline.models import LineException, LineHours

pytestmark = pytest.mark.django_db


@pytest.fixture
def of(line, ekc):
    return hours.schedules()


@pytest.mark.parametrize(
    ("moment", "is_open"),
    [
        ((2026, 11, 27, 16, 59), True),  # Friday
        ((2026, 11, 27, 17, 0), False),
        ((2026, 11, 26, 17, 59), True),  # Thursday
        ((2026, 11, 26, 13, 30), True),  # no lunch break
        ((2026, 4, 30, 17, 30), True),  # a Thursday before a holiday: not shortened
        ((2026, 5, 1, 12, 0), False),
        ((2027, 2, 20, 12, 0), False),  # a moved working Saturday
        ((2026, 11, 28, 12, 0), False),
    ],
)
def test_the_ekc_keeps_the_hours_of_the_order(of, ekc, at, moment, is_open):
    assert of[ekc.pk].is_open(at(*moment)) is is_open


@pytest.mark.parametrize(
    ("moment", "is_open"),
    [
        ((2026, 4, 30, 16, 59), True),
        ((2026, 4, 30, 17, 0), False),  # an hour shorter before a holiday
        ((2027, 2, 20, 16, 59), True),  # works on a working Saturday, shortened too
        ((2027, 2, 20, 17, 0), False),
    ],
)
def test_our_line_follows_the_production_calendar(of, line, at, moment, is_open):
    assert of[line.pk].is_open(at(*moment)) is is_open


def test_an_editor_may_open_the_ekc_on_a_working_saturday(ekc, at):
    LineException.objects.create(line=ekc, date=date(2027, 2, 20), opens=time(9), closes=time(17), why="Приказ ЕКЦ")
    schedule = hours.schedules()[ekc.pk]
    assert schedule.is_open(at(2027, 2, 20, 12, 0))
    assert schedule.opening(at(2027, 2, 20, 12, 0)).words == "открыта до 17:00"


def test_a_break_is_out_of_hours_and_working_minutes_skip_it(line, at):
    LineHours.objects.filter(line=line).update(break_from=time(13), break_to=time(14))
    schedule = hours.schedules()[line.pk]
    assert not schedule.is_open(at(2026, 11, 24, 13, 30))
    assert schedule.opening(at(2026, 11, 24, 13, 30)).words == "закрыта, откроется сегодня в 14:00"
    assert schedule.after(at(2026, 11, 24, 12, 30), 60) == at(2026, 11, 24, 14, 30)


def test_working_minutes_go_on_next_morning(of, line, at):
    assert of[line.pk].after(at(2026, 11, 27, 16, 30), 60) == at(2026, 11, 30, 9, 30)
    assert of[line.pk].after(at(2026, 11, 28, 12, 0), 60) == at(2026, 11, 30, 10, 0)


def test_new_hours_hold_from_their_day(line, at):
    LineHours.objects.create(line=line, weekday=1, opens=time(10), closes=time(12), valid_from=date(2026, 11, 24))
    schedule = hours.schedules()[line.pk]
    assert schedule.is_open(at(2026, 11, 17, 17, 30))
    assert not schedule.is_open(at(2026, 11, 24, 17, 30))


def test_openings_take_a_fixed_number_of_queries(of, at, django_assert_max_num_queries):
    with django_assert_max_num_queries(4):
        told = hours.openings(at(2026, 11, 24, 12, 0))
    assert [one.words for one in told] == ["открыта до 18:00", "открыта до 18:00"]
    assert told[0].changes_at - at(2026, 11, 24, 12, 0) == timedelta(hours=6)
