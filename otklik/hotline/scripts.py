"""Scripts of the Knowledge Base as they are talked by: steps with the names filled in, and where each answer leads."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final

from otklik.hotline.models import Consultation
from otklik.knowledge import materials, placeholders
from otklik.knowledge.models import Mark, Script
from otklik.knowledge.models.script_steps import STAGES
from otklik.knowledge.placeholders import Fact
from otklik.people import declension, staff
from otklik.people.models import Employee

STAGE_NAMES: Final = dict(STAGES)
CONFLICT: Final = "conflict"
ENDINGS: Final = ("ending",)


@dataclass(frozen=True)
class Branch:
    """What may be heard, and the number of the step it leads to."""

    heard: str
    go_to: int


@dataclass(frozen=True)
class Step:
    """One step of a script: what to say in pieces (a piece nobody could fill in is «empty»), what to keep in mind."""

    number: int
    stage: str
    name: str
    say: tuple[tuple[str, str], ...]
    hint: str
    branches: tuple[Branch, ...]

    @property
    def stage_name(self) -> str:
        """Return what the stage is called."""
        return STAGE_NAMES.get(self.stage, self.stage)

    @property
    def ends(self) -> bool:
        """Tell whether a conversation gone wrong is ended here."""
        return self.stage in ENDINGS


@dataclass(frozen=True)
class Talk:
    """A script with the names of this conversation in place."""

    material: int
    revision: int
    title: str
    when: str
    aloud: bool  # False: the whole script is internal, nothing of it is read aloud
    steps: tuple[Step, ...]

    def step(self, number: int | None) -> Step | None:
        """Return a step by its number, else the first."""
        if not self.steps:
            return None
        return self.steps[number] if number is not None and 0 <= number < len(self.steps) else self.steps[0]

    def named(self, name: str) -> int | None:
        """Return the number of the step that is called so."""
        return next((one.number for one in self.steps if one.name == name), None)

    def first_of(self, stage: str) -> Step | None:
        """Return the first step of a stage."""
        return next((one for one in self.steps if one.stage == stage), None)


def talks(user: Employee, consultation: Consultation) -> list[Talk]:
    """Return the scripts the employee may read, filled in for this consultation, whole conversations first."""
    facts = facts_of(user, consultation)
    scripts: Iterable[Script] = materials.for_staff(user, Script).order_by("title", "pk")
    found = [_talk(script, facts) for script in scripts]
    return sorted(found, key=lambda talk: [talk.first_of(stage) is None for stage in ("greeting", "farewell")])


def chosen(found: list[Talk], material: int | None) -> Talk | None:
    """Return the script asked for, else the first."""
    return next((talk for talk in found if talk.material == material), found[0] if found else None)


def facts_of(user: Employee, consultation: Consultation) -> dict[str, Fact]:
    """Return what placeholders of a script stand for in this conversation."""
    department = staff.department()
    return {
        "департамент": department.name,
        "подразделение": declension.post(user.unit.name) if user.unit else "",
        "консультант": f"{user.first_name} {user.patronymic}".strip() or user.short_name,
        "должность консультанта": declension.post(user.post) if user.post else "",
        "звонящий": consultation.caller,
        "заявитель": consultation.caller,
        "телефон департамента": department.phone,
    }


def _talk(script: Script, facts: Mapping[str, Fact]) -> Talk:
    values = [block.value for block in script.steps]
    numbers = {str(value["name"]).strip(): number for number, value in enumerate(values)}
    steps = tuple(
        Step(
            number=number,
            stage=value["stage"],
            name=str(value["name"]).strip(),
            say=tuple(placeholders.pieces(placeholders.fill(value["say"], facts))),
            hint=(value.get("hint") or "").strip(),
            branches=tuple(
                Branch(branch["heard"], numbers[branch["go_to"].strip()])
                for branch in value.get("branches") or ()
                if branch["go_to"].strip() in numbers
            ),
        )
        for number, value in enumerate(values)
    )
    return Talk(
        material=script.pk,
        revision=materials.version_of(script),
        title=script.title,
        when=script.when,
        aloud=script.mark != Mark.INTERNAL,
        steps=steps,
    )
