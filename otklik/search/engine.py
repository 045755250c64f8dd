"""The door of search: `put`, `drop`, `ask`. Rights are part of the query: what a reader may not see is not counted."""

from __future__ import annotations

from collections.abc import Collection
from functools import partial
from typing import Final, NamedTuple

from otklik.search import asked, calibration, dictionary, entries, learning, ranking, reading, topics, vectors
from otklik.search.entries import clear, drop, drop_parts, known, put
from otklik.search.models import Entry
from otklik.search.ranking import Why
from otklik.search.snippets import Segment, snippet
from otklik.search.thesaurus import Thesaurus

__all__ = ["Found", "Hit", "ask", "clear", "drop", "drop_parts", "find", "frequencies", "keys", "known", "put", "trial"]
_MOST_HITS: Final = 100


class Hit(NamedTuple):
    """A found document. `share`: how much of what was asked it covers, from 0 to 1."""

    key: str
    title: str
    snippet: tuple[Segment, ...]
    score: float
    share: float
    why: tuple[Why, ...] = ()


class Found(NamedTuple):
    """What a query found. `confidence`: from 0 to 1; `read_as`: the query as understood, where it was repaired.

    `features`: what confidence is reckoned from, kept to learn from.
    """

    hits: list[Hit]
    confidence: float
    sure: bool
    read_as: str = ""
    features: tuple[float, ...] = ()


def find(index: str, query: str, *, scopes: Collection[str], limit: int = 10) -> list[Hit]:
    """Return the documents that answer best among those open to one of `scopes`; any text is a query."""
    return ask(index, query, scopes=scopes, limit=limit).hits


def ask(
    index: str, query: str, *, scopes: Collection[str], limit: int = 10, typing: bool = False, letter: bool = False
) -> Found:
    """Return what `find` finds, with how sure it is and how the query was understood."""
    if not scopes or limit < 1:
        return Found([], 0.0, False)
    answer = _answer(index, query, scopes, limit, typing=typing)
    confidence, sure = calibration.judged(answer.features)
    hits = _hits(index, answer, scopes)
    return Found(hits, confidence, bool(hits) and sure, answer.asked.read_as, answer.features)


def keys(index: str, query: str, *, scopes: Collection[str]) -> list[str]:
    """Return only the keys of what `find` finds, best first: nothing of the documents is read."""
    if not scopes:
        return []
    return [ranked.key for ranked in _answer(index, query, scopes, _MOST_HITS).ranked]


def trial(index: str, query: str, *, scopes: Collection[str], thesaurus: Thesaurus, limit: int = 10) -> list[str]:
    """Return the keys `ask` would find, best first, were this thesaurus in force: to see what an entry would change."""
    return [ranked.key for ranked in _answer(index, query, scopes, limit, thesaurus=thesaurus).ranked] if scopes else []


def frequencies(index: str, words: Collection[str], *, scopes: Collection[str]) -> dict[str, int]:
    """Return in how many documents open to one of `scopes` each known word stands; the unknown are left out."""
    entries.line_of(scopes)
    return reading.look(index, scopes, lambda store: store.frequencies(words)) if scopes else {}


def _answer(
    index: str,
    query: str,
    scopes: Collection[str],
    limit: int,
    *,
    typing: bool = False,
    thesaurus: Thesaurus | None = None,
) -> ranking.Answer:
    entries.line_of(scopes)
    work = partial(
        ranking.answer,
        query=query.replace("\x00", " "),
        limit=min(limit, _MOST_HITS),
        words=asked.Words(thesaurus or dictionary.current(), topics.shipped()),
        typing=typing,
        learnt=partial(learning.known, index),
        vectors=None if typing else vectors.of(index, scopes),
    )
    return reading.look(index, scopes, work)


def _hits(index: str, answer: ranking.Answer, scopes: Collection[str]) -> list[Hit]:
    # An index is a moment behind: whom an entry has been taken from must not see it even then.
    rows = Entry.objects.filter(entries.open_to(scopes), index=index, key__in=[one.key for one in answer.ranked])
    there = {entry.key: entry for entry in rows} if answer.ranked else {}
    words = {*answer.asked.typed, *answer.asked.written, *answer.asked.meant}
    return [
        Hit(entry.key, entry.title, snippet(entry.body, words), one.score, one.share, one.why)
        for one in answer.ranked
        if (entry := there.get(one.key))
    ]
