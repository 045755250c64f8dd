"""A Fast-track message of ПОС: copied out of the cabinet, registered into its lane, answered, entered, closed."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import Desk
from tests.browser.pictures import take
from tests.browser.steps import press

pytestmark = pytest.mark.browser

# What the executor, the head and the signer do is the story of a letter: here it happens behind the pages.
SIGNED = """
from django.utils import timezone
from otklik.appeals import approval, assignment, classification, drafting, signature
from otklik.appeals.models import Appeal, Need, Topic
from otklik.people.models import Employee
who = {{one.username: one for one in Employee.objects.filter(username__in=("clerk", "executor1", "head1", "signer"))}}
appeal = Appeal.objects.get(pk={pk})
pair = (Topic.objects.filter(leaf=True).first(), Need.objects.first())
if appeal.status == "registered":
    classification.classify(appeal, [pair], by=who["clerk"])
assignment.assign(appeal, unit=who["executor1"].unit, executor=who["executor1"], by=who["clerk"])
drafting.save(appeal, text="Забор уберут до 1 декабря.", base_version=0, by=who["executor1"])
approval.ask(appeal, approvers=[who["head1"]], by=who["executor1"])
approval.approve(approval.decision_of(appeal, who["head1"]), by=who["head1"])
answer = signature.freeze(Appeal.objects.get(pk=appeal.pk), signer=who["signer"], by=who["executor1"])
signature.sign_sed(answer, number="77/03", signed_on=timezone.localdate(), by=who["clerk"])
"""


def test_a_fast_track_message_goes_from_the_cabinet_to_the_answer_entered_there(
    desk: Desk, new_page: Callable[..., Page]
) -> None:
    page = desk.sit(new_page, "clerk", reduced_motion="reduce", viewport={"width": 1440, "height": 1000})
    page.goto(f"{desk.url}/desk/pos-lane/")
    page.get_by_role("link", name="Сообщение ПОС", exact=True).click()
    page.get_by_label("Номер", exact=False).first.fill("700100200")
    page.get_by_label("ФИО заявителя").fill("Примерова Мария Петровна")
    page.get_by_label("Текст сообщения").fill("Сосед поставил забор на проезде. Прошу убрать забор.")
    page.locator("[name=category]").fill("Земля и имущество")
    page.locator("[name=fact]").fill("Забор на участке")
    page.get_by_label("Фаст-трек").select_option(label="да")
    press(page, page.get_by_role("button", name="Дальше: регистрация"))
    expect(page.locator("main")).to_contain_text("В ПОС у сообщения отмечен Фаст-трек")
    page.get_by_role("radio", name=re.compile("^да", re.IGNORECASE)).first.check()
    press(page, page.get_by_role("button", name="Принять и зарегистрировать"))
    card = re.sub(r"[?#].*", "", page.url)
    pk = re.search(r"/appeals/(\d+)/$", card)
    assert pk, card
    expect(page.locator("#matter")).to_contain_text("Фаст-трек")
    expect(page.locator("#matter")).to_contain_text("требует сопоставления")

    page.goto(f"{desk.url}/desk/pos-lane/")
    expect(page.get_by_role("region", name="Полоса").locator(".chip", has_text="Фаст-трек").first).to_be_visible()
    take(page, "pos-lane")

    desk.happens(SIGNED.format(pk=pk.group(1)))
    page.goto(f"{card}dispatch/")
    page.get_by_role("button", name=re.compile("^Отправить")).first.click()
    expect(page.get_by_role("heading", name="Ответ внесён в ПОС")).to_be_visible()
    page.goto(card)
    expect(page.locator("#matter")).to_contain_text("ждёт в личном кабинете ПОС")
    page.get_by_role("link", name="Внести и отметить").click()
    press(page, page.get_by_role("button", name="Ответ внесён в ПОС"))
    page.goto(card)
    expect(page.locator("#matter")).to_contain_text("Ответ внесён в ПОС")
    take(page, "pos-card")
    page.goto(f"{card}dispatch/")
    press(page, page.get_by_role("button", name="Закрыть", exact=True))
    expect(page.get_by_text("закрыто").first).to_be_visible()

    page.set_viewport_size({"width": 320, "height": 800})
    for place in ("pos-lane/", "pos-lane/new/", "pos-lane/facts/", f"appeals/{pk.group(1)}/pos-case/"):
        page.goto(f"{desk.url}/desk/{place}")
        assert page.evaluate("document.documentElement.scrollWidth <= 320"), place
