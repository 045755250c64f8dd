"""An entry of the dictionary of search: its effect is seen while it is typed; proposals are decided by one key each."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from tests.browser.axe import judge_again
from tests.browser.conftest import Desk
from tests.browser.hands import Hands
from tests.browser.steps import press

pytestmark = pytest.mark.browser


def test_what_an_entry_changes_is_seen_before_it_is_kept(desk: Desk, new_page: Callable[..., Page]) -> None:
    chief = desk.sit(new_page, "kbchief")
    chief.goto(f"{desk.url}/desk/kb/thesaurus/?q=комод")
    chief.get_by_role("link", name="Новая запись").click()
    said = chief.get_by_label("Как говорят", exact=True)
    expect(said).to_have_value("комод")
    chief.get_by_label("Как написано в документах").press_sequentially("оформить, гараж", delay=20)
    effect = chief.locator("#effect")
    expect(effect).to_contain_text("Выше станут: 1")
    expect(effect.get_by_role("row", name=re.compile("пианино и комод"))).to_contain_text("выше")
    judge_again(chief)
    press(chief, chief.get_by_role("button", name="Записать"))
    expect(chief.locator("#notices")).to_contain_text("уже действует: «комод > оформить, гараж»")


def test_a_proposal_is_accepted_by_one_key_and_shows_what_it_has_changed(
    desk: Desk, new_page: Callable[..., Page]
) -> None:
    chief = desk.sit(new_page, "kbchief")
    chief.goto(f"{desk.url}/desk/kb/thesaurus/proposals/")
    rows = chief.locator("[data-proposal]")
    expect(rows.first).to_contain_text("«пианино и комод» × 2")
    number = rows.count()
    hands = Hands(chief)
    hands.letter("KeyJ")
    said = hands.here()
    hands.key("Enter")
    accepted = chief.locator("[data-proposal=accepted]")
    expect(accepted).to_contain_text(f"Уже действует: {said} → ")
    expect(accepted).to_contain_text(re.compile("(прошлых поисках и письмах|поисков и писем с этими словами): 1"))
    judge_again(chief)
    if number > 1:
        expect(chief.locator("[data-proposal=new]:focus")).to_have_count(1)
        hands.key("Delete")
        expect(chief.locator("[data-proposal=declined]")).to_contain_text("больше не предложат")
    chief.goto(f"{desk.url}/desk/kb/thesaurus/history/")
    expect(chief.locator("main")).to_contain_text("Предложение в словарь поиска принято")
