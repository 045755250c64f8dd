"""The answer's way through its pages: text, approval, signature, dispatch."""

from __future__ import annotations

from typing import Any

import pytest

from otklik.appeals import drafting
from otklik.appeals.models import Appeal, Approval, Draft
from otklik.correspondence.models import OutgoingMessage
from otklik.knowledge import public
from otklik.knowledge.models import Faq, KnowledgeHome, MaterialUse, Section
from otklik.people.models import RolePower
from tests.appeals.conftest import LONG_AGO, World
from tests.desk import at, desk

pytestmark = pytest.mark.django_db
S = Appeal.Status


@pytest.fixture
def world(db: None) -> World:
    return World()


def test_the_whole_way_works_without_scripts(world: World) -> None:
    appeal = world.registered_email()
    clerk, executor, head = desk(world.clerk), desk(world.executor), desk(world.head)
    topic, need = world.pair()
    page = clerk.get(at("classify", appeal.pk))
    assert "Темы и потребности" in page.content.decode()
    answer = clerk.post(
        at("classify", appeal.pk),
        {
            "form-TOTAL_FORMS": 1,
            "form-INITIAL_FORMS": 1,
            "form-0-topic": str(topic),
            "form-0-need": need.pk,
            "confirm": 1,
        },
    )
    assert answer.status_code == 302
    assert world.again(appeal).status == S.CLASSIFIED
    assert clerk.get(at("assign", appeal.pk)).status_code == 200
    given = {"unit": world.land.pk, "executor": world.executor.pk}
    assert clerk.post(at("assign", appeal.pk), given).status_code == 302
    assert world.again(appeal).executor == world.executor
    assert executor.get(at("draft", appeal.pk)).status_code == 200
    asked = {"text": "Договор аренды продлён.", "base_version": 0, "ask": 1, "approvers": [world.head.pk]}
    assert executor.post(at("draft", appeal.pk), asked).status_code == 302
    row = Approval.objects.get(revision__draft__appeal=appeal)
    assert head.get(at("approval", appeal.pk), follow=True).status_code == 200
    assert head.post(at("approval_decide", row.pk), {"approve": 1}).status_code == 302
    assert executor.get(at("sign", appeal.pk)).status_code == 200
    assert executor.post(at("freeze", appeal.pk), {"signer": world.signer.pk}).status_code == 302
    assert clerk.get(at("sign", appeal.pk)).status_code == 200
    sed = {"way": "sed", "sed-number": "01-23/45", "sed-signed_on": f"{world.again(appeal).registered_on}"}
    assert clerk.post(at("sign", appeal.pk), sed).status_code == 302
    assert clerk.post(at("send", appeal.pk)).status_code == 302
    assert world.again(appeal).status == S.SENT
    page = clerk.get(at("dispatch", appeal.pk)).content.decode()
    assert "Отменить отправку" in page
    assert clerk.post(at("undo_send", appeal.pk)).status_code == 302
    assert world.again(appeal).status == S.SIGNED
    assert list(OutgoingMessage.objects.filter(kind="answer").values_list("state", flat=True)) == ["cancelled"]


def test_who_writes_again_gets_a_second_answer_through_the_pages(world: World) -> None:
    appeal = world.signed(world.registered_email())
    clerk, executor, head = desk(world.clerk), desk(world.executor), desk(world.head)
    clerk.post(at("send", appeal.pk))
    OutgoingMessage.objects.update(state="sent")
    reply = world.email(message_id="<reply@citizen.example>")
    clerk.post(at("join", reply.pk), {"number": appeal.number})
    card = executor.get(at("card", appeal.pk)).content.decode()
    assert f'<form method="post" action="{at("reopen", appeal.pk)}">' in card
    executor.post(at("read", appeal.pk))
    begun = executor.post(at("reopen", appeal.pk))
    assert begun.url == at("draft", appeal.pk)
    page = executor.get(begun.url).content.decode()
    assert "текст ответа не меняется" not in page
    version = drafting.draft_of(appeal).version
    typed = {"text": "Уточняем ответ.", "base_version": version, "ask": 1, "approvers": [world.head.pk]}
    assert executor.post(at("draft", appeal.pk), typed).status_code == 302
    row = Approval.objects.get(revision__draft__appeal=appeal, decision="waiting")
    assert head.post(at("approval_decide", row.pk), {"approve": 1}).status_code == 302
    assert executor.post(at("freeze", appeal.pk), {"signer": world.signer.pk}).status_code == 302
    sed = {"way": "sed", "sed-number": "01-23/46", "sed-signed_on": f"{world.again(appeal).registered_on}"}
    assert clerk.post(at("sign", appeal.pk), sed).status_code == 302
    assert clerk.post(at("send", appeal.pk)).status_code == 302
    answers = OutgoingMessage.objects.filter(kind="answer").order_by("pk")
    assert [(one.state, one.in_reply_to) for one in answers] == [
        ("sent", "<letter@citizen.example>"),
        ("queued", "<reply@citizen.example>"),
    ]


