"""A message is never lost and never two."""

from __future__ import annotations

import threading as os_threading
from datetime import timedelta
from pathlib import Path

import pytest
from django.db import OperationalError, connection
from django.utils import timezone

from otklik.core import journal
from otklik.core.models import JournalEntry, StoredFile
from otklik.correspondence import inbox, reconciliation
from otklik.correspondence.models import ChannelCode, IncomingMessage, MessageFacts
from tests.correspondence.builders import NOON, FakeChannel, arrived, clerk, come, parsed

pytestmark = pytest.mark.django_db
State = IncomingMessage.State


@pytest.fixture
def channel() -> FakeChannel:
    return FakeChannel()


def test_raw_bytes_are_kept_before_anything_reads_them(settings):
    came = arrived("a-1", text="Здравствуйте")
    message = inbox.accept(came).message
    assert message.state == State.STORED
    assert message.text == ""
    assert (Path(settings.FILES_ROOT) / message.raw.path).read_bytes() == came.raw


def test_redelivery_is_counted_not_doubled():
    first = inbox.accept(arrived("a-1"))
    again = [inbox.accept(arrived("a-1")) for _ in range(3)]
    assert not first.duplicate
    assert {(one.message.pk, one.duplicate) for one in again} == {(first.message.pk, True)}
    assert IncomingMessage.objects.get().redelivered == 3


def test_a_reused_id_with_other_content_is_another_message_and_is_doubled_neither():
    ids = {inbox.accept(arrived("2019", text=text)).message.pk for text in ("раз", "два", "три", "раз", "два", "три")}
    assert len(ids) == IncomingMessage.objects.count() == 3
    assert sum(IncomingMessage.objects.values_list("redelivered", flat=True)) == 3


def test_an_id_longer_than_its_column_is_still_the_same_id():
    pks = {inbox.accept(arrived("x" * 5000)).message.pk for _ in range(2)}
    assert len(pks) == 1


def test_a_failure_to_store_leaves_neither_row_nor_file(settings, monkeypatch):
    def fails(*args, **kwargs):
        raise OperationalError("disk I/O error")

    monkeypatch.setattr(journal, "record_each", fails)
    with pytest.raises(OperationalError):
        inbox.accept(arrived("a-1"))
    assert not IncomingMessage.objects.exists()


def test_several_are_kept_in_order_and_a_repeat_among_them_is_one_message():
    old = inbox.accept(arrived("old")).message
    came = [arrived("a"), arrived("old"), arrived("b"), arrived("a"), arrived("b", text="иное"), arrived("old")]
    accepted = inbox.accept_each(came)
    assert [one.duplicate for one in accepted] == [False, True, False, True, False, True]
    assert accepted[0].message.pk == accepted[3].message.pk
    assert accepted[1].message.pk == accepted[5].message.pk == old.pk
    kept = IncomingMessage.objects.order_by("pk")
    assert [one.redelivered for one in kept] == [2, 1, 0, 0]
    assert list(kept) == [old, accepted[0].message, accepted[2].message, accepted[4].message]
    assert journal.verify() == []


def test_keeping_and_reading_fifty_takes_the_statements_of_a_few(channel, django_assert_max_num_queries):
    came = [arrived(str(number), text=f"Вопрос {number}") for number in range(50)]
    with django_assert_max_num_queries(14):
        accepted = inbox.accept_each(came)
    with django_assert_max_num_queries(14 + 3 * len(came)):
        inbox.parse_each([one.message for one in accepted], {ChannelCode.EMAIL: channel})
    assert set(IncomingMessage.objects.values_list("state", flat=True)) == {State.NEW}
    assert journal.verify() == []


def test_of_several_read_together_one_that_cannot_be_written_delays_no_other(channel, monkeypatch):
    accepted = inbox.accept_each([arrived(str(number), subject=str(number)) for number in range(3)])
    match = inbox.threading.match

    def fails_on_the_second(read, **how):
        if read.subject == "1":
            raise ValueError("a defect")
        return match(read, **how)

    monkeypatch.setattr(inbox.threading, "match", fails_on_the_second)
    inbox.parse_each([one.message for one in accepted], {ChannelCode.EMAIL: channel})
    states = IncomingMessage.objects.order_by("pk").values_list("state", flat=True)
    assert list(states) == [State.NEW, State.QUARANTINED, State.NEW]
    assert [one.message.state for one in accepted] == list(states)


