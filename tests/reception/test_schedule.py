"""When officials receive: weeks of the month, the production calendar, days unlike the rule; what a change moves."""

from __future__ import annotations

import itertools
import random
from datetime import date, time, timedelta

import pytest
from django.utils import timezone
from hypothesis import given
from hypothesis import strategies as st

from otklik.core import calendar
from otklik.core.errors import DomainError
from otklik.core.models import JournalEntry
from otklik.core.workdays import WorkCalendar
from otklik.people.models import Employee
from otklik.reception import authority, displaced, schedule
from otklik.reception.models import Appointment, AppointmentNotice, ReceptionException, ReceptionRule
from otklik.reception.schedule import _stretches
from tests.reception import people
from tests.reception.people import moment, next_weekday

WORK = calendar.shipped_calendar()


@pytest.fixture
def official(db: None) -> Employee:
    return people.official()


@pytest.fixture
def room(official: Employee):
    return people.room()


@pytest.fixture
def clerk(db: None) -> Employee:
    return people.employee("desk", "Встречаева", "receptionist")


def days(first: date, last: date) -> list[date]:
    return sorted({slot.starts_at.date() for slot in schedule.slots(first, last, work=WORK)})


def fresh(official: Employee, room, **changes) -> ReceptionRule:
    facts = {
        "weekday": 0, "opens": time(10), "closes": time(12), "slot_minutes": 20, "valid_from": timezone.localdate(),
    }  # fmt: skip
    return ReceptionRule(official=official, room=room, **{**facts, **changes})


def test_the_first_week_of_a_month_is_its_first_such_day(official, room):
    people.rule(official, room, weekday=2, week=1)
    people.rule(official, room, weekday=2, week=3, opens=time(14), closes=time(15))
    assert days(date(2026, 9, 1), date(2026, 10, 31)) == [
        date(2026, 9, 2), date(2026, 9, 16), date(2026, 10, 7), date(2026, 10, 21),
    ]  # fmt: skip


def test_from_the_thirtieth_of_december_to_the_holidays_only_working_days_have_slots(official, room):
    for weekday in range(7):
        people.rule(official, room, weekday=weekday, opens=time(9), closes=time(18))
    found = days(date(2026, 12, 28), date(2027, 1, 12))
    assert found == [day for day in found if WORK.is_working(day)]
    assert date(2026, 12, 30) in found
    assert not [day for day in found if date(2027, 1, 1) <= day <= date(2027, 1, 8)]
    assert date(2027, 1, 11) in found


def test_on_a_shortened_day_a_rule_ends_with_the_working_day(official, room):
    """30 April 2026 is a Thursday before a holiday: work ends at 17."""
    people.rule(official, room, weekday=3, opens=time(15), closes=time(18), slot_minutes=30)
    usual, shortened = (
        schedule.receptions(day, day, work=WORK) for day in (date(2026, 4, 23), date(2026, 4, 30))
    )  # fmt: skip
    assert [one.words for one in usual] == ["15:00–18:00"]
    assert [(one.words, one.why) for one in shortened] == [("15:00–17:00", "сокращённый день")]


def test_a_shortened_day_leaves_morning_hours_as_they_are(official, room):
    people.rule(official, room, weekday=3)
    [one] = schedule.receptions(date(2026, 4, 30), date(2026, 4, 30), work=WORK)
    assert (one.words, one.why) == ("10:00–12:00", "")


def test_an_exception_stands_instead_of_the_rules_of_its_day_only(official, room, clerk):
    people.rule(official, room)
    monday = next_weekday(0)
    schedule.set_day(
        ReceptionException(official=official, date=monday, opens=time(15), closes=time(16), room=room, why="Совещание"),
        by=clerk,
    )
    found = schedule.receptions(monday, monday + timedelta(days=7))
    assert next((one.day, one.words) for one in found) == (monday, "15:00–16:00")
    schedule.drop_day(ReceptionException.objects.get(), by=clerk)
    assert schedule.receptions(monday, monday)[0].words == "10:00–12:00"


@pytest.mark.django_db
@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"opens": time(11, 30), "closes": time(13)},
        {"week": 2},
        {"valid_from": timezone.localdate() + timedelta(days=300)},
    ],
)
def test_one_official_has_no_two_rules_in_the_same_hours(official, room, clerk, changes):
    schedule.keep_rule(fresh(official, room), by=clerk)
    with pytest.raises(schedule.RulesOverlap, match="понедельник, 10:00–12:00"):
        schedule.keep_rule(fresh(official, room, **changes), by=clerk)
    assert ReceptionRule.objects.count() == 1


