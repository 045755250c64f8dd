"""Comforts of the desk that only a browser has: paper, the width of a pane, words nobody has saved yet."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import Dialog, Page, expect

from tests.browser.conftest import Desk

pytestmark = pytest.mark.browser

CARD = re.compile(r"/desk/appeals/\d+/")


def card_of(desk: Desk) -> str:
    """Return the card of an appeal that has been answered: its timeline has all kinds of things."""
    return desk.url + next(one for one in reversed(desk.filled["pages"]["clerk"]) if CARD.fullmatch(one))


def test_on_paper_a_card_is_whole_black_on_white_and_has_nothing_to_press(
    desk: Desk, new_page: Callable[..., Page]
) -> None:
    page = desk.sit(new_page, "clerk", color_scheme="dark")
    page.goto(card_of(desk))
    page.get_by_label("Текст заметки").fill("Звонил заявитель")
    page.get_by_role("button", name="Добавить заметку").click()
    page.locator("#context .why").first.wait_for()
    page.emulate_media(media="print")
    page.evaluate("() => dispatchEvent(new Event('beforeprint'))")
    for gone in (".topbar", ".side", ".actions", ".pane-list", "#suggested", "#note", ".pane-edge"):
        assert not page.locator(gone).first.is_visible(), gone
    assert page.locator("main button:visible, main textarea:visible, main select:visible").count() == 0
    shown = page.locator("main").inner_text()
    for words in ("Режим", "Срок", "Заявитель", "Рабочий день", "ВИДНА ТОЛЬКО СОТРУДНИКАМ", "распечатано"):
        assert words in shown, words
    assert page.locator(".message-body details:not([open])").count() == 0
    expect(page.locator("body")).to_have_css("background-color", "rgb(255, 255, 255)")
    for text in (page.locator("main h1"), page.locator(".message-body").first, page.locator(".internal-note").first):
        expect(text).to_have_css("color", "rgb(0, 0, 0)")
    assert len(page.pdf(format="A4")) > 10_000
    page.emulate_media(media="screen")
    page.evaluate("() => dispatchEvent(new Event('afterprint'))")
    assert page.locator("#context .why[open]").count() == 0


def test_the_box_at_the_top_offers_to_print(desk: Desk, new_page: Callable[..., Page]) -> None:
    page = desk.sit(new_page, "clerk")
    page.add_init_script("window.print = () => { document.title = 'напечатано'; }")
    page.goto(card_of(desk))
    page.keyboard.press("Control+KeyK")
    page.keyboard.type("распеч")
    page.locator("#palette [aria-selected=true]", has_text="Распечатать").wait_for()
    page.keyboard.press("Enter")
    expect(page).to_have_title("напечатано")


def test_the_pane_beside_is_as_wide_as_one_likes_and_stays_so(desk: Desk, new_page: Callable[..., Page]) -> None:
    page = desk.sit(new_page, "clerk")
    said: list[str] = []
    page.on("console", lambda one: said.append(one.text) if one.type == "error" else None)
    page.goto(card_of(desk))
    line, pane = page.get_by_role("separator", name=re.compile("Ширина")), page.locator("#beside")

    def width() -> int:
        box = pane.bounding_box()
        assert box
        return round(box["width"])

    assert width() == 340
    line.focus()
    for _ in range(3):
        page.keyboard.press("ArrowLeft")
    assert (width(), line.get_attribute("aria-valuenow")) == (400, "400")
    page.reload()
    assert width() == 400
    line.dblclick(position={"x": 3, "y": 200})
    assert width() == 340
    edge = line.bounding_box()
    assert edge
    page.mouse.move(edge["x"] + 3, 300)
    page.mouse.down()
    page.mouse.move(edge["x"] - 97, 300)
    page.mouse.up()
    assert width() == 440
    line.focus()
    page.keyboard.press("Home")
    assert width() == 260
    page.keyboard.press("Enter")
    assert width() == 340
    page.keyboard.press("ArrowRight")
    page.set_viewport_size({"width": 800, "height": 900})
    assert not line.is_visible()
    assert said == []


def test_the_menu_drawn_anew_stays_folded_and_keeps_the_cursor(desk: Desk, new_page: Callable[..., Page]) -> None:
    page = desk.sit(new_page, "clerk")
    page.goto(f"{desk.url}/desk/classifier/")
    group = page.locator("details[data-remember=menu_rules]")
    expect(group).to_have_attribute("open", "")  # one sees where one is
    group.locator("summary").press("Enter")
    with page.expect_response("**/desk/menu/**"):
        page.evaluate("() => htmx.ajax('GET', document.getElementById('menu').getAttribute('hx-get'), '#menu')")
    expect(group.locator("summary")).to_be_focused()
    expect(group).not_to_have_attribute("open", "")
    page.goto(f"{desk.url}/desk/needs/")
    expect(group).to_have_attribute("open", "")
    expect(page.locator("#menu [aria-current=page]")).to_have_text(re.compile("Типовые потребности"))


def asked_before_leaving(page: Page, to: str) -> bool:
    """Try to go away; tell whether the browser asked, and stay."""
    asked: list[Dialog] = []

    def stay(dialog: Dialog) -> None:
        asked.append(dialog)
        dialog.dismiss()

    page.on("dialog", stay)
    try:
        page.evaluate("(to) => { location.href = to; }", to)
        page.wait_for_timeout(700)
    finally:
        page.remove_listener("dialog", stay)
    return bool(asked)


def test_leaving_typed_words_asks_but_what_is_saved_by_itself_does_not(
    desk: Desk, new_page: Callable[..., Page]
) -> None:
    page = desk.sit(new_page, "clerk")
    page.goto(card_of(desk))
    page.get_by_label("Текст заметки").press_sequentially("Не дописано")
    assert asked_before_leaving(page, "/desk/")
    assert page.get_by_label("Текст заметки").input_value() == "Не дописано"
    writer, (draft,) = _writer(desk)
    page = desk.sit(new_page, writer)
    page.goto(desk.url + draft)
    page.get_by_role("textbox", name="Текст ответа").press_sequentially("Здравствуйте")
    expect(page.locator("#saved")).to_contain_text("сохранено в", timeout=5000)
    assert not asked_before_leaving(page, "/desk/")
    expect(page.get_by_role("heading", level=1)).to_contain_text("Сегодня")


def test_a_killed_tab_and_a_second_tab_lose_nothing(desk: Desk, new_page: Callable[..., Page]) -> None:
    writer, (draft,) = _writer(desk)
    page = desk.sit(new_page, writer)
    page.goto(desk.url + draft)
    text = page.get_by_role("textbox", name="Текст ответа")
    text.fill("Набрано до закрытия")
    page.wait_for_timeout(2500)
    page.close(run_before_unload=False)
    first, second = desk.sit(new_page, writer), desk.sit(new_page, writer)
    for tab in (first, second):
        tab.goto(desk.url + draft)
        expect(tab.get_by_role("textbox", name="Текст ответа")).to_have_value("Набрано до закрытия")
    first.get_by_role("textbox", name="Текст ответа").fill("Первая вкладка")
    expect(first.locator("#saved")).to_contain_text("сохранено в", timeout=5000)
    second.get_by_role("textbox", name="Текст ответа").fill("Вторая вкладка")
    expect(second.locator("#conflict")).to_be_visible(timeout=5000)
    second.get_by_role("button", name="Сравнить и объединить").click()
    expect(second.locator(".changes")).to_contain_text("Вторая")
    second.get_by_role("button", name="Взять мой текст").click()
    expect(second.get_by_role("textbox", name="Текст ответа")).to_have_value("Вторая вкладка")
    second.get_by_role("link", name="Редакции").click()
    expect(second.locator("main")).to_contain_text("Первая")


def test_a_card_notices_by_itself_that_its_session_has_ended(desk: Desk, new_page: Callable[..., Page]) -> None:
    page = desk.sit(new_page, "clerk")
    page.goto(card_of(desk))
    kept = page.context.cookies()
    page.context.clear_cookies(name="sessionid")
    notice = page.locator("#session-ended")
    expect(notice).to_be_visible(timeout=8000)
    page.context.add_cookies(kept)
    page.evaluate("() => dispatchEvent(new Event('focus'))")
    expect(notice).to_be_hidden()
    with page.expect_response(lambda one: "/here/" in one.url and one.ok):
        pass  # who else is here is asked again


def _writer(desk: Desk) -> tuple[str, list[str]]:
    found = next(
        (who, those) for who, those in desk.filled["pages"].items() if any(one.endswith("/draft/") for one in those)
    )
    return found[0], [one for one in found[1] if one.endswith("/draft/")]
