"""Letters with one text to many: handed over, approved, frozen by one press, and each of them by itself as well."""

from __future__ import annotations

from django.core.files.base import ContentFile
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from otklik.appeals import approval, bulk, complained, covered, dispatch, drafting, group_steps, kinship, signature
from otklik.appeals.models import Appeal, Approval, BulkItem, BulkRun, FrozenAnswer
from otklik.core import journal
from otklik.core.models import JournalEntry
from tests.appeals.conftest import World
from tests.appeals.test_signing_groups import NAMES, TEXT, _alike
from tests.desk import desk

S = Appeal.Status


def written(world: World, count: int = 3, *, mail: bool = False) -> list[Appeal]:
    """Leave so many appeals alike with the text of the first in each."""
    appeals = _alike(world, count, mail=mail)
    drafting.save(world.again(appeals[0]), text=TEXT, base_version=0, by=world.executor)
    covered.spread(world.again(appeals[0]), by=world.executor)
    return [world.again(one) for one in appeals]


def asked(world: World, count: int = 3, *, mail: bool = False) -> list[Appeal]:
    appeals = written(world, count, mail=mail)
    approval.ask(appeals[0], approvers=[world.head], by=world.executor)
    group_steps.ask_each(appeals[0], [one.pk for one in appeals[1:]], approvers=[world.head], by=world.executor)
    return [world.again(one) for one in appeals]


def decision(world: World, appeal: Appeal) -> Approval:
    row = approval.decision_of(world.again(appeal), world.head)
    assert row is not None
    return row


def states(world: World, appeals: list[Appeal]) -> list[str]:
    return [world.again(one).status for one in appeals]


def test_one_press_hands_over_approves_and_freezes_all_each_with_its_own_line(world: World) -> None:
    appeals = asked(world)
    assert states(world, appeals) == [S.APPROVAL] * 3
    pressed = group_steps.approve_each(decision(world, appeals[0]), [one.pk for one in appeals[1:]], by=world.head)
    assert pressed.done == [one.number for one in appeals]
    assert Approval.objects.filter(decision="approved", decided_by=world.head).count() == 3
    told = JournalEntry.objects.filter(action="appeal.approved")
    assert {row.chain for row in told} == {f"appeal:{one.pk}" for one in appeals}
    signature.freeze(world.again(appeals[1]), signer=world.signer, by=world.executor)
    others = [one.pk for one in appeals]
    frozen = group_steps.freeze_each(world.again(appeals[1]), others, signer=world.signer, by=world.executor)
    assert frozen.done == [appeals[0].number, appeals[2].number]
    assert FrozenAnswer.objects.filter(signer=world.signer).count() == 3
    assert len(set(FrozenAnswer.objects.values_list("digest", flat=True))) == 3
    assert journal.verify() == []


def test_each_can_be_approved_or_given_back_by_itself_and_the_others_go_on(world: World) -> None:
    appeals = asked(world, 4)
    approval.approve(decision(world, appeals[1]), by=world.head)
    approval.give_back(decision(world, appeals[2]), remark="Ему — о переезде.", by=world.head)
    row = decision(world, appeals[0])
    assert [one.appeal for one in group_steps.to_decide(row, world.head)] == [appeals[3]]
    pressed = group_steps.approve_each(row, [one.pk for one in appeals[1:]], by=world.head)
    assert pressed.done == [appeals[0].number, appeals[3].number]
    assert sorted(pressed.refused) == [appeals[1].number, appeals[2].number]
    assert all("откройте" in why.lower() for why in pressed.refused.values())
    assert states(world, appeals) == [S.APPROVAL, S.APPROVAL, S.DRAFTING, S.APPROVAL]


def test_a_text_changed_in_one_takes_no_part_and_what_is_of_no_group_neither(world: World) -> None:
    appeals, alone = asked(world), world.asked()
    draft = drafting.draft_of(world.again(appeals[1]))
    drafting.save(world.again(appeals[1]), text="Другое.", base_version=draft.version, by=world.executor)
    approval.ask(world.again(appeals[1]), approvers=[world.head], by=world.executor)
    row = decision(world, appeals[0])
    pressed = group_steps.approve_each(row, [appeals[1].pk, alone.pk, appeals[2].pk], by=world.head)
    assert pressed.done == [appeals[0].number, appeals[2].number]
    assert sorted(pressed.refused) == sorted([appeals[1].number, alone.number])
    assert approval.waiting_for(world.head).count() == 2


def test_whom_one_letter_complains_of_decides_about_the_others_only(world: World) -> None:
    appeals = asked(world)
    complained.add(world.again(appeals[2]), employee=world.head, by=world.clerk)
    row = decision(world, appeals[0])
    assert [one.appeal for one in group_steps.to_decide(row, world.head)] == [appeals[1]]
    pressed = group_steps.approve_each(row, [appeals[1].pk, appeals[2].pk], by=world.head)
    assert pressed.done == [appeals[0].number, appeals[1].number]
    assert not Approval.objects.filter(revision__draft__appeal=appeals[2], decision="approved").exists()


def test_other_attachments_are_said_before_the_press(world: World) -> None:
    appeals = written(world)
    drafting.attach(appeals[1], ContentFile("План".encode(), "план.txt"), by=world.executor)
    found = {one.appeal.pk: one.differs for one in group_steps.to_ask(world.again(appeals[0]), world.executor)}
    assert found == {appeals[1].pk: "другие приложения: план.txt", appeals[2].pk: ""}