def test_a_new_answer_begins_only_where_one_was_sent_and_by_those_who_may(world: World) -> None:
    appeal = world.drafted()
    assert desk(world.executor).post(at("reopen", appeal.pk)).status_code == 422
    assert desk(world.auditor).post(at("reopen", appeal.pk)).status_code == 403
    assert desk(world.stranger).post(at("reopen", appeal.pk)).status_code == 404
    assert world.again(appeal).status == S.DRAFTING


def test_messages_name_people_with_one_full_stop(world: World) -> None:
    appeal = world.classified()
    clerk = desk(world.clerk)
    given = {"unit": world.land.pk, "executor": world.executor.pk}
    page = clerk.post(at("assign", appeal.pk), given, follow=True).content.decode()
    assert f"назначено: {world.executor.short_name}" in page
    assert f"{world.executor.short_name}." not in page
    frozen = world.approved()
    page = desk(world.executor).post(at("freeze", frozen.pk), {"signer": world.signer.pk}, follow=True).content.decode()
    assert f"передан на подпись ({world.signer.short_name})." in page
    assert f"{world.signer.short_name}." not in page


def test_autosave_says_when_and_counts_versions(world: World) -> None:
    appeal = world.assigned()
    executor = desk(world.executor)
    first = executor.post(at("draft_autosave", appeal.pk), {"text": "Раз", "base_version": 0})
    second = executor.post(
        at("draft_autosave", appeal.pk), {"text": "Раз, два", "base_version": first.json()["version"]}
    )
    assert second.status_code == 200
    assert second.json()["version"] == first.json()["version"] + 1
    assert "Обращение по имени" in second.json()["checks"]
    assert drafting.draft_of(appeal).text == "Раз, два"


def test_of_two_editors_the_second_is_told_and_neither_text_is_lost(world: World) -> None:
    appeal = world.drafted(text="Общее начало.")
    version = drafting.draft_of(appeal).version
    head, executor = desk(world.head), desk(world.executor)
    assert head.post(at("draft", appeal.pk), {"text": "Текст начальника.", "base_version": version}).status_code == 302
    told = executor.post(at("draft_autosave", appeal.pk), {"text": "Мой текст.", "base_version": version})
    assert told.status_code == 409
    assert drafting.draft_of(appeal).text == "Текст начальника."
    page = executor.post(at("draft", appeal.pk), {"text": "Мой текст.", "base_version": version})
    shown = page.content.decode()
    assert page.status_code == 409
    assert "Мой текст." in shown
    assert "Текст начальника." in shown
    now = drafting.draft_of(appeal).version
    taken = {"text": "Мой текст.", "theirs": "Текст начальника.", "base_version": now, "take_theirs": 1}
    assert executor.post(at("draft", appeal.pk), taken).status_code == 302
    draft = drafting.draft_of(appeal)
    assert draft.text == "Текст начальника."
    assert "Мой текст." in draft.revisions.values_list("text", flat=True)


def test_a_refused_file_leaves_text_and_good_files(world: World) -> None:
    from django.core.files.uploadedfile import SimpleUploadedFile

    appeal = world.drafted(text="Было.")
    version = drafting.draft_of(appeal).version
    files = [SimpleUploadedFile("план.txt", "план участка".encode()), SimpleUploadedFile("пусто.pdf", b"")]
    page = desk(world.executor).post(
        at("draft", appeal.pk), {"text": "Стало.", "base_version": version, "attach": 1, "files": files}, follow=True
    )
    assert "пусто.pdf" in page.content.decode()
    draft = drafting.draft_of(appeal)
    assert draft.text == "Стало."
    assert [row.name for row in draft.files.all()] == ["план.txt"]


