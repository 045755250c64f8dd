"""A reader types, finds, opens and says whether it has helped; the page of figures knows how long it took."""

from __future__ import annotations

import re
from collections.abc import Callable
from urllib.parse import unquote

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import Desk

pytestmark = pytest.mark.browser


def test_a_reader_finds_and_votes_and_the_figures_show_it(desk: Desk, new_page: Callable[..., Page]) -> None:
    page = desk.sit(new_page, "executor1")
    page.goto(f"{desk.url}/desk/kb/")
    box = page.get_by_label("Что спрашивает человек?")
    box.press_sequentially("гараж схема", delay=120)
    page.wait_for_url(lambda url: "схема" in unquote(url))  # what was found for the last letter, not for one before
    hit = page.locator("#kb-results").get_by_role("link", name="Как оформить гараж").first
    hit.wait_for()
    hit.click()
    page.get_by_text("Не помог…").click()
    page.get_by_label("Устарело").check()
    page.get_by_label("Чего не хватило?").fill("Нет срока ответа")
    with page.expect_response(re.compile(r"/desk/kb/\d+/read/$")) as told:  # the page has stayed open: it is counted
        page.get_by_role("button", name="Отправить").click()
    expect(page.locator("#vote")).to_contain_text("Вы ответили: не помог")
    assert told.value.status == 204

    chief = desk.sit(new_page, "kbchief")
    chief.goto(f"{desk.url}/desk/kb/finding/")
    chief.get_by_role("link", name=re.compile("^найдено: ")).click()
    row = chief.get_by_role("row", name=re.compile("гараж схема"))
    expect(row).to_have_count(1)
    # From the first letter, not from the moment the words were sent: ten more letters lie between them.
    assert int(re.search(r"(\d+) с$", row.inner_text().split("\t")[4])[1]) >= 1  # type: ignore[index]
    chief.goto(f"{desk.url}/desk/kb/votes/")
    expect(chief.locator("main")).to_contain_text("Нет срока ответа")
    chief.get_by_label("Что сделано").first.fill("Срок добавлен")
    chief.get_by_role("button", name="Закрыть отзыв").first.click()
    expect(chief.locator("#notices")).to_contain_text("Отзыв закрыт")


def test_a_citizen_finds_and_is_asked_why_it_has_not_helped(desk: Desk, new_page: Callable[..., Page]) -> None:
    page = new_page()
    page.goto(f"{desk.url}/kb/")
    page.get_by_label("Ваш вопрос").press_sequentially("гараж", delay=100)
    page.get_by_role("button", name="Найти").click()
    assert page.url.endswith("/kb/?q=%D0%B3%D0%B0%D1%80%D0%B0%D0%B6")  # nothing of the measuring in the address
    page.locator(".portal-answers a").first.click()
    page.locator("#vote summary").click()
    page.get_by_label("Непонятно").check()
    with page.expect_response(re.compile(r"/read/\d+/$")) as told:
        page.get_by_role("button", name="Отправить").click()
    expect(page.locator("#vote")).to_contain_text("ваша оценка учтена")
    assert told.value.status == 204

    # The same question for employees only has no page here, whoever knows its address, and no search leads to it.
    assert page.request.get(f"{desk.url}/kb/garages/garage-0/").status == 200
    assert page.request.get(f"{desk.url}/kb/garages/garage-1/").status == 404
    page.goto(f"{desk.url}/kb/?q=оформить гараж")
    expect(page.locator(".portal-answers a")).to_have_count(1)

    chief = desk.sit(new_page, "kbchief")
    chief.goto(f"{desk.url}/desk/kb/finding/?audience=public")
    chief.get_by_role("link", name=re.compile("^найдено: ")).click()
    expect(chief.get_by_role("row", name=re.compile("гараж")).first).to_be_visible()
