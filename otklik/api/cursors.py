"""Pages of a list: each answer names the place where the next one begins, so nothing is shown twice or skipped."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Sequence
from typing import Final

from otklik.core import typed
from otklik.core.errors import DomainError

MOST: Final = 200
USUAL: Final = 50


class BadCursor(DomainError):
    """The place was not ours."""

    code = "api.bad_cursor"
    text = "Такой страницы списка нет. Возьмите cursor из поля next прошлого ответа или начните список сначала."
    status = 404


def cursor(*place: object) -> str:
    """Return a place as a program carries it."""
    return base64.urlsafe_b64encode("~".join(map(str, place)).encode()).decode().rstrip("=")


def place_of(given: str, *, parts: int) -> Sequence[str]:
    """Return what `cursor` was made of; raise BadCursor."""
    try:
        place = base64.urlsafe_b64decode(given + "=" * (-len(given) % 4)).decode().split("~")
    except (ValueError, binascii.Error):
        raise BadCursor from None
    if len(place) != parts:
        raise BadCursor
    return place


def row_of(given: str) -> int:
    """Return the number of a row; raise BadCursor."""
    if (number := typed.number(given)) is None:
        raise BadCursor
    return number
