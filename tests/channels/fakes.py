"""A channel that is connected on its page and does what a test tells it: no server behind it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, ClassVar

import pytest

from otklik.channels import registry
from otklik.correspondence import connections, inbox
from otklik.correspondence.channel import Called, Connected, Parsed, Refused, Reply, Setting, SourceError, ToSend
from otklik.people.models import Employee


class Told(Connected):
    """MAX by our word: `waits` is what its source holds, `fails` what it answers instead."""

    code: ClassVar[str] = "max"
    repeats_safely: ClassVar[bool] = False
    settings: ClassVar[Sequence[Setting]] = (
        Setting("name", "Название сообщества"),
        Setting("token", "Ключ доступа", kind="secret"),
        Setting("limit", "Сообщений в секунду", kind="number", required=False, default=20),
        Setting("comments", "Читать комментарии", kind="yes", required=False, default=False),
        Setting("folder", "Папка обмена", kind="folder", required=False),
    )
    every: ClassVar[int] = 5
    sends: ClassVar[bool] = True
    guide: ClassVar[str] = "max"

    def __init__(self) -> None:
        self.fails: Exception | None = None
        self.waits: list[Any] = []

    def fetch(self) -> Iterator[object]:
        connections.needed(self.code)
        if self.fails:
            raise self.fails
        while self.waits:
            yield inbox.accept(self.waits.pop(0))

    def parse(self, raw: Path) -> Parsed:
        return Parsed(text=raw.read_text())

    def send(self, item: ToSend) -> str:
        return item.message_id

    def try_out(self) -> str:
        if self.fails:
            raise self.fails
        return f"Сообщество «{connections.drafted(self.code)['name']}»."

    def hear(self, called: Called) -> Reply:
        if called.headers.get("x-secret") != connections.needed(self.code)["token"]:
            raise Refused
        return Reply("heard")


VALUES = {"name": "Департамент", "token": "very-secret-token"}


@pytest.fixture
def channel(db: None, monkeypatch: pytest.MonkeyPatch) -> Told:
    """Build a channel into the product."""
    told = Told()
    monkeypatch.setattr(registry, "all_connected", lambda: {told.code: told})
    monkeypatch.setattr(registry, "all_listeners", lambda: {told.code: told})
    monkeypatch.setattr("otklik.api.hooks.all_listeners", lambda: {told.code: told})
    return told


def switch_on(channel: Told, by: Employee | None = None) -> None:
    """Connect it."""
    connections.configure(channel, VALUES, by=by)
    connections.switch(channel, True, reason="", by=by)


REFUSES = SourceError("Сервер max.example не принимает ключ доступа.")
