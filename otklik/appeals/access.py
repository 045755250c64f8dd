"""Which appeals an employee sees: the one answer for pages, search, queues and exports."""

from __future__ import annotations

from typing import TypeVar

from django.db.models import Model, Q, QuerySet
from django.shortcuts import get_object_or_404
from django.utils import timezone

from otklik.appeals.models import Appeal, Approval, CoExecutor
from otklik.people import staff
from otklik.people.models import Applicant, Employee

Row = TypeVar("Row", bound=Model)

ALL, UNIT, OWN = "appeals.view_all", "appeals.view_unit", "appeals.view_own"
INTAKE = "intake.view"


def people_behind(user: Employee) -> list[Employee]:
    """Return the employee and everyone he stands in for today: what they see, he sees."""
    known: list[Employee] | None = user.__dict__.get("_people_behind")
    if known is None:
        known = [user, *staff.acting_for(user, timezone.localdate())]
        user.__dict__["_people_behind"] = known
    return known


def stands_for(user: Employee, person: Employee | None) -> bool:
    """Tell whether the user is this person or stands in for him today."""
    return person is not None and any(one.pk == person.pk for one in people_behind(user))


def units_of(user: Employee) -> set[int]:
    """Return ids of the units whose appeals the user sees: those under him and under whom he stands in for."""
    known: set[int] | None = user.__dict__.get("_units_seen")
    if known is None:
        known = staff.units_under(user, timezone.localdate(), power=UNIT) if user.has_power(UNIT) else set()
        user.__dict__["_units_seen"] = known
    return known


def visible_to(user: Employee) -> QuerySet[Appeal]:
    """Return the appeals the employee may see today; nothing for somebody without a role."""
    if user.has_power(ALL):
        return Appeal.objects.all()
    seen = Q(pk__in=[])
    if units := units_of(user):
        seen |= Q(unit__in=units)
    if user.has_power(OWN) or units:
        people = [person.pk for person in people_behind(user)]
        seen |= Q(executor__in=people)
        seen |= Q(pk__in=CoExecutor.objects.filter(employee__in=people).values("appeal"))
        seen |= Q(pk__in=Approval.objects.filter(approver__in=people).values("revision__draft__appeal"))
    return Appeal.objects.filter(seen)


def applicants_of(user: Employee) -> QuerySet[Applicant]:
    """Return whose data the employee may ask for: to those who meet all who write, call and come, everybody.

    To others only whoever has an appeal they see, merged applicants under both their names.
    """
    if user.has_power(ALL) or user.has_power(INTAKE):
        return Applicant.objects.all()
    known = Applicant.objects.filter(pk__in=visible_to(user).values("applicant"))
    kept = known.filter(merged_into__isnull=False).values("merged_into")
    return Applicant.objects.filter(Q(pk__in=known) | Q(pk__in=kept) | Q(merged_into__in=known))


def get_for(user: Employee, pk: int, queryset: QuerySet[Appeal] | None = None) -> Appeal:
    """Return one appeal with what a card shows beside it; 404 where the user may not see it."""
    chosen = visible_to(user) if queryset is None else visible_to(user) & queryset
    return get_object_or_404(
        chosen.select_related(
            "regime", "applicant", "unit", "executor", "contact_point", "thread", "registered_by", "draft"
        ),
        pk=pk,
    )


def get_of_appeal(user: Employee, queryset: QuerySet[Row], path: str, pk: int) -> Row:
    """Return a row of an appeal the user may see (`path` leads from the row to the appeal), else 404."""
    return get_object_or_404(queryset.filter(**{f"{path}__in": visible_to(user)}), pk=pk)
