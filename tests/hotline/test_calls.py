"""Calls counted from events: repetition, disorder, several tellers, odd clocks; who folds waits for who folds."""

from __future__ import annotations

import os
import random
from datetime import UTC, datetime, timedelta

import pytest
from django.db import connections
from django.utils import timezone

from otklik.core.models import JournalEntry
from otklik.hotline import calls
from otklik.hotline.exchange import ami, cdr, queue_log
from otklik.hotline.exchange.events import Event, Kind, Source
from otklik.hotline.models import Call, CallEvent, Line, MissedCall
from tests.hotline.conftest import NUMBER

pytestmark = pytest.mark.django_db

AT = datetime(2026, 11, 24, 5, 0, tzinfo=UTC)  # Tuesday noon in Novosibirsk
T = int(AT.timestamp())


@pytest.fixture
def line(line):
    Line.objects.filter(pk=line.pk).update(known_as="support, 2386002")
    line.refresh_from_db()
    return line


def log(*lines: str) -> list[Event]:
    return queue_log.Reader().feed(("\n".join(lines) + "\n").encode())


ANSWERED = (
    f"{T}|{T}.1|support|NONE|ENTERQUEUE||+79130000001|1",
    f"{T + 9}|{T}.1|support|PJSIP/102|RINGNOANSWER|9000",
    f"{T + 14}|{T}.1|support|PJSIP/101|CONNECT|14|{T + 9}.2|4",
    f"{T + 80}|{T}.1|support|PJSIP/101|COMPLETECALLER|14|66|1",
)
ABANDONED = (
    f"{T}|{T}.1|support|NONE|ENTERQUEUE||+79130000001|3",
    f"{T + 40}|{T}.1|support|NONE|ABANDON|2|3|40",
)


def test_an_answered_call_is_told_by_the_queue_log(line, consultant):
    assert calls.take(log(*ANSWERED)) == 4
    call = Call.objects.get()
    assert (call.state, call.line, call.answered_by) == ("answered", line, consultant)
    assert (call.waited, call.talked, call.number_key, call.rings) == (14, 66, "+79130000001", ["102", "101"])
    assert call.in_hours
    assert (call.came_at, call.ended_at) == (AT, AT + timedelta(seconds=80))


def test_an_abandoned_call_keeps_its_place_and_how_long_it_waited(line):
    calls.take(log(*ABANDONED))
    call = Call.objects.get()
    assert (call.state, call.waited, call.position, call.answered_at) == ("missed", 40, 2, None)


@pytest.mark.parametrize("told", [ANSWERED, ABANDONED])
def test_disorder_and_repetition_give_the_same_call(line, consultant, told):
    calls.take(log(*told))
    fields = [name for name in calls._COUNTED if name not in ("line", "answered_by")]
    expected = Call.objects.values(*fields).get()
    for seed in range(5):
        CallEvent.objects.all().delete()
        Call.objects.all().delete()
        events = [*log(*told), *log(*told)]
        random.Random(seed).shuffle(events)
        for one in events:
            calls.take([one])
        assert Call.objects.values(*fields).get() == expected


def test_one_call_told_by_three_sources_is_one_call(line, consultant):
    calls.take(log(*ANSWERED))
    before = Call.objects.values().get()
    told = ami.Blocks().feed(
        f"Event: QueueCallerJoin\r\nUniqueid: {T}.1\r\nTimestamp: {T}.4\r\nQueue: support\r\n"
        f"CallerIDNum: 79130000001\r\n\r\n"
        f"Event: AgentConnect\r\nUniqueid: {T}.1\r\nTimestamp: {T + 14}.2\r\nQueue: support\r\n"
        f"Interface: PJSIP/101\r\n\r\n"
        f"Event: Hold\r\nUniqueid: x\r\nLinkedid: {T}.1\r\nTimestamp: {T + 20}.0\r\n\r\n"
        f"Event: Unhold\r\nUniqueid: x\r\nLinkedid: {T}.1\r\nTimestamp: {T + 30}.0\r\n\r\n".encode()
    )
    calls.take([one for message in told if (one := ami.translate(message, arrived=AT))])
    calls.take([Event(Source.WEBHOOK, f"{T}.1", Kind.ENTERED, AT, {"dialled": "2386002"})])
    after = Call.objects.values().get()
    assert after == before | {"held": 10, "dialled": "2386002"}


def test_a_robots_answer_is_nobodys_answer(line, settings):
    settings.EXCHANGE_ROBOTS = {"ivr"}
    calls.take(
        [
            Event(Source.WEBHOOK, "a", Kind.ENTERED, AT, {"queue": "support", "number": NUMBER}),
            Event(
                Source.WEBHOOK, "a", Kind.CONNECTED, AT + timedelta(seconds=2), {"agent": "Local/ivr@robots-00000001;2"}
            ),
            Event(Source.WEBHOOK, "a", Kind.COMPLETED, AT + timedelta(seconds=30), {}),
        ]
    )
    call = Call.objects.get()
    assert (call.state, call.by_robot, call.waited) == ("missed", True, 30)


