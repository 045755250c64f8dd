"""The door of search: `put`, `drop`, `ask`. Rights are part of the query: what a reader may not see is not counted."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from functools import partial
from typing import Final, NamedTuple

from django.db.models import QuerySet

from otklik.core import built, russian
from otklik.search import asked, calibration, dictionary, entries, learning, ranking, reading, topics, vectors
from otklik.search.entries import clear, drop, drop_each, drop_parts, known, put, put_each
from otklik.search.models import Entry
from otklik.search.snippets import Marks, Segment, snippet
from otklik.search.thesaurus import Thesaurus
from otklik.search.weighing import Why

__all__ = [
    "Found",
    "Hit",
    "ask",
    "ask_each",
    "clear",
    "drop",
    "drop_each",
    "drop_parts",
    "find",
    "frequencies",
    "keys",
    "known",
    "load",
    "put",
    "put_each",
    "trial",
]
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

    `sure`: confident enough, or the best is called by just what was asked. `features`: what confidence is reckoned
    from, kept to learn from.
    """

    hits: list[Hit]
    confidence: float
    sure: bool
    read_as: str = ""
    features: tuple[float, ...] = ()


def load() -> None:
    """Read what every search needs: processes that part after it have it in common."""
    russian.dictionary()
    topics.shipped()


def find(index: str, query: str, *, scopes: Collection[str], limit: int = 10) -> list[Hit]:
    """Return the documents that answer best among those open to one of `scopes`; any text is a query."""
    return ask(index, query, scopes=scopes, limit=limit).hits


def ask(index: str, query: str, *, scopes: Collection[str], limit: int = 10, typing: bool = False) -> Found:
    """Return what `find` finds, with how sure it is and how the query was understood.

    `typing`: the last word may be unfinished. A long query is a letter, of which only some words matter.
    """
    return ask_each(index, [query], scopes=scopes, limit=limit, typing=typing)[0]


def ask_each(
    index: str, queries: Sequence[str], *, scopes: Collection[str], limit: int = 10, typing: bool = False
) -> list[Found]:
    """Return what `ask` returns for each of several queries; the documents of all are read at once."""
    if not scopes or limit < 1:
        return [Found([], 0.0, False) for _ in queries]
    answers = _answers(index, queries, scopes, limit, typing=typing)
    # An index is a moment behind: whom an entry has been taken from must not see it even then.
    named = {one.key for answer in answers for one in answer.ranked}
    rows = _documents(index, entries.line_of(scopes), keys=sorted(named)) if named else []
    there = {key: (title, body) for key, title, body in rows}
    return [_found(answer, there) for answer in answers]


@built.asked
def _documents(index: str, scopes: str, *, keys: list[str]) -> QuerySet[Entry, tuple[str, str, str]]:
    rows = Entry.objects.filter(entries.open_to(scopes.split()), index=index, key__in=keys)
    return rows.values_list("key", "title", "body")


def keys(index: str, query: str, *, scopes: Collection[str]) -> list[str]:
    """Return only the keys of what `find` finds, best first: nothing of the documents is read."""
    if not scopes:
        return []
    return [ranked.key for ranked in _answers(index, [query], scopes, _MOST_HITS)[0].ranked]


def trial(index: str, query: str, *, scopes: Collection[str], thesaurus: Thesaurus, limit: int = 10) -> list[str]:
    """Return the keys `ask` would find, best first, were this thesaurus in force: to see what an entry would change."""
    if not scopes:
        return []
    return [ranked.key for ranked in _answers(index, [query], scopes, limit, thesaurus=thesaurus)[0].ranked]


def frequencies(index: str, words: Collection[str], *, scopes: Collection[str]) -> dict[str, int]:
    """Return in how many documents open to one of `scopes` each known word stands; the unknown are left out."""
    entries.line_of(scopes)
    return reading.look(index, scopes, lambda store: store.frequencies(words)) if scopes else {}


def _answers(
    index: str,
    queries: Sequence[str],
    scopes: Collection[str],
    limit: int,
    *,
    typing: bool = False,
    thesaurus: Thesaurus | None = None,
) -> list[ranking.Answer]:
    entries.line_of(scopes)
    answer = partial(
        ranking.answer,
        limit=min(limit, _MOST_HITS),
        words=asked.Words(thesaurus or dictionary.current(), topics.shipped()),
        typing=typing,
        learnt=partial(learning.known, index),
        vectors=None if typing else vectors.of(index, scopes),
    )
    asked_of = [query.replace("\x00", " ") for query in queries]
    return reading.look(index, scopes, lambda store: [answer(store, query) for query in asked_of])


def _found(answer: ranking.Answer, there: Mapping[str, tuple[str, str]]) -> Found:
    query = answer.asked
    # Where what was typed stands, or what the thesaurus puts beside it, words of a topic would only distract.
    marks = [Marks(answer.heaviest)] if query.letter else [Marks({*query.typed, *query.written}), Marks(query.meant)]
    hits = [
        Hit(one.key, there[one.key][0], snippet(there[one.key][1], *marks), one.score, one.share, one.why)
        for one in answer.ranked
        if one.key in there
    ]
    confidence, sure = calibration.judged(answer.features)
    return Found(hits, confidence, bool(hits) and (sure or answer.named), query.read_as, answer.features)
