"""The head of a unit looks at the figures of the line: a tile, the rows behind it, a card, a narrow screen."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import Desk
from tests.browser.pictures import take

pytestmark = pytest.mark.browser
# Two weeks of the line, so that there is something to be seen.
LIVED = """
from datetime import timedelta
from django.utils import timezone
from otklik.hotline.models import Call, Line
from otklik.people.models import Employee
line, who = Line.objects.get(code="department"), Employee.objects.get(username="consultant")
for number in range(140):
    came = (timezone.localtime() - timedelta(days=1 + number % 14)).replace(hour=9 + number % 8, minute=number % 60)
    taken = None if number % 9 == 0 else came + timedelta(seconds=5 + number % 50)
    Call.objects.create(
        uid=f"lived.{number}", source="ami", line=line, came_at=came, number="",
        state="answered" if taken else "missed", waited=5 + number % 50,
        answered_at=taken, answered_by=who if taken else None, talked=60 + number * 7 % 400 if taken else 0,
        held=40 if taken and number % 6 == 0 else 0,
        ended_at=came + timedelta(minutes=8), in_hours=True,
    )
"""


def test_a_figure_opens_the_rows_it_counts(desk: Desk, new_page: Callable[..., Page]) -> None:
    desk.happens(LIVED)
    page = desk.sit(new_page, "head1", reduced_motion="reduce", viewport={"width": 1440, "height": 1000})
    page.goto(f"{desk.url}/desk/missed/")
    take(page, "missed")
    page.goto(f"{desk.url}/desk/line/figures/")
    tile = page.get_by_role("link", name="поступило звонков")
    number = int(page.locator(".tiles li").filter(has=tile).locator("strong").inner_text())
    assert number > 0
    take(page, "line-figures")
    tile.click()
    expect(page.get_by_role("heading", name="Поступившие звонки")).to_be_visible()
    expect(page.locator(".page-head p").first).to_contain_text(f"Записей: {number}.")
    expect(page.locator("main")).not_to_contain_text(re.compile(r"\d{3} \d{3}-\d\d-\d\d"))
    page.go_back()
    page.get_by_text("Таблица: по часам").click()
    expect(page.get_by_role("region", name="Таблица: по часам")).to_be_visible()
    page.set_viewport_size({"width": 320, "height": 800})
    assert page.evaluate("document.documentElement.scrollWidth <= 320")
