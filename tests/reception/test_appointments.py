"""Appointments: who may be booked, when, with whom and where; what is refused leaves nothing behind."""

from __future__ import annotations

import random
from datetime import date, time, timedelta

import pytest
from django.utils import timezone
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from otklik.appeals.models import Topic
from otklik.core import calendar, journal
from otklik.core.errors import DomainError
from otklik.people.models import Substitution
from otklik.reception import appointments, finder, front_office, links, rooms
from otklik.reception.models import Appointment, Authority, ReceptionException, RoomCheck, SlotCell
from otklik.reception.schedule import Slot
from tests.reception import people
from tests.reception.people import moment

pytestmark = pytest.mark.django_db

IVANOVA = {"last_name": "Иванова", "first_name": "Мария", "phone": "+7 913 000-00-01"}
MONDAY = date(2026, 12, 7)
NOW = moment(2026, 12, 1, 11, 0)


@pytest.fixture
def desk(db):
    return people.employee("desk", "Встречаева", "receptionist")


@pytest.fixture
def official(db):
    return people.official()


@pytest.fixture
def room(official):
    return people.room("Кабинет 214")


@pytest.fixture
def hours(official, room):
    return people.rule(official, room)


def slot(official, room, *at, minutes=20):
    begins = moment(*(at or (2026, 12, 7, 10, 0)))
    return Slot(begins, begins + timedelta(minutes=minutes), official.pk, room.pk)


def book(what, desk, **more):
    facts = {"source": "phone", "by": desk, "now": NOW, **more}
    return appointments.book(what, facts.pop("person", IVANOVA), **facts)


def nothing_kept():
    return not Appointment.objects.exists() and not SlotCell.objects.exists()


def test_a_booked_time_is_held_for_the_official_and_one_seat(official, room, desk):
    row = book(slot(official, room), desk)
    assert row.state == "booked"
    held = set(row.cells.values_list("resource", flat=True))
    assert held == {f"official:{official.pk}", f"room:{room.pk}:1"}
    assert row.cells.count() == 8
    assert links.find(links.token_of(row)) == row
    assert links.token_of(row) not in row.token_hash
    assert journal.verify() == []


def test_the_second_who_wants_a_time_gets_others(official, room, hours, desk):
    book(slot(official, room), desk)
    with pytest.raises(appointments.SlotTaken) as late:
        book(slot(official, room), desk)
    found = late.value.facts["alternatives"]
    assert [timezone.localtime(one.starts_at).time() for one in found] == [time(10, 20), time(10, 40), time(11)]
    assert Appointment.objects.count() == 1
    assert book(found[0], desk).state == "booked"


def test_times_that_overlap_by_five_minutes_are_one_time(official, room, desk):
    book(slot(official, room), desk)
    with pytest.raises(appointments.SlotTaken):
        book(slot(official, room, 2026, 12, 7, 10, 15), desk)
    book(slot(official, room, 2026, 12, 7, 10, 20), desk)


def test_a_room_takes_as_many_at_once_as_it_has_seats(official, desk):
    wide = people.room(seats=2)
    second, third = people.official("second", "Зайцева"), people.official("third", "Лисицына")
    assert book(slot(official, wide), desk).seat == 1
    assert book(slot(second, wide), desk).seat == 2
    with pytest.raises(appointments.SlotTaken):
        book(slot(third, wide), desk)
    assert Appointment.objects.count() == 2


@pytest.mark.parametrize("at", [(2026, 12, 1, 11, 0), (2026, 11, 30, 10, 0), (2026, 12, 1, 10, 59)])
def test_nobody_is_booked_for_a_time_that_has_come(official, room, desk, at):
    with pytest.raises(appointments.SlotPast):
        book(slot(official, room, *at), desk)
    assert nothing_kept()


def test_nobody_is_booked_with_an_official_without_authority(room, desk):
    other = people.employee("other", "Безправова", "signer")
    with pytest.raises(appointments.NoAuthority, match="приказом"):
        book(slot(other, room), desk)
    assert nothing_kept()


def test_powers_that_end_the_day_before_are_no_powers(official, room, desk):
    Authority.objects.update(valid_to=MONDAY - timedelta(days=1))
    with pytest.raises(appointments.NoAuthority):
        book(slot(official, room), desk)
    Authority.objects.update(valid_to=MONDAY)
    assert book(slot(official, room), desk)


