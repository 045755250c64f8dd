"""Numbers of appeals: our own pattern without gaps, or the one that the government's СЭД gave."""

from __future__ import annotations

import re
import secrets
from collections.abc import Iterable, Mapping
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


def go_on_above(taken: Iterable[str]) -> dict[int, int]:
    """Let our own numbers go on above those another system gave by the same pattern; return year → what was last.

    Numbers of any other look stand in nobody's way.
    """
    patterns = set(NumberPattern.objects.values_list("pattern", flat=True)) | {DEFAULT_PATTERN}
    forms = [_form(pattern) for pattern in sorted(patterns)]
    highest: dict[int, int] = {}
    for number in taken:
        for form in forms:
            if (found := form.fullmatch(number)) and len(found["seq"]) < 9:
                year, seq = int(found["year"]), int(found["seq"])
                highest[year] = max(seq, highest.get(year, 0))
    before: dict[int, int] = {}
    for year, seq in highest.items():
        row, _ = NumberCounter.objects.select_for_update().get_or_create(year=year)
        if row.last < seq:
            before[year] = row.last
            NumberCounter.objects.filter(year=year).update(last=seq)
    return before


def last_of(year: int) -> int:
    """Return the last number given out in a year."""
    return NumberCounter.objects.filter(year=year).values_list("last", flat=True).first() or 0


def go_back(before: Mapping[int, int], raised: Mapping[int, int]) -> None:
    """Let numbers go on where they did before, as far as nobody has got a number since."""
    for year, last in before.items():
        NumberCounter.objects.filter(year=year, last=raised.get(year, -1)).update(last=last)


def _form(pattern: str) -> re.Pattern[str]:
    """Return what the numbers of a pattern look like."""
    parts = re.split(r"(\{year\}|\{seq[^}]*\})", pattern)
    names = {"year": r"(?P<year>\d{4})", "seq": r"(?P<seq>\d+)"}
    form = ""
    for part in parts:
        name = part.strip("{}").partition(":")[0] if part.startswith("{") else ""
        form += names.pop(name, r"\d+") if name else re.escape(part)
    return re.compile(form)


def new_secret() -> str:
    """Return the code for the status page: 12 characters, 59 bits of chance, in groups of four."""
    groups = ("".join(secrets.choice(CODE_SIGNS) for _ in range(4)) for _ in range(3))
    return "-".join(groups)
