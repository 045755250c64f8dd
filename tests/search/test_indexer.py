"""What is put comes into every machine's index, once, whatever dies, breaks, commits late or is started twice."""

from __future__ import annotations

import json
import os
import random
import shutil
import signal
import threading
import time
from datetime import timedelta

import pytest
from django.core.management import CommandError, call_command
from django.db import connection, connections, transaction
from django.utils import timezone

from otklik.search import changes, engine, fallback, reading
from otklik.search import indexer as indexers
from otklik.search.changes import Position
from otklik.search.folder import Busy, Folder
from otklik.search.index import Index, is_whole
from otklik.search.indexer import Indexer
from otklik.search.models import Change, Entry, IndexHost
from tests.dying import in_a_process
from tests.sizes import size

pytestmark = pytest.mark.django_db
postgres_only = pytest.mark.skipif("not config.getoption('db') == 'postgres'", reason="SQLite lets one write at a time")
BEYOND = 2**62  # more than any database has counted: a transaction of a neighbour may hold the true one back
WORDS = ("аренда", "гараж", "сервитут", "межевание", "квартал")


@pytest.fixture(autouse=True)
def on_disk(settings):
    """Answer as an installation does: from the disk, or from the table."""
    settings.SEARCH_AT_ONCE = False


@pytest.fixture
def folder(settings) -> Folder:
    return Folder(settings.SEARCH_ROOT)


@pytest.fixture
def indexer(folder):
    opened = Indexer(folder)
    yield opened
    opened._close_indexes()
    folder.release()


def put(key: str, title: str = "Аренда", *, scopes: tuple[str, ...] = ("all",)) -> None:
    engine.put("t", key, title=title, body=f"{title} участка номер{key}", scopes=scopes)


def keys(query: str, scopes: tuple[str, ...] = ("all",)) -> list[str]:
    return sorted(hit.key for hit in engine.find("t", query, scopes=scopes, limit=100))


def work(one: Indexer) -> None:
    while one.work():
        pass


def of_index(folder: Folder, name: str = "t") -> Index | None:
    state = folder.state()
    return Index(folder.path(state.folders[name])) if state and name in state.folders else None


def held(folder: Folder) -> list[str]:
    """Return the keys an index holds, each as often as it holds it."""
    view = of_index(folder).view()
    return sorted(one.key for one in view.best({"участок": 1.0}, 10_000))


@pytest.fixture
def no_table(monkeypatch):
    """Refuse to answer from the table: what is found is found in an index."""
    monkeypatch.setattr(reading, "Table", None)


def test_what_is_put_changed_and_dropped_is_found_by_the_index(indexer, no_table):
    put("1")
    put("2", "Гараж")
    work(indexer)
    assert keys("аренда") == ["1"]
    put("1", "Сервитут")
    engine.drop("t", "2")
    work(indexer)
    assert (keys("аренда"), keys("гараж"), keys("сервитут")) == ([], [], ["1"])


def test_a_commit_carries_many_changes_and_reads_each_document_once(indexer, monkeypatch):
    put("0")
    work(indexer)
    written = []
    monkeypatch.setattr(
        Index, "write", lambda self, put, drop=(): written.append(([one.key for one in put], sorted(drop)))
    )
    for title in WORDS:
        put("1", title)
    put("2")
    put("3")
    engine.drop("t", "3")
    work(indexer)
    assert written == [(["1", "2"], ["3"])]


def test_a_reader_sees_only_what_one_of_the_scopes_opens_and_no_words_of_others(indexer, no_table):
    put("1", scopes=("all",))
    put("2", "Вертолёт", scopes=("unit:5",))
    work(indexer)
    assert keys("вертолёт") == keys("вертолёт", ("unit",)) == keys("вертолёт", ("unit:55",)) == []
    assert keys("вертолёт", ("all", "unit:5")) == ["2"]
    open_to_all, open_to_unit = (of_index(indexer.folder).view([scope]) for scope in ("all", "unit:5"))
    assert (open_to_all.begun("верт", 5), open_to_unit.begun("верт", 5)) == ([], ["вертолет"])
    assert (open_to_all.sounding("фртлт", list, 5), open_to_unit.sounding("фртлт", list, 5)) == ([], ["вертолет"])


