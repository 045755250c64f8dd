"""The figures of the Procedure by the API: the page's own, for who may see the page."""

from __future__ import annotations

import pytest
from django.utils import timezone

from otklik.core import procedure
from otklik.reports import compliance
from tests.api.conftest import program
from tests.appeals.conftest import World

pytestmark = pytest.mark.django_db


def test_a_key_reads_the_figures_the_page_shows(world: World) -> None:
    procedure.load()
    world.registered()
    told = program(world.auditor, "figures.read").get("/figures").json()
    counted = compliance.figures(timezone.localdate())
    assert told["on"] == timezone.localdate().isoformat()
    assert {one["code"]: (one["text"], one["number"]) for one in told["items"]} == {
        code: (figure.text, figure.number) for code, figure in counted.items()
    }
    assert len(told["items"]) > 3


def test_a_day_past_says_what_it_cannot_count(world: World) -> None:
    told = program(world.auditor, "figures.read").get("/figures?on=2026-01-15").json()
    assert told["on"] == "2026-01-15"
    assert any(one["number"] is None and "не посчитать" in one["text"] for one in told["items"])


def test_figures_need_the_scope_and_the_owners_right(world: World) -> None:
    assert program(world.auditor, "appeals.read").get("/figures").status_code == 403
    refused = program(world.executor, "figures.read").get("/figures")
    assert refused.status_code == 403
    assert "Соответствие Порядку" in refused.json()["detail"]
