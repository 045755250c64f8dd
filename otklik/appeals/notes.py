"""Internal notes: for employees only, never sent."""

from __future__ import annotations

from typing import Any

from django.db import transaction

from otklik.appeals import mentions
from otklik.appeals.models import Appeal, Note
from otklik.appeals.permissions import check_power
from otklik.core import journal
from otklik.core.errors import DomainError
from otklik.people.models import Employee


class EmptyNote(DomainError):
    """A note without words."""

    code = "appeal.empty_note"
    text = "Заметка пуста. Напишите текст и добавьте её снова."


def check_can_add(appeal: Appeal, user: Employee) -> None:
    """Raise where the user may not write notes."""
    check_power(user, "appeals.note", "написать заметку")


@transaction.atomic
def add(appeal: Appeal, text: str, *, by: Employee) -> Note:
    """Add a note to the appeal's timeline; «@name» in it calls a colleague who sees the appeal."""
    check_can_add(appeal, by)
    if not text.strip():
        raise EmptyNote
    said = mentions.read(text.strip(), appeal)
    note = Note.objects.create(appeal=appeal, author=by, text=said.text, mentions=said.words)
    facts: dict[str, Any] = {"mentioned": [one.pk for one in said.people]} if said.people else {}
    journal.record("appeal.noted", chain=f"appeal:{appeal.pk}", by=by, note=note.pk, **facts)
    return note
