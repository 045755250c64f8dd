"""Checks before approval: what stops the answer, what only advises, each with its place in the text."""

from __future__ import annotations

from typing import Any

import pytest
from django.core.files.base import ContentFile

from otklik.appeals import approval, checklist, drafting, notes
from otklik.appeals.models import Appeal
from tests.appeals.conftest import World

GOOD = (
    "Что Вам делать дальше: подайте заявление о продлении договора аренды до 1 мая.\n\n"
    "Договор аренды участка продлевают по заявлению. Заявление рассматривают 30 дней."
)


def _checks(world: World, text: str, appeal: Appeal | None = None) -> dict[str, checklist.Check]:
    appeal = appeal or world.drafted(text=text)
    draft = drafting.draft_of(appeal)
    found = checklist.of_answer(appeal, text, drafting.files_of(draft), drafting.facts(appeal))
    return {one.code: one for one in found}


def test_a_good_answer_passes_everything(world: World) -> None:
    assert [one.code for one in _checks(world, GOOD).values() if not one.passed] == []


@pytest.mark.parametrize(
    ("code", "text", "place"),
    [
        ("placeholders", GOOD + "\nСрок: {срок}", "строка 4"),
        ("attachments", GOOD + "\nПриложение: на 2 л. в 1 экз.", "строка 4"),
        ("internal", GOOD + "\nИсполнителю: проверить ещё раз", "строка 4"),
        ("internal", GOOD + "\nСпросить @Кузнецова", "@Кузнецова"),
        ("others", GOOD + "\nПаспорт 50 04 123456 выдан соседу.", "строка 4"),
    ],
)
def test_what_stops_is_told_with_its_place_and_nobody_is_asked(
    world: World, trace: Any, code: str, text: str, place: str
) -> None:
    appeal = world.drafted(text=text)
    check = _checks(world, text, appeal)[code]
    assert (check.passed, check.blocks) == (False, True)
    assert any(place in one for one in check.where)
    before = trace()
    with pytest.raises((checklist.Blocked, approval.UnfilledPlaceholders)):
        approval.ask(appeal, approvers=[world.head], by=world.executor)
    assert trace() == before


@pytest.mark.parametrize(
    ("code", "text"),
    [
        ("substance", "Да."),
        ("next_steps", "Договор продлён. " * 10),
        ("plain", GOOD + " В целях продления не представляется возможным обойтись без заявления."),
        ("people", GOOD + " Ваш сосед Никифоров Пётр Кузьмич уже подал заявление."),
        ("attachments", GOOD + " Образец прилагаем."),
        ("greeting", "Уважаемый Мария Петровна! " + GOOD),
        ("greeting", "Уважаемая Ольга Ивановна! " + GOOD),
    ],
)
def test_advice_is_said_and_stops_nothing(world: World, code: str, text: str) -> None:
    appeal = world.drafted(text=text)
    check = _checks(world, text, appeal)[code]
    assert (check.passed, check.blocks) == (False, False)
    assert check.hint
    approval.ask(appeal, approvers=[world.head], by=world.executor)


def test_the_order_of_an_act_is_no_promise_and_what_the_applicant_named_is_not_of_others(world: World) -> None:
    said = _checks(world, GOOD + " Смотрите приложение № 2 к приказу. Уважаемая Мария Петровна Иванова согласилась.")
    assert said["attachments"].blocks is False
    assert said["people"].passed


def test_sheets_promised_are_counted_in_the_files(world: World) -> None:
    text = GOOD + "\nПриложение: 1. Договор на 3 л."
    appeal = world.drafted(text=text)
    from io import BytesIO

    from pypdf import PdfWriter

    writer, content = PdfWriter(), BytesIO()
    writer.add_blank_page(100, 100)
    writer.write(content)
    drafting.attach(appeal, ContentFile(content.getvalue(), "договор.pdf"), by=world.executor)
    found = _checks(world, text, appeal)
    assert found["attachments"].passed
    assert not found["sheets"].passed
    assert "обещано 3 л., в файле страниц 1" in found["sheets"].where[0]


def test_a_passage_of_an_internal_note_does_not_leave(world: World) -> None:
    words = "Заявитель уже трижды жаловался губернатору, отвечаем осторожно"
    text = f"{GOOD}\n{words}."
    appeal = world.drafted(text=text)
    notes.add(appeal, words, by=world.executor)
    assert _checks(world, text, appeal)["notes"].blocks


def test_a_way_the_law_does_not_allow_stops_before_anybody_approves(world: World) -> None:
    appeal = world.drafted(text=GOOD)
    Appeal.objects.filter(pk=appeal.pk).update(answer_channel="email", answer_address="a@b.ru")
    with pytest.raises(checklist.Blocked, match=r"ст\. 10 ч\. 4"):
        approval.ask(world.again(appeal), approvers=[world.head], by=world.executor)


def test_a_question_of_which_nothing_is_said_is_named(world: World) -> None:
    message = world.message(text="Когда продлят договор аренды? Почему не работает телефон вашего архива?")
    from otklik.appeals import registration

    appeal = world.drafted(registration.register(message, world.entry(), by=world.clerk), text=GOOD)
    check = _checks(world, GOOD, appeal)["questions"]
    assert not check.passed
    assert len(check.where) == 1
    assert "архива" in check.where[0]
