"""A part of «Ход рассмотрения», as its maker hands it to the page."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeAlias

from otklik.appeals.models import Appeal, AppealQuestion
from otklik.people.models import Employee


@dataclass(frozen=True)
class Step:
    """What can be done in a part: the name of its page, called with the key of the appeal."""

    label: str
    name: str
    icon: str


@dataclass(frozen=True)
class Part:
    """One part: its heading, its template with what it shows, and the steps this person may take now.

    It is one word in a line, with how much is there, until it is unfolded; `unfolded`: from the beginning.
    """

    title: str
    icon: str
    template: str
    facts: Mapping[str, Any] = field(default_factory=dict)
    steps: tuple[Step, ...] = ()
    count: int = 0
    unfolded: bool = False


def is_there(appeal: Appeal, name: str) -> bool:
    """Tell whether a case has rows of this name, as the query that fetched it has said; True where none has."""
    return bool(getattr(appeal, f"there_{name}", True))


def questions(appeal: Appeal) -> list[AppealQuestion]:
    """Return the questions of a case with all that parts show of them: asked once, whichever part comes first."""
    known: list[AppealQuestion] | None = appeal.__dict__.get("_questions_shown")
    if known is None:
        beside = ("topic", "need", "sort__kind", "part__executor", "proposed_by", "confirmed_by")
        known = list(appeal.questions.select_related(*beside).order_by("pk"))
        appeal.__dict__["_questions_shown"] = known
    return known


Maker: TypeAlias = Callable[[Appeal, Employee], Part | None]
