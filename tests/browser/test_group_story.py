"""Many who wrote alike get one text: the signer reads it once with the list of all, and takes them by one tick."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from tests.browser.axe import judge_again
from tests.browser.conftest import Desk
from tests.browser.pictures import take
from tests.browser.steps import press

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
