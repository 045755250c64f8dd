"""Telegram: its Bot API is a process of its own that speaks what the documentation tells."""

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

CHAT = 700100200
HOOK = "otklik-hook-secret-0001"
PAYLOADS = Path(__file__).parent / "payloads"


def payload(name: str) -> dict[str, Any]:
    """Return an update as the documentation shows one."""
    return dict(json.loads((PAYLOADS / f"{name}.json").read_text()))


def connect(fake: web.Running, **values: Any) -> None:
    """Connect the channel with a bot of the fake and switch it on."""
    from otklik.channels.telegram.adapter import TelegramChannel
    from otklik.correspondence import connections

    fake.tell(forget=True, token=contract.SECRET)
    channel = TelegramChannel()
    connections.configure(
        channel, {"token": contract.SECRET, "api": fake.url, "wait": 0, "secret": HOOK, **values}, by=None
    )
    connections.switch(channel, on=True, reason="", by=None)


class Telegram(contract.Case):
    """Tried by asking; called where the case is about calls."""

    code = "telegram"
    name = "Telegram"
    threads = True
    does_not_apply = {**contract.NO_XML}
    goes_to = {"kind": "notice", "recipient": f"telegram:{CHAT}"}

    def start(self) -> None:
        self.stack = ExitStack()
        self.fake = self.stack.enter_context(web.running("tests.fakes.telegram"))

    def stop(self) -> None:
        self.stack.close()

    def open(self, monkeypatch: pytest.MonkeyPatch) -> None:
        connect(self.fake)
        self.updates = 0

    def update(self, letter: Letter) -> dict[str, Any]:
        """Return a letter as Telegram gives it: with one file at most."""
        self.updates = getattr(self, "updates", 0) + 1
        made = payload("text")
        message = {
            **made["message"],
            "message_id": letter.number,
            "date": int(letter.sent_at.timestamp()),
            "text": letter.text,
        }
        for name, content in letter.files:
            message |= {
                "caption": message.pop("text", ""),
                "document": {"file_id": f"file-{letter.number}", "file_name": name, "file_size": len(content)},
            }
        if letter.reply_to:
            message["reply_to_message"] = {**made["message"], "message_id": letter.reply_to}
        return {"update_id": 90_000_000 + self.updates, "message": message}

    def raw(self, letter: Letter) -> bytes:
        from otklik.channels import envelope

        return envelope.packed("telegram/1", self.update(letter), [])

    def put(self, *letters: Letter) -> None:
        split = [
            Letter(one.number * 100 + place, one.text, [file], one.sent_at)
            for one in letters
            for place, file in enumerate(one.files)
        ]
        for one in split or letters:
            if one.files:
                self.fake.tell(files={f"file-{one.number}": one.files[0][1].decode("latin-1")})
            self.fake.tell(updates=[self.update(one)])

    @contextmanager
    def trouble(self, kind: str) -> Iterator[None]:
        self.fake.tell(trouble=kind)
        yield
        self.fake.tell(trouble="")

    def call(self, letter: Letter, *, right: bool = True) -> int:
        from django.test import Client

        connect(self.fake, webhook=True)
        answer = Client().post(
            "/hooks/telegram/",
            self.update(letter),
            "application/json",
            headers={"X-Telegram-Bot-Api-Secret-Token": HOOK if right else "otklik-hook-secret-9999"},
        )
        return answer.status_code

    def send(self) -> str:
        from otklik.channels.telegram.adapter import TelegramChannel

        return TelegramChannel().send(to_send("<1@department.example>", contract.TEXT))

    def held(self) -> list[tuple[str, str]]:
        return [(one["text"], "") for one in self.fake.told()["sent"]]


def to_send(message_id: str, text: str, **fields: Any) -> Any:
    """Return a message to the one who wrote."""
    from otklik.correspondence.channel import ToSend

    given = {
        "kind": "notice", "message_id": message_id, "token": "abcdefgh23", "sender": "", "sender_name": "Департамент",
        "recipient": f"telegram:{CHAT}", "recipient_name": "", "subject": "", "text": text,
    }  # fmt: skip
    return ToSend(**{**given, **fields})


CASE = Telegram()
