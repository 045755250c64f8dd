"""The door of search: `put`, `drop`, `ask`. Rights are part of the query: what a reader may not see is not counted."""

from __future__ import annotations

from collections.abc import Collection
from functools import partial
from typing import Final, NamedTuple

from otklik.search import asked, calibration, entries, ranking, reading, vectors
from otklik.search.entries import clear, drop, drop_parts, known, put
from otklik.search.models import Entry
from otklik.search.ranking import Why
from otklik.search.snippets import Segment, snippet

__all__ = ["Found", "Hit", "ask", "clear", "drop", "drop_parts", "find", "keys", "known", "put"]
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


def _answer(index: str, query: str, scopes: Collection[str], limit: int, *, typing: bool = False) -> ranking.Answer:
    entries.line_of(scopes)
    words, limit = query.replace("\x00", " "), min(limit, _MOST_HITS)
    near = None if typing else vectors.of(index, scopes)
    work = partial(ranking.answer, query=words, limit=limit, words=asked.shipped(), typing=typing, vectors=near)
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
