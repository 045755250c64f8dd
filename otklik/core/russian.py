"""The dictionary of Russian word forms: read once a process (a twentieth of a second, 43 MB), and only where asked."""

from __future__ import annotations

import logging
from functools import cache
from typing import Any

import pymorphy3


@cache
def dictionary() -> Any:
    """Return pymorphy3's analyser; it only reads, threads may share it."""
    logging.getLogger("pymorphy3").setLevel(logging.WARNING)  # it tells at length that it has read its files
    return pymorphy3.MorphAnalyzer()