def test_hidden_documents_do_not_use_up_the_places_of_open_ones(indexer, no_table):
    for number in range(150):
        put(f"s{number}", "Аренда аренда", scopes=("staff",))
    put("open")
    work(indexer)
    assert [hit.key for hit in engine.find("t", "аренда", scopes=["all"], limit=1)] == ["open"]


def test_who_may_no_longer_see_an_entry_does_not_though_the_index_is_behind(indexer, no_table):
    put("1")
    work(indexer)
    put("1", scopes=("staff",))
    assert keys("аренда") == []


# What is wrong is found and mended; meanwhile the table answers


def test_without_an_index_the_table_answers_and_keeps_rights(folder):
    put("1", "Аренда участков под гаражами")
    put("2", "Ёлочные базары")
    put("3", "Вертолёт", scopes=("staff",))
    assert folder.state() is None
    assert keys("арендой") == ["1"]
    assert keys("елочный базар") == ["2"]
    assert keys("АРЕНДА гаражей")[:1] == ["1"]
    assert keys("вертолёт") == []
    assert keys("вертолёт", ("staff",)) == ["3"]
    assert [hit.key for hit in engine.ask("t", "елоч", scopes=["all"], typing=True).hits] == ["2"]


def test_the_table_is_read_within_bounds_whatever_is_asked(folder, django_assert_max_num_queries, monkeypatch):
    monkeypatch.setattr(fallback, "_NEWEST", 20)
    monkeypatch.setattr(fallback, "_EACH", 5)
    for number in range(40):
        put(str(number))
    letter = " ".join(f"слово{number} аренда участок плата квартал" for number in range(200))
    with django_assert_max_num_queries(14):
        assert len(keys(letter)) <= 10
    assert min(map(int, keys("аренда"))) >= 20  # the others are too old for the table


def broken_bytes(folder: Folder) -> None:
    one = next(folder.path(folder.state().folders["t"]).glob("*.term"))
    content = bytearray(one.read_bytes())
    content[10:60] = bytes(50)
    one.write_bytes(bytes(content))


def cut_short(folder: Folder) -> None:
    for one in folder.path(folder.state().folders["t"]).glob("*.store"):
        os.truncate(one, 20)


def no_meta(folder: Folder) -> None:
    (folder.path(folder.state().folders["t"]) / "meta.json").write_text("{")


def no_index(folder: Folder) -> None:
    shutil.rmtree(folder.path(folder.state().folders["t"]))


def no_state(folder: Folder) -> None:
    (folder.root / "state.json").unlink()


def half_a_state(folder: Folder) -> None:
    (folder.root / "state.json").write_text('{"position": [1')


def another_format(folder: Folder) -> None:
    told = json.loads((folder.root / "state.json").read_text())
    (folder.root / "state.json").write_text(json.dumps(told | {"format": "0/other"}))


def another_host(folder: Folder) -> None:
    told = json.loads((folder.root / "state.json").read_text())
    (folder.root / "state.json").write_text(json.dumps(told | {"host": "copied-from-elsewhere"}))


def nothing_left(folder: Folder) -> None:
    shutil.rmtree(folder.root)


DAMAGES = [
    broken_bytes, cut_short, no_meta, no_index, no_state, half_a_state, another_format, another_host, nothing_left,
]  # fmt: skip


