"""Reports of mail servers about letters of ours: RFC 3464, and the notes of servers that never heard of it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from email.message import Message
from typing import Final

from otklik.channels.mail import charsets

MACHINES: Final = ("mailer-daemon@", "postmaster@", "mail-daemon@")
LOOKED_AT: Final = 20_000  # characters of a note without structure
_NAMED = re.compile(r"^message-id:\s*(<[^<>\s]{1,450}>)", re.IGNORECASE | re.MULTILINE)
_WORST: Final = ("failed", "delayed", "relayed", "expanded", "delivered")


@dataclass(frozen=True)
class Report:
    """What a report says: which letter of ours it is about, and what became of it."""

    about: str = ""  # Message-ID
    action: str = ""  # failed, delayed, delivered, relayed, expanded
    status: str = ""  # «5.1.1»
    said: str = ""  # in the server's own words

    @property
    def permanent(self) -> bool:
        """Say whether the letter will not arrive; the status decides only where the action is not told."""
        return self.action == "failed" or (not self.action and self.status.startswith("5"))


def is_report(letter: Message, address: str) -> bool:
    """Say whether a letter is a server's report."""
    return letter.get_content_type() == "multipart/report" or address.lower().startswith(MACHINES)


def read(letter: Message, text: str) -> Report:
    """Read a report; nothing in it where the letter is none, or names no letter."""
    if letter.get_content_type() != "multipart/report":
        return _of_note(letter, text)
    about, told = "", Report()
    for part in _parts(letter):
        kind = part.get_content_type()
        if kind in {"message/delivery-status", "message/global-delivery-status"}:
            told = _of_status(_text(part))
        elif kind in {"text/rfc822-headers", "message/rfc822", "message/global", "message/global-headers"}:
            about = next(iter(_NAMED.findall(_text(part))), about)
    return Report(about or told.about, told.action, told.status, told.said)


def _of_status(text: str) -> Report:
    """Read the fields of a delivery-status part; of several recipients the worst off counts: ours has one."""
    fields = _fields(text)
    actions = [value.partition(" ")[0].lower() for name, value in fields if name == "action"]
    statuses = [
        found[0] for name, value in fields if name == "status" and (found := re.findall(r"\d\.\d+\.\d+", value))
    ]
    said = [value.partition(";")[2] or value for name, value in fields if name == "diagnostic-code"]
    envelope = next((_of_xtext(value) for name, value in fields if name == "original-envelope-id"), "")
    return Report(
        about=envelope if re.fullmatch(r"<[^<>\s]{1,450}>", envelope) else "",
        action=min((one for one in actions if one in _WORST), key=_WORST.index, default=""),
        status=max(statuses, default=""),
        said=" ".join(charsets.clean(said[0]).split())[:300] if said else "",
    )


def _of_note(letter: Message, text: str) -> Report:
    """Read a note without structure, as qmail writes it: it quotes our letter, and says 5.x.x where it is final."""
    address = str(letter.get("from", ""))
    if not any(name in address.lower() for name in MACHINES):
        return Report()
    quoted = text[:LOOKED_AT] + "\n" + "".join(_text(part)[:LOOKED_AT] for part in _parts(letter))
    about = _NAMED.findall(quoted)
    status = re.findall(r"\b([245]\.\d{1,3}\.\d{1,3})\b", quoted)
    return Report(about[0], status=status[0] if status else "", said="") if about else Report()


def _fields(text: str) -> list[tuple[str, str]]:
    unfolded = re.sub(r"\r?\n[ \t]+", " ", text)
    pairs = (line.partition(":") for line in unfolded.splitlines())
    return [(name.strip().lower(), value.strip()) for name, colon, value in pairs if colon]


def _of_xtext(value: str) -> str:
    return re.sub(r"\+([0-9A-F]{2})", lambda found: chr(int(found[1], 16)), value)


def _text(part: Message) -> str:
    try:
        return part.as_string()
    except Exception:  # the standard generator refuses some headers it has read itself
        body = part.get_payload(decode=True)
        return body.decode("utf-8", "replace") if isinstance(body, bytes) else ""


def _parts(letter: Message) -> Iterator[Message]:
    children = letter.get_payload() if letter.is_multipart() else None
    for child in children if isinstance(children, list) else []:
        if isinstance(child, Message):
            yield child
