"""Every address of the product says who may enter; nobody gets further than that."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest
from django.test import Client, RequestFactory
from django.urls import URLPattern, URLResolver, get_resolver

from otklik.core.models import JournalEntry
from otklik.core.pages import safe_back
from otklik.people.models import Employee

# Wagtail asks its own questions here: groups set to today's roles in `/cms/`, `knowledge.rights` for the rest.
WAGTAIL = {
    "kb/_util/authenticate_with_password/<int:page_view_restriction_id>/<int:page_id>/",
    "kb/_util/login/",
    "kb/^((?:[\\w\\-]+/)*)$",
}
OPEN_IN_CMS = {"cms/jsi18n/", "cms/sprite/", "cms/login/", "cms/logout/"}  # words, pictures, and the doors themselves


def doors(patterns: Any = None, prefix: str = "") -> Iterator[tuple[str, URLPattern]]:
    """Yield every address as it is written, with its view."""
    for one in get_resolver().url_patterns if patterns is None else patterns:
        route = prefix + str(one.pattern)
        if isinstance(one, URLResolver):
            yield from doors(one.url_patterns, route)
        else:
            yield route, one


def plain(prefix: str) -> list[str]:
    """Return the addresses below a prefix that need no arguments."""
    routes = {route.replace("^", "").replace("$", "").replace("\\Z", "") for route, _ in doors()}
    return sorted(f"/{route}" for route in routes if route.startswith(prefix) and not set(route) & set("<(\\[?*"))


def test_every_address_outside_cms_says_who_may_enter() -> None:
    unmarked = {r for r, one in doors() if not r.startswith("cms/") and not getattr(one.callback, "access", None)}
    assert unmarked == WAGTAIL


def test_the_desk_is_for_employees_only() -> None:
    marks = {route: getattr(one.callback, "access", ()) for route, one in doors() if route.startswith("desk/")}
    assert len(marks) > 40
    assert [route for route, access in marks.items() if "public" in access] == []


@pytest.mark.django_db
@pytest.mark.parametrize("address", plain("desk/"))
def test_a_stranger_at_the_desk_is_sent_to_sign_in(address: str, client: Client) -> None:
    answer = client.get(address)
    assert (answer.status_code, answer.headers.get("Location", "").split("?")[0]) == (302, "/accounts/login/")
    assert client.post(address).status_code in {401, 405}


@pytest.mark.django_db
def test_a_stranger_in_cms_is_sent_to_sign_in(client: Client) -> None:
    addresses = [address for address in plain("cms/") if address[1:] not in OPEN_IN_CMS]
    assert len(addresses) > 30
    let_in = []
    for address in addresses:
        answer = client.get(address)
        if answer.status_code not in {301, 302, 403, 404}:
            let_in.append((address, answer.status_code))
    assert let_in == []


@pytest.mark.django_db
@pytest.mark.parametrize("address", plain("desk/"))
def test_an_employee_without_a_role_breaks_nothing(address: str, client: Client) -> None:
    client.force_login(Employee.objects.create_user("newcomer", password=None, last_name="Новиков"))
    assert client.get(address).status_code in {200, 302, 403, 404, 405}
    before = JournalEntry.objects.count()
    assert client.post(address).status_code < 500
    assert JournalEntry.objects.count() == before


def test_only_programs_with_keys_send_without_the_mark_of_a_form() -> None:
    exempt = {route for route, one in doors() if getattr(one.callback, "csrf_exempt", False)}
    # Wagtail's own listings for its choosers only read. The public form checks the mark itself, once the handler that
    # bears big files is in place. The questionnaire's form bears a signed key of its own: it needs no cookie.
    # Servers of the other sides prove who they are by a secret that their channel checks.
    # The form in a frame of another site gets no cookie: nothing is sent without the one-time id we have signed.
    checked = {"write/", "account/letters/<int:pk>/more/"}
    asked = {"embed/write/", "o/<str:code>/", "o/<str:code>/<str:token>/contact/", "hooks/<slug:channel>/"}
    assert {route for route in exempt if not route.startswith(("api/v1/", "cms/api/main/"))} == checked | asked


@pytest.mark.once
@pytest.mark.django_db
def test_no_address_takes_a_form_without_its_mark(client: Client) -> None:
    chief = Employee.objects.create_superuser("chief", password=None, last_name="Главный")
    client = Client(enforce_csrf_checks=True)
    client.force_login(chief)
    addresses = [one for one in plain("") if not one.startswith(("/api/v1/", "/embed/"))]
    addresses += [f"/{route}" for route in by_number("desk/", "accounts/", "account/", "stand/", "write/", "status/")]
    assert len(addresses) > 150
    before = JournalEntry.objects.count()
    answers = {one: client.post(one, {"next": "/desk/"}).status_code for one in addresses}
    assert {one for one, status in answers.items() if status != 403 and not one.startswith("/cms/api/main/")} == set()
    assert set(answers.values()) <= {403, 404, 405}
    assert JournalEntry.objects.count() == before


def by_number(*prefixes: str) -> Iterator[str]:
    """Yield the addresses below these prefixes that ask for numbers, days or short words, filled with some."""
    some = {"day": "2026-11-24", "slug": "next", "str": "x", "path": "x"}
    for route, _ in doors():
        if route.startswith(prefixes) and "<" in route:
            yield re.sub(r"<(\w+):\w+>", lambda asked: some.get(asked[1], "1"), route)


ELSEWHERE = (
    *("https://evil.example/", "//evil.example", "/\\evil.example", "\\\\evil.example", "https:evil.example"),
    *("http:///evil.example", "javascript:alert(1)", "\thttps://evil.example", "https://testserver@evil.example/"),
    *("https://testserver.evil.example/", "ftp://testserver/", "data:text/html,x"),
)


@pytest.mark.once
@pytest.mark.django_db
@pytest.mark.parametrize("away", ELSEWHERE)
def test_no_next_leads_off_this_host(away: str, client: Client) -> None:
    password = "Correct-horse-77"
    employee = Employee.objects.create_user("worker", password=password, last_name="Новиков")
    sent = {"login": "worker", "password": password, "next": away}
    answers = [client.post("/accounts/login/", sent), client.get("/accounts/login/", {"next": away})]
    answers += [client.post("/theme/", {"theme": "dark", "next": away}), client.get("/accounts/again/", {"next": away})]
    answers += [client.post("/accounts/again/", {"password": password, "next": away})]
    answers += [client.post("/accounts/logout/", {"next": away})]
    for door in ("/cms/login/", "/kb/_util/login/"):
        answers += [client.get(door, {"next": away}, follow=True)]
        client.force_login(employee)
        answers += [client.get(door, {"next": away}, follow=True)]
        client.logout()
    gone = [one.headers.get("Location", "/") for one in answers]
    gone += [url for one in answers for url, _ in getattr(one, "redirect_chain", ())]
    assert [one for one in gone if not one.startswith("/") or one.startswith(("//", "/\\"))] == []
    request = RequestFactory().post("/", {"next": away})
    assert safe_back(request, "/desk/") == "/desk/"
