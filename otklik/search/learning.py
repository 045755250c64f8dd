"""What search learns of those who found: words that led several of them to one document and do not stand in its title.

Rooms above bring confirmed pairs, every night all of them anew; here only sums are kept. Ranking asks `known`.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final, NamedTuple

from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone

from otklik.core import built, journal
from otklik.people.models import Employee
from otklik.search import analysis, dictionary
from otklik.search.models import Entry, LearnedWord
from otklik.search.telling import ordinary

SOURCES: Final = 2  # people or letters a word must come from: one alone teaches nothing
_LEAST: Final = 0.3  # of a word that leads everywhere nothing is learned
_DOUBT: Final = 2.0  # as if so much more had led elsewhere: few pairs weigh little
MOST_OF_A_DOCUMENT: Final = 30
_MOST_ASKED: Final = 60
_MOST_FOUND: Final = 200
_AT_ONCE: Final = 500


class Pair(NamedTuple):
    """What somebody asked, the key of the document it ended with, and whose word it is: opaque, it is only counted.

    `counts`: below nothing where the document did not help.
    """

    text: str
    key: str
    source: str
    counts: float = 1.0


@dataclass
class _Sum:
    counts: float = 0.0
    times: int = 0
    sources: set[str] = field(default_factory=set)


class Learned(NamedTuple):
    """A word that leads to a document: how much, from 0 to 1, how often it did, and how many said so."""

    key: str
    lemma: str
    weight: float
    times: int
    sources: int


def weigh(
    pairs: Iterable[Pair], titles: Callable[[Collection[str]], Mapping[str, set[str]]], story: Collection[str]
) -> list[Learned]:
    """Return what these pairs teach; `titles` gives the lemmas of titles by key, words of a `story` teach nothing."""
    sums: dict[tuple[str, str], _Sum] = defaultdict(_Sum)
    led: dict[str, float] = defaultdict(float)
    for pair in pairs:
        for word in ordinary(pair.text).keys() - story:
            one = sums[pair.key, word]
            one.counts += pair.counts
            one.times += 1
            one.sources.add(pair.source)
            led[word] += max(pair.counts, 0.0)
    known = titles({key for key, _ in sums})
    of_document: dict[str, list[Learned]] = defaultdict(list)
    for (key, word), one in sums.items():
        weight = one.counts / (led[word] + _DOUBT)
        if len(one.sources) >= SOURCES and weight >= _LEAST and word not in known.get(key, {word}):
            of_document[key].append(Learned(key, word, min(weight, 1.0), one.times, len(one.sources)))
    return [
        one
        for found in of_document.values()
        for one in sorted(found, key=lambda told: (-told.weight, told.lemma))[:MOST_OF_A_DOCUMENT]
    ]


@transaction.atomic
def learn(index: str, pairs: Iterable[Pair]) -> int:
    """Bring what is learned of an index up to these pairs, all there are; return how many words there are now."""
    learned = weigh(pairs, lambda keys: dict(_titles(index, keys)), dictionary.current().story)
    kept = LearnedWord.objects.filter(index=index)
    # What was taken back keeps its row and is never weighed again.
    back = set(kept.filter(taken_back_at__isnull=False).values_list("key", "lemma"))
    rows = [
        LearnedWord(index=index, **one._replace(weight=round(one.weight, 3))._asdict())
        for one in learned
        if (one.key, one.lemma) not in back
    ]
    still = {(row.key, row.lemma) for row in rows}
    lasting = kept.filter(taken_back_at=None).values_list("pk", "key", "lemma")
    gone = [pk for pk, key, word in lasting if (key, word) not in still]
    for start in range(0, len(gone), _AT_ONCE):
        LearnedWord.objects.filter(pk__in=gone[start : start + _AT_ONCE]).delete()
    LearnedWord.objects.bulk_create(
        rows,
        update_conflicts=True,
        unique_fields=["index", "key", "lemma"],
        update_fields=["weight", "times", "sources", "learned_at"],
        batch_size=_AT_ONCE,
    )
    return len(rows)


def _titles(index: str, keys: Collection[str]) -> Iterable[tuple[str, set[str]]]:
    """Yield the words of the titles of documents that can be found."""
    asked = sorted(keys)
    for start in range(0, len(asked), _AT_ONCE):
        rows = Entry.objects.filter(index=index, key__in=asked[start : start + _AT_ONCE])
        for key, title in rows.values_list("key", "title"):
            yield key, set(analysis.words(title))


def known(index: str, lemmas: Sequence[str]) -> list[tuple[str, str, float]]:
    """Return the documents that words are known to lead to, each with the word and its weight: one query.

    Of many words the first are looked at. Rights are the asker's.
    """
    return _weights(index, lemmas=sorted(lemmas[:_MOST_ASKED])) if lemmas else []


@built.asked
def _weights(index: str, *, lemmas: list[str]) -> QuerySet[LearnedWord, tuple[str, str, float]]:
    rows = in_force(index).filter(lemma__in=lemmas).values_list("key", "lemma", "weight")
    return rows.order_by("-weight", "key", "lemma")[:_MOST_FOUND]


def why(index: str, lemmas: Collection[str], keys: Collection[str]) -> dict[str, list[str]]:
    """Return by which of these words each of these documents is known."""
    rows = in_force(index).filter(lemma__in=sorted(lemmas)[:_MOST_ASKED], key__in=sorted(keys)[:_MOST_FOUND])
    found: dict[str, list[str]] = defaultdict(list)
    for key, lemma in rows.order_by("-weight", "lemma").values_list("key", "lemma"):
        found[key].append(lemma)
    return dict(found)


def of(index: str, key: str) -> list[str]:
    """Return the words that lead to one document, the heaviest first."""
    return list(in_force(index).filter(key=key).order_by("-weight", "lemma").values_list("lemma", flat=True))


def in_force(index: str) -> QuerySet[LearnedWord]:
    """Return what is learned of an index and not taken back."""
    return LearnedWord.objects.filter(index=index, taken_back_at=None)


@transaction.atomic
def take_back(rows: QuerySet[LearnedWord], *, by: Employee) -> int:
    """Let learned words count no more, and never be learned again; return how many they were."""
    return _change(rows.filter(taken_back_at=None), "learned.taken_back", by, back=True)


@transaction.atomic
def give_back(rows: QuerySet[LearnedWord], *, by: Employee) -> int:
    """Let words that were taken back count again; return how many they were."""
    return _change(rows.filter(taken_back_at__isnull=False), "learned.given_back", by, back=False)


def _change(rows: QuerySet[LearnedWord], action: str, by: Employee, *, back: bool) -> int:
    chosen = list(rows.order_by("pk")[:_AT_ONCE])
    with journal.together():
        for row in chosen:
            # An ordinary word of several people: it tells of nobody.
            journal.record(action, chain="learned", by=by, row=row.pk, what=row.lemma, about=row.key)
    when, who = (timezone.now(), by) if back else (None, None)
    return LearnedWord.objects.filter(pk__in=[row.pk for row in chosen]).update(taken_back_at=when, taken_back_by=who)