def test_a_remark_is_needed_to_give_back(world: World) -> None:
    appeal = world.asked()
    row = Approval.objects.get(revision__draft__appeal=appeal)
    page = desk(world.head).post(at("approval_decide", row.pk), {"give_back": 1, "remark": "  "})
    assert page.status_code == 422
    row.refresh_from_db()
    assert row.decision == Approval.Decision.WAITING
    assert world.again(appeal).status == S.APPROVAL


def test_a_form_that_was_refused_keeps_what_was_typed(world: World) -> None:
    answer = world.frozen()
    page = desk(world.clerk).post(
        at("sign", answer.appeal.pk), {"way": "sed", "sed-number": "01-77", "sed-signed_on": "2020-01-01"}
    )
    assert page.status_code == 422
    assert "01-77" in page.content.decode()
    assert world.again(answer.appeal).status == S.SIGNING


def test_the_package_holds_exactly_the_frozen_bytes(world: World) -> None:
    import hashlib
    import io
    import zipfile

    answer = world.frozen()
    clerk = desk(world.clerk)
    archive = zipfile.ZipFile(io.BytesIO(clerk.get(at("package", answer.appeal.pk)).content))
    item = answer.manifest["files"][0]
    assert hashlib.sha256(archive.read(item["name"])).hexdigest() == item["sha256"]
    shown = b"".join(clerk.get(at("letter", answer.appeal.pk)).streaming_content)
    assert hashlib.sha256(shown).hexdigest() == item["sha256"]


def test_an_undelivered_answer_goes_another_way(world: World) -> None:
    appeal = world.signed(world.registered_email())
    clerk = desk(world.clerk)
    clerk.post(at("send", appeal.pk))
    OutgoingMessage.objects.filter(kind="answer").update(state="failed", error="550 нет такого ящика")
    assert appeal.number in clerk.get(at("deliveries")).content.decode()
    way = {"way-channel": "post", "way-address": "630000, г. Новосибирск, ул. Выдуманная, д. 2"}
    assert clerk.post(at("another_way", appeal.pk), way).status_code == 302
    states = OutgoingMessage.objects.filter(kind="answer").order_by("pk").values_list("channel", "state")
    assert list(states) == [("email", "cancelled"), ("post", "by_hand")]
    day = f"{world.again(appeal).answered_on}"
    posted = {"posted-on": day, "posted-number": "63000012345678"}
    assert clerk.post(at("posted", appeal.pk), posted).status_code == 302
    assert OutgoingMessage.objects.filter(kind="answer", state="sent").count() == 1


def test_a_receipt_that_did_not_arrive_is_decided_about_and_leaves_the_list(world: World) -> None:
    appeal = world.registered_email()
    receipt, explanation = OutgoingMessage.objects.order_by("pk")
    OutgoingMessage.objects.update(state="failed", error="550 нет такого ящика")
    clerk = desk(world.clerk)
    assert at("set_aside", receipt.pk) in clerk.get(at("deliveries")).content.decode()
    assert f"#letter-{receipt.pk}" in clerk.get(at("card", appeal.pk)).content.decode()
    assert clerk.post(at("resend", explanation.pk)).url == at("deliveries")
    assert clerk.post(at("set_aside", receipt.pk), {"reason": " "}).status_code == 422
    receipt.refresh_from_db()
    assert receipt.state == "failed"
    clerk.post(at("set_aside", receipt.pk), {"reason": "Заявителю позвонили"})
    receipt.refresh_from_db()
    assert (receipt.state, receipt.error) == (
        "cancelled",
        "550 нет такого ящика\nРешено не отправлять: Заявителю позвонили",
    )
    explanation.refresh_from_db()
    assert explanation.state == "queued"
    assert "Всё дошло" in clerk.get(at("deliveries")).content.decode()
    assert "Заявителю позвонили" in clerk.get(at("card", appeal.pk)).content.decode()


