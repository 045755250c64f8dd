"""How fast the product is: a scratch department of N appeals, pages and the API asked over HTTP, letters from a folder.

Every answer says itself what its time was made of (`Server-Timing`: statements and time in the database). The result is
a table and `bench.json`. Nothing here is a test: figures depend on the machine.
"""

from __future__ import annotations

import gzip
import json
import os
import re
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import date
from itertools import count as counting
from itertools import cycle
from pathlib import Path
from random import Random
from urllib.parse import quote, urlencode, urljoin

from otklik.core.errors import DomainError
from otklik.demo import citizens
from otklik.demo.served import (
    OTKLIK,
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
    started,
    timed,
    workers,
    write_letters,
)

REQUESTS, USERS, SECONDS, LETTERS = 100, 8, 10, 500
CONSULTANTS = 20  # each of whose pages asks twice a second who calls
MATERIALS = 10_000
CALLS = 4_000
ANSWERS = 2_000
APPOINTMENTS = 50_000
PAGES = {
    "Очередь, 50 строк": "/desk/appeals/",
    "Карточка": "/desk/appeals/{card}/",
    "«Сегодня»": "/desk/",
    "Ход рассмотрения, рядом с карточкой": "/desk/appeals/{card}/matter/",
}
_YEAR = f"first={date.today().year}-01-01&last={date.today()}"
FIGURES = {
    "Показатели за год": _YEAR,
    "Показатели за год, по темам": f"{_YEAR}&by=topic",
    "Показатели: темы и потребности": f"{_YEAR}&section=topics",
}
# What callers ask, as a consultant types it while talking.
TYPED = (
    "как продлить аренду участка",
    "выкупить землю под гаражом",
    "график приёма граждан",
    "перераспределение земли",
)
# A stream of messages over many channels: so many a second, for so many seconds, read by so many workers.
STREAM, STREAM_SECONDS, WORKERS = 50, 60, 2
HANDED = ("ekc", "hotline", "post", "reception", "governor_reception")
Row = tuple[str, str]


def run(count: int, report: Path, *, processes: int = 2, only_knowledge: bool = False) -> list[Row]:
    """Measure on a scratch database of `count` appeals and return the table; the same goes into `report`.

    `only_knowledge`: only the Knowledge Base is asked; the figures of appeals take minutes.
    """
    with tempfile.TemporaryDirectory(prefix="otklik-bench-") as folder:
        port = free_port()
        base = f"http://127.0.0.1:{port}"
        env = {**os.environ, "OTKLIK_DATA": folder, "OTKLIK_BASE_URL": base, "OTKLIK_SERVER_TIMING": "yes"}
        env |= {"OTKLIK_LOG_LEVEL": "ERROR", "OTKLIK_API_REQUESTS_A_MINUTE": "1000000"}
        env["OTKLIK_TRUSTED_PROXIES"] = "127.0.0.1/32"  # people answer a questionnaire from addresses of their own
        env["DATABASE_URL"] = os.environ.get("OTKLIK_BENCH_DATABASE_URL") or f"sqlite:///{folder}/otklik.sqlite3"
        _check_scratch(env)
        with serving(env, port, processes):
            pass  # the first start makes the database
        seconds = timed(lambda: run_command(["seed", str(count)], env))
        kind = env["DATABASE_URL"].partition(":")[0]
        rows = [("Обращений в базе", f"{count}, {kind}, процессов: {processes}"), ("Наполнение", f"{seconds:.0f} с")]
        rows.append(("Показатели посчитаны впервые", _seeded(env, "--figures", 1)))
        rows.append(("Свободное время для приёма за год", _seeded(env, "--appointments", APPOINTMENTS)))
        rows.append(("Мерка: голая страница Django, 50 строк", _yardstick(Path(folder))))
        start = time.perf_counter()
        if not only_knowledge:
            with serving(env, port, processes) as process:
                rows.append(("Холодный запуск", f"{time.perf_counter() - start:.1f} с"))
                rows += _pages(base, count)
                rows += _creations(base, env)
                rows.append(_bulk(base, env))
                rows += _memory(process.pid)
                rows.append(_stream(base, Path(folder), env))
            rows.append(("Приём писем из папки", f"{_intake(Path(folder), env):.0f} писем/с"))
        rows.append(("Журнал очереди после перерыва", _seeded(env, "--calls", CALLS)))
        # Planted last: the figures above are of the department as it was.
        rows += _plant_materials(env)
        with serving(env, port, processes):
            rows += _knowledge(base)
            rows += _questionnaire(base)
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


