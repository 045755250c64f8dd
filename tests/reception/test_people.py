"""The builders give rows the tables take."""

from __future__ import annotations

import pytest

from otklik.reception import authority
from otklik.reception.models import ReceptionCard, SlotCell
from tests.reception import people


@pytest.mark.django_db
@pytest.mark.parametrize("state", ReceptionCard.State.values)
def test_a_card_of_any_state_comes_with_what_the_table_asks(state: str) -> None:
    official = people.official()
    room = people.room(has_video=True)
    people.rule(official, room)
    appointment = people.appointment(official, room)
    card = people.card(appointment, state=state)
    assert card.state == state
    assert SlotCell.objects.filter(appointment=appointment).count() == 8
    assert authority.of(official, people.next_weekday(0)) is not None
