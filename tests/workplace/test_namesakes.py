"""Applicants are found among many of the same name, each by whoever sees an appeal of his."""

from __future__ import annotations

import pytest

from otklik.appeals import access
from otklik.people.models import Applicant
from otklik.workplace import applicants
from tests.appeals.conftest import World

pytestmark = pytest.mark.django_db


@pytest.fixture
def world() -> World:
    return World()


@pytest.mark.parametrize("namesakes", [2, 5, 500])
def test_ones_own_applicant_is_found_however_many_bear_his_name(
    world: World, monkeypatch: pytest.MonkeyPatch, namesakes: int
) -> None:
    monkeypatch.setattr(applicants, "NAMESAKES", namesakes)
    others = [Applicant.objects.create(last_name="Иванова", name_key=f"иванова {n}") for n in range(4)]
    mine = world.assigned(world.registered_email()).applicant
    more = [Applicant.objects.create(last_name="Иванова", name_key=f"иванова {n}") for n in range(4, 8)]
    for who in (world.executor, world.head):
        assert applicants.find("иванов", who) == [mine]
        assert applicants.find("мария", who) == [mine]
    everybody = applicants.find("иванов", world.clerk)
    assert everybody == [*reversed(more), mine, *reversed(others)]


def test_who_is_seen_among_a_few_is_who_is_seen_at_all(world: World) -> None:
    mine = world.assigned(world.registered_email()).applicant
    alone, kept, main = (Applicant.objects.create(name_key=f"иванова {n}") for n in range(3))
    twin = Applicant.objects.create(name_key="иванова 4", merged_into=mine)
    Applicant.objects.filter(pk=mine.pk).update(merged_into=main)
    every = [mine.pk, alone.pk, kept.pk, main.pk, twin.pk]
    for who in (world.executor, world.head, world.clerk, world.employee("nobody", "Никто", world.hq, [])):
        assert access.applicants_seen(who, every) == set(
            access.applicants_of(who).filter(pk__in=every).values_list("pk", flat=True)
        )
    assert access.applicants_seen(world.executor, every) == {mine.pk, main.pk, twin.pk}


def test_a_name_that_reads_as_a_telephone_is_found_as_a_name(world: World) -> None:
    named = Applicant.objects.create(organisation="89130000001", name_key="89130000001")
    assert applicants.find("89130000001", world.clerk) == [named]
