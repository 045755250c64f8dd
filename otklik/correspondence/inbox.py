"""Every message in: kept first, read afterwards, decided by a person, never lost and never doubled."""

from __future__ import annotations

import json
import logging
import uuid
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from hashlib import sha256
from pathlib import Path
from typing import IO, Any, TypeVar

from django.conf import settings
from django.db import IntegrityError, InterfaceError, OperationalError, transaction
from django.db.models import F, Q
from django.utils import timezone

from otklik.core import examining, journal
from otklik.core import files as storage
from otklik.core.crashpoints import reach
from otklik.core.errors import DomainError
from otklik.core.models import StoredFile
from otklik.correspondence import delivery, threading
from otklik.correspondence.channel import Arrived, Parsed, ParsedFile, ParseError, Reader
from otklik.correspondence.models import (
    ContactPoint,
    IncomingFile,
    IncomingMessage,
    MessageFacts,
    Thread,
)
from otklik.correspondence.text import clean, clean_each, fit
from otklik.people.models import Employee

log = logging.getLogger("otklik.inbox")

State = IncomingMessage.State
UNDECIDED = (State.NEW, State.QUARANTINED)
# A reading that has lasted longer belongs to a dead worker.
READING_LEASE = timedelta(minutes=5)
# A message that ended its reader this often is not read again until a clerk asks for it.
READINGS = 3
# What is kept or read together, in one commit.
AT_ONCE = 50
AT_ONCE_BYTES = 16 * 1024 * 1024
_RACES = 5  # two mailboxes bring the same letter at the same moment once, not for ever

T = TypeVar("T")

NewFile = tuple[str, StoredFile | bytes | Path | IO[bytes]]


class AlreadyTaken(DomainError):
    """Somebody took or rejected the message first."""

    code = "inbox.already_taken"
    text = "Ваше действие не выполнено: {who}сообщение уже в состоянии «{now}»."


class ReasonNeeded(DomainError):
    """A message cannot disappear without a word."""

    code = "inbox.reason_needed"
    text = "Напишите причину отклонения: она останется в журнале."


class NothingWritten(DomainError):
    """An empty note is not a message."""

    code = "inbox.nothing_written"
    text = "Запишите суть сообщения или приложите файл."


@dataclass(frozen=True)
class Accepted:
    """A message that is now ours; `duplicate` when it had been ours before."""

    message: IncomingMessage
    duplicate: bool


# --- accepting -------------------------------------------------------------------------------------------------------


def accept(arrived: Arrived, *, by: Employee | None = None) -> Accepted:
    """Keep a message for ever, once. After return the source may be told "got it". `by`: in whose name it came."""
    return accept_each([arrived], by=by)[0]


def accept_each(arrivals: Sequence[Arrived], *, to_read: bool = False, by: Employee | None = None) -> list[Accepted]:
    """Keep several messages in one transaction: all of them or, when it fails, none.

    With `to_read` the caller hands the new ones to `parse_each` at once: until the lease ends no worker takes them.
    """
    raws: dict[int, StoredFile] = {}
    for turn in range(_RACES):
        placed = _place(arrivals, to_read=to_read)
        new = [place for place, one in enumerate(placed) if not one.duplicate]
        if wanted := [place for place in new if place not in raws]:
            reach("intake.before_file")
            raws.update(zip(wanted, storage.store_each(("", arrivals[place].raw) for place in wanted), strict=True))
            reach("intake.after_file")
        for place in new:
            placed[place].message.raw = raws[place]
        try:
            _write(placed, by)
        except IntegrityError:  # another process is keeping one of them: look again
            if turn == _RACES - 1:
                raise
        else:
            break
    return placed


