"""An appointment by telephone within a minute and by the keyboard; the citizen moves it by his link."""

from __future__ import annotations

import re
import sys
import time
from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from tests.browser.axe import judge
from tests.browser.conftest import Desk
from tests.browser.hands import Hands

pytestmark = pytest.mark.browser

MOST_SECONDS = 60


def test_an_appointment_by_telephone_takes_less_than_a_minute_and_the_keyboard(
    desk: Desk, new_page: Callable[..., Page]
) -> None:
    page = desk.sit(new_page, "receptionist")
    page.goto(desk.url + "/desk/appointments/")
    judge(page)
    hands = Hands(page, rest=60)
    began = time.monotonic()
    hands.letter("KeyN")
    expect(page.get_by_role("heading", name="Запись на приём")).to_be_visible()
    expect(page.locator("input[name=source]").first).to_be_focused()
    assert hands.here() == "По телефону", "the cursor begins where the form does"
    hands.key("Space")
    if page.get_by_label("Почему записываете не в рабочее время").count():
        hands.tab_to("Почему записываете")
        hands.type("Человек дозвонился дежурному")
    hands.tab_to("Фамилия")
    hands.type("Морозова")
    hands.key("Tab")
    hands.type("Анна")
    hands.tab_to("Телефон")
    hands.type("+7 913 000-00-07")
    hands.tab_to("С чем придёт")
    hands.type("Продлить аренду")
    chosen = page.locator("input[name=slot]:checked")
    expect(chosen).to_have_count(1)
    hands.tab_to(chosen.locator("xpath=..").inner_text().split()[0])
    hands.key("ArrowDown")  # the next free time
    hands.tab_to("Записать")
    hands.key("Enter")
    expect(page.get_by_text(re.compile("Записан на .*Приём ведёт"))).to_be_visible()
    seconds = time.monotonic() - began
    sys.stdout.write(f"\nappointment by telephone: {seconds:.1f} s, {hands.pressed} keys, no mouse\n")
    assert seconds <= MOST_SECONDS
    judge(page)
    link = re.search(r"/reception/[a-z0-9]{26}/", page.locator("body").inner_text())
    assert link
    expect(page.locator("a[href='tel:+7 913 000-00-07']")).to_be_visible()
    page.goto(desk.url + "/desk/appointments/")
    assert "Морозова" not in page.locator("main").inner_text(), "names are masked in the list"

    # The citizen opens the link on his telephone: no account, no name on the page.
    citizen = new_page(viewport={"width": 320, "height": 640})
    citizen.goto(desk.url + link[0])
    assert "Морозова" not in citizen.locator("body").inner_text()
    judge(citizen)
    citizen.get_by_role("button", name="Подтвердить, что приду").click()
    expect(citizen.get_by_text("вы подтвердили")).to_be_visible()
    before = citizen.locator(".portal-summary").inner_text()
    citizen.get_by_role("link", name="Перенести").click()
    judge(citizen)
    citizen.get_by_role("radio").nth(3).check()
    citizen.get_by_role("button", name="Перенести").click()
    expect(citizen.get_by_role("link", name="Перенести")).to_be_visible()
    assert citizen.locator(".portal-summary").inner_text() != before
    wrong = citizen.goto(f"{desk.url}/reception/{'2' * 26}/")
    assert wrong is not None
    assert wrong.status == 404


def test_a_citizen_asks_and_a_secretary_books(desk: Desk, new_page: Callable[..., Page]) -> None:
    citizen = new_page()
    citizen.goto(desk.url + "/reception/ask/")
    judge(citizen)
    citizen.get_by_label("Фамилия").fill("Ветрова")
    citizen.get_by_label("Имя", exact=True).fill("Ольга")
    citizen.get_by_label("Телефон", exact=True).fill("+7 913 000-00-08")
    citizen.get_by_role("button", name="Отправить").click()
    expect(citizen.get_by_text("Напишите, с каким вопросом придёте")).to_be_visible()
    expect(citizen.get_by_label("Фамилия")).to_have_value("Ветрова")
    judge(citizen)
    citizen.get_by_label("С каким вопросом придёте").fill("Аренда участка")
    citizen.get_by_role("button", name="Отправить").click()
    expect(citizen.get_by_role("heading", name="Просьба о записи принята")).to_be_visible()
    judge(citizen)
    secretary = desk.sit(new_page, "receptionist")
    secretary.goto(desk.url + "/desk/visit-requests/")
    secretary.locator("#rows .row-link").last.click()
    expect(secretary.get_by_text("Аренда участка")).to_be_visible()
    judge(secretary)
    secretary.get_by_role("button", name="Записать").click()
    expect(secretary.get_by_text("Записан. Заявителю сообщат о времени.")).to_be_visible()
    # Whoever asked to be called is on the list of calls.
    secretary.goto(desk.url + "/desk/visit-notices/")
    judge(secretary)
    secretary.locator("#rows .row-link").last.click()
    judge(secretary)
    secretary.get_by_label("Итог").select_option("told")
    secretary.get_by_role("button", name="Записать").click()
    expect(secretary.get_by_text("Сообщено.")).to_be_visible()
