"""Letters to employees: queued in the caller's transaction, sent once, tried again after a refusal, as letters out are.

They are no correspondence with a citizen: they stand in no thread, wait for no clerk and leave no line in the journal.
"""

from __future__ import annotations

import logging
import os
import socket
import uuid
from collections.abc import Sequence
from datetime import timedelta

from django.db.models import F, QuerySet
from django.utils import timezone

from otklik.core import files
from otklik.core.models import StoredFile
from otklik.correspondence import delivery
from otklik.correspondence.channel import Channel, DeliveryError, DeliveryUnknown, ToSend
from otklik.correspondence.models import ChannelCode, ContactPoint, StaffLetter, StaffLetterFile
from otklik.correspondence.text import clean, fit
from otklik.people import staff
from otklik.people.models import Employee

log = logging.getLogger("otklik.delivery")

State = StaffLetter.State
KEPT = timedelta(days=90)


def sender() -> str:
    """Return the address letters to employees go out from; empty where the department has none yet."""
    if address := staff.department().email:
        return address
    points = ContactPoint.objects.filter(channel=ChannelCode.EMAIL).exclude(address="").order_by("order", "pk")
    return points.values_list("address", flat=True).first() or ""


def queue(
    employee: Employee, *, subject: str, text: str, papers: Sequence[tuple[str, StoredFile]] = ()
) -> StaffLetter | None:
    """Put a letter in the queue; None where the employee has no address. Without a sender it waits for one.

    `papers`: files made for it, by name, without a word about any citizen.
    """
    if not employee.email.strip():
        return None
    letter = StaffLetter.objects.create(
        employee=employee,
        recipient=fit(employee.email.strip(), 320),
        subject=fit(subject, 300),
        text=clean(text),
        message_id=delivery.new_message_id("staff", sender()),
        not_before=timezone.now(),
    )
    StaffLetterFile.objects.bulk_create(
        StaffLetterFile(letter=letter, stored=stored, name=name[:300]) for name, stored in papers
    )
    return letter


def send_next(channel: Channel) -> bool:
    """Send one waiting letter. Return False when there is nothing to do, or nowhere to send from."""
    now = timezone.now()
    due = StaffLetter.objects.filter(state=State.QUEUED, not_before__lte=now)
    row = due.order_by("not_before", "id").first()
    if row is None or not (address := sender()):
        return False
    lease = f"{socket.gethostname()[:40]}:{os.getpid()}:{uuid.uuid4().hex}"
    if due.filter(pk=row.pk).update(
        state=State.SENDING, attempts=F("attempts") + 1, leased_by=lease, leased_at=now
    ):  # otherwise another worker was quicker
        row.refresh_from_db()
        _attempt(row, channel, address)
    return True


def _attempt(row: StaffLetter, channel: Channel, address: str) -> None:
    """Hand one leased letter over, outside any transaction, and write down what came of it."""
    mine = StaffLetter.objects.filter(pk=row.pk, state=State.SENDING, leased_by=row.leased_by)
    try:
        channel.send(_to_send(row, address))
    except DeliveryError as exc:
        _put_off(mine, row, str(exc), for_good=exc.permanent)
    except DeliveryUnknown as exc:  # a repeat bears the same Message-ID
        _put_off(mine, row, str(exc))
    except Exception as exc:
        log.exception("letter to an employee %s: sending failed", row.pk)
        _put_off(mine, row, f"Ошибка программы при отправке ({type(exc).__name__}).")
    else:
        mine.update(state=State.SENT, sent_at=timezone.now(), error="")


def _to_send(row: StaffLetter, address: str) -> ToSend:
    return ToSend(
        kind="staff",
        message_id=row.message_id,
        token="",
        sender=address,
        sender_name="Отклик",
        recipient=row.recipient,
        recipient_name="",
        subject=row.subject,
        text=row.text,
        files=[
            (paper.name, files.path_of(paper.stored), paper.stored.content_type)
            for paper in row.files.select_related("stored")
        ],
        automatic=True,
    )


def _put_off(mine: QuerySet[StaffLetter], row: StaffLetter, why: str, *, for_good: bool = False) -> None:
    if for_good or row.attempts > len(delivery.PAUSES):
        mine.update(state=State.FAILED, error=fit(clean(why), 500))
        return
    pause = delivery.PAUSES[min(max(row.attempts, 1), len(delivery.PAUSES)) - 1]
    mine.update(state=State.QUEUED, not_before=timezone.now() + pause, leased_by="", error=fit(clean(why), 500))


def return_stuck() -> int:
    """Give back what dead workers left in sending; return how many."""
    dead = timezone.now() - delivery.SENDING_LEASE
    stuck = StaffLetter.objects.filter(state=State.SENDING, leased_at__lt=dead)
    return stuck.update(state=State.QUEUED, leased_by="", not_before=timezone.now())


def forget_old() -> int:
    """Remove what was sent or given up long ago."""
    old = StaffLetter.objects.filter(created_at__lt=timezone.now() - KEPT, state__in=[State.SENT, State.FAILED])
    files.forget_made(StaffLetterFile.objects.filter(letter__in=old))
    return old.delete()[0]
