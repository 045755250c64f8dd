"""Confirmed pairs: questions people really asked, each with the materials that answered it, or with none.

A search that ended with a material confirms it; one that was given up, or whose reader said «не нашёл ответа», confirms
that nothing answered. Letters come from those above, as a source of their own.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from itertools import islice
from typing import Final

from django.db import models
from django.db.models import Q
from django.utils import timezone

from otklik.knowledge import finding
from otklik.knowledge.models import Audience, SearchSession, Vote

MOST_READ: Final = 20_000  # searches looked through, the newest
_SHORTEST: Final = 3  # letters: less is a beginning somebody left, no question


class Asked(models.TextChoices):
    """Where a question came from."""

    STAFF = "staff", "поиск сотрудника"
    SITE = "site", "поиск на сайте"
    LETTER = "letter", "письмо"
    SET = "set", "проверочный набор"


@dataclass(frozen=True)
class Pair:
    """A question and the materials that answered it; without any nothing answered.

    `reference`: whose letter it is, opaque here; then the words are not to be kept.
    """

    source: Asked
    text: str
    pages: frozenset[int]
    at: datetime
    reference: str = ""


Source = Callable[[datetime], Iterable[Pair]]


def pairs(since: datetime, *sources: Source, most: int) -> Iterator[Pair]:
    """Yield the confirmed pairs since a moment, newest first: at most so many of each audience and of each source."""
    for audience in Audience:
        yield from islice(_searched(since, audience), most)
    for source in sources:
        yield from islice(source(since), most)


def _searched(since: datetime, audience: Audience) -> Iterator[Pair]:
    """Yield each different question of an audience once, with whatever answered anybody who asked it."""
    over = finding.FOUND | Q(last_at__lte=timezone.now() - finding.SILENCE)
    rows = SearchSession.objects.filter(over, audience=audience, began_at__gte=since).exclude(query="")
    against = _against(since)
    answered: dict[str, set[int]] = {}
    last: dict[str, datetime] = {}
    facts = ("query", "page", "by", "reader", "last_at")
    for query, page, by, reader, at in rows.order_by("-began_at", "-pk").values_list(*facts)[:MOST_READ]:
        words = " ".join(query.split())
        if sum(char.isalnum() for char in words) < _SHORTEST:
            continue
        found = answered.setdefault(words, set())
        last.setdefault(words, at)
        said = against[page, by or reader] if page else ()
        if page and not any(at <= one <= at + finding.SILENCE for one in said):
            found.add(page)
    source = Asked.STAFF if audience == Audience.STAFF else Asked.SITE
    for words, found in answered.items():
        yield Pair(source, words, frozenset(found), last[words])


def _against(since: datetime) -> dict[tuple[int, int | str], list[datetime]]:
    """Return when readers said that a material had no answer for them: by material and reader."""
    rows = Vote.objects.filter(helped=False, reason=Vote.Reason.NO_ANSWER, at__gte=since)
    found: dict[tuple[int, int | str], list[datetime]] = defaultdict(list)
    for page, by, reader, at in rows.values_list("page", "by", "reader", "at"):
        found[page, by or reader].append(at)
    return found
