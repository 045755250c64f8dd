"""A call that rings is shown to whom it rings, at once and cheaply; nobody else's call is."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from otklik.hotline import calls, popping
from otklik.hotline.exchange import queue_log
from otklik.hotline.exchange.events import Event, Kind, Source
from otklik.hotline.models import Call, Consultation, Extension, Line
from otklik.people.models import Employee
from tests.appeals.conftest import LONG_AGO, World

pytestmark = pytest.mark.django_db
Comes = Callable[..., Call]


def test_a_call_pops_where_it_rings_and_where_nobody_knows_whom_it_rings(
    comes: Comes, consultant: Employee, consultant2: Employee
) -> None:
    mine, anybody, his = comes(rings=["101"]), comes(), comes(rings=["102"])
    assert popping.incoming_for(consultant) == [mine, anybody]
    assert popping.incoming_for(consultant2) == [anybody, his]


def test_whoever_has_no_inner_number_sees_all_that_wait_on_our_lines(
    world: World, comes: Comes, consultant: Employee
) -> None:
    call = comes(rings=["101"])
    without = world.employee("new", "Новая", world.registry, ["consultant"])
    assert popping.incoming_for(without) == [call]
    Extension.objects.create(employee=without, name="109", valid_from=LONG_AGO, valid_to=LONG_AGO)
    assert popping.incoming_for(without) == [call]


def test_a_call_answered_at_the_telephone_is_shown_to_who_answered_it(
    comes: Comes, consultant: Employee, consultant2: Employee
) -> None:
    now = timezone.now()
    call = comes(state="talking", answered_by=consultant, answered_at=now, rings=["101", "102"])
    assert popping.incoming_for(consultant) == [call]
    assert popping.incoming_for(consultant2) == []


def test_calls_that_are_over_taken_outgoing_or_of_the_ekc_do_not_ring(
    comes: Comes, missed_call: Comes, consultant: Employee, line: Line, ekc: Line
) -> None:
    taken = comes()
    taken.consultation = Consultation.objects.create(line=line, by=consultant, opened_at=timezone.now())
    taken.save()
    missed_call()
    comes(line=ekc)
    comes(direction="out")
    comes(came_at=timezone.now() - popping.RINGS_FOR - timedelta(seconds=1))
    assert popping.incoming_for(consultant) == []


def test_a_call_of_an_unknown_line_rings_only_where_the_exchange_rings(
    comes: Comes, consultant: Employee, consultant2: Employee
) -> None:
    known, unknown = comes(line=None, rings=["101"]), comes(line=None)
    assert popping.incoming_for(consultant) == [known]
    assert popping.incoming_for(consultant2) == []
    assert unknown.line is None


def test_who_does_not_consult_hears_no_calls(world: World, comes: Comes) -> None:
    comes()
    operator = world.employee("ekc", "Сто", world.hq, ["ekc_operator"])
    assert popping.incoming_for(operator) == popping.incoming_for(world.clerk) == []


def test_asking_costs_one_query_in_silence_and_two_when_it_rings(comes: Comes, consultant: Employee) -> None:
    who = Employee.objects.get(pk=consultant.pk)
    popping.incoming_for(who)
    with CaptureQueriesContext(connection) as silence:
        popping.incoming_for(who)
    assert len(silence) == 1
    for _ in range(5):
        comes(rings=["101"])
    with CaptureQueriesContext(connection) as ringing:
        assert len(popping.incoming_for(who)) == 5
    assert len(ringing) == 2


def test_what_the_exchange_tells_pops_where_it_rings_until_it_is_answered_there(
    line: Line, consultant: Employee, consultant2: Employee
) -> None:
    Line.objects.filter(pk=line.pk).update(known_as="support")
    now = timezone.now()
    at = int(now.timestamp())
    told = queue_log.Reader().feed(f"{at}|{at}.7|support|NONE|ENTERQUEUE||+79130000001|1\n".encode())
    calls.take(told)
    assert [len(popping.incoming_for(who)) for who in (consultant, consultant2)] == [1, 1]
    rings = Event(Source.AMI, f"{at}.7", Kind.RINGING, now, {"agent": "PJSIP/101"})
    calls.take([rings])
    assert [len(popping.incoming_for(who)) for who in (consultant, consultant2)] == [1, 0]
    calls.take([Event(Source.AMI, f"{at}.7", Kind.CONNECTED, now, {"agent": "PJSIP/101", "waited": 4})])
    [call] = popping.incoming_for(consultant)
    assert (call.state, call.answered_by) == (Call.State.TALKING, consultant)
    assert popping.incoming_for(consultant2) == []
