"""Finding the answer in a browser: misspelt, in the wrong layout, in people's words; beside a letter without typing."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import Desk

pytestmark = pytest.mark.browser
TITLE = "Как оформить гараж"


@pytest.mark.parametrize(
    ("typed", "why"),
    [
        ("офармить горажь", "исправлена опечатка"),
        ("jajhvbnm ufhf;b", "другая раскладка"),
        ("ракушка у дома", "по словарю"),
    ],
)
def test_slips_layouts_and_peoples_words_find_by_keys_alone(
    desk: Desk, new_page: Callable[..., Page], typed: str, why: str
) -> None:
    page = desk.sit(new_page, "executor1")
    page.goto(f"{desk.url}/desk/kb/")
    box = page.get_by_label("Что спрашивает человек?")
    box.press_sequentially(typed, delay=60)
    hits = page.locator("#kb-results [data-hit]")
    expect(hits.filter(has_text=TITLE).first).to_be_visible()
    expect(hits.filter(has_text=TITLE).first).to_contain_text(why)
    titles = hits.locator("h3").all_inner_texts()[:3]
    assert TITLE in titles
    for _ in range(titles.index(TITLE) + 1):
        box.press("ArrowDown")
        expect(box).to_be_focused()
    expect(page.locator("[data-chosen]")).to_contain_text(TITLE)
    expect(page.locator("[data-chosen-of]")).to_contain_text(f"из {hits.locator('visible=true').count()}")
    box.press("Escape")
    expect(page.locator("[data-chosen]")).to_have_count(0)
    assert box.input_value() == typed
    for _ in range(titles.index(TITLE) + 1):
        box.press("ArrowDown")
    box.press("Enter")
    page.wait_for_url(re.compile(r"/desk/kb/\d+/$"))
    expect(page.locator("h1")).to_contain_text(TITLE)


def test_an_older_answer_never_replaces_a_newer_one(desk: Desk, new_page: Callable[..., Page]) -> None:
    page = desk.sit(new_page, "executor1")
    page.goto(f"{desk.url}/desk/kb/")
    slow: list[str] = []

    def hold(route: object) -> None:
        url = route.request.url  # type: ignore[attr-defined]
        if "q=%D0%BB%D0%B5%D1%81" in url and not slow:  # the first «лес…» waits until «гараж» has been answered
            slow.append(url)
            page.wait_for_timeout(900)
        route.continue_()  # type: ignore[attr-defined]

    page.route("**/desk/kb/?*", hold)
    box = page.get_by_label("Что спрашивает человек?")
    box.fill("лесхоз")
    page.wait_for_timeout(350)
    box.fill("гараж")
    expect(page.locator("#kb-results")).to_contain_text(TITLE)
    page.wait_for_timeout(1200)
    expect(page.locator("#kb-results")).to_contain_text(TITLE)
    expect(page.locator("#kb-results")).not_to_contain_text("лесхоз")


def test_a_letter_opened_shows_the_right_material_among_the_first_three_without_typing(
    desk: Desk, new_page: Callable[..., Page]
) -> None:
    page = desk.sit(new_page, "clerk")
    page.goto(f"{desk.url}/desk/appeals/new/")
    cards = [one for one in desk.filled["pages"]["clerk"] if one.startswith("/desk/appeals/")]
    first_three: list[str] = []
    for card in cards:
        page.goto(f"{desk.url}{card}")
        if "гараж" not in page.locator(".conversation, main").first.inner_text().lower():
            continue
        panel = page.locator("#suggested")
        expect(panel.get_by_role("heading", name="Материалы Базы знаний")).to_be_visible()
        first_three = panel.locator("ul").first.get_by_role("link").all_inner_texts()[:3]
        break
    assert any("гараж" in title.lower() for title in first_three), first_three


def test_whoever_writes_is_offered_an_answer_and_is_not_disturbed(desk: Desk, new_page: Callable[..., Page]) -> None:
    page = new_page()
    page.goto(f"{desk.url}/write/")
    page.locator("[name=kind][value=person]").check()
    page.get_by_label("Фамилия").fill("Вымышленский")
    page.get_by_label("Имя", exact=True).fill("Пётр")
    page.get_by_role("button", name="Дальше").click()
    page.locator("[name=answer_by][value=email]").check()
    page.get_by_label("Адрес электронной почты").fill("petr@citizen.example")
    page.get_by_role("button", name="Дальше").click()
    text = page.get_by_label("Ваше сообщение")
    words = "Как оформить гараж и получить участок под гаражом бесплатно"
    text.press_sequentially(words, delay=10)
    place = text.bounding_box()
    offered = page.locator("#answers")
    expect(offered).to_contain_text("Возможно, ответ уже есть")
    expect(text).to_be_focused()
    assert text.bounding_box() == place
    with page.context.expect_page() as opened:
        offered.get_by_role("link", name=TITLE).click()
    expect(opened.value.locator("h1")).to_contain_text(TITLE)
    assert text.input_value() == words  # the form stays as it was


def test_cases_are_found_by_operators_written_with_a_press(desk: Desk, new_page: Callable[..., Page]) -> None:
    page = desk.sit(new_page, "clerk")
    page.goto(f"{desk.url}/desk/search/")
    page.locator("[data-operator='номер: ']").click()
    box = page.locator("#search-box")
    expect(box).to_be_focused()
    box.press_sequentially(desk.filled["number"][-3:])
    box.press("Enter")
    expect(page.locator("main")).to_contain_text(desk.filled["number"])
    page.get_by_role("button", name="Убрать условие «номер»").click()
    expect(page.get_by_role("button", name="Убрать условие «номер»")).to_have_count(0)
