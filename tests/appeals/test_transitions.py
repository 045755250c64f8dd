"""The table of moves, walked whole; the drawing in the docs is the table."""

from __future__ import annotations

from pathlib import Path

import pytest

from otklik.appeals import transitions
from otklik.appeals.models import Appeal
from otklik.core.models import JournalEntry

S = Appeal.Status
DRAWING = Path(__file__).parents[2] / "docs" / "appeal-states.md"
PAIRS = [(frm, to) for frm in S.values for to in S.values]


@pytest.mark.parametrize(("frm", "to"), PAIRS)
def test_every_pair_of_states_moves_or_is_refused_as_the_table_says(world, trace, frm, to):
    appeal = world.registered()
    Appeal.objects.filter(pk=appeal.pk).update(status=frm)
    appeal = world.again(appeal)
    before = trace()
    if to in transitions.ALLOWED[frm]:
        transitions.move(appeal, to, by=world.clerk)
        line = JournalEntry.objects.filter(chain=f"appeal:{appeal.pk}").latest("seq")
        assert (line.data["was"], line.data["to"], line.actor) == (frm, to, world.clerk)
        assert world.again(appeal).status == to
    else:
        with pytest.raises(transitions.MoveRefused, match=appeal.number):
            transitions.move(appeal, to, by=world.clerk)
        assert trace() == before
        assert world.again(appeal).status == frm


def test_every_state_but_the_last_leads_on_and_every_state_is_reached():
    assert set(transitions.ALLOWED) == set(S.values)
    reached = {to for frm, arrows in transitions.ALLOWED.items() for to in arrows if to != frm}
    assert reached | {S.REGISTERED} == set(S.values)
    assert all(transitions.ALLOWED.values())


def test_a_stale_copy_moves_nothing_even_if_the_state_is_the_same(world, trace):
    appeal = world.classified()
    stale = world.again(appeal)
    transitions.move(appeal, S.CLASSIFIED, by=world.clerk)
    before = trace()
    with pytest.raises(transitions.ChangedMeanwhile):
        transitions.move(stale, S.ASSIGNED, by=world.clerk2)
    assert trace() == before


def test_the_drawing_in_the_docs_is_the_table():
    assert transitions.diagram() in DRAWING.read_text()
