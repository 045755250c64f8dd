"""Routes of approval are data: turns, units, four eyes; remarks beside the text are met before it is asked again."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.core.files.base import ContentFile
from django.utils import timezone

from otklik.appeals import approval, checklist, drafting, routes
from otklik.appeals.errors import NotAllowed
from otklik.appeals.letters import word
from otklik.appeals.models import Appeal, ApprovalRoute
from otklik.appeals.routes import Stop
from otklik.core import files
from tests.appeals.conftest import World
from tests.desk import at, desk

S = Appeal.Status


def _route(world: World, *stops: Stop, **changes: Any) -> ApprovalRoute:
    facts: dict[str, Any] = {"name": "Земля", "regime": None, "unit": None, "valid_to": None, **changes}
    return routes.keep(None, **facts, valid_from=timezone.localdate(), stops=stops, by=world.clerk)


def _decide(world: World, appeal: Appeal, who: Any) -> None:
    row = approval.decision_of(world.again(appeal), who)
    assert row is not None
    approval.approve(row, by=who)


def test_turns_follow_one_another_and_the_text_is_approved_after_the_last(world: World) -> None:
    route = _route(world, Stop(1), Stop(2, world.signer), Stop(2, world.signer2))
    appeal = world.drafted()
    rows = approval.ask(appeal, route=route, by=world.executor)
    assert [row.approver for row in rows] == [world.head]
    assert approval.decision_of(world.again(appeal), world.signer) is None
    _decide(world, appeal, world.head)
    assert approval.approved_revision(world.again(appeal)) is None
    _decide(world, appeal, world.signer2)
    assert approval.approved_revision(world.again(appeal)) is None
    _decide(world, appeal, world.signer)
    assert approval.approved_revision(world.again(appeal)) is not None


def test_the_nearest_route_is_offered_first_and_an_ended_one_never(world: World) -> None:
    everyone, today = _route(world, Stop(1), name="Общий"), timezone.localdate()
    near = _route(world, Stop(1), name="Отдел", unit=world.land)
    other = _route(world, Stop(1), name="Чужой", unit=world.law)
    appeal = world.drafted()
    assert [row.name for row in routes.for_appeal(appeal, on=today)] == ["Отдел", "Общий"]
    assert other not in routes.for_appeal(appeal, on=today)
    routes.end(near, last_day=today, by=world.clerk)
    assert routes.for_appeal(appeal, on=today + timedelta(days=1)) == [everyone]


def test_the_author_never_stands_on_his_own_route(world: World, trace: Any) -> None:
    route = _route(world, Stop(1))
    appeal = world.assigned()
    drafting.save(appeal, text="Текст начальника отдела.", base_version=0, by=world.head)
    before = trace()
    with pytest.raises(routes.WrongRoute, match="некому согласовать"):
        approval.ask(appeal, route=route, by=world.head)
    personal = _route(world, Stop(1, world.head), name="Личный")
    with pytest.raises(routes.WrongRoute, match="готовит этот ответ сам"):
        approval.ask(appeal, route=personal, by=world.head)
    assert trace()["Approval"] == before["Approval"]


def test_an_edit_on_the_way_begins_the_route_anew(world: World) -> None:
    route = _route(world, Stop(1), Stop(2, world.signer))
    appeal = world.drafted()
    approval.ask(appeal, route=route, by=world.executor)
    _decide(world, appeal, world.head)
    drafting.save(world.again(appeal), text="Договор аренды продлён.", base_version=1, by=world.executor)
    assert approval.decision_of(world.again(appeal), world.signer) is None
    rows = approval.ask(world.again(appeal), route=route, by=world.executor)
    assert [row.approver for row in rows] == [world.head]


def test_a_route_is_kept_by_who_keeps_dictionaries_and_says_what_is_wrong(world: World, trace: Any) -> None:
    before = trace()
    with pytest.raises(NotAllowed):
        routes.keep(
            None, name="Мой", regime=None, unit=None, valid_from=timezone.localdate(), valid_to=None, stops=[Stop(1)],
            by=world.executor,
        )  # fmt: skip
    with pytest.raises(routes.WrongRoute, match="хотя бы один шаг"):
        _route(world)
    with pytest.raises(routes.WrongRoute, match="нет права"):
        _route(world, Stop(1, world.stranger))
    with pytest.raises(routes.WrongRoute, match="не обоих"):
        _route(world, Stop(1, world.head, world.land))
    with pytest.raises(routes.WrongRoute, match="раньше даты начала"):
        _route(world, Stop(1), valid_to=timezone.localdate() - timedelta(days=1))
    assert trace() == before


def test_a_remark_stands_beside_words_is_met_by_the_writer_and_stops_until_then(world: World, trace: Any) -> None:
    appeal = world.asked()
    row = approval.decision_of(appeal, world.head)
    assert row is not None
    before = trace()
    with pytest.raises(approval.PassageNotFound):
        approval.remark(row, passage="таких слов нет", text="Исправьте", by=world.head)
    with pytest.raises(approval.RemarkNeeded):
        approval.remark(row, passage="Договор", text=" ", by=world.head)
    with pytest.raises(Exception, match="согласовать"):
        approval.remark(row, passage="Договор", text="Я не согласующий", by=world.signer)
    assert trace() == before
    beside = approval.remark(row, passage="Договор  продлён", text="Укажите срок", by=world.head)
    approval.give_back(row, remark="", by=world.head)
    appeal = world.again(appeal)
    assert appeal.status == S.DRAFTING
    with pytest.raises(checklist.Blocked, match="Укажите срок"):
        approval.ask(appeal, approvers=[world.head], by=world.executor)
    drafting.save(appeal, text="Договор аренды продлён до мая.", base_version=1, by=world.executor)
    shown = approval.remarks_of(appeal, "Договор аренды продлён до мая.")
    assert [(one.pk, one.stands) for one in shown] == [(beside.pk, False)]
    with pytest.raises(Exception, match="готовить ответ"):
        approval.done(world.again(appeal), beside.pk, answer="", by=world.signer)
    approval.done(world.again(appeal), beside.pk, answer="добавлен срок", by=world.executor)
    with pytest.raises(approval.ApprovalOutdated):
        approval.done(world.again(appeal), beside.pk, answer="", by=world.executor)
    assert approval.ask(world.again(appeal), approvers=[world.head], by=world.executor)


def _docx(text: str) -> bytes:
    from io import BytesIO
    from zipfile import ZipFile

    body = "".join(f"<w:p><w:r><w:t>{line}</w:t></w:r></w:p>" for line in text.split("\n"))
    space = 'xmlns:w="http://schemas.openxmlformats.org/wordprocessingml/2006/main"'
    kinds = '<Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types"/>'
    content = BytesIO()
    with ZipFile(content, "w") as archive:
        archive.writestr("[Content_Types].xml", kinds)
        archive.writestr("word/document.xml", f"<w:document {space}><w:body>{body}</w:body></w:document>")
    return content.getvalue()


def test_a_document_of_word_becomes_the_next_revision_and_the_old_text_is_kept(world: World) -> None:
    appeal = world.drafted()
    upload = ContentFile(_docx("Первый абзац.\nВторой абзац."), "ответ.docx")
    draft = drafting.take_text(appeal, upload, base_version=1, by=world.executor)
    assert draft.text == "Первый абзац.\n\nВторой абзац."
    assert [one.text for one in draft.revisions.all()] == ["Договор продлён."]


def test_a_text_handed_out_for_word_comes_back_as_it_was(world: World) -> None:
    text = "Уважаемая Анна & «Ко» <8>!\n\nДоговор продлён до 1 мая.\n\nЧто Вам делать дальше: ничего."
    appeal = world.drafted(text=text)
    upload = ContentFile(word.document(text + "\x0b\ud800"), "ответ.docx")
    assert drafting.take_text(appeal, upload, base_version=1, by=world.executor).text == text
    given = desk(world.executor).get(at("draft_word", appeal.pk))
    assert given.content == word.document(text)
    assert "attachment" in given["Content-Disposition"]
    empty = ContentFile(word.document(""), "пусто.docx")
    with pytest.raises(drafting.NoTextInFile):
        drafting.take_text(world.again(appeal), empty, base_version=1, by=world.executor)


def test_what_is_no_text_is_refused_with_words_and_nothing_is_lost(world: World, trace: Any) -> None:
    from io import BytesIO

    from pypdf import PdfWriter

    writer, locked = PdfWriter(), BytesIO()
    writer.add_blank_page(100, 100)
    writer.encrypt("секрет")
    writer.write(locked)
    appeal = world.drafted()
    before = trace()
    for name, content, refusal, words in (
        ("ответ.pdf", locked.getvalue(), files.Refused, "паролем"),
        ("ответ.xlsx", b"PK", drafting.NoTextInFile, "не документ"),
        ("ответ.docx", _docx(""), drafting.NoTextInFile, "нет текста"),
        ("ответ.docx", b"PK\x03\x04broken", files.Refused, "не соответствует|повреждён"),
    ):
        with pytest.raises(refusal, match=words):
            drafting.take_text(appeal, ContentFile(content, name), base_version=1, by=world.executor)
    with pytest.raises(drafting.DraftConflict):
        drafting.take_text(appeal, ContentFile(_docx("Другое"), "а.docx"), base_version=0, by=world.executor)
    assert trace() == before
