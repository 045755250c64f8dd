"""Named locks that last until the transaction ends; equal on SQLite and PostgreSQL."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final
from zlib import crc32

from otklik.core.models import NamedLock

_STRIPES: Final = 256  # names share this many rows: the table stays small, strangers wait for each other rarely


def hold(scope: str, names: Iterable[str]) -> None:
    """Wait until nobody else holds any of these names, then hold them. Call inside a transaction, once.

    Rows are taken in the order of their keys, so two callers cannot wait for each other.
    """
    keys = sorted({f"{scope}:{crc32(name.encode()) % _STRIPES}" for name in names})
    rows = NamedLock.objects.select_for_update().filter(name__in=keys).order_by("name")
    if len(rows) < len(keys):
        NamedLock.objects.bulk_create([NamedLock(name=key) for key in keys], ignore_conflicts=True)
        list(rows.all())
