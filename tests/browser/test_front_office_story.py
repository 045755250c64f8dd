"""The front office: a refusal of video, another room, ready; a second secretary is told who meets the visitor."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from tests.browser.axe import judge
from tests.browser.conftest import Desk
from tests.browser.steps import press

pytestmark = pytest.mark.browser


def test_who_refuses_video_is_received_in_another_room(desk: Desk, new_page: Callable[..., Page]) -> None:
    secretary = desk.sit(new_page, "receptionist")
    secretary.goto(desk.url + "/desk/front/")
    main = secretary.locator("main")
    assert "Приёмкина" not in main.inner_text(), "names are masked in the list"
    judge(secretary)

    # He comes with his document; the card is opened.
    secretary.locator("#board .row-link", has_text="13:20").click()
    expect(secretary.get_by_role("heading", name=re.compile("Приёмкина"))).to_be_visible()
    judge(secretary)
    press(secretary, secretary.get_by_role("button", name="Документ есть: завести карточку"))
    expect(secretary.get_by_text(re.compile(r"Карточка ЛП-\d{4}-\d{4} заведена"))).to_be_visible()
    expect(secretary.get_by_text("Не сверен документ, удостоверяющий личность")).to_be_visible()

    # What is missing is named; what was typed stays.
    secretary.get_by_label("Документ", exact=True).select_option("other")
    secretary.get_by_label("Совпали").check()
    press(secretary, secretary.get_by_role("button", name="Документ сверен"))
    expect(secretary.get_by_role("alert")).to_contain_text("Напишите, какой это документ")
    expect(secretary.get_by_label("Совпали")).to_be_checked()
    secretary.get_by_label("Документ", exact=True).select_option("passport")
    press(secretary, secretary.get_by_role("button", name="Документ сверен"))
    expect(secretary.get_by_text("Данные совпали")).to_be_visible()

    # Told of recording, he agrees to sound and not to picture: rooms are offered at once.
    secretary.get_by_role("group", name="Видеозапись").get_by_label("Не согласен").check()
    secretary.get_by_role("group", name="Аудиозапись").get_by_label("Согласен", exact=True).check()
    press(secretary, secretary.get_by_role("button", name="Отметить ответ"))
    expect(secretary.get_by_text("Приём пройдёт в помещении, где системы нет")).to_be_visible()
    judge(secretary)
    press(secretary, secretary.get_by_role("button", name="Передать на приём"))
    expect(secretary.get_by_role("alert").first).to_contain_text("выберите помещение без системы")
    press(secretary, secretary.get_by_role("button", name=re.compile("Перейти в «Кабинет 12»")))
    expect(secretary.get_by_text("Помещение изменено: «Кабинет 12»", exact=False)).to_be_visible()
    press(secretary, secretary.get_by_role("button", name="Передать на приём"))
    expect(secretary.get_by_text("может начать приём: Кабинет 12")).to_be_visible()
    judge(secretary)

    # The board says it to everybody.
    secretary.goto(desk.url + "/desk/front/")
    row = secretary.locator("#board .row-link", has_text="13:20")
    expect(row).to_contain_text("Готов к приёму", ignore_case=True)
    expect(row).to_contain_text("Кабинет 12")
