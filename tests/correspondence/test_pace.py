"""No more than the other side takes, nobody woken at night, a channel that fails is left alone but for one trial."""

from __future__ import annotations

import threading
from datetime import UTC, datetime, time, timedelta

import pytest
from django.db import connection
from django.utils import timezone
from hypothesis import given
from hypothesis import strategies as st

from otklik.channels.registry import all_channels
from otklik.config import jobs
from otklik.core.models import JournalEntry
from otklik.correspondence import delivery, pace
from otklik.correspondence.channel import DeliveryError, DeliveryUnknown
from otklik.correspondence.models import ChannelCode, Connection, OutgoingMessage, SendingRule, SendingState
from otklik.correspondence.pace import FAILED, PASSED, REFUSED, Breaker, Limits
from tests.correspondence.builders import FakeChannel, clerk, letter

State = OutgoingMessage.State
NOW = datetime(2026, 11, 24, 5, 0, tzinfo=UTC)  # noon in Novosibirsk
NUMBERS = st.one_of(st.none(), st.integers(1, 7))


# --- the limiter -----------------------------------------------------------------------------------------------------


@given(NUMBERS, NUMBERS, st.lists(st.floats(0, 20), max_size=60))
def test_no_second_and_no_minute_ever_has_more_than_its_limit(second, minute, pauses):
    limits, taken, sent, now = Limits(second, minute), [], [], 0.0
    for pause in pauses:
        now += pause
        at = limits.free_at(taken, now)
        assert at >= now
        if at == now:
            taken = limits.with_one(taken, now)
            sent.append(now)
    for number, seconds in limits.windows:
        for first, last in zip(sent, sent[number:], strict=False):
            assert last - first >= seconds - 1e-6


@given(NUMBERS, NUMBERS, st.integers(1, 40))
def test_who_waits_as_told_is_let_through_and_nothing_waits_longer_than_it_must(second, minute, count):
    limits, taken, now = Limits(second, minute), [], 1000.0
    for _ in range(count):
        at = limits.free_at(taken, now)
        if at > now:  # a moment earlier it would have been too many
            assert any(
                len(taken) >= number and at - taken[-number] <= seconds + 1e-6 for number, seconds in limits.windows
            )
        now = at
        assert limits.free_at(taken, now) == now
        taken = limits.with_one(taken, now)
    assert len(taken) <= max((number for number, _ in limits.windows), default=0)


def test_a_channel_without_limits_remembers_nothing():
    assert Limits().with_one([], 5.0) == []
    assert Limits().free_at([], 5.0) == 5.0


# --- the breaker -----------------------------------------------------------------------------------------------------


@given(st.integers(1, 6), st.lists(st.sampled_from([PASSED, REFUSED, FAILED, "wait"]), max_size=60))
def test_a_breaker_opens_after_so_many_failures_in_a_row_and_lets_one_through_at_a_time(breaks_after, events):
    now, breaker, in_a_row = NOW, Breaker(), 0
    for event in events:
        if event == "wait":
            now += timedelta(minutes=20)
            continue
        if not breaker.admits(now):
            assert breaker.broken_at
            continue
        trying = breaker.trying(now)
        was_broken = trying.broken_at is not None
        if was_broken:  # a second worker at this moment is not let through
            assert not trying.admits(now)
            assert trying.admits(now + pace.PROBE_LEASE)
        breaker = trying.after(event, now, breaks_after=breaks_after)
        if event == PASSED or (event == REFUSED and was_broken):
            in_a_row = 0
            assert breaker == Breaker()
        elif event == FAILED:
            in_a_row += 1
        assert (breaker.broken_at is not None) == (in_a_row >= breaks_after)
        if breaker.broken_at:
            assert breaker.probe_at is not None
            assert timedelta() < breaker.probe_at - now <= pace.PROBES[-1]


def test_trials_come_ever_more_rarely():
    breaker, now, pauses = Breaker(), NOW, []
    for _ in range(9):
        breaker = breaker.after(FAILED, now, breaks_after=3)
        if breaker.probe_at:
            pauses.append(breaker.probe_at - now)
            now = breaker.probe_at
    assert tuple(pauses[: len(pace.PROBES)]) == pace.PROBES
    assert set(pauses[len(pace.PROBES) :]) == {pace.PROBES[-1]}
    assert breaker.broken_at == NOW


def test_zero_means_the_channel_is_never_stopped():
    breaker = Breaker()
    for _ in range(50):
        breaker = breaker.after(FAILED, NOW, breaks_after=0)
    assert breaker.admits(NOW)


# --- quiet hours -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("since", "until", "quiet_at"),
    [
        (time(22), time(8), {22, 23, *range(8)}),
        (time(1), time(5), {1, 2, 3, 4}),
        (time(8), time(8), set()),
        (None, None, set()),
    ],
)
def test_quiet_hours_go_over_midnight_too(since, until, quiet_at):
    midnight = timezone.make_aware(datetime(2026, 11, 24))
    assert {hour for hour in range(24) if pace.is_quiet(since, until, midnight + timedelta(hours=hour))} == quiet_at