def test_the_topic_must_be_the_officials(official, room, desk):
    mine, other = Topic.objects.order_by("pk")[:2]
    Authority.objects.get().topics.add(mine)
    with pytest.raises(appointments.NoAuthority, match="по теме"):
        book(slot(official, room), desk, person=IVANOVA | {"topic": other})
    assert book(slot(official, room), desk, person=IVANOVA | {"topic": mine}).topic == mine


def test_nobody_is_booked_with_who_is_away_or_on_a_cancelled_day(official, room, desk):
    deputy = people.official("deputy", "Заместитель")
    leave = Substitution.objects.create(absent=official, deputy=deputy, starts_on=MONDAY, ends_on=MONDAY)
    with pytest.raises(appointments.OfficialAbsent):
        book(slot(official, room), desk)
    leave.delete()
    ReceptionException.objects.create(official=official, date=MONDAY, why="командировка")
    with pytest.raises(appointments.OfficialAbsent, match="командировка"):
        book(slot(official, room), desk)
    assert nothing_kept()


def test_a_room_without_a_property_takes_nobody(official, desk):
    with pytest.raises(appointments.RoomBarred, match="нужна"):
        book(slot(official, people.room(without=["accessible"])), desk, person=IVANOVA | {"needs_access": True})
    assert nothing_kept()
    plain = people.room()
    assert book(slot(official, plain), desk)
    RoomCheck.objects.filter(property="fire_safety").update(valid_until=MONDAY + timedelta(days=6))
    with pytest.raises(appointments.RoomBarred, match="пожарная"):
        book(slot(official, plain, 2026, 12, 14, 10, 0), desk)


@pytest.mark.parametrize(
    ("changes", "refusal"),
    [
        ({"last_name": " "}, appointments.NoName),
        ({"notify": "email"}, appointments.NoContact),
        ({"notify": "email", "email": "не адрес"}, appointments.NoContact),
        ({"notify": "phone", "phone": "нет"}, appointments.NoContact),
    ],
)
def test_who_comes_has_a_name_and_can_be_told(official, room, desk, changes, refusal):
    with pytest.raises(refusal):
        book(slot(official, room), desk, person=IVANOVA | changes)
    assert nothing_kept()


@pytest.mark.parametrize(("source", "refusal"), [("", appointments.NoSource), ("sms", appointments.NoSource),
                                                 ("written", appointments.NoLetter)])  # fmt: skip
def test_an_appointment_says_what_it_is_made_from(official, room, desk, source, refusal):
    with pytest.raises(refusal):
        book(slot(official, room), desk, source=source)
    assert nothing_kept()


def test_moving_frees_the_old_time_and_takes_the_new_one(official, room, hours, desk):
    row = book(slot(official, room), desk)
    later = slot(official, room, 2026, 12, 7, 11, 0)
    moved = appointments.move(row, later, by=desk, why="Просит позже", now=NOW)
    assert (moved.starts_at, moved.moves, moved.cells.count()) == (later.starts_at, 1, 8)
    assert moved.moved.get().why == "Просит позже"
    assert book(slot(official, room), desk)


def test_moving_by_ten_minutes_over_ones_own_time_is_possible(official, room, desk):
    row = book(slot(official, room), desk)
    moved = appointments.move(row, slot(official, room, 2026, 12, 7, 10, 10), by=desk, why="Позже", now=NOW)
    assert moved.cells.count() == 8
    assert min(moved.cells.values_list("cell", flat=True)) == moment(2026, 12, 7, 10, 10)


def test_moving_to_a_taken_time_changes_nothing_and_offers_others(official, room, hours, desk):
    row, other = book(slot(official, room), desk), book(slot(official, room, 2026, 12, 7, 10, 20), desk)
    before = set(SlotCell.objects.values_list("resource", "cell", "appointment"))
    with pytest.raises(appointments.SlotTaken) as late:
        appointments.move(row, slot(official, room, 2026, 12, 7, 10, 20), by=desk, why="Позже", now=NOW)
    assert late.value.facts["alternatives"]
    assert set(SlotCell.objects.values_list("resource", "cell", "appointment")) == before
    row.refresh_from_db()
    assert (row.moves, row.version) == (0, 1)
    assert other.state == "booked"