@pytest.mark.parametrize("damage", DAMAGES)
def test_damage_is_found_at_start_and_mended_and_meanwhile_the_table_answers(folder, damage, monkeypatch):
    first = Indexer(folder)
    for number in range(5):
        put(str(number))
    work(first)
    first.close()
    damage(folder)
    fresh = reading._Shelf()  # a process that has nothing open yet
    monkeypatch.setattr(reading, "_shelf", fresh)
    if damage is not broken_bytes:  # which may hit a place that this query does not read
        assert keys("аренда") == ["0", "1", "2", "3", "4"]
    second = Indexer(folder)
    put("5")
    work(second)
    assert held(folder) == ["0", "1", "2", "3", "4", "5"]
    monkeypatch.setattr(reading, "Table", None)
    assert keys("аренда") == ["0", "1", "2", "3", "4", "5"]
    assert len([one for one in folder.root.iterdir() if one.is_dir()]) == 1
    second.close()


@pytest.mark.parametrize("damage", [no_index, no_state, nothing_left])
def test_what_is_removed_under_a_working_indexer_is_built_anew(folder, damage):
    one = Indexer(folder)
    put("1")
    work(one)
    damage(folder)
    put("2")
    work(one)
    assert held(folder) == ["1", "2"]
    one.close()


def test_an_index_that_a_reader_cannot_read_is_looked_after(indexer, monkeypatch, caplog):
    put("1")
    work(indexer)
    broken_bytes(indexer.folder)
    cut_short(indexer.folder)
    monkeypatch.setattr(reading, "_shelf", reading._Shelf())
    assert keys("аренда") == ["1"]
    assert indexer.folder.asked() == {"t": False}
    before = indexer.state.folders["t"]
    work(indexer)
    assert indexer.folder.asked() == {}
    assert indexer.state.folders["t"] != before
    monkeypatch.setattr(reading, "Table", None)
    assert keys("аренда") == ["1"]


def test_a_reader_with_a_fault_of_its_own_has_no_index_built_anew(indexer):
    put("1")
    work(indexer)
    before = indexer.state.folders["t"]
    indexer.folder.ask("t", anew=False)
    work(indexer)
    assert (indexer.folder.asked(), indexer.state.folders["t"]) == ({}, before)


def test_a_reader_takes_nothing_from_what_reindex_asked(indexer):
    put("1")
    work(indexer)
    before = indexer.state.folders["t"]
    indexer.folder.ask("t", anew=True)
    indexer.folder.ask("t", anew=False)
    work(indexer)
    assert indexer.state.folders["t"] != before


def test_documents_that_are_missing_without_a_trace_are_noticed(indexer):
    put("1")
    put("2")
    work(indexer)
    indexer.indexes["t"].write([], ["1"])
    indexer._last.pop("counted")
    indexer.work()
    work(indexer)
    assert held(indexer.folder) == ["1", "2"]


def test_a_second_indexer_is_refused_by_name(indexer):
    with pytest.raises(Busy, match=f"уже ведёт другой процесс \\(PID {os.getpid()}\\)"):
        Indexer(Folder(indexer.folder.root))
    with pytest.raises(CommandError, match="уже ведёт другой процесс"):
        call_command("indexer")


def test_a_database_carried_here_from_elsewhere_is_noticed(indexer):
    put("1")
    work(indexer)
    indexer.state.position = Position(indexer.state.position.floor + 1_000_000, {})
    work(indexer)
    put("2")
    work(indexer)
    assert held(indexer.folder) == ["1", "2"]
    assert IndexHost.objects.count() == 1


# Several machines


def test_changes_go_once_every_machine_has_read_them(folder, tmp_path):
    one, two = Indexer(folder), Indexer(Folder(tmp_path / "other"))
    put("1")
    work(one)
    one._report()
    changes.retire()
    assert Change.objects.count() == 1
    assert held(folder) == ["1"]
    work(two)
    assert held(two.folder) == ["1"]
    IndexHost.objects.update(position=BEYOND)
    changes.retire()
    assert not Change.objects.exists()
    one.close()
    two.close()


