"""A day cancelled or moved: everybody who was to come gets another time at once and is told; all of them or nobody."""

from __future__ import annotations

from datetime import datetime, time, timedelta

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from otklik.core.models import JournalEntry
from otklik.reception import appointments, authority, rebooking, schedule
from otklik.reception.models import Appointment, AppointmentNotice, AppointmentRequest
from tests.reception import people
from tests.reception.people import next_weekday

pytestmark = pytest.mark.django_db
Kind = AppointmentNotice.Kind


@pytest.fixture
def clerk():
    return people.employee("desk", "Встречаева", "receptionist")


@pytest.fixture
def official():
    return people.official()


@pytest.fixture
def room():
    return people.room()


@pytest.fixture
def monday():
    return next_weekday(0, after=timezone.localdate() + timedelta(days=7))


@pytest.fixture
def booked(official, room, monday):
    """Let three be booked for one Monday; the official receives on Mondays and Thursdays."""
    people.rule(official, room)
    people.rule(official, room, weekday=3)

    def at(hour, minute, **changes):
        begins = timezone.make_aware(datetime.combine(monday, time(hour, minute)))
        return people.appointment(official, room, begins, **changes)

    return [at(10, 0), at(10, 40), at(11, 20, email="i@example.ru", notify="email", phone="")]


def local(row):
    row.refresh_from_db()
    return timezone.localtime(row.starts_at)


def chosen(official):
    return {one.row.pk: appointments.named(one.slot) for one in rebooking.proposed(official) if one.slot}


def test_who_was_to_come_on_a_cancelled_day_comes_at_his_hour_on_the_next_and_is_told(official, booked, monday, clerk):
    schedule.cancel_day(official, monday, why="Командировка", by=clerk)
    assert AppointmentNotice.objects.filter(kind=Kind.TO_MOVE).count() == 3
    assert rebooking.rebook(official, chosen(official), by=clerk) == 3
    thursday = monday + timedelta(days=3)
    assert [(local(row).date(), f"{local(row):%H:%M}") for row in booked] == [
        (thursday, "10:00"), (thursday, "10:40"), (thursday, "11:20")]  # fmt: skip
    assert not any(row.to_move for row in booked)
    told = AppointmentNotice.objects.filter(kind=Kind.MOVED)
    assert sorted(told.values_list("way", flat=True)) == ["email", "phone", "phone"]
    assert not AppointmentNotice.objects.filter(kind=Kind.TO_MOVE, told_at=None).exists()
    assert JournalEntry.objects.filter(action="appointment.moved", actor=clerk).count() == 3
    assert "Командировка" in booked[0].moved.get().why
    assert rebooking.proposed(official) == []


def test_a_moved_day_takes_its_people_along(official, booked, monday, clerk):
    wednesday = monday + timedelta(days=2)
    schedule.move_day(official, monday, wednesday, why="Коллегия", by=clerk)
    rebooking.rebook(official, chosen(official), by=clerk)
    assert {local(row).date() for row in booked} == {wednesday}


def test_a_time_taken_meanwhile_moves_nobody_and_says_whom(official, room, booked, monday, clerk):
    schedule.cancel_day(official, monday, why="Командировка", by=clerk)
    wanted = chosen(official)
    begins = timezone.make_aware(datetime.combine(monday + timedelta(days=3), time(11, 20)))
    people.appointment(official, room, begins, last_name="Быстров")
    with pytest.raises(rebooking.NotRebooked, match=r"11:20, Ив•••.*только что заняли.*Никто не перенесён"):
        rebooking.rebook(official, wanted, by=clerk)
    assert {local(row).date() for row in booked} == {monday}
    assert all(row.to_move for row in booked)
    with pytest.raises(rebooking.NobodyChosen):
        rebooking.rebook(official, {}, by=clerk)


def test_nobody_is_rebooked_to_a_day_without_powers(official, booked, monday, clerk):
    authority.end(official.authorities.get(), last_day=monday - timedelta(days=1), why="Увольнение", by=clerk)
    assert [one.slot for one in rebooking.proposed(official)] == [None, None, None]


def test_the_page_proposes_keeps_what_was_chosen_and_moves_all(official, booked, monday, clerk):
    client = Client()
    client.force_login(clerk, backend="django.contrib.auth.backends.ModelBackend")
    schedule.cancel_day(official, monday, why="Командировка", by=clerk)
    place = reverse("workplace:reception_rebook", args=[official.pk])
    assert place in client.get(reverse("workplace:reception_official", args=[official.pk])).content.decode()
    page = client.get(place).content.decode()
    assert "Иванова" not in page
    assert "Командировка" in page
    answer = client.post(place, {f"slot-{row.pk}": "" for row in booked})
    assert answer.status_code == 400 or answer.status_code == 422
    assert "хотя бы одному" in answer.content.decode()
    sent = {f"slot-{pk}": name for pk, name in chosen(official).items()}
    answer = client.post(place, {**sent, f"slot-{booked[2].pk}": ""}, follow=True)
    assert "Перенесено записей: 2" in answer.content.decode()
    assert local(booked[2]).date() == monday
    assert Appointment.objects.exclude(to_move="").get() == booked[2]
    reader = Client()
    reader.force_login(official, backend="django.contrib.auth.backends.ModelBackend")
    assert reader.get(place).status_code == 403


def test_who_waits_is_offered_no_time_of_a_day_that_is_cancelled(official, room, monday, clerk):
    people.rule(official, room)
    at = timezone.make_aware(datetime.combine(monday, time(10)))
    wish = AppointmentRequest.objects.create(
        last_name="Ждущая", phone="+7 913 000-00-02", source="phone", state="waiting", token_hash="f" * 64
    )
    facts = {"request": wish, "kind": Kind.FREED, "official": official, "way": "phone"}
    AppointmentNotice.objects.create(of_time=at, **facts)
    AppointmentNotice.objects.create(of_time=at + timedelta(days=7), **facts)
    schedule.cancel_day(official, monday, why="Командировка", by=clerk)
    assert AppointmentNotice.objects.get(kind=Kind.FREED).of_time == at + timedelta(days=7)
