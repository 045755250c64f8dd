"""Two axes (п. 9.1): anyone proposes, only the registry unit confirms; assignment waits for it."""

from __future__ import annotations

import re
from datetime import date

import pytest

from otklik.appeals import assignment, classification, defaults, drafting
from otklik.appeals.errors import NotAllowed
from otklik.appeals.models import Appeal, Topic
from otklik.knowledge.models import Faq, KnowledgeHome, Section
from otklik.people.models import Department, Unit
from tests.appeals.conftest import LONG_AGO


def test_a_clerk_of_the_registry_unit_confirms(world):
    appeal = world.registered()
    classification.classify(appeal, [world.pair(), world.pair(need="rent-payments")], by=world.clerk)
    assert appeal.status == Appeal.Status.CLASSIFIED
    assert {row.confirmed_by for row in appeal.questions.all()} == {world.clerk}
    assert appeal.questions.count() == 2


def test_a_clerk_of_another_unit_is_refused_and_the_refusal_names_the_unit(world, trace):
    other = world.employee("other", "Соколова", world.land, ["clerk"])
    appeal = world.registered()
    before = trace()
    with pytest.raises(classification.NotRegistryUnit, match="организационной и кадровой"):
        classification.classify(appeal, [world.pair()], by=other)
    assert trace() == before


def test_a_member_of_the_registry_unit_without_the_power_is_refused(world, trace):
    member = world.employee("member", "Соколова", world.registry, ["executor"])
    appeal = world.registered()
    before = trace()
    with pytest.raises(NotAllowed):
        classification.classify(appeal, [world.pair()], by=member)
    assert trace() == before


def test_a_deputy_of_a_registry_clerk_confirms(world):
    deputy = world.employee("deputy", "Соколова", world.law, ["executor"])
    world.stands_in(deputy, world.clerk)
    appeal = world.registered()
    classification.classify(appeal, [world.pair()], by=deputy)
    assert appeal.questions.get().confirmed_by == deputy


def test_a_unit_inside_the_registry_unit_confirms_too(world):
    inner = Unit.objects.create(name="Сектор учёта", parent=world.registry, valid_from=LONG_AGO)
    member = world.employee("inner", "Соколова", inner, ["clerk"])
    appeal = world.registered()
    classification.classify(appeal, [world.pair()], by=member)
    assert classification.is_classified(appeal)


def test_without_a_registry_unit_in_the_settings_nobody_confirms(world):
    Department.objects.update(registry_unit=None)
    with pytest.raises(classification.NoRegistryUnit):
        classification.classify(world.registered(), [world.pair()], by=world.clerk)


def test_an_executor_proposes_and_the_proposal_is_not_a_confirmation(world):
    appeal = world.registered()
    classification.propose_questions(appeal, [world.pair()], by=world.executor)
    question = appeal.questions.get()
    assert (question.proposed_by, question.confirmed_by) == (world.executor, None)
    assert not classification.is_classified(appeal)
    assert appeal.status == Appeal.Status.REGISTERED
    classification.classify(appeal, [world.pair()], by=world.clerk)
    question.refresh_from_db()
    assert (question.proposed_by, question.confirmed_by) == (world.executor, world.clerk)


def test_a_repeated_pair_an_empty_list_and_a_section_are_refused(world, trace):
    appeal = world.registered()
    section = Topic.objects.get(code="0003.0011.0123.0000")
    old = Topic.objects.create(
        code="0003.0011.0123.9999",
        version="old",
        name="Прежний",
        valid_from=date(2020, 1, 1),
        valid_to=date(2021, 1, 1),
    )
    need = world.pair()[1]
    before = trace()
    with pytest.raises(classification.RepeatedQuestion):
        classification.classify(appeal, [world.pair(), world.pair()], by=world.clerk)
    with pytest.raises(classification.NoQuestions):
        classification.classify(appeal, [], by=world.clerk)
    for unfit in (section, old):
        with pytest.raises(classification.UnfitQuestion):
            classification.classify(appeal, [(unfit, need)], by=world.clerk)
    assert trace() == before


def test_reclassification_replaces_the_questions_and_keeps_the_state(world):
    appeal = world.assigned()
    classification.classify(appeal, [world.pair(need="status")], by=world.clerk)
    assert appeal.status == Appeal.Status.ASSIGNED
    assert [row.need.code for row in appeal.questions.all()] == ["status"]


def test_a_written_appeal_that_needs_an_answer_is_classified_before_assignment(world, trace):
    appeal = world.registered()
    before = trace()
    with pytest.raises(assignment.NotClassified):
        assignment.assign(appeal, unit=world.land, executor=world.executor, by=world.clerk)
    assert trace() == before


