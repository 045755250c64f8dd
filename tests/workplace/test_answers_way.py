"""Pages of the answer's way: routes, ways of answering, remarks in the margin, «На подпись» and what comes back."""

from __future__ import annotations

import io
import re
import zipfile

import pytest
from django.core.files.base import ContentFile
from django.utils import timezone

from otklik.appeals import approval, drafting
from otklik.appeals.models import AnswerRule, Appeal, Approval, ApprovalRoute, MarginRemark, Signature
from tests.appeals.conftest import World
from tests.appeals.test_routes import _docx
from tests.appeals.test_signature import _signature_file
from tests.appeals.test_signing_many import _scanned
from tests.desk import at, desk

pytestmark = pytest.mark.django_db
S = Appeal.Status


@pytest.fixture
def world(db: None) -> World:
    return World()


def _body(answer: object) -> bytes:
    return b"".join(answer.streaming_content) if getattr(answer, "streaming", False) else answer.content  # type: ignore[attr-defined]


def test_a_route_is_written_on_a_page_offered_in_the_editor_and_walked(world: World) -> None:
    clerk, executor, head = desk(world.clerk), desk(world.executor), desk(world.head)
    today = timezone.localdate().isoformat()
    typed = {"name": "Земля", "valid_from": today, "stop-0-turn": 1, "stop-1-turn": 2}
    wrong = clerk.post(at("approval_route_new"), typed | {"stop-1-employee": world.stranger.pk})
    assert wrong.status_code == 422
    assert 'value="Земля"' in wrong.content.decode()
    assert clerk.post(at("approval_route_new"), typed | {"stop-1-employee": world.signer.pk}).status_code == 302
    route = ApprovalRoute.objects.get()
    assert "Волкова" in clerk.get(at("approval_routes")).content.decode()
    assert 'value="Земля"' in clerk.get(at("approval_route", route.pk)).content.decode()
    appeal = world.assigned()
    page = executor.get(at("draft", appeal.pk)).content.decode()
    assert "Маршрут согласования" in page
    asked = {"text": "Договор продлён.", "base_version": 0, "ask": 1, "route": route.pk}
    assert executor.post(at("draft", appeal.pk), asked).status_code == 302
    row = Approval.objects.get()
    assert row.approver == world.head
    assert "После этого согласует: Волкова" in head.get(at("approval_decide", row.pk)).content.decode()
    head.post(at("approval_decide", row.pk), {"approve": 1})
    assert Approval.objects.filter(approver=world.signer, decision="waiting").exists()
    assert clerk.post(at("approval_route_end", route.pk), {"last_day": today}).status_code == 302
    assert executor.get(at("approval_route_new")).status_code == 403


def test_a_remark_in_the_margin_goes_to_the_writer_and_comes_back_met(world: World) -> None:
    executor, head, appeal = desk(world.executor), desk(world.head), world.asked()
    row = approval.decision_of(appeal, world.head)
    assert row is not None
    lost = head.post(at("approval_decide", row.pk), {"beside": 1, "passage": "чего нет", "margin": "Мой труд"})
    assert lost.status_code == 422
    assert "Мой труд" in lost.content.decode()
    told = {"beside": 1, "passage": "Договор продлён", "margin": "Укажите срок"}
    assert head.post(at("approval_decide", row.pk), told).status_code == 302
    assert head.post(at("approval_decide", row.pk), {"give_back": 1, "remark": ""}).status_code == 302
    page = executor.get(at("draft", appeal.pk)).content.decode()
    assert "Укажите срок" in page
    assert "Эти слова в тексте есть" in page
    again = {"text": "Договор продлён до мая.", "base_version": 1, "ask": 1, "approvers": [world.head.pk]}
    refused = executor.post(at("draft", appeal.pk), again)
    assert refused.status_code == 422
    assert "Договор продлён до мая." in refused.content.decode()
    remark = MarginRemark.objects.get()
    version = drafting.draft_of(appeal).version
    done = again | {"base_version": version, "done": remark.pk, f"answer-{remark.pk}": "до мая"}
    del done["ask"]
    assert executor.post(at("draft", appeal.pk), done).status_code == 302
    assert executor.post(at("draft", appeal.pk), again | {"base_version": version}).status_code == 302
    new = approval.decision_of(world.again(appeal), world.head)
    assert new is not None
    shown = head.get(at("approval_decide", new.pk)).content.decode()
    assert "учтено" in shown
    assert "до мая" in shown


def test_a_word_document_is_taken_on_the_page_and_a_refused_one_loses_nothing(world: World) -> None:
    executor, appeal = desk(world.executor), world.drafted()
    sent = {"text": "Мой текст.", "base_version": 1, "take_text": 1}
    bad = executor.post(at("draft", appeal.pk), sent | {"text_file": ContentFile(b"x", "а.xls")})
    assert bad.status_code == 422
    assert "Мой текст." in bad.content.decode()
    good = sent | {"base_version": 2, "text_file": ContentFile(_docx("Из Word."), "а.docx")}
    assert executor.post(at("draft", appeal.pk), good).status_code == 302
    assert drafting.draft_of(appeal).text == "Из Word."
    assert drafting.draft_of(appeal).revisions.filter(text="Мой текст.").exists()


def test_the_way_of_an_answer_is_changed_by_the_law_on_a_page(world: World) -> None:
    executor, appeal = desk(world.executor), world.drafted()
    Appeal.objects.filter(pk=appeal.pk).update(answer_channel="email", answer_address="a@b.ru")
    assert "так на это обращение не отвечают" in executor.get(at("matter", appeal.pk)).content.decode()
    kept = executor.post(at("answer_way", appeal.pk), {"channel": "email", "address": "b@c.ru"})
    assert kept.status_code == 422
    assert "ст. 10 ч. 4" in kept.content.decode()
    assert "b@c.ru" in kept.content.decode()
    moved = executor.post(at("answer_way", appeal.pk), {"channel": "post", "address": "630000, Новосибирск"})
    assert moved.status_code == 302
    assert "основной способ" in executor.get(at("matter", appeal.pk)).content.decode()


