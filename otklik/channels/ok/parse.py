"""A kept message or comment of Odnoklassniki to what it says."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from otklik.channels import envelope
from otklik.channels.envelope import number, words
from otklik.channels.ok import events
from otklik.channels.ok.events import Event
from otklik.correspondence.channel import Parsed, ParseError
from otklik.correspondence.models import ChannelCode


def parse(raw: Path) -> Parsed:
    """Read a kept message or comment. Raise ParseError."""
    content = envelope.opened(raw, schema=events.SCHEMA)
    event = events.read(content["update"], number(content.get("group")))
    if event is None or not event.named:
        raise ParseError("В событии Одноклассников нет номеров сообщения: откройте оригинал.")
    sent_at = envelope.moment(event.seconds)
    files = envelope.papers(content)
    text = events.text_of(event.said)
    answers = [*event.answers, *([after] if (after := words(content.get("after"))) else [])]
    notes = []
    if event.thing == "comment":
        notes.append(f"Комментарий в группе, ответ под ним увидят все: {event.answer_address}")
    if not text and not files:
        notes.append("в сообщении нет текста")
    if sent_at is None:
        notes.append("дата в сообщении не указана или неверна: считается время поступления")
    return Parsed(
        text=text,
        sender_name=event.author_name,
        sender_address=event.sender_address,
        sent_at=sent_at,
        message_id=event.message_id,
        in_reply_to=answers[-1] if answers else "",
        references=answers,
        notes=notes,
        files=files,
        facts=_facts(event),
        facts_schema=events.SCHEMA,
    )


def _facts(event: Event) -> dict[str, Any]:
    """Return who wrote and how to answer, for the registration to propose; and where it stands in the network."""
    first, _, last = event.author_name.rpartition(" ")
    return {
        "identified": False,
        "applicant": {"last_name": last[:150], "first_name": first[:150]},
        "answer": {"channel": ChannelCode.OK.value, "address": event.answer_address},
        "network": {"kind": event.thing, "turn": "new", "event": event.external_id[:200], "page": event.answer_address},
    }