@pytest.mark.parametrize("changes", [{"written": False}, {"needs_answer": False}])
def test_an_oral_one_or_one_without_an_answer_may_be_assigned_at_once(world, changes):
    appeal = world.registered(**changes)
    assignment.assign(appeal, unit=world.land, executor=world.executor, by=world.clerk)
    assert appeal.status == Appeal.Status.ASSIGNED


@pytest.mark.parametrize(
    ("text", "topic", "need"),
    [
        ("Прошу продлить договор аренды земельного участка", "0003.0011.0123.0850", "lease"),
        (
            "Сообщите размер арендной платы и задолженность по договору аренды участка",
            "0003.0011.0123.0850",
            "rent-payments",
        ),
        ("Не согласна с кадастровой стоимостью дома, она завышена", "0001.0002.0025.0114", "cadastral-value"),
        ("Многодетная семья просит выделить участок под ИЖС, хотим построить дом", "0003.0011.0123.0849", "benefits"),
        ("Дайте сведения из реестра государственного имущества", "0001.0003.0037.0212", "registry-data"),
        ("Соседи перекрыли берег реки забором, доступ к воде закрыт", "0003.0011.0125.0856", None),
    ],
)
def test_topic_and_need_are_guessed_with_the_words_that_said_so(world, text, topic, need):
    guess = classification.propose(text)
    assert guess.topics[0].item.code == topic
    assert guess.topics[0].words
    assert all(
        word.lower() in text.lower() for found in guess.topics for phrase in found.words for word in phrase.split()
    )
    assert len(guess.topics) <= 3
    if need:
        assert guess.needs[0].item.code == need


def test_a_text_about_nothing_guesses_nothing(world):
    assert classification.propose("Ла-ла-ла") == classification.Guess()
    assert classification.propose("") == classification.Guess()


def material(world, title, text):
    home = KnowledgeHome.objects.get()
    section = Section.objects.first()
    if section is None:
        section = home.add_child(instance=Section(title="Участки", slug="plots", unit=world.land))
        section.save_revision().publish()
    page = section.add_child(
        instance=Faq(title=title, slug=f"m{Faq.objects.count()}", short_answer=text, mark="for_answers")
    )
    page.save_revision().publish()
    return page


LETTER = "Кончается срок, а землёй под сараем дед пользовался сорок лет. Оставят ли её за мной?"


def test_a_material_votes_for_the_topic_its_title_tells_of(world):
    assert not any(one.item.code == "0003.0011.0123.0850" for one in classification.propose(LETTER).topics)
    material(world, "Продление договора аренды земельного участка", "Земля под сараем, срок пользования кончается.")
    world.executor.refresh_from_db()
    best = classification.propose(LETTER, reader=world.executor).topics[0]
    assert best.item.code == "0003.0011.0123.0850"
    assert best.materials == ["Продление договора аренды земельного участка"]


def test_a_material_votes_for_what_the_appeals_were_about_that_it_went_into(world):
    page = material(world, "О сараях", "Земля под сараем, срок пользования кончается.")
    appeal = world.drafted()
    drafting.insert_material(appeal, page.pk, reason="подходит", by=world.executor)
    question = appeal.questions.first()
    best = classification.propose(LETTER, reader=world.executor)
    assert best.topics[0].item == question.topic
    assert best.needs[0].item == question.need
    assert best.topics[0].materials == ["О сараях"]


def test_who_reads_no_materials_hears_no_votes(world):
    material(world, "Продление договора аренды земельного участка", "Земля под сараем, срок пользования кончается.")
    nobody = world.employee("nobody", "Никто", world.land, [])
    assert classification.propose(LETTER, reader=nobody) == classification.propose(LETTER)


def test_the_unit_of_the_best_topic_is_guessed(world):
    Topic.objects.filter(code="0003.0011.0123.0850").update(unit=world.land)
    assert classification.propose("Прошу продлить договор аренды участка").unit == world.land


def test_the_starting_classifier_is_whole_and_loading_again_changes_nothing(world):
    land = Topic.objects.filter(code__startswith="0003.0011.0123.", leaf=True)
    assert {code[-4:] for code in land.values_list("code", flat=True)} == {f"08{n}" for n in range(42, 53)}
    property_codes = Topic.objects.filter(code__startswith="0001.0003.0037.", leaf=True)
    assert {code[-4:] for code in property_codes.values_list("code", flat=True)} == {f"0{n}" for n in range(209, 216)}
    codes = set(Topic.objects.values_list("code", flat=True))
    for topic in Topic.objects.all():
        assert re.fullmatch(r"\d{4}(\.\d{4}){3}", topic.code)
        assert not topic.parent_code or topic.parent_code in codes
        assert topic.leaf == (not topic.code.endswith(".0000"))
    Topic.objects.filter(code="0003.0011.0123.0850").update(hints="своё слово")
    defaults.load()
    assert Topic.objects.get(code="0003.0011.0123.0850").hints == "своё слово"
    assert Topic.objects.count() == len(codes)
