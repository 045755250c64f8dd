"""A worker: one thread for each step of the queues, a few for periodic jobs, all ended by one signal."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress

from django.db import DatabaseError, close_old_connections, connection
from django.utils import timezone

from otklik.channels.mail import idle
from otklik.channels.registry import all_channels
from otklik.config import firing, jobs
from otklik.config.indexing import Guard
from otklik.core import beats
from otklik.core.models import Firing, WorkerBeat
from otklik.workplace import faults

log = logging.getLogger("otklik.worker")
IDLE = 1.0  # seconds between looks for a run that is due
AFTER_ERROR = 5.0  # seconds before a step that failed is tried again
BYE = 3.0  # seconds the end waits for who listens to a mailbox that does not answer
AT_ONCE = 4  # periodic jobs of one worker


class Worker:
    """Works until `stop()`; what has been taken is finished first."""

    def __init__(self) -> None:
        self.stopping = threading.Event()
        self.jobs = {job.name: job for job in jobs.periodic()}
        self.running: dict[Future[None], Firing] = {}
        self.beat = beats.Beat(WorkerBeat.Kind.WORKER)

    def stop(self) -> None:
        """Take nothing new."""
        self.stopping.set()

    def run(self) -> None:
        """Work until stopped."""
        steps, guard = jobs.steps(all_channels()), Guard()
        guard.start()
        threads = [threading.Thread(target=self._repeat, args=item, name=item[0]) for item in steps.items()]
        for thread in threads:
            thread.start()
        with ThreadPoolExecutor(AT_ONCE, thread_name_prefix="job") as pool:
            self._fire(pool)
        for thread in threads:
            thread.join()
        guard.stop()

    def _repeat(self, name: str, step: Callable[[], bool]) -> None:
        """Repeat one step of the queues; rest when there is nothing to take or the step failed."""
        while not self.stopping.is_set():
            close_old_connections()
            try:
                rest = 0.0 if step() else jobs.rest(name)
            except Exception:
                log.exception("step %s failed", name)
                rest = AFTER_ERROR
            if rest:
                self.stopping.wait(rest)
        connection.close()

    def _fire(self, pool: ThreadPoolExecutor) -> None:
        """Take planned runs while there is room, beat for those that run, give back those of the dead."""
        beaten = -beats.EVERY
        while not self.stopping.is_set():
            close_old_connections()
            try:
                if time.monotonic() - beaten > beats.EVERY:
                    self.beat.give()
                    firing.beat(self.running.values())
                    firing.return_dead()
                    beaten = time.monotonic()
                taken = firing.take(self.jobs) if len(self.running) < AT_ONCE else None
            except Exception:
                log.exception("firings cannot be taken")
                self.stopping.wait(AFTER_ERROR)
                continue
            if taken:
                self.running[pool.submit(self._run, taken)] = taken
            else:
                self.stopping.wait(IDLE)
            self.running = {future: row for future, row in self.running.items() if not future.done()}
        _leave(self.beat)

    def _run(self, taken: Firing) -> None:
        try:
            firing.run(taken, self.jobs[taken.job])
        finally:
            connection.close()


def schedule(stopping: threading.Event) -> None:
    """Plan periodic jobs until stopped. Any number of schedulers may run."""
    planned: dict[str, object] = {}
    listening = [threading.Thread(target=_listen, args=(*box, stopping), daemon=True) for box in jobs.listened_to()]
    for thread in listening:
        thread.start()
    everything, beat, beaten = jobs.periodic(), beats.Beat(WorkerBeat.Kind.SCHEDULER), -beats.EVERY
    watcher = threading.Thread(target=_watch, args=(stopping,), daemon=True)
    watcher.start()
    while not stopping.is_set():
        close_old_connections()
        try:
            if time.monotonic() - beaten > beats.EVERY:
                beat.give()
                beaten = time.monotonic()
            for job in everything:
                now = timezone.now()
                slot = job.slot(now)
                if planned.get(job.name) != slot and firing.plan(job, now):
                    planned[job.name] = slot
        except Exception:
            log.exception("jobs cannot be planned")
            stopping.wait(AFTER_ERROR)
        stopping.wait(IDLE)
    for thread in listening:
        thread.join(BYE)
    _leave(beat)


def _watch(stopping: threading.Event) -> None:
    """Look for faults beside the planning: dead workers cannot tell of themselves."""
    watcher = faults.Watcher()
    while not stopping.is_set():
        close_old_connections()
        try:
            watcher.step()
        except Exception:
            log.exception("faults cannot be looked at")
        stopping.wait(IDLE)
    connection.close()


def _listen(job: str, url: str, stopping: threading.Event) -> None:
    """Plan a poll as soon as a mailbox tells of a letter; whatever goes wrong here, the clock goes on planning."""

    def wake() -> bool:
        close_old_connections()
        try:
            return firing.plan_now(job)
        except DatabaseError:
            return False

    try:
        idle.watch(url, wake, stopping)
    except Exception:
        log.exception("%s is not listened to any more", job)
    finally:
        connection.close()


def _leave(beat: beats.Beat) -> None:
    """Say good-bye where the database still listens: silence would tell the same a minute later."""
    with suppress(DatabaseError):
        beat.end()
    connection.close()
