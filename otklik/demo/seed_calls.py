"""A queue log as after an outage, read at once: how many events a second become calls."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from random import Random

from django.utils import timezone

from otklik.hotline import defaults, listening
from otklik.hotline.models import Call, Line

QUEUE = "bench"
MISSED = 0.3


@dataclass(frozen=True)
class Replayed:
    """What was read, and how long it took."""

    events: int
    calls: int
    seconds: float
    processor: float  # of them at work: on a busy machine the rest is waiting for its turn


def replay(count: int) -> Replayed:
    """Write the log of so many calls of the last weeks and read it as the listener does after an outage."""
    line = Line.objects.get(code=defaults.DEPARTMENT)
    line.known_as = QUEUE
    line.save(update_fields=["known_as"])
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "queue_log"
        path.write_text("".join(f"{one}\n" for one in _lines(count)))
        known, begin, worked = Call.objects.count(), time.monotonic(), time.process_time()
        events = listening.read_log(path)
        seconds, processor = time.monotonic() - begin, time.process_time() - worked
    return Replayed(events, Call.objects.count() - known, seconds, processor)


def _lines(count: int) -> Iterator[str]:
    dice = Random(2725)  # noqa: S311 - figures, not secrets
    at = int((timezone.now() - timedelta(seconds=60 * count)).timestamp())
    for number in range(count):
        at += 55
        uid, agent = f"{at}.{number}", f"PJSIP/{dice.randrange(101, 120)}"
        yield f"{at}|{uid}|{QUEUE}|NONE|ENTERQUEUE||+7913{dice.randrange(10**7):07}|1"
        for _ in range(dice.randrange(1, 4)):
            yield f"{at + 9}|{uid}|{QUEUE}|PJSIP/{dice.randrange(101, 120)}|RINGNOANSWER|9000"
        if dice.random() < MISSED:
            yield f"{at + 30}|{uid}|{QUEUE}|NONE|ABANDON|1|1|30"
            continue
        yield f"{at + 12}|{uid}|{QUEUE}|{agent}|CONNECT|12|{uid}9|3"
        yield f"{at + 50}|{uid}|{QUEUE}|{agent}|COMPLETECALLER|12|38|1"
