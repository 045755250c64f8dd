"""A pack of two letters with a separator between them: from the scanner's file to two numbers, by Enter."""

from __future__ import annotations

import io
from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect
from pypdf import PdfReader, PdfWriter

from tests.browser.axe import judge_again
from tests.browser.conftest import Desk
from tests.channels.post import scans

pytestmark = pytest.mark.browser
WORK = """
from otklik.channels.post import station
from otklik.channels.registry import all_readers
from otklik.correspondence import inbox
while station.work_next() or inbox.parse_next(all_readers()):
    pass
"""


def pack() -> bytes:
    """Return what a scanner with recognition of its own gives: pages with a text layer, and a separator."""
    from otklik.channels.post import separator

    pages = [scans.set_in_type(scans.LETTER), separator.sheet(), scans.set_in_type(scans.SECOND)]
    writer, spool = PdfWriter(), io.BytesIO()
    for one in pages:
        writer.append(PdfReader(io.BytesIO(one)))
    writer.write(spool)
    return spool.getvalue()


def test_a_pack_of_scans_becomes_two_numbers_by_enter(
    desk: Desk, new_page: Callable[..., Page], tmp_path: Path
) -> None:
    (tmp_path / "пачка.pdf").write_bytes(pack())
    clerk = desk.sit(new_page, "clerk", viewport={"width": 1400, "height": 900})
    clerk.goto(f"{desk.url}/desk/scans/")
    clerk.locator("[name=scan]").set_input_files(tmp_path / "пачка.pdf")
    clerk.get_by_role("button", name="Загрузить").click()
    expect(clerk.locator("#progress")).to_contain_text("Файл ждёт чтения")
    judge_again(clerk)
    desk.happens(WORK)
    # The page comes anew by itself.
    clerk.get_by_role("link", name="Регистрировать: 2").click()
    expect(clerk.locator("h1")).to_have_text("Письмо 1 из 2")
    expect(clerk.locator("[name=last_name]")).to_have_value("Сидоров")
    expect(clerk.get_by_alt_text("Скан письма, страница 1")).to_be_visible()
    judge_again(clerk)
    clerk.locator("[name=register_number]").fill("17")
    clerk.keyboard.press("Enter")
    expect(clerk.locator("h1")).to_have_text("Письмо 2 из 2")
    expect(clerk.locator("[name=last_name]")).to_have_value("Зайцева")
    clerk.keyboard.press("Enter")
    expect(clerk.locator("main")).to_contain_text("Писем без решения больше нет")
    expect(clerk.get_by_role("link", name="Со штампом")).to_have_count(2)