@pytest.mark.django_db
@pytest.mark.parametrize(
    "changes",
    [
        {"opens": time(12), "closes": time(13)},
        {"weekday": 1},
    ],
)
def test_rules_that_only_touch_stand_side_by_side(official, room, clerk, changes):
    schedule.keep_rule(fresh(official, room), by=clerk)
    schedule.keep_rule(fresh(official, room, **changes), by=clerk)
    assert ReceptionRule.objects.count() == 2


def test_the_first_and_the_third_week_do_not_overlap(official, room, clerk):
    for week in (1, 3):
        schedule.keep_rule(fresh(official, room, week=week), by=clerk)
    with pytest.raises(schedule.RulesOverlap):
        schedule.keep_rule(fresh(official, room), by=clerk)


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"opens": time(12), "closes": time(10)}, "Конец приёма"),
        ({"opens": time(10, 3)}, "кратные 5"),
        ({"slot_minutes": 7}, "кратные 5"),
        ({"break_from": time(11)}, "перерыва"),
        ({"break_from": time(9), "break_to": time(11)}, "Перерыв выходит"),
        ({"closes": time(10, 10)}, "не помещается"),
        ({"slot_minutes": 300}, "от 5 до 240"),
    ],
)
def test_hours_no_clock_can_keep_are_refused_in_words(official, room, clerk, changes, said):
    with pytest.raises(schedule.BadHours, match=said):
        schedule.keep_rule(fresh(official, room, **changes), by=clerk)


def test_nobody_gets_hours_without_an_order(room, clerk):
    nobody = people.employee("nobody", "Безприказова")
    with pytest.raises(schedule.NoAuthority, match="Безприказова"):
        schedule.keep_rule(fresh(nobody, room), by=clerk)


def test_hours_of_days_that_are_over_stay_what_they_were(official, room, clerk):
    rule = people.rule(official, room)
    past = timezone.localdate() - timedelta(days=30)
    before = schedule.receptions(past, timezone.localdate() - timedelta(days=1), work=WORK)
    rule.valid_from, rule.opens, rule.closes = timezone.localdate(), time(14), time(16)
    schedule.keep_rule(rule, by=clerk)
    assert ReceptionRule.objects.count() == 2
    assert schedule.receptions(past, timezone.localdate() - timedelta(days=1), work=WORK) == before
    rule.valid_from = past
    with pytest.raises(schedule.TooEarly):
        schedule.keep_rule(rule, by=clerk)
    with pytest.raises(schedule.TooEarly):
        schedule.cancel_day(official, past, why="Болезнь", by=clerk)


def test_a_room_with_one_seat_is_not_given_to_two_officials_at_once(official, room, clerk):
    schedule.keep_rule(fresh(official, room), by=clerk)
    other = people.official("other", "Зайцева")
    with pytest.raises(schedule.RoomTaken, match=r"Волкова А\. П\., мест — 1"):
        schedule.keep_rule(fresh(other, room, opens=time(11), closes=time(13)), by=clerk)
    room.seats = 2
    room.save()
    schedule.keep_rule(fresh(other, room, opens=time(11), closes=time(13)), by=clerk)


def test_a_day_moved_into_another_officials_hours_is_refused_and_nothing_changes(official, room, clerk):
    people.rule(official, room)
    other = people.official("other", "Зайцева")
    people.rule(other, room, weekday=1)
    monday = next_weekday(0)
    with pytest.raises(schedule.RoomTaken):
        schedule.move_day(official, monday, monday + timedelta(days=1), why="Коллегия", by=clerk)
    assert not ReceptionException.objects.exists()


def test_a_cancelled_day_marks_who_was_to_come_and_tells_him(official, room, clerk):
    people.rule(official, room)
    monday = next_weekday(0)
    row = people.appointment(official, room)
    asleep = people.appointment(
        official, room, moment(*monday.timetuple()[:3], 11), notify="none", email="a@b.example", phone=""
    )
    over = people.appointment(official, room, moment(*monday.timetuple()[:3], 10, 40), state="cancelled")
    later = people.appointment(official, room, moment(*(monday + timedelta(days=7)).timetuple()[:3], 10))
    hit = schedule.cancel_day(official, monday, why="Командировка", by=clerk)
    assert {one.pk for one in hit} == {row.pk, asleep.pk}
    row.refresh_from_db()
    assert row.to_move == f"приёма {monday:%d.%m.%Y} нет: Командировка"
    assert list(AppointmentNotice.objects.order_by("appointment").values_list("appointment", "kind", "way")) == [
        (row.pk, "to_move", "phone"), (asleep.pk, "to_move", "email"),
    ]  # fmt: skip
    assert not Appointment.objects.filter(pk__in=(over.pk, later.pk)).exclude(to_move="").exists()
    assert JournalEntry.objects.filter(action="appointment.to_move").count() == 2
    assert set(displaced.waiting()) == {row, asleep}


