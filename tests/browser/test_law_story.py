"""An act is amended: readers are told, the keeper confirms. What readers miss becomes a material, and that ends it."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from tests.browser.axe import judge_again
from tests.browser.conftest import Desk
from tests.browser.pictures import take
from tests.browser.steps import press

pytestmark = pytest.mark.browser
NOTICE = "Основание изменилось, идёт проверка."


def test_an_amended_act_is_told_to_readers_until_its_keeper_has_checked(
    desk: Desk, new_page: Callable[..., Page]
) -> None:
    lawyer, reader, chief = (desk.sit(new_page, login) for login in ("lawyer", "consultant", "kbchief"))
    act = next(one for one in desk.filled["pages"]["lawyer"] if one.endswith("/law/"))

    # The legal clerk says what has changed; all that stands on the act is named before and after.
    lawyer.goto(desk.url + act.removesuffix("law/"))
    lawyer.get_by_role("link", name="Изменён или утратил силу").click()
    expect(lawyer.get_by_role("heading", name="Пойдут на проверку: 2")).to_be_visible()
    judge_again(lawyer)
    lawyer.get_by_label("Утратил силу").check()
    lawyer.get_by_label(re.compile("С какого дня")).fill("2026-09-01")
    lawyer.get_by_label(re.compile("Что изменилось")).fill("Закон утратил силу, применяется новый")
    press(lawyer, lawyer.get_by_role("button", name="Внести и отправить на проверку"))
    expect(lawyer.get_by_text("На проверку отправлено материалов: 2")).to_be_visible()
    judge_again(lawyer)
    change = lawyer.url

    # A reader sees it in words on the material; the page of the change leads there.
    reader.goto(desk.url + "/desk/kb/?q=оформить гараж")
    expect(reader.get_by_text("основание изменилось, идёт проверка").first).to_be_visible()
    reader.goto(desk.url + act.removesuffix("law/"))
    expect(reader.get_by_text(NOTICE).first).to_be_visible()
    expect(reader.get_by_text("применяется новый")).to_be_visible()

    # The keeper opens what waits and confirms; the reader is told no more of this change.
    chief.goto(change)
    link = chief.locator("li.kb-hit", has=chief.locator(".chip-press, .term, .chip")).get_by_role("link").first
    link.click()
    judge_again(chief)
    chief.get_by_label("Примечание").fill("Сверено с новым законом")
    press(chief, chief.get_by_role("button", name="Проверено, изменений не требуется"))
    chief.goto(change)
    expect(chief.get_by_text("Сверено с новым законом")).to_be_visible()
    expect(chief.get_by_text(re.compile("ждут проверки 1"))).to_be_visible()

    # The week is answered for with what was entered.
    lawyer.goto(desk.url + "/desk/law/?state=weeks")
    lawyer.locator("a.row-link").first.click()
    judge_again(lawyer)
    press(lawyer, lawyer.get_by_role("button", name="Закрыть неделю"))
    expect(lawyer.get_by_text(re.compile("Закрыта неделя"))).to_be_visible()


def test_what_readers_miss_becomes_a_material(desk: Desk, new_page: Callable[..., Page]) -> None:
    chief = desk.sit(new_page, "kbchief")
    chief.goto(desk.url + "/desk/kb/proposals/")
    chief.get_by_role("link", name=re.compile("лесной участок")).click()
    expect(chief.get_by_text("3 раза")).to_be_visible()
    take(chief, "kb-proposal")
    address = chief.url
    chief.get_by_label("Раздел, в котором быть материалу").select_option(label="Гаражи")
    press(chief, chief.get_by_role("button", name="Взять в работу"))
    judge_again(chief)
    chief.get_by_role("link", name="Создать материал").click()
    expect(chief.get_by_label(re.compile("Заголовок"))).to_have_value("Лесной участок")
    judge_again(chief)
    chief.get_by_label("Вопрос и ответ").check()
    press(chief, chief.get_by_role("button", name="Создать и открыть редактор"))

    # The editor opens with the title in place; published, the material ends the proposal by itself.
    expect(chief.locator("#id_title")).to_have_value("Лесной участок")
    chief.locator("#id_short_answer").fill("Лесными участками ведает министерство природных ресурсов.")
    chief.locator(".footer [data-w-dropdown-target='toggle'], footer .w-dropdown__toggle").first.click()
    chief.locator("[name=action-publish]").click()
    chief.goto(address)
    expect(chief.get_by_text("Привело к материалу")).to_be_visible()
    chief.get_by_role("link", name="Лесной участок", exact=True).click()
    expect(chief.get_by_text("министерство природных ресурсов")).to_be_visible()
