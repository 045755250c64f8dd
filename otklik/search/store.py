"""What ranking asks of the place where documents lie. Every answer leaves out what the reader may not see."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import NamedTuple, Protocol


class Candidate(NamedTuple):
    """A document that may answer: lemmas of its title, those of its body (of a long one the first), its length.

    Of the body each lemma is named once, beside the others that stand there as many times.
    """

    key: str
    title: Sequence[str]
    body: Sequence[tuple[int, Sequence[str]]]
    length: int


def by_times(words: Iterable[str]) -> list[tuple[int, list[str]]]:
    """Return words by how often they stand there, as a candidate has those of its body."""
    lines: dict[int, list[str]] = {}
    for word, times in Counter(words).items():
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

    def sounding(self, beginning: str, ending: str) -> list[str]:
        """Return the word forms whose consonants begin so, or end so."""
        ...

    def best(self, words: Mapping[str, float], limit: int) -> list[Candidate]:
        """Return the documents with most of these lemmas, or with words of their roots, by weight."""
        ...

    def named(self, keys: Collection[str]) -> list[Candidate]:
        """Return the documents of these keys that the reader may see."""
        ...
