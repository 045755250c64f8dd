"""A unit reviews its quarter to the end: three materials, what is missing, the protocol to be signed."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from tests.browser.axe import judge_again
from tests.browser.conftest import Desk
from tests.browser.hands import Hands
from tests.browser.pictures import take
from tests.browser.steps import press

pytestmark = pytest.mark.browser


def test_a_unit_reviews_its_quarter_to_the_end(desk: Desk, new_page: Callable[..., Page]) -> None:
    author = desk.sit(new_page, "kbauthor")
    said: list[str] = []
    author.on(
        "console", lambda line: said.append(line.text) if line.type == "error" and "422" not in line.text else None
    )
    author.on("pageerror", lambda error: said.append(str(error)))
    heading = author.get_by_role("heading", level=1)

    author.goto(f"{desk.url}/desk/")
    author.get_by_role("navigation", name="Разделы").get_by_role("link", name="Актуализация").click()
    judge_again(author)
    author.locator("#rows .row-link").first.click()
    expect(author.get_by_text("Решено 0 из 3")).to_be_visible()
    judge_again(author)

    # By keys alone: open the first material, confirm it, then the second with a note.
    hands = Hands(author)
    hands.letter("KeyJ")
    expect(author.get_by_text("1 из 3")).to_be_visible()
    expect(heading).to_have_text("Как оформить гараж")
    judge_again(author)
    hands.letter("KeyJ")
    expect(author.get_by_text("2 из 3")).to_be_visible()
    author.get_by_label("Примечание").fill("Телефоны проверены")
    author.get_by_label("Какие акты проверены").fill("ЗК РФ, ст. 39.5")
    take(author, "kb-review")
    hands.key("Control+Enter")

    # The third is out of date: it is taken off, with a reason.
    expect(author.get_by_text("3 из 3")).to_be_visible()
    author.get_by_text("В архив").click()
    author.get_by_label(re.compile("Почему снимается")).fill("Шаблон заменён новым")
    press(author, author.get_by_role("button", name="Снять с публикации"))

    # Not closed before «чего не хватает» is answered; what was typed stays.
    expect(heading).to_have_text("Чего не хватает в Базе знаний")
    judge_again(author)
    close = author.get_by_role("button", name="Сохранить и закрыть проверку")
    press(author, close)
    expect(author.get_by_text("Напишите, чего не хватает, или отметьте «Всё есть».")).to_be_visible()
    author.get_by_label("Не всё, напишите ниже").check()
    author.get_by_label("Чего не хватает", exact=True).fill("Ответ о переносе гаража")
    press(author, close)

    # The protocol: on the page, and printed.
    expect(heading).to_contain_text("Протокол актуализации Базы знаний")
    for words in ("Телефоны проверены", "ЗК РФ, ст. 39.5", "Шаблон заменён новым", "Ответ о переносе гаража"):
        expect(author.get_by_text(words)).to_be_visible()
    judge_again(author)
    take(author, "kb-protocol")
    address = author.get_by_role("link", name="Протокол в PDF").get_attribute("href")
    printed = author.request.get(f"{desk.url}{address}")
    assert printed.body().startswith(b"%PDF")

    # Readers see at once who checked and when.
    author.goto(f"{desk.url}/desk/kb/?q=гараж")
    expect(author.get_by_text(re.compile("проверено .* Отдел распоряжения")).first).to_be_visible()
    assert said == []