def test_an_unknown_line_and_a_withheld_number_lose_nothing(line):
    calls.take(log(f"{T}|{T}.7|other|NONE|ENTERQUEUE||anonymous|1", f"{T + 5}|{T}.7|other|NONE|ABANDON|1|1|5"))
    call = Call.objects.get()
    assert (call.line, call.dialled, call.number, call.state) == (None, "other", "", "missed")


def test_a_log_cut_in_the_middle_of_a_line_waits_for_the_rest(line):
    whole = ("\n".join(ABANDONED) + "\n").encode()
    for cut in range(0, len(whole), 7):
        reader = queue_log.Reader()
        assert len([*reader.feed(whole[:cut]), *reader.feed(whole[cut:])]) == 2
        assert reader.unread == 0


def test_a_broken_line_is_counted_and_the_rest_is_read(line):
    reader = queue_log.Reader()
    events = reader.feed(("\n".join(["1|2", "x|y|z|NONE|ENTERQUEUE||1|1", *ABANDONED]) + "\n").encode())
    assert (len(events), reader.unread, [place for place, _ in reader.wrong]) == (2, 2, [1, 2])


def test_a_call_that_never_ends_is_closed_and_says_so(line, django_assert_num_queries):
    came = timezone.now() - timedelta(hours=5)
    calls.take([Event(Source.AMI, "endless", Kind.ENTERED, came, {"queue": "support"})])
    assert Call.objects.get().state == "waiting"
    assert calls.close_endless() == 1
    call = Call.objects.get()
    assert (call.state, call.ended_at) == ("missed", came)
    assert calls.closed_by_us([call]) == {call.pk: calls.CLOSED["endless"]}
    calls.take([Event(Source.QUEUE_LOG, "endless", Kind.ENTERED, came, {"queue": "support"})])
    calls.take([Event(Source.QUEUE_LOG, "endless", Kind.CONNECTED, came + timedelta(seconds=9), {"queue": "support"})])
    calls.take([Event(Source.QUEUE_LOG, "endless", Kind.COMPLETED, came + timedelta(seconds=90), {"queue": "support"})])
    call = Call.objects.get()
    assert (call.state, call.talked, calls.closed_by_us([call])) == ("answered", 81, {})


def test_calls_that_went_on_when_the_exchange_restarted_are_closed(line):
    calls.take(log(ABANDONED[0], f"{T + 60}|NONE|NONE|NONE|QUEUESTART|"))
    call = Call.objects.get()
    assert (call.state, calls.closed_by_us([call])) == ("missed", {call.pk: calls.CLOSED["restart"]})


def test_a_hangup_of_a_strange_telephone_leaves_nothing(line):
    calls.take([Event(Source.AMI, "strange", Kind.ENDED, AT)])
    assert not CallEvent.objects.exists()
    calls.take([Event(Source.WEBHOOK, "strange", Kind.ENDED, AT)])
    assert not Call.objects.exists()


def test_more_digits_than_a_number_has_are_cut_and_lose_no_call(line):
    dialled = {"dialled": "8" * 60, "direction": "out"}
    calls.take([Event(Source.WEBHOOK, "out", Kind.ENTERED, AT, dialled)])
    assert Call.objects.get().number == "8" * 40


def test_an_inner_number_that_calls_out_is_no_missed_call(line, consultant):
    calls.take(
        [
            Event(Source.AMI, "out", Kind.ENTERED, AT, {"number": "101", "dialled": "+79130000001"}),
            Event(Source.AMI, "out", Kind.ENDED, AT + timedelta(seconds=5)),
        ]
    )
    call = Call.objects.get()
    assert (call.direction, call.number_key) == ("out", "+79130000001")


def test_a_clock_an_hour_off_is_told_and_nothing_is_shifted(line):
    now = timezone.now()
    hour = timedelta(hours=1)
    calls.take(
        [
            *(Event(Source.WEBHOOK, f"{n}", Kind.ENTERED, now + hour, {"queue": "support"}) for n in range(5)),
            *(Event(Source.AMI, f"{n}", Kind.ENTERED, now, {"queue": "support"}) for n in range(5)),
        ]
    )
    told = {(one.source, round(one.seconds / 60), one.of_whom) for one in calls.clocks()}
    assert told == {("webhook", 60, "часов Отклика"), ("ami", -60, "часов: сообщение станции")}
    assert CallEvent.objects.filter(source="webhook", at=now + hour).count() == 5


