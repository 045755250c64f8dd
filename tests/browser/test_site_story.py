"""The department's site shows our form in a frame; a citizen signs in by a provider, writes, and sees his answer."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import oidc_provider_mock
import pytest
import requests
from playwright.sync_api import Page, Route, expect

from otklik.channels.site import placing
from otklik.channels.site.models import Receipt
from otklik.correspondence.models import IncomingMessage
from otklik.portal import write
from tests.browser import axe

pytestmark = [pytest.mark.browser, pytest.mark.once, pytest.mark.django_db(transaction=True)]
TEXT = "Прошу продлить договор аренды участка."


@pytest.fixture(autouse=True)
def ours(live_server: Any, settings: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    settings.BASE_URL = live_server.url
    monkeypatch.setattr(write, "QUICKEST_SECONDS", -1)


@pytest.fixture
def department() -> Iterator[str]:
    """Serve a page of another site (another host, so that our cookies are a stranger's there) with the code pasted."""

    class Site(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("Content-Type", "text/html; charset=utf-8")
            self.end_headers()
            self.wfile.write(f"<!doctype html><title>Сайт</title><h1>Сайт</h1>{placing.snippet()}".encode())

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Site)
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()
    yield f"http://localhost:{server.server_port}"
    server.shutdown()
    server.server_close()


def test_a_message_leaves_from_a_frame_of_the_department_s_site(
    department: str, new_page: Callable[..., Page], settings: Any
) -> None:
    settings.EMBED_ORIGINS = [department]
    page = new_page()
    page.goto(department)
    frame = page.frame_locator("iframe")
    further = frame.get_by_role("button", name="Дальше", exact=True)
    frame.get_by_label("Гражданин").check()
    frame.get_by_label("Фамилия").fill("Примеров")
    frame.get_by_label("Имя", exact=True).fill("Иван")
    further.click()
    frame.get_by_label("На сайте").or_(frame.get_by_label("Здесь, на сайте")).first.check()
    further.click()
    frame.get_by_label("Ваше сообщение").fill(TEXT)
    frame.get_by_label("Файлы").set_input_files({"name": "план.txt", "mimeType": "text/plain", "buffer": b"plan"})
    further.click()
    expect(frame.get_by_role("heading", name="Проверьте и отправьте")).to_be_visible()
    expect(frame.get_by_text("план.txt")).to_be_visible()
    frame.get_by_role("button", name="Отправить").click()
    expect(frame.get_by_role("heading", name="Сообщение отправлено")).to_be_visible()
    expect(frame.locator(".portal-ticket")).to_contain_text(Receipt.objects.get().number)
    assert page.context.cookies() == []


def test_a_site_that_is_not_listed_shows_nothing(department: str, new_page: Callable[..., Page]) -> None:
    page = new_page()
    page.goto(department)
    page.wait_for_timeout(500)
    assert page.frame_locator("iframe").get_by_label("Фамилия").count() == 0


def _through(route: Route) -> None:
    """Sign in at the provider in the browser's place: its page asks other hosts for its looks."""
    answer = route.fetch(max_redirects=0)
    back = requests.post(answer.headers["location"], data={"sub": "anna"}, allow_redirects=False, timeout=5)
    route.fulfill(response=answer, headers={**answer.headers, "location": back.headers["Location"]})


def test_a_citizen_signs_in_writes_and_finds_it_in_the_account(
    live_server: Any, new_page: Callable[..., Page], settings: Any
) -> None:
    with oidc_provider_mock.run_server_in_thread() as provider:
        address = f"http://localhost:{provider.server_port}"
        settings.CITIZEN_OIDC_URL, settings.CITIZEN_OIDC_CLIENT_ID = address, "otklik"
        settings.CITIZEN_OIDC_SECRET = "s"
        said = {"family_name": "Примерова", "given_name": "Анна", "email": "anna@citizen.example"}
        requests.put(f"{address}/users/anna", json=said, timeout=5).raise_for_status()
        page = new_page()
        page.route("**/account/sign-in/**", _through)
        page.goto(f"{live_server.url}/write/")
        page.get_by_role("link", name="войдите с подтверждением личности").click()
        page.wait_for_url("**/write/")
        expect(page.get_by_text("ваша личность подтверждена")).to_be_visible()
        further = page.locator("button.is-main:visible")
        further.click()
        page.get_by_label("в личном кабинете").check()
        further.click()
        page.get_by_label("Ваше сообщение").fill(TEXT)
        further.click()
        expect(page.locator(".portal-summary")).to_contain_text("Примерова Анна")
        further.click()
        expect(page.get_by_role("heading", name="Обращение отправлено")).to_be_visible()
        page.get_by_role("main").get_by_role("link", name="личном кабинете").click()
        expect(page.get_by_role("heading", name="Мои обращения")).to_be_visible()
        axe.judge(page)
        message = IncomingMessage.objects.get()
        page.get_by_role("link", name=message.site_receipt.number).click()
        expect(page.get_by_text("Ждёт регистрации")).to_be_visible()
        page.get_by_label("Ваше сообщение").fill("Забыла приложить план.")
        axe.judge(page)
        # The session ends while she writes: nothing typed is lost.
        page.context.clear_cookies(name="otklik_citizen")
        page.get_by_role("button", name="Отправить").click()
        expect(page.get_by_text("Вход в личный кабинет закончился")).to_be_visible()
        expect(page.get_by_label("Ваше сообщение")).to_have_value("Забыла приложить план.")
        for place in ("/account/", "/embed/write/"):
            page.goto(f"{live_server.url}{place}")
            axe.judge(page)
