"""Internal notes: for employees only, never sent."""

from __future__ import annotations

from django.db import transaction

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
    """Add a note to the appeal's timeline."""
    check_can_add(appeal, by)
    if not text.strip():
        raise EmptyNote
    note = Note.objects.create(appeal=appeal, author=by, text=text.strip())
    journal.record("appeal.noted", chain=f"appeal:{appeal.pk}", by=by, note=note.pk)
    return note
