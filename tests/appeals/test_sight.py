"""Statements are kept by what a user sees: whatever changes in it, the next request asks another statement."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from random import Random
from typing import Any

import pytest
from django.http import Http404
from django.utils import timezone

from otklik.appeals import access, queues
from otklik.appeals.models import Appeal, PosCase
from otklik.people.models import Employee, RoleAssignment, RolePower, Substitution, Unit
from otklik.workplace import call_back, pos_lane

ROLES = ("clerk", "executor", "head", "signer", "auditor", "consultant")
LONG_AGO = timezone.localdate() - timedelta(days=400)


def _told(user: Employee) -> Any:
    counted = queues.counters(user, {"held": ("all", queues.Filters(term="open"))}, (call_back.lists, pos_lane.lists))
    listed = {code: [(row.kind, row.pk) for row in queues.rows(user, code).rows] for code in queues.VIEWS}
    return counted, listed


@pytest.fixture
def anew(monkeypatch: pytest.MonkeyPatch) -> Callable[[Employee], Any]:
    """What a user is told where no statement is kept."""

    def told(user: Employee) -> Any:
        with monkeypatch.context() as here:
            here.setattr(queues, "_states", queues._states.__wrapped__)
            here.setattr(queues, "_numbers_asked", lambda *args, **named: list(queues._numbers(*args, **named)))
            here.setattr(queues, "_appeals_asked", lambda *args: list(queues._appeals(*args)))
            return _told(user)

    return told


def _opens(user: Employee, appeal: Appeal) -> bool:
    try:
        return access.get_for(user, appeal.pk).pk == appeal.pk
    except Http404:
        return False


@pytest.mark.parametrize("seed", range(3))
def test_whatever_changes_in_what_a_user_may_see_he_is_told_what_is_so(world, anew, seed):
    chance, today = Random(seed), timezone.localdate()
    appeals = [world.registered(), world.classified(), world.assigned(), world.asked(), world.frozen().appeal]
    PosCase.objects.create(appeal=appeals[0], again_on=today)
    people = [world.clerk, world.executor, world.head, world.helper, world.stranger, world.signer2]
    units = [world.land, world.law, world.land_sub]

    def give_role(person):
        RoleAssignment.objects.get_or_create(
            employee=person, role_id=chance.choice(ROLES), valid_from=LONG_AGO, unit=chance.choice([None, *units])
        )

    def end_roles(person):
        RoleAssignment.objects.filter(employee=person).update(valid_to=today - timedelta(days=1))

    def stand_in(person):
        absent = chance.choice([one for one in people if one != person])
        Substitution.objects.create(deputy=person, absent=absent, starts_on=today, ends_on=today)

    def come_back(person):
        Substitution.objects.filter(deputy=person).delete()

    def move(person):
        Employee.objects.filter(pk=person.pk).update(unit=chance.choice(units))

    def block(person):
        Employee.objects.filter(pk=person.pk).update(is_active=not world.fresh(person).is_active)

    def put_under(_):
        below = chance.choice(units)
        above = [one for one in units if one != below]
        Unit.objects.filter(pk__in=[one.pk for one in units]).update(parent=None)
        Unit.objects.filter(pk=below.pk).update(parent=chance.choice(above))

    def change_role(_):
        powers = RolePower.objects.filter(role_id=chance.choice(ROLES), power__startswith="appeals.").order_by("pk")
        if powers:
            chance.choice(list(powers)).delete()

    def hand_over(_):
        Appeal.objects.filter(pk=chance.choice(appeals).pk).update(
            executor=chance.choice(people), unit=chance.choice(units), status=chance.choice(queues.OPEN), due_on=today
        )

    changes = [give_role, end_roles, stand_in, come_back, move, block, put_under, change_role, hand_over]
    for _ in range(40):
        chance.choice(changes)(chance.choice(people))
        for person in chance.sample(people, 2):
            assert _told(world.fresh(person)) == anew(world.fresh(person))
            appeal, user = chance.choice(appeals), world.fresh(person)
            assert _opens(user, appeal) is access.visible_to(user).filter(pk=appeal.pk).exists()


def test_a_unit_put_under_a_head_is_seen_at_once_and_no_longer_when_it_is_taken_away(world):
    appeal = world.assigned(unit=world.law, executor=world.helper)
    for above, seen in ((None, False), (world.head.unit, True), (None, False)):
        Unit.objects.filter(pk=world.law.pk).update(parent=above)
        user = world.fresh(world.head)
        assert (appeal.pk in [row.pk for row in queues.rows(user, "all").rows]) is seen
        assert _opens(user, appeal) is seen


def test_a_day_is_part_of_what_is_seen(world, anew, monkeypatch):
    appeal = world.assigned()
    Appeal.objects.filter(pk=appeal.pk).update(due_on=timezone.localdate() + timedelta(days=5))
    now = timezone.now()
    for days, burns in ((0, 0), (1, 0), (2, 1), (3, 1)):
        monkeypatch.setattr(timezone, "now", lambda later=now + timedelta(days=days): later)
        user = world.fresh(world.clerk)
        assert queues.counters(user)["due"] == burns
        assert _told(user) == anew(user)


def test_the_one_whom_conditions_are_made_for_has_nothing_but_what_is_seen(world):
    user = world.fresh(world.head)
    seen = access.Sight.of(user)
    assert seen == access.Sight.of(world.fresh(world.head))
    stand_in = seen.user
    assert (stand_in.pk, stand_in.standing) == (user.pk, user.standing)
    assert access.units_of(stand_in) == access.units_of(user)
    assert {stand_in.username, stand_in.last_name, stand_in.email} == {""}
