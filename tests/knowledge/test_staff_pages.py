"""The Knowledge Base as employees read it, in a fixed number of queries."""

from __future__ import annotations

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from otklik.knowledge import materials
from otklik.knowledge.models import Mark

pytestmark = pytest.mark.django_db


def test_only_those_who_may_read_enter(client, employee, garages, publish):
    page = publish(garages, "Вопрос")
    addresses = [
        reverse("workplace:knowledge"),
        reverse("workplace:knowledge_section", args=[garages.pk]),
        reverse("workplace:knowledge_material", args=[page.pk]),
    ]
    assert all(client.get(address).status_code == 302 for address in addresses)
    client.force_login(employee("stranger"))
    assert all(client.get(address).status_code == 403 for address in addresses)


def test_the_home_shows_functions_with_counts_and_finds(client, reader, garages, leases, publish):
    publish(garages, "Как оформить гараж")
    publish(garages, "Тайна гаража", Mark.INTERNAL)
    client.force_login(reader)
    text = client.get(reverse("workplace:knowledge")).content.decode()
    assert "2\u00a0материала" in text or "2 материала" in text
    assert "Аренда участков" not in text  # nothing to read there yet
    found = client.get(reverse("workplace:knowledge"), {"q": "гараж"}).content.decode()
    assert "Как оформить гараж" in found
    assert "Тайна гаража" in found
    assert "<mark>" in found


def test_as_one_types_only_the_part_that_changes_is_sent(client, reader, garages, publish):
    publish(garages, "Как оформить гараж")
    client.force_login(reader)
    part = client.get(reverse("workplace:knowledge"), {"q": "гар"}, headers={"HX-Request": "true"}).content.decode()
    assert "Как оформить гараж" in part
    assert "<html" not in part


def test_nothing_found_says_what_to_do(client, reader, garages):
    client.force_login(reader)
    text = client.get(reverse("workplace:knowledge"), {"q": "<b>вертолёт"}).content.decode()
    assert "&lt;b&gt;вертолёт" in text
    assert "Скажите иначе" in text
    assert reverse("workplace:knowledge_ask") in text


def test_a_material_shows_the_short_answer_who_keeps_it_and_its_use(client, reader, garages, publish):
    page = publish(garages, "Вопрос", Mark.INTERNAL)
    other = publish(garages, "Соседний вопрос")
    materials.record_use(page.pk, "inserted", by=reader)
    client.force_login(reader)
    text = client.get(reverse("workplace:knowledge_material", args=[page.pk])).content.decode()
    for shown in ("Коротко: Вопрос.", "Подробно", "Отдел земли", "внутренний", other.title, "1\u00a0раз"):
        assert shown in text


def test_only_those_who_may_edit_are_offered_it(client, reader, author, garages, leases, publish):
    own, foreign = publish(garages, "Вопрос"), publish(leases, "Чужой")
    for person, page, offered in ((reader, own, False), (author, own, True), (author, foreign, False)):
        client.force_login(person)
        text = client.get(reverse("workplace:knowledge_material", args=[page.pk])).content.decode()
        assert (reverse("wagtailadmin_pages:edit", args=[page.pk]) in text) is offered


def test_what_is_not_published_is_not_found(client, reader, garages, publish):
    page = publish(garages, "Вопрос")
    page.unpublish()
    client.force_login(reader)
    assert client.get(reverse("workplace:knowledge_material", args=[page.pk])).status_code == 404
    garages.unpublish()
    assert client.get(reverse("workplace:knowledge_section", args=[garages.pk])).status_code == 404


STAFF_PAGES = {"home": 14, "section": 12, "material": 10, "search": 20}
PUBLIC_PAGES = {"/kb/": 10, "/kb/garages/": 10, "/kb/garages/m0/": 10, "/kb/?q=вопрос": 14}


def staff_address(name: str, section: int, page: int) -> str:
    if name == "search":
        return reverse("workplace:knowledge") + "?q=вопрос"
    target = {"home": [], "section": [section], "material": [page]}[name]
    return reverse({"home": "workplace:knowledge"}.get(name, f"workplace:knowledge_{name}"), args=target)


def test_pages_cost_the_same_however_much_is_written(client, reader, home, garages, leases, publish, monkeypatch):
    now = timezone.now()
    monkeypatch.setattr(timezone, "now", lambda: now)  # a search half an hour old is another search
    page, staff = publish(garages, "Вопрос первый"), Client()
    staff.force_login(reader)
    pages = [(client, address, most) for address, most in PUBLIC_PAGES.items()]
    pages += [(staff, staff_address(name, garages.pk, page.pk), most) for name, most in STAFF_PAGES.items()]
    client.get("/kb/", {"q": "вопрос"})  # whoever has searched is asked whether he has found
    little = [_queries(who, address) for who, address, _ in pages]
    for number in range(6):
        publish(garages, f"Вопрос о гараже {number}")
        publish(leases, f"Вопрос об аренде {number}")
    for (who, address, most), before in zip(pages, little, strict=True):
        after = _queries(who, address)
        assert len(after) <= min(len(before), most), "\n".join([address, *before, "— and now —", *after])


def _queries(client, address: str) -> list[str]:
    client.get(address)
    with CaptureQueriesContext(connection) as queries:
        assert client.get(address).status_code == 200
    return [one["sql"] for one in queries]
