"""Signs of life of processes that work without a person, and whose clock is right."""

from __future__ import annotations

import os
import secrets
import socket
from datetime import datetime, timedelta
from typing import Final

from django.db import connection
from django.db.models import QuerySet
from django.utils import timezone

import otklik
from otklik.core.models import WorkerBeat

EVERY: Final = 10.0  # seconds between signs of life
ALIVE: Final = timedelta(minutes=1)  # who has been silent for longer is dead
REMEMBERED: Final = timedelta(days=1)


class Beat:
    """The sign of life of this process."""

    def __init__(self, kind: str) -> None:
        self._host = socket.gethostname()[:80]
        self._process = f"{self._host}:{os.getpid()}:{secrets.token_hex(3)}"
        self._kind, self._started_at = kind, timezone.now()

    def give(self) -> None:
        """Say that the process is alive, and by how much its clock is ahead of the database's."""
        now = database_now()
        facts = {"beat_at": now, "clock_ahead": (timezone.now() - now).total_seconds()}
        if not WorkerBeat.objects.filter(process=self._process).update(**facts):
            facts |= {"kind": self._kind, "host": self._host, "started_at": self._started_at}
            WorkerBeat.objects.create(process=self._process, version=otklik.__version__, **facts)

    def end(self) -> None:
        """Say that the process leaves in good order."""
        WorkerBeat.objects.filter(process=self._process).delete()


def living() -> QuerySet[WorkerBeat]:
    """Return the processes that are alive by the database's clock."""
    return WorkerBeat.objects.filter(beat_at__gt=database_now() - ALIVE)


def forget_dead() -> int:
    """Remove processes that have long been silent; return how many."""
    return WorkerBeat.objects.filter(beat_at__lt=database_now() - REMEMBERED).delete()[0]


def database_now() -> datetime:
    """Return the time of the machine that the database runs on: for SQLite, of this one."""
    if connection.vendor != "postgresql":
        return timezone.now()
    with connection.cursor() as cursor:
        cursor.execute("SELECT clock_timestamp()")
        now: datetime = cursor.fetchone()[0]
        return now
