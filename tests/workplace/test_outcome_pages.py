"""Pages of outcomes, questions, whom an appeal complains of, signatories, kin and merges: each does it in a press."""

from __future__ import annotations

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.utils import timezone

from otklik.appeals import approval, complained, dispatch, kinship, outcomes
from otklik.appeals.models import Appeal, CaseMerge, Complained, Kinship, OutcomeKind, QuestionOutcome, Signatory
from otklik.core import sheets
from tests.appeals.conftest import World
from tests.appeals.test_outcomes import arrived
from tests.desk import MATTER, at, desk

pytestmark = pytest.mark.django_db
S = Appeal.Status


@pytest.fixture
def world(db: None) -> World:
    return World()


def kind(code: str) -> OutcomeKind:
    return OutcomeKind.objects.get(code=code)


def test_the_matter_shows_outcomes_parties_and_kin_in_a_few_queries(world, django_assert_max_num_queries):
    first, appeal = world.registered(), world.drafted()
    kinship.relate(first, appeal, kind="duplicate", by=world.clerk)
    complained.add(world.again(appeal), body="Росреестр", by=world.clerk)
    clerk = desk(world.clerk)
    clerk.get(at("matter", appeal.pk))
    with django_assert_max_num_queries(MATTER):
        page = clerk.get(at("matter", appeal.pk)).content.decode()
    assert "без исхода" in page
    assert "Росреестр" in page
    assert f"№ {first.number}" in page
    for name in ("outcomes", "complained", "collective", "related", "copies", "case_questions"):
        assert at(name, appeal.pk) in page


def test_an_outcome_is_given_on_its_page_and_begins_the_letter(world):
    appeal = world.assigned()
    executor = desk(world.executor)
    page = executor.get(at("outcomes", appeal.pk), {"kind": "unreadable"}).content.decode()
    assert "ст. 11 ч. 4" in page
    assert "не поддаётся прочтению" in page
    given = {"kind": kind("unreadable").pk, "on": timezone.localdate().isoformat(), "put_letter": "on"}
    answer = executor.post(at("outcomes", appeal.pk), given, follow=True)
    assert "Проект ответа начат с образца письма" in answer.content.decode()
    assert QuestionOutcome.objects.get().by == world.executor
    assert world.again(appeal).draft.text.startswith("Ваше обращение")


def test_a_refused_outcome_keeps_what_was_typed(world):
    appeal = world.assigned()
    given = {"kind": kind("forwarded").pk, "where": "Росреестр по области"}
    answer = desk(world.executor).post(at("outcomes", appeal.pk), given)
    page = answer.content.decode()
    assert answer.status_code == 400 or answer.status_code == 422
    assert "номер и дату сопроводительного письма" in page
    assert "Росреестр по области" in page


def test_a_decision_with_its_file_and_earlier_answers_is_given_on_the_page(world):
    earlier = []
    for _ in range(2):
        sent = world.signed()
        arrived(dispatch.send(sent, by=world.clerk).message)
        earlier.append(sent.pk)
    appeal = world.assigned()
    given = {
        "kind": kind("correspondence-ended").pk,
        "number": "7-р",
        "dated": timezone.localdate().isoformat(),
        "decided_by": world.signer.pk,
        "earlier": earlier,
        "file": SimpleUploadedFile("решение.pdf", b"%PDF-1.4\n1 0 obj<<>>endobj\ntrailer<<>>\nstartxref\n9\n%%EOF\n"),
    }
    answer = desk(world.executor).post(at("outcomes", appeal.pk), given, follow=True)
    assert "исход указан" in answer.content.decode()
    row = QuestionOutcome.objects.get(appeal=appeal)
    assert row.file is not None
    assert row.earlier.count() == 2
    later = world.registered()
    assert "7-р" in desk(world.clerk).get(at("matter", later.pk)).content.decode()


def test_a_withdrawn_appeal_is_closed_on_the_page(world):
    appeal = world.assigned()
    clerk = desk(world.clerk)
    clerk.post(at("outcomes", appeal.pk), {"kind": kind("withdrawn").pk, "note": "Заявление от 26.11.2026"})
    clerk.post(at("outcomes", appeal.pk), {"close": "1"})
    assert world.again(appeal).status == S.CLOSED


