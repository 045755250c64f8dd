"""Who may assign, to whom, and until when."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone

from otklik.appeals import assignment, transitions
from otklik.appeals.errors import NotAllowed, NotYours, WrongDate
from otklik.appeals.models import Appeal
from otklik.core import calendar


def test_assignment_names_unit_executor_helpers_and_date(world):
    appeal = world.classified()
    day = assignment.propose_internal_date(appeal)
    assignment.assign(
        appeal,
        unit=world.land,
        executor=world.executor,
        co_executors=[world.helper],
        internal_due_on=day,
        by=world.clerk,
    )
    appeal = world.again(appeal)
    assert (appeal.unit, appeal.executor, appeal.internal_due_on) == (world.land, world.executor, day)
    assert list(appeal.co_executors.all()) == [world.helper]
    assert appeal.status == Appeal.Status.ASSIGNED


def test_the_proposed_internal_date_is_a_working_day_before_the_term(world):
    appeal = world.classified()
    day = assignment.propose_internal_date(appeal)
    assert timezone.localdate() <= day < appeal.due_on
    assert calendar.current().is_working(day)


@pytest.mark.parametrize("who", ["other_unit", "no_power", "gone", "himself"])
def test_an_unfit_executor_or_helper_is_refused(world, trace, who):
    appeal = world.classified()
    world.stranger.is_active = who != "gone"
    world.stranger.save()
    people = {
        "other_unit": {"executor": world.stranger},
        "no_power": {"executor": world.clerk},
        "gone": {"executor": world.executor, "co_executors": [world.stranger]},
        "himself": {"executor": world.executor, "co_executors": [world.executor]},
    }
    before = trace()
    with pytest.raises(assignment.UnfitExecutor):
        assignment.assign(appeal, unit=world.land, by=world.clerk, **people[who])
    assert trace() == before
    assert world.again(appeal).executor is None


def test_a_member_of_a_unit_below_may_be_the_executor(world):
    member = world.employee("sub", "Соколова", world.land_sub, ["executor"])
    appeal = world.assigned(executor=member)
    assert appeal.executor == member
    assert member in assignment.candidates(world.land)
    assert world.stranger not in assignment.candidates(world.land)


@pytest.mark.parametrize("days", [-1, 400])
def test_an_internal_date_is_neither_past_nor_after_the_term(world, trace, days):
    appeal = world.classified()
    before = trace()
    with pytest.raises(WrongDate):
        assignment.assign(
            appeal,
            unit=world.land,
            executor=world.executor,
            internal_due_on=timezone.localdate() + timedelta(days=days),
            by=world.clerk,
        )
    assert trace() == before


def test_a_head_reassigns_within_her_unit_only(world, trace):
    appeal = world.assigned()
    other = world.employee("other", "Соколова", world.land, ["executor"])
    assignment.assign(appeal, unit=world.land, executor=other, by=world.head)
    assert world.again(appeal).executor == other
    before = trace()
    with pytest.raises(NotYours):
        assignment.assign(appeal, unit=world.law, executor=world.stranger, by=world.head)
    with pytest.raises(NotYours):
        assignment.assign(world.again(world.classified()), unit=world.land, executor=other, by=world.head)
    assert trace()["CoExecutor"] == before["CoExecutor"]
    assert world.again(appeal).executor == other


def test_an_executor_does_not_assign(world):
    with pytest.raises(NotAllowed):
        assignment.assign(world.classified(), unit=world.land, executor=world.executor, by=world.executor)


def test_of_two_assigners_with_one_copy_the_second_is_told(world, trace):
    appeal = world.classified()
    stale = world.again(appeal)
    other = world.employee("other", "Соколова", world.land, ["executor"])
    assignment.assign(appeal, unit=world.land, executor=world.executor, by=world.clerk)
    before = trace()
    with pytest.raises(transitions.ChangedMeanwhile):
        assignment.assign(stale, unit=world.land, executor=other, by=world.clerk2)
    assert trace() == before
    assert world.again(appeal).executor == world.executor


def test_reassignment_while_the_answer_is_written_keeps_the_text(world):
    appeal = world.drafted()
    other = world.employee("other", "Соколова", world.land, ["executor"])
    assignment.assign(appeal, unit=world.land, executor=other, by=world.clerk)
    appeal = world.again(appeal)
    assert (appeal.status, appeal.draft.text) == (Appeal.Status.DRAFTING, "Договор продлён.")


def test_nobody_is_assigned_once_the_answer_waits_for_signature(world, trace):
    appeal = world.frozen().appeal
    before = trace()
    with pytest.raises(transitions.MoveRefused):
        assignment.assign(appeal, unit=world.land, executor=world.executor, by=world.clerk)
    assert trace() == before
