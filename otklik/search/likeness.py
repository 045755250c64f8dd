"""Which texts ask the same: groups by shared words. One function: a better measure takes its place here alone."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Final

from otklik.search import analysis

ALIKE: Final = 0.45  # of the words two texts have together, how many they share
_LOOKED_AT: Final = 2000  # characters: what a letter is about stands at its beginning
_FEWEST: Final = 4  # words: shorter texts are alike by chance
_TELLING: Final = 12  # of a text's words the rarest, by which its likes are looked for


def groups(texts: Mapping[int, str]) -> list[list[int]]:
    """Return the groups of texts that are alike, the largest first; what is like nothing is left out."""
    words = {key: frozenset(analysis.words(text[:_LOOKED_AT])) for key, text in texts.items()}
    met = Counter(word for one in words.values() for word in one)
    first: dict[str, list[int]] = {}  # a telling word → texts that began a group
    found: dict[int, list[int]] = {}
    for key, one in words.items():
        if len(one) < _FEWEST:
            continue
        # A word that no other text has leads nowhere.
        telling = sorted((word for word in one if met[word] > 1), key=lambda word: (met[word], word))[:_TELLING]
        near = Counter(begun for word in telling for begun in first.get(word, ()))
        best = max(near, key=lambda begun: (_share(one, words[begun]), -begun), default=None)
        if best is not None and _share(one, words[best]) >= ALIKE:
            found[best].append(key)
            continue
        found[key] = [key]
        for word in telling:
            first.setdefault(word, []).append(key)
    return sorted((group for group in found.values() if len(group) > 1), key=lambda group: (-len(group), group))


def _share(one: frozenset[str], other: frozenset[str]) -> float:
    return len(one & other) / len(one | other)
