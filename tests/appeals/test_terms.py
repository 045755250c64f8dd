"""Dates follow regime, calendar and rules; every change of them has a preview, a reason and a journal line."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from django.utils import timezone

from otklik.appeals import registration, terms
from otklik.appeals.errors import NotAllowed
from otklik.appeals.models import Appeal
from otklik.core import calendar
from otklik.core.models import JournalEntry, Regime
from otklik.core.templatetags.otklik import term_chip

TODAY = timezone.localdate


def _appeal(world, on: date) -> Appeal:
    entry = world.entry(received_on=on)
    return registration.register(world.message(), entry, by=world.clerk, on=on, imported=True)


def test_a_changed_calendar_re_dates_running_appeals_after_a_preview(world):
    running, answered = _appeal(world, date(2026, 4, 1)), _appeal(world, date(2026, 4, 1))
    Appeal.objects.filter(pk=answered.pk).update(status=Appeal.Status.SENT)
    assert terms.preview() == []
    calendar.set_day(date(2026, 4, 30), "off", source="постановление", by=world.clerk)
    assert [(one.appeal, one.was, one.becomes) for one in terms.preview()] == [
        (running, date(2026, 4, 30), date(2026, 4, 29))
    ]
    assert world.again(running).due_on == date(2026, 4, 30)
    changed = terms.redate(by=world.clerk, reason="перенос выходного")
    assert [one.appeal for one in changed] == [running]
    assert world.again(running).due_on == date(2026, 4, 29)
    assert world.again(answered).due_on == date(2026, 4, 30)
    assert terms.why(running)[-1].reason == "перенос выходного"
    line = JournalEntry.objects.get(action="appeal.redated")
    assert (line.data["was"], line.data["becomes"]) == ("2026-04-30", "2026-04-29")
    assert terms.preview() == []


def test_only_who_keeps_the_calendar_re_dates(world, trace):
    _appeal(world, date(2026, 4, 1))
    calendar.set_day(date(2026, 4, 30), "off", source="постановление", by=world.clerk)
    before = trace()
    with pytest.raises(NotAllowed):
        terms.redate(by=world.executor, reason="хочу")
    assert trace() == before


def test_a_term_stands_still_only_where_the_regime_names_an_article(world, trace):
    appeal = world.registered()
    before = trace()
    with pytest.raises(terms.PauseRefused):
        terms.pause(appeal, starts_on=TODAY(), by=world.clerk)
    assert trace() == before


def test_a_pause_moves_the_term_by_its_days(world):
    Regime.objects.filter(code="59fz").update(pause_basis="ст. 00 порядка")
    start = TODAY() - timedelta(days=10)
    appeal = world.again(_appeal(world, start))
    was = appeal.due_on
    terms.pause(appeal, starts_on=start + timedelta(days=1), by=world.clerk)
    with pytest.raises(terms.PauseDates):
        terms.pause(appeal, starts_on=start, by=world.clerk)
    becomes = terms.resume(appeal, ends_on=start + timedelta(days=7), by=world.clerk)
    assert becomes > was
    assert any("приостановлен" in line["text"] for line in terms.why(appeal)[-1].why)
    with pytest.raises(terms.PauseDates):
        terms.resume(appeal, ends_on=TODAY(), by=world.clerk)


@pytest.mark.parametrize(
    ("days", "text", "level"),
    [
        (-2, "просрочено на 2 дня", "late"),
        (0, "сегодня последний день", "today"),
        (3, "осталось 3 дня", "soon"),
        (9, "осталось 9 дней", "calm"),
    ],
)
def test_the_chip_says_it_in_words(days: int, text: str, level: str) -> None:
    chip = said(due=TODAY() + timedelta(days=days))
    assert text in chip
    assert f"chip-{level}" in chip


def test_the_chip_of_an_answered_appeal_says_whether_it_was_in_time() -> None:
    assert "опозданием" not in said(due=TODAY(), answered=TODAY())
    assert "с опозданием на 4 дня" in said(due=TODAY() - timedelta(days=4), answered=TODAY())


def said(**facts: date) -> str:
    return term_chip(**facts).replace("\xa0", " ")
