"""Twenty paper questionnaires typed without a mouse, by a stopwatch; the sample typed again by another person.

Run with `-s` to read the figures.
"""

from __future__ import annotations

import re
import sys
import time
from collections.abc import Callable

import pytest
from playwright.sync_api import Page, Route, expect

from tests.browser.axe import NARROW, judge_again
from tests.browser.conftest import Desk
from tests.browser.hands import Hands

pytestmark = pytest.mark.browser
FORMS = 20
# What is on paper: keys of the two questions, and words here and there.
PILE = [("1", "1", ""), ("1", "2", "Долго ждали в очереди"), ("2", "3", ""), ("1", "0", ""), ("1", "-", "")]


def press(hands: Hands, sign: str) -> None:
    """Press the key of an answer as the hand finds it: digits of the pad, the minus above."""
    hands.key("Minus" if sign == "-" else f"Numpad{sign}")


def begin(page: Page, url: str, forms: int, asked: str = "Отзыв о консультации, редакция 1") -> None:
    page.goto(f"{url}/desk/paper/")
    page.locator("[name=questionnaire]").select_option(label=asked)
    page.locator("[name=unit]").select_option(index=1)
    page.locator("[name=forms_expected]").fill(str(forms))
    judge_again(page)
    page.get_by_role("button", name="Завести и вводить").click()
    expect(page.locator("#number")).to_have_value("1")


def test_twenty_forms_are_typed_by_one_key_an_answer_and_checked_by_another_hand(
    desk: Desk, new_page: Callable[..., Page]
) -> None:
    clerk = desk.sit(new_page, "clerk")
    begin(clerk, desk.url, FORMS)
    judge_again(clerk)
    hands = Hands(clerk)
    began = time.monotonic()
    for number in range(1, FORMS + 1):
        answered, quality, words = PILE[number % len(PILE)]
        press(hands, answered)
        press(hands, quality)
        if words:
            hands.type(words)
        hands.key("Enter")
        # The hand does not wait for the page: what is pressed meanwhile goes into the next form.
    expect(clerk.locator("#number")).to_have_value(str(FORMS + 1))
    took = time.monotonic() - began
    sys.stdout.write(
        f"\n{FORMS} анкет: {took:.1f} с, {took / FORMS:.2f} с и {hands.pressed / FORMS:.1f} нажатия на анкету; "
        f"100 анкет — {100 * took / FORMS / 60:.1f} мин без чтения бумаги\n"
    )
    assert 100 * took / FORMS < 15 * 60
    expect(clerk.locator("#paper-form")).to_contain_text(f"введено {FORMS} из {FORMS}")

    # The last one back: as it was typed, and entered again it is still one.
    hands.key("Control+z")
    expect(clerk.locator("#number")).to_have_value(str(FORMS))
    expect(clerk.locator("[name=q-answered]:checked")).to_have_value("yes")
    hands.key("Enter")
    expect(clerk.locator("#number")).to_have_value(str(FORMS + 1))
    clerk.get_by_role("button", name="Ввод закончен").click()
    expect(clerk.locator("main")).to_contain_text("Передайте пачку другому человеку")
    judge_again(clerk)
    batch = clerk.url

    other = desk.sit(new_page, "clerk2")
    other.goto(batch)
    other.get_by_role("link", name=re.compile("Начать с анкеты")).click()
    second = Hands(other)
    judge_again(other)
    for turn in range(2):  # a tenth of twenty
        number = int(re.search(r"№ (\d+)", other.locator("#paper-form h2").inner_text())[1])  # type: ignore[index]
        answered, quality, _ = PILE[number % len(PILE)]
        if turn == 0:
            answered = "2" if answered == "1" else "1"  # somebody has read it wrongly
        press(second, answered)
        press(second, quality)
        second.key("Enter")
        if turn == 0:
            expect(other.locator("#paper-form")).to_contain_text("осталось 1")
    expect(other.locator("main")).to_contain_text("прочитана по-разному")
    judge_again(other)
    other.get_by_label(re.compile(r"\(первый раз\)")).first.check()
    other.get_by_role("button", name="Так на бумаге").click()
    other.get_by_role("button", name="Учесть отзывы").click()
    expect(other.locator("h1")).to_contain_text("учтена")
    expect(other.locator(".tiles")).to_contain_text(f"{FORMS}учтено отзывов")
    judge_again(other)


def test_a_question_with_several_boxes_is_typed_in_its_place_on_the_paper(
    desk: Desk, new_page: Callable[..., Page]
) -> None:
    clerk = desk.sit(new_page, "clerk")
    begin(clerk, desk.url, 3, "Как мы поработали, редакция 1")
    judge_again(clerk)
    hands = Hands(clerk)

    def at() -> str:
        """Return the number of the question the cursor is in; empty: the words at the end."""
        said = "document.activeElement.closest('[data-question]')?.innerText ?? ''"
        return str(clerk.evaluate(said)).split(".")[0]

    press(hands, "1")
    assert at() == "2"
    hands.key("Digit1", "Digit3")
    assert at() == "2", "a second box of the same question"
    hands.key("Enter")
    for number in range(3, 9):
        assert at() == str(number)
        press(hands, "1")
    assert at() == ""
    hands.key("Backspace", *["Backspace"] * 6)
    assert at() == "2", "back by the same way"
    hands.key("Enter", *["Digit1"] * 6, "Enter")
    expect(clerk.locator("#number")).to_have_value("2")
    for key in ("1", "0", "1", "1", "1", "1", "1", "1"):
        press(hands, key)  # no box of the second question is marked: one key, as elsewhere
    assert at() == ""
    hands.key("Enter")
    expect(clerk.locator("#number")).to_have_value("3")
    clerk.goto(f"{clerk.url.split('?')[0]}?number=1")
    expect(clerk.locator("[name=q-about]")).to_have_value("1 3")


def test_what_was_typed_survives_a_lost_connection_and_a_closed_window(
    desk: Desk, new_page: Callable[..., Page]
) -> None:
    clerk = desk.sit(new_page, "clerk", viewport=NARROW)
    begin(clerk, desk.url, 2)
    judge_again(clerk)
    hands = Hands(clerk)
    batch = clerk.url

    def lose(route: Route) -> None:
        route.fetch()  # the server has it, its answer is lost
        route.abort()

    clerk.route(batch, lose, times=1)
    for key in ("Digit1", "Digit1", "Enter"):
        hands.key(key)
    expect(clerk.locator("[data-said]")).to_contain_text("Не дошло до сервера")
    hands.key("Digit2")  # the hand goes on: this is of the next form
    expect(clerk.locator("#paper-form")).to_contain_text("введено 1 из 2")
    expect(clerk.locator("[data-said]")).to_have_text("Сохранено")
    clerk.goto(f"{desk.url}/desk/")
    clerk.goto(batch)
    expect(clerk.locator("[name=q-answered]:checked")).to_have_value("no")
    assert "Оцените качество" in clerk.evaluate("() => document.activeElement.closest('fieldset').innerText")


def test_a_form_entered_by_the_mouse_is_sent_again_too(desk: Desk, new_page: Callable[..., Page]) -> None:
    clerk = desk.sit(new_page, "clerk")
    begin(clerk, desk.url, 2)
    clerk.route(clerk.url, lambda route: route.abort(), times=1)
    clerk.locator("[name=q-answered][value=yes]").check()
    clerk.locator("[name=q-quality]").first.check()
    clerk.locator("[data-enter]").click()
    expect(clerk.locator("[data-said]")).to_contain_text("Не дошло до сервера")
    expect(clerk.locator("#paper-form")).to_contain_text("введено 1 из 2")
