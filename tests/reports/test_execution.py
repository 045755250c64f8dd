"""«Справка об исполнении Порядка»: every living clause, its figure before and after, what is missing."""

from __future__ import annotations

import io
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone
from pypdf import PdfReader

from otklik.core import procedure
from otklik.core.models import ProcedureClause
from otklik.reports import compliance, execution, kept
from tests.appeals.conftest import World

pytestmark = pytest.mark.django_db


@pytest.fixture
def world(db: None) -> World:
    return World()


def test_every_living_clause_stands_in_it_with_both_figures(world: World) -> None:
    today = timezone.localdate()
    world.registered()
    found = execution.certificate(today, today)
    living = [one.clause.number for one in procedure.on(today) if not one.ended]
    assert [one.number for one in found.clauses] == living
    intake = next(one for one in found.clauses if one.number == "3.1").done[0]
    assert intake.before
    assert intake.after
    assert intake.before.text != intake.after.text
    assert found.before == today - timedelta(days=1)
    assert len(found.gaps) == 0
    assert found.kept == len(living)


def test_a_clause_nobody_speaks_for_is_a_gap(world: World) -> None:
    today = timezone.localdate()
    base: Any = procedure.on(today)[0].clause.since
    ProcedureClause.objects.create(number="5", since=base, text="Текст")
    assert execution.certificate(today, today).gaps == [("5", "не сказано, как исполняется")]


def test_it_is_a_paper_with_lines_to_sign(world: World) -> None:
    today = timezone.localdate()
    pages = PdfReader(io.BytesIO(execution.printed(execution.certificate(today - timedelta(days=30), today)))).pages
    text = "\n".join(one.extract_text() for one in pages)
    for words in ("Справка об исполнении Порядка", "Пробелы", "Пункт 9.1", "Подпись, фамилия"):
        assert words in text


def test_no_requirement_is_without_a_promise_a_live_figure_and_a_list(world: World) -> None:
    kept.work_all()
    figures = compliance.figures(timezone.localdate())
    for one in compliance.PROMISES:
        assert one.does, one.code
        assert not one.missing, one.code
        assert figures[one.code].number is not None, one.code
        assert one.list_name, one.code
