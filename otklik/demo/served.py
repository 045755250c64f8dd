"""A served installation, asked over HTTP as browsers and programs ask it, and its processes."""

from __future__ import annotations

import json
import re
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from email.message import EmailMessage
from html import unescape
from http.client import HTTPConnection
from http.cookiejar import CookieJar
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlencode

from otklik.demo.staff import PASSWORD
from otklik.people.applicants import Typed

OTKLIK: Final = [sys.executable, "-m", "otklik"]
POST: Final = {"channel": "post", "address": "630000, г. Новосибирск, ул. Выдуманная, д. 1"}
# The server closes a connection after thirty seconds of silence; whoever is silent for longer opens a new one.
STALE: Final = 20
TEXT: Final = "Здравствуйте! Прошу разъяснить порядок оформления участка.\n" * 12


@dataclass(frozen=True)
class Answer:
    """One answer as a user waited for it, and what it says of itself."""

    seconds: float
    status: int
    body: bytes
    timing: str
    location: str = ""

    def told(self, name: str) -> float:
        """Return a figure of the `Server-Timing` header, milliseconds or a number."""
        found = re.search(rf"{name};dur=([\d.]+)", self.timing)
        return float(found.group(1)) if found else 0.0


class User:
    """One user with one open connection, as a browser keeps it."""

    def __init__(self, base: str, **headers: str) -> None:
        self._connection = HTTPConnection(base.removeprefix("http://"), timeout=60)
        self._headers = headers
        self._used = time.perf_counter()

    def ask(self, path: str, given: object = None, **headers: str) -> Answer:
        """Ask for a page, send something to the API, or a form as its bytes."""
        body = given if isinstance(given, bytes | None) else json.dumps(given).encode()
        start = time.perf_counter()
        if start - self._used > STALE:
            self._connection.close()  # the next request opens it again
        self._connection.request("GET" if body is None else "POST", path, body, self._headers | headers)
        answer = self._connection.getresponse()
        content = answer.read()
        self._used = time.perf_counter()
        return Answer(
            self._used - start,
            answer.status,
            content,
            answer.getheader("Server-Timing", ""),
            answer.getheader("Location", ""),
        )


def hidden(page: str, name: str) -> str:
    """Return what a hidden field of a form on the page holds; empty where there is none."""
    found = re.search(rf'name="{name}" value="([^"]+)"', page)
    return unescape(found[1]) if found else ""


def signed_in(base: str, login: str = "clerk") -> str:
    """Sign somebody in as a person does and return his cookies."""
    jar = CookieJar()
    opener = urllib.request.build_opener(urllib.request.HTTPCookieProcessor(jar))
    page = opener.open(f"{base}/accounts/login/").read().decode()
    fields = {"login": login, "password": PASSWORD, "csrfmiddlewaretoken": hidden(page, "csrfmiddlewaretoken")}
    opener.open(urllib.request.Request(f"{base}/accounts/login/", urlencode(fields).encode()))  # noqa: S310
    return "; ".join(f"{one.name}={one.value}" for one in jar)


def key_of_clerk(env: dict[str, str]) -> str:
    """Make a key of the API for the clerk."""
    command = [*OTKLIK, "token", "create", "clerk", "Измерение", "--scope", "messages.create"]
    command += ["--scope", "appeals.create"]
    made = subprocess.run(command, env=env, check=True, capture_output=True, text=True)  # noqa: S603
    return made.stdout.strip()


def hand_over(user: User, name: str, channel: str = "ekc") -> Answer:
    """Give a message by the API, under a name of its own."""
    given = {"channel": channel, "external_id": name, "subject": "Участок", "text": TEXT}
    return user.ask("/api/v1/messages", given, **{"Idempotency-Key": name})


def is_read(user: User, message: int) -> bool:
    """Tell whether a worker has read what was handed over."""
    return bool(json.loads(user.ask(f"/api/v1/messages/handed/{message}").body)["state"] != "stored")


def register(user: User, message: int, person: Typed, name: str) -> Answer:
    """Register a message by the API for a made-up person: the whole legal act."""
    names = {part: getattr(person, part) for part in ("kind", "last_name", "first_name", "organisation")}
    given = {"message": message, "applicant": names, "answer": POST}
    return user.ask("/api/v1/appeals", given, **{"Idempotency-Key": name})


@contextmanager
def workers(env: dict[str, str], count: int) -> Iterator[None]:
    """Have so many workers run meanwhile."""
    commands = [[*OTKLIK, "worker"]] * count
    running = [subprocess.Popen(one, env=env, stdout=subprocess.DEVNULL) for one in commands]  # noqa: S603
    try:
        yield
    finally:
        for one in running:
            one.terminate()
        for one in running:
            one.wait(20)


@contextmanager
def serving(env: dict[str, str], port: int, processes: int) -> Iterator[subprocess.Popen[bytes]]:
    """Have the pages served meanwhile; give the main process."""
    command = [*OTKLIK, "serve", "--port", str(port), "--processes", str(processes)]
    with started(command, port, "healthz", env=env) as process:
        yield process


@contextmanager
def started(command: list[str], port: int, page: str = "", **how: Any) -> Iterator[subprocess.Popen[bytes]]:
    """Have a server run meanwhile, from when its page answers."""
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, **how)  # noqa: S603
    try:
        until = time.monotonic() + 300
        while time.monotonic() < until and not _answers(f"http://127.0.0.1:{port}/{page}"):
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


def children(pid: int) -> list[int]:
    """Return the processes a process has started; none where nothing is told."""
    path = Path(f"/proc/{pid}/task/{pid}/children")
    return [int(one) for one in path.read_text().split()] if path.exists() else []


def pss(pid: int) -> int:
    """Return what a process holds, in megabytes: its own and its share of the common; 0 where nothing is told."""
    try:
        found = re.search(r"^Pss:\s+(\d+)", Path(f"/proc/{pid}/smaps_rollup").read_text(), re.MULTILINE)
    except OSError:
        return 0
    return int(found.group(1)) // 1024 if found else 0


def run_command(command: list[str], env: dict[str, str]) -> None:
    """Run one of our commands to its end."""
    subprocess.run([*OTKLIK, *command], env=env, check=True, stdout=subprocess.DEVNULL)  # noqa: S603


def timed(work: Callable[[], object]) -> float:
    """Return how many seconds some work took."""
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def free_port() -> int:
    """Return a port nobody listens at."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def write_letters(folder: Path, count: int) -> None:
    """Lay so many letters down in a folder of their own."""
    folder.mkdir()
    for number in range(count):
        letter = EmailMessage()
        letter["From"], letter["To"] = f"writer{number}@mail.example", "info@department.example"
        letter["Subject"], letter["Message-ID"] = f"Вопрос {number}", f"<{folder.name}-{number}@mail.example>"
        letter.set_content(TEXT)
        (folder / f"{number:05d}.eml").write_bytes(bytes(letter))
