"""What documents meet of what is looked for, and how much that weighs: BM25F over lemmas and their roots.

Each of some fifty documents has a hundred lemmas and more, a letter looks for seven hundred: a word of documents is
looked at once for all of them, and the many that nobody looks for are passed over by a filter.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from itertools import filterfalse
from typing import Final, NamedTuple

from otklik.search import analysis
from otklik.search.asked import Group, How
from otklik.search.store import Candidate, Store

# Chosen on development queries.
SATURATION: Final = 1.4
LENGTH_PART: Final = 0.6
ROOT: Final = 0.45
_AVERAGE: Final = 100.0  # words of a document; only its order of size matters
_MOST_REASONS: Final = 8


class Why(NamedTuple):
    """A word of a document that was met: what was typed for it, and the way from one to the other."""

    asked: str
    found: str
    how: How


class Lexicon:
    """How rare words and roots are: what nobody knows is rarest. `rarity`: of each word; `known`: those that stand."""

    def __init__(self, store: Store, words: Collection[str]) -> None:
        self._store, self._size = store, store.size()
        self.known: Mapping[str, int] = store.frequencies(words)
        self.rarity = {word: self._rare(self.known.get(word, 0)) for word in words}

    def of_roots(self, roots: Collection[str]) -> dict[str, float]:
        """Return how rare these roots are."""
        families = self._store.families(roots)
        return {root: self._rare(families.get(root, 0)) for root in roots}

    def _rare(self, met: int) -> float:
        return math.log(1 + (max(self._size, met) - met + 0.5) / (met + 0.5))


class _Looked(NamedTuple):
    """What a word of a document is looked for as: in which groups, how much it weighs there; whose kin it may be."""

    wants: Sequence[tuple[int, float]]
    root: str  # empty where it stands for no other word


_NOBODYS: Final = _Looked((), "")


class Sought(dict[str, _Looked]):
    """Lemmas that are looked for, of all groups; each word of documents is looked at once for all of them."""

    def __init__(self, groups: Sequence[Group], lexicon: Lexicon) -> None:
        super().__init__()
        self.others: set[str] = set()  # words of documents that nobody looks for
        self.by_root: dict[str, list[tuple[int, str, float]]] = {}  # group, lemma, weight: of roots that were met
        self.groups, self._lexicon = groups, lexicon
        self._families: dict[str, set[str]] = defaultdict(set)
        for word in {word for group in groups for word in group if len(word) > analysis.PREFIX}:
            self._families[analysis.beginning(word)].add(word)

    def __missing__(self, word: str) -> _Looked:
        family, rarity = self._families.get(root := analysis.beginning(word)), self._lexicon.rarity
        if family is None and word not in rarity:
            self.others.add(word)
            return _NOBODYS
        wants = [(at, group.weights[word] * rarity[word]) for at, group in enumerate(self.groups) if word in group]
        self[word] = _Looked(wants, root if family and family != {word} else "")
        return self[word]

    def met(self, candidates: Iterable[Candidate]) -> list[Met]:
        """Return what each document meets, in their order."""
        every = [Met(one, self) for one in candidates]
        self.by_root = {
            root: [
                (at, word, group.weights[word] * ROOT * rarity)
                for at, group in enumerate(self.groups)
                for word in sorted(self._families[root] & group.weights.keys())
            ]
            for root, rarity in self._lexicon.of_roots({root for one in every for root in one.roots}).items()
        }
        for one in every:
            one.meet_roots()
        return every


class Met:
    """A candidate with what it meets of each group of words that are looked for, in their order: `values`."""

    def __init__(self, found: Candidate, sought: Sought) -> None:
        self.found, self.score = found, 0.0
        self.values = [0.0] * len(sought.groups)
        self.roots: dict[str, int] = {}  # each with its times
        self._sought, self._near = sought, dict[str, _Looked]()
        self._norm = SATURATION * (1 - LENGTH_PART + LENGTH_PART * found.length / _AVERAGE)
        for times, words in found.words:
            part = self._part(times)
            for word in filterfalse(sought.others.__contains__, words):
                wants, root = self._near[word] = sought[word]
                for group, weight in wants:
                    self.values[group] += part * weight
                if root:
                    self.roots[root] = self.roots.get(root, 0) + times

    def meet_roots(self) -> None:
        """Add the words looked for that do not stand here themselves, but others of their root do."""
        for root, times in self.roots.items():
            part = self._part(times)
            for group, word, weight in self._sought.by_root[root]:
                if word not in self._near:
                    self.values[group] += part * weight

    def _part(self, times: int) -> float:
        return (SATURATION + 1) * times / (times + self._norm)

    def sum(self, shares: Sequence[float]) -> float:
        """Return the values together, each group by its share."""
        return sum(share * value for share, value in zip(shares, self.values, strict=True))

    def why(self, shares: Sequence[float], was_led: bool) -> tuple[Why, ...]:
        """Return the reasons, the heaviest first; that people were led here before is the last."""
        reasons: list[tuple[float, str, str, How]] = []
        groups = self._sought.groups
        seen: dict[str, str] = {}
        for word, (wants, root) in self._near.items():
            for group, weight in wants:
                how, asked = groups[group].ways[word]
                reasons.append((-shares[group] * weight, asked, word, how))
            if root:
                seen.setdefault(root, word)
        for root, stands in seen.items():
            for group, word, weight in self._sought.by_root[root]:
                if word not in self._near:
                    how, asked = groups[group].ways[word]
                    reasons.append((-shares[group] * weight, asked, stands, "root" if how == "word" else how))
        told = list(dict.fromkeys(reason[1:] for reason in sorted(reasons)))
        return (*(Why(*one) for one in told[:_MOST_REASONS]), *([Why("", "", "learned")] if was_led else []))