def test_a_day_given_back_lifts_the_mark_and_the_notice_nobody_heard(official, room, clerk):
    people.rule(official, room)
    row = people.appointment(official, room)
    schedule.cancel_day(official, next_weekday(0), why="Командировка", by=clerk)
    schedule.drop_day(ReceptionException.objects.get(), by=clerk)
    row.refresh_from_db()
    assert row.to_move == ""
    assert not AppointmentNotice.objects.exists()
    AppointmentNotice.objects.create(
        appointment=row, kind="to_move", of_time=row.starts_at, way="phone", told_at=timezone.now()
    )
    schedule.cancel_day(official, next_weekday(0), why="Командировка", by=clerk)
    assert AppointmentNotice.objects.get().told_at is None, "he is told anew"


def test_looking_twice_tells_nobody_twice(official, room, clerk):
    people.rule(official, room)
    people.appointment(official, room)
    schedule.cancel_day(official, next_weekday(0), why="Командировка", by=clerk)
    AppointmentNotice.objects.update(told_at=timezone.now())
    assert displaced.look(by=None) == []
    assert AppointmentNotice.objects.get().told_at is not None


def test_a_leave_cancels_every_day_of_reception_in_it(official, room, clerk):
    people.rule(official, room)
    monday = next_weekday(0)
    schedule.cancel_day(official, monday, until=monday + timedelta(days=14), why="Отпуск", by=clerk)
    assert schedule.receptions(monday, monday + timedelta(days=14)) == []
    with pytest.raises(schedule.NoReception):
        schedule.cancel_day(official, monday, why="Отпуск", by=clerk)


def test_a_moved_day_keeps_its_hours_room_and_break(official, room, clerk):
    people.rule(official, room, break_from=time(11), break_to=time(11, 20))
    monday = next_weekday(0)
    row = people.appointment(official, room)
    thursday = monday + timedelta(days=3)
    hit = schedule.move_day(official, monday, thursday, why="Коллегия", by=clerk)
    assert [one.pk for one in hit] == [row.pk]
    assert [one.words for one in schedule.receptions(thursday, thursday)] == ["10:00–11:00", "11:20–12:00"]
    assert schedule.receptions(monday, monday) == []
    with pytest.raises(schedule.HasReception):
        schedule.move_day(official, monday + timedelta(days=7), thursday, why="Ещё", by=clerk)


def test_no_reception_is_set_on_a_holiday(official, room, clerk):
    day = date(timezone.localdate().year + 1, 1, 7)
    row = ReceptionException(official=official, date=day, opens=time(10), closes=time(12), room=room, why="Просьба")
    with pytest.raises(schedule.Holiday):
        schedule.set_day(row, by=clerk)


def test_shorter_hours_move_only_those_outside_them(official, room, clerk):
    rule = people.rule(official, room)
    monday = next_weekday(0)
    stays = people.appointment(official, room)
    goes = people.appointment(official, room, moment(*monday.timetuple()[:3], 11, 40))
    rule.valid_from, rule.closes = timezone.localdate(), time(11)
    assert schedule.keep_rule(rule, by=clerk) == [goes]
    stays.refresh_from_db()
    assert stays.to_move == ""


def test_hours_ended_move_who_comes_after_them(official, room, clerk):
    rule = people.rule(official, room)
    row = people.appointment(official, room)
    assert schedule.end_rule(rule, last_day=timezone.localdate() - timedelta(days=1), by=clerk) == [row]
    with pytest.raises(schedule.TooEarly):
        schedule.end_rule(rule, last_day=timezone.localdate() - timedelta(days=9), by=clerk)


def test_an_ended_authority_moves_what_nobody_may_hold(official, room, clerk):
    people.rule(official, room)
    row = people.appointment(official, room)
    power = official.authorities.get()
    hit = authority.end(power, last_day=timezone.localdate(), why="Увольнение", by=clerk)
    assert hit == [row]
    row.refresh_from_db()
    assert "нет полномочия" in row.to_move
    assert "Увольнение" in row.to_move
    assert authority.of(official, next_weekday(0)) is None
    authority.give(official, basis="Приказ № 2", valid_from=timezone.localdate(), by=clerk)
    row.refresh_from_db()
    assert row.to_move == ""


