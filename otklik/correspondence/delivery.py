"""Every message out: the row is the queue, one attempt at a time, one Message-ID for ever."""

from __future__ import annotations

import logging
import os
import random
import socket
import uuid
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from typing import IO, Any
from urllib.parse import urlsplit

from django.conf import settings
from django.db import IntegrityError, transaction
from django.db.models import F, Q, QuerySet
from django.utils import timezone

from otklik.core import files as storage
from otklik.core import journal
from otklik.core.crashpoints import reach
from otklik.core.errors import DomainError
from otklik.core.models import StoredFile
from otklik.correspondence import connections, pace
from otklik.correspondence.channel import Channel, DeliveryError, DeliveryUnknown, Parsed, ToSend
from otklik.correspondence.models import (
    ChannelCode,
    ContactPoint,
    DeliveryReport,
    IncomingMessage,
    OutgoingFile,
    OutgoingMessage,
    SendingRule,
    Thread,
)
from otklik.correspondence.text import address_key, clean, fit
from otklik.people import staff
from otklik.people.models import Employee

log = logging.getLogger("otklik.delivery")

State = OutgoingMessage.State
# Channels with a program on the other side; what goes by any other is carried by a person. The others of these
# only while they are connected.
ALWAYS = frozenset({ChannelCode.EMAIL, ChannelCode.WEBSITE})
# Pauses after a passing refusal: four days in all, as RFC 5321, 4.5.4.1 advises.
PAUSES = tuple(timedelta(minutes=minutes) for minutes in (1, 5, 15, 60, 240, 480, 720, 1440, 1440, 1440))
LONG_AGO = datetime(2000, 1, 1, tzinfo=UTC)
# By how much a pause may be longer, by chance.
JITTER = 0.1
# A sending that has lasted longer belongs to a dead worker.
SENDING_LEASE = timedelta(minutes=30)
# Names before «@» behind which nobody reads.
_NOBODY = ("mailer-daemon", "postmaster", "noreply", "no-reply", "no_reply", "donotreply", "do-not-reply", "bounce")


class TooLate(DomainError):
    """The letter has left, or may have."""

    code = "delivery.too_late"
    text = "Отменить нельзя: сообщение в состоянии «{now}»."


class NotNow(DomainError):
    """The row is not in a state in which this can be done."""

    code = "delivery.not_now"
    text = "Сейчас это невозможно: сообщение в состоянии «{now}». Обновите страницу."


class NoAddress(DomainError):
    """There is nowhere to send."""

    code = "delivery.no_address"
    text = "Не указан адрес получателя. Впишите адрес или выберите другой способ отправки."


class ReasonNeeded(DomainError):
    """A letter is not set aside without saying why."""

    code = "delivery.reason_needed"
    text = "Напишите, почему письмо не нужно отправлять: например, «заявителю позвонили»."


# --- queueing --------------------------------------------------------------------------------------------------------


def queue(
    *,
    thread: Thread,
    channel: str,
    kind: str,
    recipient: str,
    text: str,
    by: Employee | None,
    recipient_name: str = "",
    subject: str = "",
    in_reply_to: str = "",
    references: Sequence[str] = (),
    contact_point: ContactPoint | None = None,
    files: Iterable[tuple[str, StoredFile | bytes | Path | IO[bytes]]] = (),
    automatic: bool = False,
    once_key: str | None = None,
    undo_seconds: int = 0,
    imported: bool = False,
    at: datetime | None = None,
) -> OutgoingMessage:
    """Put a message in the queue, inside the caller's transaction; the same `once_key` gives the row there is."""
    now = at or timezone.now()
    # An answer on the site needs no address: it is read there by number and code.
    if channel == ChannelCode.EMAIL and not recipient.strip() and not imported:
        raise NoAddress
    papers = [(name, _stored(content, name)) for name, content in files]
    letter = answered(thread)
    row = OutgoingMessage(
        thread=thread,
        channel=channel,
        kind=kind,
        once_key=once_key,
        recipient=fit(recipient, 500),
        recipient_name=fit(recipient_name, 300),
        subject=fit(subject, 500),
        text=clean(text),
        message_id=_new_message_id(thread, contact_point),
        in_reply_to=in_reply_to or (letter.message_id if letter else ""),
        references=list(references) or _references(letter),
        contact_point=contact_point or (letter.contact_point if letter else None),
        automatic=automatic,
        origin_imported=imported,
        state=_first_state(channel, imported),
        not_before=now + timedelta(seconds=undo_seconds),
        sent_at=now if imported else None,
        created_by=by,
    )
    try:
        with journal.together():
            row.save()
            OutgoingFile.objects.bulk_create(
                OutgoingFile(message=row, stored=stored, name=fit(name, 300)) for name, stored in papers
            )
            _record("outgoing.queued", row, by=by, kind=str(kind), imported=imported)
    except IntegrityError:
        if once_key is None:
            raise
        return OutgoingMessage.objects.get(once_key=once_key)
    return row


