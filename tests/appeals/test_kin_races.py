"""Two merges, two outcomes, an assignment beside a complaint: one succeeds, the other is told, nothing is half-done."""

from __future__ import annotations

import pytest

from otklik.appeals import assignment, complained, kinship, merging, outcomes
from otklik.appeals.models import Appeal, CaseMerge, Kinship, OutcomeKind, QuestionOutcome
from otklik.appeals.outcomes import Given
from otklik.core import journal
from tests.appeals.conftest import World
from tests.appeals.test_races import _one_won, at_once

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def world(transactional_db: None) -> World:
    return World()


def test_two_merges_into_each_other(world):
    one, other = world.registered(), world.registered()
    pairs = [(world.again(one), world.again(other)), (world.again(other), world.again(one))]
    people = [world.fresh(world.clerk), world.fresh(world.clerk2)]
    results = at_once(*(lambda p=pair, by=by: merging.merge(*p, by=by) for pair, by in zip(pairs, people, strict=True)))
    _one_won(results)
    assert CaseMerge.objects.count() == 1
    assert sorted(Appeal.objects.values_list("status", flat=True)) == ["closed", "registered"]
    assert one.messages.count() + other.messages.count() == 2
    assert journal.verify() == []


def test_an_outcome_while_it_is_forwarded(world):
    from django.utils import timezone

    appeal = world.drafted()
    sent_on = Given(where="Росреестр", number="7", dated=timezone.localdate())
    explained, forwarded = (OutcomeKind.objects.get(code=code) for code in ("explained", "forwarded"))
    tries = [(explained, Given(), world.clerk), (forwarded, sent_on, world.executor)]
    copies = [(world.again(appeal), kind, given, world.fresh(by)) for kind, given, by in tries]
    results = at_once(*(lambda c=c: outcomes.record(c[0], c[1], c[2], by=c[3]) for c in copies))
    _one_won(results)
    assert QuestionOutcome.objects.filter(replaced_at=None).count() == 1
    assert journal.verify() == []


def test_an_assignment_beside_a_complaint_of_the_one_assigned(world):
    appeal = world.classified()
    mine, theirs, clerks = world.again(appeal), world.again(appeal), [world.fresh(world.clerk) for _ in range(2)]
    results = at_once(
        lambda: assignment.assign(mine, unit=world.land, executor=world.executor, by=clerks[0]),
        lambda: complained.add(theirs, employee=world.executor, by=clerks[1]),
    )
    _one_won(results)
    appeal = world.again(appeal)
    assert not (appeal.executor == world.executor and complained.is_of(appeal, world.executor))


def test_two_clerks_call_two_appeals_copies_of_each_other(world):
    one, other = world.registered(), world.registered()
    pairs = [(world.again(one), world.again(other)), (world.again(other), world.again(one))]
    clerk = world.fresh(world.clerk)
    results = at_once(*(lambda p=pair: kinship.relate(*p, kind="duplicate", by=clerk) for pair in pairs))
    _one_won(results)
    assert Kinship.objects.count() == 1
