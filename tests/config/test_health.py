"""What an administrator, a balancer and a monitor are told about the system: the truth, and what to do."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from otklik.channels.mail.models import MailboxState
from otklik.config import jobs
from otklik.core import beats
from otklik.core.models import Backup, Firing, Installation, WorkerBeat
from otklik.correspondence.models import IncomingMessage, OutgoingMessage
from otklik.people.models import Employee
from otklik.reports import health
from tests.appeals.conftest import World

pytestmark = pytest.mark.django_db
NOW = timezone.now


@pytest.fixture
def world(db: None) -> World:
    return World()


def area(code: str) -> health.Area:
    return next(one for one in health.areas() if one.code == code)


def alive(kind: str, **changes: Any) -> WorkerBeat:
    facts = {"process": f"host:{kind}", "host": "host", "version": "0.1.0", "started_at": NOW(), "beat_at": NOW()}
    return WorkerBeat.objects.create(**{**facts, "kind": kind, **changes})


def test_every_periodic_job_has_its_words(settings: Any) -> None:
    settings.MAILBOXES = ["imap://a", "imap://b"]
    assert health.job_name("mailbox-2") == "Опрос почтового ящика № 2"
    assert [job.name for job in jobs.periodic() if health.job_name(job.name) == job.name] == []


def test_every_area_says_something_when_all_is_well(db: None) -> None:
    assert [one.code for one in health.areas() if not one.facts] == []


def test_a_fact_that_is_not_good_says_what_to_do(world: World, production: Installation, settings: Any) -> None:
    settings.MAILBOXES = ["imap://info:secret@mail.example/INBOX"]
    MailboxState.objects.create(name="info@mail.example/INBOX", polled_at=NOW(), error="ящик не опрошен: отказ")
    alive("worker", beat_at=NOW() - timedelta(minutes=2))
    Firing.objects.create(job="sweep-files", planned_at=NOW() - timedelta(hours=1))
    Backup.objects.create(host="host", name="x", error="OSError: нет места")
    world.email()
    IncomingMessage.objects.update(state=IncomingMessage.State.STORED, stored_at=NOW() - timedelta(hours=1))
    troubles = [fact for one in health.areas() for fact in one.facts if fact.level != health.GOOD]
    assert len(troubles) > 6
    assert [fact for fact in troubles if not fact.do] == []
    assert "secret" not in str(health.areas())


def test_workers_and_schedulers_are_told_apart_from_the_dead(world: World) -> None:
    assert [fact.level for fact in area("workers").facts] == [health.BAD, health.BAD]
    alive("worker")
    alive("scheduler", beat_at=NOW() - beats.ALIVE - timedelta(seconds=5))
    assert [fact.level for fact in area("workers").facts] == [health.GOOD, health.BAD]
    alive("scheduler", process="host:2", version="0.0.9")
    assert "0.0.9" in area("workers").facts[-1].text


def test_a_process_beats_once_and_is_forgotten(world: World) -> None:
    beat = beats.Beat(WorkerBeat.Kind.WORKER)
    beat.give()
    beat.give()
    row = WorkerBeat.objects.get()
    assert abs(row.clock_ahead) < 5
    assert beats.living().count() == 1
    beat.end()
    assert not WorkerBeat.objects.exists()
    alive("worker", beat_at=NOW() - timedelta(days=2))
    alive("worker", process="young")
    jobs.forget_old_firings()
    assert WorkerBeat.objects.get().process == "young"


def test_a_clock_that_is_off_is_named(world: World) -> None:
    assert area("clock").level == health.GOOD
    alive("worker", host="far", clock_ahead=-400.0)
    assert area("clock").level == health.BAD
    assert "far" in area("clock").facts[0].title
    assert "отстают на 6 мин." in area("clock").facts[0].text


@pytest.mark.parametrize(
    ("changes", "level", "words"),
    [
        ({}, "good", "опрошен сегодня"),
        ({"error": "ящик не опрошен: отказано"}, "bad", "отказано"),
        ({"polled_at": NOW() - timedelta(hours=2)}, "bad", "не опрашивался с"),
        ({"polled_at": None}, "warn", "ещё не опрошен"),
    ],
)
def test_a_mailbox_tells_its_last_poll(changes: dict[str, Any], level: str, words: str, settings: Any) -> None:
    settings.MAILBOXES = ["imaps://info%40d.example:secret@mail.example/INBOX?point=email-info"]
    MailboxState.objects.create(**{"name": "info@d.example@mail.example/INBOX", "polled_at": NOW(), **changes})
    [fact] = area("mailboxes").facts
    assert (fact.level, words in fact.text) == (level, True), fact


def test_a_letter_left_in_its_mailbox_as_too_large_asks_for_a_look(settings: Any) -> None:
    settings.MAILBOXES = ["imaps://info:secret@mail.example/INBOX?folder=Junk"]
    box = MailboxState.objects.create(name="info@mail.example/Junk", polled_at=NOW())
    MailboxState.objects.create(name="info@mail.example/INBOX", polled_at=NOW())
    box.left.create(uid="7", reason="too_large", size=10**9)
    facts = area("mailboxes").facts
    assert [fact.level for fact in facts] == ["good", "warn", "good"]
    assert "больше предела: 1" in facts[1].text


def test_queues_and_decisions(world: World) -> None:
    assert (area("queues").level, area("decisions").level) == (health.GOOD, health.GOOD)
    letter = world.email()
    IncomingMessage.objects.filter(pk=letter.pk).update(
        state=IncomingMessage.State.STORED, stored_at=NOW() - timedelta(minutes=10)
    )
    [fact] = area("queues").facts
    assert (fact.level, fact.title) == (health.BAD, "электронная почта")
    assert "не разобрано 10 мин." in fact.text
    IncomingMessage.objects.update(state=IncomingMessage.State.QUARANTINED)
    assert area("decisions").level == health.WARN
    assert "сообщений: 1" in area("decisions").facts[1].text


def test_jobs_tell_what_failed_and_what_nobody_takes(world: World) -> None:
    ago = timedelta(minutes=30)
    done, failed = Firing.State.DONE, Firing.State.FAILED
    Firing.objects.create(job="seal-journal", planned_at=NOW() - ago, state=failed, finished_at=NOW() - ago)
    Firing.objects.create(job="return-stuck", planned_at=NOW() - ago)
    Firing.objects.create(job="sweep-files", planned_at=NOW() - 2 * ago, state=failed, finished_at=NOW() - 2 * ago)
    Firing.objects.create(job="sweep-files", planned_at=NOW() - ago, state=done, finished_at=NOW() - ago)
    levels = {fact.title: fact.level for fact in area("jobs").facts}
    assert levels == {
        "Печать журнала за день": health.BAD,
        "Возврат прерванных отправок": health.BAD,
        "Уборка ненужных файлов": health.GOOD,
    }


@pytest.mark.parametrize(("hours", "level"), [(1, "good"), (30, "warn"), (24 * 8, "bad")])
def test_a_backup_grows_old(hours: int, level: str, production: Installation) -> None:
    assert area("backups").level == health.BAD
    Backup.objects.create(host="h", name="a", finished_at=NOW() - timedelta(hours=hours))
    assert area("backups").level == level


def test_the_page_is_for_administrators_and_puts_troubles_first(world: World, client: Client) -> None:
    admin = world.employee("admin", "Настройкина", world.hq, ["admin"])
    client.force_login(world.clerk)
    assert client.get("/desk/system/").status_code == 403
    client.force_login(admin)
    page = client.get("/desk/system/").content.decode()
    titles = re.findall(r'<h2 id="area-\w+">(.+?)</h2>', page)
    assert titles[0] == "Службы"
    assert len(titles) == len(health._AREAS)
    assert "systemctl start otklik-worker" in page
    assert 'href="/desk/system/"' in page
    client.force_login(Employee.objects.get(pk=world.clerk.pk))
    assert 'href="/desk/system/"' not in client.get("/desk/").content.decode()


def test_a_long_area_shows_what_is_not_good_and_folds_the_rest() -> None:
    good = [health.Fact(f"Задание {one}", "выполнено") for one in range(20)]
    bad = health.Fact("Задание 20", "не выполнено", health.BAD, "Посмотрите журнал")
    long, short = health.Area("jobs", "Задания", [*good, bad]), health.Area("disk", "Диск", good[:3])
    assert (long.told, long.folded) == ([bad], good)
    assert (short.told, short.folded) == (good[:3], [])


def test_ready_names_who_works(client: Client) -> None:
    alive("worker")
    alive("scheduler")
    assert client.get("/readyz").json()["working"] == ["scheduler", "worker"]


# Figures for a monitor


def figures(client: Client, **options: Any) -> dict[str, float]:
    answer = client.get("/metrics", **options)
    assert answer.status_code == 200
    lines = [line for line in answer.content.decode().splitlines() if not line.startswith("#")]
    return {line.rpartition(" ")[0]: float(line.rpartition(" ")[2]) for line in lines}


def test_figures_count_requests_by_view_and_never_by_address(world: World, client: Client) -> None:
    name = 'otklik_requests_total{method="GET",status="302",view="workplace:card"}'
    before = figures(client).get(name, 0)
    client.get("/desk/appeals/987654321/")
    client.get("/nowhere/secret@citizen.example")
    told = figures(client)
    assert told[name] == before + 1
    assert told['otklik_request_seconds_count{view="workplace:card"}'] >= 1
    assert told['otklik_requests_total{method="GET",status="404",view="-"}'] >= 1
    assert not any("987654321" in one or "citizen.example" in one for one in told)


def test_figures_tell_queues_states_and_processes(world: World, client: Client) -> None:
    letter = world.email()
    IncomingMessage.objects.filter(pk=letter.pk).update(
        state=IncomingMessage.State.STORED, stored_at=NOW() - timedelta(minutes=10)
    )
    alive("worker")
    told = figures(client)
    assert told['otklik_oldest_seconds{channel="email",queue="unprocessed"}'] >= 600
    assert told['otklik_incoming_messages{channel="email",state="stored"}'] == 1
    assert told['otklik_processes{kind="worker"}'] == 1
    assert told['otklik_processes{kind="scheduler"}'] == 0
    assert told['otklik_state{area="queues"}'] == 2
    assert told["otklik_disk_free_bytes"] > 0
    assert OutgoingMessage.objects.count() == 0


@pytest.mark.parametrize(
    ("options", "proxies", "status"),
    [
        ({}, [], 200),
        ({"REMOTE_ADDR": "10.1.2.3"}, [], 404),
        ({"REMOTE_ADDR": "10.1.2.3", "HTTP_AUTHORIZATION": "Bearer right"}, [], 200),
        ({"REMOTE_ADDR": "10.1.2.3", "HTTP_AUTHORIZATION": "Bearer wrong"}, [], 404),
        ({"REMOTE_ADDR": "10.1.2.3", "HTTP_AUTHORIZATION": "Bearer "}, [], 404),
        ({"HTTP_X_FORWARDED_FOR": "203.0.113.7"}, [], 404),
        ({"HTTP_X_FORWARDED_FOR": "203.0.113.7"}, ["127.0.0.1"], 404),
        ({"HTTP_X_FORWARDED_FOR": "127.0.0.1"}, ["127.0.0.1"], 404),
    ],
)
def test_figures_are_for_this_machine_or_the_token(
    options: dict[str, str], proxies: list[str], status: int, client: Client, settings: Any
) -> None:
    settings.METRICS_TOKEN, settings.TRUSTED_PROXIES = "right", proxies
    assert client.get("/metrics", **options).status_code == status


def test_without_a_token_in_settings_none_opens(client: Client) -> None:
    assert client.get("/metrics", REMOTE_ADDR="10.1.2.3", HTTP_AUTHORIZATION="Bearer ").status_code == 404


def test_where_it_is_asked_for_every_answer_says_how_many_statements_it_took(client: Client, settings: Any) -> None:
    assert "Server-Timing" not in client.get("/readyz")
    settings.SERVER_TIMING = True
    with CaptureQueriesContext(connection) as asked:
        told = client.get("/readyz")["Server-Timing"]
    assert len(asked) > 0
    assert f"queries;dur={len(asked)}.0" in told
    assert set(re.findall(r"(\w+);dur=", told)) == {"total", "db", "queries"}
