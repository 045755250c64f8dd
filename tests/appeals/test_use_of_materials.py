"""Materials in answers (п. 14.1): text or link, what needs a reason, what never leaves, what an answer keeps."""

from __future__ import annotations

import pytest
from django.utils import timezone
from wagtail.models import Page

from otklik.appeals import approval, drafting
from otklik.appeals.errors import NotYours
from otklik.appeals.models import Citation
from otklik.core.models import JournalEntry
from otklik.knowledge import archive, materials, public
from otklik.knowledge.models import (
    Faq,
    KnowledgeHome,
    LawChange,
    Material,
    MaterialUse,
    ReplyTemplate,
    ReviewItem,
    Section,
)
from otklik.people.models import Applicant
from tests.appeals.conftest import World


@pytest.fixture
def section(world):
    return KnowledgeHome.objects.get().add_child(instance=Section(title="Аренда", slug="rent", unit=world.land))


@pytest.fixture
def faq(section):
    return _published(section, Faq, mark="public", short_answer="Договор аренды продлевают на три года.")


def _published(section: Section, kind: type[Material], title: str = "Продление аренды", **fields: str) -> Material:
    page = section.add_child(instance=kind(title=title, slug=f"m{Page.objects.count()}", **fields))
    page.save_revision().publish()
    page.refresh_from_db()
    if page.mark == "public":
        public.let_out(page)
    return page


def _reopened_by_law(page: Material, world: World) -> None:
    today = timezone.localdate()
    change = LawChange.objects.create(named="ЗК", happened_on=today, what="срок", entered_by=world.signer)
    about = {"material": page, "title": page.title, "unit": world.land, "why": "ЗК изменён", "due_on": today}
    ReviewItem.objects.create(cause="law", change=change, **about)


def test_a_link_leads_to_the_site_and_its_version_is_the_one_there(world, faq):
    let_out = faq.live_revision_id
    faq.short_answer = "Иначе."
    faq.save_revision().publish()
    appeal = world.assigned()
    taken = drafting.insert_link(appeal, faq.pk, by=world.executor)
    assert taken.text.startswith("«Продление аренды»: http")
    assert taken.text.endswith(f"/kb/rent/{faq.slug}/")
    citation, use = Citation.objects.get(), MaterialUse.objects.get()
    assert (citation.how, citation.revision) == ("link", let_out)
    assert (use.action, use.revision) == ("linked", let_out)
    assert JournalEntry.objects.filter(action="appeal.material_linked").count() == 1


@pytest.mark.parametrize(("mark", "why"), [("for_answers", "только для ответов"), ("internal", "внутренний")])
def test_no_link_leads_to_what_citizens_do_not_read(world, section, trace, mark, why):
    page, appeal = _published(section, Faq, mark=mark, short_answer="Да."), world.assigned()
    before = trace()
    with pytest.raises((materials.NotOnSite, materials.InternalMaterial), match=why):
        drafting.insert_link(appeal, page.pk, by=world.executor)
    assert trace() == before


@pytest.mark.parametrize("take", [drafting.insert_material, drafting.insert_link])
def test_a_stale_material_needs_a_reason_that_the_approver_sees(world, faq, trace, take):
    _reopened_by_law(faq, world)
    appeal = world.drafted()
    before = trace()
    with pytest.raises(materials.StaleMaterial, match="основание изменилось"):
        take(appeal, faq.pk, reason="  ", by=world.executor)
    assert trace() == before
    take(appeal, faq.pk, reason="Сверено с редакцией от 1 августа", by=world.executor)
    [shown] = drafting.citations_of(drafting.draft_of(appeal))
    assert shown.stale.startswith("основание изменилось")
    assert shown.reason == "Сверено с редакцией от 1 августа"
    assert shown.version_on == timezone.localdate()


def test_a_fresh_material_keeps_no_reason(world, faq):
    drafting.insert_material(world.assigned(), faq.pk, reason="на всякий случай", by=world.executor)
    assert Citation.objects.get().reason == ""


def test_an_archived_material_names_what_stands_in_its_place(world, section, faq, trace):
    other, appeal = _published(section, Faq, title="Новый порядок", short_answer="Да."), world.assigned()
    archive.archive(faq, reason="устарел", replaced_by=other, by=world.signer)
    before = trace()
    with pytest.raises(materials.ArchivedMaterial, match="Новый порядок"):
        drafting.insert_material(appeal, faq.pk, reason="очень надо", by=world.executor)
    assert trace() == before


def test_what_did_not_fit_one_appeal_is_proposed_for_others(world, faq):
    appeal, other = world.assigned(), world.assigned()
    letter = "продление договора аренды"

    def proposed(one):
        return drafting.suggest_materials(one, letter, user=world.executor, limit=3)[0].results.pages

    assert proposed(appeal) == [faq.pk]
    with pytest.raises(NotYours):
        drafting.decline_material(appeal, faq.pk, by=world.stranger)
    drafting.decline_material(appeal, faq.pk, by=world.executor)
    assert (proposed(appeal), proposed(other)) == ([], [faq.pk])
    assert materials.find(letter, user=world.executor)  # who looks for it finds it


def test_nothing_for_employees_goes_into_an_answer(world, section):
    page = _published(
        section, ReplyTemplate, mark="for_answers", text="Ответ по делу.", when="ТАЙНА", staff_note="<p>ТАЙНА</p>"
    )
    assert drafting.insert_material(world.assigned(), page.pk, by=world.executor).text == "Ответ по делу."


def test_an_answer_keeps_its_text_when_the_template_changes(world, section):
    page = _published(section, ReplyTemplate, mark="for_answers", text="Старый порядок.")
    appeal = world.assigned()
    taken = drafting.insert_material(appeal, page.pk, by=world.executor)
    version = drafting.draft_of(appeal).version
    drafting.save(appeal, text=taken.text, base_version=version, by=world.executor)
    page.text = "Новый порядок."
    page.save_revision().publish()
    page.refresh_from_db()
    assert drafting.draft_of(appeal).text == "Старый порядок."
    assert Citation.objects.get().revision == taken.revision != page.live_revision_id


def test_a_name_nobody_declines_surely_is_left_and_named(world, section):
    page = _published(section, ReplyTemplate, mark="for_answers", text="{заявитель полностью:дательный}, {заявитель}")
    appeal = world.assigned()
    Applicant.objects.filter(pk=appeal.applicant_id).update(last_name="Пак", first_name="Олег", patronymic="Ильич")
    taken = drafting.insert_material(world.again(appeal), page.pk, by=world.executor)
    assert taken.text == "Пак Олег Ильич, Пак О. И."
    assert taken.unsure == ("Пак Олег Ильич", "Пак О. И.")


def test_an_unfilled_place_is_not_given_for_approval(world, trace):
    appeal = world.drafted(text="Срок — {срок}. Телефон: {телефон исполнителя}.")
    before = trace()
    with pytest.raises(approval.UnfilledPlaceholders, match=r"\{телефон исполнителя\}"):
        approval.ask(appeal, approvers=[world.head], by=world.executor)
    assert trace() == before
