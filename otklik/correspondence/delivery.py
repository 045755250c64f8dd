"""Everything that goes out: the row is the queue. Nothing leaves before the commit, one attempt at a time."""

from __future__ import annotations

import os
import socket
from collections.abc import Mapping, Sequence
from datetime import date, datetime, time, timedelta
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.db import IntegrityError, transaction
from django.db.models import F, Q
from django.utils import timezone

from otklik.core import crashpoints, journal
from otklik.core import files as file_store
from otklik.core.errors import DomainError
from otklik.core.models import StoredFile
from otklik.correspondence import threading
from otklik.correspondence.channel import Channel, DeliveryError, DeliveryUnknown, ToSend
from otklik.correspondence.models import (
    ChannelCode,
    ContactPoint,
    IncomingMessage,
    OutgoingFile,
    OutgoingMessage,
    Thread,
)
from otklik.people import staff
from otklik.people.models import Employee

State = OutgoingMessage.State
PAUSES = [1, 5, 15, 60, 240, 480, 720, 1440]  # minutes before the next attempt; after the last one the row has failed
LEASE = timedelta(minutes=15)  # a worker that has not finished by then is dead
BY_HAND = {ChannelCode.POST, ChannelCode.RECEPTION, ChannelCode.HOTLINE, ChannelCode.GOVERNOR, ChannelCode.EKC}


class TooLate(DomainError):
    """The message is no longer in the state the action starts from."""

    code = "delivery.too_late"
    text = "Поздно: письмо уже «{state}». Обновите карточку."


def queue(
    *,
    thread: Thread,
    channel: str,
    kind: str,
    recipient: str,
    text: str,
    by: Employee | None,
    subject: str = "",
    recipient_name: str = "",
    in_reply_to: str = "",
    references: Sequence[str] = (),
    contact_point: ContactPoint | None = None,
    files: Sequence[tuple[str, StoredFile]] = (),
    automatic: bool = False,
    once_key: str | None = None,
    undo_seconds: int = 0,
    imported: bool = False,
    at: datetime | None = None,
) -> OutgoingMessage:
    """Put a message on its way in the caller's transaction; where `once_key` was used before, return that row.

    An imported one is history: it is written down as sent and never leaves. Post waits for a person.
    """
    now = at or timezone.now()
    if once_key and (earlier := OutgoingMessage.objects.filter(once_key=once_key).first()):
        return earlier
    state = State.SENT if imported else State.BY_HAND if channel in BY_HAND else State.QUEUED
    row = OutgoingMessage(
        thread=thread,
        channel=channel,
        kind=kind,
        once_key=once_key,
        recipient=recipient[:500],
        recipient_name=recipient_name[:300],
        subject=subject[:480],
        text=text,
        message_id=f"<{threading.new_id()}@{_host()}>",
        in_reply_to=in_reply_to,
        references=list(references),
        contact_point=contact_point,
        automatic=automatic,
        origin_imported=imported,
        state=state,
        not_before=now + timedelta(seconds=undo_seconds),
        sent_at=now if imported else None,
        created_by=by,
    )
    try:
        with transaction.atomic():
            row.save()
    except IntegrityError:  # two workers with one key: the constraint lets one row in
        return OutgoingMessage.objects.get(once_key=once_key)
    OutgoingFile.objects.bulk_create([OutgoingFile(message=row, stored=stored, name=name) for name, stored in files])
    return row


def may_answer_automatically(message: IncomingMessage) -> bool:
    """Tell whether an automatic letter may go to this sender (RFC 3834): never to machines, lists or ourselves."""
    address = message.sender_address.strip().lower()
    own = ContactPoint.objects.filter(channel=ChannelCode.EMAIL).values_list("address", flat=True)
    today = timezone.make_aware(datetime.combine(timezone.localdate(), time.min))
    already = OutgoingMessage.objects.filter(
        automatic=True, recipient__iexact=address, created_at__gte=today, thread=message.thread
    )
    return (
        bool(address)
        and not message.machine
        and not message.origin_imported
        and address not in {one.strip().lower() for one in own}
        and (message.thread is None or not already.exists())
    )


def send_next(channels: Mapping[str, Channel]) -> bool:
    """Send one waiting message. Return False when there is nothing to do."""
    due = OutgoingMessage.objects.filter(state=State.QUEUED, not_before__lte=timezone.now(), channel__in=channels)
    row = due.order_by("not_before", "pk").first()
    if row is None:
        return False
    mine = OutgoingMessage.objects.filter(pk=row.pk)
    leased = mine.filter(state=State.QUEUED).update(
        state=State.SENDING, attempts=F("attempts") + 1, leased_by=_worker(), leased_at=timezone.now()
    )
    if not leased:
        return True  # another worker, or an undo, was quicker; look again
    row.refresh_from_db()
    crashpoints.reach("dispatch.after_lease")
    try:
        channels[row.channel].send(to_send(row))  # outside any transaction
    except DeliveryError as exc:
        mine.update(**_after_refusal(row, exc))
    except DeliveryUnknown as exc:
        mine.update(**_after_unknown(row, str(exc), repeats_safely=channels[row.channel].repeats_safely))
    else:
        crashpoints.reach("dispatch.after_send")
        mine.update(state=State.SENT, error="", sent_at=timezone.now(), leased_by="", leased_at=None)
    return True


