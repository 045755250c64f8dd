"""«Форма для сайта и вход заявителей»: what the administrator copies and sees; no secret stands there."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client

from tests.appeals.conftest import World
from tests.desk import desk, told

pytestmark = pytest.mark.django_db


@pytest.fixture
def admin() -> Client:
    world = World()
    return desk(world.employee("boss", "Главный", world.registry, ["admin"]))


def test_without_settings_the_page_says_what_to_do(admin: Client) -> None:
    page = admin.get("/desk/channels/website/form/").content.decode()
    assert "OTKLIK_EMBED_ORIGINS" in page
    assert "Вход не подключён" in page
    assert "/embed/write/" in page
    assert "&lt;script" not in page
    assert "/desk/channels/website/form/" in admin.get("/desk/channels/website/").content.decode()


def test_what_is_set_is_shown_and_secrets_are_not(admin: Client, settings: Any) -> None:
    settings.EMBED_ORIGINS = ["https://department.example", "department.example/page"]
    settings.CITIZEN_OIDC_URL, settings.CITIZEN_OIDC_SECRET = "https://id.example", "very-secret"
    settings.CITIZEN_OIDC_SIGN_COMMAND = "/opt/sign --pin 1234"
    page = admin.get("/desk/channels/website/form/").content.decode()
    assert "https://department.example" in page
    assert "Это не адреса сайтов" in page
    assert "OTKLIK_CITIZEN_OIDC_CLIENT_ID, OTKLIK_CITIZEN_OIDC_KEY" in page
    assert "/account/signed-in/" in page
    assert "very-secret" not in page
    assert "1234" not in told(page)
