"""Approval: about one revision, by other eyes than the author's."""

from __future__ import annotations

import pytest

from otklik.appeals import approval, drafting, transitions
from otklik.appeals.errors import NotAllowed, NotYours
from otklik.appeals.models import Appeal, Approval, DraftRevision

S = Appeal.Status


def _decision(appeal, user):
    return (
        Approval.objects.select_related("revision__draft__appeal")
        .filter(revision__draft__appeal=appeal, approver=user)
        .latest("pk")
    )


def test_asking_keeps_the_text_as_a_revision(world):
    appeal = world.asked()
    assert appeal.status == S.APPROVAL
    revision = DraftRevision.objects.get(draft__appeal=appeal)
    assert (revision.text, revision.author) == ("Договор продлён.", world.executor)
    assert list(approval.waiting_for(world.head)) == [_decision(appeal, world.head)]


def test_all_who_were_asked_have_to_approve(world):
    appeal = world.drafted()
    approval.ask(appeal, approvers=[world.head, world.signer], by=world.executor)
    approval.approve(_decision(appeal, world.head), by=world.head)
    assert approval.approved_revision(appeal) is None
    approval.approve(_decision(appeal, world.signer), by=world.signer)
    assert approval.approved_revision(appeal).text == "Договор продлён."


def test_an_edit_makes_the_decision_void_before_and_after_it_is_made(world, trace):
    appeal = world.asked()
    row = _decision(appeal, world.head)
    drafting.save(appeal, text="Другое", base_version=1, by=world.executor)
    before = trace()
    with pytest.raises(approval.ApprovalOutdated):
        approval.approve(_decision(appeal, world.head), by=world.head)
    with pytest.raises(approval.ApprovalOutdated):  # a page opened before the edit
        approval.approve(row, by=world.head)
    assert trace() == before
    assert not approval.waiting_for(world.head).exists()


def test_nobody_approves_his_own_text(world, trace):
    appeal = world.assigned()
    drafting.save(appeal, text="Текст начальника", base_version=0, by=world.head)
    before = trace()
    with pytest.raises(approval.UnfitApprover):
        approval.ask(appeal, approvers=[world.head], by=world.executor)
    with pytest.raises(approval.UnfitApprover):
        approval.ask(appeal, approvers=[world.head], by=world.head)
    assert trace() == before


def test_a_deputy_who_wrote_the_text_does_not_approve_it_for_the_head(world, trace):
    appeal = world.asked()
    world.stands_in(world.executor, world.head)
    deputy = world.fresh(world.executor)
    before = trace()
    with pytest.raises(approval.UnfitApprover):
        approval.approve(_decision(appeal, world.head), by=deputy)
    assert trace() == before


def test_a_deputy_decides_in_the_name_of_the_absent_one(world):
    appeal = world.asked()
    deputy = world.employee("deputy", "Соколова", world.law, ["executor"])
    world.stands_in(deputy, world.head)
    approval.approve(_decision(appeal, world.head), by=deputy)
    row = _decision(appeal, world.head)
    assert (row.decision, row.decided_by, row.approver) == ("approved", deputy, world.head)
    from otklik.core.models import JournalEntry

    line = JournalEntry.objects.get(action="appeal.approved")
    assert (line.actor, line.on_behalf_of) == (deputy, world.head)


@pytest.mark.parametrize(("who", "refusal"), [("signer", NotYours), ("executor", NotAllowed), ("clerk", NotAllowed)])
def test_only_who_was_asked_decides(world, trace, who, refusal):
    appeal = world.asked()
    before = trace()
    with pytest.raises(refusal):
        approval.approve(_decision(appeal, world.head), by=getattr(world, who))
    assert trace() == before


def test_an_approver_holds_the_power(world, trace):
    appeal = world.drafted()
    before = trace()
    with pytest.raises(approval.UnfitApprover):
        approval.ask(appeal, approvers=[world.stranger], by=world.executor)
    assert trace() == before
    assert world.head in approval.candidates(appeal, world.executor)
    assert world.stranger not in approval.candidates(appeal, world.executor)


def test_giving_back_takes_a_remark_and_returns_the_draft(world, trace):
    appeal = world.asked()
    row = _decision(appeal, world.head)
    before = trace()
    with pytest.raises(approval.RemarkNeeded):
        approval.give_back(row, remark="  ", by=world.head)
    assert trace() == before
    approval.give_back(row, remark="Добавьте срок", by=world.head)
    assert world.again(appeal).status == S.DRAFTING
    assert _decision(appeal, world.head).remark == "Добавьте срок"


def test_asking_again_without_an_edit_starts_a_new_round(world):
    appeal = world.drafted()
    approval.ask(appeal, approvers=[world.head, world.signer], by=world.executor)
    approval.give_back(_decision(appeal, world.head), remark="Нет", by=world.head)
    appeal = world.again(appeal)
    approval.ask(appeal, approvers=[world.head], by=world.executor)
    assert not approval.waiting_for(world.signer).exists()
    assert approval.waiting_for(world.head).count() == 1
    approval.approve(_decision(appeal, world.head), by=world.head)
    assert approval.approved_revision(appeal) is not None


def test_an_empty_draft_or_nobody_to_ask_is_refused(world, trace):
    appeal = world.drafted()
    before = trace()
    with pytest.raises(approval.NothingToApprove):
        approval.ask(appeal, approvers=[], by=world.executor)
    assert trace() == before
    drafting.save(appeal, text="  ", base_version=1, by=world.executor)
    with pytest.raises(approval.NothingToApprove, match="пуст"):
        approval.ask(appeal, approvers=[world.head], by=world.executor)


def test_a_decision_is_made_once(world, trace):
    appeal = world.asked()
    row, stale = _decision(appeal, world.head), _decision(appeal, world.head)
    approval.approve(row, by=world.head)
    before = trace()
    with pytest.raises(approval.ApprovalOutdated):
        approval.give_back(stale, remark="Нет", by=world.head)
    assert trace() == before


def test_what_was_handed_over_is_not_handed_over_again(world):
    appeal = world.asked()
    with pytest.raises(transitions.MoveRefused):
        approval.ask(appeal, approvers=[world.signer], by=world.executor)


def test_who_is_proposed_is_of_the_unit_else_who_was_asked_last(world):
    appeal = world.drafted()
    assert approval.likely(appeal, world.executor, [world.head, world.signer]) == world.head
    assert approval.likely(appeal, world.executor, [world.signer, world.head]) is None
    approval.ask(appeal, approvers=[world.head], by=world.executor)
    other = world.drafted()
    assert approval.likely(other, world.executor, [world.signer, world.head]) == world.head
    assert approval.likely(other, world.executor, []) is None