def return_stuck(channels: Mapping[str, Channel], *, now: datetime | None = None) -> int:
    """Take rows back that a dead worker left «sending»: nobody knows whether they arrived. Return how many."""
    limit = (now or timezone.now()) - LEASE
    stuck = OutgoingMessage.objects.filter(state=State.SENDING, leased_at__lt=limit)
    returned = 0
    for row in stuck:
        safe = row.channel in channels and channels[row.channel].repeats_safely
        changes = _after_unknown(row, "отправка прервалась на полпути", repeats_safely=safe)
        returned += OutgoingMessage.objects.filter(
            pk=row.pk, state=State.SENDING, leased_by=row.leased_by, leased_at=row.leased_at
        ).update(**changes)
    return returned


@transaction.atomic
def cancel(row: OutgoingMessage, *, by: Employee) -> None:
    """Take a message back before it leaves; of an undo and a worker exactly one wins."""
    _change(row, {State.QUEUED, State.BY_HAND}, state=State.CANCELLED)
    _write_down("delivery.cancelled", row, by)


@transaction.atomic
def resend(row: OutgoingMessage, *, by: Employee) -> None:
    """Try again what failed or is unknown: the same letter with the same Message-ID."""
    _change(row, {State.FAILED, State.UNCERTAIN}, state=State.QUEUED, attempts=0, not_before=timezone.now(), error="")
    _write_down("delivery.resent", row, by)


@transaction.atomic
def settle(row: OutgoingMessage, *, arrived: bool, by: Employee) -> None:
    """Say what became of a message whose fate was unknown."""
    changes = {"state": State.SENT, "sent_at": timezone.now()} if arrived else {"state": State.FAILED}
    _change(row, {State.UNCERTAIN}, **changes)
    _write_down("delivery.settled", row, by, arrived=arrived)


@transaction.atomic
def posted(row: OutgoingMessage, *, on: date, number: str = "", by: Employee) -> None:
    """Note that a paper letter was handed to the post."""
    noon = timezone.make_aware(datetime.combine(on, time(12)))
    _change(row, {State.BY_HAND}, state=State.SENT, sent_at=noon, error=f"РПО {number}" if number else "")
    _write_down("delivery.posted", row, by, on=on)


def bounced(message_id: str, *, reason: str, permanent: bool) -> None:
    """Mark the letter a delivery report is about as not delivered."""
    if permanent:
        OutgoingMessage.objects.filter(message_id=message_id, state__in=[State.SENT, State.QUEUED]).update(
            state=State.FAILED, error=reason[:1000]
        )


def waiting_for_clerk() -> Q:
    """Return the condition of rows a clerk must look at: not delivered, unknown, sent more than once perhaps."""
    return Q(state__in=[State.FAILED, State.UNCERTAIN])


def to_send(row: OutgoingMessage) -> ToSend:
    """Return the row as a channel sees it."""
    point = row.contact_point
    department = staff.department()
    attachments = row.files.select_related("stored")
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
        references=row.references,
        files=[(one.name, file_store.path_of(one.stored), one.stored.content_type) for one in attachments],
        automatic=row.automatic,
    )


def _after_refusal(row: OutgoingMessage, exc: DeliveryError) -> dict[str, object]:
    free = {"error": str(exc)[:1000], "leased_by": "", "leased_at": None}
    if exc.permanent or row.attempts > len(PAUSES):
        return {"state": State.FAILED, **free}
    pause = timedelta(minutes=PAUSES[row.attempts - 1])
    return {"state": State.QUEUED, "not_before": timezone.now() + pause, **free}


def _after_unknown(row: OutgoingMessage, why: str, *, repeats_safely: bool) -> dict[str, object]:
    free = {"error": why[:1000], "leased_by": "", "leased_at": None, "uncertain_attempts": row.uncertain_attempts + 1}
    if not repeats_safely or row.attempts > len(PAUSES):
        return {"state": State.UNCERTAIN, **free}
    pause = timedelta(minutes=PAUSES[max(row.attempts - 1, 0)])
    return {"state": State.QUEUED, "not_before": timezone.now() + pause, **free}


def _change(row: OutgoingMessage, allowed: set[State], **changes: object) -> None:
    changed = OutgoingMessage.objects.filter(pk=row.pk, state__in=allowed).update(**changes)
    row.refresh_from_db()
    if not changed:
        raise TooLate(state=row.get_state_display())


def _write_down(action: str, row: OutgoingMessage, by: Employee, **facts: Any) -> None:
    journal.record(action, chain=f"thread:{row.thread_id}", by=by, message=row.pk, **facts)


def _host() -> str:
    return urlsplit(settings.BASE_URL).hostname or "localhost"


def _worker() -> str:
    return f"{socket.gethostname()}:{os.getpid()}"
