"""The starting roles and their powers. Loading twice changes nothing; what a person edited stays."""

from __future__ import annotations

from datetime import date
from typing import Final

from django.db import transaction

from otklik.core import journal
from otklik.people.models import Department, Role, RolePower
from otklik.people.powers import STARTING_ROLES

# From the day of the order that the product serves (приказ департамента от 16.08.2024 № 2725-НПА).
SINCE: Final = date(2024, 8, 16)

DEPARTMENT: Final = {
    "name": "Департамент имущества и земельных отношений Новосибирской области",
    "name_genitive": "департамента имущества и земельных отношений Новосибирской области",
    "short_name": "ДИиЗО НСО",
}


@transaction.atomic
def load() -> None:
    """Add the roles that are not there yet, each with its powers, and the department's name."""
    for order, (code, (name, powers)) in enumerate(STARTING_ROLES.items(), start=1):
        role, is_new = Role.objects.get_or_create(code=code, defaults={"name": name, "order": order * 10})
        if is_new:
            RolePower.objects.bulk_create(RolePower(role=role, power=power, valid_from=SINCE) for power in powers)
            journal.record("role.loaded", chain="people", by=None, role=code, powers=powers)
    Department.objects.get_or_create(id=1, defaults=DEPARTMENT)
