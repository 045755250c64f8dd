"""Recordings of receptions: only with the consent of that very kind, with a term of their own, every opening logged."""

from __future__ import annotations

from datetime import date, timedelta
from pathlib import PurePath
from typing import IO, Any, Final

from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone

from otklik.core import files, journal, retention
from otklik.core.errors import DomainError
from otklik.core.models import StoredFile
from otklik.people.models import Employee
from otklik.people.powers import POWERS
from otklik.reception import moves
from otklik.reception.models import ReceptionCard, Recording

POWER: Final = "reception.recordings"
KIND: Final = "recordings"  # of `core.retention`
KEEP_DAYS: Final = 90  # where the dictionary names no term: our own choice, the department decides
Kind = Recording.Kind
Consent = ReceptionCard.Consent
S = ReceptionCard.State
NAMES: Final = {
    Kind.VIDEO.value: frozenset({".mp4", ".webm", ".mkv", ".avi", ".mov"}),
    Kind.AUDIO.value: frozenset({".mp3", ".wav", ".ogg", ".m4a", ".flac", ".opus"}),
}


class NoConsent(DomainError):
    """What the applicant did not agree to is not kept."""

    code = "reception.no_consent_to_record"
    text = "Карточка {number}: {kind} не приложить — {why}. Попытка записана в журнал, файл не сохранён."
    status = 403


class BadRecording(DomainError):
    """It is no recording, or not the time for one."""

    code = "reception.bad_recording"
    text = "{what}"


class MayNotOpen(DomainError):
    """The power is missing."""

    code = "reception.may_not_open"
    text = "Чтобы прикладывать и открывать записи приёмов, нужно право «{power}»."
    status = 403


def add(card: ReceptionCard, kind: str, content: IO[bytes], *, name: str, by: Employee) -> Recording:
    """Keep a recording of a begun reception; refused where consent to this kind is absent or was withdrawn."""
    _check_power(by)
    if kind not in Kind.values:
        raise BadRecording(what="Выберите, что прикладываете: видео или аудио.")
    card.refresh_from_db()
    given = getattr(card, kind)
    if given != Consent.GIVEN:
        with transaction.atomic():
            journal.record("reception.recording_refused", chain=moves.chain_of(card), by=by, kind=kind)
        raise NoConsent(number=card.number, kind=Kind(kind).label, why=Consent(given).label)
    if card.started_at is None:
        raise BadRecording(what="Приём ещё не начат: записи не может быть.")
    if PurePath(name.lower()).suffix not in NAMES[kind]:
        fit = ", ".join(sorted(NAMES[kind]))
        raise BadRecording(what=f"Файл «{files.safe_name(name)}» — не {Kind(kind).label}. Подойдут: {fit}.")
    files.check(content, name)
    stored = files.store(content, name=name)
    with transaction.atomic():
        # The consent is asked again by the row itself: withdrawn at this very moment, it is refused.
        still = ReceptionCard.objects.select_for_update().filter(pk=card.pk, **{kind: Consent.GIVEN}).exists()
        if not still:
            raise NoConsent(number=card.number, kind=Kind(kind).label, why="согласие отозвано")
        row = Recording.objects.create(
            card=card,
            kind=kind,
            consent=Consent.GIVEN,
            stored=stored,
            name=files.safe_name(name)[:300],
            by=by,
            keep_until=keep_until(timezone.localdate(card.started_at)),
        )
        journal.record("reception.recording_added", chain=moves.chain_of(card), by=by, recording=row.pk, kind=kind)
    return row


def keep_until(day: date) -> date:
    """Return the last day a recording of this day is kept: by the dictionary of terms, else ninety days."""
    rule = retention.current(day).get(KIND)
    if rule is None or not rule.years:
        return day + timedelta(days=KEEP_DAYS)
    return day + timedelta(days=365 * rule.years)


def opened(row: Recording, *, by: Employee) -> StoredFile:
    """Return the file of a recording; every opening is in the access log."""
    _check_power(by)
    if row.stored is None:
        raise BadRecording(what=f"Срок хранения записи истёк {row.keep_until:%d.%m.%Y}, файл удалён.")
    journal.looked("reception.recording_opened", by=by, recording=row.pk, card=row.card_id)
    return row.stored


def expired(on: date) -> QuerySet[Recording]:
    """Return the recordings whose term has passed and whose file is still there."""
    return Recording.objects.filter(keep_until__lt=on, stored__isnull=False)


def remove_expired() -> int:
    """Remove the files whose term has passed, the rows stay; return how many. Every night."""
    gone = 0
    for row in expired(timezone.localdate()).select_related("stored"):
        stored: Any = row.stored
        with transaction.atomic():
            row.stored = None
            row.save(update_fields=["stored"])
            chain = f"reception:{row.card_id}"
            journal.record("reception.recording_expired", chain=chain, by=None, recording=row.pk)
        files.forget(stored)
        gone += 1
    return gone


def _check_power(by: Employee) -> None:
    if not by.has_power(POWER):
        raise MayNotOpen(power=POWERS[POWER])