def _place(arrivals: Sequence[Arrived], *, to_read: bool) -> list[Accepted]:
    """Say of each arrival which row it has or will have; a row without a key is new."""
    named = [(one.channel, _external_id(one.external_id), one) for one in arrivals]
    # The same id with other content is another message: ids are reused, by mistake or on purpose.
    ids = [(external_id, f"{external_id}#{one.digest[:16]}") for _, external_id, one in named]
    rows = IncomingMessage.objects.filter(
        channel__in={channel for channel, _, _ in named}, external_id__in={one for pair in ids for one in pair}
    )
    taken = {(row.channel, row.external_id): row for row in rows}
    points = _points(arrivals)
    placed: list[Accepted] = []
    for (channel, _, one), pair in zip(named, ids, strict=True):
        there = [taken[channel, external_id] for external_id in pair if (channel, external_id) in taken]
        if same := next((row for row in there if row.digest == one.digest), None):
            same.redelivered += 1
            placed.append(Accepted(same, duplicate=True))
            continue
        free = pair[1] if (channel, pair[0]) in taken else pair[0]
        taken[channel, free] = IncomingMessage(
            channel=channel,
            external_id=free,
            digest=one.digest,
            contact_point=points.get(one.contact_point),
            received_at=one.received_at,
            origin_imported=one.imported,
            parse_started_at=timezone.now() if to_read else None,
            parse_attempts=int(to_read),
        )
        placed.append(Accepted(taken[channel, free], duplicate=False))
    return placed


def _external_id(given: str) -> str:
    fitted = clean(given).strip()
    return fitted if 0 < len(fitted) <= 460 else "sha256:" + sha256(given.encode(errors="replace")).hexdigest()


def _points(arrivals: Iterable[Arrived]) -> dict[str, ContactPoint]:
    codes = {one.contact_point for one in arrivals if one.contact_point}
    return {point.code: point for point in ContactPoint.objects.filter(code__in=codes)} if codes else {}


def _write(placed: list[Accepted], by: Employee | None) -> None:
    """Write the new rows and count the repeats of those kept before."""
    new = [one.message for one in placed if not one.duplicate]
    with journal.together():
        for message in {one.message.pk: one.message for one in placed if one.message.pk}.values():
            again = sum(one.message.pk == message.pk for one in placed)
            IncomingMessage.objects.filter(pk=message.pk).update(redelivered=F("redelivered") + again)
        IncomingMessage.objects.bulk_create(new)
        examining.ask_of_originals(one.raw for one in new if one.raw)
        journal.record_each("message.accepted", {f"message:{one.pk}": _line(one) for one in new}, by=by)
        reach("intake.before_commit")
    reach("intake.after_commit")


def _line(message: IncomingMessage) -> dict[str, object]:
    return {"channel": message.channel, "digest": message.digest}


def _record(action: str, message: IncomingMessage, *, by: Employee | None, **data: Any) -> None:
    journal.record(action, chain=f"message:{message.pk}", by=by, **data)


def write_down(
    *,
    channel: str,
    contact_point: ContactPoint | None,
    sender_name: str,
    text: str,
    received_at: datetime,
    by: Employee | None,
    sender_address: str = "",
    subject: str = "",
    files: Iterable[NewFile] = (),
    once: str = "",
    imported: bool = False,
) -> IncomingMessage:
    """Write down by hand what came by post, by telephone or in person.

    The same `once` with the same words and papers writes one message only; other words are another message.
    """
    papers = [(name, _stored(content, name)) for name, content in files]
    if not clean(text).strip() and not papers:
        raise NothingWritten
    told = [sender_name, sender_address, subject, text, *(stored.sha256 for _, stored in papers)]
    key = f"{once}:{sha256(json.dumps(told).encode()).hexdigest()[:32]}" if once else uuid.uuid4().hex
    external_id = f"hand:{key}"
    try:
        with transaction.atomic():
            message = IncomingMessage.objects.create(
                channel=channel,
                external_id=external_id,
                digest=sha256("\n".join([text, *(stored.sha256 for _, stored in papers)]).encode()).hexdigest(),
                contact_point=contact_point,
                received_at=received_at,
                origin_imported=imported,
                state=State.NEW,
                sender_name=fit(sender_name, 300),
                sender_address=fit(sender_address, 320),
                subject=fit(subject, 500),
                text=clean(text),
                thread=Thread.objects.create(),
            )
            IncomingFile.objects.bulk_create(
                IncomingFile(message=message, stored=stored, name=fit(name, 300), declared_type=stored.content_type)
                for name, stored in papers
            )
            examining.ask(stored for _, stored in papers)
            _record("message.accepted", message, by=by, **_line(message))
    except IntegrityError:
        return IncomingMessage.objects.get(channel=channel, external_id=external_id)
    return message


def _stored(content: StoredFile | bytes | Path | IO[bytes], name: str) -> StoredFile:
    return content if isinstance(content, StoredFile) else storage.store(content, name=name)


# --- reading ---------------------------------------------------------------------------------------------------------


