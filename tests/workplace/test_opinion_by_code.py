"""A one-time code, named on the line or given on the card of an appeal, ties what is said by QR to what it is about."""

from __future__ import annotations

import re
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from otklik.appeals import dispatch
from otklik.appeals.models import Appeal
from otklik.core.models import JournalEntry
from otklik.hotline import consultations
from otklik.reports import opinions
from otklik.surveys import defaults as surveys
from otklik.surveys.models import Response, SurveyPoint
from tests.appeals.conftest import World
from tests.desk import at as address
from tests.desk import desk
from tests.hotline.conftest import NUMBER, consultant, consultant2, line  # noqa: F401
from tests.reception import people

pytestmark = pytest.mark.django_db
CODE = re.compile(r"\b\d{3} \d{3} \d{3}\b")
GOOD = {"channel": "hotline", "answered": "yes", "quality": "partial", "about": "land"}


@pytest.fixture
def world(db: None) -> World:
    return World()


def say(path: str, code: str, **words: str) -> Any:
    """Answer at a point of the site as a citizen does, by a code."""
    citizen = Client()
    key = re.search(r'name="key" value="([^"]+)"', citizen.get(path).content.decode())
    assert key is not None
    return citizen.post(path, {**GOOD, **words, "key": key[1], "invitation": code})


def code_on(page: Any) -> str:
    found = CODE.search(page.content.decode())
    return found[0] if found else ""


@pytest.fixture
def talk(line, consultant):  # noqa: F811
    surveys.load()
    return consultations.open_for(None, line=line, number=NUMBER, by=consultant)


def test_a_code_named_on_the_line_shows_the_answer_on_the_consultation(world, talk, consultant):  # noqa: F811
    client = desk(consultant)
    screen = client.get(address("call", talk.pk)).content.decode()
    assert "Назвать код" in screen
    assert not CODE.search(screen)
    part = client.post(address("call_act", talk.pk, "code"), headers={"HX-Request": "true"})
    code = code_on(part)
    assert "введите на той же странице код" in part.content.decode()
    assert code_on(client.post(address("call_act", talk.pk, "code"), headers={"HX-Request": "true"})) == code
    assert code_on(client.get(address("call", talk.pk))) == code
    # The two questions are answered by voice besides; the code is another answer, not the same one.
    closed = {"q-answered": "yes", "q-quality": "satisfied", "told_of_qr": "1", "outcome": "answered"}
    assert client.post(address("call_close", talk.pk), closed).status_code == 302
    card = client.get(address("consultation", talk.pk)).content.decode()
    assert f"{code}</strong> назван звонящему, отзыва пока нет" in card
    assert say("/o/13/", code, comment="Перезвоните на 8 913 555-44-33").status_code == 302
    card = client.get(address("consultation", talk.pk)).content.decode()
    assert "Отзыв по коду" in card
    assert "частично удовлетворен" in card.lower()
    assert "555-44-33" not in card
    assert code not in card
    today = timezone.localdate()
    about = opinions.opinions(world.clerk, opinions.Scope(today, today, source="qr")).get()
    assert (about.of_consultation, about.of_consultant) == (talk.pk, consultant.pk)
    assert JournalEntry.objects.filter(action="consultation.code_given").count() == 1
    assert code.replace(" ", "") not in str(list(JournalEntry.objects.values_list("data", flat=True)))


def test_no_code_is_offered_where_nobody_can_enter_it(talk, consultant):  # noqa: F811
    SurveyPoint.objects.update(valid_to=timezone.localdate().replace(year=2020))
    assert "Назвать код" not in desk(consultant).get(address("call", talk.pk)).content.decode()


def test_a_colleague_names_no_code_and_a_closed_consultation_has_none_to_give(talk, consultant, consultant2):  # noqa: F811
    assert desk(consultant2).post(address("call_act", talk.pk, "code")).status_code == 404
    consultations.close(talk, "dropped", by=consultant)
    desk(consultant).post(address("call_act", talk.pk, "code"))
    talk.refresh_from_db()
    assert talk.code_invitation is None


