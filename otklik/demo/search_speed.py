"""`otklik bench N --search`: how fast search is over N cases of three messages, in an index and database of its own.

Asked for in the processes a department has, without pages: what a page adds, the other figures say. Each question is
asked of the index on disk, with the rights of an employee who sees one unit.
"""

from __future__ import annotations

import gc
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from multiprocessing import get_context
from pathlib import Path
from random import Random
from typing import Any, Final

from django.urls import get_resolver

INDEX: Final = "appeals"
ROUNDS, SECONDS, THREADS, PROCESSES = 12, 10, 4, 2
SHORT: Final = (
    *("аренда участка", "гаражная амнистия", "предоставление земли многодетным", "выкуп участка под домом", "сервитут"),
    *("О-2026-000567", "54:20:155:12", "межевание границ", "какие документы нужны для аренды", "арнеда учатска"),
    *("pfzdktybt", "бесплатный участок ветерану", "кадастровая стоимость оспорить", "нестационарный торговый объект"),
)
Row = tuple[str, str]


def run(count: int, report: Path) -> list[Row]:
    """Fill a scratch index, ask it, and return the table; the same goes into `report`."""
    with tempfile.TemporaryDirectory(prefix="otklik-search-") as folder:
        env = {**os.environ, "OTKLIK_DATA": folder, "DATABASE_URL": f"sqlite:///{folder}/otklik.sqlite3"}
        env |= {"OTKLIK_LOG_LEVEL": "ERROR", "DJANGO_SETTINGS_MODULE": "otklik.config.settings"}
        _command(["migrate", "-v0"], env)
        _command(["load-defaults"], env)  # the thesaurus
        _told(f"fill({count})", env)
        start = time.perf_counter()
        _command(["reindex", INDEX], env)
        built = time.perf_counter() - start
        size = sum(one.stat().st_size for one in (Path(folder) / "search").rglob("*") if one.is_file()) >> 20
        rows = [("Указатель", f"записей {count}, построен за {built:.0f} с, {size} МБ")]
        alone = _told("alone()", env)
        rows += [(name, alone[name]) for name in alone]
        together = _told("parted()", env)
        for kind in ("коротких", "писем"):
            times = sorted(one for told in together for one in told[kind])
            rate = len(times) / SECONDS
            rows.append((f"Людей сразу: {PROCESSES * THREADS}, {kind}", f"{rate:.0f} в секунду, {_spread(times)}"))
        memory = [told["pss"][0] for told in together]
        rows.append(("Память процессов, которые ищут, PSS", ", ".join(f"{one} МБ" for one in memory)))
        rows.append(("Изменение видно в поиске", _seen(env)))
    report.write_text(json.dumps(dict(rows), ensure_ascii=False, indent=2) + "\n")
    return rows


def fill(count: int) -> dict[str, str]:
    """Store the entries of so many cases."""
    from otklik.demo import seed
    from otklik.demo.stories import STORIES
    from otklik.search.models import Entry

    chance = Random(2725)  # noqa: S311 - figures, not secrets
    for start in range(0, count, 2000):
        Entry.objects.bulk_create(
            Entry(
                index=INDEX,
                key=str(number),
                title=f"О-2026-{number:06d} {chance.choice(STORIES).subject}",
                body="\n".join(
                    f"{seed.text_of(chance)} Участок 54:20:{chance.randint(100, 999)}:12." for _ in range(3)
                ),
                scopes=f" all person:{number % 60} unit:{number % 12} ",
            )
            for number in range(start, min(start + 2000, count))
        )
    return {}


def alone() -> dict[str, str]:
    """Ask one question after another; return the table's lines."""
    from otklik.demo import seed
    from otklik.search import analysis, engine, reading

    _load()
    letters = [seed.text_of(Random(number)) for number in range(len(SHORT))]  # noqa: S311 - figures, not secrets
    scopes = ["person:7", "unit:3"]

    def candidates(text: str) -> object:
        words = dict.fromkeys(analysis.words(text), 1.0)
        return reading.look(INDEX, scopes, lambda store: store.best(words, 50))

    told = {}
    for kind, texts in (("Короткий вопрос", SHORT), ("Письмо", letters)):
        for name, work in (("кандидаты", candidates), ("весь ответ", _ask)):
            used = _times(work, texts, clock=time.process_time)  # the same on a busy machine
            told[f"{kind}: {name}"] = f"{_spread(sorted(_times(work, texts)))}, процессора {_spread(sorted(used))}"
    assert engine.ask(INDEX, SHORT[0], scopes=scopes).hits
    return told


