"""How fast the product is: a scratch department of N appeals, pages asked over HTTP, letters from a folder, cold start.

The result is a table and `bench.json`. Nothing here is a test: figures depend on the machine.
"""

from __future__ import annotations

import json
import os
import re
import socket
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from email.message import EmailMessage
from functools import partial
from http.cookiejar import CookieJar
from pathlib import Path
from urllib.parse import urlencode

from otklik.core.errors import DomainError
from otklik.demo.staff import PASSWORD

OTKLIK = [sys.executable, "-m", "otklik"]
REQUESTS, USERS, SECONDS, LETTERS = 60, 8, 10, 500
PAGES = {
    "Очередь, 50 строк": "/desk/appeals/",
    "Карточка": "/desk/appeals/{card}/",
    "«Сегодня»": "/desk/",
}
Row = tuple[str, str]


def run(count: int, report: Path) -> list[Row]:
    """Measure on a scratch database of `count` appeals and return the table; the same goes into `report`."""
    with tempfile.TemporaryDirectory(prefix="otklik-bench-") as folder:
        port = _free_port()
        env = {**os.environ, "OTKLIK_DATA": folder, "OTKLIK_BASE_URL": f"http://127.0.0.1:{port}"}
        env |= {"OTKLIK_LOG_LEVEL": "ERROR", "DATABASE_URL": os.environ.get("OTKLIK_BENCH_DATABASE_URL", "")}
        if not env["DATABASE_URL"]:
            env["DATABASE_URL"] = f"sqlite:///{folder}/otklik.sqlite3"
        _check_scratch(env)
        with _serving(env, port):
            pass  # the first start makes the database
        seconds = _timed(lambda: _run(["seed", str(count)], env))
        rows = [("Обращений в базе", str(count)), ("Наполнение", f"{seconds:.0f} с")]
        start = time.perf_counter()
        with _serving(env, port) as process:
            rows.append(("Холодный запуск", f"{time.perf_counter() - start:.1f} с"))
            rows += _pages(f"http://127.0.0.1:{port}", count)
            rows.append(("Память веб-процесса (PSS)", f"{_memory(process.pid)} МБ"))
        rows.append(("Приём писем из папки", f"{_intake(Path(folder), env):.0f} писем/с"))
    report.write_text(json.dumps(dict(rows), ensure_ascii=False, indent=2) + "\n")
    return rows


class NotScratch(DomainError):
    """What OTKLIK_BENCH_DATABASE_URL names is not empty, or cannot be opened."""

    code = "bench.not_scratch"
    text = "Измерять здесь нельзя. {why}"


def _check_scratch(env: dict[str, str]) -> None:
    """Refuse a database somebody uses before anything in it is changed."""
    asked = subprocess.run(  # noqa: S603
        [*OTKLIK, "seed", "--check"], env=env, capture_output=True, text=True, check=False
    )
    if asked.returncode:
        raise NotScratch(why=asked.stderr.strip().rpartition("\n")[2])


def _pages(base: str, count: int) -> Iterator[Row]:
    opener = _signed_in(base)
    for name, path in PAGES.items():
        url = base + path.format(card=count // 2)
        times = sorted(_timed(partial(_get, opener, url)) * 1000 for _ in range(REQUESTS))
        yield name, f"p50 {statistics.median(times):.0f} мс, p95 {times[int(REQUESTS * 0.95) - 1]:.0f} мс"
    openers = [_signed_in(base) for _ in range(USERS)]
    until = time.monotonic() + SECONDS
    with ThreadPoolExecutor(USERS) as pool:
        served = sum(pool.map(lambda one: _hammer(one, base + PAGES["Очередь, 50 строк"], until), openers))
    yield f"Очередь, {USERS} человек сразу", f"{served / SECONDS:.0f} страниц/с"


def _get(opener: urllib.request.OpenerDirector, url: str) -> object:
    return opener.open(url).read()


def _hammer(opener: urllib.request.OpenerDirector, url: str, until: float) -> int:
    served = 0
    while time.monotonic() < until:
        opener.open(url).read()
        served += 1
    return served


def _signed_in(base: str) -> urllib.request.OpenerDirector:
    opener = urllib.request.build_opener(urllib.request.HTTPCookieProcessor(CookieJar()))
    page = opener.open(f"{base}/accounts/login/").read().decode()
    token = re.search(r'name="csrfmiddlewaretoken" value="([^"]+)"', page)
    fields = {"login": "clerk", "password": PASSWORD, "csrfmiddlewaretoken": token.group(1) if token else ""}
    opener.open(urllib.request.Request(f"{base}/accounts/login/", urlencode(fields).encode()))  # noqa: S310
    return opener


def _intake(folder: Path, env: dict[str, str]) -> float:
    """Return letters a second, the start of the process not counted."""
    letters, nothing = folder / "letters", folder / "nothing"
    letters.mkdir()
    nothing.mkdir()
    for number in range(LETTERS):
        letter = EmailMessage()
        letter["From"], letter["To"] = f"writer{number}@mail.example", "info@department.example"
        letter["Subject"], letter["Message-ID"] = f"Вопрос {number}", f"<bench-{number}@mail.example>"
        letter.set_content("Здравствуйте! Прошу разъяснить порядок оформления участка.\n" * 12)
        (letters / f"{number:05d}.eml").write_bytes(bytes(letter))
    start = _timed(lambda: _run(["mail-in", "--directory", str(nothing)], env))
    return LETTERS / (_timed(lambda: _run(["mail-in", "--directory", str(letters)], env)) - start)


@contextmanager
def _serving(env: dict[str, str], port: int) -> Iterator[subprocess.Popen[bytes]]:
    process = subprocess.Popen(  # noqa: S603
        [*OTKLIK, "serve", "--port", str(port)], env=env, stdout=subprocess.DEVNULL
    )
    try:
        until = time.monotonic() + 300
        while time.monotonic() < until and not _answers(f"http://127.0.0.1:{port}/healthz"):
            time.sleep(0.05)
        yield process
    finally:
        process.terminate()
        process.wait(20)


def _answers(url: str) -> bool:
    try:
        with urllib.request.urlopen(url, timeout=2) as answer:  # noqa: S310
            return bool(answer.status == 200)
    except OSError:
        return False


def _memory(pid: int) -> int:
    """Return what the process and its children hold, in megabytes; 0 where /proc does not tell."""
    children = Path(f"/proc/{pid}/task/{pid}/children")
    pids = [pid, *(int(one) for one in children.read_text().split())] if children.exists() else [pid]
    total = 0
    for one in pids:
        try:
            found = re.search(r"^Pss:\s+(\d+)", Path(f"/proc/{one}/smaps_rollup").read_text(), re.MULTILINE)
        except OSError:
            continue
        total += int(found.group(1)) if found else 0
    return total // 1024


def _run(command: list[str], env: dict[str, str]) -> None:
    subprocess.run([*OTKLIK, *command], env=env, check=True, stdout=subprocess.DEVNULL)  # noqa: S603


def _timed(work: Callable[[], object]) -> float:
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
