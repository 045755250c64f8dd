"""Builders for tests of personal reception: an official with an authority, a fit room, a rule, an appointment, a card.

Rows only, written straight: what a test is about goes by the public doors.
"""

from __future__ import annotations

import hashlib
import itertools
from collections.abc import Iterable
from datetime import date, datetime, time, timedelta
from typing import Any, Final

from django.utils import timezone

from otklik.people.models import Applicant, Employee, RoleAssignment, Unit
from otklik.reception.models import (
    CELL_MINUTES,
    Appointment,
    Authority,
    ReceptionCard,
    ReceptionException,
    ReceptionPhone,
    ReceptionRule,
    Room,
    RoomCheck,
    SlotCell,
)

LONG_AGO: Final = date(2024, 1, 1)
FAR: Final = date(2030, 12, 31)
_count = itertools.count(1)


def moment(*parts: int) -> datetime:
    """Return a moment of local time: `moment(2026, 12, 7, 10, 0)`."""
    return timezone.make_aware(datetime(*parts))  # type: ignore[arg-type, misc]


def next_weekday(weekday: int, *, after: date | None = None) -> date:
    """Return the first such day of the week that comes after a day, today if none is named; 0 is Monday."""
    start = (after or timezone.localdate()) + timedelta(days=1)
    return start + timedelta(days=(weekday - start.weekday()) % 7)


def unit(name: str = "Отдел личного приёма") -> Unit:
    """Return a unit of this name, made once."""
    return Unit.objects.get_or_create(name=name, defaults={"short_name": name, "valid_from": LONG_AGO})[0]


def employee(login: str, last_name: str = "Приёмова", *roles: str) -> Employee:
    """Return an employee with these roles: `employee("desk", "Встречаева", "receptionist")`."""
    one = Employee(username=login, last_name=last_name, first_name="Анна", patronymic="Петровна", unit=unit())
    one.set_unusable_password()
    one.save()
    RoleAssignment.objects.bulk_create(
        RoleAssignment(employee=one, role_id=role, valid_from=LONG_AGO) for role in roles
    )
    return one


def authority(of: Employee, *, topics: Iterable[Any] = (), **changes: Any) -> Authority:
    """Return an authority to receive, in force since long ago, on any topic."""
    facts = {"basis": "Приказ № 12-л от 10.01.2024", "valid_from": LONG_AGO, **changes}
    row = Authority.objects.create(official=of, **facts)
    row.topics.set(topics)
    return row


def official(login: str = "official", last_name: str = "Волкова", *, topics: Iterable[Any] = ()) -> Employee:
    """Return an official (role `signer`) with an authority to receive."""
    one = employee(login, last_name, "signer")
    authority(one, topics=topics)
    return one


def checked(room_: Room, *, by: Employee | None = None, without: Iterable[str] = (), **changes: Any) -> list[RoomCheck]:
    """Let a room have all five properties of п. 35.1, but for those named."""
    by = by or Employee.objects.order_by("pk").first() or employee("inspector", "Проверкина")
    facts = {"checked_on": LONG_AGO, "valid_until": FAR, "checked_by": by, "basis": "Акт № 1", **changes}
    return RoomCheck.objects.bulk_create(
        RoomCheck(room=room_, property=code, **facts) for code in RoomCheck.Property.values if code not in set(without)
    )


def room(name: str = "", *, without: Iterable[str] = (), **changes: Any) -> Room:
    """Return a room with one seat, no recording equipment and all five checks valid, but for those named."""
    facts = {"name": name or f"Кабинет {next(_count)}", "place": "1 этаж", "valid_from": LONG_AGO, **changes}
    row = Room.objects.create(**facts)
    checked(row, without=without)
    return row


def rule(of: Employee, in_room: Room, *, weekday: int = 0, **changes: Any) -> ReceptionRule:
    """Return reception hours: Mondays 10–12, twenty minutes each, every week."""
    facts = {"opens": time(10), "closes": time(12), "slot_minutes": 20, "valid_from": LONG_AGO, **changes}
    return ReceptionRule.objects.create(official=of, room=in_room, weekday=weekday, **facts)