def portions(items: Iterable[T], size: Callable[[T], int]) -> Iterator[list[T]]:
    """Yield what is worked on together: up to AT_ONCE items, fewer where they are big. A failure comes last."""
    portion: list[T] = []
    try:
        for item in items:
            portion.append(item)
            if len(portion) == AT_ONCE or sum(map(size, portion)) >= AT_ONCE_BYTES:
                yield portion
                portion = []
    except Exception:
        yield portion  # what came before the failure is not its business
        raise
    if portion:
        yield portion


def parse_next(channels: Mapping[str, Reader]) -> bool:
    """Read kept messages, the oldest first. Return False when none waits."""
    now = timezone.now()
    free = Q(parse_started_at__isnull=True) | Q(parse_started_at__lt=now - READING_LEASE)
    waiting = IncomingMessage.objects.filter(free, state=State.STORED, channel__in=list(channels))
    rows = list(waiting.order_by("parse_attempts", "id").values_list("pk", "parse_attempts", "raw__size")[:AT_ONCE])
    if not rows:
        return False
    # What ended its reader is read alone from then on: it costs no other message its turns.
    fresh = [row for row in rows if not row[1]] or rows[:1]
    picked = [pk for pk, _, _ in next(portions(fresh, lambda row: row[2] or 0))]
    IncomingMessage.objects.filter(free, pk__in=picked, state=State.STORED).update(
        parse_started_at=now, parse_attempts=F("parse_attempts") + 1
    )
    # Two workers that asked in the same microsecond read the same ones: the second write then changes nothing.
    mine = IncomingMessage.objects.filter(pk__in=picked, state=State.STORED, parse_started_at=now)
    parse_each(mine.select_related("raw").order_by("pk"), channels)
    return True


def parse(message: IncomingMessage, channels: Mapping[str, Reader]) -> None:
    """Read a kept message: it becomes new, or goes to quarantine with the reason. Nothing is lost either way."""
    parse_each([message], channels)


def parse_each(messages: Iterable[IncomingMessage], channels: Mapping[str, Reader]) -> None:
    """Read several kept messages as `parse` reads one; what they say is written in one transaction."""
    read: list[Read] = []
    for message in messages:
        with _or_quarantine(message):
            read.append(_read(message, channels[message.channel]))
    try:
        _settle(read)
    except (OperationalError, InterfaceError):
        raise
    except Exception:  # one of them cannot be written; each alone, so that it delays no other
        for one in read:
            one.message.refresh_from_db()  # what was rolled back is still in hand
            with _or_quarantine(one.message):
                _settle([one])


@contextmanager
def _or_quarantine(message: IncomingMessage) -> Iterator[None]:
    """Send the message to quarantine when the work on it fails. A database that is away is the caller's."""
    try:
        yield
    except (OperationalError, InterfaceError):
        raise  # the message waits where it is
    except ParseError as exc:
        _quarantine(message, str(exc))
    except RecursionError:
        _quarantine(message, "Содержание вложено само в себя слишком глубоко: так пишут, чтобы сломать программу.")
    except OSError:
        log.exception("message %s: files", message.pk)
        _quarantine(message, "Не удалось прочитать или записать файлы сообщения. Проверьте диск и повторите разбор.")
    except Exception as exc:  # a defect of ours must not cost a citizen's letter
        log.exception("message %s: reading failed", message.pk)
        _quarantine(message, f"Программа не смогла разобрать сообщение ({type(exc).__name__}). Оригинал сохранён.")


@dataclass(frozen=True)
class Read:
    """A message whose bytes have been read and whose files are kept; nothing of it is in its row yet."""

    message: IncomingMessage
    parsed: Parsed
    papers: list[tuple[ParsedFile, StoredFile]]


def _read(message: IncomingMessage, channel: Reader) -> Read:
    if message.parse_attempts > READINGS:
        raise ParseError("Чтение этого сообщения несколько раз обрывало работу программы. Оригинал сохранён.")
    if message.raw is None:
        raise ParseError("У сообщения нет оригинала.")
    parsed = channel.parse(storage.path_of(message.raw))
    parsed = replace(parsed, facts=clean_each(parsed.facts))
    reach("reading.after_parse")
    kept = storage.store_each((paper.name, paper.content) for paper in parsed.files)
    for paper in parsed.files:
        if paper.temporary and isinstance(paper.content, Path):
            paper.content.unlink(missing_ok=True)
    reach("reading.after_files")
    return Read(message, parsed, list(zip(parsed.files, kept, strict=True)))


