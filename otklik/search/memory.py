"""A scratch index in memory: the shipped ranking over documents given at once, no database."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable

from otklik.search.postings import COMMON, Occurrence, weights


class MemoryStore:
    """Documents (title, body) in memory; a document's number is its place."""

    def __init__(self, documents: Iterable[tuple[str, str]]) -> None:
        self._by_word: dict[str, list[Occurrence]] = defaultdict(list)
        self._size = 0
        for number, (title, body) in enumerate(documents):
            found, length = weights(title, body)
            self._size = number + 1
            for word, weight in found.items():
                self._by_word[word].append(Occurrence(word, number, weight, length))

    def size(self) -> int:
        """Return the number of documents."""
        return self._size

    def frequencies(self, words: Collection[str]) -> dict[str, int]:
        """Return in how many documents each known word stands."""
        return {word: min(len(self._by_word[word]), COMMON) for word in words if word in self._by_word}

    def beginning_with(self, pairs: Collection[str]) -> dict[str, int]:
        """Return known words that begin with one of these pairs of letters, each with its number of documents."""
        return {word: min(len(seen), COMMON) for word, seen in self._by_word.items() if word[:2] in pairs}

    def occurrences(self, words: Collection[str], limit: int) -> list[Occurrence]:
        """Return where these words stand, heaviest first."""
        found = [seen for word in words for seen in self._by_word.get(word, [])]
        return sorted(found, key=lambda seen: -seen.weight)[:limit]

    def occurrences_in(self, words: Collection[str], documents: Collection[int]) -> list[Occurrence]:
        """Return where these words stand among the documents named."""
        wanted = set(documents)
        return [seen for word in words for seen in self._by_word.get(word, []) if seen.document in wanted]
