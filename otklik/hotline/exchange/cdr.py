"""The exchange's own account of calls (CDR): Asterisk's Master.csv, or our layout with a header.

Asterisk calls a call ANSWERED as soon as anything has answered it, a greeting or the queue itself: a human has only
where a leg to somebody (`dstchannel`) was answered. What CDR tells of waiting is rough, so it is believed last.
"""

from __future__ import annotations

import csv
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta, tzinfo
from typing import Any, Final

from otklik.core.errors import DomainError
from otklik.hotline.exchange.events import (
    LONGEST_UID,
    Event,
    Kind,
    Source,
    Unreadable,
    clean,
    facts,
    in_our_time,
    number,
    seconds,
)

MASTER: Final = (
    *("accountcode", "src", "dst", "dcontext", "clid", "channel", "dstchannel", "lastapp", "lastdata"),
    *("start", "answer", "end", "duration", "billsec", "disposition", "amaflags", "uniqueid", "userfield"),
)
OURS: Final = {
    "call_id": "имя звонка",
    "came_at": "поступил",
    "line": "линия",
    "number": "номер",
    "answered_at": "отвечен",
    "ended_at": "окончен",
    "agent": "кто ответил",
    "robot": "отвечал робот",
    "position": "место в очереди",
}
_NEEDED: Final = ("call_id", "came_at", "ended_at")
_FORMS: Final = ("%Y-%m-%d %H:%M:%S", "%Y-%m-%dT%H:%M:%S", "%d.%m.%Y %H:%M:%S", "%d.%m.%Y %H:%M")
_YES: Final = {"1", "да", "yes", "true", "+"}
_ROBOTS: Final = {"background", "playback", "voicemail", "readexten", "read", "ivr"}


class NotCdr(DomainError):
    """The file is neither of the two layouts."""

    code = "calls.not_cdr"
    text = "Файл не похож на учёт звонков: {what}"


@dataclass
class Read:
    """What a file tells: events, lines that are not of the line, lines not understood with the reason."""

    events: list[Event] = field(default_factory=list)
    lines: int = 0
    aside: int = 0
    unread: int = 0
    wrong: list[tuple[int, str]] = field(default_factory=list)

    def refuse(self, line: int, why: str) -> None:
        """Count a line that is not understood; the first of them are named."""
        self.unread += 1
        if len(self.wrong) < 20:
            self.wrong.append((line, why))


def read(text: str, *, zone: tzinfo, contexts: Collection[str] = ()) -> Read:
    """Read a file of either layout. `zone`: of times that name none; `contexts`: where calls from outside begin."""
    head = text.lstrip("\ufeff").partition("\n")[0]
    columns = [_ours(name) for name in next(csv.reader([head], delimiter=_delimiter(head)), [])]
    if "call_id" in columns:
        if lacking := [name for name in _NEEDED if name not in columns]:
            raise NotCdr(what=f"нет столбцов {', '.join(lacking)}.")
        return _read(text, columns, _delimiter(head), True, lambda row: _of_ours(row, zone))
    if len(columns) < len(MASTER) - 1:
        raise NotCdr(
            what=f"нужен Master.csv с uniqueid (loguniqueid=yes в cdr.conf) или таблица со столбцами {', '.join(OURS)}."
        )
    return _read(text, list(MASTER), ",", False, lambda row: _of_master(row, zone, contexts))


def _read(text: str, columns: list[str], delimiter: str, has_head: bool, told: Any) -> Read:
    done = Read()
    lines = csv.reader(text.lstrip("\ufeff").splitlines(), delimiter=delimiter)
    for place, cells in enumerate(_rows(lines, done), 1):
        if (has_head and place == 1) or not any(cell.strip() for cell in cells):
            continue
        done.lines += 1
        try:
            events = told(dict(zip(columns, cells, strict=False)))
        except Unreadable as exc:
            done.refuse(place, str(exc))
            continue
        done.aside += not events
        done.events += events
    return done


