"""Automatic letters of registration: a neutral receipt, and for e-mail how to file lawfully."""

from __future__ import annotations

import hashlib
from typing import Final

from django.conf import settings
from django.template.loader import render_to_string

from otklik.appeals.models import Appeal
from otklik.correspondence import delivery
from otklik.correspondence.models import ChannelCode, IncomingMessage, OutgoingMessage
from otklik.people import staff
from otklik.people.models import Applicant, Employee

Kind = OutgoingMessage.Kind

CITIZENS: Final = (Applicant.Kind.PERSON, Applicant.Kind.COLLECTIVE)


def queue(appeal: Appeal, message: IncomingMessage, *, by: Employee | None) -> None:
    """Queue what the applicant gets at registration; nothing for letters written by machines."""
    if appeal.answer_channel != ChannelCode.EMAIL or not appeal.answer_address:
        return
    if not delivery.may_answer_automatically(message):
        return
    _queue(
        appeal,
        message,
        Kind.RECEIPT,
        subject=f"Получено: {appeal.regime.citizen_word} № {appeal.number}",
        # One receipt per sender, day and case; registration happens once, so the case is enough.
        once_key=f"receipt:{appeal.pk}",
        by=by,
    )
    if explains_filing(appeal):
        _queue(
            appeal,
            message,
            Kind.HOW_TO_FILE,
            subject="Как подать обращение, чтобы его рассмотрели по закону № 59-ФЗ",
            once_key=f"how_to_file:{_address_digest(appeal.answer_address)}",
            by=by,
        )


def explains_filing(appeal: Appeal) -> bool:
    """Tell whether this applicant should learn how to file: a citizen's e-mail outside 59-ФЗ.

    Since 30.03.2025 (547-ФЗ) e-mail is no way to file an appeal under 59-ФЗ. The regime was set by a person.
    """
    return appeal.channel == ChannelCode.EMAIL and not appeal.regime.statutory and appeal.applicant.kind in CITIZENS


def _queue(
    appeal: Appeal, message: IncomingMessage, kind: str, *, subject: str, once_key: str, by: Employee | None
) -> None:
    facts = {"appeal": appeal, "department": staff.department(), "status_url": f"{settings.BASE_URL}/status/"}
    delivery.queue(
        thread=appeal.thread,
        channel=ChannelCode.EMAIL,
        kind=kind,
        recipient=appeal.answer_address,
        subject=subject,
        text=render_to_string(f"appeals/letters/{kind}.txt", facts).strip() + "\n",
        in_reply_to=message.message_id,
        references=[*message.references, message.message_id] if message.message_id else [],
        contact_point=appeal.contact_point,
        automatic=True,
        once_key=once_key,
        by=by,
    )


def _address_digest(address: str) -> str:
    return hashlib.sha256(address.strip().lower().encode()).hexdigest()
