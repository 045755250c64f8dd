"""Which documents answer a query by the rows of words in the database, until the index on disk takes their place."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Final, NamedTuple, Protocol

from otklik.search import analysis

COMMON: Final = 1000  # a word of so many documents says nothing more by being in still more of them
_MOST_TERMS: Final = 40  # of a letter: its rarest words
_MOST_POSTINGS: Final = 4000
_MOST_CANDIDATES: Final = 200
_SHORT_QUERY: Final = 12  # words; slips are looked for in these only
_SHORTEST_REPAIRED: Final = 3  # letters
_MOST_OPTIONS: Final = 8  # known words that may stand for one unknown
_LONGEST_QUERY: Final = 20_000  # characters
_TITLE_WEIGHT: Final = 4
_SATURATION, _LENGTH_PART = 1.4, 0.6  # k1 and b of BM25, chosen on development queries
_PREFIX_CREDIT, _SLIP_CREDIT = 0.85, 0.8


class Occurrence(NamedTuple):
    """A word in a document: its weight there, and the document's length in words."""

    word: str
    document: int
    weight: int
    length: int


class Ranked(NamedTuple):
    """A document that answers; `share` is the part of the query's meaning it covers, from 0 to 1."""

    document: int
    score: float
    share: float


class Answer(NamedTuple):
    """What was found, and the words it was found by."""

    ranked: list[Ranked]
    words: frozenset[str]


class Store(Protocol):
    """Where words and documents lie. Every answer already leaves out what the reader may not see."""

    def size(self) -> int:
        """Return the number of documents."""
        ...

    def frequencies(self, words: Collection[str]) -> dict[str, int]:
        """Return in how many documents each known word stands, `COMMON` at most."""
        ...

    def beginning_with(self, pairs: Collection[str]) -> dict[str, int]:
        """Return known words that begin with one of these pairs of letters, each as `frequencies` counts it."""
        ...

    def occurrences(self, words: Collection[str], limit: int) -> list[Occurrence]:
        """Return where these words stand, heaviest first."""
        ...

    def occurrences_in(self, words: Collection[str], documents: Collection[int]) -> list[Occurrence]:
        """Return where these words stand among the documents named."""
        ...


def weights(title: str, body: str) -> tuple[dict[str, int], int]:
    """Return the weight of every word of a document, and its length in words."""
    found: dict[str, int] = defaultdict(int)
    in_title, in_body = analysis.words(title), analysis.words(body)
    for word in in_title:
        found[word] += _TITLE_WEIGHT
    for word in in_body:
        found[word] += 1
    return {word: min(weight, 30_000) for word, weight in found.items()}, len(in_title) + len(in_body)


def answer(store: Store, query: str, limit: int) -> Answer:
    """Return the best documents for a query; nothing for a query without words."""
    terms = _terms(store, query[:_LONGEST_QUERY])
    scores, covered = _score(store, terms)
    asked = sum(term.rarity for term in terms) or 1.0
    best = sorted(scores, key=lambda document: (-scores[document], document))[:limit]
    ranked = [Ranked(document, scores[document], covered[document] / asked) for document in best]
    return Answer(ranked, frozenset(word for term in terms for word in term.options))


class _Term(NamedTuple):
    """A word of the query: known words that stand for it with their credit, in how many documents, how rare."""

    options: Mapping[str, float]
    frequency: int
    rarity: float


def _terms(store: Store, query: str) -> list[_Term]:
    """Return the words of a query as the store knows them, slips of the hand repaired, the rarest of a letter."""
    asked = dict.fromkeys(analysis.words(query))
    retyped = dict.fromkeys(analysis.words(analysis.other_layout(query)))
    known = store.frequencies({*asked, *retyped})
    if not asked.keys() & known.keys():
        asked = retyped
    options = {word: {word: 1.0} for word in asked if word in known}
    if len(asked) <= _SHORT_QUERY and (unknown := [word for word in asked if word not in known]):
        repaired, vocabulary = _repair(store, unknown)
        options |= repaired
        known |= vocabulary
    total = store.size()
    # A short query's unknown word stays a term without options: an answer to one word of five is a doubtful one.
    terms = [
        _Term(found, frequency := sum(known.get(option, 0) for option in found), _rarity(frequency, total))
        for word in asked
        if (found := options.get(word, {})) or len(asked) <= _SHORT_QUERY
    ]
    return sorted(terms, key=lambda term: term.frequency)[:_MOST_TERMS]


