"""Whom an appeal complains of is kept away; appeals that belong together keep their numbers and share an answer."""

from __future__ import annotations

import io
import time
from datetime import timedelta

import pytest
from django.utils import timezone

from otklik.appeals import (
    access,
    approval,
    assignment,
    bulk,
    collective,
    complained,
    covered,
    dispatch,
    drafting,
    handover,
    kinship,
    merging,
    outcomes,
    registration,
    signature,
    steps,
    transitions,
)
from otklik.appeals.errors import NotAllowed
from otklik.appeals.models import Appeal, AppealMessage, Approval, CaseMerge, CoExecutor, Kinship, Signatory
from otklik.core import journal, sheets
from otklik.core.errors import DomainError
from otklik.correspondence.models import ChannelCode, ContactPoint, OutgoingMessage
from otklik.people.applicants import Typed
from tests.appeals.test_outcomes import arrived

S = Appeal.Status
OTHER = Typed(last_name="Петров", first_name="Пётр", patronymic="Ильич")


# ---------- Whom it complains of ----------


def test_whom_an_appeal_complains_of_is_neither_executor_nor_helper_by_any_door(world, trace):
    appeal = world.classified()
    complained.add(appeal, employee=world.executor, by=world.clerk)
    before = trace()
    for people in (
        {"executor": world.executor},
        {"executor": world.head, "co_executors": [world.executor]},
    ):
        with pytest.raises(complained.IsComplainedOf):
            assignment.assign(world.again(appeal), unit=world.land, by=world.clerk, **people)
    assert trace() == before
    run = bulk.prepare("assign", [appeal.pk], by=world.clerk)
    bulk.check(run, {"unit": world.land.pk, "executor": world.executor.pk})
    while bulk.work_next():
        pass
    assert run.items.get().state == "unfit"
    assert "жалуются" in run.items.get().why
    assert world.again(appeal).executor is None


def test_of_a_unit_nobody_in_it_or_below_it_may_answer(world):
    appeal = world.classified()
    complained.add(appeal, unit=world.land, by=world.clerk)
    below = world.employee("sub", "Соколова", world.land_sub, ["executor"])
    for person in (world.executor, world.head, below):
        assert complained.is_of(world.again(appeal), person)
    assert not complained.is_of(world.again(appeal), world.helper)
    assignment.assign(world.again(appeal), unit=world.law, executor=world.helper, by=world.clerk)


def test_named_later_he_loses_the_draft_the_help_and_the_decision_that_waited(world):
    appeal = world.drafted()
    CoExecutor.objects.create(appeal=appeal, employee=world.helper)
    approval.ask(world.again(appeal), approvers=[world.head], by=world.executor)
    for person in (world.helper, world.head, world.executor):
        complained.add(world.again(appeal), employee=person, by=world.clerk)
    assert not CoExecutor.objects.filter(appeal=appeal).exists()
    assert not Approval.objects.filter(revision__draft__appeal=appeal).exists()
    mine = world.again(appeal)
    assert complained.must_leave(mine) == world.executor
    with pytest.raises(complained.IsComplainedOf):
        drafting.save(mine, text="Другое", base_version=1, by=world.executor)
    with pytest.raises(complained.IsComplainedOf):
        complained.check_reader(mine, world.executor)


def test_he_neither_approves_nor_signs_nor_stands_in_for_who_does(world):
    appeal = world.drafted()
    complained.add(appeal, employee=world.head, by=world.clerk)
    assert world.head not in approval.candidates(appeal, world.executor)
    with pytest.raises(complained.IsComplainedOf):
        approval.ask(world.again(appeal), approvers=[world.head], by=world.executor)
    signed = world.approved()
    complained.add(signed, employee=world.signer, by=world.clerk)
    assert world.signer not in signature.signers(signed)
    with pytest.raises(complained.IsComplainedOf):
        signature.freeze(world.again(signed), signer=world.signer, by=world.executor)
    world.stands_in(world.signer, world.signer2)
    answer = signature.freeze(world.again(signed), signer=world.signer2, by=world.executor)
    with pytest.raises(complained.IsComplainedOf):
        signature.check_can_sign(world.again(answer.appeal), world.fresh(world.signer))


def test_an_answer_signed_by_whom_it_turned_out_to_complain_of_does_not_leave(world):
    appeal = world.signed()
    complained.add(appeal, employee=world.signer, by=world.clerk)
    with pytest.raises(complained.IsComplainedOf):
        dispatch.send(world.again(appeal), by=world.clerk)
    assert world.again(appeal).status == S.SIGNED


