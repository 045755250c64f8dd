"""A room may be used while every property of п. 35.1 was checked, passed and counts; a lapse moves who was to come."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from django.db import IntegrityError, transaction
from django.utils import timezone

from otklik.reception import displaced, rooms
from otklik.reception.models import AppointmentNotice, RoomCheck
from tests.reception import people

TODAY = timezone.localdate()
YESTERDAY = TODAY - timedelta(days=1)


@pytest.fixture
def clerk(db: None):
    return people.employee("desk", "Встречаева", "receptionist")


def checked(room, clerk, code="fire_safety", **changes):
    facts = {"passed": True, "checked_on": TODAY, "valid_until": TODAY + timedelta(days=365), "basis": "Акт № 2"}
    return rooms.check(room, code, **{**facts, **changes}, by=clerk)


def test_a_room_with_all_five_properties_may_be_used(clerk):
    room = people.room()
    assert rooms.bars(room, TODAY) == []
    assert [one.ok for one in rooms.fitness(room, TODAY)] == [True] * 5
    assert rooms.unfit(TODAY) == {}


@pytest.mark.django_db
@pytest.mark.parametrize("code", RoomCheck.Property.values)
def test_any_property_never_checked_failed_or_lapsed_bars_a_room(clerk, code):
    room = people.room(without=[code])
    label = RoomCheck.Property(code).label
    assert rooms.bars(room, TODAY) == [f"{label}: не проверялось"]
    checked(room, clerk, code, checked_on=date(2025, 1, 1), valid_until=YESTERDAY)
    assert rooms.bars(room, YESTERDAY) == []
    assert rooms.bars(room, TODAY) == [f"{label}: срок проверки истёк {YESTERDAY:%d.%m.%Y}"]
    checked(room, clerk, code, passed=False)
    assert "не соответствует" in rooms.bars(room, TODAY)[0]
    checked(room, clerk, code)
    assert rooms.bars(room, TODAY) == []
    assert rooms.unfit(TODAY) == {}


def test_the_reason_says_that_the_applicant_needs_access(clerk):
    room = people.room(without=["accessible"])
    assert rooms.bars(room, TODAY, needs_access=True)[0].endswith("а заявителю она нужна")


def test_a_room_out_of_use_is_barred(clerk):
    room = people.room(valid_to=YESTERDAY)
    assert rooms.bars(room, TODAY) == ["помещение в этот день не действует"]


def test_what_lapses_soon_is_told_beforehand(clerk):
    room = people.room(without=["sanitary"])
    checked(room, clerk, "sanitary", valid_until=TODAY + timedelta(days=10))
    soon = [one for one in rooms.fitness(room, TODAY) if one.lapses_soon]
    assert [(one.property, one.days_left) for one in soon] == [("sanitary", 10)]
    assert rooms.first_bar(room, TODAY) == TODAY + timedelta(days=11)


def test_a_failed_check_lists_whom_to_move_and_tells_them(clerk):
    official, room = people.official(), people.room()
    people.rule(official, room)
    row = people.appointment(official, room)
    assert checked(room, clerk, passed=False) == [row]
    row.refresh_from_db()
    assert row.to_move.startswith(f"{room}: пожарная безопасность: не соответствует")
    assert AppointmentNotice.objects.get().kind == "to_move"
    assert checked(room, clerk) == []
    row.refresh_from_db()
    assert row.to_move == ""


def test_a_lapse_that_nobody_entered_is_found_by_time_itself(clerk):
    official, room = people.official(), people.room(without=["privacy"])
    people.rule(official, room)
    row = people.appointment(official, room)
    RoomCheck.objects.create(
        room=room, property="privacy", checked_on=date(2025, 1, 1), valid_until=YESTERDAY, checked_by=clerk
    )
    assert displaced.look(by=None) == [row]
    assert displaced.look(by=None) == []


def test_a_check_is_written_down_when_it_was_made_and_lasts(clerk):
    room = people.room()
    with pytest.raises(rooms.NotYetChecked):
        checked(room, clerk, checked_on=TODAY + timedelta(days=1))
    with pytest.raises(rooms.WrongDays):
        checked(room, clerk, valid_until=YESTERDAY)
    with pytest.raises(IntegrityError), transaction.atomic():
        RoomCheck.objects.create(
            room=room, property="privacy", checked_on=TODAY, valid_until=YESTERDAY, checked_by=clerk
        )


def test_a_seat_somebody_holds_is_not_taken_away(clerk):
    official, room = people.official(), people.room(seats=2)
    people.appointment(official, room, seat=2)
    room.seats = 1
    with pytest.raises(rooms.SeatsInUse):
        rooms.keep(room, changed={"seats": 1}, by=clerk)


def test_many_rooms_and_days_are_judged_by_one_query(clerk, django_assert_num_queries):
    several = [people.room() for _ in range(5)]
    with django_assert_num_queries(1):
        checks = rooms.Checks(several)
        assert all(checks.bars(room.pk, TODAY + timedelta(days=ahead)) == [] for room in several for ahead in range(90))