def _first_state(channel: str, imported: bool) -> str:
    """Return where a row starts: what is brought in from history sends nothing."""
    if imported:
        return State.SENT
    return State.QUEUED if channel in ALWAYS or connections.sends(channel) else State.BY_HAND


def _stored(content: StoredFile | bytes | Path | IO[bytes], name: str) -> StoredFile:
    return content if isinstance(content, StoredFile) else storage.store(content, name=name)


def answered(thread: Thread) -> IncomingMessage | None:
    """Return the message a letter of this thread answers: the newest that a person wrote and nobody turned down.

    One that mail programs can refer to goes before a newer one that was written down by hand.
    """
    written = thread.incoming.filter(machine="").exclude(state=IncomingMessage.State.REJECTED)
    newest = written.order_by("received_at", "id")
    return newest.exclude(message_id="").last() or newest.last()


def _references(letter: IncomingMessage | None) -> list[str]:
    if letter is None or not letter.message_id:
        return []
    earlier = letter.references or ([letter.in_reply_to] if letter.in_reply_to else [])
    return [*earlier[-20:], letter.message_id]


def _new_message_id(thread: Thread, point: ContactPoint | None) -> str:
    """Return an id for this letter for ever: every attempt bears it, so a repeat is recognised."""
    return new_message_id(thread.token, point.address if point and point.channel == ChannelCode.EMAIL else "")


def new_message_id(mark: str, sender: str) -> str:
    """Return a Message-ID no other letter bears, of the sender's domain where it is known."""
    _, _, domain = sender.rpartition("@")
    return f"<{mark}.{uuid.uuid4().hex}@{domain or urlsplit(settings.BASE_URL).hostname or 'localhost'}>"


def _record(action: str, row: OutgoingMessage, *, by: Employee | None, **data: Any) -> None:
    journal.record(action, chain=f"outgoing:{row.pk}", by=by, **data)


# --- sending ---------------------------------------------------------------------------------------------------------


def send_next(channels: Mapping[str, Channel]) -> bool:
    """Send one waiting message. Return False when there is nothing to do.

    The channel nothing was sent by for the longest goes first, so that many rows of one delay no other; one that fails,
    has been asked to wait or has sent all it may is passed by.
    """
    now = timezone.now()
    due = OutgoingMessage.objects.filter(state=State.QUEUED, not_before__lte=now, channel__in=list(channels))
    for code, rule in _turns(due, now):
        mine = due.filter(channel=code)
        if (waits := pace.waits_for_morning(rule, now)) is not None:
            mine = mine.exclude(waits) if waits else mine.none()
        if mine.exists() and (row := _taken(mine, rule, channels[code], now)):
            reach("dispatch.after_lease")
            _attempt(row, channels[code], row.leased_by)
            return True
    return False


def _taken(
    mine: QuerySet[OutgoingMessage], rule: SendingRule, channel: Channel, now: datetime
) -> OutgoingMessage | None:
    """Take the oldest row together with a turn of its channel: of all workers one has it, and no turn is lost."""
    lease = f"{socket.gethostname()[:40]}:{os.getpid()}:{uuid.uuid4().hex}"
    reach("dispatch.before_turn")
    with pace.turn(rule, now) as turn:
        row = mine.order_by("not_before", "id").first() if turn else None
        if row is None or turn is None:
            return None
        reach("dispatch.before_lease")
        if not mine.filter(pk=row.pk).update(  # otherwise the author took it back
            state=State.SENDING,
            attempts=F("attempts") + 1,
            leased_by=lease,
            leased_at=now,
            repeats_safely=channel.repeats_safely,
        ):
            return None
        turn.used = True
    return OutgoingMessage.objects.get(pk=row.pk)


