"""Appointments by the API keep every rule of the page, and tell nobody who is booked."""

from __future__ import annotations

import pytest

from otklik.people.models import Substitution
from otklik.reception.models import Appointment, SlotCell
from tests.api.conftest import program
from tests.reception import people

pytestmark = pytest.mark.django_db
WHO = {"source": "phone", "last_name": "Иванова", "first_name": "Мария", "phone": "+7 913 000-00-01"}


@pytest.fixture
def official():
    one = people.official()
    people.rule(one, people.room())
    return one


@pytest.fixture
def secretary():
    return people.employee("desk", "Встречаева", "receptionist")


@pytest.fixture
def caller(secretary):
    return program(secretary, "appointments.read", "appointments.create")


def free(caller):
    return caller.get("/appointments/free").json()


def test_a_free_time_is_booked_once_and_no_longer_free(caller, official):
    times = free(caller)
    assert {one["official"] for one in times} == {official.pk}
    wanted = times[0]["slot"]
    made = caller.post("/appointments", {**WHO, "slot": wanted}, key="one")
    again = caller.post("/appointments", {**WHO, "slot": wanted}, key="one")
    assert (made.status_code, again.json()) == (201, made.json())
    assert Appointment.objects.count() == 1
    late = caller.post("/appointments", {**WHO, "slot": wanted}, key="two")
    assert (late.status_code, late.json()["code"]) == (409, "appointment.slot_taken")
    assert wanted not in [one["slot"] for one in free(caller)]


def test_the_list_masks_who_comes(caller, official):
    caller.post("/appointments", {**WHO, "slot": free(caller)[0]["slot"]}, key="one")
    answer = caller.get("/appointments", state="booked", official=official.pk)
    [row] = answer.json()["items"]
    assert (row["name"], row["phone"]) == ("Ив••• М.", "+7 ••• 01")
    assert "Иванова" not in answer.content.decode()
    assert caller.get(f"/appointments/{row['id']}").json() == row


def test_moving_and_cancelling_free_the_time(caller, official):
    first, other, *_ = [one["slot"] for one in free(caller)]
    pk = caller.post("/appointments", {**WHO, "slot": first}, key="one").json()["id"]
    moved = caller.post(f"/appointments/{pk}/move", {"slot": other, "why": "Просит позже"})
    assert (moved.status_code, moved.json()["version"]) == (200, 2)
    assert first in [one["slot"] for one in free(caller)]
    assert caller.post(f"/appointments/{pk}/cancel", {"why": "Передумал"}).json()["state"] == "cancelled"
    assert not SlotCell.objects.exists()
    assert caller.post(f"/appointments/{pk}/cancel", {"why": "Ещё раз"}).status_code == 409


def test_no_rule_is_got_round(caller, official, secretary):
    slot = free(caller)[0]
    day = slot["starts_at"][:10]
    stands_in = people.employee("stands-in")
    Substitution.objects.create(absent=official, deputy=stands_in, starts_on=day, ends_on=day)
    absent = caller.post("/appointments", {**WHO, "slot": slot["slot"]}, key="one")
    assert absent.json()["code"] == "appointment.official_absent"
    assert caller.post("/appointments", {**WHO, "slot": "1.1.x.20"}, key="two").json()["code"] == (
        "appointment.not_in_schedule"
    )
    assert caller.post("/appointments", {**WHO, "slot": slot["slot"], "source": "written"}, key="three").json()[
        "code"
    ] == ("appointment.no_letter")
    assert caller.post("/appointments", {**WHO, "slot": slot["slot"], "appeal": 10**9}, key="four").json()["code"] == (
        "appointments.no_such"
    )
    assert not Appointment.objects.exists()


def test_only_who_books_on_the_page_books_here(official):
    stranger = program(people.employee("lawyer-x", "Праводумов", "lawyer"), "appointments.read", "appointments.create")
    assert stranger.get("/appointments/free").status_code == 403
    assert stranger.post("/appointments", {**WHO, "slot": "1.1.20261201T1000.20"}, key="one").status_code == 403
