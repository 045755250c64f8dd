"""`otklik bench --crowd N`: so many employees at work at once on a seeded database, while messages come in.

Each of them opens the next page after a while of reading, and his browser asks meanwhile what browsers ask of
themselves: who else reads this appeal or this list, what the bell says. Four of five messages come by the API, one by
e-mail; workers read them. What has been read is put away every ten seconds, so that about as many wait as in a
department that keeps up: thirty thousand messages of ten minutes would be no list of anybody.
"""

from __future__ import annotations

import json
import os
import re
import statistics
import tempfile
import threading
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.client import HTTPException
from itertools import count, cycle
from pathlib import Path
from random import Random
from typing import Final
from urllib.parse import urlencode

from django.db import connection

from otklik.core.errors import DomainError
from otklik.correspondence.models import IncomingMessage
from otklik.demo import citizens, seed
from otklik.demo.served import (
    Answer,
    User,
    children,
    free_port,
    hand_over,
    hidden,
    is_read,
    key_of_clerk,
    pss,
    register,
    run_command,
    serving,
    signed_in,
    workers,
    write_letters,
)
from otklik.reports import health

Row = tuple[str, str]

READS_FOR: Final = 15.0  # seconds on a page, in the middle of an exponential spread
PRESENCE, BELL, TIDY = 2.0, 15.0, 10.0  # static/js/presence.js, notices.js
WAITING: Final = 300  # messages left to be registered
STREAM, BY_API, WORKERS = 50, 40, 2  # messages a second
SEES: Final = {"clerk": 8, "executor": 9, "head": 3}  # of twenty people
ACCOUNTS: Final = {
    "clerk": ["clerk"],
    "executor": [f"executor{number}" for number in range(1, 8)],
    "head": ["head1", "head2", "head3"],
}
# What they open, of a hundred pages: whoever opens an appeal looks at its course every third time.
OPENS: Final = {"queue": 28, "card": 40, "today": 12, "palette": 10, "note": 7, "registration": 3}
FORM: Final = {"Content-Type": "application/x-www-form-urlencoded"}
NAMES: Final = {
    "queue": "Очередь",
    "card": "Карточка",
    "matter": "Ход рассмотрения",
    "today": "«Сегодня»",
    "palette": "Строка поиска",
    "note": "Заметка",
    "registration": "Регистрация",
    "presence": "Кто здесь",
    "around": "Кто в списке",
    "bell": "Колокольчик",
    "message": "Сообщение по API",
}


class Empty(DomainError):
    """There is nothing to work at."""

    code = "crowd.empty"
    text = "В базе нет обращений. Сначала наполните новую базу: otklik seed 1000000 --messages 5 --years 10."


@dataclass
class Told:
    """What everybody was answered: seconds by kind of question, and what went wrong: what was said, how many times."""

    seconds: dict[str, list[float]] = field(default_factory=lambda: defaultdict(list))
    wrong: dict[str, Counter[str]] = field(default_factory=lambda: defaultdict(Counter))

    def ask(self, kind: str, right: tuple[int, ...], ask: Callable[[], Answer]) -> Answer | None:
        """Ask, and note how long it took; None where the answer is not one of `right`."""
        start = time.perf_counter()
        try:
            answer = ask()
        except (OSError, HTTPException) as lost:
            self.wrong[kind][type(lost).__name__] += 1
            return None
        self.seconds[kind].append(time.perf_counter() - start)
        if answer.status not in right:
            self.wrong[kind][str(answer.status)] += 1
            return None
        return answer