def _settle(read: list[Read]) -> None:
    """Write what was read: text, thread, files, facts, journal."""
    with transaction.atomic():
        threads = _threads_of(read)
        settled = {f"message:{one.message.pk}": line for one in read if (line := _settle_one(one, threads))}
        _add_first_facts([one for one in read if f"message:{one.message.pk}" in settled])
        journal.record_each("message.read", settled, by=None)
        reach("reading.before_commit")
    reach("reading.after_commit")


def _threads_of(read: list[Read]) -> dict[int, Thread]:
    """Return new threads for the messages that point at no other, all made at once."""
    alone = [one.message.pk for one in read if threading.stands_alone(one.parsed)]
    return dict(zip(alone, Thread.objects.bulk_create([Thread() for _ in alone]), strict=True)) if alone else {}


def _settle_one(one: Read, threads: Mapping[int, Thread]) -> dict[str, object]:
    """Write one message's row and return its journal line; nothing when another worker has read it meanwhile."""
    message, parsed = one.message, one.parsed
    match = threading.match(parsed, before=message)
    changed = _change(
        message,
        **_columns(parsed),
        state=State.NEW,
        problem="",
        parse_started_at=None,
        thread=match.thread or threads.get(message.pk) or Thread.objects.create(),
        match=match.kind,
        match_reason=match.reason,
        candidate_thread=match.candidate,
    )
    if not changed:
        return {}
    if one.papers:
        IncomingFile.objects.bulk_create(_file_row(message, paper, stored) for paper, stored in one.papers)
        examining.ask(stored for _, stored in one.papers)
    if parsed.bounce_of:
        delivery.reported(parsed, message)
    return {"files": len(one.papers), "match": str(match.kind)}


def _add_first_facts(read: list[Read]) -> None:
    """Add what the channels know of messages just read: all at once where nothing was known of them."""
    told = [one for one in read if one.parsed.facts_schema]
    if not told:
        return
    pks = [one.message.pk for one in told]
    known = set(MessageFacts.objects.filter(message__in=pks).values_list("message_id", flat=True))
    MessageFacts.objects.bulk_create(
        MessageFacts(message=one.message, version=1, schema=one.parsed.facts_schema, data=dict(one.parsed.facts))
        for one in told
        if one.message.pk not in known
    )
    for one in told:
        if one.message.pk in known:
            add_facts(one.message, schema=one.parsed.facts_schema, data=one.parsed.facts)


def _change(message: IncomingMessage, **columns: Any) -> bool:
    """Change a message that nobody has read yet, in the base and in hand; say whether it was so."""
    changed = {name: value for name, value in columns.items() if getattr(message, name) != value}
    if not IncomingMessage.objects.filter(pk=message.pk, state=State.STORED).update(**changed):
        message.refresh_from_db()
        return False
    for name, value in changed.items():
        setattr(message, name, value)
    return True


def _columns(parsed: Parsed) -> dict[str, Any]:
    """Return the columns of a parsed message, each within what its column holds."""
    return {
        "sender_name": fit(parsed.sender_name, 300),
        "sender_address": fit(parsed.sender_address, 320),
        "recipients": [fit(address, 320) for address in parsed.recipients[:100]],
        "subject": fit(parsed.subject, 500),
        "text": clean(parsed.text),
        "html": clean(parsed.html),
        "sent_at": parsed.sent_at,
        "message_id": fit(parsed.message_id, 500),
        "in_reply_to": fit(parsed.in_reply_to, 500),
        "references": [fit(reference, 500) for reference in parsed.references],
        "machine": parsed.machine,
        "notes": [clean(note) for note in parsed.notes],
    }


def _file_row(message: IncomingMessage, paper: ParsedFile, stored: StoredFile) -> IncomingFile:
    return IncomingFile(
        message=message,
        stored=stored,
        name=fit(paper.name, 300),
        declared_type=fit(paper.declared_type, 100),
        inline=paper.inline,
        content_id=fit(paper.content_id, 300),
        problem=fit(paper.problem, 300),
    )


