"""An operator of the ЕКЦ answers from what is published, writes it down, brings a table; a clerk confirms the topic."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from otklik.core import sheets
from tests.browser import axe
from tests.browser.axe import NARROW, judge_again
from tests.browser.conftest import Desk
from tests.browser.steps import press

pytestmark = pytest.mark.browser
QUESTION = "Можно ли оформить гараж без документов?"


def test_an_operator_of_the_ekc_keeps_his_records_and_a_clerk_gives_them_topics(
    desk: Desk, new_page: Callable[..., Page]
) -> None:
    operator, clerk = desk.sit(new_page, "operator"), desk.sit(new_page, "clerk")

    # He lands on his page with the cursor in the search; what is internal is not found, what is published opens.
    operator.goto(desk.url + "/desk/")
    expect(operator.get_by_role("heading", name="Записи ЕКЦ")).to_be_visible()
    expect(operator.locator("#ekc-q")).to_be_focused()
    operator.keyboard.type("оформить гараж")
    found = operator.locator("#ekc-found a")
    expect(found).to_have_count(1)
    judge_again(operator)
    operator.keyboard.press("ArrowDown")
    with operator.context.expect_page() as opened:
        operator.keyboard.press("Enter")
    expect(opened.value.get_by_role("heading", name="Как оформить гараж")).to_be_visible()
    opened.value.close()

    # Half of the two questions is refused with words, and what was typed stays.
    operator.get_by_label("О чём спросили").fill(QUESTION)
    operator.get_by_label("Что ответили").fill("Рассказали, какие документы нужны.")
    operator.get_by_label("Получен ли ответ").select_option(label="да")
    press(operator, operator.get_by_role("button", name="Сохранить запись"))
    expect(operator.get_by_text(re.compile("указывают вместе"))).to_be_visible()
    expect(operator.get_by_label("О чём спросили")).to_have_value(QUESTION)
    judge_again(operator)
    operator.get_by_label("Оцените качество").select_option(label="удовлетворен")
    press(operator, operator.get_by_role("button", name="Сохранить запись"))
    expect(operator.get_by_text("Запись сохранена.")).to_be_visible()
    operator.get_by_role("link", name=QUESTION).click()
    expect(operator.get_by_text("Рассказали, какие документы нужны.")).to_be_visible()
    judge_again(operator)

    # A table is looked at before anything of it is kept.
    operator.goto(desk.url + "/desk/ekc/upload/")
    rows = [["Номер записи", "Когда", "Вопрос"], ["501", "24.11.2026 10:15", "Где приём?"], ["502", "завтра", "Где?"]]
    content = b"".join(sheets.csv_lines(rows))
    operator.get_by_label(re.compile("Таблица")).set_input_files(
        {"name": "ekc.csv", "mimeType": "text/csv", "buffer": content}
    )
    press(operator, operator.get_by_role("button", name="Проверить таблицу"))
    expect(operator.get_by_text(re.compile("«завтра» не прочитано"))).to_be_visible()
    judge_again(operator)
    press(operator, operator.get_by_role("button", name="Принять 1 консультацию"))
    expect(operator.get_by_text("Принято консультаций ЕКЦ: 1.")).to_be_visible()

    # Nothing else opens, and nothing is wider than a small telephone.
    for address in ("/desk/appeals/", "/desk/kb/", "/desk/calendar/", "/desk/consultations/", "/desk/lines/"):
        answer = operator.goto(desk.url + address)
        assert answer is not None
        assert answer.status in {403, 404}, address
    operator.set_viewport_size(NARROW)
    operator.goto(desk.url + "/desk/ekc/")
    assert not operator.evaluate(axe.SIDEWAYS)

    # A clerk confirms what it was about.
    clerk.goto(desk.url + "/desk/ekc/untopiced/")
    clerk.get_by_role("link", name=QUESTION).click()
    judge_again(clerk)
    clerk.get_by_label("Типовая потребность").select_option(index=1)
    topic = clerk.get_by_label("Тема")
    if not topic.input_value():
        topic.fill(clerk.locator("#topics option").first.get_attribute("value") or "")
    press(clerk, clerk.get_by_role("button", name="Подтвердить"))
    expect(clerk.get_by_text("Тема и потребность подтверждены.")).to_be_visible()
    clerk.goto(desk.url + "/desk/ekc/untopiced/")
    expect(clerk.get_by_role("link", name=QUESTION)).to_have_count(0)
