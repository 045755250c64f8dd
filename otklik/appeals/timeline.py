"""One list of everything that happened to an appeal: messages, notes, events and letters, oldest first."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

from django.db.models import (
    BigIntegerField,
    Exists,
    OuterRef,
    Prefetch,
    QuerySet,
    Subquery,
    prefetch_related_objects,
)
from django.db.models.fields.json import KT
from django.db.models.functions import Cast

from otklik.appeals.models import Appeal, InquiryReply, Note, Signature
from otklik.appeals.transitions import S
from otklik.core import built
from otklik.core.actions import NAMES
from otklik.core.models import JournalEntry
from otklik.correspondence.models import IncomingFile, IncomingMessage, OutgoingFile, OutgoingMessage

INCOMING, OUTGOING, NOTE, EVENT = "incoming", "outgoing", "note", "event"

# What messages, notes and letters show themselves is left out, and what another event has said already.
_SHOWN_ELSEWHERE: Final = {
    "appeal.draft_saved",
    "appeal.given_back",
    "appeal.joined",
    "appeal.sent",
    "appeal.sent_another_way",
    "appeal.moved",
    "pos.lane_left",
    "pos.postponed",
}
EVENTS: Final = {action for action in NAMES if action.startswith(("appeal.", "pos."))} - _SHOWN_ELSEWHERE


@dataclass(frozen=True)
class Event:
    """One entry. `kind`: incoming, outgoing, note, event. `source` is the row itself, for files and buttons."""

    kind: str
    at: datetime
    who: str
    title: str
    text: str = ""
    state: str = ""  # of an outgoing letter, a code of OutgoingMessage.State
    state_label: str = ""
    files: list[Any] = field(default_factory=list)
    mentions: list[str] = field(default_factory=list)  # how colleagues are named in a note
    source: IncomingMessage | OutgoingMessage | JournalEntry | None = None


def of(appeal: Appeal) -> list[Event]:
    """Return the appeal's whole history in five queries at most, however long it is."""
    events = [*_incoming(appeal), *_outgoing(appeal), *_journal(appeal)]
    return sorted(events, key=lambda event: event.at)


def _incoming(appeal: Appeal) -> Iterator[Event]:
    messages: list[Any] = _messages(appeal=appeal.pk)
    with_files = [message for message in messages if message.has_files]
    prefetch_related_objects(with_files, Prefetch("files", IncomingFile.objects.select_related("stored__examination")))
    for message in messages:
        title = message.subject or "Сообщение без темы"
        files = list(message.files.all()) if message.has_files else []
        who = message.get_machine_display().capitalize() if message.machine else message.of_body or "Заявитель"
        yield Event(INCOMING, message.received_at, who, title, message.text, files=files, source=message)


@built.asked
def _messages(*, appeal: int) -> QuerySet[IncomingMessage]:
    has_files = Exists(IncomingFile.objects.filter(message=OuterRef("pk")))
    body = Subquery(InquiryReply.objects.filter(message=OuterRef("pk")).values("inquiry__body"))
    return IncomingMessage.objects.filter(taken__appeal=appeal).annotate(has_files=has_files, of_body=body)


def _outgoing(appeal: Appeal) -> Iterator[Event]:
    letters = _letters(thread=appeal.thread_id)
    # Only answers and reports of them carry files; where there is none yet, nothing is asked.
    with_files = (OutgoingMessage.Kind.ANSWER, OutgoingMessage.Kind.REPORT)
    answers = [message for message in letters if message.kind in with_files]
    prefetch_related_objects(answers, Prefetch("files", OutgoingFile.objects.select_related("stored")))
    for message in letters:
        who = "Автоматически" if message.automatic or message.created_by is None else message.created_by.short_name
        yield Event(
            OUTGOING,
            message.sent_at or message.created_at,
            who,
            message.subject or message.get_kind_display(),
            message.text,
            message.state,
            message.get_state_display(),
            list(message.files.all()) if message in answers else [],
            source=message,
        )


@built.asked
def _letters(*, thread: int) -> QuerySet[OutgoingMessage]:
    return OutgoingMessage.objects.filter(thread=thread).select_related("created_by")


def _journal(appeal: Appeal) -> Iterator[Event]:
    """Yield what the journal knows; a note's row in it brings the note's words along."""
    entries: list[Any] = _entries(chain=f"appeal:{appeal.pk}", appeal=appeal.pk)
    for entry in entries:
        who = entry.actor.short_name if entry.actor else "Отклик"
        if entry.on_behalf_of:
            who = f"{who} (за: {entry.on_behalf_of.short_name})"
        if entry.action == "appeal.noted":
            yield Event(
                NOTE,
                entry.at,
                who,
                "Внутренняя заметка",
                entry.words or "",
                mentions=entry.named or [],
                source=entry,
            )
        else:
            yield Event(EVENT, entry.at, who, _words(entry), source=entry)


@built.asked
def _entries(*, chain: str, appeal: int) -> QuerySet[JournalEntry]:
    found = JournalEntry.objects.filter(chain=chain, action__in=EVENTS)
    note = Note.objects.filter(appeal=appeal, pk=OuterRef("note"))
    told: QuerySet[JournalEntry] = found.select_related("actor", "on_behalf_of").annotate(
        note=Cast(KT("data__note"), BigIntegerField()),
        words=Subquery(note.values("text")),
        named=Subquery(note.values("mentions")),
    )
    return told


def _words(entry: JournalEntry) -> str:
    words, data = NAMES[entry.action], entry.data
    if entry.action == "appeal.redated":
        return f"{words}: было {data['was']}, стало {data['becomes']}"
    if entry.action == "appeal.assigned" and data.get("was") not in (S.REGISTERED, S.CLASSIFIED):
        return "переназначен исполнитель"
    if entry.action == "appeal.signed":
        return f"{words}: {Signature.Way(data['way']).label}"
    return words
