"""Nothing leaves before the commit, one attempt at a time, and doubt is counted."""

from __future__ import annotations

import threading as os_threading
from datetime import date, timedelta

import pytest
from django.db import connection, transaction
from django.utils import timezone

from otklik.core import journal
from otklik.core.models import JournalEntry
from otklik.correspondence import delivery
from otklik.correspondence.channel import DeliveryError, DeliveryUnknown
from otklik.correspondence.models import (
    ChannelCode,
    ContactPoint,
    IncomingMessage,
    OutgoingMessage,
    SendingState,
    Thread,
)
from tests.correspondence.builders import FakeChannel, clerk, come, letter

pytestmark = pytest.mark.django_db
State = OutgoingMessage.State


@pytest.fixture
def channel() -> FakeChannel:
    return FakeChannel()


def refuse(error: Exception):
    def on_send(item):
        raise error

    return on_send


def drain(channel: FakeChannel) -> None:
    while delivery.send_next({ChannelCode.EMAIL: channel}):
        pass


def make_due() -> None:
    OutgoingMessage.objects.filter(state=State.QUEUED).update(not_before=timezone.now())
    SendingState.objects.update(probe_at=None, not_before=None)


def test_a_letter_leaves_once_with_its_files_and_thread(channel):
    question = come(channel, message_id="<q@c>", references=["<earlier@c>"], sender_address="a@b.example")
    row = letter(thread=question.thread, files=[("ответ.pdf", b"%PDF")])
    drain(channel)
    row.refresh_from_db()
    [item] = channel.sent
    assert (row.state, row.attempts) == (State.SENT, 1)
    assert (item.in_reply_to, list(item.references)) == ("<q@c>", ["<earlier@c>", "<q@c>"])
    assert [(name, path.read_bytes()) for name, path, _ in item.files] == [("ответ.pdf", b"%PDF")]


@pytest.mark.django_db(transaction=True)
def test_nothing_leaves_when_the_transaction_is_undone(channel):
    with transaction.atomic():
        letter()
        transaction.set_rollback(True)
    assert not OutgoingMessage.objects.exists()
    drain(channel)
    assert channel.sent == []


def test_nothing_leaves_within_the_time_for_undoing(channel):
    row = letter(undo_seconds=30)
    drain(channel)
    assert channel.sent == []
    make_due()
    drain(channel)
    row.refresh_from_db()
    assert row.state == State.SENT


def test_a_cancelled_letter_never_leaves_and_a_sent_one_is_not_cancelled(channel):
    taken_back, gone = letter(undo_seconds=30), letter()
    delivery.cancel(taken_back, by=clerk())
    make_due()
    drain(channel)
    assert [item.message_id for item in channel.sent] == [gone.message_id]
    lines = JournalEntry.objects.count()
    with pytest.raises(delivery.TooLate):
        delivery.cancel(gone, by=clerk())
    assert (gone.state, JournalEntry.objects.count()) == (State.SENT, lines)


def test_pauses_grow_and_end_in_not_delivered(channel):
    channel.on_send = refuse(DeliveryError("451 позже"))
    row = letter()
    pauses = []
    for _ in range(len(delivery.PAUSES)):
        make_due()
        before = timezone.now()
        drain(channel)
        row.refresh_from_db()
        assert row.state == State.QUEUED
        pauses.append((row.not_before - before) / timedelta(minutes=1))
    shares = [pause / (least / timedelta(minutes=1)) for pause, least in zip(pauses, delivery.PAUSES, strict=True)]
    assert all(1 <= share <= 1 + delivery.JITTER + 0.01 for share in shares)
    assert len({round(share, 3) for share in shares}) > 1, "not all by the same chance"
    assert sum(pauses) > 4 * 24 * 60  # RFC 5321, 4.5.4.1
    make_due()
    drain(channel)
    row.refresh_from_db()
    assert (row.state, row.error) == (State.FAILED, "451 позже")


def test_a_refusal_for_good_is_not_repeated(channel):
    channel.on_send = refuse(DeliveryError("550 нет такого ящика", permanent=True))
    row = letter()
    drain(channel)
    row.refresh_from_db()
    assert (row.state, row.attempts, row.error) == (State.FAILED, 1, "550 нет такого ящика")


@pytest.mark.parametrize("error", [DeliveryUnknown("оборвалось"), ZeroDivisionError()])
def test_an_unknown_outcome_is_repeated_under_the_same_id_where_a_repeat_is_recognised(channel, error):
    channel.on_send = refuse(error)
    row = letter()
    drain(channel)
    row.refresh_from_db()
    assert (row.state, row.uncertain_attempts) == (State.QUEUED, 1)
    channel.on_send = lambda item: None
    make_due()
    drain(channel)
    row.refresh_from_db()
    assert row.state == State.SENT
    assert [item.message_id for item in channel.sent] == [row.message_id]
    assert row in delivery.uncertain()


def test_elsewhere_an_unknown_outcome_waits_for_a_clerk():
    channel = FakeChannel(repeats_safely=False)
    channel.on_send = refuse(DeliveryUnknown("оборвалось"))
    arrived, lost = letter(), letter()
    drain(channel)
    for row in (arrived, lost):
        row.refresh_from_db()
        assert row.state == State.UNCERTAIN
    delivery.settle(arrived, arrived=True, by=clerk())
    delivery.settle(lost, arrived=False, by=clerk())
    assert (arrived.state, lost.state) == (State.SENT, State.FAILED)
    with pytest.raises(delivery.NotNow):
        delivery.settle(arrived, arrived=False, by=clerk())
    channel.on_send = lambda item: None
    delivery.resend(lost, by=clerk())
    drain(channel)
    assert [item.message_id for item in channel.sent] == [lost.message_id]