# --- the engine ------------------------------------------------------------------------------------------------------


class Chat(FakeChannel):
    """Another channel that sends by itself."""

    code = ChannelCode.TELEGRAM


@pytest.fixture
def chat(db: None) -> Chat:
    Connection.objects.create(channel=ChannelCode.TELEGRAM, on=True, sends=True)
    SendingRule.objects.create(channel=ChannelCode.TELEGRAM)
    return Chat()


def to_chat(**changes):
    return letter(channel=ChannelCode.TELEGRAM, recipient="1", **changes)


def send_all(**channels) -> None:
    while delivery.send_next({ChannelCode[name.upper()]: one for name, one in channels.items()}):
        pass


def fails(error: Exception):
    def on_send(item):
        raise error

    return on_send


def stopped(channel: str = ChannelCode.TELEGRAM) -> bool:
    return SendingState.objects.filter(channel=channel).exclude(broken_at=None).exists()


def test_many_rows_of_one_channel_delay_no_other(chat):
    mail = FakeChannel()
    order: list[str] = []
    mail.on_send, chat.on_send = (lambda _: order.append("mail")), (lambda _: order.append("chat"))
    for _ in range(6):
        to_chat()
    letter()
    send_all(email=mail, telegram=chat)
    assert order.index("mail") <= 1
    assert len(order) == 7


def test_a_channel_takes_no_more_than_its_limit_and_the_rest_waits(chat):
    SendingRule.objects.update(per_minute=2)
    for _ in range(5):
        to_chat()
    send_all(telegram=chat)
    assert len(chat.sent) == 2
    assert set(OutgoingMessage.objects.filter(state=State.QUEUED).values_list("attempts", flat=True)) == {0}
    SendingState.objects.update(taken=[one - 61 for one in SendingState.objects.get().taken])
    send_all(telegram=chat)
    assert len(chat.sent) == 4


def test_at_night_only_what_a_person_signed_leaves(chat, monkeypatch):
    midnight = timezone.make_aware(datetime(2027, 11, 24, 1))
    SendingRule.objects.update(quiet_from=time(22), quiet_to=time(8))
    receipt = to_chat(kind=OutgoingMessage.Kind.RECEIPT, automatic=True)
    answer = to_chat()
    monkeypatch.setattr(timezone, "now", lambda: midnight)
    send_all(telegram=chat)
    assert [one.message_id for one in chat.sent] == [answer.message_id]
    SendingRule.objects.update(quiet_for_answers=True)
    to_chat()
    send_all(telegram=chat)
    assert len(chat.sent) == 1
    monkeypatch.setattr(timezone, "now", lambda: midnight + timedelta(hours=7))
    send_all(telegram=chat)
    assert receipt.message_id in [one.message_id for one in chat.sent]
    assert len(chat.sent) == 3


@pytest.mark.parametrize("error", [DeliveryError("503"), DeliveryUnknown("оборвалось")])
def test_a_channel_that_fails_is_stopped_its_rows_wait_and_one_trial_brings_all_of_them(chat, error):
    rows = [to_chat() for _ in range(9)]
    chat.on_send = fails(error)
    send_all(telegram=chat)
    assert stopped()
    tried = OutgoingMessage.objects.filter(attempts__gt=0)
    assert tried.count() == SendingRule.objects.get().breaks_after
    send_all(telegram=chat)
    assert tried.count() == 5, "nothing is tried while it is stopped"
    SendingState.objects.update(probe_at=timezone.now())
    send_all(telegram=chat)
    assert tried.count() == 6, "one trial"
    chat.on_send = lambda item: None
    SendingState.objects.update(probe_at=timezone.now())
    OutgoingMessage.objects.filter(state=State.QUEUED).update(not_before=timezone.now())
    send_all(telegram=chat)
    assert not stopped()
    assert {one.message_id for one in chat.sent} == {row.message_id for row in rows}
    actions = JournalEntry.objects.filter(chain="channel:telegram").values_list("action", flat=True)
    assert list(actions) == ["channel.sending_stopped", "channel.sending_resumed"]


@pytest.mark.django_db
def test_refusals_for_good_stop_no_channel():
    mail = FakeChannel()
    mail.on_send = fails(DeliveryError("550 нет такого ящика", permanent=True))
    for _ in range(8):
        letter()
    send_all(email=mail)
    assert OutgoingMessage.objects.filter(state=State.FAILED).count() == 8
    assert not stopped(ChannelCode.EMAIL)


def test_who_asks_to_wait_is_left_alone_with_all_messages_for_so_long(chat):
    first, second = to_chat(), to_chat()
    chat.on_send = fails(DeliveryError("просит подождать", retry_after=120))
    send_all(telegram=chat)
    first.refresh_from_db()
    second.refresh_from_db()
    assert (first.attempts, second.attempts) == (1, 0)
    left = (first.not_before - timezone.now()).total_seconds()
    assert 118 < left < 134
    assert not stopped(), "it answers: it only asks to wait"
    chat.on_send = lambda item: None
    send_all(telegram=chat)
    assert chat.sent == []
    pace.try_now(ChannelCode.TELEGRAM, by=clerk())
    send_all(telegram=chat)
    assert [one.message_id for one in chat.sent] == [second.message_id]