def cells(row: Appointment) -> list[SlotCell]:
    """Let an appointment hold its official and its seat."""
    step = timedelta(minutes=CELL_MINUTES)
    moments = [row.starts_at + step * number for number in range(int((row.ends_at - row.starts_at) / step))]
    resources = (f"official:{row.official_id}", f"room:{row.room_id}:{row.seat}")
    return SlotCell.objects.bulk_create(
        SlotCell(resource=resource, cell=at, appointment=row) for resource in resources for at in moments
    )


def appointment(
    of: Employee, in_room: Room, starts_at: datetime | None = None, *, by: Employee | None = None, **changes: Any
) -> Appointment:
    """Return an appointment with its cells, made by telephone; next Monday at ten if no time is named.

    `applicant`, `state`, `minutes` and any other field may be given.
    """
    starts_at = starts_at or timezone.make_aware(datetime.combine(next_weekday(0), time(10)))
    ends_at = changes.pop("ends_at", None) or starts_at + timedelta(minutes=changes.pop("minutes", 20))
    facts = {
        "last_name": "Иванова",
        "first_name": "Мария",
        "patronymic": "Петровна",
        "phone": "+7 913 000-00-01",
        "source": "phone",
        "made_by": by or of,
        "token_hash": hashlib.sha256(f"token-{next(_count)}".encode()).hexdigest(),
        **changes,
    }
    row = Appointment.objects.create(official=of, room=in_room, starts_at=starts_at, ends_at=ends_at, **facts)
    if row.state in Appointment.LIVE:
        cells(row)
    return row


def applicant(last_name: str = "Иванова") -> Applicant:
    """Return a person known to the department."""
    return Applicant.objects.create(kind="person", last_name=last_name, first_name="Мария", patronymic="Петровна")


def card(of: Appointment, *, by: Employee | None = None, **changes: Any) -> ReceptionCard:
    """Return a card of an appointment in the front office; `state="ready"` and later ones come with their marks."""
    now = timezone.now()
    state = changes.get("state", "check_in")
    marks: dict[str, Any] = {}
    if state not in ("check_in", "ended"):
        marks = {
            "document": "passport",
            "document_matches": True,
            "document_at": now,
            "document_by": by or of.made_by,
            "informed_at": now,
            "consent_text": "1",
            "video": "given" if of.room.has_video else "no_equipment",
            "audio": "given" if of.room.has_audio else "no_equipment",
        }
    if state in ("open", "paused", "finished"):
        marks["started_at"] = now
    if state == "ended":
        marks["ended_why"] = "Заявитель ушёл"
    if state == "finished":
        marks |= {"introduced_at": now, "applied_before": False, "finished_at": now, "finished_by": of.official}
    facts = {
        "number": f"ЛП-{next(_count)}",
        "official": of.official,
        "authority": changes.pop("authority", None) or of.official.authorities.latest("valid_from"),
        "applicant": of.applicant or applicant(of.last_name),
        "room": of.room,
        "room_video": of.room.has_video,
        "room_audio": of.room.has_audio,
        "opened_by": by or of.made_by,
        **marks,
        **changes,
    }
    return ReceptionCard.objects.create(appointment=of, **facts)


def at_every_address() -> dict[str, int]:
    """Leave something at every address of the schedule; return the beginnings of the addresses → ids of rows there."""
    one, place = official("scheduled", "Принимаева"), room()
    tomorrow = timezone.localdate() + timedelta(days=1)
    unlike = ReceptionException.objects.create(official=one, date=tomorrow, why="Командировка")
    phone = ReceptionPhone.objects.create(number="8 (383) 238-60-02", valid_from=LONG_AGO)
    return {
        "reception-officials": one.pk,
        "reception-authorities": one.authorities.get().pk,
        "reception-rules": rule(one, place).pk,
        "reception-days": unlike.pk,
        "reception-rooms": place.pk,
        "reception-phones": phone.pk,
    }
