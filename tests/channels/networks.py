"""Answers to networks, as the delivery hands them to a channel."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from otklik.correspondence.channel import ToSend


def letter(
    recipient: str,
    text: str = "Сообщаем: сведения готовы.",
    *,
    files: Sequence[tuple[str, Path, str]] = (),
    **more: Any,
) -> ToSend:
    """Return an answer to a place of a network; another one at each call, unless `message_id` is given."""
    return ToSend(
        kind="answer",
        message_id=more.pop("message_id", f"<{uuid.uuid4().hex}@dep.example>"),
        token="abcdefghjk",
        sender="",
        sender_name="Департамент",
        recipient=recipient,
        recipient_name="",
        subject="Ответ",
        text=text,
        files=files,
        **more,
    )
