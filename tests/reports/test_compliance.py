"""The registry of promises: each clause once, each figure true to the list it opens."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from otklik.appeals import dispatch, queues
from otklik.core import procedure
from otklik.core.compliance import Figure
from otklik.core.models import ProcedureClause
from otklik.correspondence import reconciliation
from otklik.reports import compliance, kept
from otklik.workplace import notices
from tests.appeals.conftest import World

pytestmark = pytest.mark.django_db
# The lines of the requirements: every one of them has to be answered for.
REQUIRED = {
    *("R2", "R3.1", "R9.1", "R10.1", "R14.1", "R24.2.1", "R27.1", "R27.2", "R27.3", "R27.4", "R28", "R35.1", "R35.2"),
    *("R35.3", "R36", "R37", "R38", "R39", "R40", "R40.7", "R41a", "R41b", "R41c", "R3-V"),
}


@pytest.fixture
def world(db: None) -> World:
    return World()


def today() -> date:
    return timezone.localdate()


def figure(code: str, on: date | None = None) -> Figure:
    while notices.work_next():
        pass
    kept.work_all()
    return compliance.figures(on or today())[code]


def test_every_requirement_is_answered_for_once() -> None:
    codes = [one.code for one in compliance.PROMISES]
    assert sorted(codes) == sorted(REQUIRED)


def test_what_is_not_built_says_so_and_shows_no_figure() -> None:
    for one in compliance.PLANNED:
        assert (one.state, one.does, one.figure, one.list_name) == ("planned", "", None, "")
        assert one.missing
    for one in compliance.PROMISES:
        assert one.does or one in compliance.PLANNED
        assert one.figure or one in compliance.PLANNED


def test_every_promise_is_about_a_clause_that_is_shipped(world: World) -> None:
    shipped = set(ProcedureClause.objects.filter(until=None).values_list("number", flat=True))
    assert {one.clause for one in compliance.PROMISES} == shipped


def test_every_list_has_an_address() -> None:
    for one in compliance.PROMISES:
        if one.list_name:
            assert reverse(one.list_name)
            assert one.list_words


def test_the_figure_of_classification_is_what_its_queue_shows(world: World) -> None:
    world.registered()
    world.classified()
    world.registered(needs_answer=False)
    told = figure("R9.1")
    assert told.number == len(queues.rows(world.clerk, "classification").rows) == 2
    assert "Классифицировано 1 из 2 " in told.text


def test_yesterday_is_told_by_the_journal_and_never_by_what_came_later(world: World) -> None:
    yesterday = today() - timedelta(days=1)
    assert figure("R9.1", yesterday).number is None
    assert "не посчитать" in figure("R9.1", yesterday).text
    appeal = world.registered()
    type(appeal).objects.filter(pk=appeal.pk).update(registered_on=yesterday, received_on=yesterday)
    world.classified(world.again(appeal))
    assert figure("R9.1").text.startswith("Классифицировано 1 из 1")
    assert figure("R9.1", yesterday).text.startswith("Классифицировано 0 из 1")
    assert figure("R9.1", yesterday).number == 1


def test_intake_counts_the_days_its_reconciliation_shows(world: World) -> None:
    world.message()
    world.email()
    told = figure("R3.1")
    assert told.number == sum(row.seen for row in reconciliation.tally(today(), days=14)) == 2


def test_answers_with_materials_are_counted_among_all_answers_sent_by_that_day(world: World) -> None:
    dispatch.send(world.signed(), by=world.clerk)
    assert figure("R14.1").text == "С материалами Базы знаний подготовлено ответов: 0 из 1 (0 %)"
    assert figure("R14.1", today() - timedelta(days=1)).text.endswith("0 из 0")


@pytest.mark.parametrize("code", ["R9.1", "R14.1"])
def test_while_cases_are_counted_anew_the_figure_says_how_far_and_names_no_number(world: World, code: str) -> None:
    world.classified()
    assert figure(code).number is not None
    kept.begin_anew()
    told = compliance.figures(today())[code]
    assert told == Figure("Пересчитывается, готово 0 %.")


@pytest.mark.parametrize("code", ["R2", "R38", "R39", "R40"])
def test_the_knowledge_bases_past_is_not_made_up(world: World, code: str) -> None:
    assert figure(code).number is not None
    past = figure(code, today() - timedelta(days=1))
    assert past.number is None
    assert past.text.startswith("На эту дату не посчитать")


def test_the_page_costs_the_same_however_much_there_is(world: World) -> None:
    def cost() -> int:
        with CaptureQueriesContext(connection) as seen:
            compliance.rows(today())
        return len(seen.captured_queries)

    few = cost()
    for _ in range(3):
        world.assigned()
    base = procedure.on(today())[0].clause.since
    for number in range(30):
        ProcedureClause.objects.create(number=f"50.{number}", since=base, text="Текст", fulfilled="Вручную")
    assert cost() == few <= 34


def test_a_clause_nobody_speaks_for_is_open_and_one_of_the_departments_own_is_told(world: World) -> None:
    base: Any = procedure.on(today())[0].clause.since
    ProcedureClause.objects.create(number="5", since=base, text="Текст")
    ProcedureClause.objects.create(number="6", since=base, text="Текст", fulfilled="Журналом", responsible="Отдел")
    states = {row.wording.clause.number: row.state for row in compliance.rows(today()) if not row.wording.ended}
    assert (states["5"], states["6"], states["9.1"], states["10.1"], states["28"], states["36"]) == (
        *("open", "own", "done", "done", "done", "done"),
    )
    assert compliance.tally(compliance.rows(today()))["ended"] == 3
