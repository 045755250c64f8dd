"""The whole contract between correspondence and a channel: translate, do not decide."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any, ClassVar, Literal, Protocol


class DeliveryError(Exception):
    """The channel refused. `permanent` means that trying again cannot help, `retry_after` how many seconds to wait."""

    def __init__(self, text: str, *, permanent: bool = False, retry_after: float | None = None) -> None:
        self.permanent = permanent
        self.retry_after = retry_after
        super().__init__(text)


class DeliveryUnknown(Exception):
    """The connection broke after the message was handed over: it may have arrived."""


class SourceError(Exception):
    """The source gives nothing now: what an administrator reads (Russian); `retry_after`: seconds it asked to wait."""

    def __init__(self, text: str, *, retry_after: float | None = None) -> None:
        self.retry_after = retry_after
        super().__init__(text)


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
    continues: str = ""  # mark of a conversation that the channel itself knows its sender to be in
    machine: str = ""  # IncomingMessage.Machine
    bounce_of: str = ""  # Message-ID of ours that a delivery report is about
    bounce_permanent: bool = False
    bounce_action: str = ""  # DeliveryReport.Action, as the report says it
    bounce_status: str = ""  # «5.1.1»
    bounce_said: str = ""  # in the words of the server that reports
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


@dataclass(frozen=True)
class Setting:
    """One thing an administrator writes down to connect a channel; secrets are kept encrypted and never shown."""

    name: str
    label: str  # Russian, as the other side's own pages call it
    hint: str = ""
    kind: Literal["text", "secret", "number", "yes", "folder", "long"] = "text"
    required: bool = True
    default: Any = ""


class Connected(Channel, Protocol):
    """A channel that is connected on its page: `connections.of(code)` holds what was written down there."""

    settings: ClassVar[Sequence[Setting]]
    every: ClassVar[int]  # seconds between two visits of `fetch`; 0: it is never asked, it comes by itself
    sends: ClassVar[bool]  # a program hands answers over; else a person carries them and says so
    guide: ClassVar[str]  # page of docs/channels/

    def try_out(self) -> str:
        """Ask the other side who we are; return what it said (Russian). Raise SourceError."""
        ...


@dataclass(frozen=True)
class Called:
    """A request that another system's server sent us."""

    body: bytes
    headers: Mapping[str, str]  # names in lower case
    query: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Reply:
    """What that server gets back."""

    text: str = "ok"
    status: int = 200
    content_type: str = "text/plain; charset=utf-8"


class Listener(Connected, Protocol):
    """A channel whose other side calls us at `/hooks/<code>/`."""

    def hear(self, called: Called) -> Reply:
        """Check who calls, keep the message through `inbox.accept`, and only then say that it was got.

        Raise Refused for a wrong secret; anything else that goes wrong is answered 500 and repeated by the caller.
        """
        ...


class Refused(Exception):
    """Whoever calls does not prove to be the other side: answered 403 and kept nowhere."""
