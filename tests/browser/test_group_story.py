"""Many who wrote alike get one text: the signer reads it once with the list of all, and takes them by one tick."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from tests.browser.axe import judge_again
from tests.browser.conftest import Desk
from tests.browser.pictures import take
from tests.browser.steps import choose_signer, press

pytestmark = pytest.mark.browser
WIDE = {"reduced_motion": "reduce", "viewport": {"width": 1280, "height": 1000}}


def test_one_text_to_many_is_read_once_taken_by_one_tick_and_numbered_by_one_press(
    desk: Desk, new_page: Callable[..., Page]
) -> None:
    first = desk.happens(
        "from tests.browser import matter_cases as m; print(m.group('Скверова', 'Садова', 'Паркова'))"
    ).splitlines()[-1]
    signer = desk.sit(new_page, "signer", **WIDE)
    signer.goto(f"{desk.url}/desk/to-sign/")
    line = signer.get_by_role("row", name=re.compile("Группа: 3.письма с одним текстом"))
    expect(line.get_by_role("checkbox")).to_be_disabled()
    line.get_by_role("link").click()
    table = signer.get_by_role("region", name="Письма группы")
    expect(table.get_by_role("row")).to_have_count(4)
    expect(table).to_contain_text("Садова Анна Павловна")
    judge_again(signer)
    take(signer, "sign-group")
    press(signer, signer.get_by_role("button", name=re.compile("Прочитано")))
    expect(signer.locator("main")).to_contain_text("Отмечено прочитанными писем: 3.")
    signer.goto(f"{desk.url}/desk/to-sign/")
    expect(line.get_by_role("checkbox")).to_be_checked()
    expect(line).to_contain_text("прочитано")
    judge_again(signer)

    # Signed in the government's system: the clerk types the numbers beside the letters, one press writes them down.
    clerk = desk.sit(new_page, "clerk", **WIDE)
    clerk.goto(f"{desk.url}/desk/sign-groups/{first}/")
    numbers = clerk.get_by_label(re.compile("Номер в СЭД для"))
    for place in range(3):
        numbers.nth(place).fill(f"99/{place}-исх")
    judge_again(clerk)
    press(clerk, clerk.get_by_role("button", name="Внести номера и дату"))
    expect(clerk.locator("main")).to_contain_text("Внесено подписей: 3.")
    signer.set_viewport_size({"width": 320, "height": 800})
    for place in ("to-sign/", f"sign-groups/{_another(desk)}/"):
        signer.goto(f"{desk.url}/desk/{place}")
        assert signer.evaluate("document.documentElement.scrollWidth <= 320"), place


def _another(desk: Desk) -> str:
    return desk.happens(
        "from tests.browser import matter_cases as m; print(m.group('Клумбова', 'Газонова'))"
    ).splitlines()[-1]


def test_one_text_to_many_is_handed_over_by_one_key_and_approved_one_by_one_or_together(
    desk: Desk, new_page: Callable[..., Page]
) -> None:
    said = desk.happens("from tests.browser import matter_cases as m; print(*m.alike('Липова', 'Вязова', 'Клёнова'))")
    first, second, third = said.splitlines()[-1].split()
    writer = desk.sit(new_page, "executor1", **WIDE)
    writer.goto(f"{desk.url}/desk/appeals/{first}/draft/")
    expect(writer.get_by_role("group", name="Передать вместе с ним письма группы: 2")).to_be_visible()
    writer.get_by_role("textbox", name="Текст ответа").focus()
    writer.keyboard.press("Control+Shift+Enter")
    expect(writer.locator("main")).to_contain_text("С ним передано писем с тем же текстом: 2.")

    # One is opened by its number and decided about alone, the others by one press.
    head = desk.sit(new_page, "head1", **WIDE)
    head.goto(f"{desk.url}/desk/appeals/{first}/approval/")
    others = head.get_by_role("group", name="Этот же текст ждёт вашего решения ещё в письмах: 2")
    judge_again(head)
    others.get_by_role("link").last.click()
    press(head, head.get_by_role("button", name="Согласовать только это письмо"))
    assert f"/desk/appeals/{third}/" in head.url
    head.goto(f"{desk.url}/desk/appeals/{first}/approval/")
    expect(head.get_by_role("group", name="Этот же текст ждёт вашего решения ещё в письмах: 1")).to_be_visible()
    press(head, head.get_by_role("button", name="Согласовать это и отмеченные"))
    expect(head.locator("main")).to_contain_text("Согласовано писем: 2.")

    writer.goto(f"{desk.url}/desk/appeals/{second}/sign/")
    expect(writer.get_by_role("group", name="Передать вместе с ним согласованные письма группы: 2")).to_be_visible()
    judge_again(writer)
    choose_signer(writer, "Подписантов")
    press(writer, writer.get_by_role("button", name="Передать на подпись"))
    expect(writer.locator("main")).to_contain_text("С ним передано на подпись писем с тем же текстом: 2.")