def test_handed_over_work_does_not_come_to_him(world):
    admin = world.employee("admin", "Админова", world.hq, ["admin"])
    appeal = world.drafted()
    taker = world.employee("taker", "Новикова", world.land, ["executor"])
    complained.add(appeal, employee=taker, by=world.clerk)
    with pytest.raises(handover.CannotTake, match="жалуются"):
        handover.hand_over(world.executor, to={handover.WORK: taker}, by=admin)


def test_a_card_tells_it_without_another_query(world, django_assert_num_queries):
    appeal = world.drafted()
    complained.add(appeal, employee=world.executor, by=world.clerk)
    mine = access.get_for(world.executor, appeal.pk)
    with django_assert_num_queries(0):
        assert complained.is_of(mine, world.executor)
    assert "draft" not in steps.available(mine, world.executor)


def test_it_says_who_once_and_only_whom_may_say_it(world, trace):
    appeal = world.drafted()
    before = trace()
    with pytest.raises(NotAllowed):
        complained.add(appeal, employee=world.head, by=world.stranger)
    for facts in ({}, {"employee": world.head, "body": "Росреестр"}):
        with pytest.raises(complained.WrongComplained):
            complained.add(appeal, **facts, by=world.clerk)
    assert trace() == before
    row = complained.add(appeal, employee=world.head, by=world.clerk)
    with pytest.raises(complained.WrongComplained, match="уже указан"):
        complained.add(world.again(appeal), employee=world.head, by=world.clerk)
    with pytest.raises(complained.IsComplainedOf):
        complained.remove(row, by=world.head)
    complained.remove(row, by=world.clerk)
    assert not complained.is_of(world.again(appeal), world.head)
    assert journal.verify() == []


# ---------- Repeated, duplicates, groups ----------


def test_a_repeated_appeal_names_its_ground(world, trace):
    first, second = world.registered(), world.registered()
    before = trace()
    with pytest.raises(kinship.WrongKin, match="срок его не истёк"):
        kinship.relate(second, first, kind="repeated", ground="dissatisfied", by=world.clerk)
    assert trace() == before
    Appeal.objects.filter(pk=first.pk).update(
        due_on=timezone.localdate() - timedelta(days=1),
        registered_on=timezone.localdate() - timedelta(days=40),
        received_on=timezone.localdate() - timedelta(days=40),
    )
    kinship.relate(second, world.again(first), kind="repeated", ground="term_passed", by=world.clerk)
    answered = world.signed(first)
    dispatch.send(answered, by=world.clerk)
    third = world.registered()
    row = kinship.relate(third, world.again(first), kind="repeated", ground="dissatisfied", by=world.clerk)
    assert row.get_ground_display() == "не согласен с ответом"


@pytest.mark.parametrize("kind", ["repeated", "duplicate"])
def test_another_person_neither_repeats_nor_duplicates(world, kind):
    first = world.registered()
    other = world.registered(applicant=OTHER)
    with pytest.raises(kinship.WrongKin, match="аявители"):
        kinship.relate(other, first, kind=kind, ground="dissatisfied", by=world.clerk)
    kinship.relate(other, first, kind="group", by=world.clerk)


def test_an_appeal_is_no_kin_of_itself_nor_of_its_own_copy(world):
    first, second, third = world.registered(), world.registered(), world.registered()
    with pytest.raises(kinship.WrongKin, match="с ним самим"):
        kinship.relate(first, first, kind="duplicate", by=world.clerk)
    kinship.relate(second, first, kind="duplicate", by=world.clerk)
    with pytest.raises(kinship.WrongKin):
        kinship.relate(first, second, kind="duplicate", by=world.clerk)
    with pytest.raises(kinship.WrongKin, match="само копия"):
        kinship.relate(third, second, kind="duplicate", by=world.clerk)
    with pytest.raises(kinship.WrongKin, match="уже связано"):
        kinship.relate(second, third, kind="duplicate", by=world.clerk)


def _governors(world, number="А26-1"):
    point = ContactPoint.objects.filter(channel=ChannelCode.GOVERNOR).first()
    message = world.message(channel=ChannelCode.GOVERNOR)
    return registration.register(message, world.entry(contact_point=point), by=world.clerk)


