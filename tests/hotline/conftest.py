"""Lines with their hours, consultants at their inner numbers, and calls that come in."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from datetime import date, datetime, timedelta
from typing import Any

import pytest
from django.utils import timezone

from otklik.hotline import defaults
from otklik.hotline.models import Call, CallEvent, Extension, Line
from otklik.people.applicants import phone_key
from otklik.people.models import Employee
from tests.appeals.conftest import LONG_AGO, World

NUMBER = "+7 913 000-00-01"


@pytest.fixture
def world(db: None) -> World:
    return World()


@pytest.fixture
def line(db: None) -> Line:
    defaults.load()
    return Line.objects.get(code=defaults.DEPARTMENT)


@pytest.fixture
def ekc(line: Line) -> Line:
    return Line.objects.get(code=defaults.EKC)


@pytest.fixture
def consultant(world: World) -> Employee:
    one = world.employee("consultant", "Голосова", world.registry, ["consultant"], "консультант")
    Extension.objects.create(employee=one, name="101", valid_from=LONG_AGO)
    return one


@pytest.fixture
def consultant2(world: World) -> Employee:
    one = world.employee("consultant2", "Слухова", world.registry, ["consultant"], "консультант")
    Extension.objects.create(employee=one, name="102", valid_from=LONG_AGO)
    return one


@pytest.fixture
def at() -> Callable[..., datetime]:
    """Give a moment of local time: `at(2026, 11, 24, 16, 59)`."""

    def moment(*parts: int) -> datetime:
        return timezone.make_aware(datetime(*parts))  # type: ignore[arg-type, misc]

    return moment


@pytest.fixture
def comes(line: Line) -> Callable[..., Call]:
    """Let a call come in, as the exchange's events would leave it."""
    count = itertools.count(1)

    def call(number: str = NUMBER, **facts: Any) -> Call:
        came = facts.pop("came_at", timezone.now())
        rest = {"line": line, "source": CallEvent.Source.AMI, "came_at": came} | facts
        return Call.objects.create(uid=f"test.{next(count)}", number=number, number_key=phone_key(number), **rest)

    return call


@pytest.fixture
def missed_call(comes: Callable[..., Call]) -> Callable[..., Call]:
    """Let a call come in that nobody answers."""

    def call(number: str = NUMBER, *, waited: int = 40, **facts: Any) -> Call:
        came = facts.pop("came_at", timezone.now() - timedelta(minutes=5))
        return comes(
            number, came_at=came, ended_at=came + timedelta(seconds=waited), waited=waited, state="missed", **facts
        )

    return call


TUESDAY = date(2026, 11, 24)