def test_moving_needs_a_reason_and_a_time_to_come(official, room, desk):
    row = book(slot(official, room), desk)
    with pytest.raises(appointments.NoWhy):
        appointments.move(row, slot(official, room, 2026, 12, 7, 11, 0), by=desk, why=" ", now=NOW)
    with pytest.raises(appointments.SlotPast):
        appointments.move(row, slot(official, room, 2026, 11, 30, 11, 0), by=desk, why="так", now=NOW)
    assert SlotCell.objects.count() == 8


def test_cancelling_frees_the_time_once(official, room, desk):
    row = book(slot(official, room), desk)
    with pytest.raises(appointments.NoWhy):
        appointments.cancel(row, by=desk, why="")
    cancelled = appointments.cancel(row, by=desk, why="Заболела", asked=True)
    assert (cancelled.state, cancelled.ended_why, SlotCell.objects.count()) == ("cancelled", "Заболела", 0)
    with pytest.raises(appointments.NotNow):
        appointments.cancel(row, by=desk, why="Ещё раз")
    with pytest.raises(appointments.NotNow):
        appointments.move(cancelled, slot(official, room, 2026, 12, 7, 11, 0), by=desk, why="так", now=NOW)
    assert book(slot(official, room), desk)


def test_two_who_change_one_appointment_do_not_both_succeed(official, room, desk):
    row = book(slot(official, room), desk)
    stale = Appointment.objects.get(pk=row.pk)
    appointments.cancel(row, by=desk, why="Заболела")
    with pytest.raises(DomainError):
        appointments.move(stale, slot(official, room, 2026, 12, 7, 11, 0), by=desk, why="так", now=NOW)
    assert SlotCell.objects.count() == 0


def test_a_missed_reception_is_noted_after_it_has_begun_only(official, room, desk):
    row = book(slot(official, room), desk)
    with pytest.raises(appointments.TooEarly):
        appointments.no_show(row, by=desk, now=row.starts_at - timedelta(seconds=1))
    missed = appointments.no_show(row, by=desk, now=row.starts_at)
    assert (missed.state, SlotCell.objects.count()) == ("no_show", 0)


def test_the_second_secretary_is_told_who_met_the_person(official, room, desk):
    row = book(slot(official, room), desk)
    appointments.arrive(row, by=desk, now=row.starts_at - timedelta(minutes=10))
    with pytest.raises(appointments.AlreadyArrived, match=desk.short_name):
        appointments.arrive(row, by=people.employee("desk2", "Вторая", "receptionist"), now=row.starts_at)


def test_an_appointment_of_another_day_is_no_ground_to_come_today(official, room, desk):
    row = book(slot(official, room), desk)
    with pytest.raises(appointments.NotToday):
        appointments.arrive(row, by=desk, now=NOW)


# --- the clock and the calendar -----------------------------------------------------------------------------------


def test_midnight_in_novosibirsk_decides_the_day(official, room, desk):
    """17:30 UTC of the sixth is half past midnight of the seventh here: powers of the seventh count."""
    Authority.objects.update(valid_from=MONDAY)
    night = slot(official, room, 2026, 12, 7, 0, 30)
    assert book(night, desk).state == "booked"
    with pytest.raises(appointments.NoAuthority):
        book(slot(official, room, 2026, 12, 6, 23, 30), desk)
    row = Appointment.objects.get()
    assert appointments.arrive(row, by=desk, now=moment(2026, 12, 7, 0, 5)).state == "arrived"
    assert front_office.board(MONDAY) == [row]
    assert front_office.board(MONDAY - timedelta(days=1)) == []


def test_a_year_ends_with_holidays_and_no_times(official, room, desk):
    for weekday in range(5):
        people.rule(official, room, weekday=weekday)
    found = finder.free(date(2026, 12, 31), date(2027, 1, 15), now=NOW)
    days = {timezone.localdate(one.starts_at) for one in found}
    work = calendar.current()
    assert days == {day for day in days if work.is_working(day)}
    assert days <= {date(2026, 12, 31), *(date(2027, 1, one) for one in range(11, 16))}
    assert date(2027, 1, 11) in days


# --- the finder -------------------------------------------------------------------------------------------------------