def test_an_applicant_is_invited_on_the_card_and_his_answer_is_seen_there(world: World) -> None:
    surveys.load()
    sent = dispatch.send(world.signed(world.registered_email()), by=world.clerk).message.thread.appeal
    client = desk(world.clerk)
    assert "Пригласить оценить" in client.get(address("card", sent.pk)).content.decode()
    page = client.get(address("invite", sent.pk))
    assert not code_on(page)
    assert client.post(address("invite", sent.pk)).status_code == 302
    page = client.get(address("invite", sent.pk))
    code, words = code_on(page), page.content.decode()
    point = SurveyPoint.objects.get(channel="website")
    assert f"/o/{point.code}" in words
    assert "<svg" in words
    client.post(address("invite", sent.pk))
    assert code_on(client.get(address("invite", sent.pk))) == code
    assert JournalEntry.objects.filter(action="appeal.code_given", chain=f"appeal:{sent.pk}").count() == 1
    assert say(f"/o/{point.code}/", code).status_code == 302
    sent = Appeal.objects.get(pk=sent.pk)
    assert Response.objects.get().invitation_id == sent.invitation_id
    assert "частично удовлетворен" in client.get(address("context", sent.pk)).content.decode().lower()
    again = client.post(address("invite", sent.pk))
    assert again.status_code == 422
    assert "уже оставил отзыв" in again.content.decode()


def test_who_was_received_is_invited_and_what_he_says_is_seen_on_the_card_of_the_reception(world: World) -> None:
    surveys.load()
    official = people.official()
    card = people.card(people.appointment(official, people.room()), state="finished")
    client = desk(official)
    assert "Пригласить оценить" in client.get(address("reception_card", card.pk)).content.decode()
    assert not code_on(client.get(address("reception_invite", card.pk)))
    assert client.post(address("reception_invite", card.pk)).status_code == 302
    code = code_on(client.get(address("reception_invite", card.pk)))
    point = SurveyPoint.objects.get(channel="website")
    assert say(f"/o/{point.code}/", code, channel="reception", comment="Звоните 8 913 555-44-33").status_code == 302
    shown = client.get(address("reception_card", card.pk)).content.decode()
    assert "частично удовлетворен" in shown.lower()
    assert "555-44-33" not in shown
    again = client.post(address("reception_invite", card.pk))
    assert (again.status_code, "уже оставил отзыв" in again.content.decode()) == (422, True)
    assert JournalEntry.objects.filter(action="reception.code_given", chain=f"reception:{card.pk}").count() == 1


def test_a_reception_that_is_not_over_is_judged_by_nobody(world: World) -> None:
    surveys.load()
    official = people.official()
    card = people.card(people.appointment(official, people.room()), state="open")
    client = desk(official)
    assert "Пригласить оценить" not in client.get(address("reception_card", card.pk)).content.decode()
    assert client.post(address("reception_invite", card.pk)).status_code == 422
    assert desk(world.executor).get(address("reception_invite", card.pk)).status_code == 403


def test_before_the_answer_has_left_and_to_who_only_reads_no_code_is_given(world: World) -> None:
    waiting = world.signed()
    assert "Пригласить оценить" not in desk(world.clerk).get(address("card", waiting.pk)).content.decode()
    assert desk(world.clerk).post(address("invite", waiting.pk)).status_code == 422
    sent = dispatch.send(waiting, by=world.clerk).message.thread.appeal
    assert desk(world.auditor).post(address("invite", sent.pk)).status_code == 403


def test_the_qr_code_of_the_slip_brings_the_code_along(client: Client, db: None) -> None:
    surveys.load()
    page = client.get("/o/13/?k=123456789").content.decode()
    assert 'value="123456789"' in page
    assert '<details class="portal-field" open>' in page
