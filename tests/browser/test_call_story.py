"""A consultant talks with both hands on the keyboard: a call from greeting to farewell, and an abusive one."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import Desk
from tests.browser.hands import Hands
from tests.browser.pictures import take

pytestmark = pytest.mark.browser


def begin(desk: Desk, new_page: Callable[..., Page], number: str) -> Hands:
    """Return the hands over the screen of a new call from this number."""
    page = desk.sit(new_page, "consultant", reduced_motion="reduce", viewport={"width": 1600, "height": 1000})
    hands = Hands(page, rest=250)
    page.goto(f"{desk.url}/desk/call/")
    expect(page.locator("#call-q")).to_be_focused()
    take(page, "call-desk")
    hands.key("Alt+KeyY")
    hands.type(number)
    hands.key("Enter")
    page.wait_for_url(re.compile(r"/desk/call/\d+/$"))
    return hands


def at(page: Page, box: str) -> None:
    """Wait until the keyboard is in a part of the page: digits answer where the cursor stands."""
    expect(page.locator(f"{box}:focus-within")).to_have_count(1)
    expect(page.locator(".htmx-request, .htmx-swapping, .htmx-settling")).to_have_count(0)


def test_a_call_with_script_hold_transfer_and_the_two_questions(desk: Desk, new_page: Callable[..., Page]) -> None:
    hands = begin(desk, new_page, "+7 913 000-11-01")
    page = hands.page
    expect(page.locator("#script")).to_contain_text("Алла Образцовна")  # the greeting bears her name

    # What is typed saves itself; a key with Alt works while one types.
    hands.key("Alt+KeyY")
    hands.type("Как оформить гараж?")
    expect(page.locator("#saved")).to_contain_text("сохранено в")
    hands.key("Alt+KeyE")
    expect(page.locator("#held")).to_contain_text("Сколько обещали ждать")
    at(page, "#held")
    hands.key("Digit2")
    expect(page.locator("#held")).to_contain_text(re.compile("осталось 0[12]:"))
    hands.key("Alt+KeyE")
    expect(page.locator("#held")).to_contain_text("Удержать")
    expect(page.locator("#question")).to_be_focused()  # the hands are back where they wrote

    # Enter after the words searches and leaves no page; what is opened from down the list is in sight.
    hands.key("Alt+KeyF")
    hands.type("гараж")
    hands.key("Enter")
    page.locator(".call-hit").first.wait_for()
    expect(page.locator(".htmx-request, .htmx-swapping, .htmx-settling")).to_have_count(0)
    assert re.search(r"/desk/call/\d+/$", page.url)
    hands.key("ArrowDown", "ArrowDown", "Enter")
    expect(page.locator("#call-material-title")).to_be_in_viewport()
    expect(page.locator("#call-q")).to_be_focused()

    # The script: what was heard is a digit.
    hands.key("Alt+KeyI")
    at(page, "#script")
    hands.key("Digit1")
    expect(page.locator("#script form[data-step='Выяснить вопрос']")).to_be_visible()
    take(page, "call-screen")

    hands.key("Alt+KeyT")
    assert "Куда" in hands.here()
    page.get_by_label("Кому", exact=True).select_option(index=1)
    page.locator("#id_transfer-why").focus()
    hands.type("знает аренду")
    hands.key("Control+Enter")
    expect(page.locator("#steps .notice")).to_contain_text("Соединяем")
    at(page, "#steps")
    hands.key("Digit2")
    expect(page.locator("#steps .notice")).to_contain_text("Не ответили, вернулся")

    hands.key("Alt+KeyN")
    hands.type("Подать заявление")
    expect(page.locator("#saved")).to_contain_text("сохранено в")

    # The closing step: yes, partly, said about the QR code, answered.
    hands.key("Alt+KeyP")
    at(page, "[data-closing]")
    hands.key("Digit1")
    hands.key("Digit2")
    hands.letter("KeyQ")
    expect(page.locator("[name=q-answered][value=yes]")).to_be_checked()
    expect(page.locator("[name=q-quality][value=partial]")).to_be_checked()
    expect(page.locator("[name=told_of_qr]")).to_be_checked()
    hands.letter("KeyC")  # a code to name; the cursor stays where it was
    expect(page.locator("#code")).to_contain_text(re.compile(r"\d{3} \d{3} \d{3}"))
    at(page, "[data-closing]")
    take(page, "call-closing")
    here = page.url
    page.reload()  # nothing that was keyed is lost
    expect(page.locator("[name=q-quality][value=partial]")).to_be_checked()
    expect(page.locator("#question")).to_have_value("Как оформить гараж?")
    hands.key("Alt+KeyP")
    at(page, "[data-closing]")
    hands.key("Digit1")
    page.wait_for_url(lambda url: url != here)
    expect(page.locator("#notices")).to_contain_text("Консультация завершена: ответили")

    page.goto(here)  # what is over is a card
    page.wait_for_url("**/desk/consultations/**")
    card = page.locator("main")
    for words in (
        "Как оформить гараж?",
        "частично удовлетворен",
        "сказано",
        "Приветствие",
        "обещали 2 мин",
        "не ответили",
    ):
        expect(card).to_contain_text(words)
    expect(card).not_to_contain_text("000-11-01")


def test_an_abusive_call_is_ended_by_script(desk: Desk, new_page: Callable[..., Page]) -> None:
    hands = begin(desk, new_page, "+7 913 000-11-02")
    page, here = hands.page, hands.page.url
    hands.key("Alt+KeyR")
    expect(page.locator("#script form[data-step='Снять напряжение']")).to_be_visible()
    expect(page.locator("#script")).to_contain_text("не зачитывать: Не спорьте.")
    at(page, "#script")
    hands.key("Digit1")
    expect(page.locator("#script form[data-step='Завершить разговор']")).to_be_visible()
    at(page, "#script")
    hands.key("Digit1")
    page.wait_for_url(lambda url: url != here)
    expect(page.locator("#notices")).to_contain_text("завершён по скрипту")
    page.goto(here)
    card = page.locator("main")
    expect(card.get_by_role("listitem").filter(has_text="Завершить разговор")).to_have_count(1)
    expect(card).to_contain_text("Не предложено: разговор завершён по скрипту")


def test_two_tabs_lose_none_of_their_words(desk: Desk, new_page: Callable[..., Page]) -> None:
    hands = begin(desk, new_page, "+7 913 000-11-03")
    page = hands.page
    other = page.context.new_page()
    other.goto(page.url)
    page.locator("#question").fill("Слова первой вкладки")
    expect(page.locator("#saved")).to_contain_text("сохранено в")
    other.locator("#question").fill("Слова второй вкладки")
    expect(other.locator("#conflict")).to_contain_text("первой")
    expect(other.locator("#question")).to_have_value("Слова второй вкладки")
    other.get_by_role("button", name="Сохранить мой текст").click()
    expect(other.locator("#saved")).to_contain_text("сохранено в")
    page.reload()
    expect(page.locator("#question")).to_have_value("Слова второй вкладки")