def run(operators: int, minutes: float, report: Path, *, processes: int = 2) -> list[Row]:
    """Let them work on the database of `DATABASE_URL`, return the table; the same goes into `report`.

    Raise NotScratch in a working system, Empty where nobody has seeded the database.
    """
    seed.check_not_working()
    if not (appeals := _estimate("appeals_appeal")):
        raise Empty
    port = free_port()
    base = f"http://127.0.0.1:{port}"
    env = {**os.environ, "OTKLIK_BASE_URL": base, "OTKLIK_LOG_LEVEL": "ERROR"}
    env |= {"OTKLIK_API_REQUESTS_A_MINUTE": "1000000"}
    told, over = Told(), threading.Event()
    with serving(env, port, processes) as process, workers(env, WORKERS), tempfile.TemporaryDirectory() as folder:
        cookies = {login: signed_in(base, login) for logins in ACCOUNTS.values() for login in logins}
        key = key_of_clerk(env)
        people = [_Person(base, kind, login, cookies[login], key, told) for kind, login in _cast(operators)]
        threads = [threading.Thread(target=one.work, args=(over,)) for one in people]
        threads += [threading.Thread(target=_give, args=(base, key, told, over, share)) for share in range(8)]
        threads += [threading.Thread(target=_post, args=(Path(folder), env, over))]
        before = IncomingMessage.objects.count()
        for one in threads:
            one.start()
        until = time.monotonic() + minutes * 60
        while time.monotonic() < until:
            time.sleep(TIDY)
            _put_away()
        over.set()
        for one in threads:
            one.join()
        came, unread = IncomingMessage.objects.count() - before, IncomingMessage.objects.filter(state="stored").count()
        memory = ", ".join(str(pss(one)) for one in children(process.pid))
    rows = [
        ("Обращений, сообщений в базе", f"{appeals}, {_estimate('correspondence_incomingmessage')}"),
        ("Сотрудников, минут", f"{operators}, {minutes:g}; страниц открыто {sum(len(told.seconds[x]) for x in OPENS)}"),
        *_table(told, minutes * 60),
        ("Пришло сообщений", f"{came}, {came / minutes / 60:.0f} в секунду; ещё не прочитано {unread}"),
        ("Память веб-процессов, PSS", f"{memory} МБ"),
        ("Размер базы", f"{health.database_size() / 2**30:.1f} ГБ"),
    ]
    report.write_text(json.dumps(dict(rows), ensure_ascii=False, indent=2) + "\n")
    return rows


def _cast(operators: int) -> Iterator[tuple[str, str]]:
    """Yield who works: kinds as they are in a department, sign-ins in turn."""
    kinds = cycle([kind for kind, many in SEES.items() for _ in range(many)])
    logins = {kind: cycle(those) for kind, those in ACCOUNTS.items()}
    for _ in range(operators):
        kind = next(kinds)
        yield kind, next(logins[kind])


class _Person:
    """One employee with his browser."""

    numbers = count()

    def __init__(self, base: str, kind: str, login: str, cookie: str, key: str, told: Told) -> None:  # noqa: PLR0917
        self.told, self.number = told, next(self.numbers)
        self.chance = Random(f"{login} {self.number}")  # noqa: S311 - figures, not secrets
        self.user = User(base, Cookie=cookie)
        self.program = User(base, Authorization=f"Bearer {key}", **{"Content-Type": "application/json"})
        self.opens = {name: many for name, many in OPENS.items() if name != "registration" or kind == "clerk"}
        self.cards: list[str] = []
        self.token = ""
        self.beat: tuple[str, Callable[[], Answer]] | None = None
        self.citizens = cycle(citizens.people(self.chance, 20))

    def work(self, over: threading.Event) -> None:
        """Open one page after another until it is over."""
        over.wait(self.chance.uniform(0, READS_FOR))
        while not over.is_set():
            try:
                getattr(self, f"_{self.chance.choices(list(self.opens), list(self.opens.values()))[0]}")()
            except (OSError, HTTPException) as lost:
                self.told.wrong["связь"][type(lost).__name__] += 1
            self._read(over, self.chance.expovariate(1 / READS_FOR))

    def _read(self, over: threading.Event, seconds: float) -> None:
        until, bell = time.monotonic() + seconds, time.monotonic() + self.chance.uniform(0, BELL)
        while not over.is_set() and (now := time.monotonic()) < until:
            if self.beat:
                self.told.ask(self.beat[0], (200,), self.beat[1])
            if now >= bell:
                self.told.ask("bell", (200,), lambda: self.user.ask("/desk/notices/bell/", Accept="application/json"))
                bell = now + BELL
            over.wait(min(PRESENCE, max(0.0, until - time.monotonic())))

    def _page(self, kind: str, path: str) -> str:
        answer = self.told.ask(kind, (200,), lambda: self.user.ask(path))
        body = answer.body.decode() if answer else ""
        self.token = hidden(body, "csrfmiddlewaretoken") or self.token
        return body

    def _queue(self) -> None:
        page = self._page("queue", f"/desk/appeals/?view={self.chance.choice(['due', 'mine', 'replies', 'all'])}")
        self.cards = re.findall(r'href="(/desk/appeals/\d+/)', page) or self.cards
        self.beat = ("around", lambda: self.user.ask("/desk/here/"))

    def _card(self) -> None:
        if not self.cards:
            return self._queue()
        card = self.chance.choice(self.cards)
        self._page("card", card)
        if self.chance.random() < 1 / 3:
            self.told.ask("matter", (200,), lambda: self.user.ask(f"{card}matter/", **{"HX-Request": "true"}))
        here, token = (
            card.replace("/appeals/", "/here/appeal/"),
            urlencode({"csrfmiddlewaretoken": self.token}).encode(),
        )
        self.beat = ("presence", lambda: self.user.ask(here, token, **FORM))
        return None

    def _today(self) -> None:
        self._page("today", "/desk/")
        self.beat = None

    def _palette(self) -> None:
        words = self.chance.choice(["гараж", "аренда участка", "выписка", "межевание", "Иванов"])
        given = urlencode({"csrfmiddlewaretoken": self.token, "q": words}).encode()
        if self.token:
            self.told.ask("palette", (200,), lambda: self.user.ask("/desk/palette/", given, **FORM))

    def _note(self) -> None:
        if not (self.cards and self.token):
            return self._queue()
        card = self.chance.choice(self.cards)
        given = urlencode({"csrfmiddlewaretoken": self.token, "text": "Позвонила заявителю, ждёт письма."}).encode()
        self.told.ask("note", (302, 403), lambda: self.user.ask(f"{card}note/", given, **FORM))
        return None

    def _registration(self) -> None:
        """Register a message of one's own by the API: the whole legal act."""
        name = f"crowd-own-{os.getpid()}-{self.number}-{time.monotonic_ns()}"
        handed = self.told.ask("message", (201,), lambda: hand_over(self.program, name, "post"))
        if handed is None:
            return
        message = json.loads(handed.body)["id"]
        for _ in range(40):
            if is_read(self.program, message):
                break
            time.sleep(0.5)
        person = next(self.citizens)
        self.told.ask("registration", (201,), lambda: register(self.program, message, person, f"{name}-a"))


