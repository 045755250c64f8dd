"""Who works here today, what each may do, and in whose place. Roles, powers and substitutions have dates."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from typing import NamedTuple

from django.db.models import Exists, FilteredRelation, OuterRef, Q, QuerySet
from django.db.models.functions import Coalesce

from otklik.core import built
from otklik.core.terms import valid
from otklik.people.models import Department, Employee, RoleAssignment, RolePower, Substitution, Unit


class Person(NamedTuple):
    """An employee as questions about rights need him."""

    pk: int
    unit_id: int | None


@dataclass(frozen=True)
class Standing:
    """What an employee may on a day, where, and in whose place: `people` are he himself and those he stands in for."""

    powers: frozenset[str]
    people: frozenset[Person]
    places: frozenset[tuple[str, int]]  # a power, and the unit it is held in

    def units(self, powers: Collection[str]) -> set[int]:
        """Return the units in which he holds any of the powers."""
        return {unit for power, unit in self.places if power in powers}


def standing(employee: Employee, on: date) -> Standing:
    """Return an employee's powers on a day, of his own roles and of those he stands in for, and these people."""
    rows = _powers(employee.pk, on)
    return Standing(
        powers=frozenset(power for _, _, _, power in rows if power),
        people=frozenset(Person(pk, unit) for pk, unit, _, _ in rows),
        places=frozenset((power, there) for _, unit, at, power in rows if power and (there := at or unit)),
    )


@built.asked
def _powers(employee: int, on: date) -> QuerySet[Employee, tuple[int, int | None, int | None, str | None]]:
    """Return him and those he stands in for, with the unit, each power of their own roles, and the role's unit."""
    people = Employee.objects.order_by().annotate(
        held=FilteredRelation("assignments", condition=valid(on, prefix="assignments__")),
        given=FilteredRelation("held__role__powers", condition=valid(on, prefix="held__role__powers__")),
    )
    found = people.filter(in_person(Employee(pk=employee), on))
    return found.values_list("pk", "unit", "held__unit", "given__power")


def powers_of(employee: Employee, on: date) -> frozenset[str]:
    """Return the powers an employee has on a day: of his own roles and of those he stands in for."""
    return standing(employee, on).powers


def _absent(employee: Employee, on: date) -> Q:
    running = Substitution.objects.filter(deputy=employee, starts_on__lte=on, ends_on__gte=on)
    return Q(pk__in=running.values("absent"))


def in_person(employee: Employee, on: date) -> Q:
    """Return the condition «the employee or one of those he stands in for»; it costs no query of its own."""
    return Q(pk=employee.pk) | _absent(employee, on)


def acting_for(employee: Employee, on: date) -> list[Employee]:
    """Return those whose duties the employee carries out on a day. One step only: a deputy's deputy has nothing."""
    return list(Employee.objects.filter(_absent(employee, on)))


def in_whose_name(employee: Employee, power: str, on: date) -> Employee | None:
    """Return for whom the employee uses a power: None where it is his own, else the absent one who has it."""
    holders = set(assigned(power, on).values_list("employee", flat=True))
    if employee.pk in holders:
        return None
    return next((absent for absent in acting_for(employee, on) if absent.pk in holders), None)


def assigned(power: str, on: date) -> QuerySet[RoleAssignment]:
    """Return assignments that give a power on a day."""
    roles = RolePower.objects.filter(valid(on), power=power).values("role")
    return RoleAssignment.objects.filter(valid(on), role__in=roles)


def units_under(employee: Employee, on: date, *, power: str = "appeals.view_unit") -> set[int]:
    """Return the units, with all units below them, where the employee has the power on a day."""
    people = Employee.objects.filter(in_person(employee, on))
    given = assigned(power, on).filter(employee__in=people).order_by()
    where = given.annotate(place=Coalesce("unit", "employee__unit")).filter(place=OuterRef("pk"))
    tree = list(Unit.objects.annotate(given=Exists(where)).values_list("pk", "parent", "given"))
    return _below([pk for pk, _, here in tree if here], [(pk, parent) for pk, parent, _ in tree])


def below(units: Iterable[int]) -> set[int]:
    """Return these units and all below them in the tree."""
    return _below(units, Unit.objects.values_list("pk", "parent"))


def _below(units: Iterable[int], tree: Iterable[tuple[int, int | None]]) -> set[int]:
    children: dict[int | None, list[int]] = {}
    for unit, parent in tree:
        children.setdefault(parent, []).append(unit)
    found, waiting = set(), list(units)
    while waiting:
        if (unit := waiting.pop()) not in found:
            found.add(unit)
            waiting += children.get(unit, [])
    return found


def above(unit: int) -> set[int]:
    """Return the unit and all it belongs to, up to the top of the tree."""
    parents: Mapping[int, int | None] = dict(Unit.objects.values_list("pk", "parent"))
    found: set[int] = set()
    step: int | None = unit
    while step is not None and step not in found:
        found.add(step)
        step = parents.get(step)
    return found


def powers_held(on: date) -> set[str]:
    """Return every power that some active employee has on a day."""
    roles = RoleAssignment.objects.filter(valid(on), employee__is_active=True).values("role")
    return set(RolePower.objects.filter(valid(on), role__in=roles).values_list("power", flat=True))


def holders(power: str, *, unit: Unit | None = None, on: date) -> QuerySet[Employee]:
    """Return the active employees who have a power on a day, deputies included; in a unit: there or above it."""
    held = assigned(power, on)
    if unit is not None:
        scope = above(unit.pk)
        held = held.filter(Q(unit__in=scope) | Q(unit__isnull=True, employee__unit__in=scope))
    people = held.values("employee")
    deputies = Substitution.objects.filter(absent__in=people, starts_on__lte=on, ends_on__gte=on).values("deputy")
    return Employee.objects.filter(Q(pk__in=people) | Q(pk__in=deputies), is_active=True)


def department() -> Department:
    """Return the department's requisites; before anybody entered them, an empty form of them."""
    row = Department.objects.select_related("registry_unit").first()
    return row or Department(name="Департамент", short_name="Департамент")
