"""Bring a filled-in form in, once, and give the person a number and a code."""

from __future__ import annotations

import hmac
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from typing import Final

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from otklik.channels.site import attached
from otklik.channels.site.models import Receipt
from otklik.channels.site.submission import Submission
from otklik.correspondence import inbox
from otklik.correspondence.channel import Arrived
from otklik.correspondence.models import IncomingMessage

CONTACT_POINT: Final = "site-form"
_ALPHABET: Final = "23456789abcdefghjkmnpqrstuvwxyz"  # no characters that are confused by eye
CODE_LENGTH: Final = 10


@dataclass(frozen=True)
class Ticket:
    """What a person keeps to learn the state: a number, and a code nobody else knows."""

    number: str
    code: str


def take_in(
    sent: Submission, *, received_at: datetime | None = None, continues: IncomingMessage | None = None
) -> Ticket:
    """Keep the submission and return its number and code; a repeat of the same form gets the same ones.

    `continues`: the message of the same account which this one goes on with.
    """
    received_at = received_at or timezone.now()
    code = _code_for(sent)
    with transaction.atomic():
        accepted = inbox.accept(
            Arrived(
                channel="website",
                external_id=sent.form_id,
                digest=sent.digest,
                raw=sent.to_bytes(),
                received_at=received_at,
                contact_point=CONTACT_POINT,
            )
        )
        attached.own(accepted.message, sent)
        receipt, _ = Receipt.objects.get_or_create(
            message=accepted.message,
            defaults={
                "number": number_of(accepted.message),
                "code_hash": hash_of(code),
                "citizen_id": int(sent.citizen) if sent.citizen else None,
                "continues": continues,
            },
        )
    return Ticket(receipt.number, code)


def number_of(message: IncomingMessage) -> str:
    """Return the public number of a message, the year first: «С-2026-000123»."""
    return f"С-{timezone.localtime(message.received_at):%Y}-{message.pk:06d}"


def hash_of(code: str) -> str:
    """Return the keyed hash a code is kept as."""
    return _keyed("receipt-hash", code)


def _code_for(sent: Submission) -> str:
    """Return the code of this very submission: the same at every repeat, known to nobody without our key."""
    number = int(_keyed("receipt-code", f"{sent.form_id}:{sent.digest}"), 16)
    digits = []
    for _ in range(CODE_LENGTH):
        number, digit = divmod(number, len(_ALPHABET))
        digits.append(_ALPHABET[digit])
    return "".join(digits)


def _keyed(purpose: str, value: str) -> str:
    return hmac.new(f"{purpose}:{settings.SECRET_KEY}".encode(), value.encode(), sha256).hexdigest()
