"""What stands between a signed-in employee and the pages: a factor where one is needed, and the idle time-out."""

from __future__ import annotations

import time
from datetime import timedelta
from typing import Any

import pytest
from allauth.usersessions.models import UserSession
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from otklik.core.models import Installation, JournalEntry
from otklik.people import signin
from otklik.people.models import Substitution
from tests.people.conftest import PASSWORD, Hire, code, is_in, signed_in, telephone, try_in, written

HTMX = {"HTTP_HX_REQUEST": "true"}
JSON = {"HTTP_ACCEPT": "application/json"}


@pytest.mark.parametrize("power", ["appeals.sign", "people.manage"])
def test_in_a_working_system_a_signer_and_an_administrator_set_up_a_factor_first(
    hire: Hire, production: Installation, power: str
) -> None:
    client = signed_in(hire("boss", power))
    for page in ("/desk/", "/desk/appeals/?view=all"):
        assert client.get(page).url == reverse("mfa_index"), page
    assert client.post("/desk/away/").status_code == 403
    assert client.get("/desk/menu/", **HTMX).status_code == 403
    shown = client.get(reverse("mfa_index")).content.decode()
    assert "Ваша роль требует второго фактора" in shown
    assert client.get("/").status_code == 200, "what everybody sees stays open"
    assert client.post(reverse("account_logout")).status_code == 302


def test_after_the_factor_is_there_the_page_asked_for_opens(hire: Hire, production: Installation) -> None:
    boss = hire("boss", "appeals.sign", "knowledge.read")
    client = signed_in(boss)
    client.get("/desk/kb/?q=1")
    telephone(boss)
    assert 'href="/desk/kb/?q=1"' in client.get(reverse("mfa_index")).content.decode()
    assert client.get("/desk/").status_code == 200


def test_a_superuser_needs_a_factor_too(hire: Hire, production: Installation) -> None:
    client = signed_in(hire("root", is_superuser=True))
    for page in ("/cms/", "/cms/pages/", "/cms/images/"):
        assert client.get(page).url == reverse("mfa_index"), page


def test_on_a_demo_stand_and_for_other_roles_it_is_only_offered(hire: Hire, demo_stand: Installation) -> None:
    assert signed_in(hire("boss", "appeals.sign")).get("/desk/").status_code == 200
    Installation.objects.update(kind="production")
    assert signed_in(hire("clerk", "intake.view")).get("/desk/").status_code == 200


def test_the_department_may_ask_everybody_for_a_factor(hire: Hire, production: Installation, settings: Any) -> None:
    client = signed_in(hire("clerk", "intake.view"))
    settings.SECOND_FACTOR_FOR_ALL = True
    assert client.get("/desk/").url == reverse("mfa_index")


def test_whoever_stands_in_for_a_signer_needs_a_factor_on_those_days(hire: Hire, production: Installation) -> None:
    boss, deputy = hire("boss", "appeals.sign"), hire("deputy")
    client, today = signed_in(deputy), timezone.localdate()
    assert client.get("/desk/").status_code == 200
    absence = Substitution.objects.create(absent=boss, deputy=deputy, starts_on=today, ends_on=today)
    assert client.get("/desk/").url == reverse("mfa_index")
    Substitution.objects.filter(pk=absence.pk).update(
        starts_on=today - timedelta(days=2), ends_on=today - timedelta(days=1)
    )
    assert client.get("/desk/").status_code == 200


def asleep(client: Client, minutes: int) -> None:
    """Let nobody touch the computer for so long."""
    session = client.session
    session[signin.ACTED] = int(time.time()) - minutes * 60
    session.save()


def test_who_does_nothing_for_an_hour_signs_in_again_and_lands_where_he_was(hire: Hire) -> None:
    worker = hire("worker", "knowledge.read")
    client = signed_in(worker)
    asleep(client, 59)
    assert client.get("/desk/").status_code == 200
    asleep(client, 61)
    answer = client.get("/desk/kb/?q=1")
    assert answer.url == "/accounts/login/?next=/desk/kb/%3Fq%3D1"
    page = client.get(answer.url).content.decode()
    assert "Вы не работали 60 мин." in page
    assert try_in(client, "worker", next="/desk/kb/?q=1").url == "/desk/kb/?q=1"
    assert written(worker) == ["signin.entered", "signin.idled_out", "signin.entered"]


def test_however_busy_one_signs_in_again_after_twelve_hours(hire: Hire) -> None:
    worker = hire("worker", "knowledge.read")
    client = signed_in(worker)
    for hours, stays in ((11.9, True), (12.1, False)):
        session = client.session
        session[signin.BEGAN] = int(time.time() - hours * 3600)
        session.save()
        assert (client.get("/desk/").status_code == 200) is stays
    assert "Вы вошли больше 12 ч. назад" in client.get("/accounts/login/").content.decode()
    assert written(worker) == ["signin.entered", "signin.outlasted"]


def test_what_an_employee_saw_stays_in_no_cache(hire: Hire) -> None:
    client = signed_in(hire("worker", "knowledge.read"))
    for page in ("/desk/", "/desk/kb/", "/", "/accounts/security/"):
        assert {"private", "no-store"} <= set(client.get(page).headers["Cache-Control"].split(", ")), page
    assert "Cache-Control" not in Client().get("/").headers, "the portal is the same for every citizen"