def _turns(due: QuerySet[OutgoingMessage], now: datetime) -> list[tuple[str, SendingRule]]:
    """Return the channels by which something may leave now, each with its rule, the longest untouched first."""
    waiting = set(due.order_by().values_list("channel", flat=True).distinct())
    if away := waiting - ALWAYS:  # a message for a channel that is off waits until it is on
        waiting -= away - connections.sending(away)
    if not waiting:
        return []
    rules, states = pace.rules(waiting), pace.states(waiting)
    free = [code for code in waiting if pace.may_leave(rules[code], states[code], now)]
    return [(code, rules[code]) for code in sorted(free, key=lambda code: (states[code].tried_at or LONG_AGO, code))]


def _attempt(row: OutgoingMessage, channel: Channel, lease: str) -> None:
    """Hand one leased message over, outside any transaction, and write down what came of it."""
    mine = OutgoingMessage.objects.filter(pk=row.pk, state=State.SENDING, leased_by=lease)
    outcome, error, retry_after = pace.PASSED, "", None
    try:
        channel.send(to_send(row))
    except DeliveryError as exc:
        outcome, error, retry_after = pace.REFUSED if exc.permanent else pace.FAILED, str(exc), exc.retry_after
        _refused(mine, row, exc)
    except DeliveryUnknown as exc:
        outcome, error = pace.FAILED, str(exc)
        _unknown(mine, row, error)
    except Exception as exc:  # a defect of ours: it may have happened after the letter left
        log.exception("outgoing %s: sending failed", row.pk)
        outcome, error = pace.FAILED, f"Ошибка программы при отправке ({type(exc).__name__})."
        _unknown(mine, row, error)
    else:
        reach("dispatch.after_send")
        _change(mine, row, "outgoing.sent", state=State.SENT, sent_at=timezone.now(), error="")
    reach("dispatch.after_result")
    pace.note(row.channel, outcome, error=error, retry_after=retry_after)
    reach("dispatch.after_note")


def to_send(row: OutgoingMessage) -> ToSend:
    """Return a row as its channel sees it."""
    point = row.contact_point
    department = staff.department()
    return ToSend(
        kind=row.kind,
        message_id=row.message_id,
        token=row.thread.token,
        sender=(point.address if point and point.channel == row.channel else "") or department.email,
        sender_name=department.short_name,
        recipient=row.recipient,
        recipient_name=row.recipient_name,
        subject=row.subject,
        text=row.text,
        in_reply_to=row.in_reply_to,
        references=tuple(row.references),
        files=[
            (paper.name, storage.path_of(paper.stored), paper.stored.content_type)
            for paper in row.files.select_related("stored")
        ],
        automatic=row.automatic,
    )


def _refused(mine: QuerySet[OutgoingMessage], row: OutgoingMessage, exc: DeliveryError) -> None:
    if exc.permanent or row.attempts > len(PAUSES):
        _change(mine, row, "outgoing.failed", state=_given_up(row), error=clean(str(exc)))
    else:
        _change(mine, row, "outgoing.postponed", error=clean(str(exc)), **_later(row, exc.retry_after))


def _unknown(mine: QuerySet[OutgoingMessage], row: OutgoingMessage, text: str) -> None:
    """Repeat where the other side recognises a repeat; elsewhere a clerk decides."""
    counted: dict[str, Any] = {"uncertain_attempts": F("uncertain_attempts") + 1, "error": clean(text)}
    if row.repeats_safely and row.attempts <= len(PAUSES):
        _change(mine, row, "outgoing.unknown", **_later(row), **counted)
    else:
        _change(mine, row, "outgoing.unknown", state=State.UNCERTAIN, **counted)


def _given_up(row: OutgoingMessage) -> str:
    """Return the last state of a refused letter; an earlier attempt of unknown outcome may have arrived."""
    return State.UNCERTAIN if row.uncertain_attempts else State.FAILED


