"""What is wrong with the system is told to its administrators: once when it has lasted, once when it is mended.

Facts are those of «Состояние системы». Every worker and every scheduler looks every two minutes: whichever of them is
dead, the other one tells. Two of them write one row.
"""

from __future__ import annotations

import logging
import socket
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final

from django.db import DatabaseError, transaction
from django.urls import reverse
from django.utils import timezone

from otklik.core import locks
from otklik.core.errors import is_outage
from otklik.core.models import Fault
from otklik.people import staff
from otklik.reports import health
from otklik.workplace import notices
from otklik.workplace.models import Notice

log = logging.getLogger("otklik.faults")

EVERY: Final = 120.0  # seconds between two looks of one process, and before its first
PATIENCE: Final = timedelta(minutes=2)  # a service that is started anew is no fault
GONE: Final = timedelta(seconds=30)  # a database that was silent for longer is told of
KEPT: Final = timedelta(days=366)
POWER: Final = "system.view"
# What each machine has of its own: only this machine can say that it is mended.
OF_MACHINE: Final = frozenset({"storage", "search"})
# Told of elsewhere: those who connect channels hear of channels and mailboxes, clerks of what waits for them.
TOLD_ELSEWHERE: Final = frozenset({"channels", "decisions"})
DATABASE: Final = "database:gone"


@dataclass(frozen=True)
class Trouble:
    """A fact that is told, under the name by which it is known again at the next look."""

    code: str
    title: str
    text: str


@dataclass
class Watcher:
    """The looks of one process, and whether the database answered at the last of them."""

    looked: float = field(default_factory=time.monotonic)
    gone_since: datetime | None = None

    def step(self) -> bool:
        """Look when it is time to; return False: there is never more to do at once."""
        if time.monotonic() - self.looked < EVERY:
            return False
        self.looked = time.monotonic()
        try:
            watch()
            if self.gone_since:
                since, self.gone_since = self.gone_since, None
                tell_of_database(since, timezone.now())
        except DatabaseError as exc:
            if not is_outage(exc):
                raise
            self.gone_since = self.gone_since or timezone.now()
            log.warning("faults cannot be looked at: the database does not answer")
        return False


def troubles() -> Iterator[Trouble]:
    """Yield what is bad, and what gets worse if nobody looks, each under one code once."""
    known: set[str] = set()
    for area in health.areas():
        for fact in area.facts if area.code not in TOLD_ELSEWHERE else ():
            told = fact.level == health.BAD and area.code != "mailboxes"
            if not (told or (fact.burns and fact.level != health.GOOD)):
                continue
            at = f"@{socket.gethostname()}" if area.code in OF_MACHINE else ""
            if (code := f"{area.code}:{fact.title}"[:120] + at[:80]) not in known:
                known.add(code)
                yield Trouble(code, fact.title[:200], fact.text[:500])


def watch(now: datetime | None = None) -> int:
    """Compare what is wrong now with what was; tell of what has lasted and of what is over. Return how many heard."""
    now, found = now or timezone.now(), {one.code: one for one in troubles()}
    told = 0
    with transaction.atomic():
        locks.hold("faults", ["all"])
        under_way = {row.code: row for row in Fault.objects.filter(mended_at=None) if _is_ours(row.code)}
        for code, row in under_way.items():
            if code not in found:
                told += _mended(row, now)
            elif row.told_at is None and now - row.seen_at >= PATIENCE:
                row.text = found[code].text
                told += _tell(row, now)
        new = [one for code, one in found.items() if code not in under_way]
        Fault.objects.bulk_create(
            [Fault(code=one.code, title=one.title, text=one.text, seen_at=now) for one in new], ignore_conflicts=True
        )
    return told


def tell_of_database(since: datetime, until: datetime) -> int:
    """Tell, afterwards, of a time the database did not answer: nobody could be told meanwhile."""
    if until - since < GONE:
        return 0
    with transaction.atomic():
        locks.hold("faults", ["all"])
        if Fault.objects.filter(code=DATABASE, mended_at__gte=since).exists():
            return 0  # another process has told of it
        words = f"не отвечала с {_at(since)} по {_at(until)}"
        row = Fault(code=DATABASE, title="База данных", text=words, seen_at=since, told_at=until, mended_at=until)
        row.save()
        text = f"База данных {words}. Принятое на бумаге внесите на странице «Сбои и бланки»."
        return _notify(row, text, source=f"fault:{row.pk}")


def forget_old() -> int:
    """Remove what was mended long ago."""
    return Fault.objects.filter(mended_at__lt=timezone.now() - KEPT).delete()[0]


def _is_ours(code: str) -> bool:
    if code.partition(":")[0] not in OF_MACHINE:
        return True
    return code.endswith(f"@{socket.gethostname()}"[:80])


def _tell(row: Fault, now: datetime) -> int:
    row.told_at = now
    row.save(update_fields=["told_at", "text"])
    return _notify(row, f"{row.title}: {row.text}", source=f"fault:{row.pk}")


def _mended(row: Fault, now: datetime) -> int:
    if row.told_at is None:  # it passed before anybody had to hear of it
        row.delete()
        return 0
    row.mended_at = now
    row.save(update_fields=["mended_at"])
    return _notify(row, f"Прошло: {row.title[:1].lower()}{row.title[1:]}", source=f"fault:{row.pk}:mended")


def _notify(row: Fault, text: str, *, source: str) -> int:
    people = set(staff.holders(POWER, on=timezone.localdate()).values_list("pk", flat=True))
    told = notices.Told(
        Notice.Kind.SYSTEM, _short(text), people, path=reverse("workplace:system"), subject="Состояние системы"
    )
    return notices.remind(told, source)


def _short(text: str) -> str:
    return text if len(text) <= 200 else f"{text[:199]}…"


def _at(moment: datetime) -> str:
    return f"{timezone.localtime(moment):%d.%m %H:%M}"