def test_rules_of_ways_are_added_and_ended_by_a_clerk_and_read_by_others(world: World) -> None:
    clerk, executor, today = desk(world.clerk), desk(world.executor), timezone.localdate().isoformat()
    rule = {"regime": "outside_59fz", "form": "electronic", "channel": "email", "standing": "main", "basis": "Приказ"}
    assert clerk.post(at("answer_rule_new"), rule | {"valid_from": today}).status_code == 302
    assert clerk.post(at("answer_rule_new"), rule | {"valid_from": today}).status_code == 422
    row = AnswerRule.objects.get(basis="Приказ")
    assert clerk.post(at("answer_rule_end", row.pk), {"last_day": today}).status_code == 302
    mail = {"mode": "forbid", "basis": "Приказ 2", "valid_from": today}
    assert clerk.post(at("foreign_mail"), mail).status_code == 302
    page = executor.get(at("answer_rules")).content.decode()
    assert "Приказ 2" in page
    assert "Завершить" not in page
    assert executor.post(at("foreign_mail"), mail).status_code == 403


def test_a_signer_reads_letter_by_letter_takes_the_package_and_brings_signatures(world: World) -> None:
    signer, answers = desk(world.signer), [world.frozen(), world.frozen()]
    assert "Читать по порядку" in signer.get(at("to_sign")).content.decode()
    refused = signer.post(at("sign_package"), {"letters": [answers[0].pk]}, follow=True)
    assert "Сначала прочитайте" in refused.content.decode()
    page = signer.get(at("read_letter", answers[0].pk))
    assert answers[0].text in page.content.decode()
    assert signer.post(at("read_letter", answers[0].pk)).url == at("read_letter", answers[1].pk)
    assert signer.post(at("read_letter", answers[1].pk)).url == at("to_sign")
    given = signer.post(at("sign_package"), {"letters": [one.pk for one in answers]})
    packed = zipfile.ZipFile(io.BytesIO(_body(given)))
    letters = {name: packed.read(name) for name in packed.namelist() if name.endswith(".pdf")}
    assert len(letters) == 2
    signatures = [ContentFile(_signature_file(raw), f"{place}.sig") for place, raw in enumerate(letters.values())]
    taken = signer.post(at("sign_back"), {"signatures": [*signatures, ContentFile(b"x", "нет.sig")]}).content.decode()
    assert "Внесено подписей: 2 из 3" in taken
    assert "Волкова" in taken
    assert Signature.objects.count() == 2
    marked = signer.get(at("sign_marked", answers[0].appeal_id))
    assert _body(marked).startswith(b"%PDF")
    assert "Подписывать нечего" in signer.get(at("to_sign")).content.decode()


def test_a_clerk_prints_the_folder_brings_scans_compares_and_attests(world: World) -> None:
    clerk, answer = desk(world.clerk), world.frozen()
    printed = _body(clerk.post(at("sign_folder"), {"letters": [answer.pk]}))
    scan = ContentFile(_scanned(printed, [1]), "скан.pdf")
    page = clerk.post(at("sign_scans"), {"scans": [scan]}).content.decode()
    key = re.findall(r'name="key" value="([^"]+)"', page)[0]
    assert _body(clerk.get(at("sign_scan"), {"key": key})).startswith(b"%PDF")
    assert clerk.get(at("sign_scan"), {"key": "чужой"}).status_code == 404
    assert not Signature.objects.exists()
    today = timezone.localdate().isoformat()
    assert clerk.post(at("sign_attest"), {"key": [key], "signed_on": today}).status_code == 302
    row = Signature.objects.get()
    assert (row.way, row.signer, row.recorded_by) == ("paper", world.signer, world.clerk)
    again = clerk.post(at("sign_attest"), {"key": [key], "signed_on": today}, follow=True)
    assert "уже подписано или отозвано" in again.content.decode()
    assert desk(world.signer).post(at("sign_scans"), {"scans": [scan]}).status_code == 403


def test_a_copy_by_mail_is_sent_on_the_page_beside_the_answer_on_paper(world: World) -> None:
    clerk, appeal = desk(world.clerk), world.signed()
    clerk.post(at("send", appeal.pk))
    assert "Дополнительная копия" in clerk.get(at("dispatch", appeal.pk)).content.decode()
    bad = clerk.post(at("answer_copy", appeal.pk), {"copy-channel": "email", "copy-address": "не адрес"})
    assert bad.status_code == 422
    assert "не адрес" in bad.content.decode()
    assert (
        clerk.post(at("answer_copy", appeal.pk), {"copy-channel": "email", "copy-address": "a@b.ru"}).status_code == 302
    )
    assert "электронная почта" in clerk.get(at("dispatch", appeal.pk)).content.decode()


def test_who_signs_nothing_finds_no_letters_to_sign(world: World) -> None:
    answer = world.frozen()
    assert desk(world.executor).get(at("to_sign")).status_code == 403
    assert desk(world.signer2).get(at("read_letter", answer.pk)).status_code == 404
    assert answer.appeal.number not in desk(world.signer2).get(at("to_sign")).content.decode()


def test_the_list_to_sign_asks_a_fixed_number_of_queries(world: World, django_assert_max_num_queries: object) -> None:
    for _ in range(3):
        world.frozen()
    signer = desk(world.signer)
    signer.get(at("today"))
    with django_assert_max_num_queries(16):  # type: ignore[operator]
        signer.get(at("to_sign"))
