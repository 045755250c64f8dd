"""A channel fails and is repaired from its page; the reconciliation explains a message that went missing."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import Desk
from tests.browser.pictures import take
from tests.browser.steps import press

pytestmark = pytest.mark.browser

VISIT = """
from otklik.channels.registry import all_connected
from otklik.correspondence import connections
from otklik.correspondence.models import Connection
from otklik.workplace import notices
Connection.objects.filter(channel="telegram").update(not_before=None)
connections.visit(all_connected()["telegram"])
notices.tell_of_channels()
"""
LOST = """
from django.utils import timezone
from otklik.correspondence import inbox
from otklik.correspondence.models import IncomingMessage
message = inbox.write_down(
    channel="post", contact_point=None, sender_name="Примерова Анна", text="Прошу ответить.",
    received_at=timezone.now(), by=None,
)
IncomingMessage.objects.filter(pk=message.pk).delete()
print(message.pk)
"""


def test_a_channel_that_fails_says_what_to_do_and_is_repaired(desk: Desk, new_page: Callable[..., Page]) -> None:
    web = pytest.importorskip("tests.fakes.web")
    with web.running("tests.fakes.telegram") as fake:
        fake.tell(forget=True, token="right-token")
        page = desk.sit(new_page, "admin", reduced_motion="reduce", viewport={"width": 1440, "height": 1000})
        page.goto(f"{desk.url}/desk/channels/")
        page.get_by_role("region", name="Каналы").get_by_role("link", name="Telegram").click()
        expect(page.locator(".page-head")).to_contain_text("выключен")
        page.get_by_role("link", name="Изменить", exact=True).first.click()
        page.locator("[name=set-token]").fill("wrong-token")
        page.locator("[name=set-api]").fill(fake.url)
        page.locator("[name=set-wait]").fill("0")
        press(page, page.get_by_role("button", name="Записать"))
        page.get_by_role("link", name="Включить").click()
        press(page, page.get_by_role("button", name="Включить"))
        expect(page.get_by_text("Канал включён.")).to_be_visible()

        desk.happens(VISIT)
        page.goto(f"{desk.url}/desk/channels/")
        row = page.get_by_role("row").filter(has_text="Telegram")
        expect(row).to_contain_text("не работает")
        expect(row).to_contain_text("Проверьте параметры канала")
        take(page, "channels")
        page.goto(f"{desk.url}/desk/notices/")
        page.locator("main").get_by_role("link", name="Telegram").first.click()
        expect(page.get_by_role("heading", name="Telegram")).to_be_visible()
        press(page, page.get_by_role("button", name="Проверить связь"))
        expect(page.get_by_text("Связи нет.")).to_be_visible()
        expect(page.locator("main")).not_to_contain_text("wrong-token")

        page.get_by_role("link", name="Изменить", exact=True).first.click()
        expect(page.locator("[name=set-token]")).to_have_value("")
        page.locator("[name=set-token]").fill("right-token")
        press(page, page.get_by_role("button", name="Записать"))
        press(page, page.get_by_role("button", name="Проверить связь"))
        expect(page.get_by_text("Связь есть.")).to_be_visible()
        desk.happens(VISIT)
        page.reload()
        expect(page.locator(".page-head .chip")).to_have_text("работает")
        expect(page.get_by_role("region", name="Перебои")).not_to_contain_text("продолжается")
        page.set_viewport_size({"width": 320, "height": 800})
        assert page.evaluate("document.documentElement.scrollWidth <= 320")


def test_the_reconciliation_opens_its_figures_and_explains_what_is_missing(
    desk: Desk, new_page: Callable[..., Page]
) -> None:
    lost = desk.happens(LOST).strip()
    page = desk.sit(new_page, "clerk", reduced_motion="reduce", viewport={"width": 1440, "height": 1000})
    page.goto(f"{desk.url}/desk/reconciliation/?channel=post")
    expect(page.get_by_text("Расхождений: 1.")).to_be_visible()
    take(page, "reconciliation")
    page.get_by_role("link", name="расхождение, почта").first.click()
    expect(page.get_by_role("region", name="Почему не сходится")).to_contain_text(f"Сообщение {lost}.")
    expect(page.get_by_role("region", name="Почему не сходится")).to_contain_text("восстановите")
    page.get_by_role("link", name="Сверка", exact=True).first.click()
    page.get_by_role("link", name="поступило").first.click()
    expect(page.get_by_role("region", name="Сообщения")).to_be_visible()
    page.set_viewport_size({"width": 320, "height": 800})
    assert page.evaluate("document.documentElement.scrollWidth <= 320")