def test_what_the_bringer_reads_itself_is_left_to_it_until_the_lease_ends(channel, monkeypatch):
    message = inbox.accept_each([arrived()], to_read=True)[0].message
    assert not inbox.parse_next({ChannelCode.EMAIL: channel})
    monkeypatch.setattr(inbox, "READING_LEASE", timedelta(0))
    assert inbox.parse_next({ChannelCode.EMAIL: channel})
    message.refresh_from_db()
    assert message.state == State.NEW


def test_what_ended_its_reader_is_read_alone_from_then_on(channel, monkeypatch):
    inbox.accept_each([arrived(str(number), subject=str(number)) for number in range(4)])
    IncomingMessage.objects.filter(external_id="2").update(parse_attempts=1)
    together = []
    monkeypatch.setattr(
        inbox, "parse_each", lambda messages, channels: together.append([m.external_id for m in messages])
    )
    inbox.parse_next({ChannelCode.EMAIL: channel})
    inbox.parse_next({ChannelCode.EMAIL: channel})
    assert together == [["0", "1", "3"], ["2"]]


def test_portions_end_by_number_and_by_size_and_a_failure_comes_after_what_came_before_it(monkeypatch):
    monkeypatch.setattr(inbox, "AT_ONCE", 3)
    monkeypatch.setattr(inbox, "AT_ONCE_BYTES", 10)
    assert list(inbox.portions([1, 1, 1, 1, 9, 1, 50, 2], int)) == [[1, 1, 1], [1, 9], [1, 50], [2]]

    def broken():
        yield 1
        raise OSError("the source is gone")

    portions = inbox.portions(broken(), int)
    assert next(portions) == [1]
    with pytest.raises(OSError, match="gone"):
        next(portions)


