"""Opinions of every source, about what they are about."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from otklik.hotline import defaults
from otklik.hotline.models import Consultation, Line
from otklik.people.applicants import phone_key
from otklik.people.models import Employee
from otklik.surveys import feedback
from otklik.surveys.models import Response
from tests.appeals.conftest import World

GRADES = {"+": "satisfied", "~": "partial", "-": "unsatisfied"}


@pytest.fixture
def world(db: None) -> World:
    return World()


@pytest.fixture
def consultant(world: World) -> Employee:
    return world.employee("consultant", "Голосова", world.land, ["consultant"], "консультант")


@pytest.fixture
def says(world: World) -> Callable[..., Response]:
    """Let somebody answer: a grade, whether the answer was got, words; a day in the past."""

    def say(grade: str = "+", got: str = "yes", *, comment: str = "", days_ago: int = 1, **facts: Any) -> Response:
        channel = facts.pop("channel", "hotline")
        invitation = feedback.invite(channel=channel, on=timezone.localdate())
        response = feedback.answer(
            invitation.token, {"answered": got, "quality": GRADES[grade]}, comment, **({"source": "qr"} | facts)
        )
        Response.objects.filter(pk=response.pk).update(at=timezone.now() - timedelta(days=days_ago))
        return response

    return say


@pytest.fixture
def talks(consultant: Employee) -> Callable[..., Consultation]:
    """Let a consultation have been held."""
    defaults.load()

    def talk(*, days_ago: float = 10, number: str = "", said: Response | None = None, **facts: Any) -> Consultation:
        at = timezone.now() - timedelta(days=days_ago)
        facts = {"line": Line.objects.get(code=defaults.DEPARTMENT), "by": consultant, "outcome": "answered"} | facts
        if said is not None:
            facts |= {"asked": "answered", "invitation": said.invitation}
        number_key = phone_key(number) if number else ""
        facts = {"opened_at": at, "closed_at": at, "number": number, "number_key": number_key} | facts
        return Consultation.objects.create(**facts)

    return talk
