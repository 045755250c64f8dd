"""One search over everything an employee may see: appeals by number and words, people (masked), materials."""

from __future__ import annotations

from dataclasses import dataclass, field

from otklik.appeals import search_feed
from otklik.knowledge import materials
from otklik.people import access as people_access
from otklik.people.models import Applicant, Employee
from otklik.workplace import applicants
from otklik.workplace.asked import APPEALS


@dataclass(frozen=True)
class Everything:
    """What was found, a group a field; a group the employee may not see is empty."""

    appeals: list[search_feed.Found] = field(default_factory=list)
    people: list[tuple[Applicant, people_access.Masked]] = field(default_factory=list)
    materials: list[materials.Found] = field(default_factory=list)


def everything(user: Employee, text: str, *, limit: int) -> Everything:
    """Return up to `limit` of each kind that fit the words."""
    people = applicants.find(text, user)[:limit] if user.has_power("applicants.view") else []
    return Everything(
        appeals=search_feed.look_up(user, text, limit=limit) if any(user.has_power(power) for power in APPEALS) else [],
        people=[(one, people_access.masked(one)) for one in people],
        materials=materials.find(text, user=user, limit=limit),
    )