def test_what_an_open_page_asks_by_itself_keeps_no_session_alive(hire: Hire) -> None:
    client = signed_in(hire("worker"))
    asleep(client, 50)
    then = client.session[signin.ACTED]
    assert client.get("/desk/menu/", **HTMX).status_code == 200
    assert client.get(reverse("session")).status_code == 200
    assert client.session[signin.ACTED] == then
    client.get("/desk/")
    assert client.session[signin.ACTED] > then


def test_an_ended_session_is_told_without_touching_what_is_open(hire: Hire) -> None:
    client = signed_in(hire("worker"))
    asleep(client, 61)
    part = client.get("/desk/menu/", **HTMX)
    assert (part.status_code, part.json()["text"].count("в соседней вкладке")) == (401, 1)
    assert client.post("/desk/appeals/1/draft/autosave/", {"text": "…"}, **JSON).status_code == 401
    form = client.post("/desk/away/", {"basis": "приказ"})
    assert form.status_code == 401
    assert "ничего не отправлено" in form.content.decode()
    assert "Вернитесь назад" in form.content.decode()


def test_signing_in_begins_a_new_session_and_a_planted_one_is_worth_nothing(hire: Hire) -> None:
    worker = hire("worker")
    planted = Client()
    planted.get(reverse("account_login"))
    session = planted.session
    session["planted"] = "yes"
    session.save()
    before = session.session_key
    planted.cookies["sessionid"] = before
    assert try_in(planted, "worker").status_code == 302
    assert planted.cookies["sessionid"].value != before
    thief = Client()
    thief.cookies["sessionid"] = before
    assert not is_in(thief)
    assert is_in(planted)
    del worker


def test_out_of_the_editors_pages_leads_the_same_door(hire: Hire) -> None:
    client = signed_in(worker := hire("worker", is_superuser=True))
    assert client.get("/cms/logout/").status_code == 200
    assert is_in(client), "asking for the page signs nobody out"
    assert client.post("/cms/logout/").url == "/accounts/login/"
    assert not is_in(client)
    assert written(worker)[-1] == "signin.left"


def test_who_proves_again_who_he_is_goes_on_under_a_new_key(hire: Hire) -> None:
    client = signed_in(hire("worker"))
    before = client.session.session_key
    thief = Client()
    thief.cookies["sessionid"] = before
    wrong = client.post(reverse("account_reauthenticate"), {"password": "not-this-one"})
    assert (wrong.status_code, client.session.session_key) == (200, before)
    assert client.post(reverse("account_reauthenticate"), {"password": PASSWORD}).status_code == 302
    assert client.session.session_key != before
    assert (is_in(client), is_in(thief)) == (True, False)
    assert "Где выполнен вход" in client.get(reverse("mfa_index")).content.decode()
    assert list(UserSession.objects.values_list("session_key", flat=True)) == [client.session.session_key]


def test_the_cookie_of_a_session_is_out_of_reach_for_scripts_and_other_sites(hire: Hire, settings: Any) -> None:
    settings.SESSION_COOKIE_SECURE = True
    client = signed_in(hire("worker"))
    cookie = client.cookies["sessionid"]
    assert (cookie["httponly"], cookie["secure"], cookie["samesite"]) == (True, True, "Lax")
    assert cookie["max-age"] == "", "it goes with the browser"


def test_signing_out_is_written_down(hire: Hire) -> None:
    worker = hire("worker")
    client = signed_in(worker)
    client.post(reverse("account_logout"))
    assert not is_in(client)
    assert written(worker) == ["signin.entered", "signin.left"]
    assert JournalEntry.objects.get(action="signin.left").actor == worker


@pytest.mark.django_db
@pytest.mark.parametrize("login", ["x" * 300, "\x00", "я" * 151, "<script>"])
def test_an_odd_login_is_a_refusal_and_no_defect(login: str) -> None:
    answer = try_in(Client(), login)
    assert answer.status_code == 200
    assert 'role="alert"' in answer.content.decode()
    assert "<script>" not in answer.content.decode().split("<h1>")[1].split("</form>")[0]


@pytest.mark.django_db
def test_wagtails_own_doors_lead_to_ours(client: Client) -> None:
    for door in ("/cms/login/", "/kb/_util/login/"):
        for answer in (client.get(door), client.post(door, {"username": "x", "password": "x"})):
            assert answer.url == reverse("account_login"), door


def test_sign_in_leads_to_no_foreign_address(hire: Hire) -> None:
    hire("worker")
    assert try_in(Client(), "worker", next="https://evil.example/").url == "/desk/"


def test_a_code_given_too_late_begins_anew(hire: Hire) -> None:
    secret = telephone(hire("worker"))
    client = Client()
    try_in(client, "worker")
    session = client.session
    session["account_login"]["initiated_at"] -= 3600
    session.save()
    answer = client.post(reverse("mfa_authenticate"), {"code": code(secret)})
    assert answer.url == reverse("account_login")
    assert not is_in(client)
