"""Sign-in through the department's directory, with a real OpenID Connect server beside the test."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from urllib.parse import quote, urlsplit

import oidc_provider_mock
import pytest
import requests
from allauth.socialaccount.models import SocialAccount
from django.test import Client
from django.urls import reverse

from otklik.core.models import JournalEntry
from otklik.people import resets
from otklik.people.models import Employee
from tests.people.conftest import Hire, is_in, telephone, try_in, written

START = "/accounts/oidc/directory/login/?process=login"


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    with oidc_provider_mock.run_server_in_thread() as running:
        yield f"http://localhost:{running.server_port}"


@pytest.fixture
def directory(server: str, settings: Any) -> str:
    settings.OIDC_URL, settings.OIDC_NAME = server, "Каталог департамента"
    app = {"provider_id": "directory", "name": "Каталог", "client_id": "otklik", "secret": "s"}
    settings.SOCIALACCOUNT_PROVIDERS = {
        "openid_connect": {"OAUTH_PKCE_ENABLED": True, "APPS": [{**app, "settings": {"server_url": server}}]}
    }
    return server


def enter(
    server: str, person: str, *, client: Client | None = None, start: str = START, **claims: Any
) -> tuple[Client, Any]:
    """Go through the directory as this person; return the browser and what our side answered."""
    client = client or Client()
    requests.put(f"{server}/users/{quote(person)}", json=claims, timeout=5).raise_for_status()
    sent = client.get(start)
    assert sent.url.startswith(server)
    assert "code_challenge" in sent.url
    back = requests.post(sent.url, data={"sub": person}, allow_redirects=False, timeout=5)
    to = urlsplit(back.headers["Location"])
    return client, client.get(f"{to.path}?{to.query}")


def test_an_employee_comes_in_and_is_tied_to_his_place_in_the_directory(hire: Hire, directory: str) -> None:
    worker = hire("petrova")
    client, answer = enter(directory, "s-1", preferred_username="Petrova", email="x@y.example", name="Петрова Е.")
    assert answer.url == "/desk/"
    assert is_in(client)
    tie = SocialAccount.objects.get(user=worker)
    assert (tie.uid, tie.extra_data) == ("s-1", {}), "what the directory says of a person is not kept"
    assert written(worker) == ["signin.directory_tied", "signin.entered"]
    assert JournalEntry.objects.get(action="signin.entered").data == {"ways": ["socialaccount"]}
    enter(directory, "s-1", preferred_username="petrova-sidorova")
    assert written(worker)[2:] == ["signin.entered"], "a new surname in the directory shuts nobody out"


def test_the_way_back_leads_to_the_page_asked_for(hire: Hire, directory: str) -> None:
    hire("petrova")
    _, answer = enter(directory, "s-1", start=f"{START}&next=/desk/away/", preferred_username="petrova")
    assert answer.url == "/desk/away/"


@pytest.mark.parametrize(
    "claims", [{"preferred_username": "nobody"}, {}, {"preferred_username": ""}, {"email": "petrova@d.example"}]
)
def test_a_stranger_is_refused_in_plain_words_and_becomes_nobody(
    hire: Hire, directory: str, claims: dict[str, str]
) -> None:
    hire("petrova", email="petrova@d.example")
    client, answer = enter(directory, "s-2", **claims)
    assert answer.status_code == 403
    assert "Войти не получилось" in answer.content.decode()
    assert "администратору" in answer.content.decode()
    assert not is_in(client)
    assert Employee.objects.count() == 1
    assert not SocialAccount.objects.exists()
    assert written(None) == ["signin.failed"]


def test_a_blocked_employee_sees_what_a_stranger_sees(hire: Hire, directory: str) -> None:
    worker = hire("petrova")
    enter(directory, "s-1", preferred_username="petrova")
    Employee.objects.update(is_active=False)
    client, answer = enter(directory, "s-1", preferred_username="petrova")
    assert (answer.status_code, is_in(client)) == (403, False)
    assert written(worker)[-1] == "signin.failed"


def test_who_takes_anothers_name_in_the_directory_does_not_become_him(hire: Hire, directory: str) -> None:
    worker, admin = hire("petrova"), hire("admin", "people.manage")
    enter(directory, "s-1", preferred_username="petrova")
    client, answer = enter(directory, "s-9", preferred_username="petrova")
    assert (answer.status_code, is_in(client)) == (403, False)
    resets.reset_factors(worker, by=admin)  # an administrator may tie the account anew
    client, answer = enter(directory, "s-9", preferred_username="petrova")
    assert is_in(client)


def test_a_second_factor_is_asked_for_on_this_way_too(hire: Hire, directory: str) -> None:
    telephone(hire("petrova"))
    client, answer = enter(directory, "s-1", preferred_username="petrova")
    assert answer.url == reverse("mfa_authenticate")
    assert not is_in(client)


def test_an_answer_used_twice_or_made_up_opens_nothing(hire: Hire, directory: str) -> None:
    hire("petrova")
    client, _ = enter(directory, "s-1", preferred_username="petrova")
    client.post(reverse("account_logout"))
    made_up = client.get(reverse("openid_connect_callback", args=["directory"]), {"code": "x", "state": "y"})
    assert made_up.status_code == 401
    assert "Начните вход заново" in made_up.content.decode()
    assert not is_in(client)


def test_a_silent_directory_is_told_and_the_password_still_works(hire: Hire, directory: str, settings: Any) -> None:
    hire("petrova")
    settings.SOCIALACCOUNT_PROVIDERS["openid_connect"]["APPS"][0]["settings"]["server_url"] = "http://127.0.0.1:9"
    answer = Client().get(START)
    assert answer.status_code == 503
    assert "не отвечает" in answer.content.decode()
    assert try_in(Client(), "petrova").status_code == 302


def test_the_button_is_there_only_where_a_directory_is(hire: Hire, directory: str, settings: Any) -> None:
    page = reverse("account_login")
    assert "Каталог департамента" in Client().get(page).content.decode()
    settings.OIDC_URL, settings.SOCIALACCOUNT_PROVIDERS = "", {"openid_connect": {"APPS": []}}
    assert "oidc/" not in Client().get(page).content.decode()
    assert Client().get(START).status_code == 404
