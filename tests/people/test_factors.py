"""The second factor: set up, asked for, counted, never the last one of who must have it."""

from __future__ import annotations

import json
import re

import pytest
from allauth.mfa.models import Authenticator
from django.test import Client
from django.urls import reverse

from otklik.core.models import Installation
from otklik.people import factors as rules
from tests.people.conftest import Hire, code, factors, is_in, signed_in, telephone, try_in, written


def enter_code(client: Client, typed: str) -> str:
    return client.post(reverse("mfa_authenticate"), {"code": typed}, follow=True).content.decode()


def half_way(login: str) -> Client:
    """Give the password only."""
    client = Client()
    assert try_in(client, login).url == reverse("mfa_authenticate")
    assert not is_in(client)
    return client


def test_an_application_is_connected_and_recovery_codes_are_shown_once(hire: Hire) -> None:
    worker = hire("worker")
    client = signed_in(worker)
    page = client.get(reverse("mfa_activate_totp")).content.decode()
    secret = re.search(r'class="secret">(\w+)<', page)[1]
    wrong = client.post(reverse("mfa_activate_totp"), {"code": "000000"})
    assert "Код не подошёл" in wrong.content.decode()
    assert secret in wrong.content.decode(), "the telephone has read it already: a slip must not change it"
    assert factors(worker) == []
    done = client.post(reverse("mfa_activate_totp"), {"code": code(secret)}, follow=True)
    codes = re.findall(r"<code>(\d{8})</code>", done.content.decode())
    assert len(codes) == 10
    assert codes[0] not in client.get(reverse("mfa_view_recovery_codes")).content.decode()
    assert factors(worker) == ["recovery_codes", "totp"]
    assert written(worker)[-2:] == ["signin.factor_added"] * 2
    kept = json.dumps(list(Authenticator.objects.values_list("data", flat=True)))
    assert secret not in kept, "a copy of the database gives nobody a code"
    assert codes[0] not in kept


def test_with_a_factor_the_password_alone_opens_nothing(hire: Hire) -> None:
    secret = telephone(worker := hire("worker"))
    client = half_way("worker")
    assert client.get("/desk/").status_code == 302
    enter_code(client, code(secret))
    assert is_in(client)
    assert written(worker) == ["signin.entered"]


@pytest.mark.parametrize(("steps", "fits"), [(-2, False), (-1, True), (0, True), (1, True), (2, False)])
def test_a_telephones_clock_may_be_half_a_minute_wrong(hire: Hire, steps: int, fits: bool) -> None:
    secret = telephone(hire("worker"))
    client = half_way("worker")
    enter_code(client, code(secret, steps=steps))
    assert is_in(client) == fits


def test_a_wrong_code_three_times_says_what_is_left_and_the_fifth_closes(hire: Hire) -> None:
    secret = telephone(worker := hire("worker"))
    client = half_way("worker")
    said = [enter_code(client, "000000") for _ in range(5)]
    assert ["Осталось попыток: 2" in one for one in said] == [False, False, True, False, False]
    assert "подождите 15 мин" in said[4]
    # Neither the right code nor another browser helps.
    assert "Слишком много" in enter_code(client, code(secret))
    assert "Слишком много" in enter_code(half_way("worker"), code(secret))
    assert written(worker) == [*["signin.failed"] * 5, "signin.locked"]


def test_a_code_seen_over_the_shoulder_is_worth_nothing_once_used(hire: Hire) -> None:
    secret = telephone(hire("worker"))
    seen = code(secret)
    enter_code(half_way("worker"), seen)
    client = half_way("worker")
    assert "уже использован" in enter_code(client, seen) or "не подошёл" in enter_code(client, seen)
    assert not is_in(client)
    later = half_way("worker")
    enter_code(later, code(secret, steps=1))
    assert is_in(later)


def test_a_code_is_spent_for_every_process(hire: Hire) -> None:
    worker = hire("worker")
    secret = telephone(worker)
    one, other = (Authenticator.objects.get(user=worker, type="totp") for _ in range(2))
    assert rules.spend(one, code(secret))
    assert not rules.spend(other, code(secret))
    assert not rules.spend(other, code(secret, steps=-1)), "an earlier code is no newer"


def test_a_recovery_code_lets_in_once(hire: Hire) -> None:
    telephone(worker := hire("worker"))
    spare = Authenticator.objects.get(user=worker, type="recovery_codes").wrap().get_unused_codes()[0]
    first, again = half_way("worker"), half_way("worker")
    enter_code(first, spare)
    assert is_in(first)
    enter_code(again, spare)
    assert not is_in(again)


def test_after_the_key_was_lost_no_code_fits_and_nothing_breaks(hire: Hire, settings: pytest.Item) -> None:
    secret = telephone(hire("worker"))
    settings.SECRET_KEY = "another-key-" + "y" * 40
    assert "не подошёл" in enter_code(half_way("worker"), code(secret))
    settings.SECRET_KEY_FALLBACKS = ["test-only-key-" + "x" * 40]
    client = half_way("worker")
    enter_code(client, code(secret))
    assert is_in(client)


def test_who_must_have_a_factor_keeps_the_last_one(hire: Hire, production: Installation) -> None:
    secret = telephone(signer := hire("signer", "appeals.sign"))
    client = half_way("signer")
    enter_code(client, code(secret))
    before = written(signer)
    assert client.get("/desk/").status_code == 200
    refused = client.post(reverse("mfa_deactivate_totp"))
    assert refused.status_code == 422
    assert "этот последний" in refused.content.decode()
    assert factors(signer) == ["recovery_codes", "totp"]
    assert written(signer) == before


def test_whoever_need_not_have_one_may_take_it_off_and_the_codes_go_with_it(
    hire: Hire, production: Installation
) -> None:
    secret = telephone(worker := hire("worker"))
    client = half_way("worker")
    enter_code(client, code(secret))
    client.post(reverse("mfa_deactivate_totp"))
    assert factors(worker) == []
    assert written(worker)[-2:] == ["signin.factor_removed"] * 2


def test_an_open_session_proves_itself_before_it_changes_factors(hire: Hire) -> None:
    worker = hire("worker")
    client = signed_in(worker)
    session = client.session
    session["account_authentication_methods"][0]["at"] -= 3600
    session.save()
    answer = client.get(reverse("mfa_activate_totp"))
    assert answer.url.startswith(reverse("account_reauthenticate"))
    wrong = client.post(answer.url, {"password": "wrong"})
    assert "Пароль не подошёл" in wrong.content.decode()
    assert client.post(answer.url, {"password": "Correct-horse-77"}).url == reverse("mfa_activate_totp")
    assert client.get(reverse("mfa_activate_totp")).status_code == 200
