"""Events of the Asterisk Manager Interface: lines of text over TCP.

Written here and not taken from a library: pyst2 (last release 2019) and panoramisk (2021) are not kept up, asterisk-ami
(2024) is threads and callbacks of its own; what is needed of the protocol is a login and blank lines between events.
`timestampevents = yes` in manager.conf gives every event the exchange's own time; without it the moment of arrival
stands in.
"""

from __future__ import annotations

import secrets
import socket
import time
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import suppress
from datetime import datetime
from typing import Any, Final

from otklik.hotline.exchange.events import (
    LONGEST_UID,
    Event,
    Kind,
    Source,
    Unreadable,
    clean,
    facts,
    moment,
    number,
    seconds,
)

Message = Mapping[str, str]
PATIENCE: Final = 10.0  # seconds to connect and to be let in
PING_EVERY: Final = 20.0  # seconds of silence before the exchange is asked whether it is there
_MOST_UNREAD: Final = 1_000_000  # bytes without a blank line: not an exchange


class Refused(Exception):
    """The exchange does not let us in, or is none."""


def parse(block: bytes) -> dict[str, str]:
    """Return one message: the fields between two blank lines."""
    lines = (line.partition(":") for line in block.decode("utf-8", "replace").splitlines())
    return {name.strip(): value.strip() for name, sign, value in lines if sign}


class Blocks:
    """Cuts what arrives into messages; a piece waits for its rest."""

    def __init__(self) -> None:
        self._rest = b""

    def feed(self, chunk: bytes) -> list[dict[str, str]]:
        """Return the messages this piece has completed."""
        *blocks, self._rest = (self._rest + chunk).replace(b"\r\n", b"\n").split(b"\n\n")
        if len(self._rest) > _MOST_UNREAD:
            raise Refused("отвечает не Asterisk: сообщение без конца")
        return [parse(block) for block in blocks if block.strip()]


def translate(message: Message, *, arrived: datetime, contexts: Collection[str] = ()) -> Event | None:
    """Return what a message tells of a call, or None. `contexts`: of the dial plan, where calls from outside begin."""
    name = message.get("Event", "")
    if name not in _EVENTS:
        return None
    told = _EVENTS[name](message, contexts)
    if told is None:
        return None
    kind, uid, known = told
    if not (uid := clean(uid, LONGEST_UID)):
        return None
    try:
        at = moment(message["Timestamp"]) if message.get("Timestamp") else arrived
    except Unreadable:
        at = arrived
    stamp = message.get("Timestamp") or at.isoformat(timespec="seconds")
    said = "\x1f".join(["AMI", name, uid, stamp, *(f"{key}={value}" for key, value in sorted(known.items()))])
    return Event(Source.AMI, uid, kind, at, facts(**known), said)


Told = tuple[Kind, str, dict[str, Any]] | None


def _channel(message: Message, contexts: Collection[str]) -> Told:
    uid = message.get("Uniqueid", "")
    if message.get("Linkedid", uid) != uid or message.get("Context") not in contexts:
        return None  # the leg to a consultant, or a call that began inside
    told = {"number": number(message.get("CallerIDNum")), "dialled": clean(message.get("Exten"))}
    return Kind.ENTERED, uid, told


def _joined(message: Message, _: Collection[str]) -> Told:
    told = {"queue": clean(message.get("Queue")), "number": number(message.get("CallerIDNum"))}
    return Kind.ENTERED, message.get("Uniqueid", ""), told


def _abandoned(message: Message, _: Collection[str]) -> Told:
    told = {
        "queue": clean(message.get("Queue")),
        "position": seconds(message.get("Position")),
        "waited": seconds(message.get("HoldTime")),
    }
    return Kind.ABANDONED, message.get("Uniqueid", ""), told


def _agent(kind: Kind) -> Callable[[Message, Collection[str]], Told]:
    def told(message: Message, _: Collection[str]) -> Told:
        known = {
            "queue": clean(message.get("Queue")),
            "agent": clean(message.get("Interface") or message.get("MemberName")),
            "waited": seconds(message.get("HoldTime")),
            "talked": seconds(message.get("TalkTime")),
        }
        return kind, message.get("Uniqueid", ""), known

    return told


def _holding(kind: Kind) -> Callable[[Message, Collection[str]], Told]:
    def told(message: Message, _: Collection[str]) -> Told:
        return kind, message.get("Linkedid") or message.get("Uniqueid", ""), {}

    return told


def _ringing(message: Message, _: Collection[str]) -> Told:
    agent = clean(message.get("DestChannel"))
    return (Kind.RINGING, message.get("Linkedid") or message.get("Uniqueid", ""), {"agent": agent}) if agent else None


def _dialled(message: Message, _: Collection[str]) -> Told:
    kind = Kind.CONNECTED if message.get("DialStatus") == "ANSWER" else Kind.NOT_TAKEN
    return kind, message.get("Linkedid") or message.get("Uniqueid", ""), {"agent": clean(message.get("DestChannel"))}


