"""People who type paper questionnaires, and a pile of them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.utils import timezone

from otklik.people.models import Employee
from otklik.surveys import paper
from otklik.surveys.models import PaperBatch, Questionnaire
from tests.appeals.conftest import World


@pytest.fixture
def world(db: None) -> World:
    return World()


@pytest.fixture
def pile(world: World) -> Callable[..., PaperBatch]:
    """Bring a pile of questionnaires about consultations."""

    def bring(forms: int = 3, *, by: Employee | None = None, **facts: Any) -> PaperBatch:
        facts = {"questionnaire": Questionnaire.objects.get(code="consultation"), "point": None} | facts
        facts = {"unit": world.land, "received_on": timezone.localdate()} | facts
        return paper.open_batch(forms_expected=forms, by=by or world.clerk, **facts)

    return bring
