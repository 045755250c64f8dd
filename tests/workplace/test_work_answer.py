"""The answer's way through its pages: text, approval, signature, dispatch."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from otklik.appeals import drafting
from otklik.appeals.models import Appeal, Approval
from otklik.correspondence.models import OutgoingMessage
from otklik.people.models import Employee
from tests.appeals.conftest import World

pytestmark = pytest.mark.django_db
S = Appeal.Status


@pytest.fixture
def world(db: None) -> World:
    return World()


def desk(employee: Employee) -> Client:
    client = Client()
    client.force_login(employee, backend="django.contrib.auth.backends.ModelBackend")
    return client


def at(name: str, *args: Any) -> str:
    return reverse(f"workplace:{name}", args=args)


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


def test_the_editor_asks_the_database_as_often_however_long_the_work_lasts(
    world: World, django_assert_max_num_queries: Any
) -> None:
    appeal = world.drafted()
    drafting.keep(drafting.draft_of(appeal), by=world.executor)
    executor = desk(world.executor)
    executor.get(at("draft", appeal.pk))
    with django_assert_max_num_queries(30) as short:
        executor.get(at("draft", appeal.pk))
    for number in range(6):
        version = drafting.draft_of(appeal).version
        drafting.save(appeal, text=f"Редакция {number}", base_version=version, by=world.executor)
        drafting.keep(drafting.draft_of(appeal), by=world.executor)
    with django_assert_max_num_queries(30) as long:
        executor.get(at("draft", appeal.pk))
    assert len(long) == len(short)
