"""One search over everything an employee may see: cases in every way they may be meant, people (masked), materials."""

from __future__ import annotations

from dataclasses import dataclass, field

from otklik.appeals import case_search
from otklik.appeals.case_search import Cases
from otklik.knowledge import materials
from otklik.knowledge.materials import Results
from otklik.people import access as people_access
from otklik.people.models import Applicant, Employee
from otklik.workplace import applicants
from otklik.workplace.asked import APPEALS


@dataclass(frozen=True)
class Everything:
    """What was found, a group a field; a group the employee may not see is empty."""

    cases: Cases = field(default_factory=Cases)
    people: list[tuple[Applicant, people_access.Masked]] = field(default_factory=list)
    materials: Results = field(default_factory=Results)


def everything(user: Employee, text: str, *, limit: int, typing: bool = False) -> Everything:
    """Return up to `limit` of each kind that fit the words; operators ask of cases alone."""
    sees_cases = user.has_any(APPEALS)
    cases = case_search.find(user, text, limit=limit, typing=typing) if sees_cases else Cases()
    if cases.chips:
        return Everything(cases)
    persons = applicants.find(text, user)[:limit] if user.has_power("applicants.view") else []
    return Everything(
        cases=cases,
        people=[(one, people_access.masked(one)) for one in persons],
        materials=materials.search(text, user=user, limit=limit, typing=typing),
    )
