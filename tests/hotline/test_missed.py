"""A call nobody answered is a duty to call back: it joins its number, is corrected by what comes late, never lost."""

from __future__ import annotations

import itertools
from datetime import timedelta

import pytest
from django.db import IntegrityError, transaction
from django.utils import timezone

from otklik.core import journal
from otklik.core.models import JournalEntry
from otklik.hotline import calls, missed
from otklik.hotline.models import Call, Line, MissedCall, ReturnCall
from tests.appeals.conftest import LONG_AGO
from tests.hotline.conftest import NUMBER

pytestmark = pytest.mark.django_db
OTHER = "+7 913 000-00-02"


@pytest.fixture
def missed_call(missed_call):
    """Let a call come that nobody answers, and be folded."""

    def call(*args, **facts):
        row = missed_call(*args, **facts)
        missed.after(row)
        return row

    return call


@pytest.fixture
def answered(comes):
    def call(number=NUMBER, **facts):
        came = facts.pop("came_at", timezone.now())
        row = comes(number, came_at=came, answered_at=came + timedelta(seconds=5), state="answered", **facts)
        missed.after(row)
        return row

    return call


@pytest.fixture
def rings(comes):
    """Let us call a number: an outgoing call, answered or not."""

    def call(number=NUMBER, *, by=None, answered=True, **facts):
        came = facts.pop("came_at", timezone.now())
        how = {"answered_at": came, "state": "answered"} if answered else {"state": "missed"}
        ended = came + timedelta(seconds=30)
        row = comes(number, direction="out", came_at=came, ended_at=ended, answered_by=by, **how, **facts)
        missed.after(row)
        return row

    return call


def only() -> MissedCall:
    return MissedCall.objects.get()


def now_is(row):
    row.refresh_from_db()
    return row


# --- what a call means ---


def test_a_missed_call_is_a_duty_due_in_the_minutes_of_its_line(missed_call, at, line):
    call = missed_call(came_at=at(2026, 11, 24, 17, 30), waited=73, position=4)
    row = only()
    assert (row.number, row.attempts, row.longest_wait, row.position, row.in_hours) == (NUMBER, 1, 73, 4, True)
    assert row.due_at == at(2026, 11, 25, 9, 30), "half an hour today, half an hour tomorrow"
    assert now_is(call).missed == row
    assert list(missed.waiting()) == [row]
    assert journal.verify() == []


def test_calls_of_one_number_are_one_duty_due_by_the_first_of_them(missed_call, at):
    for minute, waited, place in ((30, 5, 1), (40, 90, 3), (50, 20, None)):
        missed_call(came_at=at(2026, 11, 24, 10, minute), waited=waited, position=place, in_hours=minute != 40)
    row = only()
    assert (row.attempts, row.longest_wait, row.position, row.in_hours) == (3, 90, 3, True)
    assert (row.first_at, row.last_at) == (at(2026, 11, 24, 10, 30), at(2026, 11, 24, 10, 50))
    assert row.due_at == at(2026, 11, 24, 11, 30), "who rings again waits no longer"


def test_out_of_hours_is_told_apart_until_one_call_was_within(missed_call, at):
    missed_call(came_at=at(2026, 11, 24, 20, 0), in_hours=False)
    assert not only().in_hours
    assert only().due_at == at(2026, 11, 25, 10, 0)
    missed_call(came_at=at(2026, 11, 25, 9, 5))
    assert only().in_hours


def test_folding_again_changes_nothing_and_says_nothing(missed_call, answered):
    rows = [missed_call(), missed_call(OTHER), answered()]
    before = [list(model.objects.order_by("pk").values()) for model in (MissedCall, Call, JournalEntry)]
    for row in [*rows, *reversed(rows)]:
        missed.after(now_is(row))
    assert [list(model.objects.order_by("pk").values()) for model in (MissedCall, Call, JournalEntry)] == before


def test_lines_and_numbers_do_not_mix_and_other_peoples_lines_are_no_duty(missed_call, ekc):
    second = Line.objects.create(code="two", name="Вторая", phones="1", valid_from=LONG_AGO)
    missed_call()
    missed_call(OTHER)
    missed_call(line=second)
    missed_call(line=ekc)
    assert MissedCall.objects.count() == 3


