"""The secret link of an appointment: made of the row's number by our key, kept as a hash, the same in every letter."""

from __future__ import annotations

import hmac
from hashlib import sha256
from typing import Final

from django.conf import settings

from otklik.reception.models import Appointment, AppointmentRequest

_ALPHABET: Final = "23456789abcdefghjkmnpqrstuvwxyz"  # no characters that are confused by eye
LENGTH: Final = 26  # 128 bits: guessing is hopeless


def token_of(row: Appointment | AppointmentRequest) -> str:
    """Return the token of this very row: known to nobody without our key, though the letters say it again and again."""
    number = int(_keyed("reception-link", f"{type(row).__name__}:{row.pk}"), 16)
    digits = []
    for _ in range(LENGTH):
        number, digit = divmod(number, len(_ALPHABET))
        digits.append(_ALPHABET[digit])
    return "".join(digits)


def hash_of(token: str) -> str:
    """Return the keyed hash a token is kept as."""
    return _keyed("reception-link-hash", token)


def address_of(row: Appointment | AppointmentRequest) -> str:
    """Return the whole address of the page the applicant opens."""
    return f"{settings.BASE_URL}/reception/{token_of(row)}/"


def find(token: str) -> Appointment | AppointmentRequest | None:
    """Return what a token opens; a request that became an appointment opens the appointment. None for anything else."""
    kept = hash_of(token.strip().lower())
    rows = Appointment.objects.select_related("official", "room")
    if (own := rows.filter(token_hash=kept).first()) is not None:
        return own
    request = AppointmentRequest.objects.filter(token_hash=kept).first()
    return (request and rows.filter(request=request).first()) or request


def _keyed(purpose: str, value: str) -> str:
    return hmac.new(f"{purpose}:{settings.SECRET_KEY}".encode(), value.encode(), sha256).hexdigest()
