"""How alike texts are: by rare lemmas (TF-IDF), by runs of lemmas they repeat; which of many tell of one thing.

Pure: whoever looks for texts like one asks the index for candidates first, pairs are never all compared.
"""

from __future__ import annotations

import heapq
import math
from collections import Counter, defaultdict
from collections.abc import Collection, Hashable, Iterable, Mapping
from typing import Final, Generic, TypeVar

from otklik.search import analysis

Key = TypeVar("Key", bound=Hashable)

REPEATED: Final = 0.35  # of the shorter text's runs of words, how many stand in the longer one that repeats it
ONE_THING: Final = 0.12  # average likeness of the texts of one group
_LOOKED_AT: Final = 4000  # characters of one text
_RUN: Final = 3  # lemmas
_FEW: Final = 100  # texts: rarity among fewer is counted as among so many, else chance would rule
_FEWEST: Final = 4  # lemmas: shorter texts are alike by chance
_NEIGHBOURS: Final = 40  # of one text, the nearest: others are taken for strangers
_LEAST: Final = 0.04  # likeness that is looked at
_COMMON: Final = 60  # texts with a word, or a fiftieth of all: it leads to no neighbour


class Texts(Generic[Key]):
    """Some texts and how alike they are. Words that most of them have say little: rarity is counted among them."""

    def __init__(self, texts: Mapping[Key, str]) -> None:
        self._words = {key: analysis.words(text[:_LOOKED_AT]) for key, text in texts.items()}
        self._met = Counter(word for words in self._words.values() for word in set(words))
        self._vectors = {key: self._vector(words) for key, words in self._words.items()}

    def _vector(self, words: Collection[str]) -> dict[str, float]:
        weights = {
            word: (1 + math.log(times)) * math.log(1 + max(len(self._words), _FEW) / self._met[word])
            for word, times in Counter(words).items()
        }
        length = math.sqrt(sum(weight * weight for weight in weights.values())) or 1.0
        return {word: weight / length for word, weight in weights.items()}

    def likeness(self, one: Key, other: Key) -> float:
        """Return how alike two texts are by their words, rare ones most: from 0 to 1."""
        return sum(part for _, part in self._parts(one, other))

    def shared(self, one: Key, other: Key, limit: int) -> list[str]:
        """Return the lemmas that make two texts alike, the heaviest first."""
        parts = sorted(self._parts(one, other), key=lambda part: (-part[1], part[0]))
        return [word for word, part in parts[:limit] if part > 0]

    def _parts(self, one: Key, other: Key) -> list[tuple[str, float]]:
        few, many = sorted((self._vectors[one], self._vectors[other]), key=len)
        return [(word, weight * many[word]) for word, weight in few.items() if word in many]

    def repeated(self, one: Key, other: Key) -> float:
        """Return how much of the shorter text stands in the longer one, by runs of words: from 0 to 1."""
        few, many = sorted((_runs(self._words[one]), _runs(self._words[other])), key=len)
        return len(few & many) / len(few) if few else 0.0

    def common(self, keys: Collection[Key], limit: int) -> list[str]:
        """Return the lemmas that at least half of some texts have, the heaviest first."""
        sums: dict[str, float] = defaultdict(float)
        times: Counter[str] = Counter()
        for key in keys:
            times.update(self._vectors[key].keys())
            for word, weight in self._vectors[key].items():
                sums[word] += weight
        half = [word for word, met in times.items() if 2 * met >= len(keys)]
        return sorted(half, key=lambda word: (-sums[word], word))[:limit]

    def groups(self, *, at_least: float = ONE_THING, most: int = 50) -> list[list[Key]]:
        """Return the groups of texts that tell of one thing, the largest first, each as the texts were given.

        Average linkage: two groups become one while their texts are alike on average, and no more than `most` of them.
        """
        order = [key for key, words in self._words.items() if len(set(words)) >= _FEWEST]
        members: dict[int, list[int]] = {at: [at] for at in range(len(order))}
        near: dict[int, dict[int, float]] = {at: {} for at in members}  # the sum of likenesses between two groups
        for one, other, likeness in self._near(order):
            near[one][other] = near[other][one] = likeness
        waiting = [(-likeness, one, other) for one in near for other, likeness in near[one].items() if one < other]
        heapq.heapify(waiting)
        following = len(order)
        while waiting:
            average, one, other = heapq.heappop(waiting)
            if -average < at_least:
                break
            if one not in members or other not in members or len(members[one]) + len(members[other]) > most:
                continue
            members[following] = members.pop(one) + members.pop(other)
            sums: dict[int, float] = defaultdict(float)
            for gone in (one, other):
                for beside, likeness in near.pop(gone).items():
                    if beside in members:
                        sums[beside] += likeness
            near[following] = dict(sums)
            for beside, likeness in sums.items():
                near[beside][following] = likeness
                pairs = len(members[beside]) * len(members[following])
                heapq.heappush(waiting, (-likeness / pairs, beside, following))
            following += 1
        found = [sorted(group) for group in members.values() if len(group) > 1]
        return [[order[at] for at in group] for group in sorted(found, key=lambda group: (-len(group), group))]

    def _near(self, order: list[Key]) -> Iterable[tuple[int, int, float]]:
        """Return the pairs worth a look with their likeness, found by the words they share."""
        having: dict[str, list[tuple[int, float]]] = defaultdict(list)
        kept: dict[tuple[int, int], float] = {}
        common = max(_COMMON, len(order) // 50)
        for at, key in enumerate(order):
            sums: dict[int, float] = defaultdict(float)
            for word, weight in self._vectors[key].items():
                if self._met[word] > common:  # brings everybody together, and says hardly anything
                    continue
                for before, its in having[word]:
                    sums[before] += weight * its
                having[word].append((at, weight))
            for before, _ in heapq.nlargest(_NEIGHBOURS, sums.items(), key=lambda one: (one[1], -one[0])):
                if (likeness := self.likeness(order[before], key)) >= _LEAST:
                    kept[before, at] = likeness
        return [(one, other, likeness) for (one, other), likeness in kept.items()]


def _runs(words: Collection[str]) -> set[tuple[str, ...]]:
    listed = list(words)
    return {tuple(listed[at : at + _RUN]) for at in range(max(0, len(listed) - _RUN + 1))}
