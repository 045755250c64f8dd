"""Named moments between two writes. The kill test ends the process at each of them; otherwise nothing happens here."""

from __future__ import annotations

import os
import signal
from collections import Counter

_POINT, _, _TURN = os.environ.get("OTKLIK_CRASH_AT", "").partition(":")
_seen: Counter[str] = Counter()


def reach(point: str) -> None:
    """Kill this process if `OTKLIK_CRASH_AT` is `point` or `point:n` and this is the n-th time."""
    if not _POINT or point != _POINT:
        return
    _seen[point] += 1
    if _seen[point] == int(_TURN or 1):
        os.kill(os.getpid(), signal.SIGKILL)
