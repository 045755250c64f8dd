"""The dictionary of Russian word forms: read once a process (a twentieth of a second, 43 MB), and only where asked."""

from __future__ import annotations

from functools import cache
from typing import Any

import pymorphy3


@cache
def dictionary() -> Any:
    """Return pymorphy3's analyser; it only reads, threads may share it."""
    return pymorphy3.MorphAnalyzer()
