"""What people write into addresses and forms, read: a number, a day, words; None where it is none of them."""

from __future__ import annotations

import unicodedata
from collections.abc import Callable
from datetime import date
from typing import Final

from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.db.models import Q
from django.http import HttpRequest, HttpResponse, QueryDict

# Nothing the product counts or dates lies outside; beyond are slips of the hand, and sums that overflow.
FIRST_YEAR: Final = 2000
LAST_YEAR: Final = 2100
# Control characters part words; what only steers how text is drawn stands inside them (a soft hyphen, a mark of order).
_UNSEEN: Final = {"Cc": " ", "Cs": " ", "Co": " ", "Cf": ""}
_MOST_DIGITS: Final = 18  # what fits into a database's biggest whole number


def number(text: str | None) -> int | None:
    """Return a whole number that a database can hold, or None."""
    return int(text) if text and text.isdecimal() and len(text) <= _MOST_DIGITS else None


def day(text: str | None) -> date | None:
    """Return a day written as 2026-11-24, of a year we can count with, or None."""
    try:
        given = date.fromisoformat(text or "")
    except ValueError:
        return None
    return given if FIRST_YEAR <= given.year <= LAST_YEAR else None


def words(text: str | None, most: int) -> str:
    """Return what a search box may carry: single spaces, nothing that cannot be seen or kept, `most` characters."""
    # Twice as many are looked at as are kept: a hundred thousand spaces are not worth the time.
    seen = "".join(_UNSEEN.get(unicodedata.category(one), one) for one in (text or "")[: 2 * most])
    return " ".join(seen.split())[:most].strip()


def within(field: str, said: str) -> Q:
    """Return the condition «the field has this in it», with a small first letter or a capital one.

    SQLite takes only Latin letters for equal, whatever their size.
    """
    small = said[:1].lower() + said[1:]
    return Q(**{f"{field}__icontains": small}) | Q(**{f"{field}__icontains": small[:1].upper() + small[1:]})


class WithoutNul:
    """Takes NUL characters out of addresses and forms: no database keeps them, and nobody means them."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Pass the request on; what was sent is looked at in `process_view`."""
        return self.get_response(request)

    def process_view(self, request: HttpRequest, view: Callable[..., HttpResponse], *_: object) -> None:
        """Clean what the view will read; a form that the view reads in its own way is left to it."""
        request.GET = _clean(request.GET)  # type: ignore[assignment]
        if request.method == "POST" and not getattr(view, "csrf_exempt", False):
            request.POST = _clean(request.POST)  # type: ignore[assignment]


def _clean(sent: QueryDict) -> QueryDict:
    if not any("\x00" in value for _, values in sent.lists() for value in values):
        return sent
    cleaned = QueryDict(mutable=True, encoding=sent.encoding)
    for name, values in sent.lists():
        cleaned.setlist(name, [str(value).replace("\x00", "") for value in values])
    return cleaned


def is_email(text: str) -> bool:
    """Tell whether this can be an address of e-mail."""
    try:
        validate_email(text)
    except ValidationError:
        return False
    return True
