"""Powers have dates; a substitution lends them; units are a tree; a role counts where it was given."""

from datetime import date, timedelta

import pytest

from otklik.people import defaults, staff
from otklik.people.models import Department, Employee, Role, RoleAssignment, RolePower, Substitution, Unit
from otklik.people.powers import POWERS, STARTING_ROLES

DAY = date(2026, 6, 15)
LONG_AGO = date(2026, 1, 1)

pytestmark = pytest.mark.django_db


def unit(name, parent=None):
    return Unit.objects.create(name=name, short_name=name, parent=parent, valid_from=LONG_AGO)


def employee(login, role=None, *, at=None, scope=None, first=LONG_AGO, last=None):
    made = Employee.objects.create_user(login, last_name=login.title(), unit=at)
    if role:
        RoleAssignment.objects.create(employee=made, role_id=role, unit=scope, valid_from=first, valid_to=last)
    return made


def stand_in(deputy, absent, first=DAY, last=DAY):
    return Substitution.objects.create(absent=absent, deputy=deputy, starts_on=first, ends_on=last)


def test_every_power_of_the_starting_roles_is_a_known_one_and_every_known_one_belongs_to_some_role():
    given = {power for _, powers in STARTING_ROLES.values() for power in powers}
    assert given == set(POWERS)


def test_loading_twice_changes_nothing_and_keeps_what_a_person_changed():
    RolePower.objects.filter(role="clerk", power="appeals.close").delete()
    Role.objects.filter(pk="clerk").update(name="старший делопроизводитель")
    before = list(RolePower.objects.order_by("pk").values()), list(Role.objects.values()), Department.objects.count()
    defaults.load()
    assert before == (
        list(RolePower.objects.order_by("pk").values()),
        list(Role.objects.values()),
        Department.objects.count(),
    )


@pytest.mark.parametrize(("days", "holds"), [(-1, False), (0, True), (10, True), (11, False)])
def test_a_role_counts_on_its_first_and_last_day_and_not_outside(days, holds):
    clerk = employee("clerk", "clerk", first=DAY, last=DAY + timedelta(10))
    assert ("intake.decide" in staff.powers_of(clerk, DAY + timedelta(days))) is holds


def test_a_power_taken_from_a_role_stops_on_its_date():
    clerk = employee("clerk", "clerk")
    RolePower.objects.filter(role="clerk", power="appeals.close").update(valid_to=DAY)
    assert "appeals.close" in staff.powers_of(clerk, DAY)
    assert "appeals.close" not in staff.powers_of(clerk, DAY + timedelta(1))


def test_a_deputy_has_the_absent_ones_powers_between_the_dates_only():
    head, deputy = employee("head", "head"), employee("deputy", "executor")
    stand_in(deputy, head, DAY, DAY + timedelta(3))
    for days, acts in ((-1, False), (0, True), (3, True), (4, False)):
        on = DAY + timedelta(days)
        assert ("appeals.approve" in staff.powers_of(deputy, on)) is acts
        assert staff.acting_for(deputy, on) == ([head] if acts else [])
        assert (deputy in staff.holders("appeals.approve", on=on)) is acts
    assert "appeals.draft" in staff.powers_of(deputy, DAY)


def test_a_deputys_deputy_gets_nothing_of_the_first():
    head, deputy, third = employee("head", "head"), employee("deputy"), employee("third")
    stand_in(deputy, head)
    stand_in(third, deputy)
    assert staff.powers_of(third, DAY) == frozenset()


def test_it_is_known_in_whose_name_a_power_is_used():
    head, deputy = employee("head", "head"), employee("deputy", "executor")
    stand_in(deputy, head)
    assert staff.in_whose_name(deputy, "appeals.approve", DAY) == head
    assert staff.in_whose_name(deputy, "appeals.draft", DAY) is None
    assert staff.in_whose_name(head, "appeals.approve", DAY) is None


def test_a_head_sees_his_unit_and_all_below_it_a_deputy_too():
    top = unit("Управление")
    lower = unit("Отдел", top)
    lowest, other = unit("Сектор", lower), unit("Другой")
    head, deputy = employee("head", "head", at=lower), employee("deputy", at=other)
    stand_in(deputy, head)
    assert staff.units_under(head, DAY) == {lower.pk, lowest.pk}
    assert staff.units_under(deputy, DAY) == {lower.pk, lowest.pk}
    assert staff.units_under(employee("executor", "executor", at=top), DAY) == set()


def test_a_role_given_for_a_unit_counts_there_and_not_in_the_own_one():
    own, given = unit("Свой"), unit("Данный")
    head = employee("head", "head", at=own, scope=given)
    assert staff.units_under(head, DAY) == {given.pk}
    assert list(staff.holders("appeals.approve", unit=given, on=DAY)) == [head]
    assert list(staff.holders("appeals.approve", unit=own, on=DAY)) == []


def test_holders_in_a_unit_are_those_of_it_and_above_it_without_the_blocked():
    top = unit("Управление")
    lower, other = unit("Отдел", top), unit("Другой", top)
    boss, head = employee("boss", "head", at=top), employee("head", "head", at=lower)
    employee("stranger", "head", at=other)
    blocked = employee("blocked", "head", at=lower)
    Employee.objects.filter(pk=blocked.pk).update(is_active=False)
    assert set(staff.holders("appeals.approve", unit=lower, on=DAY)) == {boss, head}


def test_powers_are_read_once_per_object_in_one_query(django_assert_num_queries):
    clerk = Employee.objects.get(pk=employee("clerk", "clerk").pk)
    with django_assert_num_queries(1):
        assert clerk.has_power("intake.decide")
        assert not clerk.has_power("people.manage")
        assert clerk.has_power("appeals.close")


def test_a_blocked_employee_may_nothing():
    clerk = employee("clerk", "clerk")
    clerk.is_active = False
    assert not clerk.has_power("intake.decide")


def test_a_circle_in_the_tree_of_units_hangs_nothing():
    first = unit("Первый")
    second = unit("Второй", first)
    Unit.objects.filter(pk=first.pk).update(parent=second)
    assert staff.below([first.pk]) == {first.pk, second.pk} == staff.above(first.pk)


def test_the_department_is_there_from_the_start_and_is_one():
    assert staff.department().name.startswith("Департамент имущества")
    assert Department.objects.count() == 1
