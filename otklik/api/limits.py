"""How many requests a key may make in a minute. Processes count by themselves and add up once a second."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from threading import Lock
from typing import Final

from django.conf import settings
from django.db import IntegrityError, transaction
from django.db.models import F

from otklik.api.models import RequestMinute
from otklik.core.errors import DomainError

MINUTE: Final = 60
_TELL_EVERY: Final = 1.0  # seconds; a write for each request would cost more than most requests


class TooOften(DomainError):
    """The key has been used too many times in this minute."""

    code = "api.too_often"
    text = "По этому ключу больше {most} запросов за минуту. Подождите {wait} с и повторите."
    status = 429

    def __init__(self, *, most: int, wait: int) -> None:
        self.wait = wait
        super().__init__(most=most, wait=wait)


@dataclass
class _Count:
    """What this process knows about one key's minute: told to the others, and not yet told."""

    minute: int
    told: int = 0
    untold: int = 0
    told_at: float = 0.0


class Meter:
    """Counts the requests of one process; what others counted is learnt once a second."""

    def __init__(self, clock: Callable[[], float] = time.time) -> None:
        self._clock = clock
        self._lock = Lock()
        self._counts: dict[int, _Count] = {}

    def count(self, token: int) -> None:
        """Count one request; raise TooOften where there were too many."""
        now, most = self._clock(), settings.API_REQUESTS_A_MINUTE
        minute = int(now // MINUTE)
        with self._lock:
            mine = self._counts.get(token)
            if mine is None or mine.minute != minute:
                mine = self._counts[token] = _Count(minute)
            mine.untold += 1
            if now - mine.told_at >= _TELL_EVERY:
                mine.told = _add(token, minute, mine.untold)
                mine.untold, mine.told_at = 0, now
            total = mine.told + mine.untold
        if total > most:
            raise TooOften(most=most, wait=MINUTE - int(now % MINUTE))


def _add(token: int, minute: int, count: int) -> int:
    """Add to the minute's sum and return it."""
    rows = RequestMinute.objects.filter(token=token, minute=minute)
    if not rows.update(count=F("count") + count):
        try:
            with transaction.atomic():
                RequestMinute.objects.create(token_id=token, minute=minute, count=count)
        except IntegrityError:  # another process was quicker
            rows.update(count=F("count") + count)
    return rows.values_list("count", flat=True).get()


def forget_old() -> int:
    """Remove minutes nobody counts any more; return how many."""
    return RequestMinute.objects.filter(minute__lt=int(time.time() // MINUTE) - 10).delete()[0]


meter: Final = Meter()