def test_messages_for_a_channel_that_is_off_wait_until_it_is_on_and_lose_no_attempts(chat):
    row = to_chat()
    Connection.objects.update(on=False)
    send_all(telegram=chat)
    row.refresh_from_db()
    assert (row.state, row.attempts) == (State.QUEUED, 0)
    Connection.objects.update(on=True)
    send_all(telegram=chat)
    assert len(chat.sent) == 1


def at_once(*steps) -> None:
    def closing(step):
        try:
            step()
        finally:
            connection.close()

    threads = [threading.Thread(target=closing, args=[step]) for step in steps]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


@pytest.mark.django_db(transaction=True)
def test_a_channel_that_is_slow_to_answer_delays_no_other(chat):
    mail, answers, called = FakeChannel(), threading.Event(), threading.Event()

    def slowly(item):
        called.set()
        answers.wait(20)

    chat.on_send = slowly
    to_chat()
    letter()
    steps = jobs.steps({**all_channels(), ChannelCode.EMAIL: mail, ChannelCode.TELEGRAM: chat})

    def others():
        assert called.wait(20)
        assert steps["send-email"]()
        answers.set()

    at_once(steps["send-telegram"], others)
    assert (len(mail.sent), len(chat.sent)) == (1, 1)


@pytest.mark.django_db(transaction=True)
def test_two_workers_together_send_no_more_than_the_limit(chat):
    SendingRule.objects.update(per_minute=3)
    for _ in range(8):
        to_chat()
    at_once(*[lambda: send_all(telegram=chat)] * 2)
    assert len(chat.sent) == 3
    assert OutgoingMessage.objects.filter(state=State.QUEUED).count() == 5


@pytest.mark.django_db(transaction=True)
def test_of_two_workers_one_tries_a_channel_that_is_stopped(chat):
    for _ in range(6):
        to_chat()
    now = timezone.now()
    SendingState.objects.create(channel=ChannelCode.TELEGRAM, failures=5, broken_at=now, probe_at=now, probes=1)
    chat.on_send = fails(DeliveryError("503"))
    at_once(*[lambda: send_all(telegram=chat)] * 2)
    assert OutgoingMessage.objects.filter(attempts=1).count() == 1
    assert stopped()


def test_it_is_said_why_a_message_waits(chat, monkeypatch):
    row = to_chat()
    assert delivery.why_waits(row) == ""
    now = timezone.now()
    SendingState.objects.create(
        channel=ChannelCode.TELEGRAM, failures=5, broken_at=now, probe_at=now + timedelta(minutes=5)
    )
    assert "остановлен" in delivery.why_waits(row)
    SendingState.objects.update(broken_at=None, not_before=now + timedelta(hours=1))
    assert "просила подождать" in delivery.why_waits(row)
    SendingState.objects.update(not_before=None)
    SendingRule.objects.update(quiet_from=time(22), quiet_to=time(8), quiet_for_answers=True)
    monkeypatch.setattr(timezone, "now", lambda: timezone.make_aware(datetime(2027, 11, 24, 1)))
    assert delivery.why_waits(row) == "тихие часы канала до 08:00"
    Connection.objects.update(on=False)
    assert delivery.why_waits(row) == "канал выключен"


@pytest.mark.django_db
def test_a_rule_that_makes_no_sense_is_refused_in_words():
    fine = {"per_second": None, "per_minute": 30, "quiet_from": None, "quiet_to": None}
    with pytest.raises(pace.BadRule, match="и начало, и конец"):
        pace.keep(ChannelCode.VK, {**fine, "quiet_from": time(22)}, by=clerk())
    with pytest.raises(pace.BadRule, match="от 1 до 600"):
        pace.keep(ChannelCode.VK, {**fine, "per_minute": 0}, by=clerk())
    assert pace.keep(ChannelCode.VK, fine, by=clerk()).per_minute == 30
    assert JournalEntry.objects.filter(chain="channel:vk").get().action == "channel.sending_changed"


@pytest.mark.django_db
def test_many_that_were_not_delivered_are_sent_again_each_with_its_line():
    rows = [letter() for _ in range(3)]
    OutgoingMessage.objects.update(state=State.FAILED, error="550")
    OutgoingMessage.objects.filter(pk=rows[0].pk).update(state=State.SENT)
    assert delivery.resend_each(OutgoingMessage.objects.all(), by=clerk()) == 2
    assert JournalEntry.objects.filter(action="outgoing.resent").count() == 2
    [mail] = pace.all_conditions()
    assert (mail.channel, mail.waiting, mail.failed, mail.text) == (ChannelCode.EMAIL, 2, 0, "работает")
