"""A year of personal reception for measurements: officials, rooms, appointments and their five minutes, in bulk.

Only for figures, like `seed`: no journal, no notices.
"""

from __future__ import annotations

import hashlib
import statistics
import time as clock
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from itertools import cycle
from random import Random

from django.db import transaction
from django.utils import timezone

from otklik.demo import citizens
from otklik.people.applicants import Typed
from otklik.people.models import Employee, Unit
from otklik.reception import finder, schedule
from otklik.reception.models import CELL_MINUTES, Appointment, Authority, ReceptionRule, Room, RoomCheck, SlotCell
from otklik.reception.schedule import Slot

OFFICIALS = 20
AHEAD = timedelta(days=365)
SHARE = 0.85  # of the times that are taken
SEARCHES = 60
BATCH = 2000


@dataclass(frozen=True)
class Found:
    """How long the search for free times took, milliseconds: as waited for, and of the processor."""

    booked: int
    p50: float
    p95: float
    processor_p95: float


def plant(count: int) -> int:
    """Let `OFFICIALS` receive every working day of a year and book up to so many times; return how many."""
    today = timezone.localdate()
    with transaction.atomic():
        officials = list(_officials(today))
        made = 0
        dice = Random(2725)  # noqa: S311 - figures, not secrets
        slots = schedule.slots(today, today + AHEAD, officials=[one.pk for one in officials])
        taken = [one for one in slots if dice.random() < SHARE][:count]
        people = cycle(citizens.people(dice, 500))
        for start in range(0, len(taken), BATCH):
            part = taken[start : start + BATCH]
            rows = [_booked(slot, next(people), start + place) for place, slot in enumerate(part)]
            Appointment.objects.bulk_create(rows)
            SlotCell.objects.bulk_create((cell for row in rows for cell in _cells(row)), batch_size=BATCH)
            made += len(rows)
    return made


def search(booked: int) -> Found:
    """Look for free times of twelve months again and again: anybody's, and of one official after another."""
    today = timezone.localdate()
    whom = cycle([None, *Employee.objects.filter(username__startswith="bench-official-")])
    waited, worked = [], []
    for _ in range(SEARCHES):
        official, begin, busy = next(whom), clock.perf_counter(), clock.process_time()
        finder.free(today, today + AHEAD, official=official)
        waited.append((clock.perf_counter() - begin) * 1000)
        worked.append((clock.process_time() - busy) * 1000)
    last = int(SEARCHES * 0.95) - 1
    return Found(booked, statistics.median(waited), sorted(waited)[last], sorted(worked)[last])


def _officials(today: date) -> Iterator[Employee]:
    unit, keeper = Unit.objects.order_by("pk")[0], Employee.objects.order_by("pk")[0]
    for number in range(OFFICIALS):
        one = Employee.objects.create(
            username=f"bench-official-{number}", last_name=f"Приёмов-{number}", first_name="Пётр", unit=unit
        )
        room = Room.objects.create(name=f"Кабинет измерений {number}", place="1 этаж", valid_from=today)
        RoomCheck.objects.bulk_create(
            RoomCheck(
                room=room,
                property=code,
                checked_on=today,
                valid_until=today + 2 * AHEAD,
                checked_by=keeper,
                basis="Измерение",
            )
            for code in RoomCheck.Property.values
        )
        Authority.objects.create(official=one, basis="Измерение", valid_from=today)
        ReceptionRule.objects.bulk_create(
            ReceptionRule(
                official=one,
                room=room,
                weekday=weekday,
                opens=time(9),
                closes=time(13),
                slot_minutes=20,
                valid_from=today,
            )
            for weekday in range(5)
        )
        yield one


def _booked(slot: Slot, person: Typed, number: int) -> Appointment:
    return Appointment(
        official_id=slot.official_id,
        room_id=slot.room_id,
        starts_at=slot.starts_at,
        ends_at=slot.ends_at,
        last_name=person.last_name,
        first_name=person.first_name,
        patronymic=person.patronymic,
        phone="+7 913 000-00-00",
        source="phone",
        made_by_id=slot.official_id,
        token_hash=hashlib.sha256(f"bench-{number}".encode()).hexdigest(),
    )


def _cells(row: Appointment) -> Iterator[SlotCell]:
    at: datetime = row.starts_at
    while at < row.ends_at:
        for resource in (f"official:{row.official_id}", f"room:{row.room_id}:1"):
            yield SlotCell(resource=resource, cell=at, appointment=row)
        at += timedelta(minutes=CELL_MINUTES)
