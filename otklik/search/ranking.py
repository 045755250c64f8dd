"""Which documents answer a query, best first, why, and how sure that is. Knows no database: it asks a `Store`.

The words typed and the words the thesaurus puts beside them are counted apart: the better a document meets what was
typed, the less the thesaurus has to say. Who types a title gets that title; who tells a story gets what it is about.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, NamedTuple

from otklik.search import analysis, confidence
from otklik.search.asked import Asked, How, Option, understand
from otklik.search.store import Candidate, Store
from otklik.search.thesaurus import Thesaurus

# Numbers of BM25F, chosen on development queries.
SATURATION: Final = 1.4
LENGTH_PART: Final = 0.6
TITLE: Final = 3.0
ROOT: Final = 0.45
_AVERAGE: Final = 100.0  # words of a document; only its order of size matters
_CANDIDATES: Final = 60  # ranked anew by what stands where
THESAURUS: Final = 0.7  # of what is written against what is typed; of a letter:
THESAURUS_OF_LETTER: Final = 0.5
_LEAST_SAID: Final = 0.1  # of the thesaurus where a title was typed
_WELL_MET: Final = 2.0  # BM25 gives a word up to 2.4 of its rarity
_MOST_REASONS: Final = 8


class Why(NamedTuple):
    """A word of a document that was met: what was typed for it, and the way from one to the other."""

    asked: str
    found: str
    how: How


class Ranked(NamedTuple):
    """A document that answers; `share` is the part of the query's meaning it covers, from 0 to 1."""

    key: str
    score: float
    share: float
    why: tuple[Why, ...]


class Answer(NamedTuple):
    """What was found. `features`: what `confidence` is reckoned from; `asked`: the query as understood."""

    ranked: list[Ranked]
    asked: Asked
    features: confidence.Features


def answer(store: Store, query: str, limit: int, *, thesaurus: Thesaurus, typing: bool = False) -> Answer:
    """Return the best documents for a query; nothing for a query without words."""
    asked = understand(query, store, thesaurus, typing=typing)
    lexicon = _Lexicon(store, {*asked.typed, *asked.written, *asked.words})
    share = THESAURUS_OF_LETTER if asked.letter else THESAURUS
    looked_for = {word: share * option.weight for word, option in asked.written.items()}
    for word, option in asked.typed.items():
        looked_for[word] = looked_for.get(word, 0.0) + option.weight
    met = [_Met(one, asked, lexicon) for one in store.best(looked_for, max(_CANDIDATES, limit))]
    total = sum(lexicon.rarity(word) * part for word, part in asked.words.items()) or 1.0
    best_typed = max((one.typed for one in met), default=0.0) / (_WELL_MET * total)
    if not asked.letter:
        share *= max(_LEAST_SAID, 1 - min(best_typed, 1.0))
    scored = sorted(((one.typed + share * one.written, one) for one in met), key=lambda s: (-s[0], s[1].found.key))
    ranked = [one.ranked(score, total) for score, one in scored[:limit] if score > 0]
    known = sum(part for word, part in asked.words.items() if word in lexicon.met) / (sum(asked.words.values()) or 1.0)
    return Answer(ranked, asked, confidence.features([score for score, _ in scored], total, best_typed, known, asked))


class _Lexicon:
    """How rare words and roots are: what nobody knows is rarest."""

    def __init__(self, store: Store, words: set[str]) -> None:
        self._size = store.size()
        self.met = store.frequencies(words)
        self._families = store.families({analysis.beginning(word) for word in words if len(word) > analysis.PREFIX})

    def rarity(self, word: str) -> float:
        """Return the weight a word bears by being rare."""
        return self._rarity(self.met.get(word, 0))

    def rarity_of_root(self, root: str) -> float:
        """Return the weight a root bears by being rare."""
        return self._rarity(self._families.get(root, 0))

    def _rarity(self, met: int) -> float:
        return math.log(1 + (max(self._size, met) - met + 0.5) / (met + 0.5))


@dataclass
class _Met:
    """A candidate with what it meets of a query."""

    found: Candidate
    typed: float
    written: float
    _why: list[tuple[float, Why]]

    def __init__(self, found: Candidate, asked: Asked, lexicon: _Lexicon) -> None:
        self.found, self._why = found, []
        self._title, self._body = Counter(found.title), Counter(found.body)
        self._roots = _roots(self._title, self._body)
        self._norm = SATURATION * (1 - LENGTH_PART + LENGTH_PART * found.length / _AVERAGE)
        self._lexicon = lexicon
        self.typed = self._sum(asked.typed)
        self.written = self._sum(asked.written)

    def _sum(self, options: Mapping[str, Option]) -> float:
        return sum(self._value(word, option) for word, option in options.items())

    def _value(self, word: str, option: Option) -> float:
        met, credit, seen, how = TITLE * self._title[word] + self._body[word], option.weight, word, option.how
        rarity = self._lexicon.rarity(word)
        if not met:
            root = analysis.beginning(word)
            if len(word) <= analysis.PREFIX or root not in self._roots:
                return 0.0
            met, seen = self._roots[root]
            credit *= ROOT
            how = "root" if how == "word" else how
            rarity = self._lexicon.rarity_of_root(root)
        value = credit * rarity * met * (SATURATION + 1) / (met + self._norm)
        self._why.append((value, Why(option.asked, seen, how)))
        return value

    def ranked(self, score: float, total: float) -> Ranked:
        """Return the candidate as found, its heaviest reasons first."""
        reasons = dict.fromkeys(why for _, why in sorted(self._why, key=lambda one: -one[0]))
        return Ranked(self.found.key, score, min(score / (_WELL_MET * total), 1.0), tuple(reasons)[:_MOST_REASONS])


def _roots(title: Counter[str], body: Counter[str]) -> dict[str, tuple[float, str]]:
    """Return the beginnings of words of a document, each with its weight there and the word met."""
    roots: dict[str, tuple[float, str]] = {}
    for words, part in ((title, TITLE), (body, 1.0)):
        for word, times in words.items():
            before, seen = roots.get(root := analysis.beginning(word), (0.0, word))
            roots[root] = (before + part * times, seen)
    return roots