def test_an_unknown_line_is_a_duty_by_the_hours_of_our_first_one(missed_call, at):
    missed_call(line=None, came_at=at(2026, 11, 24, 17, 30))
    missed_call(line=None, came_at=at(2026, 11, 24, 17, 40))
    assert (only().line, only().attempts, only().due_at) == (None, 2, at(2026, 11, 25, 9, 30))


def test_a_withheld_number_is_a_row_of_its_own(missed_call):
    missed_call("")
    missed_call("")
    assert list(MissedCall.objects.values_list("attempts", flat=True)) == [1, 1]


def test_a_later_answered_call_settles_it_by_the_system(missed_call, answered, at):
    missed_call(came_at=at(2026, 11, 24, 10, 0))
    call = answered(came_at=at(2026, 11, 24, 10, 20))
    row = only()
    assert (row.outcome, row.settled_by, row.settled_at) == ("reached_us", None, call.answered_at)
    missed_call(came_at=at(2026, 11, 24, 11, 0))
    assert MissedCall.objects.filter(outcome="").count() == 1, "what he missed after that is a new duty"


def test_an_earlier_answered_call_settles_nothing(missed_call, answered, at):
    answered(came_at=at(2026, 11, 24, 9, 30))
    missed_call(came_at=at(2026, 11, 24, 10, 0))
    assert only().outcome == ""


@pytest.mark.parametrize("order", list(itertools.permutations(range(4))))
def test_in_whatever_order_calls_are_told_of_the_same_duties_stand(missed_call, answered, at, order):
    tell = [
        lambda: missed_call(came_at=at(2026, 11, 24, 10, 0)),
        lambda: missed_call(came_at=at(2026, 11, 24, 10, 10)),
        lambda: answered(came_at=at(2026, 11, 24, 10, 30)),
        lambda: missed_call(came_at=at(2026, 11, 24, 11, 0)),
    ]
    for number in order:
        tell[number]()
    stand = MissedCall.objects.order_by("first_at").values_list("outcome", "attempts", "first_at")
    assert list(stand) == [("reached_us", 2, at(2026, 11, 24, 10, 0)), ("", 1, at(2026, 11, 24, 11, 0))]
    assert Call.objects.filter(state="missed", missed=None).count() == 0


def test_a_call_first_counted_missed_that_was_answered_settles_its_duty(missed_call):
    call = missed_call()
    call.state, call.answered_at = "answered", call.came_at + timedelta(seconds=30)
    call.save()
    missed.after(call)
    assert (only().outcome, only().reached_by, only().settled_by) == ("reached_us", call, None)
    assert "позже" in only().note
    assert now_is(call).missed is None


def test_one_of_two_calls_that_was_answered_leaves_the_duty_to_the_other(missed_call, at):
    first = missed_call(came_at=at(2026, 11, 24, 10, 0), waited=200)
    missed_call(came_at=at(2026, 11, 24, 10, 30), waited=20)
    first.state, first.answered_at = "answered", at(2026, 11, 24, 10, 3)
    first.save()
    missed.after(first)
    row = only()
    assert (row.outcome, row.attempts, row.first_at, row.longest_wait) == ("", 1, at(2026, 11, 24, 10, 30), 20)
    assert row.due_at == at(2026, 11, 24, 11, 30)


@pytest.mark.parametrize("number", [NUMBER, ""])
def test_a_call_that_was_not_answered_after_all_opens_its_duty_again(missed_call, number):
    call = missed_call(number)
    for state, answered_at in (("answered", call.came_at), ("missed", None)):
        call.state, call.answered_at = state, answered_at
        call.save()
        missed.after(call)
    assert (only().outcome, only().settled_at, now_is(call).missed) == ("", None, only())


def test_what_an_unanswered_call_had_settled_is_opened_again(missed_call, answered, at):
    missed_call(came_at=at(2026, 11, 24, 10, 0))
    call = answered(came_at=at(2026, 11, 24, 10, 20))
    call.state, call.answered_at = "missed", None
    call.save()
    missed.after(call)
    assert (only().outcome, only().attempts) == ("", 2)


def test_a_number_told_later_moves_the_duty(missed_call):
    call = missed_call("")
    call.number, call.number_key = NUMBER, "+79130000001"
    call.save()
    missed.after(call)
    assert (only().number, only().number_key, only().outcome) == (NUMBER, "+79130000001", "")


