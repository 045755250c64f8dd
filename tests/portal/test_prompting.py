"""«Возможно, ответ уже есть»: offered while one writes, never in the way, counted without a trace of who or what."""

from __future__ import annotations

import re
from datetime import timedelta
from unittest import mock

import pytest
from django.db import OperationalError
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from otklik.knowledge import deflection
from otklik.knowledge.finding import Scope
from otklik.knowledge.models import Audience, Faq, KnowledgeHome, Mark, Prompted, Section
from otklik.knowledge.public import let_out
from otklik.people.models import Unit
from otklik.portal import write
from tests.portal.test_write import PERSON

pytestmark = pytest.mark.django_db
WORDS = "Как оформить гараж в собственность"


@pytest.fixture(autouse=True)
def garage(db, monkeypatch) -> Faq:
    monkeypatch.setattr(write, "QUICKEST_SECONDS", -1)
    unit = Unit.objects.create(name="Отдел", short_name="Отдел", valid_from="2024-01-01")
    section = KnowledgeHome.objects.get().add_child(instance=Section(title="Гаражи", slug="garages", unit=unit))
    section.save_revision().publish()
    for mark in (Mark.PUBLIC, Mark.INTERNAL):
        faq = Faq(title=f"Оформить гараж в собственность: {mark.label}", slug=str(mark), mark=mark, live=False)
        faq.short_answer, faq.body = "Подайте заявление.", "<p>Гараж оформляют в собственность.</p>"
        section.add_child(instance=faq).save_revision().publish()
        faq.refresh_from_db()
        if mark == Mark.PUBLIC:
            let_out(faq)
            kept = faq
    return kept


@pytest.fixture
def citizen() -> Client:
    return Client()


def token(client: Client) -> str:
    return re.search(r'name="form" value="([^"]+)"', client.get("/write/").content.decode())[1]


def offered(client: Client, form: str, text: str = WORDS) -> str:
    return client.post(reverse("portal:write_answers"), {"text": text, "form": form}).content.decode()


def figures() -> tuple[int, int, int]:
    today = timezone.localdate()
    got = deflection.figures(Scope(Audience.PUBLIC, today - timedelta(days=1), today + timedelta(days=1)))
    return got.shown, got.opened, got.not_sent


def later(monkeypatch, minutes: int = 31) -> None:
    moment = timezone.now() + timedelta(minutes=minutes)
    monkeypatch.setattr(timezone, "now", lambda: moment)


def test_answers_on_the_site_are_offered_and_no_others(citizen, garage):
    text = offered(citizen, token(citizen))
    assert "Возможно, ответ уже есть" in text
    assert garage.title in text
    assert "внутренний" not in text
    assert 'target="_blank"' in text  # what was typed stays where it is
    assert offered(citizen, token(citizen), "дирижабль квазистационарный выпуклый").strip() == ""
    assert offered(citizen, token(citizen), "гараж").strip() == ""  # one word asks nothing yet


def test_the_page_works_without_scripts_and_asks_only_for_the_text(citizen):
    page = citizen.post("/write/", {**PERSON, "form": token(citizen), "step": "answer", "go": "next"}).content.decode()
    [part] = re.findall(r'<div id="answers".*?</div>', page, re.S)
    assert part.split(">", 1)[1].strip() == "</div>"  # empty until it is asked for
    assert page.index('id="answers"') > page.index("</form>", page.index("portal-form"))  # sending does not wait for it
    assert "autofocus" not in part
    assert 'id="answers"' not in citizen.get("/write/").content.decode()  # other steps ask nothing


def test_who_opens_an_answer_and_does_not_send_is_counted_once_he_is_gone(citizen, monkeypatch):
    form = token(citizen)
    offered(citizen, form)
    offered(citizen, form, f"{WORDS} и землю под ним")
    assert citizen.post(reverse("portal:write_opened"), {"form": form}).status_code == 204
    citizen.post(reverse("portal:write_opened"), {"form": form})
    assert Prompted.objects.count() == 1
    assert figures() == (0, 0, 0)  # he may still be writing
    later(monkeypatch)
    assert figures() == (1, 1, 1)


def test_who_sends_after_all_has_not_been_spared_writing(citizen, monkeypatch):
    form = token(citizen)
    offered(citizen, form)
    citizen.post(reverse("portal:write_opened"), {"form": form})
    answer = citizen.post("/write/", {**PERSON, "form": form, "step": "review", "go": "send"})
    assert answer.status_code == 302
    assert figures() == (1, 1, 0)
    other = token(citizen)
    offered(citizen, other)
    later(monkeypatch)
    assert figures() == (2, 1, 0)  # who was shown and opened nothing is no success either


def test_nothing_of_the_person_or_his_words_is_kept(citizen):
    form = token(citizen)
    offered(citizen, form)
    row = str({field.attname: getattr(Prompted.objects.get(), field.attname) for field in Prompted._meta.fields})
    for private in ("гараж", "Гараж", form, str(write.signing.loads(form, salt=write.FORM_SALT))):
        assert private not in row


def test_a_form_that_is_not_ours_is_not_counted(citizen):
    offered(citizen, "made-up")
    citizen.post(reverse("portal:write_opened"), {"form": "made-up"})
    deflection.opened("never offered")
    assert not Prompted.objects.exists()


def test_a_program_does_not_fill_the_table(citizen, monkeypatch):
    monkeypatch.setattr(deflection, "MOST_A_MINUTE", 2)
    for number in range(5):
        deflection.shown(str(number))
    assert Prompted.objects.count() == 2


def test_sending_does_not_wait_for_the_counting(citizen):
    form = token(citizen)
    with mock.patch.object(Prompted.objects, "filter", side_effect=OperationalError):
        answer = citizen.post("/write/", {**PERSON, "form": form, "step": "review", "go": "send"})
    assert answer.status_code == 302
