"""What is built once is the question: its answer is always today's."""

from __future__ import annotations

import pytest
from django.db.models import QuerySet

from otklik.core import built
from otklik.people.models import Unit


@pytest.mark.django_db
def test_the_question_is_built_once_and_asked_anew() -> None:
    times = []

    @built.once
    def named(name: str) -> QuerySet[Unit]:
        times.append(name)
        return Unit.objects.filter(name=name)

    assert list(named("Архив")) == []
    made = Unit.objects.create(name="Архив", valid_from="2026-01-01")
    assert list(named("Архив")) == [made]
    assert list(named("Отдел писем")) == []
    assert times == ["Архив", "Отдел писем"]
