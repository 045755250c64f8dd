"""How big a long proof is: short in `make test`, full in `make proof` (`OTKLIK_PROOF=full`)."""

from __future__ import annotations

import os

FULL = os.environ.get("OTKLIK_PROOF") == "full"


def size(short: int, full: int) -> int:
    """Give the number of cases of a long proof for this run."""
    return full if FULL else short
