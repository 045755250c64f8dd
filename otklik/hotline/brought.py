"""Files of an exchange that people bring, its queue log or its account of calls: told before anything is kept."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, datetime, tzinfo
from typing import Final

from django.conf import settings
from django.utils import timezone

from otklik.core import journal
from otklik.core.errors import DomainError
from otklik.hotline import calls
from otklik.hotline.exchange import cdr, queue_log
from otklik.hotline.exchange.events import Event, Kind
from otklik.hotline.models import CallEvent
from otklik.people.models import Employee

MAX_BYTES: Final = 5 * 1024 * 1024
MOST_LINES: Final = 30_000
QUEUE_LOG, CDR = "queue_log", "cdr"
KINDS: Final[dict[str, str]] = {QUEUE_LOG: "журнал очереди", CDR: "учёт звонков станции (CDR)"}


class BadFile(DomainError):
    """The file cannot be taken."""

    code = "calls.bad_file"
    text = "Файл не прочитан: {what}"


@dataclass(frozen=True)
class Brought:
    """What a file tells. `new`: events not known yet; `strange`: queues and numbers that are of no line of ours."""

    kind: str
    text: str
    events: list[Event]
    lines: int
    aside: int
    unread: int
    wrong: list[tuple[int, str]]
    calls: int = 0
    new: int = 0
    first: date | None = None
    last: date | None = None
    strange: list[str] = field(default_factory=list)

    @property
    def kind_name(self) -> str:
        """Say what the file is."""
        return KINDS[self.kind]


def decoded(content: bytes) -> str:
    """Return the text of a file; raises BadFile."""
    if len(content) > MAX_BYTES:
        raise BadFile(what=f"он больше {MAX_BYTES // 1024 // 1024} МБ. Загрузите его по частям, например по неделям.")
    if b"\x00" in content:
        raise BadFile(what="это не текст. Нужен queue_log или Master.csv, не архив и не книга Excel.")
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError:
        text = content.decode("cp1251", "replace")
    if not text.strip():
        raise BadFile(what="он пустой.")
    if text.count("\n") > MOST_LINES:
        raise BadFile(what=f"в нём больше {MOST_LINES} строк. Загрузите его по частям, например по неделям.")
    return text


def read(text: str, *, zone: tzinfo | None = None) -> Brought:
    """Read a file of either kind; nothing is kept. `zone`: of the times of an account. Raises BadFile or NotCdr."""
    if _is_queue_log(text):
        reader = queue_log.Reader()
        # The last line of a file may have lost its end: it is told as unread, not waited for.
        events = [one for one in reader.feed(text.encode() + b"\n") if one.uid]
        return _told(Brought(QUEUE_LOG, text, events, reader.number, 0, reader.unread, reader.wrong))
    account = cdr.read(text, zone=zone or timezone.get_current_timezone(), contexts=settings.EXCHANGE_CONTEXTS)
    told = Brought(CDR, text, account.events, account.lines, account.aside, account.unread, account.wrong)
    return _told(told)


def keep(brought: Brought, *, by: Employee) -> int:
    """Keep what a file tells. A queue log becomes calls, an account is compared with them. Return what was new."""
    with journal.together():
        new = calls.take(brought.events) if brought.kind == QUEUE_LOG else calls.keep(brought.events)
        journal.record("calls.uploaded", chain="calls", by=by, kind=brought.kind, events=new)
    return new


def _told(one: Brought) -> Brought:
    known = set()
    keys = [event.key for event in one.events]
    for begin in range(0, len(keys), 500):
        part = CallEvent.objects.filter(key__in=keys[begin : begin + 500], source=one.kind)
        known |= set(part.values_list("key", flat=True))
    names = calls.Names()
    # What is not of a line of ours is worth a look: a queue may have got a new name.
    named: dict[str, list[str]] = {}
    for event in one.events:
        if event.kind == Kind.ENTERED:
            of_call = named.setdefault(event.uid, [])
            of_call += [event.facts[name] for name in ("queue", "dialled") if name in event.facts]
    strange = sorted({told[0] for told in named.values() if told and names.line(told) is None})
    days: list[datetime] = [event.at for event in one.events]
    return Brought(
        one.kind,
        one.text,
        one.events,
        one.lines,
        one.aside,
        one.unread,
        one.wrong,
        calls=len({event.uid for event in one.events}),
        new=len(set(keys) - known),
        first=timezone.localdate(min(days)) if days else None,
        last=timezone.localdate(max(days)) if days else None,
        strange=strange[:10],
    )


def _is_queue_log(text: str) -> bool:
    """Tell by the first lines: the very first may have lost its beginning."""
    first = text.splitlines()[:20]
    return any(one.count("|") >= 4 and one.partition("|")[0].strip().replace(".", "", 1).isdecimal() for one in first)