def test_a_number_told_later_joins_the_duty_it_has_already(missed_call):
    missed_call()
    call = missed_call("")
    call.number, call.number_key = NUMBER, "+79130000001"
    call.save()
    missed.after(call)
    kept = MissedCall.objects.get(outcome="")
    assert (kept.number, kept.attempts) == (NUMBER, 2)
    assert MissedCall.objects.get(outcome="duplicate").duplicate_of == kept


def test_a_missed_call_told_of_after_we_had_called_back_joins_what_is_settled(missed_call, consultant, at):
    missed_call(came_at=timezone.now() - timedelta(minutes=30))
    missed.attempt(only(), "talked", by=consultant)
    missed.settle(only(), "called_back", by=consultant)
    missed_call(came_at=timezone.now() - timedelta(minutes=20))
    assert (only().outcome, only().attempts) == ("called_back", 2)
    missed_call(came_at=timezone.now() + timedelta(minutes=1))
    assert MissedCall.objects.get(outcome="").attempts == 1


# --- our calls to the number ---


def test_our_call_to_the_number_is_an_attempt_by_itself_once(missed_call, rings, consultant):
    missed_call()
    call = rings(by=consultant)
    missed.after(call)
    told = ReturnCall.objects.get()
    assert (told.missed, told.by, told.result, told.call, told.told) == (only(), consultant, "talked", call, False)
    assert only().outcome == "", "whether it was the person, the employee says"


def test_the_employees_word_and_the_exchanges_event_are_one_attempt_whichever_comes_first(
    missed_call, rings, consultant
):
    missed_call()
    rings(by=consultant)
    missed.attempt(only(), "no_answer", by=consultant)  # it was an answering machine
    assert (ReturnCall.objects.get().result, ReturnCall.objects.get().told) == ("no_answer", True)
    missed_call(OTHER)
    other = MissedCall.objects.get(number=OTHER)
    missed.attempt(other, "talked", by=consultant)
    missed.settle(other, "called_back", by=consultant)
    call = rings(OTHER, by=consultant, came_at=timezone.now() - timedelta(minutes=2))
    assert other.returns.get().call == call


def test_our_call_that_was_not_answered_is_an_attempt_too_and_is_put_right_later(missed_call, rings, consultant):
    missed_call()
    call = rings(by=None, answered=False)
    assert (only().returns.get().result, only().returns.get().by) == ("no_answer", None)
    call.state, call.answered_at = "answered", call.came_at
    call.save()
    missed.after(call)
    assert only().returns.get().result == "talked"


# --- steps ---


def test_one_takes_a_duty_a_colleague_is_told_who_has_it(missed_call, consultant, consultant2):
    missed_call()
    missed.take(only(), by=consultant)
    missed.take(only(), by=consultant)
    assert only().taken_by == consultant
    for step in (
        lambda: missed.take(only(), by=consultant2),
        lambda: missed.attempt(only(), "talked", by=consultant2),
        lambda: missed.settle(only(), "reached_us", note="так", by=consultant2),
    ):
        with pytest.raises(missed.TakenByAnother, match="Голосова"):
            step()


def test_who_took_it_gives_it_back_or_a_head_does(missed_call, consultant, consultant2, world):
    missed_call()
    with pytest.raises(missed.NotTaken):
        missed.give_back(only(), by=consultant)
    missed.take(only(), by=consultant)
    with pytest.raises(missed.NotYours):
        missed.give_back(only(), by=consultant2)
    missed.give_back(only(), by=world.head)
    assert (only().taken_by, only().taken_at) == (None, None)
    missed.take(only(), by=consultant2)
    assert missed.give_back(only(), by=consultant2).outcome == ""


def test_called_back_needs_a_talk(missed_call, consultant):
    missed_call()
    missed.attempt(only(), "no_answer", by=consultant)
    with pytest.raises(missed.NoTalk):
        missed.settle(only(), "called_back", by=consultant)
    missed.attempt(only(), "talked", by=consultant)
    row = missed.settle(only(), "called_back", by=consultant)
    assert (row.outcome, row.settled_by, row.taken_by) == ("called_back", consultant, consultant)
    with pytest.raises(missed.AlreadySettled, match="перезвонили"):
        missed.attempt(only(), "busy", by=consultant)