def test_a_machine_silent_for_a_week_is_waited_for_no_longer_and_builds_anew(folder, tmp_path):
    one, two = Indexer(folder), Indexer(Folder(tmp_path / "other"))
    put("1")
    work(two)
    IndexHost.objects.filter(token=one.state.token).update(seen_at=timezone.now() - timedelta(days=8))
    IndexHost.objects.filter(token=two.state.token).update(position=BEYOND)
    changes.retire()
    assert not Change.objects.exists()
    work(one)
    assert held(folder) == ["1"]
    assert IndexHost.objects.count() == 2
    one.close()
    two.close()


def test_what_changes_while_an_index_is_built_is_in_it(indexer, monkeypatch):
    for number in range(10):
        put(str(number))
    work(indexer)
    document = indexers._document

    def meddling(entry):
        if entry.key == "5":
            engine.drop("t", "0")
            put("1", "Сервитут")
            put("10")
        return document(entry)

    indexer.folder.ask("t", anew=True)
    monkeypatch.setattr(indexers, "_document", meddling)
    indexer.work()
    monkeypatch.setattr(indexers, "_document", document)
    work(indexer)
    assert held(indexer.folder) == sorted(map(str, range(1, 11)))
    assert keys("сервитут") == ["1"]


def test_other_indexes_go_on_while_one_is_built(indexer, monkeypatch):
    monkeypatch.setattr(indexers, "BETWEEN_COMMITS", 0.0)
    put("1")
    engine.put("other", "x", title="Вертолёт", body="", scopes=["all"])
    work(indexer)
    seen = []
    document = indexers._document

    def meddling(entry):
        if entry.index == "t":
            engine.put("other", "x", title="Самолёт", body="", scopes=["all"])
            seen.append([hit.key for hit in engine.find("other", "самолёт", scopes=["all"])])
        return document(entry)

    for number in range(3):
        put(str(number))
    indexer.folder.ask("t", anew=True)
    monkeypatch.setattr(indexers, "_document", meddling)
    monkeypatch.setattr(reading, "Table", None)
    work(indexer)
    assert seen[-1] == ["x"]


def test_a_long_queue_of_changes_takes_half_the_time_of_a_build_at_most(indexer, monkeypatch):
    """A million entries put at once wait as changes for the index that stands: the new one is built all the same."""
    monkeypatch.setattr(indexers, "BETWEEN_COMMITS", 0.0)
    for number in range(60):
        put(str(number))
    work(indexer)
    clock, spent, step = [0.0], [0.0, 0.0], 10.0
    document = indexers._document

    def busy():
        clock[0] += step
        spent[0] += step
        return True

    def analysed(entry):
        clock[0] += 1.0
        spent[1] += 1.0
        return document(entry)

    monkeypatch.setattr(indexers.time, "monotonic", lambda: clock[0])
    monkeypatch.setattr(indexer, "step", busy)
    monkeypatch.setattr(indexers, "_document", analysed)
    indexer.wanted["t"] = True
    indexer.build()
    assert 0 < spent[0] <= spent[1] + step


# Real transactions