def test_the_finder_asks_a_fixed_number_of_questions(official, room, hours, desk, django_assert_max_num_queries):
    for number in range(6):
        other = people.official(f"official{number}", f"Главная{number}")
        people.rule(other, people.room(), weekday=number % 5)
    with django_assert_max_num_queries(18):
        found = finder.free(MONDAY, MONDAY + timedelta(days=365), limit=100_000, now=NOW)
    assert len(found) > 1000


def test_the_finder_leaves_out_taken_times_absent_officials_and_unfit_rooms(official, room, hours, desk):
    def times(**asked):
        found = finder.free(MONDAY, MONDAY, now=NOW, **asked)
        return [f"{timezone.localtime(one.starts_at):%H:%M}" for one in found]

    assert times() == ["10:00", "10:20", "10:40", "11:00", "11:20", "11:40"]
    book(slot(official, room, 2026, 12, 7, 10, 20), desk)
    assert times() == ["10:00", "10:40", "11:00", "11:20", "11:40"]
    assert times(needs_access=True) == times()
    checks = RoomCheck.objects.filter(room=room, property="accessible")
    checks.update(passed=False)
    assert times(needs_access=True) == []
    checks.update(passed=True)
    mine, other = Topic.objects.order_by("pk")[:2]
    Authority.objects.get().topics.add(mine)
    assert times(topic=mine) == times()
    assert times(topic=other) == []
    deputy = people.official("deputy", "Заместитель")
    Substitution.objects.create(absent=official, deputy=deputy, starts_on=MONDAY, ends_on=MONDAY)
    assert times() == []


def test_a_seat_is_free_for_the_whole_time_or_not_at_all(official, desk):
    wide = people.room(seats=2)
    people.rule(official, wide)
    one, two = people.official("one", "Первая"), people.official("two", "Вторая")
    book(slot(one, wide, 2026, 12, 7, 10, 0, minutes=10), desk)
    book(slot(two, wide, 2026, 12, 7, 10, 10, minutes=10), desk)
    assert {row.seat for row in Appointment.objects.all()} == {1}
    found = finder.free(MONDAY, MONDAY, official=official, now=NOW)
    assert timezone.localtime(found[0].starts_at).time() == time(10)
    book(slot(people.official("three", "Третья"), wide, 2026, 12, 7, 10, 0, minutes=10), desk)
    found = finder.free(MONDAY, MONDAY, official=official, now=NOW)
    assert timezone.localtime(found[0].starts_at).time() == time(10, 20)


@pytest.mark.parametrize("seed", range(4))
def test_the_finder_says_of_rooms_what_the_rooms_say_of_themselves(official, seed):
    chance = random.Random(seed)
    made = [people.room(without=chance.sample(RoomCheck.Property.values, chance.randint(0, 1))) for _ in range(4)]
    for one in made:
        for _ in range(chance.randint(0, 3)):
            checked_on = date(2026, 11, chance.randint(1, 28))
            RoomCheck.objects.create(
                room=one,
                property=chance.choice(RoomCheck.Property.values),
                passed=chance.random() < 0.8,
                checked_on=checked_on,
                valid_until=checked_on + timedelta(days=chance.randint(1, 60)),
                checked_by=official,
            )
    fit = finder._fit(date(2026, 12, 1))
    for one in made:
        for ahead in range(0, 70, 3):
            day = date(2026, 12, 1) + timedelta(days=ahead)
            may = one.pk in fit and fit[one.pk].is_fit(day)
            assert may == (not rooms.bars(one, day)), (one, day)


# --- walk-ins, the order of reception ---------------------------------------------------------------------------------


def test_who_comes_without_an_appointment_takes_the_next_free_time_of_today(official, room, hours, desk):
    book(slot(official, room), desk)
    row = appointments.walk_in(IVANOVA, official=official, by=desk, now=moment(2026, 12, 7, 9, 50))
    assert (row.state, row.source) == ("arrived", "walk_in")
    assert timezone.localtime(row.starts_at).time() == time(10, 20)
    named = slot(official, room, 2026, 12, 7, 11, 0)
    assert appointments.walk_in(IVANOVA, named, official=official, by=desk, now=NOW).starts_at == named.starts_at


