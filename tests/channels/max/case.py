"""MAX: its API is a process of its own that speaks what the public documentation tells."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.channels import contract
from tests.channels.contract import Letter
from tests.fakes import web

USER = 800200300
HOOK = "otklik-hook-secret-0002"
PAYLOADS = Path(__file__).parent / "payloads"


def payload(name: str) -> dict[str, Any]:
    """Return an update as the documentation shows one."""
    return dict(json.loads((PAYLOADS / f"{name}.json").read_text()))


def connect(fake: web.Running, **values: Any) -> None:
    """Connect the channel with a bot of the fake and switch it on."""
    from otklik.channels.max.adapter import MaxChannel
    from otklik.correspondence import connections

    fake.tell(forget=True, token=contract.SECRET)
    channel = MaxChannel()
    connections.configure(
        channel, {"token": contract.SECRET, "api": fake.url, "wait": 0, "secret": HOOK, **values}, by=None
    )
    connections.switch(channel, on=True, reason="", by=None)


class Max(contract.Case):
    """Tried by asking; called where the case is about calls."""

    code = "max"
    name = "MAX"
    threads = True
    does_not_apply = {**contract.NO_XML}
    goes_to = {"kind": "notice", "recipient": f"max:{USER}"}

    def start(self) -> None:
        self.stack = ExitStack()
        self.fake = self.stack.enter_context(web.running("tests.fakes.max"))

    def stop(self) -> None:
        self.stack.close()

    def open(self, monkeypatch: pytest.MonkeyPatch) -> None:
        connect(self.fake)

    def update(self, letter: Letter, url: str = "") -> dict[str, Any]:
        """Return a letter as MAX gives it, its files under an address."""
        made = payload("text")
        stamp = int(letter.sent_at.timestamp() * 1000)
        files = [
            {
                "type": "file",
                "payload": {"url": f"{url}/file/{letter.number}-{place}", "token": "t"},
                "filename": name,
                "size": len(content),
            }
            for place, (name, content) in enumerate(letter.files)
        ]
        body = {**made["message"]["body"], "mid": f"mid.{letter.number}", "text": letter.text, "attachments": files}
        made["message"] |= {"body": body, "timestamp": stamp}
        if letter.reply_to:
            made["message"]["link"] = {"type": "reply", "message": {"mid": f"mid.{letter.reply_to}", "text": ""}}
        return {**made, "timestamp": stamp}

    def raw(self, letter: Letter) -> bytes:
        from otklik.channels import envelope

        return envelope.packed("max/1", self.update(letter), [])

    def put(self, *letters: Letter) -> None:
        for one in letters:
            files = {f"{one.number}-{at}": content.decode("latin-1") for at, (_, content) in enumerate(one.files)}
            self.fake.tell(updates=[self.update(one, self.fake.url)], files=files)

    @contextmanager
    def trouble(self, kind: str) -> Iterator[None]:
        self.fake.tell(trouble=kind)
        yield
        self.fake.tell(trouble="")

    def call(self, letter: Letter, *, right: bool = True) -> int:
        from django.test import Client

        connect(self.fake, webhook=True)
        answer = Client().post(
            "/hooks/max/",
            self.update(letter),
            "application/json",
            headers={"X-Max-Bot-Api-Secret": HOOK if right else "otklik-hook-secret-9999"},
        )
        return answer.status_code

    def send(self) -> str:
        from otklik.channels.max.adapter import MaxChannel

        return MaxChannel().send(to_send("<1@department.example>", contract.TEXT))

    def held(self) -> list[tuple[str, str]]:
        return [(one["text"], "") for one in self.fake.told()["sent"]]


def to_send(message_id: str, text: str, **fields: Any) -> Any:
    """Return a message to the one who wrote."""
    from otklik.correspondence.channel import ToSend

    given = {
        "kind": "notice", "message_id": message_id, "token": "abcdefgh23", "sender": "", "sender_name": "Департамент",
        "recipient": f"max:{USER}", "recipient_name": "", "subject": "", "text": text,
    }  # fmt: skip
    return ToSend(**{**given, **fields})


CASE = Max()