def test_spans_are_never_counted_between_two_clocks(line):
    hour = timedelta(hours=1)
    calls.take(
        [
            Event(Source.WEBHOOK, "a", Kind.ENTERED, AT + hour, {"queue": "support"}),
            Event(Source.WEBHOOK, "a", Kind.CONNECTED, AT + hour + timedelta(seconds=10)),
            *log(f"{T}|a|support|NONE|ENTERQUEUE||1|1", f"{T + 10}|a|support|PJSIP/101|CONNECT|10|x|4"),
            *log(f"{T + 30}|a|support|PJSIP/101|COMPLETEAGENT|10|20|1"),
        ]
    )
    call = Call.objects.get()
    assert (call.waited, call.talked) == (10, 20)


def test_a_call_written_by_hand_and_one_the_exchange_knows(line, consultant):
    came = timezone.now() - timedelta(minutes=10)
    call = calls.write_down(line=line, number=NUMBER, came_at=came, waited=30, by=consultant)
    assert (call.state, call.source, call.line, call.waited) == ("missed", "hand", line, 30)
    with pytest.raises(calls.KnownCall):
        calls.write_down(line=line, number=NUMBER, came_at=came, waited=30, by=consultant)
    calls.write_down(line=line, number=NUMBER, came_at=came, waited=30, by=consultant, another=True)
    assert Call.objects.count() == 2
    with pytest.raises(calls.BadCall):
        calls.write_down(line=line, number="чужой", came_at=came, waited=30, by=consultant)


def test_the_exchanges_account_knows_a_human_from_the_queue_itself(line):
    head = '"","79130000001","2386002","from-trunk","","PJSIP/trunk-1","{to}","Queue","support,t",'
    tail = (
        f'"2026-11-24 12:00:00","2026-11-24 12:00:01","2026-11-24 12:01:00",60,59,"ANSWERED","DOCUMENTATION","{T}.1",""'
    )
    zone = timezone.get_current_timezone()
    calls.take(cdr.read(head.format(to="") + tail, zone=zone).events)
    assert Call.objects.get().state == "missed"
    calls.take(cdr.read(head.format(to="PJSIP/101-00000001") + tail, zone=zone).events)
    assert Call.objects.get().state == "answered"


@pytest.mark.django_db(transaction=True)
def test_workers_that_fold_the_same_calls_at_once_lose_nothing(line, consultant):
    told = [log(*(one.replace(f"{T}.1", f"{T}.{n}") for one in ANSWERED)) for n in range(12)]

    def work(part: int) -> None:
        """Tell the third of each call's events, one by one, so that every call is folded by all."""
        for events in told:
            for one in events[part::3]:
                calls.take([one])

    connections.close_all()
    children = []
    for part in range(3):
        if (child := os.fork()) == 0:
            code = 1
            try:
                work(part)
                code = 0
            finally:
                os._exit(code)
        children.append(child)
    assert [os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) for child in children] == [0, 0, 0]
    assert set(Call.objects.values_list("state", "waited", "talked")) == {("answered", 14, 66)}
    assert Call.objects.count() == 12


def test_a_batch_takes_few_statements(line, django_assert_max_num_queries):
    events = [one for n in range(100) for one in log(*(told.replace(f"{T}.1", f"{T}.{n}") for told in ANSWERED))]
    with django_assert_max_num_queries(28):
        calls.take(events)
    assert Call.objects.filter(state="answered").count() == 100


def _rings(second: int, name: str, number: str) -> list[Event]:
    return log(
        f"{T + second}|{name}|support|NONE|ENTERQUEUE||{number}|1",
        f"{T + second + 30}|{name}|support|NONE|ABANDON|1|1|30",
    )


def test_missed_calls_of_many_numbers_take_as_few_statements_as_one(line, django_assert_max_num_queries):
    # Of a hundred numbers, each of which has called once: nothing is to be asked of any.
    with django_assert_max_num_queries(36):
        calls.take([one for n in range(100) for one in _rings(n, f"{T}.{n}", f"+7913{n:07}")])
    rows = MissedCall.objects.filter(outcome="").exclude(number_key="")
    assert (rows.count(), Call.objects.filter(missed__in=rows).count()) == (100, 100)
    assert JournalEntry.objects.filter(action="missed.owed").count() == 100


def test_a_number_that_rings_twice_in_one_reading_is_one_duty_and_one_known_before_is_joined(line):
    calls.take(_rings(0, "a", "+79130000001"))
    calls.take([*_rings(60, "b", "+79130000001"), *_rings(70, "c", "+79130000002"), *_rings(99, "d", "+79130000002")])
    calls.take(_rings(120, "e", "+79130000003"))
    duties = dict(MissedCall.objects.values_list("number_key", "attempts"))
    assert duties == {"+79130000001": 2, "+79130000002": 2, "+79130000003": 1}
    calls.take(_rings(120, "e", "+79130000003"))
    assert MissedCall.objects.count() == 3
