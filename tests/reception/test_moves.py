"""The table of a card's moves, walked whole; the drawing and the list of refusals in the docs are the tables."""

from __future__ import annotations

from pathlib import Path

import pytest
from django.db import IntegrityError, transaction
from django.utils import timezone

from otklik.core import journal
from otklik.core.models import JournalEntry
from otklik.reception import authority, moves
from otklik.reception.models import ReceptionCard
from tests.reception import people

pytestmark = pytest.mark.django_db

S = ReceptionCard.State
DRAWING = Path(__file__).parents[2] / "docs" / "reception-states.md"
PAIRS = [(frm, to) for frm in S.values for to in S.values]
MARKS = {"introduced_at": people.moment(2026, 1, 12, 10), "finished_at": people.moment(2026, 1, 12, 11)}
NEEDED = {"ended": {"ended_why": "Заявитель ушёл"}, "finished": {**MARKS, "applied_before": False}}


def lines():
    return JournalEntry.objects.filter(chain__startswith="reception:").count()


@pytest.fixture
def secretary():
    return people.employee("desk", "Встречаева", "receptionist")


@pytest.fixture
def card(secretary):
    official = people.official()

    def made(state="check_in", room=None, **changes):
        row = people.appointment(official, room or people.room(), by=secretary)
        return people.card(row, by=secretary, state=state, **changes)

    return made


@pytest.mark.parametrize(("frm", "to"), PAIRS)
def test_every_pair_of_states_moves_or_is_refused_with_its_reason(card, secretary, frm, to):
    # A card as the front office leaves it: from there each state has what its neighbours ask.
    row = card("ready")
    marks = NEEDED["finished"] | NEEDED["ended"] | {"started_at": MARKS["introduced_at"], "finished_by": row.official}
    ReceptionCard.objects.filter(pk=row.pk).update(state=frm, **marks)
    row.refresh_from_db()
    before = lines()
    if to in moves.ALLOWED[frm]:
        moves.move(row, to, by=secretary)
        line = JournalEntry.objects.filter(chain=f"reception:{row.pk}").latest("seq")
        assert (line.data["was"], line.data["to"], line.actor) == (frm, to, secretary)
        assert ReceptionCard.objects.get().state == to
    else:
        with pytest.raises(moves.MoveRefused, match=moves.REFUSED[frm][to][:20]) as refused:
            moves.move(row, to, by=secretary)
        assert row.number in str(refused.value)
        assert lines() == before
        assert ReceptionCard.objects.get().state == frm


def test_each_pair_stands_in_one_of_the_two_tables():
    for frm, to in PAIRS:
        assert (to in moves.ALLOWED[frm]) != (to in moves.REFUSED.get(frm, {})), (frm, to)


def test_every_state_is_reached():
    reached = {to for frm, arrows in moves.ALLOWED.items() for to in arrows if to != frm}
    assert reached | {S.CHECK_IN} == set(S.values)


def test_a_stale_copy_moves_nothing_and_is_told_who_was_quicker(card, secretary):
    row = card()
    stale = ReceptionCard.objects.get()
    moves.move(row, S.CHECK_IN, by=secretary)
    with pytest.raises(moves.ChangedMeanwhile, match="Встречаева"):
        moves.move(stale, S.ENDED, by=secretary, ended_why="Ушёл")
    assert ReceptionCard.objects.get().state == S.CHECK_IN


def test_a_reception_that_did_not_take_place_says_why(card, secretary):
    row = card()
    with pytest.raises(moves.EndedWithoutReason):
        moves.move(row, S.ENDED, by=secretary)
    with pytest.raises(IntegrityError), transaction.atomic():
        ReceptionCard.objects.update(state="ended")


@pytest.mark.parametrize("to", ["ready", "open"])
@pytest.mark.parametrize("said", ["refused", "withdrawn"])
def test_no_move_leads_into_a_room_with_video_against_his_will_not_even_with_a_false_copy(card, secretary, to, said):
    room = people.room(has_video=True)
    frm = {"ready": "check_in", "open": "paused"}[to]
    row = card("paused" if frm == "paused" else "check_in", room, video=said, room_video=False)
    with pytest.raises(moves.RoomHasVideo, match="«Запись выключена» её не заменяет"):
        moves.move(row, to, by=secretary)
    assert ReceptionCard.objects.get().state == frm


def test_the_drawing_and_the_refusals_in_the_docs_are_the_tables():
    text = DRAWING.read_text()
    assert moves.diagram() in text
    assert moves.refusals() in text


def test_a_card_and_the_schedule_of_an_official_of_the_same_number_are_told_of_apart(secretary):
    """What was written down before officials had a chain of their own is told of apart, too."""
    one, other = people.official(), people.employee("other", "Другова", "receptionist")
    row = people.card(people.appointment(one, people.room(), by=one), by=one, pk=one.pk)
    moves.move(row, S.CHECK_IN, by=secretary)
    with transaction.atomic():
        for action in authority.OF_OFFICIALS:
            journal.record(action, chain=f"reception:{one.pk}", by=other)
    authority.give(one, basis="Приказ № 2", valid_from=timezone.localdate(), by=other)
    assert moves.last_hand(row) == "Встречаева А. П."
    assert [entry.action for entry in moves.history(row)] == ["reception.moved"]
    told = [entry.action for entry in authority.history(one)]
    assert told == ["reception.authority_given", *reversed(authority.OF_OFFICIALS)]