def _rows(lines: Iterator[list[str]], done: Read) -> Iterator[list[str]]:
    while True:
        try:
            yield next(lines)
        except StopIteration:
            return
        except csv.Error:
            done.refuse(done.lines + 1, "строка испорчена")


def _of_master(row: Mapping[str, str], zone: tzinfo, contexts: Collection[str]) -> list[Event]:
    uid = clean(row.get("uniqueid"), LONGEST_UID)
    if not uid:
        raise Unreadable("нет uniqueid")
    app = clean(row.get("lastapp"))
    queue = clean(clean(row.get("lastdata"), 200).partition(",")[0]) if app == "Queue" else ""
    if not queue and clean(row.get("dcontext")) not in contexts:
        return []
    starts, ends = _time(row.get("start"), zone), _time(row.get("end"), zone)
    if starts is None:
        raise Unreadable("нет времени начала")
    agent = clean(row.get("dstchannel"))
    answered = clean(row.get("disposition")) == "ANSWERED"
    said = "\x1f".join(str(value) for value in row.values())
    events = [
        _entered(uid, starts, facts(queue=queue, number=number(row.get("src")), dialled=clean(row.get("dst"))), said)
    ]
    if agent and answered:
        at = _time(row.get("answer"), zone) or starts
        told = facts(agent=agent, queue=queue, talked=seconds(row.get("billsec")))
        events.append(Event(Source.CDR, uid, Kind.CONNECTED, at, told, said))
    elif agent:
        events.append(Event(Source.CDR, uid, Kind.NOT_TAKEN, ends or starts, facts(agent=agent), said))
    elif app.lower() in _ROBOTS and answered:
        events.append(Event(Source.CDR, uid, Kind.ROBOT, starts, facts(why=app), said))
    ends = ends or starts + timedelta(seconds=seconds(row.get("duration")) or 0)
    return [*events, Event(Source.CDR, uid, Kind.ENDED, ends, {}, said)]


def _of_ours(row: Mapping[str, str], zone: tzinfo) -> list[Event]:
    uid, came, ends = (
        clean(row.get("call_id"), LONGEST_UID),
        _time(row.get("came_at"), zone),
        _time(row.get("ended_at"), zone),
    )
    if not uid or came is None or ends is None:
        raise Unreadable("нужны имя звонка, когда поступил и когда окончен")
    answered = _time(row.get("answered_at"), zone)
    if ends < came or (answered and not came <= answered <= ends):
        raise Unreadable("время стоит не по порядку")
    said = "\x1f".join(f"{name}={value}" for name, value in sorted(row.items()))
    told = facts(dialled=clean(row.get("line")), queue=clean(row.get("line")), number=number(row.get("number")))
    events = [_entered(uid, came, told, said)]
    if clean(row.get("robot")).lower() in _YES:
        events.append(Event(Source.CDR, uid, Kind.ROBOT, came, {}, said))
    if answered:
        events.append(Event(Source.CDR, uid, Kind.CONNECTED, answered, facts(agent=clean(row.get("agent"))), said))
    return [*events, Event(Source.CDR, uid, Kind.ENDED, ends, facts(position=seconds(row.get("position"))), said)]


def _entered(uid: str, at: datetime, told: dict[str, Any], said: str) -> Event:
    return Event(Source.CDR, uid, Kind.ENTERED, at, told, said)


def _time(text: str | None, zone: tzinfo) -> datetime | None:
    said = clean(text)
    if not said:
        return None
    for form in _FORMS:
        try:
            return in_our_time(datetime.strptime(said, form).replace(tzinfo=zone))
        except ValueError:
            continue
    try:
        told = datetime.fromisoformat(said)
    except ValueError:
        raise Unreadable("время не прочитано") from None
    return in_our_time(told if told.tzinfo else told.replace(tzinfo=zone))


def _ours(name: str) -> str:
    told = clean(name).lower()
    return next((code for code, words in OURS.items() if told in (code, words)), told)


def _delimiter(head: str) -> str:
    return ";" if head.count(";") > head.count(",") else ","
