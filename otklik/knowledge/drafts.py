"""Drafts that are begun outside the editor: from a proposal, from an answer. Written by whom the section lets."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Any, Final

from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils import timezone

from otklik.core import journal
from otklik.core.errors import DomainError
from otklik.knowledge import rights
from otklik.knowledge.models import KINDS, Mark, Material, MaterialUse, Section
from otklik.people.models import Employee

# A draft may be full of gaps, but for what the table itself asks of these kinds: a day.
DATED: Final = {"LegalAct": "adopted_on", "DecisionExample": "decided_on", "JobDescription": "approved_on"}


class NotYourSection(DomainError):
    """Only the unit that keeps a section writes in it."""

    code = "drafts.not_your_section"
    text = "Выберите раздел, который вы правите: материалы раздела пишут авторы его подразделения."


class NoTitle(DomainError):
    """A material has a title."""

    code = "drafts.no_title"
    text = "Напишите заголовок: до 255 знаков."


class NoKind(DomainError):
    """It is not said what is to be written."""

    code = "drafts.no_kind"
    text = "Выберите вид материала."


class NoDay(DomainError):
    """An act, a decision and a job description have a day."""

    code = "drafts.no_day"
    text = "Укажите дату: для этого вида материала она нужна сразу."


@dataclass(frozen=True)
class Draft:
    """What is to be written: a kind by the name of its class, where, under which title, and what is known already."""

    kind: str
    section: Section
    title: str
    on: date | None = None
    fields: Mapping[str, Any] = field(default_factory=dict)


def kinds() -> list[tuple[str, str]]:
    """Return the kinds of material to choose from: the name of the class, and what people call it."""
    return [(one.__name__, str(one._meta.verbose_name)) for one in KINDS]


@transaction.atomic
def write(draft: Draft, *, reference: str, by: Employee) -> Material:
    """Return a new draft, internal, seen by authors only until it is published. `reference`: what it comes from."""
    kind = next((one for one in KINDS if one.__name__ == draft.kind), None)
    if kind is None:
        raise NoKind
    if not rights.may_edit(by, draft.section, on=timezone.localdate()):
        raise NotYourSection
    title = " ".join(draft.title.split())
    if not title or len(title) > 255:
        raise NoTitle
    facts: dict[str, Any] = {"title": title, "mark": Mark.INTERNAL, "owner": by, "live": False, **draft.fields}
    if dated := DATED.get(draft.kind):
        if draft.on is None:
            raise NoDay
        facts[dated] = draft.on
    if draft.kind == "JobDescription":
        facts.setdefault("unit", draft.section.unit)
    try:
        page: Material = draft.section.add_child(instance=kind(**facts))
    except ValidationError as exc:
        raise NoTitle from exc
    page.save_revision(user=by, log_action=True, clean=False)
    if reference:
        MaterialUse.objects.create(page=page, action=MaterialUse.Action.WRITTEN_FROM, reference=reference, by=by)
    journal.record("material.begun", chain=f"material:{page.pk}", by=by, source=reference)
    return page
