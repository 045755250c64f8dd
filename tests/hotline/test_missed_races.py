"""Two workers fold calls of one number at once, two people take one duty: one duty, one taker, nothing lost."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db import transaction
from django.utils import timezone

from otklik.core import journal
from otklik.core.errors import DomainError
from otklik.hotline import missed
from otklik.hotline.models import Call, MissedCall, ReturnCall
from otklik.people.models import Employee
from tests.appeals.conftest import World
from tests.appeals.test_races import at_once
from tests.hotline.conftest import NUMBER

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def world(transactional_db: None) -> World:
    return World()


def fold(call):
    """Return what a worker does: reads the call and counts what it means, in one transaction."""

    def work():
        with transaction.atomic():
            missed.after(Call.objects.select_for_update(of=("self",)).select_related("line").get(pk=call.pk))

    return work


def test_workers_that_fold_calls_of_one_number_at_once_make_one_duty(world, missed_call):
    calls = [missed_call(came_at=timezone.now() - timedelta(minutes=minute)) for minute in range(1, 5)]
    assert at_once(*map(fold, calls)) == [None] * 4
    row = MissedCall.objects.get()
    assert (row.attempts, row.outcome) == (4, "")
    assert at_once(*map(fold, [*calls[:2], *calls[:2]])) == [None] * 4
    assert MissedCall.objects.get().attempts == 4
    assert journal.verify() == []


def test_a_missed_and_a_later_answered_call_folded_at_once_leave_nothing_to_call_back(world, missed_call, comes):
    for minute in (30, 20, 10):
        came = timezone.now() - timedelta(minutes=minute)
        lost = missed_call(came_at=came)
        answered = comes(NUMBER, came_at=came + timedelta(minutes=5), answered_at=came, state="answered")
        assert at_once(fold(lost), fold(answered)) == [None, None]
    assert list(missed.waiting()) == []
    assert Call.objects.filter(state="missed", missed=None).count() == 0


def test_of_two_who_take_one_duty_one_has_it(world, missed_call, consultant, consultant2):
    call = missed_call()
    fold(call)()
    row = MissedCall.objects.get()
    people = [Employee.objects.get(pk=one.pk) for one in (consultant, consultant2)]
    results = at_once(*(lambda by=by: missed.take(row, by=by) for by in people))
    refused = [one for one in results if isinstance(one, Exception)]
    assert [type(one) for one in refused] == [missed.TakenByAnother]
    winner = people[0 if not isinstance(results[0], Exception) else 1]
    assert MissedCall.objects.get().taken_by == winner


def test_two_who_settle_one_duty_or_each_by_the_other_do_not_both_succeed(world, missed_call, consultant, consultant2):
    one, two = missed_call(), missed_call("+7 913 000-00-02")
    for call in (one, two):
        fold(call)()
    first, second = MissedCall.objects.order_by("pk")
    results = at_once(
        lambda: missed.settle(first, "duplicate", duplicate_of=second.pk, by=consultant),
        lambda: missed.settle(second, "duplicate", duplicate_of=first.pk, by=consultant2),
    )
    assert [type(one) for one in results if isinstance(one, Exception)] == [missed.NoOriginal]
    left = missed.waiting().get()
    by = consultant if left.taken_by in (None, consultant) else consultant2
    results = at_once(*[lambda: missed.settle(left, "reached_us", note="Пришёл на приём", by=by)] * 2)
    refused = [one for one in results if isinstance(one, Exception)]
    assert len(refused) == 1
    assert all(isinstance(one, DomainError) for one in refused)


def test_a_duty_settled_by_hand_while_the_caller_reaches_us_has_one_outcome(world, missed_call, comes, consultant):
    call = missed_call()
    fold(call)()
    row = MissedCall.objects.get()
    ReturnCall.objects.create(missed=row, by=consultant, at=timezone.now(), result="talked")
    now = timezone.now()
    answered = comes(NUMBER, came_at=now, answered_at=now, state="answered")
    results = at_once(fold(answered), lambda: missed.settle(row, "called_back", by=consultant))
    assert all(one is None or isinstance(one, MissedCall | missed.AlreadySettled) for one in results), results
    assert MissedCall.objects.get().outcome in ("called_back", "reached_us")
