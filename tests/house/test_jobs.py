"""Work without people: planned once, done by one, given back when its worker dies, ended whatever others do."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from datetime import time as clock
from typing import Any

import pytest
from django.db import DatabaseError, connection
from django.test import Client
from django.utils import timezone

from otklik.channels.mail import imap
from otklik.channels.registry import all_channels, all_readers
from otklik.config import firing, jobs, worker
from otklik.config.jobs import Job
from otklik.core import beats
from otklik.core.models import Firing
from otklik.correspondence.models import IncomingMessage
from tests.appeals.conftest import World

NOW = datetime(2026, 11, 24, 5, 0, 20, tzinfo=UTC)
State = Firing.State


def nothing() -> None:
    """Do nothing, well."""


def at_once(step: Callable[[], Any], times: int = 2) -> list[Any]:
    """Run a step in several threads that start together; an error in one fails the test."""
    start, results = threading.Barrier(times), []

    def one() -> None:
        start.wait()
        try:
            results.append(step())
        except Exception as error:
            results.append(error)
        finally:
            connection.close()

    threads = [threading.Thread(target=one) for _ in range(times)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert [one for one in results if isinstance(one, Exception)] == []
    assert len(results) == times
    return results


def wait_for(ready: Callable[[], bool], seconds: float = 20) -> None:
    """Return as soon as it is so."""
    end = time.monotonic() + seconds
    while not ready():
        assert time.monotonic() < end, "it did not happen in time"
        time.sleep(0.05)


@pytest.mark.django_db(transaction=True)
def test_two_schedulers_plan_one_run() -> None:
    job = Job("sweep", nothing, every=timedelta(minutes=1))
    assert at_once(lambda: firing.plan(job, NOW), 4) == [True] * 4
    assert list(Firing.objects.values_list("job", "planned_at")) == [("sweep", NOW.replace(second=0))]


@pytest.mark.django_db(transaction=True)
def test_of_two_workers_one_takes_the_run() -> None:
    Firing.objects.create(job="sweep", planned_at=NOW)
    taken = at_once(lambda: firing.take(["sweep"]), 4)
    assert len([one for one in taken if one]) == 1
    assert Firing.objects.get().state == State.RUNNING


@pytest.mark.django_db
def test_a_run_waits_until_its_forerunner_is_over() -> None:
    job = Job("sweep", nothing, every=timedelta(minutes=1))
    assert firing.plan(job, NOW)
    assert not firing.plan(job, NOW + timedelta(minutes=1))
    assert Firing.objects.count() == 1
    taken = firing.take(["sweep"])
    assert taken
    firing.run(taken, job)
    assert firing.plan(job, NOW + timedelta(minutes=1))
    assert Firing.objects.count() == 2


@pytest.mark.django_db
def test_a_daily_job_is_planned_for_its_local_time_once_it_has_come() -> None:
    job = Job("seal", nothing, daily_at=clock(12, 0))  # 05:00 UTC in Novosibirsk
    assert firing.plan(job, NOW - timedelta(minutes=1))
    assert not Firing.objects.exists()
    assert firing.plan(job, NOW)
    assert firing.plan(job, NOW + timedelta(hours=5))
    assert Firing.objects.get().planned_at == NOW.replace(second=0)


@pytest.mark.django_db
def test_a_silent_run_goes_back_and_its_late_end_changes_nothing() -> None:
    Firing.objects.create(job="sweep", planned_at=NOW)
    dead = firing.take(["sweep"])
    assert dead
    assert firing.return_dead() == 0
    Firing.objects.update(alive_at=timezone.now() - firing.ALIVE - timedelta(seconds=1))
    assert firing.return_dead() == 1
    heir = firing.take(["sweep"])
    assert heir
    firing.end(dead, State.FAILED, "поздно")
    assert Firing.objects.get().state == State.RUNNING
    firing.end(heir, State.DONE)
    assert Firing.objects.get().state == State.DONE


@pytest.mark.django_db
def test_a_run_that_beats_is_left_alone() -> None:
    Firing.objects.create(job="sweep", planned_at=NOW)
    taken = firing.take(["sweep"])
    assert taken
    Firing.objects.update(alive_at=timezone.now() - timedelta(hours=1))
    firing.beat([taken])
    assert firing.return_dead() == 0


def working(monkeypatch: pytest.MonkeyPatch, *periodic: Job, until: Callable[[], bool]) -> None:
    """Let a worker do these jobs, and no steps, until it is so."""
    monkeypatch.setattr(jobs, "periodic", lambda: list(periodic))
    monkeypatch.setattr(jobs, "steps", lambda _channels: {})
    monkeypatch.setattr(worker, "IDLE", 0.05)
    one = worker.Worker()

    def work() -> None:
        one.run()
        connection.close()

    thread = threading.Thread(target=work)
    thread.start()
    try:
        wait_for(until)
    finally:
        one.stop()
        thread.join(30)
    assert not thread.is_alive()


@pytest.mark.django_db(transaction=True)
def test_a_failing_job_is_recorded_and_stops_no_other(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail() -> None:
        raise ValueError("сломано")

    for name in ("broken", "sound"):
        Firing.objects.create(job=name, planned_at=NOW)
    over = Firing.objects.filter(finished_at__isnull=False)
    working(monkeypatch, Job("broken", fail), Job("sound", nothing), until=lambda: over.count() == 2)
    assert dict(Firing.objects.values_list("job", "state")) == {"broken": State.FAILED, "sound": State.DONE}
    assert "сломано" in Firing.objects.get(job="broken").error


@pytest.mark.django_db(transaction=True)
def test_a_mailbox_that_hangs_or_fails_delays_no_other(monkeypatch: pytest.MonkeyPatch, settings: Any) -> None:
    settings.MAILBOXES = ["imap://hangs", "imap://fails", "imap://sound"]
    release, polled = threading.Event(), []

    def poll(url: str, _channel: object) -> None:
        if url.endswith("hangs"):
            release.wait(30)
        if url.endswith("fails"):
            raise OSError("no route")
        polled.append(url)

    monkeypatch.setattr(imap, "poll", poll)
    boxes = [job for job in jobs.periodic() if job.name.startswith("mailbox-")]
    for job in boxes:
        assert firing.plan(job, NOW)

    def states() -> list[str]:
        return list(Firing.objects.order_by("job").values_list("state", flat=True))

    def others_are_over() -> bool:
        if states() != [State.RUNNING, State.FAILED, State.DONE]:
            return False
        release.set()
        return True

    working(monkeypatch, *boxes, until=others_are_over)
    assert polled == ["imap://sound", "imap://hangs"]
    assert states() == [State.DONE, State.FAILED, State.DONE]


@pytest.mark.django_db
def test_past_runs_are_forgotten_and_the_unfinished_are_kept() -> None:
    old = timezone.now() - jobs.FIRINGS_KEPT - timedelta(days=1)
    for state in State.values:
        Firing.objects.create(job=state, planned_at=old, state=state)
    assert jobs.forget_old_firings() == 2
    assert set(Firing.objects.values_list("state", flat=True)) == {State.PLANNED, State.RUNNING}


@pytest.mark.django_db
def test_ready_tells_how_long_each_channel_waits(client: Client) -> None:
    empty = client.get("/readyz")
    assert empty.status_code == 200
    channels = empty.json()["channels"]
    assert set(channels) == set(all_readers())
    assert {age for ages in channels.values() for age in ages.values()} == {None}

    letter = World().email()
    IncomingMessage.objects.filter(pk=letter.pk).update(
        state=IncomingMessage.State.STORED, stored_at=timezone.now() - timedelta(minutes=10)
    )
    channels = client.get("/readyz").json()["channels"]
    assert 600 <= channels["email"]["unprocessed_seconds"] < 660
    assert channels["website"]["unprocessed_seconds"] is None


@pytest.mark.django_db
def test_without_a_database_the_process_lives_but_is_not_ready(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail() -> None:
        raise DatabaseError("gone")

    monkeypatch.setattr(beats, "living", fail)
    assert client.get("/readyz").status_code == 503
    alive = client.get("/healthz")
    assert (alive.status_code, alive.content) == (200, b"ok")


@pytest.mark.django_db
def test_a_run_besides_the_clock_is_planned_once_and_not_while_one_goes_on() -> None:
    runs = Firing.objects.filter(job="mailbox-1")
    assert firing.plan_now("mailbox-1")
    assert firing.plan_now("mailbox-1")
    assert runs.count() == 1
    runs.update(state=State.RUNNING)
    assert not firing.plan_now("mailbox-1")
    runs.update(state=State.DONE)
    assert firing.plan_now("mailbox-1")
    assert runs.count() == 2


def test_only_mailboxes_that_ask_for_it_are_listened_to(settings: Any) -> None:
    settings.MAILBOXES = ["imaps://a:b@mail.example/INBOX", "imaps://c:d@mail.example/INBOX?point=x&idle=yes"]
    assert [name for name, _ in jobs.listened_to()] == ["mailbox-2"]


def test_of_steps_that_share_a_thread_a_failing_one_stops_no_other() -> None:
    done = []

    def fails() -> bool:
        raise DatabaseError

    def works() -> bool:
        done.append("work")
        return True

    with pytest.raises(ExceptionGroup):
        jobs.in_turn(fails, works)()
    assert done == ["work"]
    assert jobs.in_turn(lambda: False, works)()
    assert not jobs.in_turn(lambda: False, lambda: False)()


def test_an_empty_queue_somebody_waits_for_is_looked_at_each_second_and_the_others_less_often() -> None:
    steps = jobs.steps(all_channels())
    watched = {"read", "join", "desk", "papers", "moving", "figures", "examine", "notices"}
    assert {name for name in steps if jobs.rest(name) == 1.0} == watched
    assert {jobs.rest(name) for name in steps} == {1.0, 3.0}