@pytest.mark.django_db(transaction=True)
def test_of_eight_threads_that_bring_one_letter_one_keeps_it():
    start, got, failed = os_threading.Barrier(8), [], []

    def bring():
        try:
            start.wait()
            got.append(inbox.accept(arrived("race")).duplicate)
        except Exception as exc:
            failed.append(exc)
        finally:
            connection.close()

    threads = [os_threading.Thread(target=bring) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not failed
    assert sorted(got) == [False] + [True] * 7
    assert IncomingMessage.objects.get().redelivered == 7


def test_a_read_message_waits_for_a_decision_with_its_text_and_thread(channel):
    message = come(
        channel, text="Прошу", subject="Участок", sender_address="a@b.example", facts_schema="x", facts={"n": 1}
    )
    assert (message.state, message.text, message.subject) == (State.NEW, "Прошу", "Участок")
    assert message.thread is not None
    assert MessageFacts.objects.get().data == {"n": 1}


@pytest.mark.parametrize(
    ("fields", "reason"), [({"broken": True}, "Письмо повреждено."), ({"defect": True}, "ZeroDivisionError")]
)
def test_what_cannot_be_read_waits_in_quarantine_and_delays_nothing(channel, fields, reason):
    bad = inbox.accept(arrived(**fields)).message
    good = inbox.accept(arrived()).message
    channels = {ChannelCode.EMAIL: channel}
    while inbox.parse_next(channels):
        pass
    bad.refresh_from_db()
    good.refresh_from_db()
    assert (bad.state, good.state) == (State.QUARANTINED, State.NEW)
    assert reason in bad.problem


def test_text_no_database_bears_is_cleaned(channel):
    message = come(channel, text="а\x00б\ud800в", subject="т\x00ема\r\nX: y", sender_name="и" * 1000)
    message.refresh_from_db()
    assert message.text == "абв"
    assert message.subject == "тема X: y"
    assert len(message.sender_name) == 300


def test_a_database_that_is_away_sends_nothing_to_quarantine(channel, monkeypatch):
    message = inbox.accept(arrived()).message
    monkeypatch.setattr(channel, "parse", lambda raw: (_ for _ in ()).throw(OperationalError("gone")))
    with pytest.raises(OperationalError):
        inbox.parse_next({ChannelCode.EMAIL: channel})
    message.refresh_from_db()
    assert message.state == State.STORED


def test_a_message_that_keeps_killing_its_reader_ends_in_quarantine(channel):
    message = inbox.accept(arrived()).message
    long_ago = timezone.now() - timedelta(hours=1)
    IncomingMessage.objects.update(parse_attempts=inbox.READINGS, parse_started_at=long_ago)
    assert inbox.parse_next({ChannelCode.EMAIL: channel})
    message.refresh_from_db()
    assert message.state == State.QUARANTINED


def test_what_another_worker_is_reading_is_left_to_it(channel):
    inbox.accept(arrived())
    IncomingMessage.objects.update(parse_started_at=timezone.now())
    assert not inbox.parse_next({ChannelCode.EMAIL: channel})


def test_a_retried_message_is_read_again(channel):
    message = come(channel, broken=True)
    inbox.retry(message, by=clerk())
    assert message.state == State.STORED
    channel.parse = lambda raw: parsed(text="ок")  # type: ignore[method-assign]
    assert inbox.parse_next({ChannelCode.EMAIL: channel})
    message.refresh_from_db()
    assert (message.state, message.text) == (State.NEW, "ок")


def test_a_rejection_needs_a_reason_and_without_one_leaves_no_trace(channel):
    message = come(channel)
    lines = JournalEntry.objects.count()
    with pytest.raises(inbox.ReasonNeeded):
        inbox.reject(message, reason="  ", by=clerk())
    message.refresh_from_db()
    assert (message.state, JournalEntry.objects.count()) == (State.NEW, lines)
    inbox.reject(message, reason="Спам", by=clerk())
    assert (message.state, message.reject_reason) == (State.REJECTED, "Спам")


@pytest.mark.django_db(transaction=True)
def test_of_two_clerks_one_takes_the_message_and_the_other_is_told(channel):
    message, people = come(channel), [clerk("one"), clerk("two")]
    start, outcomes = os_threading.Barrier(2), []

    def press(by):
        try:
            mine = IncomingMessage.objects.get(pk=message.pk)
            start.wait()
            inbox.take(mine, state=State.REGISTERED, thread=mine.thread, by=by)
            outcomes.append("took")
        except inbox.AlreadyTaken:
            outcomes.append("told")
        finally:
            connection.close()

    threads = [os_threading.Thread(target=press, args=(by,)) for by in people]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(outcomes) == ["told", "took"]
    assert JournalEntry.objects.filter(action="message.registered").count() == 1


def test_a_note_by_hand_waits_with_its_files_and_a_second_press_writes_nothing(channel):
    note = {
        "channel": ChannelCode.POST,
        "contact_point": None,
        "sender_name": "Тестова Анна",
        "text": "",
        "files": [("скан.pdf", b"%PDF-1.4")],
        "received_at": NOON,
        "by": clerk(),
        "once": "form-7",
    }
    first, second = inbox.write_down(**note), inbox.write_down(**note)
    assert first.pk == second.pk
    assert (first.state, first.files.get().name) == (State.NEW, "скан.pdf")


def test_an_empty_note_is_refused_and_nothing_is_written():
    with pytest.raises(inbox.NothingWritten):
        inbox.write_down(channel="post", contact_point=None, sender_name="", text=" ", received_at=NOON, by=clerk())
    assert not IncomingMessage.objects.exists()
    assert not StoredFile.objects.exists()


def test_a_quarantined_message_can_be_typed_in_by_hand(channel):
    message = come(channel, broken=True)
    inbox.fill_in(message, sender_name="Тестов", text="Содержание со скана", by=clerk())
    assert (message.state, message.text) == (State.NEW, "Содержание со скана")
    assert "вручную" in message.notes[-1]


def test_facts_brought_again_add_a_version_only_when_they_changed(channel):
    message = come(channel)
    for data in ({"plan": 1}, {"plan": 1}, {"plan": 2}):
        inbox.add_facts(message, schema="pos", data=data)
    assert list(MessageFacts.objects.values_list("version", "data")) == [(1, {"plan": 1}), (2, {"plan": 2})]


def test_what_was_seen_equals_what_became_of_it_and_a_vanished_row_shows(channel):
    new, rejected = come(channel), come(channel, text="спам")
    come(channel, broken=True)
    come(channel, text="новое").refresh_from_db()
    inbox.take(new, state=State.REGISTERED, thread=new.thread, by=clerk())
    inbox.reject(rejected, reason="спам", by=clerk())
    [row] = reconciliation.tally(timezone.localdate())
    assert (row.seen, row.waiting, row.registered, row.joined, row.quarantined, row.rejected) == (4, 1, 1, 0, 1, 1)
    assert row.balanced
    IncomingMessage.objects.filter(pk=rejected.pk).delete()
    [row] = reconciliation.tally(timezone.localdate())
    assert not row.balanced


def test_every_step_of_a_message_stands_in_its_journal(channel):
    message = come(channel)
    inbox.take(message, state=State.JOINED, thread=message.thread, by=clerk())
    actions = JournalEntry.objects.filter(chain=f"message:{message.pk}").order_by("seq")
    assert [entry.action for entry in actions] == ["message.accepted", "message.read", "message.joined"]
    assert journal.verify() == []
