"""Variants of an answer stand side by side: typed or brought, compared, one taken; nothing written is lost."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from django.core.files.base import ContentFile
from django.core.files.uploadedfile import SimpleUploadedFile
from django.urls import reverse

from otklik.appeals import drafting, variants
from otklik.appeals.errors import NotAllowed
from otklik.appeals.letters import word
from otklik.appeals.models import Appeal, DraftVariant
from otklik.core import files, journal
from otklik.core.models import JournalEntry
from tests.appeals.conftest import World
from tests.desk import at, desk

SHORT, LONG, FOREIGN = "Договор продлён.", "Договор продлён до 1 мая. Приходите за ним.", "Отказано: нет оснований."


def brought(world: World, appeal: Appeal, text: str = FOREIGN, name: str = "Отказ.docx") -> DraftVariant:
    return variants.bring(appeal, ContentFile(word.document(text), name), "", by=world.executor)


def texts(appeal: Appeal) -> list[tuple[str, str]]:
    return [(one.name, one.revision.text) for one in variants.of(appeal)]


def test_a_text_put_aside_stays_as_it_was_while_another_is_written(world: World) -> None:
    appeal = world.drafted(text=SHORT)
    variants.keep_current(appeal, "короткий", by=world.executor)
    drafting.save(appeal, text=LONG, base_version=1, by=world.executor)
    variants.keep_current(appeal, "", by=world.executor)
    brought(world, appeal)
    assert texts(appeal) == [("короткий", SHORT), ("Вариант 2", LONG), ("Отказ", FOREIGN)]
    assert drafting.draft_of(appeal).text == LONG
    assert journal.verify_chain(f"appeal:{appeal.pk}") == []


def test_a_document_stays_beside_its_text_as_it_was_brought(world: World) -> None:
    appeal = world.assigned()
    row = brought(world, appeal)
    given = desk(world.executor).get(at("variant_file", row.pk))
    assert b"".join(given.streaming_content) == word.document(FOREIGN)
    assert drafting.draft_of(appeal).text == "", "the text in work is not touched"


def test_the_one_taken_is_in_work_and_what_it_replaced_is_kept_and_approved_anew(world: World) -> None:
    appeal = world.drafted(text=SHORT)
    row = brought(world, appeal)
    appeal = world.approved(appeal)
    version = drafting.draft_of(appeal).version
    variants.take(appeal, row, base_version=version, by=world.executor)
    assert drafting.draft_of(appeal).text == FOREIGN
    assert world.again(appeal).status == Appeal.Status.DRAFTING
    assert SHORT in drafting.draft_of(appeal).revisions.values_list("text", flat=True)
    assert texts(appeal) == [("Отказ", FOREIGN)], "it can be compared with what becomes of it"


def test_taking_on_a_page_that_is_old_loses_neither_text(world: World) -> None:
    appeal = world.drafted(text=SHORT)
    row = brought(world, appeal)
    drafting.save(appeal, text=LONG, base_version=1, by=world.head)
    with pytest.raises(drafting.DraftConflict):
        variants.take(appeal, row, base_version=1, by=world.executor)
    assert drafting.draft_of(appeal).text == LONG
    assert texts(appeal) == [("Отказ", FOREIGN)]


def test_what_is_put_away_leaves_the_page_and_its_text_stays_among_revisions(world: World) -> None:
    appeal = world.drafted()
    row = brought(world, appeal)
    for _ in range(2):
        variants.put_away(appeal, row, by=world.executor)
    assert texts(appeal) == []
    assert FOREIGN in drafting.draft_of(appeal).revisions.values_list("text", flat=True)
    assert JournalEntry.objects.filter(action="appeal.variant_put_away").count() == 1
    assert desk(world.executor).get(at("variant_file", row.pk)).status_code == 404


def test_refusals_say_what_to_do_and_leave_nothing(world: World, trace: Callable[[], dict[str, int]]) -> None:
    empty, appeal = world.assigned(), world.drafted(text=SHORT)
    variants.keep_current(appeal, "короткий", by=world.executor)
    before = trace(), files.StoredFile.objects.count()
    with pytest.raises(variants.BadVariant, match="пуст"):
        variants.keep_current(empty, "", by=world.executor)
    with pytest.raises(variants.BadVariant, match="уже отложен: «короткий»"):
        variants.keep_current(appeal, "ещё раз", by=world.executor)
    with pytest.raises(variants.BadVariant, match="уже отложен: «короткий»"):
        brought(world, appeal, text=SHORT)
    with pytest.raises(files.Refused):
        variants.bring(appeal, ContentFile(b"MZ\x90", "ответ.docx"), "", by=world.executor)
    with pytest.raises(NotAllowed):
        variants.keep_current(appeal, "", by=world.auditor)
    assert (trace(), files.StoredFile.objects.count()) == before


def test_there_are_as_many_as_can_be_read_side_by_side(world: World) -> None:
    appeal = world.drafted()
    for number in range(variants.MOST):
        brought(world, appeal, text=f"Вариант № {number}")
    with pytest.raises(variants.BadVariant, match="Уберите ненужный"):
        brought(world, appeal)


def test_nothing_is_taken_once_the_answer_is_given_to_be_signed_and_a_new_answer_begins_without_them(
    world: World,
) -> None:
    appeal = world.drafted(text=SHORT)
    row = brought(world, appeal)
    frozen = world.frozen(appeal).appeal
    with pytest.raises(drafting.DraftClosed):
        variants.take(frozen, row, base_version=drafting.draft_of(frozen).version, by=world.executor)
    page = desk(world.executor).get(at("variants", appeal.pk)).content.decode()
    assert FOREIGN in page
    assert "Взять в работу" not in page
    Appeal.objects.filter(pk=appeal.pk).update(status=Appeal.Status.SENT)
    drafting.reopen(world.again(appeal), by=world.executor)
    assert texts(appeal) == []


# ---------- On the page ----------


def test_an_executor_puts_aside_brings_compares_and_takes(world: World) -> None:
    appeal = world.drafted(text=SHORT)
    browser, page = desk(world.executor), at("variants", appeal.pk)
    typed = {"text": SHORT, "base_version": 1, "keep_variant": "1", "variant_name": "короткий"}
    assert "отложен: «короткий»" in browser.post(at("draft", appeal.pk), typed, follow=True).content.decode()
    document = SimpleUploadedFile("Отказ.docx", word.document(FOREIGN))
    shown = browser.post(page, {"bring": "1", "document": document}, follow=True).content.decode()
    assert FOREIGN in shown
    assert "из документа «Отказ.docx»" in shown
    short, refusal = variants.of(appeal)
    compared = browser.get(page, {"with": refusal.pk}).content.decode()
    assert "Текст в работе → «Отказ»" in compared
    answer = browser.post(page, {"take": refusal.pk, "base_version": 1})
    assert answer["Location"].startswith(reverse("workplace:draft", args=[appeal.pk]))
    assert drafting.draft_of(appeal).text == FOREIGN
    browser.post(page, {"put_away": short.pk})
    assert texts(appeal) == [("Отказ", FOREIGN)]
    late = browser.post(page, {"take": short.pk, "base_version": 2})
    assert late.status_code == 404


def test_a_stale_page_shows_both_texts_to_choose_from(world: World) -> None:
    appeal = world.drafted(text=SHORT)
    row = brought(world, appeal)
    drafting.save(appeal, text=LONG, base_version=1, by=world.head)
    answer = desk(world.executor).post(at("variants", appeal.pk), {"take": row.pk, "base_version": 1})
    assert answer.status_code == 409
    shown = answer.content.decode()
    assert LONG in shown
    assert FOREIGN in shown


def test_a_refusal_keeps_the_name_typed(world: World) -> None:
    appeal = world.assigned()
    answer = desk(world.executor).post(at("variants", appeal.pk), {"keep": "1", "name": "для семьи"})
    assert answer.status_code == 422
    assert 'value="для семьи"' in answer.content.decode()


def test_variants_are_of_their_appeal_and_of_who_may_read_its_draft(world: World) -> None:
    appeal, other = world.drafted(), world.drafted()
    row = brought(world, appeal)
    for door in ("variant_file", "variant_letter"):
        assert desk(world.stranger).get(at(door, row.pk)).status_code == 404
        assert desk(world.auditor).get(at(door, row.pk)).status_code == 200
    foreign = desk(world.executor).post(at("variants", other.pk), {"take": row.pk, "base_version": 1})
    assert foreign.status_code == 404
    assert desk(world.auditor).post(at("variants", appeal.pk), {"put_away": row.pk}).status_code == 403
    letter = desk(world.executor).get(at("variant_letter", row.pk))
    assert letter["Content-Type"] == "application/pdf"
