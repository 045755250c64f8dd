"""A citizen with a QR code and a small telephone, whose connection breaks as he sends; a clerk who hangs posters."""

from __future__ import annotations

import io
import re
from collections.abc import Callable

import pytest
import zxingcpp
from PIL import Image
from playwright.sync_api import Page, Route, expect

from tests.browser.axe import NARROW, SIDEWAYS, judge, judge_again
from tests.browser.conftest import Desk
from tests.browser.steps import press

pytestmark = pytest.mark.browser


def fill(page: Page) -> None:
    """Answer what must be answered, with the thumb."""
    page.get_by_label("приходили лично").check()
    page.get_by_label("земельный участок").check()
    page.get_by_role("group", name="Получен ли ответ на Ваш вопрос?").get_by_label("да", exact=True).check()
    page.get_by_label("частично удовлетворен").check()
    page.get_by_role("group", name="Насколько понятно").get_by_label("4", exact=True).check()
    page.get_by_label("Что нам сделать лучше?").fill("Поставьте скамейку")


def test_a_lost_connection_costs_neither_the_answer_nor_a_second_one(desk: Desk, new_page: Callable[..., Page]) -> None:
    """Without scripts and cookies, on a screen of 320 px: the answer reaches us, the thanks do not reach him."""
    page = new_page(viewport=NARROW, java_script_enabled=False)
    page.goto(f"{desk.url}/o/13/")
    fill(page)
    page.context.clear_cookies()
    sent: list[int] = []

    def lose(route: Route) -> None:
        """Let the answer through and lose what the server says."""
        if route.request.method != "POST":
            route.continue_()
            return
        sent.append(route.fetch(max_redirects=0).status)
        route.abort("connectionreset")

    page.route("**/o/13/?answer", lose)
    page.get_by_role("button", name="Отправить отзыв").click()
    page.wait_for_url("chrome-error://**")
    assert sent == [302]
    page.unroute("**/o/13/?answer")
    page.go_back()
    expect(page.get_by_label("Что нам сделать лучше?")).to_have_value("Поставьте скамейку")
    page.get_by_role("button", name="Отправить отзыв").click()
    expect(page.get_by_role("heading", name="Спасибо! Ваш отзыв получен")).to_be_visible()
    expect(page.locator("main")).to_contain_text("Поставьте скамейку")
    clerk = desk.sit(new_page, "clerk")
    clerk.goto(f"{desk.url}/desk/surveys/")
    expect(clerk.get_by_role("row", name=re.compile("Приёмная")).get_by_role("cell").last).to_have_text("1")


def test_the_questionnaire_can_be_read_on_a_small_telephone_in_any_light(
    desk: Desk, new_page: Callable[..., Page]
) -> None:
    page = new_page(viewport=NARROW)
    page.goto(f"{desk.url}/o/12/")
    judge(page)
    page.set_viewport_size(NARROW)
    page.get_by_role("button", name="Отправить отзыв").click()
    assert page.get_by_label("приходили лично").evaluate("(one) => one.validity.valueMissing")
    fill(page)
    page.locator("summary", has_text="У меня есть код").click()
    page.get_by_label("Код, девять цифр").fill("000 000 001")
    page.get_by_role("button", name="Отправить отзыв").click()
    expect(page.get_by_role("alert")).to_contain_text("Такого кода нет")
    expect(page.get_by_label("Что нам сделать лучше?")).to_have_value("Поставьте скамейку")
    judge_again(page)
    page.get_by_label("Код, девять цифр").fill("")
    page.get_by_role("button", name="Отправить отзыв").click()
    expect(page.get_by_role("heading", name="Спасибо! Ваш отзыв получен")).to_be_visible()
    judge_again(page)
    page.get_by_role("link", name=re.compile("Оставить телефон")).click()
    judge_again(page)
    page.get_by_label("Телефон или электронная почта").fill("8 913 000-00-00")
    page.get_by_role("button", name="Согласен").click()
    expect(page.get_by_role("status")).to_contain_text("Вы разрешили")


def test_low_vision_and_large_letters_leave_the_questionnaire_on_the_screen(
    desk: Desk, new_page: Callable[..., Page]
) -> None:
    page = new_page(viewport=NARROW)
    page.goto(f"{desk.url}/o/12/")
    page.get_by_role("button", name="Версия для слабовидящих").click()
    expect(page.locator("html")).to_have_class(re.compile("lv-size-150"))
    page.get_by_role("button", name="200 %").click()
    expect(page.locator("html")).to_have_class(re.compile("lv-size-200"))
    assert page.evaluate(SIDEWAYS) == ""
    judge_again(page)


def test_a_clerk_writes_a_questionnaire_hangs_a_poster_and_the_code_leads_to_it(
    desk: Desk, new_page: Callable[..., Page]
) -> None:
    clerk = desk.sit(new_page, "clerk")
    clerk.goto(f"{desk.url}/desk/surveys/")
    clerk.get_by_role("link", name="Новая анкета").click()
    clerk.get_by_label("Название").fill("О зале ожидания")
    clerk.get_by_role("button", name="Записать").click()
    for number, (words, answers) in enumerate((("Светло ли здесь?", "да\nнет"), ("Хватает ли мест?", "да\nнет"))):
        clerk.get_by_role("button", name="Добавить вопрос").click()
        at = clerk.locator(f"#question-{number + 1}")
        at.get_by_label("Что спросить").fill(words)
        at.get_by_label("Ответы списка").fill(answers)
    clerk.get_by_role("button", name=re.compile("Ниже.*вопрос 1")).click()
    expect(clerk.locator("#question-1").get_by_label("Что спросить")).to_have_value("Хватает ли мест?")
    expect(clerk.frame_locator("iframe.telephone").locator("body")).to_contain_text("Хватает ли мест?")
    judge_again(clerk)
    press(clerk, clerk.get_by_role("button", name="Назначить"))
    expect(clerk.locator("#notices")).to_contain_text("Редакция 1 действует")
    clerk.goto(f"{desk.url}/desk/survey-points/new/")
    clerk.get_by_label("Название").fill("Зал ожидания")
    clerk.get_by_label("Короткий адрес").fill("zal1")
    clerk.get_by_label("Анкета").select_option(label="О зале ожидания")
    clerk.get_by_role("button", name="Записать").click()
    code = clerk.locator("img.qr")
    expect(code).to_be_visible()
    read = zxingcpp.read_barcodes(Image.open(io.BytesIO(code.screenshot())).convert("L"))
    assert [one.text for one in read] == [f"{desk.url}/o/zal1/"]
    judge_again(clerk)
    citizen = new_page(viewport=NARROW)
    citizen.goto(read[0].text)
    expect(citizen.get_by_role("heading", name="О зале ожидания")).to_be_visible()
