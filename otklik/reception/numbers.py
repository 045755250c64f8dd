"""Numbers of reception cards, «ЛП-2026-0001», and of blanks printed in advance, «Б-2026-0001»."""

from __future__ import annotations

import re
from datetime import date
from typing import Final

from django.db.models import F

from otklik.core.errors import DomainError
from otklik.reception.models import CardCounter

Kind = CardCounter.Kind
PATTERNS: Final = {Kind.CARD: "ЛП-{year}-{seq:04d}", Kind.BLANK: "Б-{year}-{seq:04d}"}
_BLANK: Final = re.compile(r"[БB]\W*(\d{4})\W+(\d{1,6})")


class NoSuchBlank(DomainError):
    """Nobody printed a blank of this number."""

    code = "reception.no_such_blank"
    text = "Бланка № {number} не печатали. Номер стоит на бланке вверху справа, например «Б-2026-0001»."


def next_number(on: date) -> str:
    """Return the next number of a card; call inside the transaction that uses it: a rollback gives it back."""
    return PATTERNS[Kind.CARD].format(year=on.year, seq=_take(Kind.CARD, on.year, 1))


def next_blanks(count: int, on: date) -> list[str]:
    """Return so many new numbers of blanks; call inside the transaction that writes them down."""
    last = _take(Kind.BLANK, on.year, count)
    return [PATTERNS[Kind.BLANK].format(year=on.year, seq=seq) for seq in range(last - count + 1, last + 1)]


def blank_number(text: str) -> str:
    """Return a blank's number as it is printed; raise NoSuchBlank where none of that number was printed."""
    found = _BLANK.fullmatch(text.strip().upper())
    if found is None:
        raise NoSuchBlank(number=text.strip()[:40] or "—")
    year, seq = int(found[1]), int(found[2])
    number = PATTERNS[Kind.BLANK].format(year=year, seq=seq)
    last = CardCounter.objects.filter(kind=Kind.BLANK, year=year).values_list("last", flat=True).first() or 0
    if not 1 <= seq <= last:
        raise NoSuchBlank(number=number)
    return number


def _take(kind: str, year: int, count: int) -> int:
    """Return the last of `count` new numbers; the counter's row is ours until the transaction ends."""
    while not CardCounter.objects.filter(kind=kind, year=year).update(last=F("last") + count):
        CardCounter.objects.get_or_create(kind=kind, year=year)
    return CardCounter.objects.values_list("last", flat=True).get(kind=kind, year=year)
