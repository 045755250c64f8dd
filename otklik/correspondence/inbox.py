"""Everything that comes in: raw bytes first, then reading, then a person's decision. Nothing is lost, nothing twice."""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import IO

from django.db import IntegrityError, transaction
from django.db.models import F
from django.utils import timezone

from otklik.core import crashpoints, journal
from otklik.core import files as file_store
from otklik.core.errors import DomainError
from otklik.correspondence import delivery, threading
from otklik.correspondence.channel import Arrived, Channel, Parsed, ParseError
from otklik.correspondence.models import (
    ChannelCode,
    ContactPoint,
    IncomingFile,
    IncomingMessage,
    MessageFacts,
    Thread,
)
from otklik.people.models import Employee

log = logging.getLogger("otklik.inbox")
State = IncomingMessage.State


class AlreadyTaken(DomainError):
    """Somebody decided about this message a moment ago."""

    code = "inbox.already_taken"
    text = "Это сообщение уже разобрали: «{state}». Обновите список."


class ReasonNeeded(DomainError):
    """A rejection without a reason."""

    code = "inbox.reason_needed"
    text = "Укажите, почему сообщение отклоняется."


@dataclass(frozen=True)
class Accepted:
    """What became of an arrival: its row, and whether it had been here before."""

    message: IncomingMessage
    duplicate: bool


def accept(arrived: Arrived) -> Accepted:
    """Keep a message durably, once. The same id with other content is another message.

    The file is on disk before the row; the unique constraint, not a query, decides who was first.
    """
    stored = file_store.store(arrived.raw)
    crashpoints.reach("intake.after_file")
    for external_id in (arrived.external_id, f"{arrived.external_id[:430]}#{arrived.digest[:32]}"):
        try:
            with transaction.atomic():
                message = IncomingMessage.objects.create(
                    channel=arrived.channel,
                    external_id=external_id[:500],
                    digest=arrived.digest,
                    raw=stored,
                    received_at=arrived.received_at,
                    contact_point=ContactPoint.objects.filter(code=arrived.contact_point).first(),
                    origin_imported=arrived.imported,
                )
                crashpoints.reach("intake.before_commit")
        except IntegrityError:
            known = IncomingMessage.objects.get(channel=arrived.channel, external_id=external_id[:500])
            if known.digest == arrived.digest:
                IncomingMessage.objects.filter(pk=known.pk).update(redelivered=F("redelivered") + 1)
                return Accepted(known, True)
        else:
            crashpoints.reach("intake.after_commit")
            return Accepted(message, False)
    raise RuntimeError("two messages share id and digest but are not equal")  # a SHA-256 collision


def parse_next(channels: Mapping[str, Channel]) -> bool:
    """Read one stored message. Return False when there is nothing to do."""
    message = IncomingMessage.objects.filter(state=State.STORED).order_by("pk").first()
    if message is None:
        return False
    parse(message, channels)
    return True


def parse(message: IncomingMessage, channels: Mapping[str, Channel]) -> IncomingMessage:
    """Read a stored message: it becomes new, or goes to quarantine with a reason; it never blocks the next."""
    assert message.raw is not None
    try:
        parsed = channels[message.channel].parse(file_store.path_of(message.raw))
        crashpoints.reach("intake.after_parse")
        with transaction.atomic():
            _write(message, parsed)
    except Exception as exc:
        reason = str(exc) if isinstance(exc, ParseError) else "сообщение не удалось прочитать: откройте оригинал"
        log.exception("message %s of %s cannot be read", message.pk, message.channel)
        IncomingMessage.objects.filter(pk=message.pk, state=State.STORED).update(
            state=State.QUARANTINED, problem=reason
        )
    message.refresh_from_db()
    return message


@transaction.atomic
def retry(message: IncomingMessage, *, by: Employee) -> None:
    """Put a quarantined message before the reader once more."""
    _decide(message, {State.QUARANTINED}, by=None, state=State.STORED, problem="")
    journal.record("message.retried", chain=f"message:{message.pk}", by=by)


@transaction.atomic
def reject(message: IncomingMessage, *, reason: str, by: Employee) -> None:
    """Close a message without an appeal, for a reason a person gives."""
    if not reason.strip():
        raise ReasonNeeded
    _decide(message, {State.NEW, State.QUARANTINED}, by=by, state=State.REJECTED, reject_reason=reason.strip()[:300])
    journal.record("message.rejected", chain=f"message:{message.pk}", by=by)


@transaction.atomic
def take(message: IncomingMessage, *, state: str, thread: Thread, by: Employee | None) -> None:
    """Mark a message as registered or joined in a thread; refuse what somebody already took."""
    _decide(message, {State.NEW, State.QUARANTINED}, by=by, state=state, thread=thread)
    journal.record("message.taken", chain=f"message:{message.pk}", by=by, state=state)


