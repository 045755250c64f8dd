"""Readers of the demo Knowledge Base: three months of searches, and what some of them said of what they read."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from random import Random
from typing import Final

from django.utils import timezone

from otklik.demo import clock
from otklik.knowledge import finding, materials, proposals, votes
from otklik.knowledge.finding import Searcher
from otklik.knowledge.models import Audience, Baseline, Material, Prompted, ReadingDay, SearchSession, Vote
from otklik.people.models import Employee

DAYS: Final = 90
# What people ask and nobody has written about, the most frequent first.
MISSING: Final = (
    "сервитут для газопровода",
    "порубочный билет на участке",
    "льгота многодетным при выкупе",
    "соседи захватили проезд",
    "самозанятый аренда участка",
    "дачная амнистия продление",
)
# What finds something, but not what was meant.
MEANT_OTHERWISE: Final = ("сколько ждать", "куда платить", "отказали что делать", "график приёма")
# How some materials are asked for by words that do not stand in them, until the dictionary of search knows better.
SPOKEN: Final = {
    "Участок для огородничества, сенокоса и выпаса скота": "луг для бурёнки",
    "Земля для крестьянского (фермерского) хозяйства": "разводить гусей",
}
SEARCHERS: Final = ("executor1", "executor2", "executor3", "executor4", "clerk", "head1", "head2")
AGAINST: Final = (
    ("unclear", "Не понятно, с какого дня считать срок."),
    ("outdated", "Размер платы в ответе прошлогодний."),
    ("no_answer", "Нет ничего про участки в общей собственности."),
    ("mistake", "Ссылка ведёт не на ту услугу."),
    ("other", ""),
)
DONE: Final = "Ответ дополнен: срок и порядок расписаны по шагам."


def load(people: Mapping[str, Employee], now: datetime) -> int:
    """Fill the last three months; return how many searches there were. The same every time, but for the days."""
    chance = Random(41)  # noqa: S311 - nothing secret: the same demo every time
    pages = list(Material.objects.filter(demo=True, mark="public").order_by("path")[:60])
    known = [people[login] for login in SEARCHERS if login in people]
    if not pages or not known:
        return 0
    rows = list(_searches(chance, pages, known, now))
    SearchSession.objects.bulk_create(rows)
    Prompted.objects.bulk_create(_prompted(now))
    _baseline(people, now)
    _votes(chance, pages[:12], known, people, now)
    ReadingDay.objects.bulk_create(_readings(chance, pages, now))
    proposals.gather()
    return len(rows)


def _searches(chance: Random, pages: list[Material], known: list[Employee], now: datetime) -> Iterator[SearchSession]:
    for ago in range(DAYS, 0, -1):
        day = timezone.localtime(now - timedelta(days=ago)).replace(hour=9, minute=0, second=0, microsecond=0)
        weekend = day.weekday() > 4
        for _ in range(0 if weekend else chance.randint(4, 8)):
            one = chance.choice(known)
            yield _search(chance, pages, day, ago, audience=Audience.STAFF, by=one, unit_id=one.unit_id)
        for _ in range(chance.randint(2, 4) if weekend else chance.randint(4, 9)):
            mark = f"{chance.getrandbits(256):064x}"
            yield _search(chance, pages, day, ago, audience=Audience.PUBLIC, reader=mark)


def _search(chance: Random, pages: list[Material], day: datetime, ago: int, **who: object) -> SearchSession:
    began = day + timedelta(seconds=chance.randint(0, 8 * 3600))
    # People learn, and the answers get better: what took half a minute takes a third of it less.
    ms = int(chance.lognormvariate(2.6 + ago / 220, 0.6) * 1000) + 2000
    ended, page = chance.random(), chance.choice(pages)
    row = SearchSession(
        key=f"{chance.getrandbits(128):032x}",
        began_at=began,
        last_at=began + timedelta(milliseconds=ms),
        searches=chance.randint(1, 6),
        **who,
    )
    # The first of the list is asked most.
    often = min(int(chance.expovariate(0.7)), len(MISSING) - 1)
    if ended < 0.09:
        row.query, row.found, row.shown = MISSING[often], 0, []
    elif ended < 0.17:
        some = [one.pk for one in chance.sample(pages, min(5, len(pages)))]
        row.query, row.found, row.shown = MEANT_OTHERWISE[often % len(MEANT_OTHERWISE)], len(some), some
    else:
        words = SPOKEN.get(page.title) or " ".join(page.title.lower().split()[:3]).strip(":,.?")
        row.query, row.found, row.shown = words, 1, [page.pk]
        row.page_id, row.rank, row.opened_ms = page.pk, 1, ms
        if ended > 0.6:
            row.used_ms = ms + chance.randint(5, 120) * 1000
    return row


def _readings(chance: Random, pages: list[Material], now: datetime) -> Iterator[ReadingDay]:
    """Yield how often each material was read: the first ones most, on the site more than at work."""
    for ago in range(DAYS, 0, -1):
        day = timezone.localdate(now) - timedelta(days=ago)
        for place, page in enumerate(pages):
            for audience, most in ((Audience.STAFF, 3.0), (Audience.PUBLIC, 5.0)):
                if times := int(chance.expovariate((1 + place / 10) / most)):
                    yield ReadingDay(page_id=page.pk, audience=audience, on=day, times=times)


def _prompted(now: datetime) -> Iterator[Prompted]:
    """Yield visits to the form in which answers were offered: a third opens one, every second of these writes on."""
    chance = Random(43)  # noqa: S311
    for ago in range(DAYS, 0, -1):
        day = timezone.localtime(now - timedelta(days=ago)).replace(hour=10, minute=0, second=0, microsecond=0)
        for _ in range(chance.randint(0, 3)):
            at = day + timedelta(seconds=chance.randint(0, 8 * 3600))
            row = Prompted(visit=f"{chance.getrandbits(256):064x}", shown_at=at, last_at=at + timedelta(minutes=5))
            opens = chance.random() < 0.35
            row.opened_at = at + timedelta(minutes=1) if opens else None
            row.sent_at = None if opens and chance.random() < 0.5 else row.last_at
            yield row


def _baseline(people: Mapping[str, Employee], now: datetime) -> None:
    if chief := people.get("kbchief"):
        row = Baseline(
            audience=Audience.STAFF,
            seconds=95,
            measured_on=timezone.localdate(now) - timedelta(days=DAYS + 10),
            source="хронометраж до запуска: 20 запросов, отдел земельных отношений (условные данные)",
        )
        finding.set_baseline(row, by=chief)


def _votes(
    chance: Random, pages: list[Material], known: list[Employee], people: Mapping[str, Employee], now: datetime
) -> None:
    author = people.get("kbauthor")
    for number in range(40):
        at = now - timedelta(hours=50 * (40 - number) + chance.randint(0, 40))
        page = materials.published().get(pk=chance.choice(pages).pk)
        who = Searcher(chance.choice(known)) if number % 3 == 0 else Searcher(mark=f"{chance.getrandbits(256):064x}")
        with clock.set_to(at):
            if number % 4:
                _say(who, page, helped=True)
                continue
            reason, note = AGAINST[number // 4 % len(AGAINST)]
            row = _say(who, page, helped=False, reason=reason, note=note)
        if row is not None and author is not None and number < 28:
            with clock.set_to(at + timedelta(hours=5)):
                votes.take(row, by=author)
                if number < 20:
                    votes.close(row, outcome=DONE, by=author)


def _say(who: Searcher, page: Material, **said: object) -> Vote | None:
    try:
        return votes.vote(who, page, **said)  # type: ignore[arg-type]
    except votes.AlreadyVoted:
        return None
