"""Two hundred people want one time at once: one has it, the others get other times; nobody is in two places.

`pytest -s` prints how much work a refusal is: of the processor, waiting for a core not counted.
"""

from __future__ import annotations

import sys
import threading
import time
from datetime import timedelta

import pytest
from django.db import connection

from otklik.core import journal
from otklik.core.errors import DomainError
from otklik.people.models import Employee
from otklik.reception import appointments, waiting
from otklik.reception.models import Appointment, SlotCell
from otklik.reception.schedule import Slot
from tests.appeals.test_races import at_once
from tests.reception import people
from tests.reception.people import moment
from tests.reception.test_appointments import IVANOVA, MONDAY, NOW, no_overlap

pytestmark = pytest.mark.django_db(transaction=True)

MANY = 200
MOST_MS = 500
GATE = threading.BoundedSemaphore(40)  # connections a PostgreSQL gives one program; the others wait at the door


@pytest.fixture
def times():
    desk, official = people.employee("desk", "Встречаева", "receptionist"), people.official()
    room = people.room(seats=2)
    people.rule(official, room)
    begins = [moment(MONDAY.year, MONDAY.month, MONDAY.day, 10, minute) for minute in (0, 20, 40)]
    return desk, [Slot(at, at + timedelta(minutes=20), official.pk, room.pk) for at in begins]


def booking(slot, desk, worked):
    def work():
        with GATE:
            began = time.thread_time()
            try:
                return appointments.book(slot, IVANOVA, source="phone", by=Employee(pk=desk.pk), now=NOW)
            finally:
                worked.append((time.thread_time() - began) * 1000)
                connection.close()

    return work


def test_of_two_hundred_who_want_one_time_exactly_one_has_it(times):
    desk, (slot, *_) = times
    worked: list[float] = []
    results = at_once(*[booking(slot, desk, worked)] * MANY)
    booked = [one for one in results if isinstance(one, Appointment)]
    refused = [one for one in results if isinstance(one, appointments.SlotTaken)]
    assert (len(booked), len(refused)) == (1, MANY - 1), {type(one) for one in results}
    assert all(one.facts["alternatives"] for one in refused)
    assert Appointment.objects.count() == 1
    assert SlotCell.objects.count() == 8
    assert journal.verify() == []
    p95 = sorted(worked)[int(len(worked) * 0.95)]
    sys.stdout.write(f"\n{connection.vendor}: {MANY} at once, own work of one: p95 {p95:.0f} ms\n")
    assert p95 <= MOST_MS


def test_two_who_change_places_are_refused_and_do_not_wait_for_each_other(times):
    desk, (first, second, third) = times
    for _ in range(3):
        Appointment.objects.all().delete()
        one = appointments.book(first, IVANOVA, source="phone", by=desk, now=NOW)
        two = appointments.book(second, IVANOVA, source="phone", by=desk, now=NOW)
        results = at_once(
            lambda one=one: appointments.move(one, second, by=desk, why="так", now=NOW),
            lambda two=two: appointments.move(two, first, by=desk, why="так", now=NOW),
            lambda: appointments.book(third, IVANOVA, source="phone", by=desk, now=NOW),
            lambda two=two: appointments.move(two, third, by=desk, why="так", now=NOW),
        )
        assert all(isinstance(one, Appointment | DomainError) for one in results), results
        no_overlap()


def test_one_request_confirmed_by_two_clerks_is_one_appointment(times):
    desk, (first, second, _) = times
    request = waiting.ask(IVANOVA, source="portal")
    results = at_once(
        lambda: waiting.confirm(request, first, by=desk, now=NOW),
        lambda: waiting.confirm(request, second, by=desk, now=NOW),
    )
    assert sorted(type(one).__name__ for one in results) == ["Appointment", "NotOpen"]
    assert Appointment.objects.count() == 1


def test_one_who_arrives_at_two_desks_is_met_once(times):
    desk, (first, *_) = times
    row = appointments.book(first, IVANOVA, source="phone", by=desk, now=NOW)
    results = at_once(*[lambda: appointments.arrive(row, by=desk, now=first.starts_at)] * 2)
    assert sorted(type(one).__name__ for one in results) == ["AlreadyArrived", "Appointment"]
