"""Who comes to the desk: arrived, or without an appointment."""

from __future__ import annotations

import hashlib
import secrets
from datetime import timedelta
from typing import Any

from django.db import transaction
from django.db.models import F
from django.utils import timezone

from otklik.core import journal
from otklik.core.errors import DomainError
from otklik.people.models import Employee
from otklik.reception import authority
from otklik.reception.models import Appointment, Room, Source
from otklik.reception.schedule import Slot, slots

State = Appointment.State


class NotBooked(DomainError):
    """Only who has an appointment that holds arrives."""

    code = "appointment.not_booked"
    text = "Запись уже в состоянии «{now}». Обновите страницу."
    status = 409


class NoAuthority(DomainError):
    """Nobody is received by a person without the authority."""

    code = "appointment.no_authority"
    text = "{who} сегодня не вправе вести личный приём: полномочий на этот день нет. Выберите другое должностное лицо."


@transaction.atomic
def arrive(appointment: Appointment, *, by: Employee) -> None:
    """Note that somebody has come; who comes first is in order of these moments."""
    now = timezone.now()
    rows = Appointment.objects.filter(pk=appointment.pk, state=State.BOOKED)
    if not rows.update(state=State.ARRIVED, arrived_at=now, version=F("version") + 1):
        appointment.refresh_from_db()
        raise NotBooked(now=appointment.get_state_display())
    appointment.refresh_from_db()
    journal.record("appointment.arrived", chain=f"appointment:{appointment.pk}", by=by)


@transaction.atomic
def walk_in(person: dict[str, Any], slot: Slot | None, *, official: Employee, by: Employee) -> Appointment:
    """Write down somebody who came without an appointment; without a slot he waits for the official's free minute."""
    now = timezone.now().replace(second=0, microsecond=0)
    if authority.of(official, timezone.localdate(now)) is None:
        raise NoAuthority(who=official.short_name)
    if slot is None:
        today = timezone.localdate(now)
        of_day = slots(today, today, officials=[official.pk])
        room = Room.objects.get(pk=of_day[0].room_id) if of_day else Room.objects.order_by("order", "name")[0]
        starts, ends = now, now + timedelta(minutes=20)
    else:
        room, starts, ends = Room.objects.get(pk=slot.room_id), slot.starts_at, slot.ends_at
    row = Appointment.objects.create(
        **person, official=official, room=room, starts_at=starts, ends_at=ends, state=State.ARRIVED, arrived_at=now,
        source=Source.WALK_IN, made_by=by, token_hash=hashlib.sha256(secrets.token_bytes(32)).hexdigest(),
    )  # fmt: skip
    journal.record("appointment.walked_in", chain=f"appointment:{row.pk}", by=by)
    return row
