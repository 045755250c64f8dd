"""Reads kept bytes of a message that another system handed over."""

from __future__ import annotations

import base64
import binascii
from pathlib import Path
from typing import Any

from otklik.channels.handover import handed
from otklik.correspondence.channel import Parsed, ParsedFile, ParseError
from otklik.correspondence.text import clean_each


class HandoverReader:
    """Reads JSON whose fields the door has checked already."""

    def parse(self, raw: Path) -> Parsed:
        """Read a stored message with its files and what the other system knows beyond the text."""
        try:
            content = clean_each(handed.from_bytes(raw.read_bytes()))
            files = tuple(_file(one) for one in content.get("files") or ())
        except (ValueError, KeyError, TypeError, AttributeError, binascii.Error) as exc:
            raise ParseError("Это не запись, переданная другой системой: откройте оригинал.") from exc
        sender: dict[str, str] = content.get("applicant") or {}
        return Parsed(
            text=content["text"],
            subject=content.get("subject") or "",
            sender_name=_name(sender),
            sender_address=sender.get("email") or sender.get("address") or sender.get("phone") or "",
            files=files,
            facts=_facts(content),
            facts_schema=handed.SCHEMA,
        )


def _name(sender: dict[str, str]) -> str:
    person = " ".join(sender[part] for part in ("last_name", "first_name", "patronymic") if sender.get(part))
    return ", ".join(part for part in (sender.get("organisation"), person) if part)


def _file(one: dict[str, str]) -> ParsedFile:
    name, kind = one["name"], one.get("content_type") or ""
    if not isinstance(name, str) or not isinstance(kind, str):
        raise ValueError("a file without a name")
    return ParsedFile(name=name, declared_type=kind, content=base64.b64decode(one["content"], validate=True))


def _facts(content: dict[str, Any]) -> dict[str, Any]:
    """Return who wrote and how to answer, for the registration to propose."""
    told: dict[str, Any] = {"identified": bool(content.get("identified"))}
    for part in ("applicant", "answer"):
        if said := {name: value for name, value in (content.get(part) or {}).items() if value is not None}:
            told[part] = said
    if isinstance(source := content.get("source"), str) and source:  # who handed a list over
        told["source"] = source[:200]
    return told
