"""Letters about one thing nobody has written of become a proposal; its page shows them; it ends in a draft."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from tests import components
from tests.browser.axe import judge_again
from tests.browser.conftest import Desk
from tests.browser.house import serving
from tests.browser.steps import press

pytestmark = pytest.mark.browser
FILL = """
import json
from tests.browser import department
filled = department.fill()
print(json.dumps({"sessions": filled["sessions"], "last": department.towers()}))
"""


@pytest.fixture
def towers(tmp_path: Any) -> Iterator[Desk]:
    """Run a department of its own: what others' stories count is left alone."""
    components.CHROMIUM.require()
    with serving(tmp_path, FILL) as (url, env, printed):
        yield Desk(url, json.loads(printed.splitlines()[-1]), env)


def test_letters_no_material_answers_become_a_proposal_and_a_draft(towers: Desk, new_page: Callable[..., Page]) -> None:
    author = towers.sit(new_page, "executor1")

    # Beside a letter that says the same again stands the first one, with the reason.
    author.goto(f"{towers.url}/desk/appeals/{towers.filled['last']}/alike/")
    repeats = author.locator("section", has=author.get_by_role("heading", name="Возможно, повтор"))
    expect(repeats.get_by_role("link")).to_have_count(1)
    expect(repeats).to_contain_text("тот же заявитель")
    expect(repeats).to_contain_text("общие слова:")

    # The night has made a proposal of them; its page shows the letters and nobody in them.
    author.goto(f"{towers.url}/desk/kb/proposals/")
    author.get_by_role("link", name=re.compile("Ответить на похожие обращения.*башня")).click()
    expect(author.get_by_role("heading", name=re.compile("Основания: [34] сигнала"))).to_be_visible()
    letters = author.locator(".words details")
    for one in letters.locator("summary").all():
        one.click()
    judge_again(author)
    expect(author.locator(".words")).to_contain_text("кирпичи падают на дорогу")
    expect(author.locator(".words")).not_to_contain_text("123-45-67")

    # He takes it and begins the material they ask for.
    author.get_by_label("Раздел, в котором быть материалу").select_option(label="Гаражи")
    press(author, author.get_by_role("button", name="Взять в работу"))
    author.get_by_role("link", name="Создать материал").click()
    author.get_by_label("Заголовок").fill("Кто отвечает за водонапорные башни")
    press(author, author.get_by_role("button", name=re.compile("Создать черновик|Создать")))
    expect(author).to_have_url(re.compile("/cms/pages/"))
