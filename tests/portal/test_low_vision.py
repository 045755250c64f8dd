"""«Версия для слабовидящих»: on every public page, remembered without scripts, nothing about the person kept."""

from __future__ import annotations

import re

import pytest
from django.test import Client
from django.urls import reverse

from otklik.core.low_vision import CHOICES, COOKIE, View
from otklik.people.models import Employee

pytestmark = pytest.mark.django_db
PAGES = ("/", "/write/", "/status/", "/how-to-file/", "/nothing-here/")


def html_tag(client: Client, address: str) -> str:
    found = re.search(r"<html[^>]*>", client.get(address).content.decode())
    assert found
    return found.group()


def choose(client: Client, **pressed: str) -> None:
    answer = client.post(reverse("low_vision"), {"next": "/write/", **pressed})
    assert (answer.status_code, answer.headers["Location"]) == (302, "/write/")


def test_the_way_to_it_stands_first_on_every_page_of_the_portal(client: Client) -> None:
    for address in PAGES[:4]:
        page = client.get(address).content.decode()
        assert page.index("Версия для слабовидящих") < page.index("<header"), address
        assert "low_vision.css" not in page


def test_pressed_once_it_is_on_everywhere_and_stays(client: Client) -> None:
    choose(client, on="1")
    for address in PAGES:
        assert View().classes in html_tag(client, address), address
    assert int(client.cookies[COOKIE]["max-age"]) > 300 * 24 * 3600


@pytest.mark.parametrize(("name", "code"), [(name, code) for name, codes in CHOICES.items() for code in codes])
def test_each_choice_is_drawn_by_the_server_and_pressed_in_the_settings(client: Client, name: str, code: str) -> None:
    choose(client, **{name: code})
    assert f"lv-{name}-{code}" in html_tag(client, "/")
    pressed = re.findall(r'name="(\w+)" value="(\w+)" aria-pressed="true"', client.get("/").content.decode())
    assert (name, code) in pressed
    assert len(pressed) == len(CHOICES)


def test_one_choice_leaves_the_others(client: Client) -> None:
    choose(client, size="200")
    choose(client, colours="black")
    assert "lv-size-200" in html_tag(client, "/")
    assert "lv-colours-black" in html_tag(client, "/")
    assert client.cookies[COOKIE].value == "200.normal.black.on"


def test_the_usual_version_comes_back_and_nothing_is_kept(client: Client) -> None:
    choose(client, on="1")
    choose(client, off="1")
    assert client.cookies[COOKIE].value == ""
    assert "lv" not in html_tag(client, "/")


@pytest.mark.parametrize("kept", ["x", "9999.normal.white.on", '200."><script>.white.on', "...", "a.b.c.d.e.f"])
def test_a_spoilt_cookie_gives_the_usual_choices(client: Client, kept: str) -> None:
    client.cookies[COOKIE] = kept
    tag = html_tag(client, "/")
    assert tag.count("lv-") == len(CHOICES)
    assert "script" not in tag
    assert "lv-spacing-normal" in tag


def test_a_choice_that_is_none_and_a_foreign_address_change_nothing(client: Client) -> None:
    answer = client.post(reverse("low_vision"), {"size": "500", "next": "https://elsewhere.example/"})
    assert answer.headers["Location"] == "/"
    assert client.cookies[COOKIE].value == View().cookie()
    assert client.get(reverse("low_vision")).status_code == 405


def test_the_desk_keeps_its_own_look(client: Client, django_user_model: type[Employee]) -> None:
    employee = django_user_model.objects.create_user("who", password=None, last_name="Тихая", first_name="Анна")
    client.force_login(employee, backend="django.contrib.auth.backends.ModelBackend")
    choose(client, on="1")
    assert "lv" not in html_tag(client, "/desk/")