def test_an_authority_cannot_end_before_a_reception_held_by_it(official, room, clerk):
    card = people.card(people.appointment(official, room), state="open")
    with pytest.raises(authority.HasReceived):
        authority.end(card.authority, last_day=timezone.localdate() - timedelta(days=1), why="Ошибка", by=clerk)


def test_the_same_order_is_not_entered_twice(official, clerk):
    known = official.authorities.get()
    with pytest.raises(authority.SameOrder):
        authority.give(official, basis=known.basis, valid_from=timezone.localdate(), by=clerk)


@given(
    opens=st.integers(0, 200),
    lasts=st.integers(1, 80),
    pause=st.tuples(st.integers(0, 80), st.integers(1, 20)) | st.none(),
    slot=st.integers(1, 48),
    rest=st.integers(0, 6),
    shortened=st.booleans(),
)
def test_slots_never_overlap_and_never_leave_the_hours(opens, lasts, pause, slot, rest, shortened):
    def at(cells: int) -> time:
        cells = min(cells, 287)
        return time(cells // 12, cells % 12 * 5)

    rule = ReceptionRule(
        official_id=1, room_id=1, weekday=0, opens=at(opens), closes=at(opens + lasts), slot_minutes=slot * 5,
        pause_minutes=rest * 5, valid_from=date(2026, 1, 1),
    )  # fmt: skip
    if pause and opens + pause[0] + pause[1] <= opens + lasts:
        rule.break_from, rule.break_to = at(opens + pause[0]), at(opens + pause[0] + pause[1])
        if rule.break_from == rule.break_to:
            rule.break_from = rule.break_to = None
    no_later = time(17) if shortened else time.max
    day = date(2026, 11, 30)
    found = [one for part in _stretches(rule, day, no_later=no_later) for one in part.slots()]
    for one in found:
        assert rule.opens <= one.starts_at.time() < one.ends_at.time() <= min(rule.closes, no_later)
        assert (one.ends_at - one.starts_at) == timedelta(minutes=slot * 5)
        assert one.starts_at.minute % 5 == 0
        if rule.break_from:
            assert one.ends_at.time() <= rule.break_from or one.starts_at.time() >= rule.break_to
    for one, following in itertools.pairwise(found):
        assert following.starts_at - one.ends_at >= timedelta(minutes=rest * 5) or rule.break_from
        assert one.ends_at <= following.starts_at


def test_whatever_rules_and_days_are_accepted_no_official_and_no_seat_is_twice_in_use(db):
    """Random changes by the public doors; whatever was let in, slots of one official and of one room never overlap."""
    chance = random.Random(7)
    clerk = people.employee("desk", "Встречаева", "receptionist")
    rooms = [people.room(), people.room()]
    several = [people.official(f"o{number}", f"Волкова{number}") for number in range(3)]
    today = timezone.localdate()
    accepted = 0
    for _ in range(60):
        official, room = chance.choice(several), chance.choice(rooms)
        opens = chance.randrange(9, 16)
        times = {"opens": time(opens), "closes": time(opens + chance.randrange(1, 3)), "slot_minutes": 30}
        try:
            match chance.randrange(3):
                case 0:
                    week = chance.choice([0, 1, 2])
                    rule = fresh(official, room, weekday=chance.randrange(3), week=week, **times)
                    schedule.keep_rule(rule, by=clerk)
                case 1:
                    day = today + timedelta(days=chance.randrange(1, 30))
                    row = ReceptionException(official=official, date=day, room=room, why="так", **times)
                    schedule.set_day(row, by=clerk)
                case _:
                    day, to = (today + timedelta(days=chance.randrange(1, 30)) for _ in range(2))
                    schedule.move_day(official, day, to, why="так", by=clerk)
            accepted += 1
        except DomainError:
            pass
    assert accepted > 10
    found = schedule.receptions(today, today + timedelta(days=400))
    for key in ("official_id", "room_id"):
        last = {}
        for one in found:
            whose = getattr(one, key)
            assert whose not in last or last[whose] <= one.starts_at, (key, one)
            last[whose] = one.ends_at


def test_a_year_of_twenty_officials_is_two_questions(db, django_assert_num_queries):
    for number in range(20):
        one = people.employee(f"o{number}", "Волкова")
        people.rule(one, people.room(), weekday=number % 5)
    with django_assert_num_queries(2):
        found = schedule.slots(date(2026, 1, 1), date(2026, 12, 31), work=WORK)
    assert len(found) > 5000


def test_the_shipped_calendar_is_what_is_asked_where_none_is_given(official, room):
    people.rule(official, room)
    day = date(2026, 11, 30)
    assert schedule.receptions(day, day) == schedule.receptions(day, day, work=WorkCalendar())