def _later(row: OutgoingMessage, retry_after: float | None = None) -> dict[str, Any]:
    """Return the columns of a row that is tried again: as late as the other side asked, else after a growing pause.

    A little later still, each by its own chance: what failed together does not come back all at once.
    """
    pause = PAUSES[min(max(row.attempts, 1), len(PAUSES)) - 1]
    if retry_after:
        pause = min(timedelta(seconds=retry_after), pace.LONGEST_HOLD)
    at = timezone.now() + pause * random.uniform(1, 1 + JITTER)  # noqa: S311 — no secret
    return {"state": State.QUEUED, "not_before": at, "leased_by": "", "leased_at": None}


def why_waits(message: OutgoingMessage) -> str:
    """Return why a message whose time has come does not leave yet, in words; empty where nothing holds it."""
    now = timezone.now()
    if message.state != State.QUEUED or message.not_before > now:
        return ""
    if message.channel not in ALWAYS and not connections.sends(message.channel):
        return "канал выключен"
    return pace.why_waits(message, now)


def return_stuck() -> int:
    """Give back what dead workers left in sending; return how many. The outcome of such an attempt is unknown."""
    stuck = OutgoingMessage.objects.filter(state=State.SENDING, leased_at__lt=timezone.now() - SENDING_LEASE)
    returned = 0
    for row in stuck.order_by("id"):
        mine = stuck.filter(pk=row.pk, leased_by=row.leased_by)
        before = row.uncertain_attempts
        _unknown(mine, row, "Программа остановилась во время отправки: неизвестно, дошло ли сообщение.")
        row.refresh_from_db()
        returned += row.uncertain_attempts > before
    return returned


def waiting_for_clerk() -> Q:
    """Return the condition of messages somebody must look at: not delivered, or nobody knows."""
    return Q(state__in=[State.FAILED, State.UNCERTAIN])


def uncertain() -> QuerySet[OutgoingMessage]:
    """Return messages with an attempt whose outcome nobody knows."""
    return OutgoingMessage.objects.filter(Q(state=State.UNCERTAIN) | Q(uncertain_attempts__gt=0)).order_by("id")


def reported(parsed: Parsed, message: IncomingMessage | None) -> None:
    """Take in a mail server's report about our letter, once: «не доставлено», «доставлено», or only a delay.

    What is known for certain changes the letter: a final failure, and the proof that a doubtful one has arrived.
    """
    row = OutgoingMessage.objects.filter(message_id=parsed.bounce_of).first()
    if row is None:
        return
    action = _action(parsed)
    if action:
        with transaction.atomic():
            facts = {"status": fit(parsed.bounce_status, 20), "said": fit(parsed.bounce_said, 300)}
            _, new = DeliveryReport.objects.get_or_create(
                letter=row, message=message, action=action, defaults={**facts, "at": timezone.now()}
            )
            if new:
                _record("outgoing.reported", row, by=None, reported=action)
    if action == DeliveryReport.Action.FAILED:
        left = OutgoingMessage.objects.filter(pk=row.pk, state__in=[State.SENT, State.UNCERTAIN, State.QUEUED])
        who = "Почтовый сервер сообщил" if row.channel == ChannelCode.EMAIL else "Другая сторона сообщила"
        error = f"{who}, что письмо не доставлено. {fit(parsed.bounce_said or parsed.subject, 300)}"
        _change(left, row, "outgoing.bounced", state=State.FAILED, error=error)
    elif action == DeliveryReport.Action.DELIVERED:
        doubtful = OutgoingMessage.objects.filter(pk=row.pk, state=State.UNCERTAIN)
        _change(doubtful, row, "outgoing.settled", data={"arrived": True}, state=State.SENT, sent_at=timezone.now())


def _action(parsed: Parsed) -> str:
    """Return what a report says; one without the word says it by its status: 5.x.x is final."""
    if parsed.bounce_action in DeliveryReport.Action.values:
        return parsed.bounce_action
    return str(DeliveryReport.Action.FAILED if parsed.bounce_permanent else "")


# --- deciding --------------------------------------------------------------------------------------------------------


def cancel(message: OutgoingMessage, *, by: Employee) -> None:
    """Take back a message that has not left. Of this and a worker's sending exactly one happens."""
    waiting = OutgoingMessage.objects.filter(
        pk=message.pk, state__in=[State.QUEUED, State.BY_HAND], uncertain_attempts=0
    )
    if not _change(waiting, message, "outgoing.cancelled", by=by, state=State.CANCELLED):
        raise TooLate(now=_now(message))