def test_where_no_time_is_left_only_a_right_out_of_turn_lets_one_wait(official, room, desk):
    people.rule(official, room, opens=time(10), closes=time(10, 20))
    book(slot(official, room), desk)
    came = moment(2026, 12, 7, 9, 50)
    with pytest.raises(appointments.NoTimeToday) as late:
        appointments.walk_in(IVANOVA, official=official, by=desk, now=came)
    assert late.value.facts["alternatives"]
    veteran = IVANOVA | {"out_of_turn": "удостоверение ветерана"}
    row = appointments.walk_in(veteran, official=official, by=desk, now=came)
    assert (row.state, row.cells.count()) == ("arrived", 0)
    with pytest.raises(appointments.NoTimeToday):
        appointments.walk_in(veteran, official=official, by=desk, now=moment(2026, 12, 7, 18, 0))


def test_out_of_turn_goes_first_then_the_time_then_who_came_earlier(official, room, hours, desk):
    first, second = book(slot(official, room), desk), book(slot(official, room, 2026, 12, 7, 10, 20), desk)
    missed = book(slot(official, room, 2026, 12, 7, 11, 40), desk)
    came = moment(2026, 12, 7, 9, 50)
    appointments.arrive(second, by=desk, now=came)
    appointments.arrive(first, by=desk, now=came + timedelta(minutes=5))
    right = IVANOVA | {"out_of_turn": "инвалид I группы"}
    special = appointments.walk_in(right, official=official, by=desk, now=came + timedelta(minutes=6))
    later = appointments.walk_in(IVANOVA, official=official, by=desk, now=came + timedelta(minutes=30))
    rows = front_office.board(MONDAY)
    assert [row.pk for row in rows] == [special.pk, first.pk, second.pk, later.pk, missed.pk]


# --- whatever is done, nobody is in two places ------------------------------------------------------------------------


@settings(max_examples=15, suppress_health_check=list(HealthCheck))
@given(data=st.data())
def test_no_two_live_appointments_of_an_official_or_a_seat_overlap(db, data):
    from django.db import transaction

    with transaction.atomic():
        _random_life(data)
        transaction.set_rollback(True)


def _random_life(data):
    desk = people.employee(f"desk{random.random()}", "Встречаева", "receptionist")
    officials = [people.official(f"one{random.random()}", "Волкова") for _ in range(3)]
    places = [people.room(f"К {random.random()}", seats=seats) for seats in (1, 2)]
    steps = data.draw(
        st.lists(
            st.tuples(
                st.sampled_from(["book", "book", "move", "cancel", "walk"]),
                st.sampled_from(officials),
                st.sampled_from(places),
                st.integers(0, 12),
                st.sampled_from([5, 15, 20, 40]),
                st.integers(0, 5),
            ),
            min_size=8,
            max_size=24,
        )
    )
    for kind, who, where, place, minutes, which in steps:
        at = moment(2026, 12, 7, 10, 0) + timedelta(minutes=5 * place)
        wanted = Slot(at, at + timedelta(minutes=minutes), who.pk, where.pk)
        rows = list(Appointment.objects.filter(state__in=Appointment.LIVE).order_by("pk"))
        try:
            if kind == "book":
                book(wanted, desk)
            elif kind == "walk":
                appointments.walk_in(IVANOVA, wanted, official=who, by=desk, now=NOW)
            elif rows and kind == "move":
                appointments.move(rows[which % len(rows)], wanted, by=desk, why="так", now=NOW)
            elif rows:
                appointments.cancel(rows[which % len(rows)], by=desk, why="так")
        except DomainError:
            pass
        no_overlap()


def no_overlap():
    live = list(Appointment.objects.filter(state__in=Appointment.LIVE))
    for number, one in enumerate(live):
        assert one.cells.count() == 2 * len(finder.cells_of(one.starts_at, one.ends_at))
        for other in live[number + 1 :]:
            apart = one.ends_at <= other.starts_at or other.ends_at <= one.starts_at
            same = one.official_id == other.official_id or (one.room_id, one.seat) == (other.room_id, other.seat)
            assert apart or not same, (one.pk, other.pk)


def test_a_time_named_by_a_form_is_one_of_the_schedule(official, room, hours):
    there = slot(official, room)
    assert appointments.chosen(appointments.named(there)) == there
    for text in ("", "1.2.3", "²", f"{official.pk}.{room.pk}.20261207T1005.20", f"{official.pk}.{room.pk}.x.20"):
        with pytest.raises(appointments.NotInSchedule):
            appointments.chosen(text)
