"""The door of search: `put`, `drop`, `find`. Rights are part of the query: what a reader may not see is not counted."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable
from typing import Final, NamedTuple

from django.db import connection, transaction
from django.db.models import Count, Q, QuerySet
from django.db.models.functions import Substr

from otklik.search.models import Entry, Posting
from otklik.search.postings import COMMON, Occurrence, answer, weights
from otklik.search.ranking import Why
from otklik.search.snippets import Segment, snippet

_SCOPE: Final = re.compile(r"[a-z0-9:-]{1,60}")
_MOST_HITS: Final = 100
_MOST_VOCABULARY: Final = 5000


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


@transaction.atomic
def put(index: str, key: str, *, title: str, body: str, scopes: Collection[str], new: bool = False) -> None:
    """Make a document findable, or replace what was known of it, by readers who hold one of `scopes`.

    `new`: nothing was known of it, so nothing need be looked for.
    """
    title, body = title.replace("\x00", " "), body.replace("\x00", " ")
    open_to = _line_of(scopes)
    # Most changes are of readers, not of words: the words stay, however many there are.
    known = Entry.objects.filter(index=index, key=key, title=title[:500], body=body)
    if not new and known.update(scopes=open_to):
        return
    found, length = weights(title, body)
    facts = {"title": title[:500], "body": body, "length": length, "scopes": open_to}
    [entry] = Entry.objects.bulk_create(
        [Entry(index=index, key=key, **facts)],
        update_conflicts=True,
        unique_fields=["index", "key"],
        update_fields=[*facts, "changed_at"],
    )
    if not new:
        entry.postings.all().delete()
    Posting.objects.bulk_create(
        (Posting(entry=entry, index=index, word=word, weight=weight) for word, weight in found.items()), batch_size=1000
    )


def drop(index: str, key: str) -> None:
    """Forget a document; nothing happens where it was not known."""
    Entry.objects.filter(index=index, key=key).delete()


def drop_parts(index: str, keys: Collection[str], *, kept: Collection[str] = ()) -> None:
    """Forget the parts of documents, but for those kept. A part is put under its document's key and its own: «12/5»."""
    parts = Entry.objects.filter(index=index, key__contains="/")
    if len(keys) == 1:  # most often one page has changed: the parts of all others stay in the database
        parts = parts.filter(key__startswith=f"{next(iter(keys))}/")
    gone = [pk for pk, key in parts.values_list("pk", "key") if key.partition("/")[0] in keys and key not in kept]
    for start in range(0, len(gone), 500):
        Entry.objects.filter(pk__in=gone[start : start + 500]).delete()


def clear(index: str) -> None:
    """Forget a whole index, before it is filled anew."""
    Entry.objects.filter(index=index).delete()


def find(index: str, query: str, *, scopes: Collection[str], limit: int = 10) -> list[Hit]:
    """Return the documents that answer best among those open to one of `scopes`; any text is a query."""
    if not scopes or limit < 1:
        return []
    found = answer(_Index(index, scopes), query.replace("\x00", " "), min(limit, _MOST_HITS))
    entries = Entry.objects.in_bulk([ranked.document for ranked in found.ranked])
    return [
        Hit(entry.key, entry.title, snippet(entry.body, found.words), ranked.score, ranked.share)
        for ranked in found.ranked
        if (entry := entries.get(ranked.document))
    ]


def ask(
    index: str, query: str, *, scopes: Collection[str], limit: int = 10, typing: bool = False, letter: bool = False
) -> Found:
    """Return what `find` finds, with how sure it is and how the query was understood."""
    hits = find(index, query, scopes=scopes, limit=limit)
    confidence = min(hits[0].share, 1.0) if hits else 0.0
    return Found(hits, confidence, confidence >= 0.5)


def keys(index: str, query: str, *, scopes: Collection[str]) -> list[str]:
    """Return only the keys of what `find` finds, best first: nothing of the documents is read."""
    if not scopes:
        return []
    store = _Index(index, scopes)
    found = answer(store, query.replace("\x00", " "), _MOST_HITS)
    return [store.keys[ranked.document] for ranked in found.ranked]


def _line_of(scopes: Iterable[str]) -> str:
    for scope in scopes:
        if not _SCOPE.fullmatch(scope):
            raise ValueError(f"not a scope: {scope!r}")
    return f" {' '.join(sorted(scopes))} "


class _Index:
    """One index as one reader sees it: the `Store` of ranking over our two tables."""

    def __init__(self, index: str, scopes: Collection[str]) -> None:
        self._index = index
        self._patterns = [f"% {scope} %" for scope in _line_of(scopes).split()]
        self._open = Q()
        for scope in _line_of(scopes).split():
            self._open |= Q(entry__scopes__contains=f" {scope} ")
        self._size: int | None = None
        self.keys: dict[int, str] = {}  # of the documents met so far

    def _postings(self) -> QuerySet[Posting]:
        return Posting.objects.filter(self._open, index=self._index)

    def size(self) -> int:
        return Entry.objects.filter(index=self._index).count() if self._size is None else self._size

    def frequencies(self, words: Collection[str]) -> dict[str, int]:
        """Return how many open documents each word stands in; counting stops at `COMMON`.

        The same query counts the documents: `size()` is asked after it.
        """
        asked = sorted(words)[:_MOST_VOCABULARY]
        if not asked:
            return {}
        # The count of a common word is cut short: a letter's four hundred words must not read the whole index.
        rows = ", ".join(["(%s)"] * len(asked))
        is_open = " OR ".join(["e.scopes LIKE %s"] * len(self._patterns))
        sql = f"""
            SELECT asked.column1, (SELECT COUNT(*) FROM (
                SELECT 1 FROM search_posting p JOIN search_entry e ON e.id = p.entry_id
                WHERE p."index" = %s AND p.word = asked.column1 AND ({is_open}) LIMIT {COMMON}) AS met)
            FROM (VALUES {rows}) AS asked
            UNION ALL SELECT '', COUNT(*) FROM search_entry WHERE "index" = %s
        """  # noqa: S608  only counts of placeholders are put in
        with connection.cursor() as cursor:
            cursor.execute(sql, [self._index, *self._patterns, *asked, self._index])
            counts = dict(cursor.fetchall())
        self._size = counts.pop("", 0)
        return {word: count for word, count in counts.items() if count}

    def beginning_with(self, pairs: Collection[str]) -> dict[str, int]:
        words = self._postings().alias(pair=Substr("word", 1, 2)).filter(pair__in=pairs).order_by()
        counted = words.values_list("word").annotate(met=Count("pk"))[:_MOST_VOCABULARY]
        return {word: min(met, COMMON) for word, met in counted}

    def occurrences(self, words: Collection[str], limit: int) -> list[Occurrence]:
        rows = self._postings().filter(word__in=words).order_by("-weight", "pk")
        return self._occurrences(rows, limit)

    def occurrences_in(self, words: Collection[str], documents: Collection[int]) -> list[Occurrence]:
        return self._occurrences(self._postings().filter(word__in=words, entry__in=documents))

    def _occurrences(self, rows: QuerySet[Posting], limit: int | None = None) -> list[Occurrence]:
        values = list(rows.values_list("word", "entry_id", "weight", "entry__length", "entry__key")[:limit])
        self.keys |= {document: key for _, document, _, _, key in values}
        return [Occurrence(*value[:4]) for value in values]
