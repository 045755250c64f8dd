"""What to say when calling back: the steps «перезвон после пропущенного» of the scripts in the Knowledge Base."""

from __future__ import annotations

from dataclasses import dataclass

from otklik.knowledge import materials
from otklik.knowledge.models import Script
from otklik.people.models import Employee

STAGE = "call_back"


@dataclass(frozen=True)
class Said:
    """One step of a script: what is said aloud, and what the employee keeps in mind."""

    material: int
    title: str
    name: str
    say: str
    hint: str


def steps_for(employee: Employee) -> list[Said]:
    """Return what to say to somebody we did not answer; none where no script he may read has such a step."""
    return [
        Said(script.pk, script.title, step.value["name"], step.value["say"], step.value["hint"])
        for script in materials.for_staff(employee, Script).order_by("title", "pk")
        for step in script.steps
        if step.value["stage"] == STAGE
    ]