def test_the_sending_page_proposes_an_outcome_and_sends_it_with_the_same_press(world):
    appeal = world.signed()
    clerk = desk(world.clerk)
    page = clerk.get(at("dispatch", appeal.pk)).content.decode()
    assert '<option value="answered">' in page
    assert "correspondence-ended" not in page
    clerk.post(at("send", appeal.pk), {"outcome": "refused"})
    assert outcomes.parts(world.again(appeal))[0].outcome.kind.code == "refused"


def test_a_letter_is_split_described_and_joined_on_the_page(world):
    appeal = world.drafted()
    clerk = desk(world.clerk)
    _, need = world.pair()
    given = {"split": "1", "text": "Кто захватил?", "topic": "0003.0011.0123.0843", "need": need.pk}
    clerk.post(at("case_questions", appeal.pk), given)
    first, second = appeal.questions.order_by("pk")
    assert second.part.text == "Кто захватил?"
    described = {"question": second.pk, "text": "Кто занял?", "executor": world.helper.pk}
    clerk.post(at("case_questions", appeal.pk), described)
    page = clerk.get(at("case_questions", appeal.pk)).content.decode()
    assert "Кто занял?" in page
    clerk.post(at("case_questions", appeal.pk), {"question": second.pk, "join": first.pk})
    assert appeal.questions.get() == first
    wrong = clerk.post(at("case_questions", appeal.pk), {"split": "1", "text": "Ещё", "topic": "нет такой", "need": ""})
    assert wrong.status_code == 422
    assert "Ещё" in wrong.content.decode()


@pytest.mark.parametrize("door", ["draft", "draft_pdf", "draft_word", "revisions", "sign"])
def test_whom_it_complains_of_opens_no_door_to_the_text(world, door):
    appeal = world.drafted(text="Секретный проект.")
    complained.add(world.again(appeal), employee=world.executor, by=world.clerk)
    person = world.executor
    if door == "sign":
        appeal = world.frozen().appeal
        complained.add(world.again(appeal), employee=world.signer, by=world.clerk)
        person = world.signer
    answer = desk(person).get(at(door, appeal.pk))
    assert answer.status_code == 403
    assert "Секретный проект" not in answer.content.decode()
    if door == "sign":
        assert desk(person).get(at("letter", appeal.pk)).status_code == 403
        assert desk(person).get(at("package", appeal.pk)).status_code == 403


def test_a_decision_that_waited_shows_him_no_text(world):
    appeal = world.asked()
    row = approval.decision_of(appeal, world.head)
    signer = world.fresh(world.head)
    Complained.objects.create(appeal=appeal, employee=signer, by=world.clerk)
    answer = desk(world.head).get(at("approval_decide", row.pk))
    assert answer.status_code == 403
    assert "Договор продлён" not in answer.content.decode()
    assert desk(world.head).post(at("approval_decide", row.pk), {"approve": "1"}).status_code == 403


def test_whom_it_complains_of_is_named_on_the_page_and_taken_back(world):
    appeal = world.assigned()
    clerk = desk(world.clerk)
    answer = clerk.post(at("complained", appeal.pk), {"employee": world.executor.pk}, follow=True)
    assert "Назначьте другого" in answer.content.decode()
    refused = clerk.post(at("complained", appeal.pk), {"employee": world.head.pk, "body": "Росреестр"})
    assert "Росреестр" in refused.content.decode()
    clerk.post(at("complained", appeal.pk), {"remove": Complained.objects.get().pk})
    assert not Complained.objects.exists()


