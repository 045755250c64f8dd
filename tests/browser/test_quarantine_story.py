"""What no program could read: a clerk sees it within a minute with the reason, registers, retries or rejects it."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from urllib.request import Request, urlopen

import pytest
from playwright.sync_api import Page, expect

from tests import components
from tests.browser.axe import judge_again
from tests.browser.house import OTKLIK, SETTLE, _start, _stop, serving
from tests.browser.steps import press, until

pytestmark = pytest.mark.browser

KEY = "klyuch-v-adrese-vyzova"
CONNECTED = f"""
from otklik.channels.ok.adapter import OkChannel
from otklik.correspondence import connections
from otklik.people.models import Employee
from tests.browser.department import _session
values = {{"group": 217, "token": "token", "key": "{KEY}", "api": "http://127.0.0.1:9"}}
connections.configure(OkChannel(), values, by=None)
connections.switch(OkChannel(), True, reason="", by=None)
print(_session(Employee.objects.get(username="clerk")))
"""
WITHIN = 60  # seconds from arrival to the clerk's page
READABLE = {
    "webhookType": "MESSAGE_CREATED",
    "sender": {"user_id": "user:580000000501", "name": "Анна Примерова"},
    "recipient": {"chat_id": "chat:C3ecb9d02a600"},
    "message": {"text": "Где посмотреть перечень участков?", "seq": 1, "mid": "mid:C3ecb9d02a600.15cea67d78d2059"},
    "timestamp": 1795489200000,
}


@dataclass
class Stand:
    """A running system whose other side is Odnoklassniki; its worker is started when the story wants it."""

    url: str
    session: str
    files: Path
    start_worker: Callable[[], None]

    def hears(self, body: bytes) -> None:
        """Let Odnoklassniki call us; they are answered only once the message is kept."""
        call = Request(f"{self.url}/hooks/ok/?key={KEY}", body, {"Content-Type": "application/json"})
        with urlopen(call, timeout=30) as answer:
            assert answer.status == 200

    def clerk(self, new_page: Callable[..., Page]) -> Page:
        """Open a browser as the clerk."""
        page = new_page()
        page.context.add_cookies([{"name": "sessionid", "value": self.session, "url": self.url}])
        return page


@pytest.fixture
def stand(tmp_path: Path) -> Iterator[Stand]:
    """Run the web process over a small department; the worker comes later."""
    components.CHROMIUM.require()
    with ExitStack() as stack:
        url, env, printed = stack.enter_context(serving(tmp_path, SETTLE + CONNECTED))

        def start_worker() -> None:
            stack.callback(_stop, _start([*OTKLIK, "worker"], env, tmp_path))

        yield Stand(url, printed.splitlines()[-1], tmp_path / "data" / "files", start_worker)


def test_what_cannot_be_read_is_registered_by_hand_retried_or_rejected(
    stand: Stand, new_page: Callable[..., Page]
) -> None:
    quarantine, queue = f"{stand.url}/desk/quarantine/", f"{stand.url}/desk/appeals/?view=registration"
    clerk = stand.clerk(new_page)

    # A message whose bytes the disk does not give waits with that reason, and is read once the disk is mended.
    stand.hears(json.dumps(READABLE).encode())
    [kept] = [path for path in stand.files.rglob("*") if path.is_file() and "перечень".encode() in path.read_bytes()]
    kept.rename(kept.with_suffix(".away"))
    stand.start_worker()
    until(clerk, quarantine, "Проверьте диск", seconds=120)  # the worker is still starting
    judge_again(clerk)
    press(clerk, clerk.get_by_role("button", name="Разобрать снова"))
    expect(clerk.get_by_text("снова в очереди на разбор")).to_be_visible()
    until(clerk, quarantine, "Проверьте диск", WITHIN)  # not mended: it came back
    kept.with_suffix(".away").rename(kept)
    press(clerk, clerk.get_by_role("button", name="Разобрать снова"))
    until(clerk, queue, "перечень участков", WITHIN)
    clerk.goto(quarantine)
    expect(clerk.get_by_text("Карантин пуст")).to_be_visible()

    # Noise that proves who calls is here within a minute; what a person reads in it becomes an appeal with a number.
    began = time.monotonic()
    stand.hears(b"\x00\xff not a message \x9f")
    until(clerk, quarantine, "Это не сообщение этого канала", WITHIN)
    assert time.monotonic() - began < WITHIN
    clerk.get_by_role("link", name="Зарегистрировать вручную").click()
    clerk.get_by_label("От кого").fill("Примерова Анна Сергеевна")
    clerk.get_by_label("Адрес отправителя").fill("ok.ru/profile/580000000501")
    clerk.get_by_label("Тема").fill("Продление аренды")
    clerk.get_by_label("Текст").fill("Прошу продлить договор аренды участка под гаражом.")
    press(clerk, clerk.get_by_role("button", name="Дальше — к регистрации"))
    expect(clerk.get_by_role("article", name="Сообщение")).to_contain_text("Прошу продлить договор аренды")
    clerk.get_by_role("radio", name=re.compile("^да", re.IGNORECASE)).first.check()
    press(clerk, clerk.get_by_role("button", name="Принять и зарегистрировать"))
    clerk.wait_for_url(re.compile(r"/desk/appeals/\d+/"))
    expect(clerk.locator("main")).to_contain_text(re.compile(r"О-\d{4}-\d{6}"))

    # What is no appeal goes with a reason, and nothing is left.
    stand.hears(b"\x01\x02 an advertisement")
    until(clerk, quarantine, "Это не сообщение этого канала", WITHIN)
    clerk.locator("summary", has_text="Отклонить").click()
    clerk.get_by_label("Причина отклонения").fill("Реклама, обращения нет")
    press(clerk, clerk.get_by_role("button", name="Отклонить"))
    expect(clerk.get_by_text("Сообщение отклонено. Оригинал сохранён.")).to_be_visible()
    expect(clerk.get_by_text("Карантин пуст")).to_be_visible()
    clerk.goto(f"{stand.url}/desk/reconciliation/")
    row = clerk.get_by_role("row").filter(has_text="Одноклассники")
    cells = [text.split("\n")[0] for text in row.get_by_role("cell").all_inner_texts()]
    assert cells[1:6] == ["3", "нет", "1", "0", "1"], "seen, odd, registered, joined, rejected; one waits"