def test_one_answer_names_every_number_leaves_by_the_earliest_term_and_closes_the_copies(world):
    copy = _governors(world)
    main = world.drafted()
    Appeal.objects.filter(pk=copy.pk).update(due_on=main.due_on - timedelta(days=3))
    main = world.again(main)
    kinship.relate(world.again(copy), main, kind="duplicate", by=world.clerk)
    main = world.again(main)
    assert main.internal_due_on == main.due_on - timedelta(days=3)
    approval.ask(main, approvers=[world.head], by=world.executor)
    approval.approve(approval.decision_of(main, world.head), by=world.head)
    answer = signature.freeze(world.again(main), signer=world.signer, by=world.executor)
    signature.sign_sed(answer, number="1", signed_on=timezone.localdate(), by=world.clerk)
    message = dispatch.send(world.again(main), by=world.clerk).message
    assert f"Ваш номер: {main.number}, {copy.number}" in message.text
    with pytest.raises(covered.NothingToCover, match="должен уйти"):
        covered.cover_all(world.again(main), reports={}, by=world.clerk)
    arrived(message)
    with pytest.raises(kinship.CopiesWait, match=copy.number):
        dispatch.close(world.again(main), reason="", by=world.clerk)
    covered.cover_all(world.again(main), reports={copy.pk: "reports@governor.example"}, by=world.clerk)
    copy = world.again(copy)
    assert (copy.status, copy.answered_on) == (S.CLOSED, world.again(main).answered_on)
    report = OutgoingMessage.objects.get(thread=copy.thread_id, kind=OutgoingMessage.Kind.REPORT)
    assert report.recipient == "reports@governor.example"
    assert outcomes.parts(copy)[0].outcome.kind.code == "answered"
    dispatch.close(world.again(main), reason="", by=world.clerk)
    assert world.again(main).status == S.CLOSED
    assert journal.verify() == []


def test_no_copy_joins_an_answer_that_does_not_name_it(world):
    main = world.frozen().appeal
    with pytest.raises(kinship.WrongKin, match="на подписи"):
        kinship.relate(world.registered(), world.again(main), kind="duplicate", by=world.clerk)


def test_a_letter_to_one_of_many_alike_is_written_for_each(world):
    main = world.drafted(text="Школу построят в 2027 году.")
    ready, waiting = world.assigned(world.registered(applicant=OTHER)), world.registered(applicant=OTHER)
    for one in (ready, waiting):
        kinship.relate(world.again(one), world.again(main), kind="group", by=world.clerk)
    done = covered.spread(world.again(main), by=world.executor)
    assert done.done == [ready.number]
    assert list(done.refused) == [waiting.number]
    assert drafting.draft_of(ready).text == "Школу построят в 2027 году."


# ---------- Merge ----------


def test_a_merged_case_gives_its_letters_and_gets_them_back(world):
    kept, gone = world.drafted(), world.registered()
    letter = AppealMessage.objects.get(appeal=gone)
    row = merging.merge(gone, world.again(kept), by=world.clerk)
    gone = world.again(gone)
    assert (gone.status, gone.close_reason) == (S.CLOSED, f"объединено с № {kept.number}")
    assert AppealMessage.objects.get(pk=letter.pk).appeal == kept
    later = world.message(subject="Дополнение")
    registration.join(later, gone, by=world.clerk)
    assert later.taken.appeal == kept
    assert world.again(kept).unseen_reply
    merging.undo(CaseMerge.objects.get(pk=row.pk), by=world.clerk)
    gone = world.again(gone)
    assert (gone.status, gone.closed_on, gone.close_reason) == (S.REGISTERED, None, "")
    assert AppealMessage.objects.get(pk=letter.pk).appeal == gone
    assert AppealMessage.objects.get(pk=letter.pk).first
    with pytest.raises(merging.MergeRefused, match="уже отменено"):
        merging.undo(CaseMerge.objects.get(pk=row.pk), by=world.clerk)
    assert journal.verify() == []


def test_a_merge_is_taken_back_for_thirty_days(world):
    row = merging.merge(world.registered(), world.registered(), by=world.clerk)
    CaseMerge.objects.filter(pk=row.pk).update(at=timezone.now() - timedelta(days=31))
    with pytest.raises(merging.MergeRefused, match="срок прошёл"):
        merging.undo(CaseMerge.objects.get(pk=row.pk), by=world.clerk)


@pytest.mark.parametrize("wrong", ["itself", "closed", "signed", "other_person", "later_term", "regime", "kin"])
def test_what_cannot_be_one_case_is_not_merged(world, trace, wrong):
    gone, kept = world.registered(), world.registered()
    if wrong == "itself":
        kept = gone
    elif wrong == "closed":
        Appeal.objects.filter(pk=kept.pk).update(status=S.CLOSED)
    elif wrong == "signed":
        gone = world.signed()
    elif wrong == "other_person":
        gone = world.registered(applicant=OTHER)
    elif wrong == "later_term":
        Appeal.objects.filter(pk=kept.pk).update(due_on=kept.due_on + timedelta(days=9))
    elif wrong == "regime":
        Appeal.objects.filter(pk=kept.pk).update(regime="outside_59fz")
    else:
        kinship.relate(gone, world.registered(), kind="duplicate", by=world.clerk)
    before = trace()
    with pytest.raises(merging.MergeRefused):
        merging.merge(world.again(gone), world.again(kept), by=world.clerk)
    assert trace() == before


