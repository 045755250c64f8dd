"""What every answer tells the browser to refuse."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import pytest
from django.conf import settings
from django.test import Client
from wagtail.models import Page

from otklik.people.models import Employee

if TYPE_CHECKING:
    from playwright.sync_api import Page as BrowserPage

ROOT = settings.PACKAGE.parent


def policy(answer: Any) -> dict[str, str]:
    """Return the content policy of an answer, directive by directive."""
    parts = answer.headers["Content-Security-Policy"].split(";")
    return {name: value for name, _, value in (part.strip().partition(" ") for part in parts)}


@pytest.fixture
def chief(db: None, client: Client) -> Client:
    client.force_login(Employee.objects.create_superuser("chief", password=None, last_name="Главный"))
    return client


@pytest.mark.parametrize("address", ["/", "/desk/", "/cms/"])
def test_every_page_closes_itself_to_other_hosts(chief: Client, address: str) -> None:
    answer = chief.get(address)
    assert answer.status_code == 200
    told = policy(answer)
    assert told["default-src"] == told["connect-src"] == told["frame-ancestors"] == "'self'"
    assert told["object-src"] == "'none'"
    assert "unsafe-eval" not in told["script-src"]
    # A nonce is base64 and may hold two slashes by chance: what is looked for is the address of another host.
    assert "//" not in re.sub(r"'nonce-[^']*'", "", answer.headers["Content-Security-Policy"])
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert answer.headers["Referrer-Policy"] == "same-origin"
    assert answer.headers["X-Frame-Options"] == "SAMEORIGIN"
    assert ("unsafe" in answer.headers["Content-Security-Policy"]) == (address == "/cms/")


@pytest.mark.once
@pytest.mark.parametrize(
    ("base", "expected"),
    [
        ("https://otklik.example", "True 31536000 True True __Host-sessionid __Host-csrftoken __Secure-"),
        ("http://a.b", "False 0 False False sessionid csrftoken"),
    ],
)
def test_an_https_installation_stays_https(base: str, expected: str, tmp_path: Any) -> None:
    read = (
        "from otklik.config.settings import *;"
        "print(SECURE_SSL_REDIRECT, SECURE_HSTS_SECONDS, SESSION_COOKIE_SECURE, CSRF_COOKIE_SECURE,"
        "SESSION_COOKIE_NAME, CSRF_COOKIE_NAME, PATH_COOKIE_PREFIX)"
    )
    env = {**os.environ, "OTKLIK_BASE_URL": base, "OTKLIK_DATA": str(tmp_path)}
    done = subprocess.run([sys.executable, "-c", read], env=env, cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == expected


@pytest.mark.browser
@pytest.mark.once
@pytest.mark.django_db(transaction=True)
def test_the_editors_pages_work_under_their_policy(
    live_server: Any, client: Client, new_page: Callable[..., BrowserPage]
) -> None:
    client.force_login(Employee.objects.create_superuser("chief", password=None, last_name="Главный"))
    editable = Page.objects.filter(depth=2).first()
    assert editable
    page = new_page()
    page.context.add_cookies(
        [{"name": "sessionid", "value": client.cookies["sessionid"].value, "url": live_server.url}]
    )
    said: list[str] = []
    page.on("console", lambda line: said.append(line.text) if line.type == "error" else None)
    page.on("pageerror", lambda error: said.append(str(error)))
    for address in ("/cms/", "/cms/pages/", "/cms/images/", "/cms/documents/", f"/cms/pages/{editable.pk}/edit/"):
        answer = page.goto(live_server.url + address)
        assert answer
        assert answer.status == 200
        page.wait_for_load_state("networkidle")
    assert page.locator("#wagtail-sidebar a").count() > 0, "the menu is drawn by a script"
    assert [line for line in said if "Content Security Policy" in line or "EvalError" in line] == []
