"""A message has a day to be registered by before anybody has registered it."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest
from django.utils import timezone

from otklik.appeals import queues, registration, waiting
from otklik.appeals.models import Appeal, ChannelDefault
from otklik.core import calendar
from otklik.core.models import TermRule
from otklik.correspondence import inbox
from otklik.correspondence.models import ChannelCode, IncomingMessage


@pytest.fixture(autouse=True)
def new_year_holidays(world, monkeypatch):
    """Let it be Friday, 1 January 2027: nobody works before the 11th."""
    be(monkeypatch, 2027, 1, 1)


def be(monkeypatch, year, month, day):
    now = datetime(year, month, day, 5, tzinfo=UTC)  # noon in Novosibirsk
    monkeypatch.setattr(timezone, "now", lambda: now)
    calendar.forget()


def line_of(world, message):
    return next(line for line in waiting.lines(world.fresh(world.clerk)) if line.pk == message.pk)


def test_a_form_sent_on_new_year_is_registered_on_the_first_working_day(world):
    message = world.message(channel=ChannelCode.WEBSITE, sender_address="")
    due = waiting.due_of(message)
    assert due.on == date(2027, 1, 11)
    assert due.why[0]["date"] == "2027-01-01"
    assert line_of(world, message).due_on == date(2027, 1, 11)


def test_what_came_burns_on_its_last_working_day_and_not_before(world, monkeypatch):
    message = world.message()
    assert not line_of(world, message).burns
    assert queues.counters(world.fresh(world.clerk))["due"] == 0
    for day in (11, 12):
        be(monkeypatch, 2027, 1, day)
        assert line_of(world, message).burns
        clerk = world.fresh(world.clerk)
        assert queues.counters(clerk)["due"] == 1
        assert [(row.kind, row.pk) for row in queues.rows(clerk, "due").rows] == [("message", message.pk)]


@pytest.mark.parametrize("identified", [True, False])
@pytest.mark.parametrize("channel", ChannelCode.values)
def test_the_day_shown_is_the_day_that_registration_keeps(world, channel, identified):
    message = world.message(channel=channel, sender_address="a@citizen.example")
    inbox.add_facts(message, schema="x", data={"identified": not identified})
    inbox.add_facts(message, schema="x", data={"identified": identified})
    shown = waiting.due_of(message)
    entry = registration.propose(message).entry
    way = {"answer_channel": entry.answer_channel} if channel == ChannelCode.POS else {}
    appeal = registration.register(message, world.email_entry(regime=entry.regime, **way), by=world.clerk)
    kept = appeal.term_rows.get(step="register")
    assert (shown.on, shown.why) == (kept.due_on, kept.why)
    assert waiting.due_of(message) is None


def test_a_newer_rule_and_a_newer_regime_hold_and_old_ones_do_not(world):
    message = world.message()
    old = TermRule.objects.get(regime="59fz", step="register")
    TermRule.objects.create(regime_id="59fz", step="register", days=20, basis="Новый закон", valid_from="2027-01-01")
    assert waiting.due_of(message).on == date(2027, 1, 21)
    TermRule.objects.filter(pk=old.pk).update(valid_to="2026-12-31")
    TermRule.objects.filter(days=20).update(valid_from="2027-01-02")
    assert waiting.due_of(message) is None
    assert line_of(world, message).due_on is None
    ChannelDefault.objects.create(channel="post", regime_id="outside_59fz", why="Проба", valid_from="2027-01-01")
    assert waiting.due_of(message).on == date(2027, 1, 11)


def test_the_nearest_term_comes_first_and_filters_narrow_what_waits(world, monkeypatch):
    be(monkeypatch, 2027, 2, 1)
    by_post = world.message(text="Прошу аренду")
    by_form = world.message(channel=ChannelCode.EMAIL, sender_address="a@citizen.example", text="Прошу выкуп")
    IncomingMessage.objects.filter(pk=by_post.pk).update(received_at=timezone.now() - timedelta(hours=1))
    rows = lambda view="registration", **asked: [  # noqa: E731
        row.pk for row in queues.rows(world.fresh(world.clerk), view, queues.Filters(**asked)).rows
    ]
    assert rows() == [by_form.pk, by_post.pk]
    assert rows(channel="post") == [by_post.pk]
    assert rows(text="выкуп") == [by_form.pk]
    assert rows(term="today") == []
    be(monkeypatch, 2027, 2, 2)
    assert rows(term="today") == [by_form.pk]
    assert rows("due") == [by_form.pk]
    assert rows("due", unit=world.land.pk) == []


def test_appeals_and_messages_that_burn_stand_in_one_order_over_all_pages(world, monkeypatch):
    late, message = world.registered(), world.message()
    soon = world.registered()
    be(monkeypatch, 2027, 1, 11)
    for appeal, due in ((late, date(2027, 1, 10)), (soon, date(2027, 1, 12))):
        Appeal.objects.filter(pk=appeal.pk).update(due_on=due)
    clerk = world.fresh(world.clerk)
    pages = [queues.rows(clerk, "due", queues.Filters(page=number), size=1) for number in (1, 2, 3)]
    assert [[(row.kind, row.pk) for row in page.rows] for page in pages] == [
        [("appeal", late.pk)],
        [("message", message.pk)],
        [("appeal", soon.pk)],
    ]
    assert [page.has_next for page in pages] == [True, True, False]


def test_only_who_registers_is_told_what_burns(world, monkeypatch):
    world.message()
    be(monkeypatch, 2027, 1, 11)
    assert queues.counters(world.fresh(world.auditor))["due"] == 0
    assert queues.counters(world.fresh(world.auditor))["registration"] == 1
    assert queues.rows(world.fresh(world.auditor), "due").rows == []
    assert "registration" not in queues.counters(world.fresh(world.executor))


def test_what_is_counted_is_what_is_listed_of_each_channel_whatever_the_day(world, monkeypatch):
    for day in (11, 12, 13):
        be(monkeypatch, 2027, 1, day)
        for channel in (ChannelCode.POST, ChannelCode.EMAIL, ChannelCode.EMAIL):
            inbox.add_facts(world.message(channel=channel), schema="x", data={"identified": day == 12})
    world.message(channel=ChannelCode.POST)
    evening = datetime(2027, 1, 13, 20, tzinfo=UTC)  # in Novosibirsk it is the 14th already
    IncomingMessage.objects.filter(pk=world.message().pk).update(received_at=evening)
    be(monkeypatch, 2027, 1, 14)
    clerk = world.fresh(world.clerk)
    asked = {
        f"{view} {channel} {term} {text}": (view, queues.Filters(channel=channel, term=term, text=text))
        for view in ("registration", "due")
        for channel in ("", "post", "email", "vk")
        for term in ("", "overdue", "today", "soon")
        for text in ("", "аренд")
    }
    listed = {name: len(queues.rows(clerk, *one).rows) for name, one in asked.items()}
    assert {name: queues.counters(clerk, asked)[name] for name in asked} == listed
    assert len(set(listed.values())) > 3
    assert queues.burning_messages(clerk) == listed["due   "]