def _repair(store: Store, unknown: Sequence[str]) -> tuple[dict[str, dict[str, float]], dict[str, int]]:
    """Return known words for unfinished and misspelt ones: what begins so, else the nearest by slips; and those met."""
    spelt = [word for word in unknown if len(word) >= _SHORTEST_REPAIRED and word.isalpha()]
    vocabulary = store.beginning_with({beginning for word in spelt for beginning in _beginnings(word)}) if spelt else {}
    repaired = {}
    for word in spelt:
        begun = sorted((known for known in vocabulary if known.startswith(word)), key=len)[:_MOST_OPTIONS]
        near = _nearest(word, vocabulary) if not begun else []
        if begun or near:
            repaired[word] = dict.fromkeys(begun, _PREFIX_CREDIT) | dict.fromkeys(near, _SLIP_CREDIT)
    return repaired, vocabulary


def _beginnings(word: str) -> set[str]:
    """Return the first letters a misspelt word may have had: its own, or its first two swapped."""
    return {word[:2], word[1] + word[0]}


def _nearest(word: str, vocabulary: Iterable[str]) -> list[str]:
    """Return the known words fewest slips away: one in a short word, two in a long one."""
    limit = 1 if len(word) < 7 else 2
    far = [(distance(word, known, limit), known) for known in vocabulary if abs(len(known) - len(word)) <= limit]
    least = min((slips for slips, _ in far), default=limit + 1)
    return [known for slips, known in far if slips == least <= limit][:_MOST_OPTIONS]


def _rarity(frequency: int, total: int) -> float:
    return math.log(1 + (max(total, frequency) - frequency + 0.5) / (frequency + 0.5))


def _score(store: Store, terms: Sequence[_Term]) -> tuple[dict[int, float], dict[int, float]]:
    """Return BM25 scores of the candidates, and the rarity of the words each covers."""
    rare, common, budget = set[str](), set[str](), _MOST_POSTINGS
    for term in terms:  # rarest first: they name the candidates, the others only tell candidates apart
        if not rare or term.frequency < min(budget, COMMON):
            rare.update(term.options)
            budget -= term.frequency
        else:
            common.update(term.options)
    met = store.occurrences(rare, _MOST_POSTINGS) if rare else []
    if common and met:
        weight: dict[int, int] = defaultdict(int)
        for occurrence in met:
            weight[occurrence.document] += occurrence.weight
        candidates = sorted(weight, key=lambda document: (-weight[document], document))[:_MOST_CANDIDATES]
        met = [seen for seen in met if seen.document in set(candidates)] + store.occurrences_in(common, candidates)
    return _sum_up(terms, met)


def _sum_up(terms: Sequence[_Term], met: Sequence[Occurrence]) -> tuple[dict[int, float], dict[int, float]]:
    by_word: dict[str, list[Occurrence]] = defaultdict(list)
    for occurrence in met:
        by_word[occurrence.word].append(occurrence)
    average = sum(seen.length for seen in met) / len(met) if met else 1.0
    scores: dict[int, float] = defaultdict(float)
    covered: dict[int, float] = defaultdict(float)
    for term in terms:
        best: dict[int, float] = {}
        for word, credit in term.options.items():
            for seen in by_word[word]:
                norm = _SATURATION * (1 - _LENGTH_PART + _LENGTH_PART * seen.length / average)
                value = credit * seen.weight * (_SATURATION + 1) / (seen.weight + norm)
                best[seen.document] = max(best.get(seen.document, 0.0), value)
        for document, value in best.items():
            scores[document] += term.rarity * value
            covered[document] += term.rarity
    return scores, covered


def distance(one: str, other: str, limit: int) -> int:
    """Return how many slips (a letter wrong, missing, extra, two swapped) part two words; beyond `limit`: limit + 1."""
    if abs(len(one) - len(other)) > limit:
        return limit + 1
    above: list[int] = []
    row = list(range(len(other) + 1))
    for i, a in enumerate(one, 1):
        above_that, above, row = above, row, [i]
        for j, b in enumerate(other, 1):
            cost = min(above[j] + 1, row[j - 1] + 1, above[j - 1] + (a != b))
            if i > 1 and j > 1 and a == other[j - 2] and b == one[i - 2]:
                cost = min(cost, above_that[j - 2] + 1)
            row.append(cost)
        if min(row) > limit:
            return limit + 1
    return row[-1]