def test_the_pages_offer_the_others_ticked_and_one_press_takes_them(world: World) -> None:
    appeals = written(world)
    others = [str(one.pk) for one in appeals[1:]]
    writer, head = desk(world.executor), desk(world.head)
    page = writer.get(reverse("workplace:draft", args=[appeals[0].pk])).content.decode()
    assert "Передать вместе с ним письма группы: 2" in page
    version = drafting.draft_of(appeals[0]).version
    form = {"text": TEXT, "base_version": version, "ask": "1", "approvers": [world.head.pk], "same": others}
    page = writer.post(reverse("workplace:draft", args=[appeals[0].pk]), form, follow=True).content.decode()
    assert "С ним передано писем с тем же текстом: 2." in page
    row = decision(world, appeals[0])
    page = head.get(reverse("workplace:approval_decide", args=[row.pk])).content.decode()
    assert "Согласовать только это письмо" in page
    assert "Этот же текст ждёт вашего решения ещё в письмах: 2" in page
    for one in appeals[1:]:
        assert reverse("workplace:approval_decide", args=[decision(world, one).pk]) in page
    assert NAMES[1] not in page
    head.post(reverse("workplace:approval_decide", args=[decision(world, appeals[2]).pk]), {"approve": "1"})
    assert states(world, appeals) == [S.APPROVAL] * 3
    assert approval.approved_revision(world.again(appeals[0])) is None
    press = {"approve_each": "1", "same": others[0]}
    page = head.post(reverse("workplace:approval_decide", args=[row.pk]), press, follow=True).content.decode()
    assert "Согласовано писем: 2." in page
    page = writer.get(reverse("workplace:sign", args=[appeals[0].pk])).content.decode()
    assert "Передать вместе с ним согласованные письма группы: 2" in page
    press = {"signer": world.signer.pk, "same": others}
    page = writer.post(reverse("workplace:freeze", args=[appeals[0].pk]), press, follow=True).content.decode()
    assert "С ним передано на подпись писем с тем же текстом: 2." in page
    assert states(world, appeals) == [S.SIGNING] * 3


def test_the_page_of_a_decision_asks_as_much_of_few_letters_as_of_many(world: World) -> None:
    few, counts = asked(world, 2), []
    many = asked(world, 5)
    head = desk(world.head)
    for group in (few, many):
        page = reverse("workplace:approval_decide", args=[decision(world, group[0]).pk])
        head.get(page)
        with CaptureQueriesContext(connection) as taken:
            head.get(page)
        counts.append(len(taken))
    assert counts[0] == counts[1]


def test_a_bulk_step_sends_what_is_signed_and_can_be_taken_back_while_it_waits(world: World) -> None:
    appeals = asked(world, mail=True)
    group_steps.approve_each(decision(world, appeals[0]), [one.pk for one in appeals[1:]], by=world.head)
    for number, one in enumerate(appeals[:2]):
        answer = signature.freeze(world.again(one), signer=world.signer, by=world.executor)
        signature.sign_sed(answer, number=f"7/{number}", signed_on=timezone.localdate(), by=world.clerk)
    run = bulk.prepare(BulkRun.Action.SEND, [one.pk for one in appeals], by=world.clerk)
    bulk.check(run, {"outcome": "supported-done"})
    _work()
    assert states(world, appeals) == [S.SIGNED, S.SIGNED, S.APPROVAL]
    bulk.begin(BulkRun.objects.get())
    _work()
    assert states(world, appeals) == [S.SENT, S.SENT, S.APPROVAL]
    assert bulk.numbers(run) == {BulkItem.State.DONE: 2, BulkItem.State.UNFIT: 1}
    assert dispatch.current().count() == 2
    bulk.undo(BulkRun.objects.get())
    _work()
    assert states(world, appeals) == [S.SIGNED, S.SIGNED, S.APPROVAL]
    assert not dispatch.current().exists()
    assert journal.verify() == []


def test_the_list_offers_the_sending_of_many_to_who_sends(world: World) -> None:
    assert BulkRun.Action.SEND in dict(bulk.offered_to(world.clerk))
    assert BulkRun.Action.SEND not in dict(bulk.offered_to(world.executor))
    assert bulk.offered_to(world.clerk, first=BulkRun.Action.SEND)[0][0] == BulkRun.Action.SEND
    signed = world.signed()
    clerk = desk(world.clerk)
    listed = clerk.get(f"{reverse('workplace:queue')}?view=dispatch").content.decode()
    assert listed.index("отправить подписанные ответы") < listed.index("назначить исполнителя")
    given = {"action": "send", "appeal": [signed.pk], "query": ""}
    page = clerk.post(reverse("workplace:bulk_begin"), given, follow=True).content.decode()
    assert "Отправить подписанные ответы" in page
    assert "Исход вопросов, у которых он не указан" in page


def _work() -> None:
    while bulk.work_next():
        pass


def test_a_group_of_one_text_is_found_from_any_of_its_members(world: World) -> None:
    appeals = written(world)
    for one in appeals:
        found = {row.appeal.pk for row in group_steps.to_ask(one, world.executor)}
        assert found == {other.pk for other in appeals} - {one.pk}
    kinship.unrelate(appeals[2].kin_of.get(), by=world.clerk)
    assert group_steps.to_ask(appeals[2], world.executor) == []
