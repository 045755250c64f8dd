"""The calendar feed of an official (iCalendar, RFC 5545) by a secret address: times and initials, nothing more."""

from __future__ import annotations

import hashlib
import secrets
from datetime import UTC, datetime, timedelta
from typing import Final

from django.conf import settings
from django.db import transaction
from django.utils import timezone
from icalendar import Calendar, Event

from otklik.core import journal
from otklik.people.models import Employee
from otklik.reception import authority, schedule
from otklik.reception.models import Appointment, CalendarFeed, Room

BEHIND: Final = timedelta(days=30)
AHEAD: Final = timedelta(days=180)


@transaction.atomic
def make(official: Employee, *, by: Employee) -> str:
    """Give an official a secret address and return its token, shown this once; the one before opens no more."""
    token = secrets.token_urlsafe(32)
    CalendarFeed.objects.update_or_create(official=official, defaults={"token_hash": _hash_of(token), "made_by": by})
    journal.record("reception.feed_made", chain=authority.chain_of(official), by=by)
    return token


@transaction.atomic
def end(official: Employee, *, by: Employee) -> None:
    """Let the address open no more."""
    gone, _ = CalendarFeed.objects.filter(official=official).delete()
    if gone:
        journal.record("reception.feed_ended", chain=authority.chain_of(official), by=by)


def of(token: str) -> Employee | None:
    """Return whose calendar the token opens; None for anything else and for who works here no more."""
    row = CalendarFeed.objects.select_related("official").filter(token_hash=_hash_of(token)).first()
    return row.official if row and row.official.is_active else None


def _hash_of(token: str) -> str:
    # 256 random bits: there is nothing to guess, a plain hash keeps them.
    return hashlib.sha256(token.encode()).hexdigest()


def text(official: Employee) -> bytes:
    """Return the official's reception hours and the people to be received, as a calendar program reads them."""
    now = timezone.now()
    first, last = now - BEHIND, now + AHEAD
    book = Calendar()
    book.add("prodid", "-//Otklik//Reception//RU")
    book.add("version", "2.0")
    book.add("method", "PUBLISH")
    book.add("name", "Личный приём")
    book.add("x-wr-calname", "Личный приём")
    places = dict(Room.objects.values_list("pk", "name"))
    days = (timezone.localdate(first), timezone.localdate(last))
    for one in schedule.receptions(*days, [official.pk]):
        hours = _event(f"hours-{official.pk}-{one.starts_at:%Y%m%dT%H%M}", one.starts_at, one.ends_at, now)
        hours.add("summary", "Личный приём")
        hours.add("location", places[one.room_id])
        hours.add("transp", "TRANSPARENT")
        book.add_component(hours)
    rows = Appointment.objects.filter(official=official, starts_at__gte=first, starts_at__lt=last)
    for row in rows.exclude(state=Appointment.State.NO_SHOW).order_by("starts_at", "pk"):
        event = _event(f"appointment-{row.pk}", row.starts_at, row.ends_at, now)
        event.add("summary", f"Приём: {initials(row)}")
        event.add("location", places[row.room_id])
        event.add("sequence", row.version)
        cancelled = row.state == Appointment.State.CANCELLED
        event.add("status", "CANCELLED" if cancelled else "TENTATIVE" if row.to_move else "CONFIRMED")
        book.add_component(event)
    return bytes(book.to_ical())


def _event(uid: str, starts_at: datetime, ends_at: datetime, now: datetime) -> Event:
    event = Event()
    event.add("uid", f"{uid}@{settings.BASE_URL.split('//')[-1].split('/')[0]}")
    event.add("dtstamp", now.astimezone(UTC))
    event.add("dtstart", starts_at.astimezone(UTC))
    event.add("dtend", ends_at.astimezone(UTC))
    return event


def initials(row: Appointment) -> str:
    """Return «И. М. П.»: enough for who knows, nothing for who looks over the shoulder."""
    return " ".join(f"{one[0]}." for one in (row.last_name, row.first_name, row.patronymic) if one)