def _yardstick(folder: Path) -> str:
    port = free_port()
    command = [sys.executable, "-m", "granian", "--interface", "wsgi", "--port", str(port), "--no-log"]
    with started([*command, "--factory", "otklik.demo.yardstick:application"], port, cwd=folder):
        user = User(f"http://127.0.0.1:{port}")
        return _spread([user.ask("/") for _ in range(2 * REQUESTS)][REQUESTS:])


def _pages(base: str, count: int) -> Iterator[Row]:
    cookie = signed_in(base)
    user = User(base, Cookie=cookie)
    yield "Первый вход на рабочее место", _first_visit(base, user)
    addresses = {name: path.format(card=count // 2) for name, path in PAGES.items()}
    for name, url in addresses.items():
        user.ask(url)
        answers = [user.ask(url) for _ in range(REQUESTS)]
        yield name, f"{_spread(answers)}; {_parts(answers)}"
    head = User(base, Cookie=signed_in(base, "signer"))
    for name, query in FIGURES.items():
        yield from _row(name, [head.ask(f"/desk/figures/?{query}") for _ in range(REQUESTS + 1)])
    secretary = User(base, Cookie=signed_in(base, "receptionist"))
    yield from _row("Приём сегодня", [secretary.ask("/desk/front/") for _ in range(REQUESTS + 1)])
    for name, url in addresses.items():
        users = [User(base, Cookie=cookie) for _ in range(USERS)]
        answers = _together(users, lambda one, url=url: one.ask(url))  # type: ignore[misc]
        yield f"{name}, людей сразу: {USERS}", f"{_rate(answers, 200)}, {_spread(answers)}"


def _plant_materials(env: dict[str, str]) -> Iterator[Row]:
    command = [*OTKLIK, "seed", "--materials", str(MATERIALS)]
    made = subprocess.run(command, env=env, check=True, capture_output=True, text=True)  # noqa: S603
    planted, opened = made.stdout.strip().splitlines()
    yield "База знаний", planted
    yield "Открытие квартала", opened
    yield "Указатель поиска", f"{timed(lambda: run_command(['reindex', 'materials'], env)):.0f} с"


def _knowledge(base: str) -> Iterator[Row]:
    """Read one material after another, look at a whole section; review one after another as the chief editor."""
    reader, chief = (User(base, Cookie=signed_in(base, login)) for login in ("executor1", "kbchief"))
    section = _link(reader.ask("/desk/kb/"), "/desk/kb/sections/")
    materials = re.findall(r'"(/desk/kb/\d+/)"', reader.ask(section).body.decode())[:REQUESTS]
    yield from _row("Материал", [reader.ask(one) for one in [*materials[:1], *materials]])
    yield from _row("Раздел на 500 материалов", [reader.ask(section) for _ in range(REQUESTS + 1)])
    waiting = _link(chief.ask(_link(chief.ask("/desk/reviews/"), "/desk/reviews/")), "/desk/review-items/")
    reviewed = []
    for _ in range(REQUESTS + 1):
        reviewed.append(chief.ask(waiting))
        waiting = _link(reviewed[-1], "/desk/review-items/")  # «Следующий»
    yield from _row("Проверка, следующий материал", reviewed)
    cookie = signed_in(base, "consultant")
    yield from _row("Поиск на экране звонка", _keystrokes(User(base, Cookie=cookie)))
    users = [User(base, Cookie=cookie) for _ in range(CONSULTANTS)]
    asked = _together(users, lambda one: one.ask("/desk/call/incoming/", **{"HX-Request": "true"}))
    yield (
        f"Не звонит ли кто, консультантов сразу: {CONSULTANTS}",
        f"{_rate(asked, 204)}, {_spread(asked)}; {_parts(asked)}",
    )


def _keystrokes(consultant: User) -> list[Answer]:
    """Type what callers ask, a letter after another from the third on; return every answer."""
    answers = []
    for number, words in enumerate(TYPED):
        for typed in range(3, len(words) + 1):
            told = {"HX-Request": "true", "HX-Trigger-Name": "q", "X-Search": f"{number:032x}.{100 * typed}"}
            answers.append(consultant.ask(f"/desk/call/search/?q={quote(words[:typed])}", **told))
    return answers


def _questionnaire(base: str) -> Iterator[Row]:
    """Open the questionnaire of a point again and again, then answer it: each answer by a form of its own."""
    place = "/o/13/"
    user = User(base)
    yield from _row("Анкета по QR-коду", [user.ask(place) for _ in range(REQUESTS + 1)])
    said = {"channel": "reception", "answered": "yes", "quality": "satisfied"}
    form = {"Content-Type": "application/x-www-form-urlencoded"}
    keys = [hidden(user.ask(place).body.decode(), "key") for _ in range(ANSWERS)]

    def answer(user: User) -> Answer:
        return user.ask(place, urlencode({**said, "key": keys.pop()}).encode(), **form) if keys else user.ask(place)

    for many in (1, USERS):
        users = [User(base, **{"X-Forwarded-For": f"198.51.100.{number}"}) for number in range(1, many + 1)]
        share, start = ANSWERS // 2 // many, time.monotonic()
        with ThreadPoolExecutor(many) as pool:
            answers = pool.map(lambda one, share=share: [answer(one) for _ in range(share)], users)
            told = [one for those in answers for one in those]
        rate = f"{len(told) / (time.monotonic() - start):.0f} в секунду"
        wrong = sum(one.status != 302 for one in told)
        yield f"Ответ на анкету, людей сразу: {many}", f"{rate}, ошибок {wrong}, {_spread(told)}; {_parts(told)}"


def _row(name: str, answers: list[Answer]) -> Iterator[Row]:
    """Say how long the answers took, but for the first."""
    wrong = [one.status for one in answers if one.status != 200]
    yield name, f"{_spread(answers[1:])}; {_parts(answers[1:])}" + (f"; ошибки: {wrong}" if wrong else "")


def _link(answer: Answer, beginning: str) -> str:
    """Return the last link of a page that begins so and ends with a number."""
    return str(re.findall(rf'"({beginning}\d+/)"', answer.body.decode())[-1])


def _together(users: list[User], ask: Callable[[User], Answer]) -> list[Answer]:
    """Let all of them ask again and again at once, for some seconds."""
    until = time.monotonic() + SECONDS

    def hammer(user: User) -> list[Answer]:
        answers = []
        while time.monotonic() < until:
            answers.append(ask(user))
        return answers

    with ThreadPoolExecutor(len(users)) as pool:
        return [answer for answers in pool.map(hammer, users) for answer in answers]


def _rate(answers: list[Answer], right: int) -> str:
    return f"{len(answers) / SECONDS:.0f} в секунду, ошибок {sum(one.status != right for one in answers)}"


def _spread(answers: list[Answer]) -> str:
    times = sorted(one.seconds * 1000 for one in answers)
    return f"p50 {statistics.median(times):.0f} мс, p95 {times[int(len(times) * 0.95) - 1]:.0f} мс"


def _parts(answers: list[Answer]) -> str:
    """Say what the usual answer is made of: the database, our code and templates, the server and the way there."""
    statements, database, inside = (
        statistics.median(one.told(name) for one in answers) for name in ("queries", "db", "total")
    )
    outside = max(0.0, statistics.median(one.seconds for one in answers) * 1000 - inside)
    return (
        f"запросов {statements:.0f} за {database:.0f} мс, код и шаблоны {inside - database:.0f} мс, "
        f"сервер и сеть {outside:.0f} мс; {len(gzip.compress(answers[-1].body, 6)) // 1024} КБ сжатых"
    )


def _first_visit(base: str, user: User) -> str:
    """Say what a browser loads at first: the page, its styles with all their fonts, its scripts, all compressed."""
    page = user.ask("/desk/").body
    waiting = re.findall(r'(?:href|src)="(/static/[^"]+\.(?:css|js|svg))"', page.decode())
    total, seen = len(gzip.compress(page, 6)), set[str]()
    while waiting:
        path = waiting.pop()
        if path in seen:
            continue
        seen.add(path)
        request = urllib.request.Request(base + path, headers={"Accept-Encoding": "gzip"})  # noqa: S310
        with urllib.request.urlopen(request) as answer:  # noqa: S310
            content = answer.read()
            packed = answer.headers.get("Content-Encoding") == "gzip"
        total += len(content)
        if path.endswith((".css", ".js")):
            text = (gzip.decompress(content) if packed else content).decode()
            further = re.findall(r'url\("?([^")]+\.woff2)|from ?"(\./[^"]+\.js)"', text)
            waiting += [urljoin(path, font or module) for font, module in further]
    return f"{total // 1024} КБ сжатых, файлов {len(seen)}"


def _creations(base: str, env: dict[str, str]) -> Iterator[Row]:
    """Hand messages over by the API, let the worker read them, then register them: one program alone, then several."""
    headers = {"Authorization": f"Bearer {key_of_clerk(env)}", "Content-Type": "application/json"}
    numbers, handed = counting(), list[int]()
    people = cycle(citizens.people(Random(2725), 500))  # noqa: S311 - figures, not secrets

    def give(user: User) -> Answer:
        name = f"bench-{next(numbers)}"
        answer = hand_over(user, name)
        if answer.status == 201:
            handed.append(json.loads(answer.body)["id"])
        return answer

    def take(user: User) -> Answer:
        return register(user, handed.pop(0), next(people), f"bench-{next(numbers)}")

    for what, step in (("Сообщение по API", give), ("Регистрация по API", take)):
        users = [User(base, **headers) for _ in range(USERS)]  # nobody has hung up on these meanwhile
        for many in (1, USERS):
            answers = _together(users[:many], step)
            yield f"{what}, программ сразу: {many}", f"{_rate(answers, 201)}, {_spread(answers)}; {_parts(answers)}"
        if step is give:
            with workers(env, 1):
                _read_all(users[0], handed[-1])
            clerk = User(base, Cookie=signed_in(base))
            yield from _row("Экран регистрации", [clerk.ask(f"/desk/inbox/{one}/") for one in handed[: REQUESTS + 1]])


def _bulk(base: str, env: dict[str, str]) -> Row:
    """Assign all that waits for it, a thousand in a base of 100 000: tried first, then done by the workers."""
    clerk = User(base, Cookie=signed_in(base))
    form = {"Content-Type": "application/x-www-form-urlencoded"}

    def press(address: str, token: str, **given: str) -> Answer:
        return clerk.ask(address, urlencode({"csrfmiddlewaretoken": token, **given}).encode(), **form)

    token = hidden(clerk.ask("/desk/appeals/?view=assignment").body.decode(), "csrfmiddlewaretoken")
    begun = press("/desk/bulk/", token, action="assign", scope="all", query="view=assignment")
    run = begun.location
    page = clerk.ask(run)
    executor = re.findall(r'<option value="(\d+)"', page.body.decode())[0]

    def wait(step: str, press_next: str, **given: str) -> float:
        start = time.monotonic()
        press(run, token, do=step, **given)
        while f'value="{press_next}"' not in (page := clerk.ask(f"{run}progress/").body.decode()):
            if time.monotonic() > start + 300:
                raise TimeoutError(page[:500])
            time.sleep(0.1)
        return time.monotonic() - start

    with workers(env, WORKERS):
        wait("check", "begin", executor=executor)  # workers that have just been started; a run may be tried again
        tried, done = wait("check", "begin", executor=executor), wait("begin", "undo")
        told = clerk.ask(f"{run}progress/").body.decode()
    said = re.search(r"Сделано: \d+ из \d+", told)
    return (
        "Назначить всё, что ждёт назначения",
        f"{said[0] if said else told}; проверка {tried:.1f} с, дело {done:.1f} с",
    )


def _stream(base: str, folder: Path, env: dict[str, str]) -> Row:
    """Give messages at an even pace, four of five by the API and one by e-mail; tell when they stand in the queue."""
    letters = folder / "stream"
    write_letters(letters, STREAM * STREAM_SECONDS // 5)
    headers = {"Authorization": f"Bearer {key_of_clerk(env)}", "Content-Type": "application/json"}
    count, users = STREAM * STREAM_SECONDS * 4 // 5, [User(base, **headers) for _ in range(USERS)]
    came, seen, wrong = dict[int, float](), dict[int, float](), list[int]()
    mail = ["mail-in", "--directory", str(letters)]
    start = 0.0

    def give(share: int) -> None:
        for number in range(share, count, USERS):
            time.sleep(max(0.0, start + number * 5 / 4 / STREAM - time.monotonic()))
            name = f"stream-{number}"
            answer = hand_over(users[share], name, HANDED[number % len(HANDED)])
            if answer.status != 201:
                wrong.append(answer.status)
            elif number % (len(HANDED) + 1) == 0:  # some are followed, of each channel in turn
                came[json.loads(answer.body)["id"]] = time.monotonic()

    def watch() -> None:
        user = User(base, **headers)
        until = start + 2 * STREAM_SECONDS
        while time.monotonic() < until and (len(seen) < len(came) or time.monotonic() < start + STREAM_SECONDS):
            for one in [one for one in list(came) if one not in seen]:
                if is_read(user, one):
                    seen[one] = time.monotonic() - came[one]
            time.sleep(0.2)

    with workers(env, WORKERS), ThreadPoolExecutor(USERS + 2) as pool:
        _read_all(users[0], json.loads(hand_over(users[0], "stream-first").body)["id"])  # they have started
        start = time.monotonic()
        posting, watching = pool.submit(run_command, mail, env), pool.submit(watch)
        list(pool.map(give, range(USERS)))
        given_in = time.monotonic() - start
        watching.result()
        posting.result()
    times = sorted(seen.values())
    told = f"{STREAM * STREAM_SECONDS} сообщений, по API за {given_in:.0f} с, ошибок {len(wrong)}"
    told += f", не прочитано {len(came) - len(seen)} из {len(came)}"
    spread = f"до очереди p50 {statistics.median(times):.1f} с, p95 {times[int(len(times) * 0.95) - 1]:.1f} с"
    return f"Поток {STREAM} сообщений в секунду, рабочих процессов: {WORKERS}", f"{told}; {spread}"


def _read_all(user: User, last: int) -> None:
    """Wait until workers have read what was handed over, up to the last one."""
    while not is_read(user, last):
        time.sleep(0.5)


def _seeded(env: dict[str, str], what: str, count: int) -> str:
    """Plant so many and return what the command says of it: calls of a queue log, appointments of a year."""
    command = [*OTKLIK, "seed", what, str(count)]
    return subprocess.run(command, env=env, check=True, capture_output=True, text=True).stdout.strip()  # noqa: S603


def _intake(folder: Path, env: dict[str, str]) -> float:
    """Return letters a second, the start of the process not counted."""
    letters, nothing = folder / "letters", folder / "nothing"
    write_letters(letters, LETTERS)
    nothing.mkdir()
    # The first process after others have been at work reads its code from the disk again.
    start = min(timed(lambda: run_command(["mail-in", "--directory", str(nothing)], env)) for _ in range(2))
    return LETTERS / (timed(lambda: run_command(["mail-in", "--directory", str(letters)], env)) - start)


def _memory(pid: int) -> Iterator[Row]:
    """Say what the processes hold in megabytes: their own and their share of the common (PSS), as /proc tells it."""
    for name, pids in (("Память главного процесса, PSS", [pid]), ("Память веб-процессов, PSS", children(pid))):
        yield name, f"{', '.join(str(pss(one)) for one in pids) or '?'} МБ"
