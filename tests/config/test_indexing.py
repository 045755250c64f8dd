"""`serve` and `worker` see that this machine's search index is kept, and what of it is told to people and monitors."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from otklik.config.indexing import Guard
from otklik.reports import health
from otklik.search import engine
from otklik.search.folder import Folder
from otklik.search.indexer import Indexer
from otklik.search.models import Change, IndexHost
from tests import databases

pytestmark = pytest.mark.django_db


@pytest.fixture
def folder(settings: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Folder:
    """Give the folder that a process started from here will take for its own, too."""
    settings.SEARCH_AT_ONCE = False
    settings.SEARCH_ROOT = tmp_path / "search"
    monkeypatch.setenv("OTKLIK_DATA", str(tmp_path))
    monkeypatch.setenv("DATABASE_URL", databases.address())
    return Folder(settings.SEARCH_ROOT)


@pytest.fixture
def guard() -> Iterator[Guard]:
    one = Guard()
    yield one
    one.stop()


def wait_for(what: Callable[[], Any], seconds: float = 60) -> Any:
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        if found := what():
            return found
        time.sleep(0.1)
    raise AssertionError("waited in vain")


def pid_of(folder: Folder) -> int:
    return int((folder.root / "lock").read_text() or 0) if folder.is_kept() else 0


def found(word: str) -> list[str]:
    return [hit.key for hit in engine.find("t", word, scopes=["all"])]


@pytest.mark.django_db(transaction=True)
def test_an_indexer_is_started_started_again_when_it_dies_and_ended(
    folder: Folder, guard: Guard, monkeypatch: pytest.MonkeyPatch
) -> None:
    engine.put("t", "1", title="Аренда", body="", scopes=["all"])
    guard.start()
    first = wait_for(lambda: pid_of(folder))
    wait_for(lambda: folder.state() and folder.state().folders.get("t"))  # type: ignore[union-attr]
    monkeypatch.setattr("otklik.search.reading.Table", None)  # from here on nothing is answered from the table
    assert found("аренда") == ["1"]
    begun = time.monotonic()
    engine.put("t", "2", title="Сервитут", body="", scopes=["all"])
    wait_for(lambda: found("сервитут") == ["2"], 10)
    assert time.monotonic() - begun < 3 * (1 + os.getloadavg()[0])
    os.kill(first, signal.SIGKILL)
    second = wait_for(lambda: (pid := pid_of(folder)) != first and pid)
    engine.put("t", "3", title="Межевание", body="", scopes=["all"])
    wait_for(lambda: found("межевание") == ["3"])
    guard.stop()
    assert not folder.is_kept()
    with pytest.raises(ProcessLookupError):
        os.kill(second, 0)


@pytest.mark.django_db(transaction=True)
def test_two_who_watch_start_one(folder: Folder, guard: Guard) -> None:
    other = Guard()
    guard.start()
    other.start()
    pid = wait_for(lambda: pid_of(folder))
    time.sleep(3)
    assert pid_of(folder) == pid
    other.stop()
    guard.stop()
    assert not folder.is_kept()


def told() -> dict[str, health.Fact]:
    area = next(one for one in health.areas() if one.code == "search")
    return {fact.title: fact for fact in area.facts}


def test_it_is_told_that_nobody_keeps_the_index_and_search_reads_the_table(folder: Folder, client: Client) -> None:
    engine.put("appeals", "1", title="Аренда", body="", scopes=["all"])
    fact = told()["Указатель этой машины"]
    assert (fact.level, fact.text) == (
        health.BAD,
        "не ведётся, ждёт изменений: 1; пока поиск медленнее и беднее, прямо по записям: обращения",
    )
    state = client.get("/readyz").json()["search"]
    assert (state["kept"], state["by_table"], state["waiting"]) == (False, ["appeals"], 1)


def test_it_is_told_how_far_the_index_is(folder: Folder, client: Client) -> None:
    one = Indexer(folder)
    engine.put("appeals", "1", title="Аренда", body="", scopes=["all"])
    folder.tell("appeals", 5, 10)
    assert told()["Указатель этой машины"].text.startswith("строится заново: обращения, 5 из 10; пока")
    assert client.get("/readyz").json()["search"]["building"] == "appeals"
    while one.work():
        pass
    fact = told()["Указатель этой машины"]
    assert fact.level == health.GOOD
    assert fact.text.startswith("внесено всё, последний раз сегодня в ")
    engine.put("appeals", "1", title="Сервитут", body="", scopes=["all"])
    Change.objects.update(at=timezone.now() - timedelta(minutes=20))
    fact = told()["Указатель этой машины"]
    assert (fact.level, fact.text[:30]) == (health.BAD, "отстаёт, ждёт изменений: 1, са")
    assert client.get("/readyz").json()["search"]["oldest_seconds"] > 1000
    one.close()


def test_a_machine_that_is_waited_for_is_named(folder: Folder) -> None:
    now = timezone.now()
    IndexHost.objects.create(token="a", name="web-1", position=1, seen_at=now)
    IndexHost.objects.create(token="b", name="web-2", position=1, seen_at=now - timedelta(days=1))
    text = told()["Машины с указателем"].text
    assert text.startswith("web-1; web-2 — молчит с ")
