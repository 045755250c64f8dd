"""How often a material is read is told to whoever reviews it, by whichever way readers came; nobody is named."""

from __future__ import annotations

import pytest
from django.test import Client
from django.urls import reverse

from otklik.knowledge import readings, review
from otklik.knowledge.models import Audience, Mark, ReadingDay
from tests.appeals.test_races import at_once

pytestmark = pytest.mark.django_db


def told(page) -> str:
    return next(fact.text for fact in review.evidence(page) if fact.title == "Читали за год")


def test_a_page_that_stays_open_is_counted_and_one_only_looked_in_is_not(garages, publish, reader):
    page = publish(garages, "Как оформить гараж")
    client = Client()
    client.force_login(reader)
    shown = client.get(reverse("workplace:knowledge_material", args=[page.pk])).content.decode()
    assert told(page) == "сотрудники ни разу, клиенты на сайте ни разу"
    address = reverse("workplace:knowledge_read", args=[page.pk])
    assert f'hx-post="{address}" hx-trigger="load delay:3s"' in shown
    for _ in range(3):
        assert client.post(address).status_code == 204
    assert told(page) == "сотрудники 3\xa0раза, клиенты на сайте ни разу"


def test_of_a_citizen_only_the_number_is_kept_and_only_of_what_is_on_the_site(garages, publish):
    page, inner = publish(garages, "Как оформить гараж"), publish(garages, "Только для своих", mark=Mark.INTERNAL)
    client = Client()
    assert f'hx-post="/read/{page.pk}/"' in client.get(page.get_url()).content.decode()
    answer = client.post(f"/read/{page.pk}/")
    assert (answer.status_code, answer.cookies) == (204, {})
    assert told(page) == "сотрудники ни разу, клиенты на сайте 1\xa0раз"
    for pk in (inner.pk, 10**30, 0):
        assert client.post(f"/read/{pk}/").status_code == 404
    assert [(row.page_id, row.times) for row in ReadingDay.objects.all()] == [(page.pk, 1)]


def test_what_an_employee_may_not_read_he_does_not_count(garages, publish, reader):
    page = publish(garages, "Как оформить гараж", mark=Mark.INTERNAL)
    page.unpublish()
    client = Client()
    client.force_login(reader)
    assert client.post(reverse("workplace:knowledge_read", args=[page.pk])).status_code == 404
    assert not ReadingDay.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_of_readings_at_once_none_is_lost(garages, publish):
    page = publish(garages, "Как оформить гараж")
    at_once(*[lambda: readings.note(page.pk, Audience.STAFF)] * 6)
    assert ReadingDay.objects.get().times == 6
