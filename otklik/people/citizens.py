"""Sessions of applicants who signed in: a cookie and rows of their own, so that none ever opens an employee's page."""

from __future__ import annotations

import secrets
from dataclasses import asdict, dataclass
from datetime import timedelta
from hashlib import sha256
from typing import Final

from django.db import transaction
from django.utils import timezone

from otklik.core import journal, sealing
from otklik.people.models import Citizen, CitizenSession

IDLE: Final = timedelta(minutes=60)
LONGEST: Final = timedelta(hours=8)
A_MINUTE: Final = timedelta(minutes=1)
_PURPOSE: Final = "citizen.session"


@dataclass(frozen=True)
class Said:
    """What the provider says of a person; anything may be empty."""

    last_name: str = ""
    first_name: str = ""
    patronymic: str = ""
    email: str = ""
    phone: str = ""
    address: str = ""

    @property
    def name(self) -> str:
        """«Петрова Елена Викторовна»."""
        return " ".join(part for part in (self.last_name, self.first_name, self.patronymic) if part)

    @property
    def is_named(self) -> bool:
        """Tell whether the provider vouches for a whole name: then nobody types another."""
        return bool(self.last_name and self.first_name)


@dataclass(frozen=True)
class SignedIn:
    """An applicant in this browser."""

    citizen: Citizen
    said: Said


@transaction.atomic
def enter(issuer: str, subject: str, said: Said) -> str:
    """Begin a session of this person of this provider and return its key, which is kept nowhere."""
    citizen, _ = Citizen.objects.get_or_create(issuer=issuer, subject=subject)
    key, now = secrets.token_urlsafe(32), timezone.now()
    CitizenSession.objects.create(
        citizen=citizen,
        key_hash=_hash(key),
        said=sealing.seal(asdict(said), purpose=_PURPOSE),
        began_at=now,
        until=now + IDLE,
    )
    journal.record("citizen.entered", chain=chain_of(citizen), by=None)
    return key


def current(key: str) -> SignedIn | None:
    """Return who is signed in by this key, his session prolonged; nobody where it has ended."""
    if not key:
        return None
    now = timezone.now()
    session = CitizenSession.objects.filter(key_hash=_hash(key), until__gt=now).select_related("citizen").first()
    if session is None:
        return None
    until = min(now + IDLE, session.began_at + LONGEST)
    if until - session.until > A_MINUTE:
        CitizenSession.objects.filter(pk=session.pk).update(until=until)
    try:
        said = Said(**sealing.unseal(session.said, purpose=_PURPOSE))
    except sealing.OtherKey:
        return None
    return SignedIn(session.citizen, said)


@transaction.atomic
def leave(key: str) -> None:
    """End the session of this key and forget what was said of the person."""
    session = CitizenSession.objects.filter(key_hash=_hash(key)).select_related("citizen").first()
    if session is not None and session.delete()[0]:
        journal.record("citizen.left", chain=chain_of(session.citizen), by=None)


def forget_old() -> int:
    """Remove sessions whose time is over, with what was said of their people; return how many."""
    return CitizenSession.objects.filter(until__lte=timezone.now()).delete()[0]


def chain_of(citizen: Citizen) -> str:
    """Return the journal's chain of an applicant's account."""
    return f"citizen:{citizen.pk}"


def _hash(key: str) -> str:
    return sha256(key.encode()).hexdigest()