def _give(base: str, key: str, told: Told, over: threading.Event, share: int) -> None:
    """Hand messages over at an even pace: this program's share of eight."""
    user = User(base, Authorization=f"Bearer {key}", **{"Content-Type": "application/json"})
    start = time.monotonic()
    for number in count(share, 8):
        if over.wait(max(0.0, start + number / BY_API - time.monotonic())):
            return
        name = f"crowd-{os.getpid()}-{number}"
        told.ask("message", (201,), lambda name=name: hand_over(user, name))  # type: ignore[misc]


def _post(folder: Path, env: dict[str, str], over: threading.Event) -> None:
    """Bring letters in, a minute's at a time."""
    for minute in count():
        letters = folder / f"crowd-{os.getpid()}-{minute}"
        write_letters(letters, (STREAM - BY_API) * 60)
        start = time.monotonic()
        run_command(["mail-in", "--directory", str(letters)], env)
        if over.wait(max(0.0, start + 60 - time.monotonic())):
            return


def _put_away() -> None:
    """Let no more wait than a department that keeps up has."""
    waiting = IncomingMessage.objects.filter(state=IncomingMessage.State.NEW).order_by("-pk")
    kept = list(waiting.values_list("pk", flat=True)[:WAITING])
    if kept:
        waiting.filter(pk__lt=kept[-1]).update(state=IncomingMessage.State.REJECTED)


def _table(told: Told, seconds: float) -> Iterator[Row]:
    for kind, name in NAMES.items():
        if not (times := sorted(told.seconds[kind])):
            continue
        p50, p95, p99 = (times[min(int(len(times) * part), len(times) - 1)] * 1000 for part in (0.5, 0.95, 0.99))
        yield (
            name,
            f"{len(times) / seconds:.1f} в секунду, {_errors(told.wrong[kind])}; "
            f"p50 {p50:.0f}, p95 {p95:.0f}, p99 {p99:.0f} мс, в среднем {statistics.mean(times) * 1000:.0f}",
        )
    lost = sum((many for kind, many in told.wrong.items() if kind not in NAMES), Counter[str]())
    if lost:
        yield "Обрывы связи", _errors(lost)


def _errors(wrong: Counter[str]) -> str:
    said = ", ".join(f"{what}: {many}" for what, many in sorted(wrong.items()))
    return f"ошибок {wrong.total()}" + (f" ({said})" if said else "")


def _estimate(table: str) -> int:
    """Return about how many rows a table has, as the planner knows it; counted where it does not say."""
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute("SELECT reltuples::bigint FROM pg_class WHERE relname = %s", [table])
            if (found := cursor.fetchone()) and found[0] > 0:
                return int(found[0])
    with connection.cursor() as cursor:
        cursor.execute(f'SELECT COUNT(*) FROM "{table}"')  # noqa: S608 - a name of our own
        return int(cursor.fetchone()[0])
