"""Routes of approval as data: who approves, in which turn, for which unit and regime; the nearest is offered first."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from itertools import groupby
from typing import Final

from django.db import transaction
from django.db.models import Q, QuerySet

from otklik.appeals.models import Appeal, ApprovalRoute, RouteStop
from otklik.appeals.permissions import check_power
from otklik.core import journal
from otklik.core.errors import DomainError
from otklik.core.models import Regime
from otklik.core.terms import valid
from otklik.people import staff
from otklik.people.models import Employee, Unit

APPROVE: Final = "appeals.approve"
KEEP: Final = "dictionaries.edit"
MOST_STOPS: Final = 8


class WrongRoute(DomainError):
    """A route that cannot be kept, or cannot be walked now."""

    code = "appeal.wrong_route"
    text = "Маршрут «{name}»: {why}."


@dataclass(frozen=True)
class Stop:
    """One stop as typed: of a person, of a unit, or (neither) of the executor's own unit."""

    turn: int
    employee: Employee | None = None
    unit: Unit | None = None


def for_appeal(appeal: Appeal, *, on: date) -> list[ApprovalRoute]:
    """Return the routes that may be taken, the nearest first: of its unit and regime, of one of them, of all."""
    above = staff.above(appeal.unit_id) if appeal.unit_id else set()
    near = list(above | ({appeal.unit_id} if appeal.unit_id else set()))
    rows = ApprovalRoute.objects.filter(
        valid(on), Q(unit=None) | Q(unit__in=near), Q(regime=None) | Q(regime=appeal.regime_id)
    ).prefetch_related("stops__employee", "stops__unit")
    return sorted(rows, key=lambda one: (_distance(one, appeal), one.regime_id is None, -one.pk))


def _distance(route: ApprovalRoute, appeal: Appeal) -> int:
    if route.unit_id is None:
        return 2
    return 0 if route.unit_id == appeal.unit_id else 1


def turns(
    route: ApprovalRoute, appeal: Appeal, *, on: date, apart_from: Sequence[int | None]
) -> list[tuple[int, list[Employee]]]:
    """Return whom a route asks, turn by turn; raise WrongRoute where a stop has nobody.

    `apart_from`: those who wrote and hand over the text; four eyes are never the same two. Nobody is asked twice.
    """
    asked: set[int] = set()
    found: list[tuple[int, list[Employee]]] = []
    for turn, stops in groupby(route.stops.all(), key=lambda one: one.turn):
        people = []
        for stop in stops:
            person = _person(route, stop, appeal, on=on, apart_from=apart_from)
            if person.pk not in asked:
                people.append(person)
                asked.add(person.pk)
        if people:
            found.append((turn, people))
    if not found:
        raise WrongRoute(name=route.name, why="в нём никого нет. Выберите согласующих сами")
    return found


def _person(
    route: ApprovalRoute, stop: RouteStop, appeal: Appeal, *, on: date, apart_from: Sequence[int | None]
) -> Employee:
    if stop.employee is not None:
        if stop.employee_id in apart_from:
            why = f"{stop.employee.short_name} готовит этот ответ сам. Выберите другого согласующего"
            raise WrongRoute(name=route.name, why=why)
        return stop.employee
    unit = stop.unit or appeal.unit
    where = unit.name if unit else "подразделение исполнителя не указано"
    holders = staff.holders(APPROVE, unit=unit, on=on) if unit else Employee.objects.none()
    # Who holds it in that very unit comes before those above it.
    fit = [one for one in holders if one.is_active and one.pk not in apart_from]
    if not fit:
        raise WrongRoute(name=route.name, why=f"сегодня некому согласовать ({where}). Выберите согласующих сами")
    return min(fit, key=lambda one: (one.unit_id != (unit.pk if unit else None), one.full_name))


def listed(on: date) -> QuerySet[ApprovalRoute]:
    """Return the routes that are in force or to come, with their stops."""
    still = Q(valid_to__isnull=True) | Q(valid_to__gte=on)
    return (
        ApprovalRoute.objects.filter(still)
        .select_related("regime", "unit")
        .prefetch_related("stops__employee", "stops__unit")
    )


@transaction.atomic
def keep(
    route: ApprovalRoute | None,
    *,
    name: str,
    regime: Regime | None,
    unit: Unit | None,
    valid_from: date,
    valid_to: date | None,
    stops: Sequence[Stop],
    by: Employee,
) -> ApprovalRoute:
    """Write a route; what is already on its way keeps the people it was handed to."""
    check_power(by, KEEP, "вести маршруты согласования")
    name = " ".join(name.split())
    if valid_to and valid_to < valid_from:
        raise WrongRoute(name=name, why="дата окончания раньше даты начала. Исправьте одну из них")
    if not stops:
        raise WrongRoute(name=name, why="добавьте хотя бы один шаг")
    if any(stop.employee and stop.unit for stop in stops):
        raise WrongRoute(name=name, why="в одном шаге указывают сотрудника или подразделение, не обоих")
    for person in (stop.employee for stop in stops if stop.employee):
        if not person.is_active or APPROVE not in staff.powers_of(person, valid_from):
            raise WrongRoute(name=name, why=f"{person.short_name}: нет права согласовывать ответы. Выберите другого")
    row = route or ApprovalRoute()
    row.name, row.regime, row.unit, row.valid_from, row.valid_to = name[:150], regime, unit, valid_from, valid_to
    row.save()
    row.stops.all().delete()
    RouteStop.objects.bulk_create(
        RouteStop(route=row, turn=stop.turn, employee=stop.employee, unit=stop.unit) for stop in stops[:MOST_STOPS]
    )
    journal.record("route.kept", chain="dictionaries", by=by, new=row.pk, on=valid_from, till=valid_to)
    return row


@transaction.atomic
def end(route: ApprovalRoute, *, last_day: date, by: Employee) -> None:
    """Let a route be offered till a day, that day included."""
    check_power(by, KEEP, "вести маршруты согласования")
    if last_day < route.valid_from:
        raise WrongRoute(name=route.name, why="последний день раньше начала. Укажите день позже")
    ApprovalRoute.objects.filter(pk=route.pk).update(valid_to=last_day)
    journal.record("route.ended", chain="dictionaries", by=by, old=route.pk, on=last_day)
