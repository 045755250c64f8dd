"""Calls by the API: an exchange tells of them with a key or a signature; repetition is harmless; numbers are masked."""

from __future__ import annotations

import json
import time
from typing import Any

import pytest
from django.test import Client

from otklik.hotline import defaults
from otklik.hotline.exchange import webhook
from otklik.hotline.models import Call, CallEvent, ExchangeState, Line
from otklik.people.models import Employee
from tests.api.conftest import API, program
from tests.appeals.conftest import World

pytestmark = pytest.mark.django_db
SECRET = "s" * 40
TOLD: list[dict[str, Any]] = [
    {
        "call_id": "a-1",
        "event": "entered",
        "at": "2026-11-24T12:00:00+07:00",
        "queue": "support",
        "number": "+7 913 000-00-01",
    },
    {"call_id": "a-1", "event": "robot", "at": "2026-11-24T12:00:01+07:00"},
    {"call_id": "a-1", "event": "abandoned", "at": "2026-11-24T12:00:31+07:00", "position": 2},
]


@pytest.fixture
def exchange(world: World) -> Employee:
    defaults.load()
    Line.objects.filter(code=defaults.DEPARTMENT).update(known_as="support")
    return world.clerk


def signed(body: bytes, *, at: float | None = None, secret: str = SECRET, **headers: str) -> Any:
    given = {webhook.HEADER: webhook.sign(secret, body, int(at or time.time())), **headers}
    return Client().post(f"{API}/calls/events", body, content_type="application/json", headers=given)


def test_what_an_exchange_tells_is_a_call_once(exchange: Employee) -> None:
    caller = program(exchange, "calls.create")
    assert caller.post("/calls/events", {"events": TOLD}).json() == {"new": 3, "known": 0}
    assert caller.post("/calls/events", {"events": TOLD[::-1]}).json() == {"new": 0, "known": 3}
    call = Call.objects.get()
    assert (call.state, call.by_robot, call.waited, call.position) == ("missed", True, 31, 2)
    assert ExchangeState.objects.get().way == "webhook"


def test_a_signature_lets_in_without_a_key(exchange: Employee, settings: Any) -> None:
    settings.EXCHANGE_SECRET = SECRET
    body = json.dumps({"events": TOLD}).encode()
    assert signed(body).json() == {"new": 3, "known": 0}
    assert signed(body).json() == {"new": 0, "known": 3}  # a replay within the minutes is harmless


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"at": time.time() - 3600}, "подписано не сейчас"),
        ({"secret": "another"}, "секрет другой"),
        ({webhook.HEADER: "sha256=1"}, "должен быть вида"),
    ],
)
def test_a_wrong_signature_says_what_is_wrong(exchange: Employee, settings: Any, changes: Any, words: str) -> None:
    settings.EXCHANGE_SECRET = SECRET
    answer = signed(json.dumps({"events": TOLD}).encode(), **changes)
    assert (answer.status_code, answer.json()["code"]) == (401, "calls.bad_signature")
    assert words in answer.json()["detail"]
    assert not CallEvent.objects.exists()


def test_without_a_secret_on_the_server_no_signature_counts(exchange: Employee) -> None:
    answer = signed(json.dumps({"events": TOLD}).encode(), secret="")
    assert (answer.status_code, "не задан секрет" in answer.json()["detail"]) == (401, True)


def test_the_log_masks_numbers_and_is_for_who_may_see_it(exchange: Employee, world: World) -> None:
    program(exchange, "calls.create").post("/calls/events", {"events": TOLD})
    [row] = program(exchange, "calls.read").get("/calls", state="missed").json()["items"]
    assert (row["number"], row["line"], row["waited"], row["by_robot"]) == ("+7 ••• 01", "department", 31, True)
    assert program(exchange, "calls.read").get("/calls", came_from="2026-11-25").json()["items"] == []
    assert program(world.executor, "calls.read").get("/calls").status_code == 403


def test_a_wrong_event_says_where(exchange: Employee) -> None:
    answer = program(exchange, "calls.create").post("/calls/events", {"events": [{**TOLD[0], "event": "rang"}]})
    assert answer.status_code == 422
    assert "event" in answer.json()["errors"][0]["where"]
