"""Who does not know yet how to answer puts a text aside, writes another, has a colleague's beside both, takes one."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from otklik.appeals.letters import word
from tests.browser.axe import judge_again
from tests.browser.conftest import Desk
from tests.browser.pictures import take
from tests.browser.steps import press

pytestmark = pytest.mark.browser
WIDE = {"reduced_motion": "reduce", "viewport": {"width": 1280, "height": 1000}}
REFUSAL = "В продлении отказано: договор прекращён 1 октября."


def test_variants_are_put_aside_brought_compared_and_one_is_taken(desk: Desk, new_page: Callable[..., Page]) -> None:
    said = desk.happens("from tests.browser import matter_cases as m; print(*m.alike('Вариантова', 'Выборова'))")
    appeal = said.splitlines()[-1].split()[0]
    writer = desk.sit(new_page, "executor1", **WIDE)
    writer.goto(f"{desk.url}/desk/appeals/{appeal}/draft/")
    text = writer.get_by_role("textbox", name="Текст ответа")
    first = text.input_value()
    writer.get_by_text("Отложить текст вариантом и писать иначе").click()
    writer.get_by_label("Название варианта").fill("подробный")
    press(writer, writer.get_by_role("button", name="Отложить", exact=True))
    expect(writer.locator("main")).to_contain_text("Текст отложен: «подробный»")
    text.fill("Договор продлён.")
    press(writer, writer.get_by_role("button", name="Сохранить", exact=False).last)
    writer.get_by_role("link", name="Варианты 1").click()
    writer.get_by_label("Документ с вариантом ответа").set_input_files(
        {"name": "Отказ.docx", "mimeType": word.TYPE, "buffer": word.document(REFUSAL)}
    )
    writer.get_by_label("Название варианта").fill("с отказом")
    press(writer, writer.get_by_role("button", name="Добавить вариант из документа"))
    for name, words in (("В работе", "Договор продлён."), ("подробный", first[:40]), ("с отказом", REFUSAL)):
        expect(writer.get_by_role("region", name=name, exact=True)).to_contain_text(words)
    judge_again(writer)
    take(writer, "answer-variants")
    writer.get_by_role("link", name=re.compile("Чем отличается.*с отказом")).click()
    expect(writer.get_by_role("region", name="Текст в работе → «с отказом»")).to_contain_text("договор прекращён")
    writer.set_viewport_size({"width": 320, "height": 800})
    assert writer.evaluate("document.documentElement.scrollWidth <= 320")
    press(writer, writer.get_by_role("button", name=re.compile("Взять в работу.*с отказом")))
    expect(text).to_have_value(REFUSAL)
    assert text.input_value() != first
