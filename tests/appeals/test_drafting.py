"""The text of the answer: nothing typed is lost, every kept state stays, materials come with their version."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.core.files.base import ContentFile
from django.utils import timezone

from otklik.appeals import drafting, transitions
from otklik.appeals.errors import NotAllowed, NotYours
from otklik.appeals.models import Appeal, Citation, Draft, DraftRevision
from otklik.core import files
from otklik.knowledge.materials import InternalMaterial
from otklik.knowledge.models import Faq, KnowledgeHome, MaterialUse, ReplyTemplate, Section

S = Appeal.Status


@pytest.fixture
def section(world):
    return KnowledgeHome.objects.get().add_child(instance=Section(title="Аренда", unit=world.land))


def _material(section, kind, **fields):
    page = section.add_child(instance=kind(title="Об аренде", **fields))
    page.save_revision().publish()
    return page


def test_the_first_save_begins_the_drafting(world):
    appeal = world.assigned()
    draft = drafting.save(appeal, text="Начало", base_version=0, by=world.executor)
    assert (draft.version, draft.text) == (1, "Начало")
    assert world.again(appeal).status == S.DRAFTING


def test_a_save_from_an_old_version_is_refused_with_both_texts_and_changes_nothing(world, trace):
    appeal = world.assigned()
    drafting.save(appeal, text="Первая", base_version=0, by=world.executor)
    before = trace()
    with pytest.raises(drafting.DraftConflict) as refusal:
        drafting.save(appeal, text="Вторая", base_version=0, by=world.head)
    assert (refusal.value.mine, refusal.value.theirs, refusal.value.version) == ("Вторая", "Первая", 1)
    assert "Сидорова" in str(refusal.value)
    assert trace() == before
    assert Draft.objects.get(appeal=appeal).text == "Первая"


def test_a_repeated_save_of_the_same_text_is_no_new_version(world, trace):
    appeal = world.drafted()
    before = trace()
    drafting.save(appeal, text="Договор продлён.", base_version=1, by=world.executor)
    assert trace() == before
    assert Draft.objects.get(appeal=appeal).version == 1


def test_what_another_author_wrote_is_kept_before_it_is_overwritten(world):
    appeal = world.drafted()
    drafting.save(appeal, text="Правка начальника", base_version=1, by=world.head)
    kept = DraftRevision.objects.get(draft__appeal=appeal)
    assert (kept.text, kept.author, kept.version) == ("Договор продлён.", world.executor, 1)


def test_the_first_state_is_kept_and_then_one_every_five_minutes(world):
    appeal = world.assigned()
    start = timezone.now()
    for version, (text, minute) in enumerate([("а", 0), ("аб", 1), ("абв", 4), ("абвг", 8), ("абвгд", 8)]):
        at = start + timedelta(minutes=minute)
        drafting.save(appeal, text=text, base_version=version, by=world.executor, at=at)
    assert [row.text for row in DraftRevision.objects.all()] == ["а", "абв"]


def test_only_the_executor_a_helper_their_deputies_and_the_head_write(world, trace):
    appeal = world.assigned(co_executors=[world.helper])
    drafting.save(appeal, text="1", base_version=0, by=world.helper)
    drafting.save(appeal, text="2", base_version=1, by=world.head)
    deputy = world.employee("deputy", "Соколова", world.law, ["consultant"])
    world.stands_in(deputy, world.executor)
    drafting.save(appeal, text="3", base_version=2, by=deputy)
    before = trace()
    with pytest.raises(NotYours):
        drafting.save(appeal, text="чужое", base_version=3, by=world.stranger)
    with pytest.raises(NotAllowed):
        drafting.save(appeal, text="чужое", base_version=3, by=world.clerk)
    assert trace() == before


def test_an_edit_after_the_draft_was_handed_over_takes_it_back(world):
    appeal = world.asked()
    drafting.save(appeal, text="Передумала", base_version=1, by=world.executor)
    assert world.again(appeal).status == S.DRAFTING
    assert drafting.current_revision(appeal) is None


@pytest.mark.parametrize("step", ["frozen", "signed"])
def test_the_text_stands_still_from_signing_on(world, trace, step):
    made = getattr(world, step)()
    appeal = made if isinstance(made, Appeal) else made.appeal
    before = trace()
    with pytest.raises(drafting.DraftClosed, match="Отзовите"):
        drafting.save(appeal, text="Поздно", base_version=1, by=world.executor)
    with pytest.raises(drafting.DraftClosed):
        drafting.attach(appeal, ContentFile(b"x", "a.txt"), by=world.executor)
    assert trace() == before


def test_a_material_comes_with_facts_filled_in_and_its_version_is_recorded(world, section):
    page = _material(
        section, ReplyTemplate, mark="for_answers", text="{обращение} № {номер} от {дата}. {телефон исполнителя}"
    )
    appeal = world.assigned()
    insert = drafting.insert_material(appeal, page.pk, by=world.executor)
    assert (
        insert.text
        == f"Уважаемая Мария Петровна! № {appeal.number} от {appeal.registered_on:%d.%m.%Y}. {{телефон исполнителя}}"
    )
    assert insert.empty == ("телефон исполнителя",)
    citation = Citation.objects.get()
    assert (citation.material, citation.revision, citation.by) == (page.pk, insert.revision, world.executor)
    use = MaterialUse.objects.get()
    assert (use.action, use.reference) == ("inserted", f"appeal:{appeal.pk}")


def test_the_addressee_is_in_the_dative(world):
    assert drafting.facts(world.assigned())["заявитель"]("datv").text == "Ивановой М. П."


def test_an_internal_material_never_gets_into_an_answer(world, section, trace):
    page = _material(section, Faq, mark="internal", short_answer="Тайна")
    appeal = world.assigned()
    before = trace()
    with pytest.raises(InternalMaterial):
        drafting.insert_material(appeal, page.pk, by=world.executor)
    assert trace() == before
    assert not MaterialUse.objects.exists()


def test_files_are_attached_and_taken_off_and_a_bad_one_is_refused(world, trace):
    appeal = world.drafted()
    row = drafting.attach(appeal, ContentFile("Схема участка".encode(), "схема.txt"), by=world.executor)
    assert [one.name for one in appeal.draft.files.all()] == ["схема.txt"]
    before = trace()
    with pytest.raises(files.Refused):
        drafting.attach(appeal, ContentFile(b"", "пусто.pdf"), by=world.executor)
    with pytest.raises(files.Refused):
        drafting.attach(appeal, ContentFile(b"MZ\x90\x00" + b"\0" * 200, "счёт.pdf"), by=world.executor)
    assert trace() == before
    drafting.detach(appeal, row.pk, by=world.executor)
    assert not appeal.draft.files.exists()
    with pytest.raises(drafting.NoSuchFile):
        drafting.detach(appeal, row.pk, by=world.executor)


def test_other_attachments_ask_for_approval_again(world):
    appeal = world.approved()
    drafting.attach(appeal, ContentFile("Схема".encode(), "схема.txt"), by=world.executor)
    assert world.again(appeal).status == S.DRAFTING
    assert drafting.current_revision(appeal) is None


def test_a_new_answer_is_not_begun_before_the_old_one_left(world, trace):
    appeal = world.signed()
    before = trace()
    with pytest.raises(transitions.MoveRefused):
        drafting.reopen(appeal, by=world.executor)
    assert trace() == before
