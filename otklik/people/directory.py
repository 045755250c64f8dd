"""The list of employees: found by a part of name, login or post, narrowed by unit, role and state."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Final

from django.contrib.auth.hashers import UNUSABLE_PASSWORD_PREFIX
from django.db.models import Exists, OuterRef, Prefetch, QuerySet

from otklik.core.terms import valid
from otklik.people import staff
from otklik.people.applicants import plain
from otklik.people.models import Employee, RoleAssignment

STATES: Final = {
    "": "все",
    "active": "работают",
    "blocked": "заблокированы",
    "new": "ещё без пароля",
    "roleless": "без роли",
}


@dataclass(frozen=True)
class Asked:
    """What the list is narrowed to; empty values do not narrow."""

    text: str = ""
    unit: int | None = None
    role: str = ""
    state: str = ""


def find(asked: Asked, *, on: date) -> QuerySet[Employee]:
    """Return the employees, by name, each with his roles of the day in `held_today`: a fixed number of queries."""
    held = RoleAssignment.objects.filter(valid(on)).select_related("role", "unit").order_by("role__order", "pk")
    rows = Employee.objects.select_related("unit")
    mine = RoleAssignment.objects.filter(valid(on), employee=OuterRef("pk"))
    if asked.unit:
        rows = rows.filter(unit__in=staff.below([asked.unit]))
    if asked.role:
        rows = rows.filter(Exists(mine.filter(role=asked.role)))
    if asked.state == "active":
        rows = rows.filter(is_active=True)
    elif asked.state == "blocked":
        rows = rows.filter(is_active=False)
    elif asked.state == "new":
        rows = without_password(rows)
    elif asked.state == "roleless":
        rows = rows.filter(~Exists(mine), is_active=True)
    if words := plain(asked.text).split():
        rows = rows.filter(pk__in=_named(words))
    rows = rows.order_by("last_name", "first_name", "patronymic", "pk")
    return rows.prefetch_related(Prefetch("assignments", queryset=held, to_attr="held_today"))


def without_password(rows: QuerySet[Employee]) -> QuerySet[Employee]:
    """Narrow to those who may come in but have been given no password yet."""
    return rows.filter(is_active=True, password__startswith=UNUSABLE_PASSWORD_PREFIX)


def _named(words: list[str]) -> list[int]:
    """Return who bears all these words. Compared here: SQLite knows no small letters beyond the Latin ones."""
    known = Employee.objects.order_by().values_list("pk", "last_name", "first_name", "patronymic", "username", "post")
    return [pk for pk, *parts in known if all(word in plain(" ".join(parts)) for word in words)]
