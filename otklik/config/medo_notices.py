"""Senders of МЭДО hear what becomes of their documents: notifications made from the journal, each once.

Neither appeals nor channels know of each other: this reads the rows the steps leave behind.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Mapping
from datetime import date
from typing import Final, cast

from django.db import transaction
from django.utils import timezone

from otklik.appeals.models import Appeal
from otklik.channels.medo import notices, versions
from otklik.channels.medo.compose import Event
from otklik.channels.medo.exchange import Exchange
from otklik.channels.medo.message import Numbered, Someone
from otklik.core.errors import is_outage
from otklik.core.models import JournalEntry
from otklik.correspondence import connections, inbox
from otklik.correspondence.models import ChannelCode, IncomingMessage, OutgoingMessage
from otklik.people.models import Employee, Unit

log = logging.getLogger("otklik.medo")

# A row may be committed after rows with greater keys; those read twice are told once all the same.
OVERLAP: Final = 2000
AT_ONCE: Final = 500
Told = tuple[IncomingMessage, Event]


def tell() -> int:
    """Queue the notifications of what has happened since the last time; return how many were queued."""
    there = connections.of(ChannelCode.MEDO)
    if there is None:
        return 0
    us = Exchange.of(there)
    if us.trouble():
        return 0  # the visit of the folder tells the administrator
    since = _switched_on()
    read_to = int(there.cursor.get("told_to", since))
    rows = JournalEntry.objects.filter(pk__gt=max(since, read_to - OVERLAP), action__in=list(_EVENTS)).order_by("pk")
    last = JournalEntry.objects.order_by("-pk").values_list("pk", flat=True).first() or 0
    made = 0
    entries = cast("Iterator[JournalEntry]", rows.iterator(chunk_size=AT_ONCE))
    for some in inbox.portions(entries, lambda _: 0):
        known = notices.told(row.pk for row in some)
        made += sum(_tell(us, row) for row in some if notices.uid_of("notice", row.pk) not in known)
    if last != read_to:
        connections.remember(ChannelCode.MEDO, told_to=last)
    return made


def _switched_on() -> int:
    """Return the row from which on senders are told: that of the first switching on. What was before is history."""
    rows = JournalEntry.objects.filter(chain=f"channel:{ChannelCode.MEDO}", action="connection.switched")
    return rows.order_by("pk").values_list("pk", flat=True).first() or 0


def _tell(us: Exchange, row: JournalEntry) -> bool:
    try:
        with transaction.atomic():
            told = _EVENTS[row.action](row)
            return told is not None and notices.tell(us, *told, about=row.pk)
    except Exception as exc:
        if is_outage(exc):
            raise  # read anew at the next turn
        log.exception("journal row %s: the sender was not told", row.pk)
        return False


def _registered(row: JournalEntry) -> Told | None:
    message = IncomingMessage.objects.filter(pk=row.data.get("message"), channel=ChannelCode.MEDO, machine="").first()
    appeal = _appeal_of(row)
    if message is None or appeal is None or row.data.get("imported"):
        return None
    said = row.data.get("registered_on")
    on = date.fromisoformat(said) if said else timezone.localdate(row.at)
    return message, Event("Зарегистрирован", row.at, num=Numbered(appeal.number, on))


def _rejected(row: JournalEntry) -> Told | None:
    message = IncomingMessage.objects.filter(pk=_key(row), channel=ChannelCode.MEDO, machine="").first()
    if message is None:
        return None
    reason = refusal(message.reject_reason)
    return message, Event("Отказано в регистрации", row.at, reason=reason, comment=message.reject_reason)


def refusal(said: str) -> str:
    """Return the reason of the closed list that a clerk's words name; else that it is not to be registered."""
    words = said.casefold()
    named = [one for one in versions.REFUSALS if one.casefold() in words]
    return max(named, key=len, default=versions.REFUSALS[0])


def _assigned(row: JournalEntry) -> Told | None:
    executor = Employee.objects.filter(pk=row.data.get("executor")).select_related("unit").first()
    unit = Unit.objects.filter(pk=row.data.get("unit")).first()
    name = unit.name if unit else ""
    return _of_case(
        row,
        Event(
            "Назначен исполнитель",
            row.at,
            manager=Someone(department=name),
            executor=_person(executor, name),
        ),
    )


def _prepared(row: JournalEntry) -> Told | None:
    signer = Employee.objects.filter(pk=row.data.get("signer")).first()
    return _of_case(row, Event("Доклад подготовлен", row.at, signatory=_person(signer)))


def _sent(row: JournalEntry) -> Told | None:
    outgoing = OutgoingMessage.objects.filter(pk=_key(row), kind=OutgoingMessage.Kind.ANSWER).first()
    appeal = Appeal.objects.filter(thread=outgoing.thread_id).first() if outgoing else None
    if appeal is None:
        return None
    on = timezone.localdate(outgoing.sent_at if outgoing and outgoing.sent_at else row.at)
    return _told(appeal, Event("Доклад направлен", row.at, num=Numbered(appeal.number, on)))


def _paused(row: JournalEntry) -> Told | None:
    return _of_case(row, _course(row, f"Срок рассмотрения приостановлен с {_day(row, 'starts_on')}."))


def _resumed(row: JournalEntry) -> Told | None:
    return _of_case(
        row, _course(row, f"Срок рассмотрения возобновлён, последний день перерыва {_day(row, 'ends_on')}.")
    )


def _redated(row: JournalEntry) -> Told | None:
    return _of_case(row, _course(row, f"Срок ответа изменён: {_day(row, 'becomes')}."))


def _closed(row: JournalEntry) -> Told | None:
    appeal = _appeal_of(row)
    if appeal is None or appeal.answered_on:
        return None
    return _told(appeal, _course(row, "Рассмотрение завершено, ответ по существу не требуется."))


_EVENTS: Final[Mapping[str, Callable[[JournalEntry], Told | None]]] = {
    "appeal.registered": _registered,
    "appeal.joined": _registered,
    "message.rejected": _rejected,
    "appeal.assigned": _assigned,
    "appeal.frozen": _prepared,
    "outgoing.sent": _sent,
    "outgoing.posted": _sent,
    "appeal.paused": _paused,
    "appeal.resumed": _resumed,
    "appeal.redated": _redated,
    "appeal.closed": _closed,
}


def _course(row: JournalEntry, text: str) -> Event:
    return Event("Исполнение", row.at, course=text)


def _day(row: JournalEntry, name: str) -> str:
    said = row.data.get(name)
    return f"{date.fromisoformat(said):%d.%m.%Y}" if said else "—"


def _of_case(row: JournalEntry, event: Event) -> Told | None:
    appeal = _appeal_of(row)
    return None if appeal is None else _told(appeal, event)


def _told(appeal: Appeal, event: Event) -> Told | None:
    """Return the event with the document it is told of: the one of МЭДО that the case began with, else the first."""
    if appeal.origin == Appeal.Origin.IMPORTED:
        return None
    rows = appeal.messages.filter(message__channel=ChannelCode.MEDO, message__machine="")
    first = rows.select_related("message__thread", "message__contact_point").order_by("-first", "pk").first()
    return None if first is None else (first.message, event)


def _appeal_of(row: JournalEntry) -> Appeal | None:
    return Appeal.objects.filter(pk=_key(row)).first()


def _key(row: JournalEntry) -> int:
    return int(row.chain.partition(":")[2])


def _person(one: Employee | None, department: str = "") -> Someone:
    return Someone() if one is None else Someone(person=one.short_name, department=department, post=one.post)
