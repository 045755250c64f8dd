"""What ranking asks of the place where documents lie. Every answer leaves out what the reader may not see."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from typing import Final, NamedTuple, Protocol

TITLE: Final = 3  # times that a word of the title counts


class Candidate(NamedTuple):
    """A document that may answer: lemmas of its title; each of its lemmas once, by how often they stand; its length.

    A word of the title counts `TITLE` times; of a long body only the first words are there.
    """

    key: str
    title: Sequence[str]
    words: Sequence[tuple[int, Sequence[str]]]
    length: int


def by_times(title: Iterable[str], body: Iterable[str]) -> list[tuple[int, list[str]]]:
    """Return the lemmas of a document as a candidate has them."""
    counts = Counter(body)
    for word in title:
        counts[word] += TITLE
    lines: dict[int, list[str]] = {}
    for word, times in counts.items():
        lines.setdefault(times, []).append(word)
    return list(lines.items())


class Store(Protocol):
    """One index as one reader sees it."""

    def size(self) -> int:
        """Return the number of documents."""
        ...

    def frequencies(self, words: Collection[str]) -> dict[str, int]:
        """Return in how many documents each known lemma stands; the unknown are left out."""
        ...

    def families(self, roots: Collection[str]) -> dict[str, int]:
        """Return in how many documents words of each root stand."""
        ...

    def begun(self, beginning: str, limit: int) -> list[str]:
        """Return the word forms that begin so, those of most documents first."""
        ...

    def sounding(self, sound: str, near: Callable[[list[str]], list[str]], limit: int) -> list[str]:
        """Return the first word forms that are `near` among those of like `analysis.ends`."""
        ...

    def best(self, words: Mapping[str, float], limit: int) -> list[Candidate]:
        """Return the documents with most of these lemmas, or with words of their roots, by weight."""
        ...

    def named(self, keys: Collection[str]) -> list[Candidate]:
        """Return the documents of these keys that the reader may see."""
        ...
