"""Learning it: «?» by the keyboard, a guide with its pictures, an exercise beside the work; pictures of the guides."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.browser.axe import NARROW, SIDEWAYS, judge
from tests.browser.conftest import Desk
from tests.browser.pictures import take

pytestmark = pytest.mark.browser


def test_a_question_mark_says_what_a_word_is_by_the_keyboard_and_leads_to_the_guide(
    desk: Desk, new_page: Callable[..., Page]
) -> None:
    page = desk.sit(new_page, "clerk")
    page.goto(f"{desk.url}/desk/quarantine/")
    mark = page.get_by_label("Что это: карантин")
    said = page.get_by_text("Оригинал цел")
    expect(said).to_be_hidden()
    mark.press("Enter")
    expect(said).to_be_visible()
    judge(page)
    page.keyboard.press("Escape")
    expect(said).to_be_hidden()
    assert mark.evaluate("one => one === document.activeElement"), "the cursor stays where it was"
    for width in (320, 700, 1400):
        page.set_viewport_size({"width": width, "height": 640})
        mark.press("Enter")
        assert page.evaluate(SIDEWAYS) == ""
        box = page.locator(".hint-panel:visible").bounding_box()
        assert box is not None
        assert box["x"] >= 0
        assert box["x"] + box["width"] <= width
        page.keyboard.press("Escape")
    mark.press("Enter")
    page.get_by_role("link", name=re.compile("Подробнее.*карантин")).press("Enter")
    page.wait_for_url(re.compile("/desk/help/clerk/#"))
    heading = page.get_by_role("heading", name="Карантин", exact=True)
    expect(heading).to_be_in_viewport()
    judge(page)


def test_a_guide_shows_its_pictures_and_prints_whole(desk: Desk, new_page: Callable[..., Page], tmp_path: Path) -> None:
    page = desk.sit(new_page, "clerk")
    page.goto(f"{desk.url}/desk/help/clerk/")
    for picture in page.locator(".guide-picture img").all():
        picture.scroll_into_view_if_needed()
        expect(picture).to_have_js_property("complete", True)
        assert picture.evaluate("one => one.naturalWidth") > 0, picture.get_attribute("src")
    page.emulate_media(media="print")
    expect(page.get_by_role("heading", name="Утро за пять минут")).to_be_visible()
    expect(page.locator(".topbar")).to_be_hidden()
    expect(page.locator(".guide-picture img").first).to_be_visible()
    assert page.evaluate("matchMedia('print').matches")


def test_an_exercise_stands_folded_beside_the_work_and_sees_what_was_done(
    desk: Desk, new_page: Callable[..., Page]
) -> None:
    page = desk.sit(new_page, "auditor")
    page.goto(f"{desk.url}/desk/")
    page.get_by_role("link", name="Учебное упражнение на 15 минут").click()
    page.get_by_role("button", name=re.compile("^Начать")).first.click()
    page.wait_for_url(re.compile("/desk/exercises/auditor/"))
    judge(page)
    page.goto(f"{desk.url}/desk/journal/")
    panel = page.locator("details.exercise")
    expect(panel).to_contain_text("0 из 3 · дальше: проверьте цепочки")
    expect(panel.get_by_text("Кнопка над журналом")).to_be_hidden()
    panel.locator("summary").press("Enter")
    expect(panel.get_by_text("Кнопка над журналом")).to_be_visible()
    judge(page)
    page.set_viewport_size(NARROW)
    assert page.locator(".exercise-place").evaluate("one => getComputedStyle(one).position") == "static"
    page.set_viewport_size({"width": 1400, "height": 900})
    panel.locator("summary").press("Enter")
    page.get_by_role("button", name="Проверить цепочки").click()
    page.wait_for_url("**/desk/journal/verify/")
    expect(page.locator("details.exercise")).to_contain_text("1 из 3")
    page.emulate_media(media="print")
    expect(page.locator(".exercise-place")).to_be_hidden()


# What the guides show: whose desk, where, under which name. A story of its own takes the others.
SHOWN = (
    ("clerk", "/desk/", "today"),
    ("clerk", "/desk/appeals/?view=all", ""),
    ("signer", "/desk/to-sign/", ""),
    ("admin", "/desk/staff/", "staff"),
    ("admin", "/desk/channels/", "channels"),
    ("admin", "/desk/system/", "system"),
    ("admin", "/desk/journal/", "journal"),
    ("clerk", "/desk/reconciliation/", "reconciliation"),
    ("clerk", "/desk/pos-lane/", "pos-lane"),
)


@pytest.mark.parametrize(("login", "place", "name"), SHOWN, ids=[place for _, place, _ in SHOWN])
def test_pages_the_guides_show_can_be_pictured(
    desk: Desk, new_page: Callable[..., Page], login: str, place: str, name: str
) -> None:
    page = desk.sit(new_page, login)
    answer = page.goto(f"{desk.url}{place}")
    assert answer is not None
    assert answer.ok, place
    page.wait_for_load_state("networkidle")
    if name:
        take(page, name)


def test_steps_of_a_letter_the_guides_show(desk: Desk, new_page: Callable[..., Page]) -> None:
    clerk = desk.sit(new_page, "clerk")
    clerk.goto(f"{desk.url}/desk/appeals/?view=registration")
    clerk.locator("#rows .row-link").first.click()
    expect(clerk.get_by_role("button", name="Принять и зарегистрировать")).to_be_visible()
    clerk.wait_for_load_state("networkidle")
    take(clerk, "register")

    for view, button, name in (
        ("dispatch", "К отправке", "dispatch"),
        ("signing", "Подписать или внести подпись", "sign"),
    ):
        clerk.goto(f"{desk.url}/desk/appeals/?view={view}")
        clerk.locator("#rows .row-link").first.click()
        clerk.wait_for_load_state("networkidle")
        clerk.locator('[data-key="KeyE"]').first.click()
        clerk.wait_for_load_state("networkidle")
        assert button
        take(clerk, name)

    head = next(login for login, pages in desk.filled["pages"].items() if any("/approvals/" in one for one in pages))
    approver = desk.sit(new_page, head)
    approver.goto(desk.url + next(one for one in desk.filled["pages"][head] if "/approvals/" in one))
    # Another story may have decided already: what the guide shows is the page.
    expect(approver.get_by_role("heading", name="Согласовать ответ", level=1)).to_be_visible()
    take(approver, "approval")

    desk_of_visitors = desk.sit(new_page, "receptionist")
    desk_of_visitors.goto(desk.url + next(one for one in desk.filled["pages"]["receptionist"] if "/check-in/" in one))
    expect(desk_of_visitors.get_by_role("heading", name=re.compile("1. Документ"))).to_be_visible()
    take(desk_of_visitors, "front-office")
