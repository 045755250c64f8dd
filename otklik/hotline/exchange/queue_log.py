"""The queue log of Asterisk: `time|call|queue|agent|EVENT|data…`, one line an event, appended for ever.

Fields of the events as Asterisk's manual tells them; where versions differ (positions in EXITWITHTIMEOUT, the data of
ATTENDEDTRANSFER) what is absent stays unknown. A line without its end waits for the rest of it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from otklik.hotline.exchange.events import LONGEST_UID, Event, Kind, Source, Unreadable, clean, facts, moment, seconds
from otklik.hotline.exchange.events import number as number_of

STARTED: Final = "QUEUESTART"
_LONGEST_LINE: Final = 4096
_FEWEST: Final = 5
Data = Sequence[str]


def _entered(data: Data) -> dict[str, Any]:  # url|callerid[|position]
    return facts(number=number_of(_at(data, 1)))


def _dialled(data: Data) -> dict[str, Any]:
    return facts(dialled=clean(_at(data, 0)))


def _rang(data: Data) -> dict[str, Any]:  # milliseconds
    rang = seconds(_at(data, 0))
    return facts(rang=None if rang is None else rang // 1000)


def _connected(data: Data) -> dict[str, Any]:  # hold time|channel of the agent|ring time
    return facts(waited=seconds(_at(data, 0)))


def _left(data: Data) -> dict[str, Any]:  # position|position at the beginning|waited
    return facts(position=seconds(_at(data, 0)), waited=seconds(_at(data, 2)))


def _left_by_key(data: Data) -> dict[str, Any]:
    return {**_left(data[1:]), **facts(pressed=clean(_at(data, 0)))}


def _completed(data: Data) -> dict[str, Any]:  # hold time|talk time|position at the beginning
    return facts(waited=seconds(_at(data, 0)), talked=seconds(_at(data, 1)))


def _transferred(data: Data) -> dict[str, Any]:  # extension|context|hold time|talk time[|position at the beginning]
    return facts(to=clean(_at(data, 0)), waited=seconds(_at(data, 2)), talked=seconds(_at(data, 3)))


def _transferred_attended(data: Data) -> dict[str, Any]:  # …|hold time|talk time|position at the beginning
    return facts(waited=seconds(_at(data, len(data) - 3)), talked=seconds(_at(data, len(data) - 2)))


_EVENTS: Final[dict[str, tuple[Kind, Callable[[Data], dict[str, Any]]]]] = {
    "ENTERQUEUE": (Kind.ENTERED, _entered),
    "DID": (Kind.ENTERED, _dialled),
    "RINGNOANSWER": (Kind.NOT_TAKEN, _rang),
    "RINGCANCELED": (Kind.NOT_TAKEN, _rang),
    "CONNECT": (Kind.CONNECTED, _connected),
    "ABANDON": (Kind.ABANDONED, _left),
    "EXITWITHTIMEOUT": (Kind.TIMED_OUT, _left),
    "EXITEMPTY": (Kind.TIMED_OUT, _left),
    "EXITWITHKEY": (Kind.TIMED_OUT, _left_by_key),
    "COMPLETEAGENT": (Kind.COMPLETED, _completed),
    "COMPLETECALLER": (Kind.COMPLETED, _completed),
    "TRANSFER": (Kind.TRANSFERRED, _transferred),
    "BLINDTRANSFER": (Kind.TRANSFERRED, _transferred),
    "ATTENDEDTRANSFER": (Kind.TRANSFERRED, _transferred_attended),
}


def translate(line: str) -> Event | None:
    """Return what a whole line tells of a call; None for what tells of none. Raises Unreadable."""
    parts = line.split("|")
    if len(parts) < _FEWEST:
        raise Unreadable("строка неполная")
    if len(line) > _LONGEST_LINE:
        raise Unreadable("строка слишком длинная")
    at = moment(parts[0])
    uid, queue, agent, name = (clean(part, LONGEST_UID) for part in parts[1:5])
    if name == STARTED:
        return Event(Source.QUEUE_LOG, "", Kind.ENDED, at, {"why": "restart"}, line)
    if name not in _EVENTS:
        return None
    if not uid or uid == "NONE":
        raise Unreadable("нет имени звонка")
    kind, told = _EVENTS[name]
    # The queue of a DID line is where the call comes to next, or NONE.
    named = facts(
        queue="" if queue == "NONE" else clean(queue), agent="" if agent == "NONE" else clean(agent), why=name
    )
    return Event(Source.QUEUE_LOG, uid, kind, at, {**named, **told(parts[5:])}, line)


@dataclass
class Reader:
    """Reads a log as it grows; what is not understood is counted, never guessed."""

    rest: bytes = b""
    unread: int = 0
    wrong: list[tuple[int, str]] = field(default_factory=list)
    number: int = 0

    def feed(self, chunk: bytes) -> list[Event]:
        """Return the events of the lines this piece has completed."""
        *lines, self.rest = (self.rest + chunk).split(b"\n")
        found = []
        for line in lines:
            self.number += 1
            text = line.decode("utf-8", "replace").strip()
            if not text:
                continue
            try:
                event = translate(text)
            except Unreadable as exc:
                self.unread += 1
                if len(self.wrong) < 20:
                    self.wrong.append((self.number, str(exc)))
                continue
            if event is not None:
                found.append(event)
        return found


def _at(data: Data, place: int) -> str:
    return data[place] if 0 <= place < len(data) else ""