def test_a_list_of_signatories_is_kept_masked(world):
    appeal = world.registered()
    clerk = desk(world.clerk)
    text = "Скрытова Анна Петровна; г. Примерск, ул. Тайная, 1\nПетров Пётр"
    page = clerk.post(at("collective", appeal.pk), {"text": text, "representative": "1"}, follow=True).content.decode()
    assert "подписей: 2" in page
    assert "Скрытова" not in page
    assert "Тайная" not in page
    book = sheets.xlsx([["ФИО", "Адрес"], ["Иванова А. П.", "г. Примерск"], ["Петров П. П.", ""]], title="Подписи")
    upload = SimpleUploadedFile("подписи.xlsx", book)
    clerk.post(at("collective", appeal.pk), {"file": upload, "representative": "2"})
    assert list(Signatory.objects.values_list("name", "representative")) == [
        ("Иванова А. П.", False),
        ("Петров П. П.", True),
    ]
    wrong = clerk.post(at("collective", appeal.pk), {"text": "Один Человек", "representative": "1"})
    assert "Один Человек" in wrong.content.decode()
    clerk.post(at("collective", appeal.pk), {"drop": "1"})
    assert not Signatory.objects.exists()


def test_two_alike_are_compared_related_merged_and_taken_apart(world):
    first, second = world.registered(), world.registered()
    clerk = desk(world.clerk)
    page = clerk.get(at("related", second.pk), {"with": first.pk}).content.decode()
    assert "Это дубликат" in page
    assert "Присоединить это к нему" in page
    assert clerk.get(at("related", second.pk), {"number": first.number}).context["other"] == first
    clerk.post(at("related", second.pk), {"with": first.pk, "kind": "duplicate"})
    row = Kinship.objects.get()
    assert (row.main, row.other) == (first, second)
    assert clerk.get(at("copies", first.pk)).status_code == 200
    clerk.post(at("related", second.pk), {"unrelate": row.pk})
    clerk.post(at("related", second.pk), {"with": first.pk, "merge": "1"})
    assert world.again(second).status == S.CLOSED
    undo = {"undo": CaseMerge.objects.get().pk}
    assert clerk.post(at("related", second.pk), undo, follow=True).status_code == 200
    assert world.again(second).status == S.REGISTERED
    refused = clerk.post(at("related", second.pk), {"with": second.pk, "merge": "1"})
    assert "с ним самим" in refused.content.decode()
    unknown = clerk.post(at("related", second.pk), {"number": "нет-такого", "kind": "duplicate"})
    assert "нет-такого" in unknown.content.decode()


def test_a_merged_card_opens_on_both_sides(world):
    first, second = world.registered(), world.registered()
    clerk = desk(world.clerk)
    clerk.post(at("related", second.pk), {"with": first.pk, "merge": "1"})
    for one in (first, second):
        assert clerk.get(at("card", one.pk)).status_code == 200
        assert clerk.get(at("context", one.pk)).status_code == 200
        assert clerk.get(at("matter", one.pk)).status_code == 200


def test_a_letter_is_compared_while_registering_and_registered_as_a_duplicate(world):
    main = world.registered()
    letter = world.message()
    clerk = desk(world.clerk)
    page = clerk.get(at("letter_like", letter.pk, main.pk)).content.decode()
    assert f"?kin=duplicate&amp;kin_of={main.pk}" in page
    form = clerk.get(at("inbox", letter.pk), {"kin": "duplicate", "kin_of": main.pk}).content.decode()
    assert f'name="kin_of" value="{main.pk}"' in form
    given = {
        "kind": "person", "last_name": "Иванова", "first_name": "Мария", "patronymic": "Петровна",
        "address": "г. Новосибирск, ул. Выдуманная, 1", "applicant_is": main.applicant_id, "subject": "Аренда",
        "regime": "59fz", "contact_point": main.contact_point_id, "needs_answer": "yes", "written": "on",
        "answer_channel": "post", "answer_address": "630000, г. Новосибирск, ул. Выдуманная, д. 1",
        "received_on": timezone.localdate().isoformat(), "kin": "duplicate", "kin_of": main.pk,
    }  # fmt: skip
    answer = clerk.post(at("inbox", letter.pk), given)
    assert answer.status_code == 302, answer.context["form"].errors
    row = Kinship.objects.get()
    assert (row.main, row.other.subject) == (main, "Аренда")
