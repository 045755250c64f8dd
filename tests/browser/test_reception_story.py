"""A reception held to its printed card: an oral answer with consent; a written one signed by the very official."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from tests.browser.axe import judge
from tests.browser.conftest import Desk
from tests.browser.steps import press

pytestmark = pytest.mark.browser


def test_an_oral_answer_with_consent_ends_in_the_printed_card(desk: Desk, new_page: Callable[..., Page]) -> None:
    official = desk.sit(new_page, "signer")
    official.goto(desk.url + "/desk/receptions/")
    judge(official)
    official.locator("#rows .row-link", has_text="Гаражкина").click()
    expect(official.get_by_role("heading", name=re.compile("Гаражкина"))).to_be_visible()
    judge(official)

    # By the keyboard: begin, introduce himself, ask where she applied before.
    official.keyboard.press("Control+Enter")
    expect(official.get_by_text("Приём начат.")).to_be_visible()
    expect(official.get_by_text("Меня зовут Подписантов Андрей Образцович")).to_be_visible()
    judge(official)
    official.get_by_role("button", name="Представился").press("Enter")
    expect(official.get_by_role("button", name="Представился")).to_have_count(0)
    official.wait_for_load_state("load")
    official.keyboard.press("1")
    expect(official.get_by_label("не обращался")).to_be_checked()
    official.keyboard.press("Enter")
    expect(
        official.get_by_text("вопрос: ни одного", exact=False).or_(official.get_by_text("ни одного вопроса"))
    ).to_be_visible()

    # The matter comes from the appointment; its topic is picked.
    expect(official.get_by_label("Суть вопроса")).to_have_value("Аренда участка под гараж")
    topic = official.locator("#topics option").first.get_attribute("value")
    official.locator("[name=new-topic]").fill(topic or "")
    official.locator("[name=new-text]").press("Control+Enter")
    article = official.locator("article", has=official.get_by_role("heading", name="Вопрос 1"))
    expect(article).to_be_visible()
    official.wait_for_load_state("load")

    # Not without evident facts and consent; what was typed stays.
    official.keyboard.press("1")
    expect(article.get_by_label("устный ответ", exact=False).first).to_be_checked()
    article.locator("[name=answer]").fill("Договор продлён до мая, соглашение готово.")
    article.get_by_label("Факты и обстоятельства очевидны", exact=False).check()
    press(official, article.get_by_role("button", name=re.compile("Записать исход")))
    expect(official.get_by_role("alert")).to_contain_text("согласие заявителя на устный ответ")
    expect(article.locator("[name=answer]")).to_have_value("Договор продлён до мая, соглашение готово.")
    judge(official)
    article.get_by_label("Заявитель согласен", exact=False).check()
    press(official, article.get_by_role("button", name=re.compile("Записать исход")))
    expect(official.get_by_text("Устный ответ записан в карточку.")).to_be_visible()
    expect(official.get_by_text("Все отметки есть")).to_be_visible()
    official.get_by_role("button", name=re.compile("Завершить приём")).click()
    expect(official.get_by_text("Приём завершён. Карточка сохранена")).to_be_visible()
    judge(official)
    with official.expect_download() as printed:
        official.get_by_role("link", name="Напечатать (PDF)").click()
    assert printed.value.suggested_filename.endswith(".pdf")


def test_a_promised_answer_is_signed_by_him_who_promised_and_by_nobody_else(
    desk: Desk, new_page: Callable[..., Page]
) -> None:
    official = desk.sit(new_page, "signer")
    official.goto(desk.url + "/desk/receptions/promised/")
    official.locator("main table a").first.click()
    card = official.url.partition("?")[0]

    # The executor finds one signer to choose from.
    executor = desk.sit(new_page, "executor1")
    executor.goto(f"{card}sign/")
    expect(executor.get_by_text("подписывает только", exact=False)).to_be_visible()
    expect(executor.get_by_label("Кто подпишет").locator("option")).to_have_count(1)
    press(executor, executor.get_by_role("button", name="Передать на подпись"))
    judge(executor)

    # Nobody else is let sign, whatever he sends.
    other = desk.sit(new_page, "head1")
    other.goto(f"{card}sign/")
    expect(other.get_by_text("Подписывает Подписантов", exact=False)).to_be_visible()
    expect(other.get_by_role("button", name="Загрузить подпись")).to_have_count(0)
    token = other.locator("[name=csrfmiddlewaretoken]").first.get_attribute("value")
    for way in ("head", "sed"):
        sent = {"csrfmiddlewaretoken": token or "", "way": way, "sed-number": "77", "sed-signed_on": "2026-11-27"}
        answer = other.request.post(f"{card}sign/", form=sent, headers={"Referer": f"{card}sign/"})
        assert answer.status in (403, 422)

    official.goto(f"{card}sign/")
    expect(official.get_by_role("button", name="Загрузить подпись")).to_be_visible()
    judge(official)
    official.get_by_role("link", name="Решить, кто подпишет вместо").click()
    expect(official.get_by_text("Основания передать подпись сейчас нет", exact=False)).to_be_visible()
    judge(official)
