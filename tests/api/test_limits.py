"""A key makes so many requests a minute, whichever processes answer them."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from otklik.api import keys, limits
from otklik.api.limits import Meter, TooOften
from otklik.api.models import RequestMinute
from tests.api.conftest import made, program
from tests.api.test_entry import problem
from tests.appeals.conftest import World

pytestmark = pytest.mark.django_db


class Clock:
    """A clock that is set by hand."""

    now = 1_800_000_000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def token(world: World) -> int:
    return made(world.clerk).token.pk


def test_two_processes_share_one_limit(token: int, clock: Clock, settings: Any) -> None:
    settings.API_REQUESTS_A_MINUTE = 10
    here, there = Meter(clock), Meter(clock)
    for _ in range(5):
        clock.now += 1
        here.count(token)
        there.count(token)
    clock.now += 1
    with pytest.raises(TooOften) as refusal:
        here.count(token)
    assert 0 < refusal.value.wait <= 60


def test_the_next_minute_begins_anew_and_other_keys_are_counted_apart(
    world: World, token: int, clock: Clock, settings: Any
) -> None:
    settings.API_REQUESTS_A_MINUTE = 1
    meter = Meter(clock)
    meter.count(token)
    with pytest.raises(TooOften):
        meter.count(token)
    meter.count(made(world.clerk2).token.pk)
    clock.now += 60
    meter.count(token)


def test_a_busy_key_costs_no_write_for_each_request(token: int, clock: Clock) -> None:
    meter = Meter(clock)
    meter.count(token)
    with CaptureQueriesContext(connection) as seen:
        for _ in range(50):
            meter.count(token)
    assert len(seen) == 0
    clock.now += 1
    meter.count(token)
    assert RequestMinute.objects.get().count == 52


def test_who_asks_too_often_is_told_when_to_come_back(
    world: World, clock: Clock, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.API_REQUESTS_A_MINUTE = 1
    monkeypatch.setattr(keys, "meter", Meter(clock))
    caller = program(world.clerk)
    assert caller.get("/key").status_code == 200
    answer = caller.get("/key")
    problem(answer, 429, "api.too_often")
    assert 0 < int(answer.headers["Retry-After"]) <= 60


def test_old_minutes_are_swept(token: int, clock: Clock) -> None:
    Meter(clock).count(token)
    RequestMinute.objects.update(minute=1)
    assert limits.forget_old() == 1
