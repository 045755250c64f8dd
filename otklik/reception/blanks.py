"""Blanks of the reception card, printed in advance for the day the network is down; entered later by their number."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Final

from django.core.exceptions import PermissionDenied
from django.db import transaction

from otklik.core import journal, typeset
from otklik.core.errors import DomainError
from otklik.people import staff
from otklik.people.models import Employee
from otklik.reception import consent_texts, numbers
from otklik.reception.front_office import DESK
from otklik.reception.models import CardQuestion, ReceptionCard

SOURCE: Final = Path(__file__).parent / "data" / "blank.typ"
MOST: Final = 50
HOLDER: Final = "reception.hold"


class WrongCount(DomainError):
    """Some blanks, and not without end."""

    code = "reception.wrong_count"
    text = "Укажите, сколько бланков напечатать: от 1 до {most}."


@transaction.atomic
def print_out(count: int | None, *, on: date, by: Employee) -> bytes:
    """Return so many blanks as PDF, each with a number of its own that no other blank has."""
    if not (by.has_power(DESK) or by.has_power(HOLDER)):
        raise PermissionDenied
    if count is None or not 1 <= count <= MOST:
        raise WrongCount(most=MOST)
    given = numbers.next_blanks(count, on)
    journal.record("reception.blanks_printed", chain="reception:blanks", by=by, blanks=given)
    text = consent_texts.current(on)
    outcomes = [str(words).capitalize() for code, words in CardQuestion.Outcome.choices if code]
    data = {
        "department": staff.department().name,
        "numbers": given,
        "documents": [str(words) for _, words in ReceptionCard.Document.choices],
        "outcomes": outcomes,
        "text": text.text,
        "version": text.version,
    }
    return typeset.pdf(SOURCE, {"blank": data}, on=on)
