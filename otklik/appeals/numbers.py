"""Numbers of appeals: our own pattern without gaps, or the one that the government's СЭД gave."""

from __future__ import annotations

import secrets
from datetime import date
from typing import Final

from django.db.models import F

from otklik.appeals.models import Appeal, NumberCounter, NumberPattern
from otklik.core.errors import DomainError

CODE_SIGNS: Final = "23456789ABCDEFGHJKMNPQRSTUVWXYZ"  # nothing that is confused on paper or by ear
DEFAULT_PATTERN: Final = "О-{year}-{seq:06d}"


class NumberTaken(DomainError):
    """Another appeal bears this number."""

    code = "appeal.number_taken"
    text = "Номер «{number}» уже есть у другого обращения. Проверьте номер в СЭД."


def next_number(on: date) -> str:
    """Return the next number of our own; call inside the transaction that uses it.

    The counter's row is ours until the transaction ends, and a rollback gives the number back: no gaps, no doubles.
    """
    pattern = NumberPattern.objects.filter(valid_from__lte=on).order_by("-valid_from").first()
    while True:
        if not NumberCounter.objects.filter(year=on.year).update(last=F("last") + 1):
            NumberCounter.objects.get_or_create(year=on.year)
            continue
        seq = NumberCounter.objects.values_list("last", flat=True).get(year=on.year)
        number = (pattern.pattern if pattern else DEFAULT_PATTERN).format(year=on.year, seq=seq)
        # Only a number typed from СЭД can stand in the way.
        if not Appeal.objects.filter(number=number).exists():
            return number


def from_sed(number: str) -> str:
    """Return the СЭД number as it will be shown; raise NumberTaken where another appeal has it."""
    number = " ".join(number.split())[:60]
    if Appeal.objects.filter(number=number).exists():
        raise NumberTaken(number=number)
    return number


def new_secret() -> str:
    """Return the code for the status page: 12 characters, 59 bits of chance, in groups of four."""
    groups = ("".join(secrets.choice(CODE_SIGNS) for _ in range(4)) for _ in range(3))
    return "-".join(groups)
