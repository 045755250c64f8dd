"""A missed call to its outcome by the keyboard: found overdue, called, tried again, settled; a promise is kept."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from tests.browser.axe import judge
from tests.browser.conftest import Desk
from tests.browser.steps import press

pytestmark = pytest.mark.browser


def test_a_missed_call_is_called_back_and_leaves_the_list_with_an_outcome(
    desk: Desk, new_page: Callable[..., Page]
) -> None:
    consultant = desk.sit(new_page, "consultant")
    consultant.goto(desk.url + "/desk/")
    consultant.get_by_role("link", name=re.compile("Перезвонить тем, кому не ответили")).click()
    expect(consultant.get_by_role("heading", name="Пропущенные звонки")).to_be_visible()
    assert "913" not in consultant.locator("main").inner_text(), "numbers are masked in the list"
    judge(consultant)

    # Down the list with the keyboard, to the one nobody has tried yet.
    row = consultant.locator("#rows .row-link", has_text="+7 ••• 01")
    consultant.keyboard.press("ArrowDown")
    for _ in range(consultant.locator("#rows .row-link").count()):
        if row.evaluate("(one) => one === document.activeElement"):
            break
        consultant.keyboard.press("ArrowDown")
    consultant.keyboard.press("Enter")
    expect(consultant.get_by_text("Приносим извинения")).to_be_visible()
    judge(consultant)
    duty = consultant.url

    # The number is shown to be dialled; only now, and it is written down.
    assert "913" not in consultant.locator("main").inner_text()
    consultant.keyboard.press("KeyE")
    expect(consultant.locator("a[href='tel:+7 913 000-00-01']")).to_be_visible()
    judge(consultant)
    consultant.goto(duty)

    # No outcome without a talk; what was typed stays.
    consultant.get_by_label("Чем закончилось").select_option("called_back")
    consultant.get_by_label("Примечание").fill("Рассказали о сроке")
    press(consultant, consultant.get_by_role("button", name="Записать итог"))
    expect(consultant.get_by_role("alert")).to_contain_text("без разговора итог «перезвонили» неверен")
    expect(consultant.get_by_label("Примечание")).to_have_value("Рассказали о сроке")
    judge(consultant)
    consultant.get_by_role("button", name="Не ответил", exact=True).click()
    expect(consultant.get_by_text("Попытка записана.")).to_be_visible()
    consultant.keyboard.press("Digit1")  # «поговорили»
    expect(consultant.locator("#attempts").locator("xpath=../..").get_by_text("Поговорили")).to_be_visible()
    consultant.get_by_label("Чем закончилось").select_option("called_back")
    consultant.get_by_label("Примечание").fill("Рассказали о сроке")
    press(consultant, consultant.get_by_role("button", name="Записать итог"))
    expect(consultant.get_by_text(re.compile("закрыта с итогом"))).to_be_visible()
    expect(consultant.locator("#rows .row-link", has_text="+7 ••• 01")).to_have_count(0)

    # It stands among those with an outcome, and in the figures, which open it.
    consultant.goto(desk.url + "/desk/missed/figures/")
    judge(consultant)
    consultant.get_by_role("row", name=re.compile("Перезвонили")).get_by_role("link").click()
    expect(consultant.locator("#rows .row-link", has_text="+7 ••• 01")).to_have_count(1)


def test_a_promise_is_kept(desk: Desk, new_page: Callable[..., Page]) -> None:
    consultant = desk.sit(new_page, "consultant")
    consultant.goto(desk.url + "/desk/promises/")
    judge(consultant)
    consultant.get_by_role("link", name=re.compile("Готова ли выписка")).click()
    judge(consultant)
    press(consultant, consultant.get_by_role("button", name="Поговорили"))
    consultant.get_by_label("Чем закончилось").select_option("kept")
    press(consultant, consultant.get_by_role("button", name="Записать итог"))
    expect(consultant.get_by_text("Обещание закрыто с итогом.")).to_be_visible()
    expect(consultant.get_by_text("Вы никому не обещали перезвонить")).to_be_visible()
