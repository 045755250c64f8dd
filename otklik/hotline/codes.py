"""A number and the secret code printed beside it: whoever names both wrote the appeal."""

from __future__ import annotations

import secrets
from typing import Final

from otklik.appeals.models import Appeal
from otklik.channels.site import intake
from otklik.channels.site.models import Receipt
from otklik.correspondence.models import IncomingMessage

# What is easily typed instead: Latin letters that look Cyrillic, as in «C-2026-000123».
_LOOKALIKES: Final = str.maketrans("ABCEHKMOPTXY", "АВСЕНКМОРТХУ")


def find(number: str, code: str) -> tuple[int | None, int | None] | None:
    """Return (message, appeal) ids where number and code belong together; None for anything else.

    A wrong number costs the same queries and comparisons as a wrong code.
    """
    numbers = spellings(number)
    typed = code.replace("-", "").replace(" ", "").casefold()
    receipt = Receipt.objects.filter(number__in=numbers).select_related("message").first()
    appeal = Appeal.objects.filter(number__in=numbers).first()
    first = _first_message(appeal)
    own_receipt = Receipt.objects.filter(message_id=first).first()
    right = [
        _same(intake.hash_of(typed), receipt.code_hash if receipt else ""),
        _same(intake.hash_of(typed), own_receipt.code_hash if own_receipt else ""),
        _same(typed, appeal.secret.replace("-", "").casefold() if appeal else ""),
    ]
    if right[0] and receipt is not None:
        return receipt.message_id, None
    if (right[1] or right[2]) and appeal is not None:
        return None, appeal.pk
    return None


def _same(typed: str, kept: str) -> bool:
    """Compare in constant time; nothing kept is never right."""
    return secrets.compare_digest(typed.encode(), (kept or secrets.token_hex(32)).encode())


def spellings(number: str) -> set[str]:
    """Return the ways a number may have been meant: without its sign, in capitals, in Cyrillic letters."""
    plain = number.replace("№", "").strip().replace("\x00", "")
    return {plain, plain.upper(), plain.upper().translate(_LOOKALIKES)}


def _first_message(appeal: Appeal | None) -> int | None:
    """Return the message the appeal began with; asked even where there is no appeal, to take as long."""
    found: int | None = (
        IncomingMessage.objects.filter(taken__appeal=appeal.pk if appeal else 0, taken__first=True)
        .values_list("pk", flat=True)
        .first()
    )
    return found
