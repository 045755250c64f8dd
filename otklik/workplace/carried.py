"""What was read of a file travels in the page, signed, for an hour: nothing of it is kept before it is agreed."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict
from typing import Any, Final

from django.core import signing

from otklik.core.sheets import Row

AN_HOUR: Final = 3600


def sealed(rows: Iterable[Row], *, salt: str, **more: Any) -> str:
    """Return rows, and what else belongs to them, as a page carries them. `salt`: of which page."""
    return signing.dumps({"rows": [asdict(row) for row in rows], **more}, salt=salt, compress=True)


def opened(text: str, *, salt: str) -> tuple[list[Row], dict[str, Any]]:
    """Return the rows and what else was sealed; raises `signing.BadSignature`: not ours, or older than an hour."""
    kept: dict[str, Any] = signing.loads(text, salt=salt, max_age=AN_HOUR)
    return [Row(row["number"], row["cells"], tuple(row["wrong"])) for row in kept.pop("rows")], kept