def parted() -> list[dict[str, list[float]]]:
    """Return what `together` says of several processes at once, that part as those of `otklik serve` do."""
    _load()
    with get_context("fork").Pool(PROCESSES) as pool:
        return [one.get() for one in [pool.apply_async(together) for _ in range(PROCESSES)]]


def _load() -> None:
    """Have at hand what a process of `otklik serve` has when it begins to answer."""
    from otklik.search import engine

    get_resolver().url_patterns  # noqa: B018 - the pages
    engine.load()
    gc.freeze()


def together() -> dict[str, list[float]]:
    """Let several people of one process ask at once for some seconds; return how long each answer took, in ms.

    `pss`: the megabytes of this process after it, of what is shared its part.
    """
    from otklik.demo import seed, served

    letters = [seed.text_of(Random(number)) for number in range(len(SHORT))]  # noqa: S311 - figures, not secrets
    found = {}
    for kind, texts in (("коротких", SHORT), ("писем", letters)):
        _times(_ask, texts, rounds=1)
        until = time.perf_counter() + SECONDS

        def person(first: int, texts: Sequence[str] = texts, until: float = until) -> list[float]:
            times, number = [], first
            while time.perf_counter() < until:
                times += _times(_ask, [texts[number % len(texts)]], rounds=1)
                number += 1
            return times

        with ThreadPoolExecutor(THREADS) as pool:
            found[kind] = [one for times in pool.map(person, range(THREADS)) for one in times]
    found["pss"] = [served.pss(os.getpid())]  # pages of the index are shared by the processes that search it
    return found


def see() -> dict[str, str]:
    """Change one entry after another and ask until each is found."""
    from otklik.search import engine

    waits = []
    for number in range(10):
        word = f"приметное{chr(1072 + number)}слово"
        start = time.perf_counter()
        engine.put(INDEX, f"new-{number}", title=word, body="", scopes=["all"])
        while not engine.find(INDEX, word, scopes=["all"]):
            time.sleep(0.02)
        waits.append((time.perf_counter() - start) * 1000)
    return {"seen": _spread(sorted(waits)) + f", дольше всего {max(waits):.0f} мс"}


def _seen(env: dict[str, str]) -> str:
    indexer = subprocess.Popen([sys.executable, "-m", "otklik", "indexer"], env=env)
    try:
        time.sleep(3)
        return str(_told("see()", env)["seen"])
    finally:
        indexer.terminate()
        indexer.wait(30)


def _ask(text: str) -> object:
    from otklik.search import engine

    return engine.ask(INDEX, text, scopes=["person:7", "unit:3"])


def _times(
    work: Callable[[str], object],
    texts: Sequence[str],
    *,
    rounds: int = ROUNDS,
    clock: Callable[[], float] = time.perf_counter,
) -> list[float]:
    """Return milliseconds, of a process that has asked before."""
    if rounds > 1:
        for text in texts:
            work(text)
    found = []
    for text in [*texts] * rounds:
        start = clock()
        work(text)
        found.append((clock() - start) * 1000)
    return found


def _spread(times: Sequence[float]) -> str:
    return f"p50 {statistics.median(times):.1f} мс, p95 {times[int(len(times) * 0.95) - 1]:.1f} мс"


def _command(words: list[str], env: dict[str, str]) -> None:
    subprocess.run([sys.executable, "-m", "otklik", *words], env=env, check=True, stdout=subprocess.DEVNULL)  # noqa: S603


def _told(call: str, env: dict[str, str]) -> Any:
    """Call a function of this module in a process of its own; return what it says."""
    program = "import django, json; django.setup(); from otklik.demo import search_speed; "
    program += f"print(json.dumps(search_speed.{call}))"
    done = subprocess.run([sys.executable, "-c", program], env=env, check=True, capture_output=True, text=True)  # noqa: S603
    return json.loads(done.stdout.splitlines()[-1])
