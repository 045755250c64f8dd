"""A day of reception cancelled: who was to come gets another time by one page; a walk-in with a right goes first."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from tests.browser.axe import judge
from tests.browser.conftest import Desk
from tests.browser.steps import press

pytestmark = pytest.mark.browser

# An official of their own, so that the stories do not meet others': Mondays and Thursdays, two booked for one Monday.
RECEIVES = """
from datetime import datetime, time, timedelta
from django.utils import timezone
from otklik.people.models import Employee
from tests.reception import people
clerk = Employee.objects.get(username="receptionist")
one = people.official("cancels", "Отменяева")
where = people.room("Кабинет отмены")
people.rule(one, where)
people.rule(one, where, weekday=3)
monday = people.next_weekday(0, after=timezone.localdate() + timedelta(days=7))
for hour, name in ((10, "Первова"), (11, "Вторина")):
    at = timezone.make_aware(datetime.combine(monday, time(hour)))
    people.appointment(one, where, at, by=clerk, last_name=name, token_hash=f"{hour}" * 32)
print(one.pk, monday.isoformat())
"""
# Somebody receives all day long, and another waits for him already.
TODAY = """
from datetime import time, timedelta
from django.utils import timezone
from otklik.people.models import Employee
from otklik.reception.models import ReceptionException
from tests.reception import people
clerk = Employee.objects.get(username="receptionist")
one = people.official("allday", "Целодневова")
where = people.room("Кабинет без конца")
ReceptionException.objects.create(official=one, date=timezone.localdate(), opens=time(0), closes=time(23, 55),
    slot_minutes=5, room=where, why="День открытых дверей")
now = timezone.now().replace(second=0, microsecond=0)
begins = now - timedelta(minutes=now.minute % 5)
people.appointment(one, where, begins, minutes=5, by=clerk, last_name="Ждунова", state="arrived", arrived_at=begins,
    token_hash="12" * 32)
print(one.pk)
"""


def test_a_cancelled_day_is_rebooked_for_all_by_one_page(desk: Desk, new_page: Callable[..., Page]) -> None:
    official, monday = desk.happens(RECEIVES).split()
    secretary = desk.sit(new_page, "receptionist")
    secretary.goto(f"{desk.url}/desk/reception-officials/{official}/cancel/")
    secretary.locator("[name=date]").fill(monday)
    secretary.locator("[name=why]").fill("Командировка")
    press(secretary, secretary.locator("main form button").first)
    expect(secretary.get_by_text("Придётся перенести записи: 2")).to_be_visible()
    press(secretary, secretary.get_by_role("button", name=re.compile("Подтвердить")))
    expect(secretary.get_by_text("Надо перенести: 2")).to_be_visible()
    judge(secretary)
    secretary.get_by_role("link", name="Подобрать время всем").click()
    expect(secretary.get_by_role("heading", name="Перенести записанных")).to_be_visible()
    assert "Первова" not in secretary.locator("main").inner_text(), "names are masked"
    judge(secretary)
    shown = [one.locator("option:checked").inner_text() for one in secretary.locator("main select").all()]
    assert [one[-5:] for one in shown] == ["10:00", "11:00"], "at the same hours"
    secretary.keyboard.press("Control+Enter")
    expect(secretary.get_by_text("Перенесено записей: 2")).to_be_visible()
    expect(secretary.get_by_text("Надо перенести")).to_have_count(0)
    secretary.goto(desk.url + "/desk/visit-notices/")
    expect(secretary.get_by_text("Время изменено", exact=False).first).to_be_visible()


def test_who_came_with_a_right_out_of_turn_stands_first(desk: Desk, new_page: Callable[..., Page]) -> None:
    desk.happens(TODAY)
    secretary = desk.sit(new_page, "receptionist")
    secretary.goto(desk.url + "/desk/front/walk-in/")
    secretary.get_by_label("Фамилия").fill("Ветеранова")
    secretary.get_by_label("Имя", exact=False).first.fill("Анна")
    secretary.locator("[name=to]").select_option(label="Целодневова А. П. — как освободится")
    secretary.get_by_label("Право на приём вне очереди").fill("Удостоверение ветерана боевых действий")
    judge(secretary)
    secretary.keyboard.press("Control+Enter")
    expect(secretary.get_by_text("Посетитель записан. Сверьте документ.")).to_be_visible()
    secretary.goto(desk.url + "/desk/front/")
    waiting = secretary.locator("section", has=secretary.get_by_role("heading", name="Ждут в приёмной"))
    names = [one.inner_text() for one in waiting.locator(".row-link").all()]
    first = next(index for index, one in enumerate(names) if "Ве•••" in one)
    assert "вне очереди" in names[first]
    assert first < next(index for index, one in enumerate(names) if "Жд•••" in one)
