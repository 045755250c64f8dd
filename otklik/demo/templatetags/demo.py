"""What the sign-in page of a stand shows."""

from __future__ import annotations

from typing import Any

from django import template

from otklik.demo import staff
from otklik.people.powers import STARTING_ROLES

register = template.Library()


@register.simple_tag
def demo_accounts() -> dict[str, Any]:
    """Return the accounts of the stand with their roles, and the one password."""
    rows = [(one.login, STARTING_ROLES[one.role][0], f"{one.last_name} {one.first_name[0]}.") for one in staff.ACCOUNTS]
    return {"rows": rows, "password": staff.PASSWORD}