def _transferred(message: Message, _: Collection[str]) -> Told:
    uid = message.get("TransfererLinkedid") or message.get("OrigTransfererLinkedid") or ""
    return Kind.TRANSFERRED, uid, {"to": clean(message.get("Extension") or message.get("TransferTargetExten"))}


def _hung_up(message: Message, _: Collection[str]) -> Told:
    uid = message.get("Uniqueid", "")
    return (Kind.ENDED, uid, {}) if message.get("Linkedid", uid) == uid else None


def _said_by_dialplan(message: Message, _: Collection[str]) -> Told:
    """Read `UserEvent(Robot)` of the dial plan: a machine has answered."""
    if message.get("UserEvent", "").lower() != "robot":
        return None
    return Kind.ROBOT, message.get("Linkedid") or message.get("Uniqueid", ""), {}


_EVENTS: Final[dict[str, Callable[[Message, Collection[str]], Told]]] = {
    "Newchannel": _channel,
    "QueueCallerJoin": _joined,
    "QueueCallerAbandon": _abandoned,
    "AgentCalled": _agent(Kind.RINGING),
    "AgentRingNoAnswer": _agent(Kind.NOT_TAKEN),
    "AgentConnect": _agent(Kind.CONNECTED),
    "AgentComplete": _agent(Kind.COMPLETED),
    "Hold": _holding(Kind.HELD),
    "Unhold": _holding(Kind.RESUMED),
    "DialBegin": _ringing,
    "DialEnd": _dialled,
    "BlindTransfer": _transferred,
    "AttendedTransfer": _transferred,
    "Hangup": _hung_up,
    "UserEvent": _said_by_dialplan,
}


class Connection:
    """One connection to the exchange, let in; ended by the exchange, by silence or by `close`."""

    def __init__(
        self,
        host: str,
        port: int,
        *,
        user: str,
        password: str,
        events: str = "call,agent,user",
        patience: float = PATIENCE,
    ) -> None:
        """Connect and log in; raises OSError, or Refused with the words of the exchange. `events`: what is heard."""
        self._patience = patience
        self._socket = socket.create_connection((host, port), timeout=patience)
        self._blocks = Blocks()
        try:
            self._greeting()
            fields = {"Action": "Login", "Username": user, "Secret": password, "Events": events}
            self._send(fields)
            self._waiting = self._let_in()
        except BaseException:
            self.close()
            raise
        self._socket.settimeout(1.0)

    def messages(self, stopping: Callable[[], bool]) -> Iterator[list[dict[str, str]]]:
        """Yield what arrives, by pieces, an empty list each second of silence; ends when told to or when cut off."""
        silent = 0.0
        first, self._waiting = self._waiting, []
        yield first
        while not stopping():
            try:
                chunk = self._socket.recv(65536)
            except TimeoutError:
                silent += 1.0
                if silent == PING_EVERY:
                    self._send({"Action": "Ping"})
                elif silent > 2 * PING_EVERY:
                    raise ConnectionError("станция молчит") from None
                yield []
                continue
            if not chunk:
                raise ConnectionError("станция закрыла соединение")
            silent = 0.0
            yield self._blocks.feed(chunk)

    def ask(self, fields: Mapping[str, str]) -> None:
        """Ask for an action and wait for the word of the exchange; raises OSError, or Refused with it."""
        asked = secrets.token_hex(8)
        self._send({**fields, "ActionID": asked})
        until, waiting = time.monotonic() + self._patience, self._waiting
        while True:
            said = next((one for one in waiting if one.get("ActionID") == asked and "Response" in one), None)
            if said is not None:
                break
            if time.monotonic() > until:
                raise TimeoutError
            try:
                chunk = self._socket.recv(65536)
            except TimeoutError:
                waiting = []
                continue
            if not chunk:
                raise ConnectionError("станция закрыла соединение")
            waiting = self._blocks.feed(chunk)
        if said["Response"] != "Success":
            raise Refused(f"станция отказала: {clean(said.get('Message'), 100)}")

    def close(self) -> None:
        """End the connection."""
        with suppress(OSError):
            self._socket.close()

    def _greeting(self) -> None:
        """Read «Asterisk Call Manager/x.y», the one line that is no message."""
        said = b""
        while not said.endswith(b"\n"):
            byte = self._socket.recv(1)
            if not byte or len(said) > 200:
                raise Refused("отвечает не Asterisk")
            said += byte
        if not said.startswith(b"Asterisk Call Manager"):
            raise Refused("отвечает не Asterisk")

    def _let_in(self) -> list[dict[str, str]]:
        while True:
            chunk = self._socket.recv(65536)
            if not chunk:
                raise Refused("станция закрыла соединение при входе")
            messages = self._blocks.feed(chunk)
            for place, message in enumerate(messages):
                if message.get("Response") == "Success":
                    return messages[place + 1 :]
                if message.get("Response") == "Error":
                    raise Refused(f"станция не пускает: {clean(message.get('Message'), 100)}")

    def _send(self, fields: Mapping[str, str]) -> None:
        # A line more would be another field, or another action.
        lines = (f"{name}: {' '.join(value.splitlines())}" for name, value in fields.items())
        self._socket.sendall(("\r\n".join(lines) + "\r\n\r\n").encode())
