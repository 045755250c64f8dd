"""Paper questionnaires: typed once, checked by another hand, counted once whatever is pressed twice."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest
from django.utils import timezone
from pypdf import PdfReader

from otklik.core.errors import DomainError
from otklik.core.models import JournalEntry
from otklik.surveys import paper
from otklik.surveys.models import PaperBatch, PaperForm, Questionnaire, Response
from tests.appeals.conftest import World

Pile = Callable[..., PaperBatch]
GOOD = {"answered": "yes", "quality": "satisfied"}
BAD = {"answered": "no", "quality": "unsatisfied"}
EMPTY = {"answered": paper.NONE, "quality": paper.NONE}


def type_all(batch: PaperBatch, world: World, number: int, answers: dict[str, str] = GOOD) -> None:
    for one in range(1, number + 1):
        paper.enter(batch, one, answers, "", by=world.clerk)
    paper.end_entry(batch, forms=number, by=world.clerk)


def checked_by_another(batch: PaperBatch, world: World) -> None:
    while (form := paper.to_check(batch, by=world.clerk2)) is not None:
        paper.check(batch, form.number, form.answers, by=world.clerk2)


def test_the_blank_has_the_questions_of_its_edition_the_keys_in_its_boxes_and_the_numbers_of_its_batch(
    pile: Pile, tmp_path
) -> None:
    batch = pile(3)
    place = tmp_path / "blank.pdf"
    place.write_bytes(paper.blank(batch.questionnaire, batch=batch, on=timezone.localdate()))
    pages = [page.extract_text() for page in PdfReader(place).pages]
    assert len(pages) == 3
    for number, words in enumerate(pages, start=1):
        flat = " ".join(words.split())
        for question in batch.questionnaire.questions:
            assert question["text"] in flat
            for key, (_, answer) in enumerate(question["answers"], start=1):
                assert f"{key} {answer}" in flat
        assert f"Пачка № {batch.pk}" in flat
        assert f"Анкета № {number}" in flat
        assert "consultation, редакция 1" in flat
    assert paper.blank(batch.questionnaire, on=timezone.localdate()).startswith(b"%PDF")


def test_a_batch_counts_when_it_is_closed_and_once_whatever_is_pressed_again(pile: Pile, world: World) -> None:
    yesterday = timezone.localdate() - timedelta(days=1)
    batch = pile(3, received_on=yesterday)
    paper.enter(batch, 1, GOOD, "Спасибо", by=world.clerk)
    paper.enter(batch, 1, GOOD, "Спасибо", by=world.clerk)  # a retried press
    paper.enter(batch, 2, {"answered": "no", "quality": paper.UNCLEAR}, "", by=world.clerk)
    paper.enter(batch, 3, EMPTY, "", by=world.clerk)
    assert not Response.objects.exists()
    paper.end_entry(batch, forms=3, by=world.clerk)
    checked_by_another(batch, world)
    assert paper.count(batch, by=world.clerk) == 2
    with pytest.raises(paper.BatchClosed):
        paper.count(batch, by=world.clerk)
    said = Response.objects.order_by("paper__number")
    assert [(one.answers, one.comment, one.source) for one in said] == [
        (GOOD, "Спасибо", "paper"),
        ({"answered": "no"}, "", "paper"),
    ]
    assert {timezone.localdate(one.at) for one in said} == {yesterday}
    assert PaperForm.objects.get(number=3).response is None
    steps = JournalEntry.objects.filter(chain=f"paper:{batch.pk}").values_list("action", flat=True)
    assert list(steps).count("paper.entered") == 3


def test_another_answer_of_a_typed_number_is_refused_and_taken_only_as_a_correction(pile: Pile, world: World) -> None:
    batch = pile()
    paper.enter(batch, 1, GOOD, "", by=world.clerk)
    with pytest.raises(paper.FormTaken):
        paper.enter(batch, 1, BAD, "", by=world.clerk2)
    paper.enter(batch, 1, BAD, "", by=world.clerk2, again=True)
    assert PaperForm.objects.get().answers == BAD


def test_a_form_without_a_mark_at_a_question_is_not_entered_and_says_which(pile: Pile, world: World) -> None:
    batch = pile()
    with pytest.raises(paper.FormUnfinished, match="Оцените качество"):
        paper.enter(batch, 1, {"answered": "yes", "quality": "excellent"}, "", by=world.clerk)
    assert not PaperForm.objects.exists()


def test_what_is_being_typed_is_kept_and_found_again_and_never_undoes_what_was_entered(
    pile: Pile, world: World
) -> None:
    batch = pile()
    assert paper.keep(batch, 1, {"answered": "yes"}, "Сло", by=world.clerk)
    assert paper.next_form(batch, by=world.clerk).answers == {"answered": "yes"}
    assert paper.next_form(batch, by=world.clerk2).number == 2, "two people type one pile"
    paper.enter(batch, 1, GOOD, "Слова", by=world.clerk)
    assert not paper.keep(batch, 1, {"answered": "no"}, "", by=world.clerk), "a late autosave"
    form = PaperForm.objects.get()
    assert (form.answers, form.comment) == (GOOD, "Слова")
    assert form.entered_at is not None


def test_the_last_form_is_given_back_as_it_was_typed(pile: Pile, world: World) -> None:
    batch = pile()
    with pytest.raises(paper.NothingToUndo):
        paper.undo(batch, by=world.clerk)
    paper.enter(batch, 1, GOOD, "", by=world.clerk)
    paper.enter(batch, 2, BAD, "Долго", by=world.clerk)
    paper.keep(batch, 3, {"answered": "yes"}, "", by=world.clerk)
    paper.undo(batch, by=world.clerk)
    again = paper.next_form(batch, by=world.clerk)
    assert (again.number, again.answers, again.comment) == (2, BAD, "Долго")


def test_typing_ends_only_when_as_many_are_typed_as_lie_on_the_table(pile: Pile, world: World) -> None:
    batch = pile(3)
    paper.enter(batch, 1, GOOD, "", by=world.clerk)
    with pytest.raises(paper.NotAllTyped, match="Введено анкет: 1, а в пачке записано 3"):
        paper.end_entry(batch, forms=3, by=world.clerk)
    paper.end_entry(batch, forms=1, by=world.clerk)  # counted anew
    assert batch.forms_expected == 1
    with pytest.raises(paper.BatchClosed):
        paper.enter(batch, 2, GOOD, "", by=world.clerk)


def test_one_form_of_ten_is_typed_again_by_another_person_and_differences_are_settled_by_the_paper(
    pile: Pile, world: World
) -> None:
    batch = pile(21)
    type_all(batch, world, 21)
    assert batch.forms.filter(sampled=True).count() == 3
    assert paper.to_check(batch, by=world.clerk) is None
    sampled = batch.forms.filter(sampled=True).order_by("number")
    with pytest.raises(paper.SameHand):
        paper.check(batch, sampled[0].number, GOOD, by=world.clerk)
    with pytest.raises(paper.NotChecked, match="не введено повторно — 3"):
        paper.count(batch, by=world.clerk)
    for number, form in enumerate(sampled):
        paper.check(batch, form.number, BAD if number == 0 else GOOD, by=world.clerk2)
    stand = paper.checked(batch)
    assert (stand.sampled, stand.left, stand.fields, stand.wrong, stand.share) == (3, 0, 6, 2, "33,3")
    with pytest.raises(paper.NotChecked, match="расхождений без решения — 1"):
        paper.count(batch, by=world.clerk)
    form = stand.differences[0].form
    with pytest.raises(paper.FormUnfinished):
        paper.settle(form, {"answered": "first"}, by=world.clerk2)
    paper.settle(form, {"answered": "first", "quality": "second"}, by=world.clerk2)
    assert paper.checked(batch).wrong == 2, "what was read differently is still counted"
    paper.count(batch, by=world.clerk)
    form.refresh_from_db()
    assert form.response.answers == {"answered": "yes", "quality": "unsatisfied"}
    assert (form.first, form.second) == (GOOD, BAD)


def test_too_many_errors_let_the_whole_batch_be_typed_again(pile: Pile, world: World) -> None:
    batch = pile(4)
    type_all(batch, world, 4)
    paper.check_all(batch, by=world.clerk)
    assert paper.checked(batch).left == 4


def test_where_nobody_else_can_check_the_reason_is_kept(pile: Pile, world: World) -> None:
    batch = pile(1)
    type_all(batch, world, 1)
    with pytest.raises(paper.NotChecked):
        paper.count(batch, unchecked="  ", by=world.clerk)
    paper.count(batch, unchecked="Второй делопроизводитель в отпуске", by=world.clerk)
    assert batch.unchecked == "Второй делопроизводитель в отпуске"


@pytest.mark.parametrize(
    ("facts", "refusal"),
    [
        ({"forms": 0}, paper.WrongForms),
        ({"forms": 1000}, paper.WrongForms),
        ({"unit": None}, paper.NoUnit),
        ({"received_on": timezone.localdate() + timedelta(days=2)}, paper.NotYetReceived),
    ],
)
def test_a_batch_that_cannot_be_is_refused_in_words(pile: Pile, facts: dict, refusal: type[DomainError]) -> None:
    with pytest.raises(refusal):
        pile(**facts)


def test_a_new_edition_leaves_the_batch_with_the_one_that_lies_on_the_table(pile: Pile, world: World) -> None:
    batch = pile(1)
    old = batch.questionnaire
    Questionnaire.objects.create(
        code=old.code, edition=2, title="Новая", questions=old.questions[:1], valid_from=timezone.localdate()
    )
    with pytest.raises(paper.FormUnfinished):
        paper.enter(batch, 1, {"answered": "yes"}, "", by=world.clerk)
    type_all(batch, world, 1)
    paper.count(batch, unchecked="проверить некому", by=world.clerk)
    assert Response.objects.get().invitation.questionnaire == old


def test_several_answers_are_typed_by_the_numbers_of_their_boxes_and_counted_as_those_on_a_telephone(
    pile: Pile, world: World
) -> None:
    batch = pile(1, questionnaire=Questionnaire.objects.get(code="qr"))
    numbers = {one["code"]: one["number"] for one in paper.asked_of(batch.questionnaire)}
    assert [numbers[one["code"]] for one in batch.questionnaire.questions] == list(range(1, len(numbers) + 1)), (
        "as printed"
    )
    several = next(one for one in batch.questionnaire.questions if one["kind"] == "several")
    marks = {one["code"]: paper.NONE for one in paper.marked_of(batch.questionnaire)}
    for wrong in ("9", "участок"):
        with pytest.raises(paper.NoSuchBox, match="номера отмеченных квадратов"):
            paper.enter(batch, 1, marks | {several["code"]: wrong}, "", by=world.clerk)
    paper.enter(batch, 1, marks | {several["code"]: "3, 1"}, "", by=world.clerk)
    paper.end_entry(batch, forms=1, by=world.clerk)
    paper.check(batch, 1, marks | {several["code"]: "14"}, by=world.clerk2)
    [one] = paper.checked(batch).differences
    first, second = ["; ".join(several["answers"][at][1] for at in places) for places in ((0, 2), (0, 3))]
    assert (one.code, one.first, one.second) == (several["code"], first, second), "several boxes are compared, too"
    paper.settle(one.form, {several["code"]: "first"}, by=world.clerk2)
    assert paper.count(batch, by=world.clerk) == 1
    codes = [code for code, _ in several["answers"]]
    assert Response.objects.get().answers == {several["code"]: [codes[0], codes[2]]}
