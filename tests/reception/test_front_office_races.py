"""Two secretaries at one visitor, two receptions at one room: one succeeds, the other is told, nothing is half-done."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone

from otklik.core import journal
from otklik.people.models import Employee
from otklik.reception import consent_texts, front_office, moves
from otklik.reception.models import Appointment, ReceptionCard, SlotCell
from tests.appeals.test_races import at_once
from tests.reception import people

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def secretaries(transactional_db):
    consent_texts.load()
    return [people.employee("desk", "Встречаева", "receptionist"), people.employee("desk2", "Вторых", "receptionist")]


@pytest.fixture
def today():
    """Give a moment of today whose twenty minutes do not reach into tomorrow."""
    now = timezone.localtime().replace(second=0, microsecond=0)
    return now.replace(minute=now.minute - now.minute % 5) - timedelta(minutes=20 if now.hour == 23 else 0)


def test_of_two_secretaries_checking_in_one_person_the_second_is_told_by_name(secretaries, today):
    row = people.appointment(people.official(), people.room(), today, by=secretaries[0])

    def opens(by):
        return lambda: front_office.open_card(Appointment.objects.get(pk=row.pk), by=Employee.objects.get(pk=by.pk))

    for _ in range(5):
        ReceptionCard.objects.all().delete()
        Appointment.objects.update(state="booked")
        results = at_once(*map(opens, secretaries))
        refused = [one for one in results if isinstance(one, Exception)]
        assert [type(one) for one in refused] == [front_office.AlreadyCheckedIn]
        card = ReceptionCard.objects.get()
        assert card.opened_by.last_name in str(refused[0])
    assert journal.verify() == []


def test_of_two_who_change_one_card_the_second_is_told_who_was_quicker(secretaries, today):
    row = people.appointment(people.official(), people.room(has_video=True), today, by=secretaries[0])
    card = front_office.open_card(row, by=secretaries[0])

    def checks(by):
        mine, who = ReceptionCard.objects.select_related("appointment").get(pk=card.pk), Employee.objects.get(pk=by.pk)
        return lambda: front_office.check_document(mine, document="passport", matches=True, by=who)

    results = at_once(*map(checks, secretaries))
    refused = [one for one in results if isinstance(one, Exception)]
    assert [type(one) for one in refused] == [moves.ChangedMeanwhile]
    assert ReceptionCard.objects.get().document_by.last_name in str(refused[0])


def test_of_two_receptions_led_to_one_free_room_one_is(secretaries, today):
    free = people.room("Свободный")
    cards = []
    for number in range(2):
        official = people.official(f"official{number}", f"Волкова{number}")
        row = people.appointment(official, people.room(has_video=True), today, by=secretaries[0])
        cards.append(front_office.open_card(row, by=secretaries[0]))

    def leads(card):
        mine, by = ReceptionCard.objects.select_related("appointment").get(pk=card.pk), secretaries[0]
        who = Employee.objects.get(pk=by.pk)
        return lambda: front_office.change_room(mine, free, by=who)

    results = at_once(*map(leads, cards))
    refused = [one for one in results if isinstance(one, Exception)]
    assert [type(one) for one in refused] == [front_office.RoomTaken]
    assert ReceptionCard.objects.filter(room=free).count() == Appointment.objects.filter(room=free).count() == 1
    assert SlotCell.objects.filter(resource=f"room:{free.pk}:1").count() == 4
    for card in ReceptionCard.objects.all():
        assert card.appointment.cells.filter(resource__startswith=f"room:{card.room_id}:").count() == 4
