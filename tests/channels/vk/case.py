"""VKontakte: events by the Callback API, what they missed by asking, answers by messages.send."""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from django.test import Client

from tests.channels import contract
from tests.channels.contract import Letter
from tests.fakes import other_side

GROUP = 217
PERSON = 501
HOOK_SECRET = "dlinnyj-sekret"
_numbers = itertools.count(1)


def connect(api: str) -> None:
    """Write down what an administrator would, and switch the channel on."""
    from otklik.channels.vk.adapter import VkChannel
    from otklik.correspondence import connections

    values = {"group": GROUP, "token": contract.SECRET, "secret": HOOK_SECRET, "confirmation": "a1b2c3", "api": api}
    connections.configure(VkChannel(), values, by=None)
    connections.switch(VkChannel(), True, reason="", by=None)


def message(number: int, text: str = contract.TEXT, *, peer: int = PERSON, **more: Any) -> dict[str, Any]:
    """Return a message of a dialogue, as objects of the API tell it."""
    return {
        "id": 9_000 + number,
        "conversation_message_id": number,
        "peer_id": peer,
        "from_id": PERSON,
        "out": 0,
        "date": 1_795_489_200 + number,
        "text": text,
        "attachments": [],
        "fwd_messages": [],
        **more,
    }


def event(kind: str, said: Any, *, mark: str = "", group: int = GROUP) -> dict[str, Any]:
    """Return an event as the Callback API sends it, its secret in it."""
    mark = mark or f"event-{next(_numbers)}"
    return {"group_id": group, "type": kind, "event_id": mark, "v": "5.199", "object": said, "secret": HOOK_SECRET}


def call(said: Any) -> Any:
    """Call our address as VKontakte does."""
    body = said if isinstance(said, bytes) else json.dumps(said).encode()
    return Client().post("/hooks/vk/", body, content_type="application/json")


class Vk(contract.Case):
    """Tried against a fake community of `tests/fakes/vk.py`."""

    code = "vk"
    name = "VKontakte"
    does_not_apply = contract.NO_XML
    goes_to = {"kind": "answer", "recipient": f"vk.com/id{PERSON}"}
    threads = True

    def start(self) -> None:
        self.fake = other_side.start("vk")

    def stop(self) -> None:
        other_side.stop(self.fake)

    def open(self, monkeypatch: pytest.MonkeyPatch) -> None:
        from otklik.correspondence import connections

        self.fake.told(reset=True)
        self.fake.told(token=contract.SECRET)
        connect(self.fake.url)
        connections.remember(self.code, seen_to=1)

    def raw(self, letter: Letter) -> bytes:
        from otklik.channels import envelope

        update = {name: value for name, value in self._event(letter, "7a").items() if name != "secret"}
        sender = {"last_name": "Примерова", "first_name": "Анна"}
        return envelope.packed("vk/1", update, [], group=GROUP, sender=sender, about={}, after="")

    def put(self, *letters: Letter) -> None:
        self.fake.told(messages=[*self.fake.holds("messages"), *(self._message(one) for one in letters)])

    def deliver(self, *letters: Letter, times: int = 1) -> None:
        for _ in range(times):
            assert all(self.call(one) == 200 for one in letters)

    @contextmanager
    def trouble(self, kind: str) -> Iterator[None]:
        sending = kind.startswith("send_")
        on = "/files/" if kind == "attachment" else "messages.send" if sending else "/method/"
        kind = "5xx" if kind == "attachment" else kind.removeprefix("send_")
        with self.fake.trouble(kind, on=on, after=contract.RETRY_AFTER):
            yield

    def call(self, letter: Letter, *, right: bool = True) -> int:
        said = self._event(letter, f"letter-{letter.number}")
        return int(call(said if right else {**said, "secret": "other"}).status_code)

    def send(self) -> str:
        from otklik.channels.vk.adapter import VkChannel
        from tests.channels.networks import letter

        return VkChannel().send(letter(f"vk.com/id{PERSON}"))

    def held(self) -> list[tuple[str, str]]:
        return [(one["text"], str(one["random_id"])) for one in self.fake.holds("sent")]

    def _event(self, letter: Letter, mark: str) -> dict[str, Any]:
        return event("message_new", {"message": self._message(letter), "client_info": {"lang_id": 0}}, mark=mark)

    def _message(self, letter: Letter) -> dict[str, Any]:
        quoted = {"reply_message": message(letter.reply_to, "ранее")} if letter.reply_to else {}
        attached = [
            {
                "type": "doc",
                "doc": {"id": turn, "owner_id": PERSON, "title": name, "ext": "", "url": self._lay(turn, data)},
            }
            for turn, (name, data) in enumerate(letter.files, start=1)
        ]
        date = int(letter.sent_at.timestamp())
        return message(letter.number, letter.text, date=date, attachments=attached, **quoted)

    def _lay(self, turn: int, data: bytes) -> str:
        return self.fake.lay(f"{turn}", data)


CASE = Vk()