def resend(message: OutgoingMessage, *, by: Employee) -> None:
    """Send again, under the same Message-ID, what was refused or may not have arrived."""
    _decide(message, (State.FAILED, State.UNCERTAIN), "outgoing.resent", by=by, **_fresh_attempt())


def resend_each(messages: Iterable[OutgoingMessage], *, by: Employee) -> int:
    """Send again many that were not delivered, each with its line in the journal; return how many still could be."""
    done = 0
    for message in messages:
        with suppress(NotNow):
            resend(message, by=by)
            done += 1
    return done


def give_up(message: OutgoingMessage, *, by: Employee) -> None:
    """Stop trying: what it said goes another way."""
    states = (State.FAILED, State.UNCERTAIN, State.BY_HAND)
    _decide(message, states, "outgoing.given_up", by=by, state=State.CANCELLED)


def set_aside(message: OutgoingMessage, *, reason: str, by: Employee) -> None:
    """Decide that a letter which did not arrive will not be sent; why stands beside what the other side said."""
    reason = " ".join(clean(reason).split())
    if not reason:
        raise ReasonNeeded
    states = (State.FAILED, State.UNCERTAIN, State.BY_HAND)
    error = f"{message.error}\nРешено не отправлять: {fit(reason, 300)}".strip()
    _decide(message, states, "outgoing.set_aside", by=by, state=State.CANCELLED, error=error)


def settle(message: OutgoingMessage, *, arrived: bool, by: Employee | None) -> None:
    """Write down what a clerk found out about an uncertain message; one that did not arrive can be sent again."""
    columns: dict[str, Any] = {"state": State.SENT, "sent_at": timezone.now()} if arrived else {"state": State.FAILED}
    _decide(message, (State.UNCERTAIN,), "outgoing.settled", by=by, arrived=arrived, **columns)


def posted(message: OutgoingMessage, *, on: date, by: Employee | None, number: str = "") -> None:
    """Write down the day on which a person posted or handed over a letter, and its postal number."""
    noon = datetime.combine(on, time(12), timezone.get_default_timezone())
    note = f"РПО {fit(number, 60)}" if number.strip() else ""
    _decide(message, (State.BY_HAND,), "outgoing.posted", by=by, state=State.SENT, sent_at=noon, error=note)


def _fresh_attempt() -> dict[str, Any]:
    return {"state": State.QUEUED, "not_before": timezone.now(), "attempts": 0, "leased_by": "", "leased_at": None}


def _decide(
    message: OutgoingMessage,
    states: Sequence[str],
    action: str,
    *,
    by: Employee | None,
    arrived: bool | None = None,
    **columns: Any,
) -> None:
    data = {} if arrived is None else {"arrived": arrived}
    rows = OutgoingMessage.objects.filter(pk=message.pk, state__in=states)
    if not _change(rows, message, action, by=by, data=data, **columns):
        raise NotNow(now=_now(message))


def _now(message: OutgoingMessage) -> str:
    message.refresh_from_db()
    return str(message.get_state_display())


def _change(
    rows: QuerySet[OutgoingMessage],
    row: OutgoingMessage,
    action: str,
    *,
    by: Employee | None = None,
    data: Mapping[str, Any] | None = None,
    **columns: Any,
) -> bool:
    """Change the row if it is still as `rows` describes it, with its journal line; say whether it was."""
    with transaction.atomic():
        if not rows.update(**columns):
            return False
        _record(action, row, by=by, **(data or {}))
    row.refresh_from_db()
    return True


# --- automatic letters -----------------------------------------------------------------------------------------------


def may_answer_automatically(message: IncomingMessage) -> bool:
    """Say whether a program may write back: never to programs, lists, reports and ourselves (RFC 3834, 2)."""
    if message.machine or message.origin_imported:
        return False
    name, at, domain = address_key(message.sender_address).rpartition("@")
    if not (name and at and domain):
        return False
    if any(name == nobody or name.startswith((nobody + "+", nobody + "-")) for nobody in _NOBODY):
        return False
    plain = f"{name.partition('+')[0]}@{domain}"
    ours = ContactPoint.objects.exclude(address="").values_list("address", flat=True)
    return plain not in {address_key(address) for address in ours}
