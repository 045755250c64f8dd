"""Figures of missed calls: shares, how soon in the line's hours we called back, hours of the week and who was there."""

from __future__ import annotations

from datetime import date, timedelta

import pytest

from otklik.hotline import missed, missed_figures
from otklik.hotline.missed_figures import Scope
from otklik.hotline.models import MissedCall
from otklik.reports import line

pytestmark = pytest.mark.django_db
WEEK = Scope(date(2026, 11, 23), date(2026, 11, 29))


@pytest.fixture
def week(comes, missed_call, consultant, consultant2, at):
    """Let a week pass: Tuesday at ten with two consultants, Wednesday at ten with nobody, an evening."""
    for minute, who in ((1, consultant), (5, consultant2), (9, consultant)):
        came = at(2026, 11, 24, 10, minute)
        comes("+7 913 000-00-09", came_at=came, answered_at=came, state="answered", answered_by=who)
    calls = [
        missed_call("+7 913 000-00-01", came_at=at(2026, 11, 24, 10, 20)),
        missed_call("+7 913 000-00-02", came_at=at(2026, 11, 25, 10, 30)),
        missed_call("+7 913 000-00-03", came_at=at(2026, 11, 25, 20, 0), in_hours=False),
    ]
    for call in calls:
        missed.after(call)
    return calls


def test_the_share_is_of_working_hours_and_every_figure_is_its_list(week):
    told = missed_figures.figures(WEEK)
    assert (told.came_in_hours, told.missed_in_hours, told.share, told.missed_out) == (5, 2, None, 1), (
        "of fewer than ten no percentage"
    )
    assert (told.duties, told.waiting, told.called_back, told.median) == (3, 3, 0, None)
    assert missed_figures.duties(WEEK).count() == told.duties
    assert missed_figures.calls(WEEK).filter(in_hours=True, state="missed").count() == told.missed_in_hours


def test_the_median_counts_minutes_of_the_lines_hours(week, consultant, at):
    for call, talked in zip(week, ((2026, 11, 24, 10, 50), (2026, 11, 26, 9, 30), (2026, 11, 26, 9, 10)), strict=True):
        call.refresh_from_db()
        row = call.missed
        missed.attempt(row, "talked", by=consultant)
        row.returns.update(at=at(*talked))
        missed.settle(row, "called_back", by=consultant)
    MissedCall.objects.update(settled_at=at(2026, 11, 27, 10, 0))
    told = missed_figures.figures(WEEK)
    assert (told.median, told.in_time) == (30 * 60, 2), "waits of 10, 30 and 480 minutes: the night does not count"
    duties = line.report(line.Scope(WEEK.first, WEEK.last)).duties
    assert (duties.median, duties.called_back) == (told.median, told.called_back), "one rule on both pages of figures"
    assert missed_figures.duties(WEEK).filter(missed_figures.IN_TIME).count() == 2


def test_each_hour_of_the_week_knows_who_was_there(week):
    cells = missed_figures.by_hour(WEEK)
    tuesday, wednesday = cells[1, 10], cells[2, 10]
    assert (tuesday.came, tuesday.missed, tuesday.share, tuesday.staffing, tuesday.heat) == (4, 1, 25, "2", 3)
    assert (wednesday.came, wednesday.missed, wednesday.staffing, wednesday.heat) == (1, 1, "0", 4)
    assert list(missed_figures.hour_range(cells)) == list(range(10, 21))
    for (weekday, hour), cell in cells.items():
        assert missed_figures.of_hour(WEEK, weekday, hour).count() == cell.came
    assert missed_figures.by_hour(Scope(date(2026, 1, 1), date(2026, 1, 2))) == {}


def test_other_peoples_lines_are_not_counted_and_ours_may_be_asked_alone(week, ekc, line, missed_call, at):
    missed_call(line=ekc, came_at=at(2026, 11, 24, 11, 0))
    assert missed_figures.figures(WEEK).came == 6
    assert missed_figures.figures(Scope(WEEK.first, WEEK.last, line.pk)).came == 6
    assert missed_figures.figures(Scope(WEEK.first, WEEK.last - timedelta(days=6), line.pk)).came == 0
    assert MissedCall.objects.count() == 3
