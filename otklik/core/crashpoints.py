"""Named moments between two writes. The kill test ends the process at each of them; otherwise nothing happens here."""

from __future__ import annotations

import os
import signal
from collections import Counter

_at = os.environ.get("OTKLIK_CRASH_AT", "")
_seen: Counter[str] = Counter()


def arm(at: str) -> None:
    """Have this process killed at `point`, or at `point:n` when it comes there for the n-th time."""
    global _at  # noqa: PLW0603 — one process, one death
    _at = at
    _seen.clear()


def reach(point: str) -> None:
    """Kill this process with SIGKILL if a test asked for it at this point and this turn."""
    if not _at:
        return
    name, _, turn = _at.partition(":")
    _seen[point] += 1
    if name == point and _seen[point] == int(turn or 1):
        os.kill(os.getpid(), signal.SIGKILL)
