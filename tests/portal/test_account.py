"""«Личный кабинет»: signing in by a real provider decides the regime, and shows nothing of anybody else."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import timedelta
from typing import Any
from unittest import mock
from urllib.parse import parse_qs, quote, urlsplit

import oidc_provider_mock
import pytest
import requests
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import OperationalError
from django.test import Client
from django.utils import timezone

from otklik.appeals import registration
from otklik.appeals.models import Appeal, Dispatch
from otklik.channels.site.adapter import SiteChannel
from otklik.channels.site.models import Receipt
from otklik.core import files
from otklik.core.models import JournalEntry
from otklik.correspondence import inbox
from otklik.correspondence.models import IncomingMessage, OutgoingFile, OutgoingMessage
from otklik.people import citizens
from otklik.people.models import Citizen, CitizenSession, Employee
from otklik.portal import signin, write
from tests.appeals.conftest import World

ANNA = {
    "family_name": "Небывалова",
    "given_name": "Анна",
    "middle_name": "Ильинична",
    "email": "anna@citizen.example",
    "phone_number": "+7 913 000-00-01",
}
PDF = b"%PDF-1.4\n1 0 obj<<>>endobj\ntrailer<<>>\nstartxref\n9\n%%EOF\n"


@pytest.fixture(scope="module")
def server():
    with oidc_provider_mock.run_server_in_thread() as running:
        yield f"http://localhost:{running.server_port}"


@pytest.fixture(autouse=True)
def provider(server, settings, monkeypatch):
    settings.CITIZEN_OIDC_URL = server
    settings.CITIZEN_OIDC_CLIENT_ID, settings.CITIZEN_OIDC_SECRET = "otklik-portal", "s"
    monkeypatch.setattr(write, "QUICKEST_SECONDS", -1)


@pytest.fixture
def world(db):
    return World()


def come_back(server: str, client: Client, sub: str, claims: dict[str, str], start: str) -> Any:
    """Go to the provider and return what it sends the browser back with."""
    requests.put(f"{server}/users/{quote(sub)}", json=claims, timeout=5).raise_for_status()
    sent = client.get(start)
    assert sent.url.startswith(server)
    asked = parse_qs(urlsplit(sent.url).query)
    assert asked["code_challenge_method"] == ["S256"]
    assert asked["nonce"]
    assert asked["state"]
    back = requests.post(sent.url, data={"sub": sub}, allow_redirects=False, timeout=5)
    return urlsplit(back.headers["Location"])


def enter(server, sub="s-anna", claims=ANNA, *, client=None, start="/account/sign-in/"):
    client = client or Client()
    to = come_back(server, client, sub, claims, start)
    return client, client.get(f"{to.path}?{to.query}")


def form_token(client):
    return re.search(r'name="form" value="([^"]+)"', client.get("/write/").content.decode())[1]


def filled(client, **changes):
    page = client.get("/write/").content.decode()
    marked = re.search(r'name="shown_to" value="([^"]*)"', page)[1]
    token = re.search(r'name="form" value="([^"]+)"', page)[1]
    said = {"kind": "person", "answer_by": "website", "text": "Прошу продлить аренду."}
    return {"form": token, "shown_to": marked, "step": "review", "go": "send", **said, **changes}


def read_all():
    for message in IncomingMessage.objects.filter(state="stored"):
        inbox.parse(message, {"website": SiteChannel()})


def sent_by(client, **changes):
    assert client.post("/write/", filled(client, **changes)).status_code == 302
    read_all()
    return IncomingMessage.objects.latest("pk")


def registered(message, world):
    entry = registration.propose(message).entry
    return registration.register(message, replace(entry, needs_answer=True), by=world.clerk)


def answered(appeal, world):
    """Put an answer that has left on the appeal."""
    outgoing = OutgoingMessage.objects.create(
        thread=appeal.thread, channel="website", kind="answer", state="sent", subject="Ответ",
        text="Аренда продлена.", sent_at=timezone.now(), not_before=timezone.now(),
    )  # fmt: skip
    stored = files.store(PDF, name="ответ.pdf")
    row = OutgoingFile.objects.create(message=outgoing, stored=stored, name="ответ.pdf")
    frozen = world.signed().frozen.get()
    type(frozen).objects.filter(pk=frozen.pk).update(appeal=appeal)
    Dispatch.objects.create(answer=frozen, message=outgoing, by=world.clerk, at=timezone.now())
    return row


@pytest.mark.django_db
def test_an_applicant_comes_in_and_becomes_no_employee(server):
    people = Employee.objects.count()
    client, answer = enter(server)
    assert answer.url == "/account/"
    page = client.get("/account/").content.decode()
    assert "Небывалова Анна Ильинична" in page
    assert Employee.objects.count() == people
    assert client.get("/desk/").status_code == 302
    assert client.get("/desk/").url.startswith("/accounts/login/")
    assert client.get("/cms/").status_code == 302
    assert "sessionid" not in client.cookies
    cookie = client.cookies[signin.SESSION_COOKIE]
    assert cookie["httponly"]
    assert cookie["samesite"] == "Lax"
    row = CitizenSession.objects.get()
    assert "Небывалова" not in row.said
    assert cookie.value not in (row.key_hash, row.said)
    entry = JournalEntry.objects.get(action="citizen.entered")
    assert (entry.by, entry.data) == (None, {}) if hasattr(entry, "by") else entry.data == {}


@pytest.mark.django_db
def test_an_employee_s_session_is_no_applicant_s_and_both_live_side_by_side(server, world):
    client = Client()
    client.force_login(world.clerk, backend="django.contrib.auth.backends.ModelBackend")
    assert "Войти" in client.get("/account/").content.decode()
    client, _ = enter(server, client=client)
    client.post("/account/sign-out/")
    assert client.get("/desk/").status_code == 200


@pytest.mark.django_db
def test_signing_out_forgets_what_the_provider_said(server):
    client, _ = enter(server)
    kept = client.cookies[signin.SESSION_COOKIE].value
    client.post("/account/sign-out/")
    assert not CitizenSession.objects.exists()
    client.cookies[signin.SESSION_COOKIE] = kept
    assert "Небывалова" not in client.get("/account/").content.decode()
    assert JournalEntry.objects.filter(action="citizen.left").count() == 1


@pytest.mark.django_db
def test_a_session_ends_by_itself_and_its_words_are_swept(server):
    client, _ = enter(server)
    CitizenSession.objects.update(until=timezone.now() - timedelta(seconds=1))
    assert "Небывалова" not in client.get("/account/").content.decode()
    assert citizens.forget_old() == 1
    client, _ = enter(server)
    assert Citizen.objects.count() == 1
    CitizenSession.objects.update(
        until=timezone.now() + timedelta(minutes=5), began_at=timezone.now() - timedelta(hours=7, minutes=30)
    )
    client.get("/account/")
    left = CitizenSession.objects.get().until - timezone.now()
    assert timedelta(minutes=25) < left < timedelta(minutes=31), "no session is longer than the longest"


@pytest.mark.django_db
@pytest.mark.parametrize("state", ["", "other", "кириллица"])
def test_an_answer_to_another_sign_in_opens_nothing(server, state):
    client = Client()
    to = come_back(server, client, "s-anna", ANNA, "/account/sign-in/")
    code = parse_qs(to.query)["code"][0]
    answer = client.get("/account/signed-in/", {"code": code, "state": state})
    assert answer.status_code == 403
    assert "не на ваш вход" in answer.content.decode()
    # The attempt is over: the right answer, brought afterwards, opens nothing either.
    assert client.get(f"{to.path}?{to.query}").status_code == 403
    assert Client().get(f"{to.path}?{to.query}").status_code == 403, "another browser"
    assert not CitizenSession.objects.exists()


@pytest.mark.django_db
def test_an_answer_used_twice_is_refused(server):
    client = Client()
    to = come_back(server, client, "s-anna", ANNA, "/account/sign-in/")
    attempt = client.cookies[signin.ATTEMPT_COOKIE].value
    assert client.get(f"{to.path}?{to.query}").status_code == 302
    client.cookies[signin.ATTEMPT_COOKIE] = attempt
    again = client.get(f"{to.path}?{to.query}")
    assert again.status_code == 403
    assert "Начните вход заново" in again.content.decode()


@pytest.mark.django_db
def test_who_changes_his_mind_at_the_provider_is_told_how_to_go_on():
    client = Client()
    sent = client.get("/account/sign-in/")
    state = parse_qs(urlsplit(sent.url).query)["state"][0]
    answer = client.get("/account/signed-in/", {"error": "access_denied", "state": state})
    assert answer.status_code == 403
    assert "вход отменён" in answer.content.decode()
    assert 'href="/write/"' in answer.content.decode()


@pytest.mark.django_db
def test_an_unconfirmed_account_is_refused(server, settings):
    settings.CITIZEN_OIDC_CONFIRMED = "trusted"
    _, answer = enter(server)
    assert answer.status_code == 403
    assert "не подтверждена" in answer.content.decode()
    _, answer = enter(server, claims={**ANNA, "trusted": True})
    assert answer.status_code == 302


@pytest.mark.django_db
def test_a_silent_provider_is_told_and_writing_goes_on(settings):
    settings.CITIZEN_OIDC_URL = "http://127.0.0.1:9"
    answer = Client().get("/account/sign-in/")
    assert answer.status_code == 503
    assert "не отвечает" in answer.content.decode()
    assert Client().get("/write/").status_code == 200


@pytest.mark.django_db
def test_where_nobody_is_to_sign_in_nothing_offers_it(settings):
    settings.CITIZEN_OIDC_URL = ""
    client = Client()
    assert "/account/" not in client.get("/write/").content.decode()
    assert "не подключён" in client.get("/account/").content.decode()
    assert client.get("/account/sign-in/").status_code == 404
    assert client.get("/account/signed-in/").status_code == 404


@pytest.mark.django_db
def test_the_way_back_leads_to_our_own_pages_only(server):
    assert enter(server, start="/account/sign-in/?next=/write/")[1].url == "/write/"
    assert enter(server, start="/account/sign-in/?next=//evil.example/")[1].url == "/account/"


def test_a_message_sent_signed_in_is_an_appeal_and_one_without_is_not(server, world):
    client, _ = enter(server)
    page = client.get("/write/").content.decode()
    assert "это <strong>обращение</strong>" in page
    assert "не считается обращением" not in page
    message = sent_by(client)
    assert message.facts.get().data["identified"] is True
    assert message.sender_name == "Небывалова Анна Ильинична"
    assert registration.propose(message).entry.regime.pk == "59fz"
    done = client.get("/write/done/").content.decode()
    assert "это обращение" in done
    assert "/account/" in done
    stranger = Client()
    assert "не считается обращением" in stranger.get("/write/").content.decode()
    other = sent_by(stranger, last_name="Небывалова", first_name="Анна")
    assert registration.propose(other).entry.regime.pk == "outside_59fz"


def test_name_and_contacts_are_there_already_and_the_confirmed_name_stays(server, world):
    client, _ = enter(server)
    page = client.get("/write/").content.decode()
    for words in ("Небывалова", "anna@citizen.example", "+7 913 000-00-01"):
        assert words in page
    message = sent_by(client, last_name="Чужая", first_name="Имя", patronymic="")
    assert message.sender_name == "Небывалова Анна Ильинична"
    assert message.facts.get().data["applicant"]["last_name"] == "Небывалова"


def test_a_session_that_ended_costs_no_word_and_changes_nothing_unsaid(server, world):
    client, _ = enter(server)
    data = filled(client)
    CitizenSession.objects.all().delete()
    page = client.post("/write/", {**data, **{"last_name": "Небывалова", "first_name": "Анна"}})
    words = page.content.decode()
    assert page.status_code == 422
    assert "Вход в личный кабинет закончился" in words
    assert "Прошу продлить аренду." in words
    assert "не считается обращением" in words
    assert not IncomingMessage.objects.exists()
    # Signed in again in another tab, sent again: told that it is an appeal now, then it goes.
    client, _ = enter(server, client=client)
    hidden = dict(re.findall(r'name="(form|shown_to)" value="([^"]*)"', words))
    page = client.post("/write/", {**data, **hidden})
    assert page.status_code == 422
    assert "Вы вошли в личный кабинет" in page.content.decode()
    hidden = dict(re.findall(r'name="(form|shown_to)" value="([^"]*)"', page.content.decode()))
    assert client.post("/write/", {**data, **hidden}).status_code == 302
    assert Receipt.objects.get().citizen is not None


def test_a_database_that_is_away_costs_no_word(server, world):
    client, _ = enter(server)
    data = filled(client)
    with mock.patch.object(citizens.CitizenSession.objects, "filter", side_effect=OperationalError):
        page = client.post("/write/", data)
    assert page.status_code == 503
    assert "Прошу продлить аренду." in page.content.decode()


def test_the_account_shows_numbers_states_terms_and_answers_with_files(server, world):
    client, _ = enter(server)
    message = sent_by(client)
    page = client.get("/account/").content.decode()
    assert message.site_receipt.number in page
    assert "Ждёт регистрации" in page
    appeal = registered(message, world)
    page = client.get("/account/").content.decode()
    assert appeal.number in page
    assert "Ответим" in page
    row = answered(appeal, world)
    page = client.get(f"/account/letters/{message.pk}/").content.decode()
    assert "Аренда продлена." in page
    assert "Прошу продлить аренду." in page
    file = client.get(f"/account/letters/{message.pk}/files/{row.pk}/")
    assert b"".join(file.streaming_content) == PDF
    assert "Ответ отправлен" in client.get("/account/").content.decode()


def test_nothing_of_others_is_seen(server, world):
    anna, _ = enter(server)
    boris, _ = enter(server, "s-boris", {"family_name": "Другой", "given_name": "Борис"})
    hers = sent_by(anna)
    appeal = registered(hers, world)
    row = answered(appeal, world)
    his = sent_by(boris, text="Моё")
    assert hers.site_receipt.number not in boris.get("/account/").content.decode()
    for address in (
        f"/account/letters/{hers.pk}/",
        f"/account/letters/{hers.pk}/files/{row.pk}/",
        f"/account/letters/{his.pk}/files/{row.pk}/",
        "/account/letters/999999/",
        f"/account/letters/{10**30}/",
    ):
        assert boris.get(address).status_code == 404, address
    assert boris.post(f"/account/letters/{hers.pk}/more/", {"text": "чужое"}).status_code == 404
    # Joined by a clerk to her appeal, his message shows him nothing of it.
    registration.join(his, appeal, by=world.clerk)
    page = boris.get(f"/account/letters/{his.pk}/").content.decode()
    assert "Присоединено" in page
    assert "Аренда продлена" not in page
    assert appeal.number not in page
    assert boris.get(f"/account/letters/{his.pk}/files/{row.pk}/").status_code == 404
    for address in (f"/account/letters/{hers.pk}/", f"/account/letters/{hers.pk}/files/{row.pk}/"):
        assert Client().get(address).status_code == 302
    # A message sent without signing in, with the same name, is in nobody's account.
    sent_by(Client(), last_name="Небывалова", first_name="Анна", text="Без входа")
    assert anna.get("/account/").content.decode().count("<h2>") == 1


def test_what_is_added_joins_the_appeal_by_itself(server, world):
    client, _ = enter(server)
    message = sent_by(client)
    appeal = registered(message, world)
    address = f"/account/letters/{message.pk}/"
    token = re.search(r'name="form" value="([^"]+)"', client.get(address).content.decode())[1]
    upload = SimpleUploadedFile("план.pdf", PDF, "application/pdf")
    data = {"form": token, "text": "Забыл приложить план.", "files": upload}
    done = client.post(f"{address}more/", data, follow=True)
    assert "Дополнение отправлено" in done.content.decode()
    assert "ждёт сотрудника" in done.content.decode()
    upload.seek(0)
    client.post(f"{address}more/", data)
    assert IncomingMessage.objects.count() == 2, "pressed twice"
    read_all()
    added = IncomingMessage.objects.latest("pk")
    assert (added.match, added.thread_id) == ("certain", appeal.thread_id)
    assert registration.join_certain()
    added.refresh_from_db()
    assert added.state == "joined"
    assert added.files.get().name == "план.pdf"
    page = client.get("/account/").content.decode()
    assert page.count("<h2>") == 1, "an addition is no appeal of its own"
    assert "Получено ваше дополнение" in client.get(address).content.decode()
    assert Appeal.objects.get().unseen_reply


def test_an_addition_that_cannot_be_sent_keeps_what_was_typed(server, world):
    client, _ = enter(server)
    message = sent_by(client)
    address = f"/account/letters/{message.pk}/more/"
    assert client.post(address, {"text": ""}).status_code == 422
    IncomingMessage.objects.update(thread=None)
    page = client.post(address, {"text": "Ещё одно"})
    assert page.status_code == 409
    assert "Ещё одно" in page.content.decode()
    CitizenSession.objects.all().delete()
    page = client.post(address, {"text": "Ещё одно"})
    assert page.status_code == 401
    assert "Ещё одно" in page.content.decode()
    assert "Войдите снова" in page.content.decode()
    with mock.patch.object(citizens.CitizenSession.objects, "filter", side_effect=OperationalError):
        page = client.post(address, {"text": "Ещё одно"})
    assert page.status_code == 503
    assert "Ещё одно" in page.content.decode()
    assert IncomingMessage.objects.count() == 1


def test_a_form_of_others_cannot_add_or_sign_out(server, world):
    client = Client(enforce_csrf_checks=True)
    client, _ = enter(server, client=client)
    assert client.post("/account/sign-out/").status_code == 403
    assert client.post("/account/letters/1/more/", {"text": "x"}).status_code == 403


def test_a_list_of_twenty_costs_few_queries(server, world, django_assert_max_num_queries):
    client, _ = enter(server)
    for number in range(3):
        sent_by(client, text=f"Вопрос {number}")
    with django_assert_max_num_queries(8):
        client.get("/account/")
