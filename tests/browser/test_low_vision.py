"""The version for the visually impaired: every public page readable in each colouring, twice as big, small screen."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from otklik.core.low_vision import COLOURS, COOKIE
from tests.browser import axe
from tests.browser.conftest import Desk

pytestmark = pytest.mark.browser
SMALL = {"width": 320, "height": 640}


@pytest.mark.parametrize("colours", list(COLOURS))
def test_every_public_page_is_readable(desk: Desk, new_page: Callable[..., Page], colours: str) -> None:
    page = new_page(viewport=SMALL)
    page.context.add_init_script(axe.AXE)
    page.context.add_cookies([{"name": COOKIE, "value": f"200.widest.{colours}.off", "url": desk.url}])
    said: list[str] = []
    page.on("console", lambda one: said.append(one.text) if "Content Security" in one.text else None)
    wrong = []
    rules = {} if colours == "white" else axe.ONLY_COLOURS  # the rest is the same
    found = desk.url + "/?q=гараж"
    addresses = ["/", "/write/", "/status/", "/how-to-file/", "/kb/", "/kb/garages/", "/kb/garages/garage-0/"]
    addresses += [f"/feedback/{desk.filled['invitation']}/", "/nothing-here/"]
    for address in [found, *(desk.url + one for one in addresses)]:
        page.goto(address)
        page.evaluate("() => document.querySelectorAll('details').forEach((one) => { one.open = true; })")
        wrong += [f"{address}: {one}" for one in axe.findings(page, rules)]
        if wider := page.evaluate(axe.SIDEWAYS):
            wrong.append(f"{address} wider than the screen: {wider}")
    assert not wrong, "\n".join(wrong)
    assert said == []


def test_it_is_turned_on_set_and_turned_off_without_scripts(desk: Desk, new_page: Callable[..., Page]) -> None:
    page = new_page(java_script_enabled=False)
    page.goto(f"{desk.url}/status/")
    usual = _letters(page)
    page.get_by_role("button", name="Версия для слабовидящих").click()
    page.get_by_role("button", name="200 %").click()
    page.get_by_role("button", name="белым по чёрному").click()
    expect(page).to_have_url(f"{desk.url}/status/")
    assert _letters(page) == pytest.approx(2 * usual, rel=0.15)
    expect(page.locator("body")).to_have_css("background-color", "rgb(0, 0, 0)")
    page.goto(f"{desk.url}/how-to-file/")
    expect(page.locator("html")).to_have_class(re.compile("lv-size-200"))
    page.get_by_role("button", name="Обычная версия сайта").click()
    assert _letters(page) == usual


def test_a_choice_in_the_middle_of_writing_loses_nothing(desk: Desk, new_page: Callable[..., Page]) -> None:
    page = new_page()
    page.context.add_cookies([{"name": COOKIE, "value": "150.normal.white.on", "url": desk.url}])
    page.goto(f"{desk.url}/write/")
    page.get_by_label("Фамилия").fill("Примеров")
    page.get_by_text("Вид страницы").click()
    page.get_by_role("button", name="тёмно-синим по голубому").click()
    expect(page.locator("html")).to_have_class(re.compile("lv-colours-blue"))
    expect(page.get_by_role("button", name="тёмно-синим по голубому")).to_have_attribute("aria-pressed", "true")
    assert page.get_by_label("Фамилия").input_value() == "Примеров"
    page.goto(f"{desk.url}/status/")
    expect(page.locator("body")).to_have_css("background-color", "rgb(157, 209, 255)")


def _letters(page: Page) -> float:
    """Return the height of the letters of the text."""
    style = page.locator("main p, main label").first.evaluate("one => getComputedStyle(one).fontSize")
    return float(str(style).removesuffix("px"))
