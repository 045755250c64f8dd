"""Who enters the API and who does not, and how a refusal reads."""

from __future__ import annotations

import json
from typing import Any

import pytest
from django.db import OperationalError
from django.test import Client
from django.urls import get_resolver

from otklik.api import messages, spec
from otklik.correspondence.models import IncomingMessage
from otklik.people import tokens
from otklik.people.models import AccessToken, Employee
from tests.api.conftest import API, Program, letter, made, program
from tests.appeals.conftest import World

pytestmark = pytest.mark.django_db

# Operation → how a stranger would ask for it.
ADDRESSES = {
    name: (one.methods[0], API + one.path.replace("{int:pk}", "1").replace("{int:file}", "1"), spec.scopes_of(one))
    for name, one in spec.operations()
}


def ask(client: Client, method: str, address: str, **headers: str) -> Any:
    body = json.dumps({}) if method == "POST" else ""
    return client.generic(method, address, body, content_type="application/json", headers=headers)


def problem(answer: Any, status: int, code: str) -> dict[str, Any]:
    """Return a refusal that has everything a refusal must have."""
    told: dict[str, Any] = answer.json()
    assert answer.status_code == status, told
    assert answer.headers["Content-Type"] == "application/problem+json"
    assert (told["status"], told["code"], told["type"]) == (status, code, f"urn:otklik:problem:{code}")
    assert told["title"]
    assert told["detail"].strip().endswith((".", ")"))
    return told


def test_every_operation_is_marked_by_the_very_scope_it_asks_for() -> None:
    marks = {
        one.name: one.callback.access
        for group in get_resolver().url_patterns
        if str(group.pattern) == "api/v1/"
        for one in group.url_patterns
    }
    assert len(ADDRESSES) > 12
    for name, (_, _, scopes) in ADDRESSES.items():
        assert marks.pop(name) == ("token", *scopes)
    assert marks == dict.fromkeys(("api-root", "openapi", "nothing"), ("public",))


def test_without_a_key_nothing_opens_also_for_who_is_signed_in(world: World) -> None:
    client = Client()
    client.force_login(world.clerk, backend="django.contrib.auth.backends.ModelBackend")
    for method, address, _ in ADDRESSES.values():
        answer = ask(client, method, address)
        problem(answer, 401, "api.no_key")
        assert answer.headers["WWW-Authenticate"].startswith("Bearer")
        problem(ask(client, method, address, Authorization="Basic Y2xlcms6eA=="), 401, "api.no_key")
        problem(ask(client, method, address, Authorization="Bearer otk_wrong"), 401, "tokens.not_accepted")


def test_a_key_with_one_scope_too_few_is_told_which(world: World) -> None:
    for method, address, scopes in ADDRESSES.values():
        if scopes:
            key = made(world.clerk, *set(tokens.SCOPES) - set(scopes)).secret
            told = problem(ask(Client(), method, address, Authorization=f"Bearer {key}"), 403, "api.scope_missing")
            assert all(scope in told["detail"] for scope in scopes)


def test_a_key_of_a_blocked_owner_and_an_ended_key_are_dead(world: World) -> None:
    caller = program(world.clerk)
    assert caller.get("/key").status_code == 200
    Employee.objects.filter(pk=world.clerk.pk).update(is_active=False)
    problem(caller.get("/key"), 401, "tokens.not_accepted")
    Employee.objects.filter(pk=world.clerk.pk).update(is_active=True)
    tokens.end(AccessToken.objects.get(), by=None)
    problem(caller.get("/key"), 401, "tokens.not_accepted")


def test_a_key_says_what_it_may(world: World) -> None:
    told = program(world.clerk, "appeals.read").get("/key").json()
    assert told["scopes"] == ["appeals.read"]
    assert told["owner"] == world.clerk.short_name


def test_no_cookie_is_given_and_nothing_is_kept_on_the_way(world: World) -> None:
    answer = program(world.clerk).get("/key")
    assert not answer.cookies
    assert answer.headers["Cache-Control"] == "no-store"