def test_of_two_merges_read_at_once_one_succeeds(world):
    one, other = world.registered(), world.registered()
    first, second = (world.again(one), world.again(other)), (world.again(other), world.again(one))
    merging.merge(*first, by=world.clerk)
    with pytest.raises((transitions.ChangedMeanwhile, merging.MergeRefused)):
        merging.merge(*second, by=world.clerk2)
    assert CaseMerge.objects.count() == 1


# ---------- Collective ----------

LIST = "Иванова Мария Петровна; г. Примерск, ул. Первая, 1\n2. Петров Пётр\tг. Примерск\n\nСидорова А. Б."


def test_a_pasted_list_makes_an_appeal_collective_and_is_shown_masked(world):
    appeal = world.registered()
    row = collective.keep(appeal, collective.pasted(LIST), representative=2, by=world.clerk)
    assert row.signed == 3
    assert collective.masked(row.signatories.all())[:2] == [
        (1, "Ив••• М. П.", "г. Примерск, •••", False),
        (2, "Пе••• П.", "г•••", True),
    ]
    collective.keep(world.again(appeal), collective.pasted("Первый А.\nВторой Б."), by=world.clerk)
    assert Signatory.objects.count() == 2
    assert collective.as_pasted(appeal) == "Первый А.\nВторой Б."
    collective.drop(world.again(appeal), by=world.clerk)
    assert collective.of(appeal) is None
    assert "Первый" not in str(list(journal.JournalEntry.objects.values_list("data", flat=True)))


@pytest.mark.parametrize(
    ("text", "words", "more"),
    [
        ("Иванова М. П.", "от двух человек", {}),
        ("", "от двух человек", {}),
        ("Иванова М. П.\n12345", "Строка 2: нет фамилии", {}),
        ("Иванова М. П.\nИванова М. П.", "Строки 1 и 2 одинаковы", {}),
        ("Иванова М. П.\n" + "Я" * 201, "Строка 2", {}),
        ("Иванова М. П.\nПетров П. П.", "от 1 до 2", {"representative": 3}),
    ],
)
def test_a_list_that_cannot_be_is_refused_with_its_line(world, trace, text, words, more):
    appeal = world.registered()
    before = trace()
    with pytest.raises(collective.WrongList, match=words):
        collective.keep(appeal, collective.pasted(text), by=world.clerk, **more)
    assert trace() == before


def test_one_may_sign_the_resolution_of_a_meeting(world):
    collective.keep(world.registered(), collective.pasted("Иванова М. П."), meeting=True, by=world.clerk)


def test_a_list_of_ten_thousand_comes_from_a_spreadsheet_in_seconds(world):
    rows = [["Фамилия", "Имя", "Отчество", "Адрес"]]
    rows += [[f"Подписавший{number}", "Анна", "Петровна", "г. Примерск"] for number in range(10_000)]
    book = sheets.xlsx(rows, title="Подписи")
    begun = time.monotonic()
    signed = collective.from_sheet(io.BytesIO(book), "подписи.xlsx")
    collective.keep(world.registered(), signed, by=world.clerk)
    assert Signatory.objects.count() == 10_000
    assert time.monotonic() - begun < 60  # two seconds on a free machine


def test_a_spreadsheet_with_a_formula_or_too_many_rows_is_refused(world, monkeypatch):
    monkeypatch.setattr(collective, "MOST", 3)
    many = sheets.xlsx([["ФИО"], *([f"Имя{number}"] for number in range(9))], title="Подписи")
    with pytest.raises(sheets.BadSheet, match="больше 3"):
        collective.from_sheet(io.BytesIO(many), "подписи.xlsx")
    with pytest.raises(DomainError):
        collective.from_sheet(io.BytesIO(b"PK\x03\x04"), "подписи.xlsx")


def test_kinship_is_taken_back_until_the_answer_has_covered_it(world):
    main, copy = world.registered(), world.registered()
    row = kinship.relate(copy, main, kind="duplicate", by=world.clerk)
    kinship.unrelate(row, by=world.clerk)
    assert not Kinship.objects.exists()
