"""A program with a key, in a small department."""

from __future__ import annotations

import json
import uuid
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from otklik.channels.registry import all_readers
from otklik.correspondence import inbox
from otklik.correspondence.models import IncomingMessage
from otklik.people import tokens
from otklik.people.models import Employee
from otklik.people.tokens import SCOPES, Made
from tests.appeals.conftest import World

API = "/api/v1"
LETTER: dict[str, Any] = {
    "channel": "governor_reception",
    "external_id": "GP-118",
    "subject": "Номер дома",
    "text": "Здравствуйте! Как узнать, присвоен ли номер моему дому?",
    "applicant": {"last_name": "Примерова", "first_name": "Анна", "email": "anna@citizen.example"},
    "answer": {"channel": "email", "address": "anna@citizen.example"},
}


class Program:
    """Asks the API with one key, as a program of another system does."""

    def __init__(self, secret: str) -> None:
        self.secret = secret
        self.client = Client(raise_request_exception=True)

    def get(self, path: str, **query: Any) -> Any:
        return self.client.get(API + path, query, headers=self._headers())

    def post(self, path: str, body: Any, *, key: str = "", **headers: str) -> Any:
        sent = {"Idempotency-Key": key or uuid.uuid4().hex, **headers}
        return self.client.post(
            API + path, json.dumps(body), content_type="application/json", headers={**self._headers(), **sent}
        )

    def put(self, path: str, body: Any) -> Any:
        return self.client.put(API + path, json.dumps(body), content_type="application/json", headers=self._headers())

    def _headers(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.secret}"}


def made(owner: Employee, *scopes: str, **changes: Any) -> Made:
    today = timezone.localdate()
    facts = {"name": "Сайт приёмной", "valid_from": today, "valid_to": today + timedelta(days=30), **changes}
    return tokens.create(owner=owner, scopes=scopes or SCOPES, by=None, **facts)


def program(owner: Employee, *scopes: str) -> Program:
    return Program(made(owner, *scopes).secret)


def read_all() -> None:
    """Read what was kept, as a worker does."""
    while inbox.parse_next(all_readers()):
        pass


def letter(**changes: Any) -> dict[str, Any]:
    return {**LETTER, **changes}


def handed(world: World, **changes: Any) -> IncomingMessage:
    """Hand a message over in the clerk's name and let it be read."""
    answer = program(world.clerk, "messages.create").post("/messages", letter(**changes))
    assert answer.status_code == 201, answer.content.decode()
    read_all()
    return IncomingMessage.objects.get(pk=answer.json()["id"])


@pytest.fixture
def world(db: None) -> World:
    return World()


@pytest.fixture
def administrator(world: World) -> Employee:
    return world.employee("admin", "Админова", world.hq, ["admin"])
