"""What a leaving employee holds is passed to colleagues in one action: all of it or nothing."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest
from django.utils import timezone

from otklik.appeals import approval, assignment, drafting, handover, queues, search_feed, signature
from otklik.appeals.handover import APPROVALS, SIGNATURES, SUBSTITUTIONS, WORK
from otklik.appeals.models import Appeal, Approval, CoExecutor, FrozenAnswer
from otklik.core import journal
from otklik.core.models import JournalEntry
from otklik.people import accounts
from otklik.people.models import Employee, RoleAssignment, Substitution
from tests.appeals.conftest import LONG_AGO, World

pytestmark = pytest.mark.django_db


@pytest.fixture
def admin(world: World) -> Employee:
    return world.employee("admin", "Настройкина", world.hq, ["admin"])


@pytest.fixture
def colleague(world: World) -> Employee:
    """One of the same unit, who may what an executor and a head may."""
    return world.employee("colleague", "Лисицына", world.land, ["executor", "head"])


def everything(world: World, who: Employee) -> dict[str, Appeal]:
    """Let one employee execute, help, approve, sign and stand in for somebody."""
    for code in ("executor", "head", "signer"):
        RoleAssignment.objects.get_or_create(employee=who, role_id=code, defaults={"valid_from": LONG_AGO})
    mine = world.drafted()
    assert mine.executor == who
    helped = world.assigned(executor=world.head, co_executors=[who])
    asked = world.assigned(executor=world.head)
    drafting.save(asked, text="Ответ начальника.", base_version=0, by=world.head)
    approval.ask(asked, approvers=[world.fresh(who)], by=world.head)
    frozen = world.assigned(executor=world.head)
    drafting.save(frozen, text="На подпись.", base_version=0, by=world.head)
    approval.ask(frozen, approvers=[world.signer2], by=world.head)
    row = approval.decision_of(frozen, world.signer2)
    assert row is not None
    approval.approve(row, by=world.signer2)
    signature.freeze(world.again(frozen), signer=world.fresh(who), by=world.head)
    today = timezone.localdate()
    Substitution.objects.create(absent=world.clerk2, deputy=who, starts_on=today, ends_on=today + timedelta(days=5))
    return {"mine": mine, "helped": helped, "asked": asked, "frozen": frozen}


def takers(world: World, colleague: Employee) -> dict[str, Employee]:
    return {WORK: colleague, APPROVALS: world.signer2, SIGNATURES: world.signer, SUBSTITUTIONS: world.clerk}


def test_everything_an_employee_holds_is_listed(world: World) -> None:
    of = everything(world, world.executor)
    held = handover.held_by(world.executor)
    assert held.kinds() == [WORK, APPROVALS, SIGNATURES, SUBSTITUTIONS]
    assert (held.appeals, held.drafts, held.helped) == ([of["mine"]], [of["mine"]], [of["helped"]])
    assert [one.revision.draft.appeal for one in held.approvals] == [of["asked"]]
    assert [one.appeal for one in held.answers] == [of["frozen"]]
    assert len(held.substitutions) == 1
    assert not handover.held_by(world.stranger)


def test_everything_goes_to_the_colleagues_and_each_step_can_go_on(
    world: World, admin: Employee, colleague: Employee
) -> None:
    of = everything(world, world.executor)
    handover.hand_over(world.executor, to=takers(world, colleague), by=admin)
    assert not handover.held_by(world.executor)
    assert world.again(of["mine"]).executor == colleague
    assert CoExecutor.objects.get(appeal=of["helped"]).employee == colleague
    drafting.save(world.again(of["mine"]), text="Продолжено.", base_version=1, by=world.fresh(colleague))
    row = Approval.objects.get(revision__draft__appeal=of["asked"])
    approval.approve(row, by=world.fresh(world.signer2))
    answer = signature.frozen_of(world.again(of["frozen"]))
    assert answer is not None
    assert answer.signer == world.signer
    signature.verify_frozen(answer)
    signature.sign_sed(answer, number="1", signed_on=timezone.localdate(), by=world.clerk)
    assert world.fresh(world.clerk).standing.people >= {(world.clerk2.pk, world.registry.pk)}


def test_the_letter_is_set_anew_with_the_new_signer_and_the_first_stays_in_the_history(
    world: World, admin: Employee, colleague: Employee
) -> None:
    appeal = everything(world, world.executor)["frozen"]
    first = FrozenAnswer.objects.get(appeal=appeal)
    handover.hand_over(world.executor, to=takers(world, colleague), by=admin)
    first.refresh_from_db()
    second = FrozenAnswer.objects.get(appeal=appeal, withdrawn_at=None)
    assert first.withdrawn_at is not None
    assert first.signer == world.executor
    assert (second.text, second.revision) == (first.text, first.revision)
    assert second.letter != first.letter
    assert world.again(appeal).status == Appeal.Status.SIGNING


def test_everything_is_written_down_and_the_chains_hold(world: World, admin: Employee, colleague: Employee) -> None:
    of = everything(world, world.executor)
    handover.hand_over(world.executor, to=takers(world, colleague), by=admin)
    row = JournalEntry.objects.get(chain=f"employee:{world.executor.pk}", action="employee.handed_over")
    assert (row.actor, row.data["appeals"], row.data["to"][WORK]) == (admin, 1, colleague.pk)
    for name, action in {
        "mine": "appeal.handed_over",
        "helped": "appeal.handed_over",
        "asked": "appeal.handed_over",
        "frozen": "appeal.signer_changed",
    }.items():
        last = JournalEntry.objects.filter(chain=f"appeal:{of[name].pk}").latest("seq")
        assert (last.action, last.actor) == (action, admin), name
    assert journal.verify() == []


def test_the_colleague_finds_the_appeal_in_his_queue_and_search_and_the_leaver_does_not(
    world: World, admin: Employee, colleague: Employee
) -> None:
    appeal = world.drafted()
    RoleAssignment.objects.filter(employee=colleague, role="head").delete()
    handover.hand_over(world.executor, to={WORK: colleague}, by=admin)
    for who, sees in ((colleague, True), (world.executor, False)):
        one = world.fresh(who)
        assert ([row.pk for row in queues.rows(one, "mine").rows] == [appeal.pk]) is sees
        assert bool(search_feed.search_for(one, "аренда")) is sees


@pytest.mark.parametrize(
    ("kind", "wrong", "why"),
    [
        (WORK, "clerk", "нет права готовить ответы"),
        (WORK, "helper", "работает не в подразделении"),
        (APPROVALS, "head", "это автор текста"),
        (APPROVALS, "helper", "нет права согласовывать"),
        (SIGNATURES, "helper", "нет права подписи"),
        (SUBSTITUTIONS, "clerk2", "другой сотрудник"),
        (WORK, "executor", "передают другому"),
        (APPROVALS, None, "Выберите, кому передать: согласования"),
    ],
)
def test_one_that_cannot_be_taken_stops_everything(
    world: World,
    admin: Employee,
    colleague: Employee,
    trace: Callable[[], dict[str, int]],
    kind: str,
    wrong: str | None,
    why: str,
) -> None:
    everything(world, world.executor)
    to = takers(world, colleague)
    if wrong is None:
        del to[kind]
    else:
        to[kind] = getattr(world, wrong)
    before, held = trace(), handover.held_by(world.executor)
    with pytest.raises(Exception, match=why):
        handover.hand_over_and_block(world.executor, to=to, basis="приказ", by=admin)
    assert handover.held_by(world.executor) == held
    assert trace() == before
    assert world.fresh(world.executor).is_active


def test_block_and_handing_over_are_one_action(world: World, admin: Employee, colleague: Employee) -> None:
    appeal = world.drafted()
    handover.hand_over_and_block(world.executor, to={WORK: colleague}, basis="приказ", by=admin)
    assert world.again(appeal).executor == colleague
    assert not world.fresh(world.executor).is_active


def test_who_has_no_power_over_staff_hands_nothing_over(world: World, colleague: Employee) -> None:
    appeal = world.drafted()
    with pytest.raises(Exception, match="нужно право «вести сотрудников"):
        handover.hand_over(world.executor, to={WORK: colleague}, by=world.head)
    assert world.again(appeal).executor == world.executor


def test_a_step_begun_before_the_handing_over_is_told_so(world: World, admin: Employee, colleague: Employee) -> None:
    appeal = world.assigned()
    handover.hand_over(world.executor, to={WORK: colleague}, by=admin)
    with pytest.raises(Exception, match="только что изменил другой сотрудник"):
        assignment.assign(appeal, unit=world.land, executor=world.executor, by=world.clerk)
    assert world.again(appeal).executor == colleague


def test_who_was_asked_about_the_same_text_already_is_not_asked_twice(world: World, admin: Employee) -> None:
    appeal = world.drafted()
    approval.ask(appeal, approvers=[world.head, world.signer2], by=world.executor)
    second = approval.decision_of(appeal, world.signer2)
    assert second is not None
    approval.approve(second, by=world.signer2)
    handover.hand_over(world.head, to={APPROVALS: world.signer2}, by=admin)
    assert approval.approved_revision(world.again(appeal)) is not None


def test_a_blocked_employee_is_offered_for_nothing(world: World, admin: Employee, colleague: Employee) -> None:
    appeal = world.drafted()
    approver = world.employee("boss", "Медведева", world.land, ["head", "signer", "executor"])
    accounts.block(approver, by=admin)
    blocked = world.fresh(approver)
    assert blocked not in assignment.candidates(world.land)
    assert blocked not in approval.candidates(appeal, world.executor)
    assert blocked not in signature.signers(appeal)
    with pytest.raises(assignment.UnfitExecutor):
        assignment.assign(world.again(appeal), unit=world.land, executor=blocked, by=world.clerk)
    with pytest.raises(approval.UnfitApprover):
        approval.ask(world.again(appeal), approvers=[blocked], by=world.executor)
    ready = world.approved()
    with pytest.raises(signature.UnfitSigner):
        signature.freeze(ready, signer=blocked, by=world.executor)