@transaction.atomic
def write_down(
    *,
    channel: str,
    contact_point: ContactPoint | None,
    text: str,
    by: Employee | None,
    sender_name: str = "",
    sender_address: str = "",
    subject: str = "",
    received_at: datetime | None = None,
    files: Sequence[tuple[str, IO[bytes] | Path | bytes]] = (),
    imported: bool = False,
) -> IncomingMessage:
    """Note a message that came on paper or by word of mouth; it waits like any other. Files are (name, content)."""
    message = IncomingMessage(
        channel=channel,
        external_id=f"hand:{threading.new_id()}",
        digest="",
        contact_point=contact_point,
        received_at=received_at or timezone.now(),
        origin_imported=imported,
        state=State.NEW,
        sender_name=sender_name,
        sender_address=sender_address,
        subject=subject[:500],
        text=text,
    )
    message.save()
    for name, content in files:
        IncomingFile.objects.create(message=message, stored=file_store.store(content), name=name[:300])
    journal.record("message.written_down", chain=f"message:{message.pk}", by=by, channel=channel)
    return message


def add_facts(message: IncomingMessage, schema: str, data: dict[str, object]) -> MessageFacts:
    """Add a version of what the channel knows beyond the text."""
    version = MessageFacts.objects.filter(message=message).count() + 1
    return MessageFacts.objects.create(message=message, version=version, schema=schema, data=data)


@dataclass(frozen=True)
class Tally:
    """The reconciliation of one channel and day: what came = what became of it."""

    channel: str
    day: date
    seen: int
    waiting: int
    registered: int
    joined: int
    quarantined: int
    rejected: int
    redelivered: int

    @property
    def channel_name(self) -> str:
        """The channel in Russian."""
        return ChannelCode(self.channel).label


def tally(day: date, *, days: int = 1) -> list[Tally]:
    """Return the reconciliation of `days` days that end with `day`, newest first; days without messages are absent."""
    zone = timezone.get_current_timezone()
    since = datetime.combine(day - timedelta(days=days - 1), datetime.min.time(), zone)
    until = datetime.combine(day + timedelta(days=1), datetime.min.time(), zone)
    counts: dict[tuple[date, str], Counter[str]] = {}
    rows = IncomingMessage.objects.filter(received_at__gte=since, received_at__lt=until)
    for channel, state, at, again in rows.values_list("channel", "state", "received_at", "redelivered"):
        counter = counts.setdefault((timezone.localdate(at), channel), Counter())
        counter[state] += 1
        counter["again"] += again
    return [
        Tally(
            channel=channel,
            day=when,
            seen=sum(count for name, count in one.items() if name != "again"),
            waiting=one[State.NEW] + one[State.STORED],
            registered=one[State.REGISTERED],
            joined=one[State.JOINED],
            quarantined=one[State.QUARANTINED],
            rejected=one[State.REJECTED],
            redelivered=one["again"],
        )
        for (when, channel), one in sorted(counts.items(), reverse=True)
    ]


def _decide(message: IncomingMessage, allowed: set[State], *, by: Employee | None, **changes: object) -> None:
    """Change the state only from an allowed one: of two who press at once, one succeeds."""
    decided = {"decided_by": by, "decided_at": timezone.now()} if changes["state"] != State.STORED else {}
    changed = IncomingMessage.objects.filter(pk=message.pk, state__in=allowed).update(**changes, **decided)
    message.refresh_from_db()
    if not changed:
        raise AlreadyTaken(state=message.get_state_display())


def _write(message: IncomingMessage, parsed: Parsed) -> None:
    """Write what was read, unless another worker has; a delivery report marks the letter it is about."""
    match = threading.find(parsed)
    changed = IncomingMessage.objects.filter(pk=message.pk, state=State.STORED).update(
        state=State.NEW,
        problem="",
        sender_name=parsed.sender_name[:300],
        sender_address=parsed.sender_address[:320],
        recipients=list(parsed.recipients),
        subject=parsed.subject[:500],
        text=parsed.text,
        html=parsed.html,
        sent_at=parsed.sent_at,
        message_id=parsed.message_id[:500],
        in_reply_to=parsed.in_reply_to[:500],
        references=list(parsed.references),
        machine=parsed.machine,
        notes=list(parsed.notes),
        thread=match.thread if match.kind == IncomingMessage.Match.CERTAIN else None,
        candidate_thread=match.thread,
        match=match.kind,
        match_reason=match.why[:300],
    )
    if not changed:
        return
    for part in parsed.files:
        IncomingFile.objects.create(
            message=message,
            stored=file_store.store(part.content),
            name=part.name[:300],
            declared_type=part.declared_type[:100],
            inline=part.inline,
            content_id=part.content_id[:300],
            problem=part.problem[:300],
        )
        if part.temporary and isinstance(part.content, Path):
            part.content.unlink(missing_ok=True)
    if parsed.facts:
        add_facts(message, parsed.facts_schema, dict(parsed.facts))
    if parsed.bounce_of:
        delivery.bounced(parsed.bounce_of, reason=parsed.text[:500], permanent=parsed.bounce_permanent)