def test_a_key_that_came_in_the_open_opens_nothing_and_is_said_to_be_spoilt(world: World, settings: Any) -> None:
    headers = {"Authorization": f"Bearer {made(world.clerk, 'appeals.read').secret}"}
    settings.HTTPS = settings.SECURE_SSL_REDIRECT = True
    told = problem(Client().get(f"{API}/appeals", headers=headers), 403, "api.not_encrypted")
    assert "Завершите этот ключ" in told["detail"]
    assert Client().get(f"{API}/appeals", headers=headers, secure=True).status_code == 200
    assert Client().get("/").status_code == 301, "people are led on"


def test_what_is_not_there_and_a_wrong_method_are_problems_too(world: World) -> None:
    caller = program(world.clerk)
    problem(caller.get("/nothing"), 404, "api.not_found")
    problem(caller.get("/appeals/"), 404, "api.not_found")
    problem(caller.get("/appeals/404"), 404, "api.not_found")
    wrong = caller.client.delete(f"{API}/appeals")
    problem(wrong, 405, "api.method")
    assert "GET" in wrong.headers["Allow"]


def test_a_body_that_is_no_json_or_too_big_is_refused_in_words(world: World, settings: Any) -> None:
    secret = made(world.clerk).secret
    headers = {"Authorization": f"Bearer {secret}", "Idempotency-Key": "k"}
    post = Client().post
    form = post(f"{API}/messages", {"text": "x"}, headers=headers)
    problem(form, 415, "api.not_json")
    broken = post(f"{API}/messages", "{", content_type="application/json", headers=headers)
    problem(broken, 400, "api.unreadable")
    settings.DATA_UPLOAD_MAX_MEMORY_SIZE = 100
    problem(Program(secret).post("/messages", letter(text="я" * 200)), 413, "api.too_big")
    assert not IncomingMessage.objects.exists()


def test_a_parameter_that_is_not_there_is_not_passed_over(world: World) -> None:
    told = problem(program(world.clerk).get("/appeals", statuss="closed"), 422, "api.unknown_parameter")
    assert "«statuss»" in told["detail"]
    assert "status" in told["detail"].replace("statuss", "")


def test_every_wrong_field_is_named_in_russian(world: World) -> None:
    body = {"channel": "email", "external_id": "", "text": "  ", "more": 1, "applicant": {"inn": "1"}}
    told = problem(program(world.clerk).post("/messages", body), 422, "api.invalid")
    wrong = {one["where"]: one["what"] for one in told["errors"]}
    assert set(wrong) == {"channel", "external_id", "text", "more", "applicant.inn"}
    assert wrong["more"] == "такого поля нет"
    assert not any(word in str(wrong) for word in ("should", "String", "Input"))


def test_a_creation_without_idempotency_key_is_refused(world: World) -> None:
    secret = made(world.clerk).secret
    answer = Client().post(
        f"{API}/messages",
        json.dumps(letter()),
        content_type="application/json",
        headers={"Authorization": f"Bearer {secret}"},
    )
    told = problem(answer, 422, "api.invalid")
    assert told["errors"] == [{"where": "Idempotency-Key", "what": "нужно указать"}]


def test_an_outage_asks_to_come_back(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    def away(*_: object, **__: object) -> None:
        raise OperationalError("the server is away")

    caller = program(world.clerk)
    monkeypatch.setattr(messages.intake, "take_in", away)
    answer = caller.post("/messages", letter())
    problem(answer, 503, "api.unavailable")
    assert answer.headers["Retry-After"] == "60"


def test_a_defect_tells_its_number_and_nothing_else(
    world: World, monkeypatch: pytest.MonkeyPatch, settings: Any
) -> None:
    def broken(*_: object, **__: object) -> None:
        raise ZeroDivisionError("Иванова Мария")

    caller = program(world.clerk)
    settings.TESTING = False
    monkeypatch.setattr(messages.intake, "take_in", broken)
    told = problem(caller.post("/messages", letter()), 500, "api.defect")
    assert "Иванова" not in str(told)
