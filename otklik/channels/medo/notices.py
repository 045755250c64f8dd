"""What the senders of messages hear from us: a receipt for each, notifications of what becomes of a document.

Each is an outgoing row whose file is the very XML that leaves; its uid is counted from what it tells of, so that
telling twice makes one row and one package.
"""

from __future__ import annotations

import logging
import uuid
from collections.abc import Iterable, Sequence
from datetime import timedelta
from typing import Any, Final

from django.db import transaction
from django.utils import timezone

from otklik.channels.medo import compose, parse, schema, versions
from otklik.channels.medo.compose import Event, Original
from otklik.channels.medo.exchange import Exchange
from otklik.channels.medo.message import Numbered
from otklik.channels.medo.versions import V26, VERSIONS, Version
from otklik.core import files
from otklik.core.errors import is_outage
from otklik.correspondence import delivery
from otklik.correspondence.models import ChannelCode, IncomingMessage, OutgoingMessage, Thread

log = logging.getLogger("otklik.medo")

OWED_FOR: Final = timedelta(days=30)
_SPACE: Final = uuid.UUID("6f1d7e5c-2f54-5f0e-9d1e-0b7a4b1c2d3e")
State = IncomingMessage.State


def uid_of(*what: object) -> str:
    """Return the uid of a message of ours about something: always the same one."""
    return str(uuid.uuid5(_SPACE, ":".join(map(str, what))))


def once_key(uid: str) -> str:
    """Return the key under which the outgoing row of a uid is found again."""
    return f"medo:{uid}"


def give_owed(us: Exchange, only: Iterable[int] = ()) -> int:
    """Queue the receipts that are owed, also those a killed worker has left; return how many.

    A message in quarantine by a fault of ours waits with its receipt until somebody has seen to it.
    """
    rows = IncomingMessage.objects.filter(channel=ChannelCode.MEDO).exclude(state=State.STORED)
    recent = rows.filter(stored_at__gte=timezone.now() - OWED_FOR)
    known = dict(recent.values_list("pk", "redelivered"))
    known |= dict(rows.filter(pk__in=list(only)).values_list("pk", "redelivered"))
    keys = {once_key(_receipt_uid(pk, times)): pk for pk, times in known.items()}
    given = set(_given(list(keys)))
    made = 0
    for key in sorted(set(keys) - given):
        message = IncomingMessage.objects.select_related("raw", "thread").get(pk=keys[key])
        try:
            made += _give(us, message, key)
        except Exception as exc:
            if is_outage(exc):
                raise
            log.exception("message %s: no receipt", message.pk)  # the receipts of others do not wait for it
    return made


def _given(keys: Sequence[str]) -> Iterable[str]:
    for start in range(0, len(keys), 500):
        part = keys[start : start + 500]
        found = OutgoingMessage.objects.filter(once_key__in=part)
        yield from (one.once_key or "" for one in found.only("once_key"))


def _receipt_uid(pk: int, redelivered: int) -> str:
    return uid_of("receipt", pk, redelivered)


def _give(us: Exchange, message: IncomingMessage, key: str) -> bool:
    """Queue one receipt; False where none is due or nobody is there to get it."""
    if message.raw is None:
        return False
    facts = facts_of(message)
    if message.state == State.QUARANTINED and not message.problem.startswith(parse.UNREADABLE):
        return False
    header = parse.header_of(files.path_of(message.raw))
    if header is None or header.type == versions.RECEIPT:
        return False
    if not schema.is_guid(header.uid) or not schema.is_guid(header.sender_uid):
        return False
    if facts:
        failed = [one for one in facts.get("checks", ()) if one["state"] == "failed"]
        comment = ". ".join(f"Проверка {one['number']}: {one['why']}" for one in failed)
        accepted = not failed
    else:
        accepted = not message.problem.startswith(parse.UNREADABLE)
        comment = message.problem
    uid = key.partition(":")[2]
    content = compose.receipt(
        us,
        header.version,
        uid=uid,
        of=header.uid,
        accepted=accepted,
        comment=comment,
        at=timezone.now(),
    )
    _queue(
        message,
        uid,
        recipient=header.sender_uid,
        name=header.sender.organization,
        subject="Квитанция о приёме",
        text=f"Квитанция: {'сообщение принято' if accepted else 'сообщение не принято'}. {comment}".strip(),
        file=(compose.RECEIPT_FILE, content),
    )
    return True


def tell(us: Exchange, message: IncomingMessage, event: Event, *, about: object) -> bool:
    """Queue a notification about a document that came by МЭДО, once for each `about`; False where it is no document."""
    facts = facts_of(message)
    document = facts.get("document") or {}
    sender = facts.get("sender_uid", "")
    if not schema.is_guid(document.get("uid", "")) or not schema.is_guid(sender):
        return False
    uid = uid_of("notice", about)
    content = compose.notification(us, version_of(facts), event, original(facts), uid=uid)
    _queue(
        message,
        uid,
        recipient=sender,
        name=message.sender_name,
        subject=f"Уведомление: {event.type}",
        text=f"Уведомление МЭДО: {event.type}. {event.reason or event.course or event.num}".strip(". "),
        file=(compose.NOTIFICATION_FILE, content),
    )
    return True


def told(abouts: Iterable[object]) -> set[str]:
    """Return which of these have been told of already, as their uids."""
    keys = [once_key(uid_of("notice", one)) for one in abouts]
    return {key.partition(":")[2] for key in _given(keys)}


def facts_of(message: IncomingMessage) -> dict[str, Any]:
    """Return the newest `medo/1` facts of a message; empty where it has none."""
    row = message.facts.filter(schema=parse.SCHEMA).order_by("-version").first()
    return dict(row.data) if row else {}


def original(facts: dict[str, Any]) -> Original:
    """Return the document of theirs that facts tell of."""
    document = facts.get("document") or {}
    num = Numbered(document.get("number", ""), parse.day(document.get("date", "")))
    return Original(document.get("uid", ""), document.get("id", ""), facts.get("uid", ""), num)


def version_of(facts: dict[str, Any]) -> Version:
    """Return the version a sender speaks."""
    return VERSIONS.get(facts.get("version", ""), V26)


@transaction.atomic
def _queue(
    message: IncomingMessage, uid: str, *, recipient: str, name: str, subject: str, text: str, file: tuple[str, bytes]
) -> None:
    if message.thread is None:  # in quarantine: the conversation begins with the receipt
        message.thread = Thread.objects.create()
        IncomingMessage.objects.filter(pk=message.pk, thread=None).update(thread=message.thread)
        message.refresh_from_db(fields=["thread"])
    assert message.thread is not None
    delivery.queue(
        thread=message.thread,
        channel=ChannelCode.MEDO,
        kind=OutgoingMessage.Kind.NOTICE,
        recipient=recipient,
        recipient_name=name,
        subject=subject,
        text=text,
        contact_point=message.contact_point,
        files=[file],
        automatic=True,
        once_key=once_key(uid),
        by=None,
    )
