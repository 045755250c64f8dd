"""The whole contract between correspondence and a channel: translate, do not decide."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any, ClassVar, Protocol


class DeliveryError(Exception):
    """The channel refused. `permanent` means that trying again cannot help."""

    def __init__(self, text: str, *, permanent: bool = False) -> None:
        self.permanent = permanent
        super().__init__(text)


class DeliveryUnknown(Exception):
    """The connection broke after the message was handed over: it may have arrived."""


class ParseError(Exception):
    """The raw bytes cannot be read as this channel's message; a clerk will see why (Russian text)."""


@dataclass(frozen=True)
class Arrived:
    """A message as the source gave it, before anything parses it.

    `external_id` is what the source calls it, `digest` the SHA-256 of what delivery does not change:
    the same id with another digest is another message.
    """

    channel: str
    external_id: str
    digest: str
    raw: Path | bytes
    received_at: datetime  # aware
    contact_point: str = ""  # code of a ContactPoint
    imported: bool = False


@dataclass(frozen=True)
class ParsedFile:
    """A file found inside a message: its bytes are either here or in a file to be taken over."""

    name: str
    declared_type: str
    content: bytes | Path
    inline: bool = False
    content_id: str = ""
    problem: str = ""
    temporary: bool = False  # the file at `content` is ours to delete once it is stored


@dataclass(frozen=True)
class Parsed:
    """What a channel read from raw bytes. Strings are clean text; `html` is cleaned and safe to show."""

    text: str
    subject: str = ""
    html: str = ""
    sender_name: str = ""
    sender_address: str = ""
    recipients: Sequence[str] = ()
    sent_at: datetime | None = None
    message_id: str = ""
    in_reply_to: str = ""
    references: Sequence[str] = ()
    machine: str = ""  # IncomingMessage.Machine
    bounce_of: str = ""  # Message-ID of ours that a delivery report is about
    bounce_permanent: bool = False
    notes: Sequence[str] = ()  # Russian remarks for the clerk: «кодировка определена по содержанию»
    files: Sequence[ParsedFile] = ()
    facts: dict[str, Any] = field(default_factory=dict)
    facts_schema: str = ""


@dataclass(frozen=True)
class ToSend:
    """An outgoing row as a channel sees it. `files` are (name, path, content type)."""

    kind: str
    message_id: str
    token: str
    sender: str  # address of our contact point
    sender_name: str
    recipient: str
    recipient_name: str
    subject: str
    text: str
    in_reply_to: str = ""
    references: Sequence[str] = ()
    files: Sequence[tuple[str, Path, str]] = ()
    automatic: bool = False


class Reader(Protocol):
    """Reads what was kept."""

    def parse(self, raw: Path) -> Parsed:
        """Read stored raw bytes. Raise ParseError where that is impossible."""
        ...


class Channel(Reader, Protocol):
    """One way for messages to come and go."""

    code: ClassVar[str]
    repeats_safely: ClassVar[bool]  # the other side recognises a repeat (same Message-ID, uid…)

    def fetch(self) -> Iterable[object]:
        """Bring in what waits at the source through `inbox.accept`; yield what became of each message."""
        ...

    def send(self, item: ToSend) -> str:
        """Hand one message over; return what the other side called it. Raise DeliveryError or DeliveryUnknown."""
        ...