def test_of_a_letter_whose_fate_is_unknown_a_clerk_says_what_became(world: World) -> None:
    world.registered_email()
    receipt, explanation = OutgoingMessage.objects.order_by("pk")
    OutgoingMessage.objects.update(state="uncertain")
    clerk = desk(world.clerk)
    clerk.post(at("settle", receipt.pk), {"arrived": "yes"})
    clerk.post(at("settle", explanation.pk), {"arrived": "no"})
    assert list(OutgoingMessage.objects.order_by("pk").values_list("state", flat=True)) == ["sent", "failed"]


def test_letters_of_others_are_out_of_reach_and_a_reader_decides_nothing(world: World) -> None:
    world.registered_email()
    receipt = OutgoingMessage.objects.earliest("pk")
    OutgoingMessage.objects.update(state="failed")
    assert at("set_aside", receipt.pk) not in desk(world.auditor).get(at("deliveries")).content.decode()
    sender = world.employee("sender", "Отправкина", world.law, ["executor"])
    RolePower.objects.create(role_id="executor", power="appeals.dispatch", valid_from=LONG_AGO)
    for step in ("resend", "settle", "set_aside"):
        assert desk(world.auditor).post(at(step, receipt.pk), {"reason": "так"}).status_code == 403
        assert desk(sender).post(at(step, receipt.pk), {"reason": "так"}).status_code == 404
    receipt.refresh_from_db()
    assert receipt.state == "failed"


@pytest.mark.parametrize(
    ("name", "who", "status"),
    [
        ("draft", "executor", 200),
        ("draft", "stranger", 404),
        ("draft", "auditor", 200),
        ("sign", "clerk", 200),
        ("sign", "stranger", 404),
        ("dispatch", "clerk", 200),
        ("assign", "executor", 403),
        ("classify", "auditor", 403),
        ("revisions", "executor", 200),
    ],
)
def test_who_may_open_a_page_of_an_appeal(world: World, name: str, who: str, status: int) -> None:
    appeal = world.drafted()
    assert desk(getattr(world, who)).get(at(name, appeal.pk)).status_code == status


def test_an_auditor_changes_nothing(world: World) -> None:
    appeal = world.drafted(text="Текст исполнителя.")
    version = drafting.draft_of(appeal).version
    answer = desk(world.auditor).post(at("draft_autosave", appeal.pk), {"text": "Чужое", "base_version": version})
    assert answer.status_code == 403
    assert drafting.draft_of(appeal).text == "Текст исполнителя."


def test_looking_begins_no_draft(world: World) -> None:
    appeal = world.assigned()
    for who in (world.auditor, world.executor):
        for page in ("draft", "revisions", "draft_pdf", "draft_word"):
            assert desk(who).get(at(page, appeal.pk)).status_code == 200
    assert not Draft.objects.exists()


def test_only_those_who_write_the_answer_say_that_a_material_does_not_fit(world: World) -> None:
    appeal = world.assigned()
    home = KnowledgeHome.objects.get()
    page = home.add_child(instance=Section(title="Аренда", slug="rent", unit=world.land)).add_child(
        instance=Faq(title="Аренда", slug="q", mark="public", short_answer="Можно.")
    )
    page.save_revision().publish()
    page.refresh_from_db()
    public.let_out(page)
    assert desk(world.auditor).post(at("draft_decline", appeal.pk, page.pk)).status_code == 403
    assert not MaterialUse.objects.exists()
    assert desk(world.executor).post(at("draft_decline", appeal.pk, page.pk)).status_code == 200
    assert MaterialUse.objects.get().action == "declined"


def test_the_editor_asks_the_database_as_often_however_long_the_work_lasts(
    world: World, django_assert_max_num_queries: Any
) -> None:
    appeal = world.drafted()
    drafting.keep(drafting.draft_of(appeal), by=world.executor)
    executor = desk(world.executor)
    executor.get(at("draft", appeal.pk))
    with django_assert_max_num_queries(40) as short:
        executor.get(at("draft", appeal.pk))
    for number in range(6):
        version = drafting.draft_of(appeal).version
        drafting.save(appeal, text=f"Редакция {number}", base_version=version, by=world.executor)
        drafting.keep(drafting.draft_of(appeal), by=world.executor)
    with django_assert_max_num_queries(40) as long:
        executor.get(at("draft", appeal.pk))
    assert len(long) == len(short)
