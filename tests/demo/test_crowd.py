"""A crowd works on a database made for measurements only, and leaves as much to register as a department has."""

from __future__ import annotations

from pathlib import Path

import pytest

from otklik.core.models import Installation
from otklik.correspondence.models import IncomingMessage
from otklik.demo import crowd, seed
from tests.appeals.conftest import World

pytestmark = pytest.mark.django_db


def test_a_working_system_is_left_alone(production: Installation, tmp_path: Path) -> None:
    with pytest.raises(seed.NotScratch):
        crowd.run(1, 0.1, tmp_path / "crowd.json")


def test_nothing_is_measured_where_there_is_nothing_to_work_at(demo_stand: Installation, tmp_path: Path) -> None:
    with pytest.raises(crowd.Empty, match="otklik seed"):
        crowd.run(1, 0.1, tmp_path / "crowd.json")


def test_the_newest_messages_are_left_to_be_registered(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(crowd, "WAITING", 2)
    world = World()
    messages = [world.message() for _ in range(5)]
    crowd._put_away()
    left = IncomingMessage.objects.filter(state=IncomingMessage.State.NEW).values_list("pk", flat=True)
    assert sorted(left) == [one.pk for one in messages[-2:]]


def test_two_hundred_people_are_of_every_kind_and_share_the_sign_ins() -> None:
    cast = list(crowd._cast(200))
    assert {kind for kind, _ in cast} == set(crowd.ACCOUNTS)
    assert {login for _, login in cast} == {login for logins in crowd.ACCOUNTS.values() for login in logins}
