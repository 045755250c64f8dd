"""Letters another system hands over by the API: one door, five channels; the Governor's reception stands for them."""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Iterable
from typing import Any

import pytest
from django.test import Client

from tests.channels import contract
from tests.channels.contract import Letter


class Handover(contract.Case):
    """Tried through `/api/v1/messages`, as a program of the other side calls it."""

    code = "governor_reception"
    name = "handover (API)"
    does_not_apply = {
        **contract.NEVER_ASKED,
        **contract.SENDS_NOTHING,
        **contract.NO_XML,
        "unknown": "a field nobody knows is refused at the door, in words",
        "clock": "a time to come is refused at the door (tests/api/test_messages.py)",
    }

    def open(self, monkeypatch: pytest.MonkeyPatch) -> None:
        from tests.api.conftest import made
        from tests.appeals.conftest import World

        self.secret = made(World().clerk, "messages.create").secret

    def raw(self, letter: Letter) -> bytes:
        return json.dumps(self._said(letter)).encode()

    def broken(self, case: str) -> Iterable[bytes]:
        if case == "attachment":
            said = self._said(Letter(files=[("план.pdf", b"%PDF")]))
            said["files"][0]["content"] = "это не base64"
            return [json.dumps(said).encode()]
        return super().broken(case)

    def deliver(self, *letters: Letter, times: int = 1) -> None:
        for _ in range(times):
            assert all(self.call(letter) in {200, 201} for letter in letters)

    def call(self, letter: Letter, *, right: bool = True) -> int:
        body = self.raw(letter)
        headers = {
            "Authorization": f"Bearer {self.secret if right else 'otk_wrong'}",
            "Idempotency-Key": hashlib.sha256(body).hexdigest(),
        }
        answer = Client().post("/api/v1/messages", body, content_type="application/json", headers=headers)
        return int(answer.status_code)

    def _said(self, letter: Letter) -> dict[str, Any]:
        return {
            "channel": self.code,
            "external_id": f"GP-{letter.number}",
            "subject": "Аренда участка",
            "text": letter.text,
            "applicant": {"last_name": "Примерова", "first_name": "Анна", "email": "anna@citizen.example"},
            "answer": {"channel": "email", "address": "anna@citizen.example"},
            "files": [{"name": name, "content": base64.b64encode(data).decode()} for name, data in letter.files],
        }


CASE = Handover()