def test_a_letter_that_may_have_left_cannot_be_cancelled(channel):
    channel.on_send = refuse(DeliveryUnknown("оборвалось"))
    row = letter()
    drain(channel)
    with pytest.raises(delivery.TooLate):
        delivery.cancel(row, by=clerk())
    assert row.state == State.QUEUED


@pytest.mark.parametrize(("safe", "state"), [(True, State.QUEUED), (False, State.UNCERTAIN)])
def test_what_a_dead_worker_left_is_given_back_and_counted(safe, state):
    row = letter()
    long_ago = timezone.now() - delivery.SENDING_LEASE - timedelta(minutes=1)
    OutgoingMessage.objects.update(
        state=State.SENDING, attempts=1, repeats_safely=safe, leased_by="x", leased_at=long_ago
    )
    assert delivery.return_stuck() == 1
    row.refresh_from_db()
    assert (row.state, row.uncertain_attempts) == (state, 1)
    assert delivery.return_stuck() == 0


def test_what_a_living_worker_is_sending_stays_with_it():
    letter()
    OutgoingMessage.objects.update(state=State.SENDING, leased_by="x", leased_at=timezone.now())
    assert delivery.return_stuck() == 0


def test_one_key_makes_one_letter():
    thread = Thread.objects.create()
    rows = {letter(thread=thread, once_key="receipt:7", automatic=True).pk for _ in range(3)}
    assert len(rows) == OutgoingMessage.objects.count() == 1


def test_paper_waits_for_a_person(channel):
    row = letter(channel=ChannelCode.POST, recipient="г. Примерск, ул. Тестовая, 1")
    drain(channel)
    row.refresh_from_db()
    assert row.state == State.BY_HAND
    delivery.posted(row, on=date(2026, 11, 20), by=clerk(), number="63000001")
    assert (row.state, timezone.localtime(row.sent_at).date()) == (State.SENT, date(2026, 11, 20))
    with pytest.raises(delivery.NotNow):
        delivery.posted(row, on=date(2026, 11, 21), by=clerk())


def test_history_brought_in_sends_nothing(channel):
    row = letter(imported=True)
    drain(channel)
    assert (row.state, channel.sent) == (State.SENT, [])


def test_a_letter_without_an_address_is_refused():
    with pytest.raises(delivery.NoAddress):
        letter(recipient=" ")
    assert not OutgoingMessage.objects.exists()


def test_a_report_of_a_mail_server_marks_our_letter_not_delivered(channel):
    row = letter()
    drain(channel)
    delayed = come(channel, machine="bounce", bounce_of=row.message_id, bounce_permanent=False)
    row.refresh_from_db()
    assert row.state == State.SENT
    report = come(channel, machine="bounce", bounce_of=row.message_id, bounce_permanent=True, subject="Undelivered")
    row.refresh_from_db()
    assert row.state == State.FAILED
    assert "не доставлено" in row.error
    for one in (delayed, report):
        assert (one.match, one.thread) == (IncomingMessage.Match.CERTAIN, row.thread)


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("turn", range(5))
def test_of_an_undo_and_a_worker_exactly_one_wins(channel, turn):
    row, start, undone = letter(), os_threading.Barrier(2), []

    def undo():
        try:
            start.wait()
            delivery.cancel(OutgoingMessage.objects.get(pk=row.pk), by=None)
            undone.append(True)
        except delivery.TooLate:
            undone.append(False)
        finally:
            connection.close()

    def send():
        try:
            start.wait()
            drain(channel)
        finally:
            connection.close()

    _together(undo, send)
    row.refresh_from_db()
    assert (row.state, len(channel.sent)) == ((State.CANCELLED, 0) if undone == [True] else (State.SENT, 1))


@pytest.mark.django_db(transaction=True)
def test_of_two_workers_on_many_rows_each_row_leaves_once(channel):
    rows = [letter() for _ in range(10)]

    def send():
        try:
            drain(channel)
        finally:
            connection.close()

    _together(send, send)
    assert sorted(item.message_id for item in channel.sent) == sorted(row.message_id for row in rows)
    assert set(OutgoingMessage.objects.values_list("state", "attempts")) == {(State.SENT, 1)}


def _together(*steps) -> None:
    threads = [os_threading.Thread(target=step) for step in steps]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


@pytest.mark.parametrize(
    ("fields", "may"),
    [
        ({"sender_address": "ivanova@citizen.example"}, True),
        ({"sender_address": ""}, False),
        ({"sender_address": "MAILER-DAEMON@mx.example"}, False),
        ({"sender_address": "no-reply@shop.example"}, False),
        ({"sender_address": "info@dep.example"}, False),
        ({"sender_address": "Info+abcdefghjk@DEP.example"}, False),
        ({"sender_address": "a@b.example", "machine": "auto"}, False),
        ({"sender_address": "a@b.example", "machine": "bulk"}, False),
        ({"sender_address": "a@b.example", "machine": "bounce"}, False),
    ],
)
def test_programs_lists_reports_and_ourselves_get_no_automatic_answer(channel, fields, may):
    ContactPoint.objects.create(
        code="our", name="Почта", channel=ChannelCode.EMAIL, address="info@dep.example", valid_from=date(2026, 1, 1)
    )
    assert delivery.may_answer_automatically(come(channel, **fields)) is may


def test_every_step_of_a_letter_stands_in_its_journal(channel):
    row = letter()
    drain(channel)
    chain = JournalEntry.objects.filter(chain=f"outgoing:{row.pk}").order_by("seq")
    assert [entry.action for entry in chain] == ["outgoing.queued", "outgoing.sent"]
    assert journal.verify() == []