def test_unreachable_only_after_enough_attempts_of_the_line(missed_call, consultant, line):
    missed_call()
    line.attempts_enough = 2
    line.save()
    for made, result in enumerate(("no_answer", "busy")):
        with pytest.raises(missed.TooFewAttempts, match=f"после 2 попыток без ответа, сделано {made}"):
            missed.settle(only(), "unreachable", by=consultant)
        missed.attempt(only(), result, by=consultant)
    assert missed.settle(only(), "unreachable", by=consultant).outcome == "unreachable"


def test_a_button_pressed_twice_is_one_attempt(missed_call, consultant):
    missed_call()
    for _ in range(3):
        missed.attempt(only(), "no_answer", by=consultant)
    assert only().returns.count() == 1


def test_a_repeat_names_what_it_repeats_and_two_cannot_repeat_each_other(missed_call, consultant):
    missed_call()
    missed_call(OTHER)
    one, two = MissedCall.objects.order_by("pk")
    for wrong in (None, one.pk, 10**9):
        with pytest.raises(missed.NoOriginal):
            missed.settle(one, "duplicate", duplicate_of=wrong, by=consultant)
    missed.settle(one, "duplicate", duplicate_of=two.pk, by=consultant)
    with pytest.raises(missed.NoOriginal):
        missed.settle(two, "duplicate", duplicate_of=one.pk, by=consultant)


def test_a_wrong_number_is_heard_and_reaching_us_is_told_in_words(missed_call, consultant):
    missed_call()
    with pytest.raises(missed.NotHeard):
        missed.settle(only(), "wrong_number", by=consultant)
    with pytest.raises(missed.NoWords):
        missed.settle(only(), "reached_us", note=" ", by=consultant)
    missed.attempt(only(), "not_the_one", by=consultant)
    assert missed.settle(only(), "wrong_number", by=consultant).outcome == "wrong_number"


def test_a_withheld_number_is_settled_as_such_and_as_nothing_else(missed_call, consultant):
    missed_call("")
    with pytest.raises(missed.NothingToDial):
        missed.attempt(only(), "talked", by=consultant)
    for outcome in set(missed.BY_HAND) - {"withheld"}:
        with pytest.raises(missed.NothingToDial):
            missed.settle(only(), outcome, note="так", by=consultant)
    assert missed.settle(only(), "withheld", by=consultant).outcome == "withheld"


def test_nothing_leaves_the_list_without_an_outcome(missed_call, consultant):
    missed_call()
    for nothing in ("", "мимо", "open"):
        with pytest.raises(missed.NoOutcome):
            missed.settle(only(), nothing, by=consultant)
    with pytest.raises(missed.NumberKnown):
        missed.settle(only(), "withheld", by=consultant)
    with pytest.raises(missed.NoSuchResult):
        missed.attempt(only(), "", by=consultant)
    for broken in (
        {"settled_at": timezone.now()},
        {"outcome": "called_back"},
        {"outcome": "withheld", "settled_at": timezone.now()},
        {"outcome": "duplicate", "settled_at": timezone.now()},
    ):
        with pytest.raises(IntegrityError), transaction.atomic():
            MissedCall.objects.update(**broken)
    assert list(missed.waiting()) == [only()]


def test_the_journal_says_each_step_and_no_number(missed_call, consultant):
    missed_call()
    missed.attempt(only(), "talked", by=consultant)
    missed.settle(only(), "called_back", note="Перезвонила", by=consultant)
    said = JournalEntry.objects.filter(chain=f"missed:{only().pk}").order_by("seq")
    assert [one.action for one in said] == ["missed.owed", "missed.taken", "missed.attempted", "missed.settled"]
    assert not any("913" in str(one.data) or "Перезвонила" in str(one.data) for one in said)


def test_a_call_is_written_down_by_hand(line, consultant, at):
    call = calls.write_down(
        line=line, number="8 913 000 00 01", came_at=at(2026, 11, 24, 19, 0), waited=30, by=consultant
    )
    assert (call.in_hours, only().in_hours, only().number_key) == (False, False, "+79130000001")
    with pytest.raises(calls.BadCall):
        calls.write_down(line=line, number=NUMBER, came_at=timezone.now() + timedelta(hours=1), waited=0, by=consultant)
    with pytest.raises(calls.BadCall):
        calls.write_down(line=line, number="не номер", came_at=timezone.now(), waited=0, by=consultant)
