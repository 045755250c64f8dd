"""Odnoklassniki: the Bot API of a group by webhook, what it missed by asking, answers by graph.user.messages."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from django.test import Client

from tests.channels import contract
from tests.channels.contract import Letter
from tests.fakes import other_side

GROUP = 53_400_000_000_217
PERSON = "580000000501"
CHAT = "chat:C3ecb9d02a600"
KEY = "dlinnyj-klyuch"


def connect(api: str, **more: str) -> None:
    """Write down what an administrator would, and switch the channel on."""
    from otklik.channels.ok.adapter import OkChannel
    from otklik.correspondence import connections

    values = {"group": GROUP, "token": contract.SECRET, "key": KEY, "api": api, **more}
    connections.configure(OkChannel(), values, by=None)
    connections.switch(OkChannel(), True, reason="", by=None)


def update(
    number: int, text: str = contract.TEXT, *, attachments: Any = (), at: int = 0, **more: Any
) -> dict[str, Any]:
    """Return a call of the webhook, as graph.user.subscribe tells it."""
    message = {"text": text, "seq": 98_211_023_614_189_660 + number, "mid": f"mid:C3ecb9d02a600.15cea67d{number:07x}"}
    if attachments:
        message["attachments"] = list(attachments)
    return {
        "webhookType": "MESSAGE_CREATED",
        "sender": {"user_id": f"user:{PERSON}", "name": "Анна Примерова"},
        "recipient": {"chat_id": CHAT},
        "message": {**message, **more},
        "timestamp": at or 1_795_489_200_000 + number,
    }


def call(said: Any, *, key: str = KEY) -> Any:
    """Call our address as Odnoklassniki do."""
    body = said if isinstance(said, bytes) else json.dumps(said).encode()
    return Client().post(f"/hooks/ok/?key={key}", body, content_type="application/json")


class Ok(contract.Case):
    """Tried against a fake group of `tests/fakes/ok.py`."""

    code = "ok"
    name = "Odnoklassniki"
    does_not_apply = contract.NO_XML
    goes_to = {"kind": "answer", "recipient": f"ok.ru/messages/{CHAT}"}
    threads = True

    def start(self) -> None:
        self.fake = other_side.start("ok")

    def stop(self) -> None:
        other_side.stop(self.fake)

    def open(self, monkeypatch: pytest.MonkeyPatch) -> None:
        from otklik.channels.ok.adapter import OkChannel
        from otklik.correspondence import connections

        monkeypatch.setattr(OkChannel, "patience", 0)
        self.fake.told(reset=True)
        self.fake.told(token=contract.SECRET)
        connect(self.fake.url)
        connections.remember(self.code, seen_to=1)

    def raw(self, letter: Letter) -> bytes:
        from otklik.channels import envelope

        return envelope.packed("ok/1", self._update(letter), [], group=GROUP, after="")

    def put(self, *letters: Letter) -> None:
        said = [*self.fake.holds("messages"), *map(self._update, letters)]
        last = max(one["timestamp"] for one in said)
        self.fake.told(messages=said, chats=[{"chat_id": CHAT, "type": "GROUP_CHAT", "lastEventTime": last}])

    def deliver(self, *letters: Letter, times: int = 1) -> None:
        for _ in range(times):
            assert all(self.call(one) == 200 for one in letters)

    @contextmanager
    def trouble(self, kind: str) -> Iterator[None]:
        on = "/files/" if kind == "attachment" else "me/messages" if kind.startswith("send_") else "/graph/"
        kind = "5xx" if kind == "attachment" else kind.removeprefix("send_")
        with self.fake.trouble(kind, on=on, after=contract.RETRY_AFTER):
            yield

    def call(self, letter: Letter, *, right: bool = True) -> int:
        return int(call(self._update(letter), key=KEY if right else "other").status_code)

    def send(self) -> str:
        from otklik.channels.ok.adapter import OkChannel
        from tests.channels.networks import letter

        return OkChannel().send(letter(f"ok.ru/messages/{CHAT}"))

    def held(self) -> list[tuple[str, str]]:
        return [(one["message"]["text"], "") for one in self.fake.holds("sent")]

    def _update(self, letter: Letter) -> dict[str, Any]:
        attached = [
            {"type": "FILE", "payload": {"name": name, "url": self.fake.lay(f"{turn}", data)}}
            for turn, (name, data) in enumerate(letter.files, start=1)
        ]
        quoted = {"reply_to": f"mid:C3ecb9d02a600.15cea67d{letter.reply_to:07x}"} if letter.reply_to else {}
        at = int(letter.sent_at.timestamp() * 1000)
        return update(letter.number, letter.text, attachments=attached, at=at, **quoted)


CASE = Ok()
