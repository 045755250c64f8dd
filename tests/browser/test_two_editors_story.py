"""Two people open one material in the editor: they see each other, and neither writes over the other."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import Desk
from tests.browser.pictures import take

pytestmark = pytest.mark.browser


def test_two_editors_see_each_other_and_both_texts_stay(desk: Desk, new_page: Callable[..., Page]) -> None:
    author, chief = desk.sit(new_page, "kbauthor"), desk.sit(new_page, "kbchief")
    said: list[str] = []
    for one in (author, chief):
        # The editor's automatic saving over a newer version is refused with 400; the browser mentions it.
        one.on(
            "console", lambda line: said.append(line.text) if line.type == "error" and "400" not in line.text else None
        )
        one.on("pageerror", lambda error: said.append(str(error)))
    author.goto(f"{desk.url}/cms/pages/add/knowledge/faq/{desk.filled['section']}/")
    author.locator("[name=title]").fill("Где стоит межевой знак")
    author.locator("[name=short_answer]").fill("На углу участка.")
    expect(author.locator("[name=slug]")).not_to_have_value("")
    author.get_by_role("button", name="Отправить на согласование").click()
    expect(author.get_by_text("отправлен на согласование.")).to_be_visible(timeout=15_000)
    author.goto(f"{desk.url}/desk/kb/agreements/")
    author.get_by_role("link", name="Где стоит межевой знак").click()
    author.get_by_role("link", name="Править").click()
    expect(author.locator("[name=short_answer]")).to_have_value("На углу участка.")
    address = author.url
    chief.goto(address)
    for one in (author, chief):  # each is shown the other within a quarter of a minute, without asking
        expect(one.locator(".w-editing-sessions button").first).to_be_visible(timeout=15_000)

    chief.locator("[name=short_answer]").fill("Знак стоит в каждой точке поворота границы.")
    author.locator("[name=short_answer]").fill("На углу участка, его ставит кадастровый инженер.")
    author.get_by_role("button", name="Отправить на согласование").click()
    expect(author.get_by_text("отправлен на согласование.").first).to_be_visible(timeout=15_000)
    expect(chief.get_by_role("button", name=re.compile("Новая версия"))).to_be_visible(timeout=30_000)

    chief.get_by_role("button", name="Сохранить черновик").click()
    warned = chief.get_by_role("dialog").filter(has_text="Новая версия")
    expect(warned).to_contain_text("оба останутся")
    take(chief, "kb-two-editors")
    warned.get_by_role("button", name="Сохранить черновик").click()
    # What came second is kept beside, and the two are compared.
    expect(chief.get_by_text("Ваш вариант сохранён отдельно")).to_be_visible(timeout=30_000)
    compared = chief.locator("main")
    for words in ("кадастровый", "точке поворота"):
        expect(compared).to_contain_text(words)
    chief.get_by_role("link", name="Взять свой вариант").click()
    expect(chief.locator("[name=short_answer]")).to_have_value("Знак стоит в каждой точке поворота границы.")
    assert said == []
