"""A questionnaire is written as a draft and asked as an edition that never changes."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone

from otklik.core.models import JournalEntry
from otklik.people.models import Employee
from otklik.surveys import defaults, feedback, questionnaires, questions
from otklik.surveys.models import Questionnaire, QuestionnaireDraft
from otklik.surveys.questionnaires import DraftChanged, NotReady, Typed

pytestmark = pytest.mark.django_db
EVERY = [
    Typed("", "Что выберете?", "choice", ["одно", "другое"], True),
    Typed("", "Что ещё?", "several", ["первое", "второе", "третье"], False),
    Typed("", "Насколько понятно?", "scale", [], True),
    Typed("", "Помогли?", "yes_no", [], False),
    Typed("", "Что улучшить?", "text", [], False),
]


@pytest.fixture
def clerk() -> Employee:
    return Employee.objects.create_user("clerk", password=None, last_name="Делова")


def written(clerk: Employee, typed: list[Typed] = EVERY) -> QuestionnaireDraft:
    draft = questionnaires.new("Своя", by=clerk)
    return questionnaires.save(draft, title="Своя", questions=typed, base_version=draft.version, by=clerk)


def edition(clerk: Employee, typed: list[Typed] = EVERY) -> Questionnaire:
    return questionnaires.publish(written(clerk, typed), valid_from=timezone.localdate(), ground="", by=clerk)


def as_typed(row: Questionnaire | QuestionnaireDraft) -> list[Typed]:
    return [
        Typed(one["code"], one["text"], one["kind"], [words for _, words in one.get("answers", [])], one["required"])
        for one in row.questions
    ]


def test_every_kind_is_asked_answered_and_told(clerk: Employee) -> None:
    row = edition(clerk)
    one, several, scale, yes_no, text = (each["code"] for each in row.questions)
    given = {one: "a2", several: ["a3", "a1"], scale: "5", yes_no: ["no"], text: ["  всё хорошо "]}
    kept = questions.read(row, given)
    assert kept == {one: "a2", several: ["a1", "a3"], scale: "5", yes_no: "no", text: "всё хорошо"}
    told = [questions.told(each, kept[each["code"]]) for each in row.questions]
    assert told == ["другое", "первое, третье", "5 — отлично", "нет", "всё хорошо"]
    for wrong in (
        {one: "a9"},
        {one: ["a1", "a2"]},
        {scale: "6"},
        {scale: ""},
        {several: ["a1", "x"]},
        {yes_no: "maybe"},
    ):
        with pytest.raises(questions.AnswersUnclear):
            questions.read(row, {**given, **wrong})


def test_an_edition_is_asked_from_its_day_and_the_old_answers_keep_their_words(clerk: Employee) -> None:
    old = feedback.in_force("qr", on=timezone.localdate())
    assert old is not None
    draft = questionnaires.revise(old, by=clerk)
    assert questionnaires.revise(old, by=clerk) == draft
    typed = as_typed(draft)
    typed[0] = Typed("channel", "Как Вы обращались?", "choice", typed[0].answers, True)
    draft = questionnaires.save(draft, title="Новая", questions=typed, base_version=1, by=clerk)
    tomorrow = timezone.localdate() + timedelta(days=1)
    new = questionnaires.publish(draft, valid_from=tomorrow, ground="", by=clerk)
    assert (new.edition, new.questions[0]["text"]) == (2, "Как Вы обращались?")
    assert feedback.in_force("qr", on=timezone.localdate()) == old
    assert feedback.in_force("qr", on=tomorrow) == new
    assert Questionnaire.objects.get(pk=old.pk).questions[0]["text"] == "Как Вы к нам обращались?"
    assert not QuestionnaireDraft.objects.exists()
    assert JournalEntry.objects.filter(action="questionnaire.published").count() == 1


def test_words_an_order_has_set_change_only_with_the_order_that_changes_them(clerk: Employee) -> None:
    order = Questionnaire.objects.get(code="consultation")
    assert order.ground == defaults.GROUND
    draft = questionnaires.revise(order, by=clerk)
    assert [one["norm"] for one in draft.questions] == ["п. 27.3", "п. 27.3"]
    for ground in ("", "так решили"):
        with pytest.raises(NotReady, match="номер и дату приказа"):
            questionnaires.publish(draft, valid_from=timezone.localdate(), ground=ground, by=clerk)
    assert Questionnaire.objects.filter(code="consultation").count() == 1
    ground = "приказ от 01.12.2026 № 1-НПА"
    assert questionnaires.publish(draft, valid_from=timezone.localdate(), ground=ground, by=clerk).ground == ground


def test_a_questionnaire_like_another_is_bound_by_no_order(clerk: Employee) -> None:
    draft = questionnaires.new("Похожая", like=Questionnaire.objects.get(code="consultation"), by=clerk)
    assert draft.questions[0]["text"] == "Получен ли ответ на Ваш вопрос?"
    assert not any(one.get("norm") for one in draft.questions)
    assert questionnaires.publish(draft, valid_from=timezone.localdate(), ground="", by=clerk).edition == 1


def test_what_was_asked_before_keeps_its_code_and_what_is_new_gets_another(clerk: Employee) -> None:
    first = edition(clerk)
    draft = questionnaires.revise(first, by=clerk)
    typed = as_typed(draft)
    typed = [
        Typed("", "Новый", "yes_no", [], False),
        Typed(typed[1].code, "Что ещё?", "several", ["второе", "первое", "четвёртое", "третье"], False),
        Typed(typed[0].code, "Что выберете?", "choice", ["одно", "иное"], True),
    ]
    draft = questionnaires.save(draft, title="Своя", questions=typed, base_version=1, by=clerk)
    new, several, one = draft.questions
    assert new["code"] not in {each["code"] for each in first.questions}
    assert dict((words, code) for code, words in several["answers"]) == {  # noqa: C402
        "второе": "a2",
        "первое": "a1",
        "четвёртое": "a4",
        "третье": "a3",
    }
    assert one["answers"] == [["a1", "одно"], ["a2", "иное"]]  # one of as many was reworded: the same answer


@pytest.mark.parametrize(
    ("typed", "why"),
    [
        ([], "хотя бы один вопрос"),
        ([Typed("", " ", "text", [], False)], "Напишите вопрос 1"),
        ([Typed("", "Что?", "choice", ["одно"], False)], "хотя бы два ответа"),
        ([Typed("", "Что?", "choice", ["да", "Да"], False)], "два одинаковых"),
        ([Typed("", "Что?", "several", [str(n) for n in range(20)], False)], "больше 12"),
    ],
)
def test_a_draft_that_cannot_be_asked_says_what_it_lacks(clerk: Employee, typed: list[Typed], why: str) -> None:
    draft = written(clerk, typed)
    with pytest.raises(NotReady, match=why):
        questionnaires.publish(draft, valid_from=timezone.localdate(), ground="", by=clerk)


def test_a_past_day_and_a_day_before_the_last_edition_are_refused(clerk: Employee) -> None:
    today = timezone.localdate()
    draft = written(clerk)
    with pytest.raises(NotReady, match="уже прошёл"):
        questionnaires.publish(draft, valid_from=today - timedelta(days=1), ground="", by=clerk)
    coming = questionnaires.publish(draft, valid_from=today + timedelta(days=5), ground="", by=clerk)
    with pytest.raises(NotReady, match="не может раньше"):
        questionnaires.publish(questionnaires.revise(coming, by=clerk), valid_from=today, ground="", by=clerk)


def test_two_who_write_the_same_draft_lose_nothing(clerk: Employee) -> None:
    draft = written(clerk)
    with pytest.raises(DraftChanged):
        questionnaires.save(draft, title="Чужая", questions=[], base_version=1, by=clerk)
    assert QuestionnaireDraft.objects.get().title == "Своя"
    stale = QuestionnaireDraft.objects.get()
    questionnaires.save(draft, title="Ещё", questions=EVERY, base_version=draft.version, by=clerk)
    with pytest.raises(DraftChanged):
        questionnaires.publish(stale, valid_from=timezone.localdate(), ground="", by=clerk)