def ask_of_unexamined(most: int = 500) -> int:
    """Have files looked into that came before they were, or by a way that did not ask; return how many."""
    attached = IncomingFile.objects.filter(stored__examination=None).values("stored")[:most]
    found = list(StoredFile.objects.filter(pk__in=list(attached.values_list("stored", flat=True))))
    examining.ask(found)
    originals = IncomingMessage.objects.filter(raw__examination=None).exclude(raw=None) if settings.CLAMD else ()
    raws = [one.raw for one in originals.select_related("raw")[:most] if one.raw] if originals else []
    examining.ask_of_originals(raws)
    return len(found) + len(raws)


def _quarantine(message: IncomingMessage, problem: str) -> None:
    with transaction.atomic():
        if _change(message, state=State.QUARANTINED, problem=clean(problem), parse_started_at=None):
            _record("message.quarantined", message, by=None)


def add_facts(message: IncomingMessage, *, schema: str, data: Mapping[str, Any]) -> MessageFacts:
    """Add a version of what the channel knows about a message; the same facts again add nothing."""
    with transaction.atomic():
        last = message.facts.order_by("version").last()
        if last is not None and last.schema == schema and last.data == dict(data):
            return last
        version = last.version + 1 if last else 1
        return MessageFacts.objects.create(message=message, version=version, schema=schema, data=dict(data))


# --- deciding --------------------------------------------------------------------------------------------------------


def retry(message: IncomingMessage, *, by: Employee | None) -> None:
    """Send a quarantined message to be read once more, after the cause has been mended."""
    _move(
        message,
        (State.QUARANTINED,),
        "message.retried",
        by=by,
        state=State.STORED,
        problem="",
        parse_attempts=0,
        parse_started_at=None,
    )


def opened_original(message: IncomingMessage, *, by: Employee) -> None:
    """Write down that somebody opened a message as it came, with the personal data in it."""
    journal.looked("message.original_opened", by=by, message=message.pk)


def fill_in(
    message: IncomingMessage,
    *,
    sender_name: str,
    text: str,
    by: Employee | None,
    sender_address: str = "",
    subject: str = "",
) -> None:
    """Type in by hand what the program could not read; the message leaves quarantine and waits for a decision."""
    if not clean(text).strip():
        raise NothingWritten
    _move(
        message,
        (State.QUARANTINED,),
        "message.filled_in",
        by=by,
        state=State.NEW,
        sender_name=fit(sender_name, 300),
        sender_address=fit(sender_address, 320),
        subject=fit(subject, 500),
        text=clean(text),
        thread=message.thread or Thread.objects.create(),
        notes=[*message.notes, "Содержание введено вручную: программа не смогла разобрать оригинал."],
    )


def reject(message: IncomingMessage, *, reason: str, by: Employee | None) -> None:
    """Set a message aside for ever, with the reason: spam, a test, a letter for somebody else."""
    if not reason.strip():
        raise ReasonNeeded
    _decide(message, "message.rejected", by=by, state=State.REJECTED, reject_reason=fit(reason, 300))


def take(message: IncomingMessage, *, state: str, thread: Thread | None, by: Employee | None) -> None:
    """Mark a message as registered or joined to `thread`. Refuses what somebody already took."""
    if state not in {State.REGISTERED, State.JOINED}:
        raise ValueError(state)
    home = thread or message.thread or Thread.objects.create()
    _decide(message, f"message.{state}", by=by, state=State(state), thread=home)


def _decide(message: IncomingMessage, action: str, *, by: Employee | None, **columns: Any) -> None:
    _move(message, UNDECIDED, action, by=by, decided_by=by, decided_at=timezone.now(), **columns)


def _move(
    message: IncomingMessage, states: Iterable[State], action: str, *, by: Employee | None, **columns: Any
) -> None:
    """Change a message that is still in one of `states`; of two people pressing at once one is told."""
    with transaction.atomic(savepoint=False):
        moved = IncomingMessage.objects.filter(pk=message.pk, state__in=list(states)).update(**columns)
        if moved:
            _record(action, message, by=by)
    if not moved:
        raise _already(IncomingMessage.objects.select_related("decided_by").get(pk=message.pk))
    for name, value in columns.items():
        setattr(message, name, value)


def check_undecided(message: IncomingMessage) -> None:
    """Raise AlreadyTaken where nothing can be decided about the message, or somebody has decided."""
    if message.state not in UNDECIDED:
        raise _already(message)


def _already(message: IncomingMessage) -> AlreadyTaken:
    who = f"решение принял сотрудник {message.decided_by.short_name}, " if message.decided_by else ""
    return AlreadyTaken(now=message.get_state_display(), who=who)