@postgres_only
@pytest.mark.django_db(transaction=True)
def test_a_transaction_that_commits_late_is_not_lost(folder, monkeypatch):
    one = Indexer(folder)
    put("0")
    work(one)
    begun, may_commit = threading.Event(), threading.Event()

    def late() -> None:
        with transaction.atomic():
            put("late", "Сервитут")
            begun.set()
            may_commit.wait(20)
        connection.close()

    thread = threading.Thread(target=late)
    thread.start()
    assert begun.wait(10)
    monkeypatch.setattr(indexers, "BATCH", 3)
    for number in range(1, 10):
        put(str(number))
    work(one)
    assert keys("сервитут") == []
    assert len(held(folder)) == 10
    # Read, and looked past until the late one has ended; of the cluster's other databases some may be late as well.
    assert len(one.state.position.seen) >= 9
    # Nor by who goes on from what is written down.
    one.close()
    two = Indexer(folder)
    one._report()
    changes.retire()
    may_commit.set()
    thread.join()
    work(two)
    monkeypatch.setattr(reading, "Table", None)
    assert keys("сервитут") == ["late"]
    until = time.monotonic() + 60
    while two.state.position.seen and time.monotonic() < until:  # a neighbour's transaction holds everybody up
        time.sleep(0.1)
        work(two)
    assert not two.state.position.seen
    two.close()


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("point", ["search.written", "search.committed", "search.built"])
def test_an_indexer_killed_at_a_marked_point_loses_and_doubles_nothing(folder, point):
    put("0")
    keep_up(folder)
    for turn in range(1, 4):
        put(f"{turn}a")
        if point == "search.built":
            folder.ask("t", anew=True)
        killed = in_a_process(lambda: keep_up(folder), crash_at=point)
        assert killed
        put(f"{turn}b")
        in_a_process(lambda: keep_up(folder))
        assert held(folder) == sorted(["0", *(f"{number}{letter}" for number in range(1, turn + 1) for letter in "ab")])


@pytest.mark.django_db(transaction=True)
@pytest.mark.proof
def test_an_indexer_killed_at_any_moment_loses_and_doubles_nothing(folder, full_size):
    chance = random.Random(5)
    alive: dict[str, str] = {}
    deaths = 0
    for turn in range(size(12, 200)):
        connections.close_all()
        child = os.fork()
        if child == 0:
            keep_up(folder, forever=True)
            os._exit(0)
        until = time.monotonic() + chance.uniform(0.02, 0.5)
        while time.monotonic() < until:
            key, word = str(chance.randrange(30)), chance.choice(WORDS)
            if chance.random() < 0.2:
                engine.drop("t", key)
                alive.pop(key, None)
            else:
                put(key, word)
                alive[key] = word
        if turn % 7 == 3:
            folder.ask("t", anew=True)
        os.kill(child, signal.SIGKILL)
        _, status = os.waitpid(child, 0)
        deaths += os.WIFSIGNALED(status)
    assert deaths > 3
    in_a_process(lambda: keep_up(folder))
    assert held(folder) == sorted(alive)
    view = of_index(folder).view()
    for word in WORDS:
        met = [one.key for one in view.best({word: 1.0}, 100) if word in one.title]
        assert sorted(met) == sorted(key for key, its in alive.items() if its == word)
    assert is_whole(folder.path(folder.state().folders["t"]))


def keep_up(folder: Folder, *, forever: bool = False) -> None:
    one = Indexer(folder)
    while one.work() or forever:
        pass
    one.close()


@pytest.mark.django_db(transaction=True)
def test_reindex_asks_the_indexer_that_works_here(folder, capsys):
    engine.put("site", "7", title="Аренда", body="", scopes=["public"])
    stopping = threading.Event()
    started = threading.Event()

    def keep() -> None:
        one = Indexer(folder)
        started.set()
        one.run(stopping)

    thread = threading.Thread(target=keep)
    thread.start()
    try:
        assert started.wait(20)
        Entry.objects.filter(index="site").exists()
        call_command("reindex", "appeals")
    finally:
        stopping.set()
        thread.join(20)
    assert "Готово: записей в поиске 0" in capsys.readouterr().out
    assert {"appeals", "site"} <= set(folder.state().folders)


def test_reindex_builds_by_itself_where_no_indexer_works(folder, capsys):
    engine.put("appeals", "7", title="Аренда", body="", scopes=["all"])
    call_command("reindex", "appeals")
    told = capsys.readouterr().out
    assert "Указатель «обращения»: 1 из 1 (100 %)" in told
    assert "Готово: записей в поиске 1" in told
    assert not folder.is_kept()
    assert of_index(folder, "appeals").view().size() == 1


def test_reindex_refuses_a_name_it_does_not_know(folder):
    with pytest.raises(CommandError, match="Нет указателя «letters»"):
        call_command("reindex", "letters")
