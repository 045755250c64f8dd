"""A kept event of VKontakte to what it says."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from otklik.channels import envelope
from otklik.channels.envelope import mapping, number, words
from otklik.channels.vk import events
from otklik.channels.vk.events import Event
from otklik.correspondence.channel import Parsed, ParseError
from otklik.correspondence.models import ChannelCode, IncomingMessage

_DONE: Final = {
    "delete": "Комментарий удалён со страницы сообщества.",
    "restore": "Комментарий восстановлен на странице сообщества.",
}


def parse(raw: Path) -> Parsed:
    """Read a kept message, comment or post. Raise ParseError."""
    content = envelope.opened(raw, schema=events.SCHEMA)
    event = events.read(content["update"], number(content.get("group")))
    if event is None or not event.named:
        raise ParseError("В событии ВКонтакте нет номеров сообщения: откройте оригинал.")
    about = mapping(content.get("about"))  # of a comment that is gone, its author is known from when it came
    sent_at = envelope.moment(number(event.said.get("date")))
    done = _DONE.get(event.turn, "") if about else ""
    files = () if done else envelope.papers(content)
    text = done or events.text_of(event.said)
    answers = [*event.answers, *([after] if (after := words(content.get("after"))) else [])]
    return Parsed(
        text=text,
        sender_name=words(about.get("name")) or _name(content, event),
        sender_address=words(about.get("address")) or event.sender_address,
        sent_at=sent_at,
        message_id=event.own_id,
        in_reply_to=answers[-1] if answers else "",
        references=answers,
        machine=IncomingMessage.Machine.AUTO if done else "",
        notes=_notes(event, text, bool(files), bool(sent_at) or bool(done)),
        files=files,
        facts=_facts(content, event),
        facts_schema=events.SCHEMA,
    )


def _name(content: Mapping[str, Any], event: Event) -> str:
    sender = mapping(content.get("sender"))
    return " ".join(part for part in (words(sender.get(one)) for one in ("last_name", "first_name")) if part)


def _notes(event: Event, text: str, files: bool, dated: bool) -> list[str]:
    notes = []
    if event.turn == "edit":
        notes.append("Автор изменил написанное: это новый текст.")
    if event.thing == "comment":
        notes.append(f"Комментарий на стене сообщества, ответ под ним увидят все: {event.answer_address}")
    if event.suggested:
        notes.append("Запись предложена сообществу и не опубликована: ответить можно личным сообщением.")
    elif event.thing == "post":
        notes.append(f"Запись на стене сообщества, ответ под ней увидят все: {event.answer_address}")
    if not text and not files:
        notes.append("в сообщении нет текста")
    if not dated:
        notes.append("дата в сообщении неверна: считается время поступления")
    return notes


def _facts(content: Mapping[str, Any], event: Event) -> dict[str, Any]:
    """Return who wrote and how to answer, for the registration to propose; and where it stands in the network."""
    sender = mapping(content.get("sender"))
    return {
        "identified": False,
        "applicant": {name: words(sender.get(name))[:150] for name in ("last_name", "first_name")},
        "answer": {"channel": ChannelCode.VK.value, "address": event.answer_address},
        "network": {"kind": event.thing, "turn": event.turn, "event": event.mark[:200], "page": event.answer_address},
    }
