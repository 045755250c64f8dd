"""A channel that lives in memory, and short ways to make messages."""

from __future__ import annotations

import json
import uuid
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path
from typing import Any

from otklik.correspondence import delivery, inbox
from otklik.correspondence.channel import Arrived, Parsed, ParseError, ToSend
from otklik.correspondence.models import ChannelCode, IncomingMessage, OutgoingMessage, Thread
from otklik.people.models import Employee

NOON = datetime(2026, 11, 24, 5, 0, tzinfo=UTC)


class FakeChannel:
    """Messages are JSON of `Parsed` fields; what was sent is a list."""

    code = ChannelCode.EMAIL

    def __init__(self, *, repeats_safely: bool = True) -> None:
        self.repeats_safely = repeats_safely
        self.sent: list[ToSend] = []
        self.on_send: Callable[[ToSend], None] = lambda item: None

    def fetch(self) -> list[object]:
        return []

    def parse(self, raw: Path) -> Parsed:
        data = json.loads(raw.read_bytes())
        if data.get("broken"):
            raise ParseError("Письмо повреждено.")
        if data.get("defect"):
            raise ZeroDivisionError
        return Parsed(**data)

    def send(self, item: ToSend) -> str:
        self.on_send(item)
        self.sent.append(item)
        return item.message_id


def arrived(external_id: str = "", *, channel: str = ChannelCode.EMAIL, point: str = "", **fields: Any) -> Arrived:
    fields.setdefault("text", "Прошу ответить.")
    raw = json.dumps(fields).encode()
    return Arrived(channel, external_id or uuid.uuid4().hex, sha256(raw).hexdigest(), raw, NOON, point)


def come(channel: FakeChannel, external_id: str = "", **fields: Any) -> IncomingMessage:
    """Let a message arrive and be read."""
    message = inbox.accept(arrived(external_id, **fields)).message
    inbox.parse(message, {ChannelCode.EMAIL: channel})
    return message


def letter(**changes: Any) -> OutgoingMessage:
    """Queue a letter."""
    values: dict[str, Any] = {
        "thread": changes.pop("thread", None) or Thread.objects.create(),
        "channel": ChannelCode.EMAIL,
        "kind": OutgoingMessage.Kind.ANSWER,
        "recipient": "ivanova@citizen.example",
        "subject": "Ответ",
        "text": "Сообщаем.",
        "by": None,
    }
    return delivery.queue(**{**values, **changes})


def clerk(username: str = "clerk") -> Employee:
    return Employee.objects.get_or_create(username=username)[0]


def parsed(**fields: Any) -> Parsed:
    return replace(Parsed(text=""), **fields)
