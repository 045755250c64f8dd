"""What answers teach: letters with the materials they were answered by, told to search, seen by whom they may be."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone

from otklik.appeals import drafting, lessons
from otklik.appeals.models import Appeal
from otklik.knowledge.lessons import gather
from otklik.knowledge.models import Faq, KnowledgeHome, Section
from otklik.people.models import Applicant
from otklik.search import analysis
from otklik.search.models import LearnedWord


@pytest.fixture
def faq(world):
    section = KnowledgeHome.objects.get().add_child(instance=Section(title="Аренда", slug="rent", unit=world.land))
    page = section.add_child(instance=Faq(title="Новый срок", slug="term", mark="for_answers", short_answer="Да."))
    page.save_revision().publish()
    return page


def since():
    return timezone.now() - timedelta(days=1)


def test_a_letter_teaches_what_it_was_answered_by_and_a_declined_material_the_opposite(world, faq):
    used, declined = world.assigned(), world.assigned()
    drafting.insert_material(used, faq.pk, by=world.executor)
    drafting.decline_material(declined, faq.pk, by=world.executor)
    pairs = list(lessons.letters(since()))
    assert [(pair.key, pair.counts) for pair in pairs] == [(str(faq.pk), 0.5), (str(faq.pk), -0.5)]
    assert all("продлить договор" in pair.text for pair in pairs)
    assert pairs[0].source == f"applicant:{used.applicant_id}"


def test_letters_of_several_applicants_teach_sums_and_nothing_else(world, faq):
    appeals = [world.assigned() for _ in range(3)]
    for appeal in appeals:
        drafting.insert_material(appeal, faq.pk, by=world.executor)
    gather(lessons.letters)
    assert not LearnedWord.objects.exists(), "one applicant teaches nothing, however often he writes"
    for number, appeal in enumerate(appeals):
        other = Applicant.objects.create(last_name=f"Другова{number}")
        Appeal.objects.filter(pk=appeal.pk).update(applicant=other)
    gather(lessons.letters)
    assert "аренда" in set(LearnedWord.objects.values_list("lemma", flat=True))


def test_an_entry_is_tried_on_letters_its_editor_may_see_and_on_no_others(world, faq):
    appeal = world.assigned()
    drafting.insert_material(appeal, faq.pk, by=world.executor)
    words = frozenset(analysis.words("аренда"))
    [asked] = lessons.asked_with(words, world.fresh(world.executor))
    assert (asked.shown, asked.key) == (f"письмо {appeal.number}", str(faq.pk))
    assert lessons.asked_with(words, world.fresh(world.stranger)) == []
    assert lessons.asked_with(frozenset(analysis.words("порубочный")), world.fresh(world.executor)) == []
