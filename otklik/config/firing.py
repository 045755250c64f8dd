"""The life of a `Firing` row: planned by a scheduler, taken by one worker, alive while it beats, ended."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import suppress
from datetime import datetime, timedelta

from django.db import IntegrityError, transaction
from django.utils import timezone

from otklik.config.jobs import Job
from otklik.core import logs
from otklik.core.models import Firing

ALIVE = timedelta(minutes=1)  # a running row that has been silent for longer belongs to a dead worker


def plan(job: Job, now: datetime) -> bool:
    """Plan the run whose time has come; return False only while its forerunner is not over."""
    slot = job.slot(now)
    if slot is None or Firing.objects.filter(job=job.name, planned_at=slot).exists():
        return True
    unfinished = Firing.objects.filter(job=job.name, state__in=[Firing.State.PLANNED, Firing.State.RUNNING])
    if unfinished.exclude(planned_at=slot).exists():
        return False
    # Another scheduler may be faster: the row is the same.
    with suppress(IntegrityError), transaction.atomic():
        Firing.objects.create(job=job.name, planned_at=slot)
    return True


def plan_now(name: str) -> bool:
    """Plan a run besides the clock; return False while one is waiting or going on: it may have begun too early."""
    unfinished = Firing.objects.filter(job=name, state__in=[Firing.State.PLANNED, Firing.State.RUNNING])
    if unfinished.exists():
        return unfinished.filter(state=Firing.State.PLANNED).exists()
    with suppress(IntegrityError), transaction.atomic():
        Firing.objects.create(job=name, planned_at=timezone.now())
    return True


def take(names: Iterable[str]) -> Firing | None:
    """Take the oldest planned run of the named jobs; of several workers one gets it."""
    waiting = Firing.objects.filter(job__in=list(names), state=Firing.State.PLANNED).order_by("planned_at", "pk")
    for firing in waiting[:5]:
        now = timezone.now()
        won = Firing.objects.filter(pk=firing.pk, state=Firing.State.PLANNED)
        if won.update(state=Firing.State.RUNNING, started_at=now, alive_at=now):
            firing.refresh_from_db()
            return firing
    return None


def run(firing: Firing, job: Job) -> None:
    """Do the job and write its end into the row; an error is kept there and stops nothing."""
    try:
        job.run()
    except Exception as exc:
        end(firing, Firing.State.FAILED, logs.told(exc))
    else:
        end(firing, Firing.State.DONE)


def end(firing: Firing, state: str, error: str = "") -> None:
    """Write how a run ended, unless the row was given to somebody else meanwhile."""
    mine = Firing.objects.filter(pk=firing.pk, state=Firing.State.RUNNING, started_at=firing.started_at)
    mine.update(state=state, finished_at=timezone.now(), error=error[-4000:])


def beat(firings: Iterable[Firing]) -> None:
    """Say that this worker is still at it."""
    for firing in firings:
        mine = Firing.objects.filter(pk=firing.pk, state=Firing.State.RUNNING, started_at=firing.started_at)
        mine.update(alive_at=timezone.now())


def return_dead() -> int:
    """Give runs of dead workers back; return how many."""
    dead = Firing.objects.filter(state=Firing.State.RUNNING, alive_at__lt=timezone.now() - ALIVE)
    return dead.update(state=Firing.State.PLANNED, started_at=None, alive_at=None)
