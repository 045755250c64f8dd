"""The part of a document that shows why it was found."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from typing import Final, NamedTuple

from otklik.search import analysis

_LENGTH: Final = 240  # characters
_READ: Final = 100_000  # characters of a long body
_MOST_FOUND: Final = 150  # words that are weighed against each other
_SIGNS: Final = '.,;:!?()«»"…–—-'  # that stand around words
_LEAD: Final = 40  # characters shown before the first found word


class Segment(NamedTuple):
    """A piece of plain text, never markup; `marked`: it is a word that was looked for."""

    text: str
    marked: bool


class Marks(dict[str, tuple[analysis.Token, ...]]):
    """The words that were looked for in what stands between two spaces, with their places in it; each is read once."""

    def __init__(self, words: Iterable[str]) -> None:
        super().__init__()
        self._wanted = frozenset(words)

    def __missing__(self, piece: str) -> tuple[analysis.Token, ...]:
        word = piece.strip(_SIGNS)
        # Most are a word, with a sign or without, and few of these were looked for.
        is_other = word.isalnum() and self._wanted.isdisjoint(analysis.lemmas(word))
        self[piece] = () if is_other else tuple(analysis.tokens(piece, self._lemmas))
        return self[piece]

    def _lemmas(self, token: str) -> tuple[str, ...]:
        lemmas = analysis.lemmas(token)
        return () if self._wanted.isdisjoint(lemmas) else lemmas

    def tokens(self, text: str) -> Iterator[analysis.Token]:
        """Yield the words of a text that were looked for, in their order: a word has no space within."""
        text, at = analysis.normal(text), 0
        for piece in filter(self.__getitem__, text.split()):
            at = _stands(text, piece, at)
            for words, start, end in self[piece]:
                yield analysis.Token(words, at + start, at + end)
            at += len(piece)


def snippet(body: str, *marks: Marks) -> tuple[Segment, ...]:
    """Return about two lines of the body around most of the found words, cut at words.

    Of several marks those are shown that come first and stand there at all.
    """
    tried = (list(islice(one.tokens(body[:_READ]), _MOST_FOUND)) for one in marks)
    found = next(filter(None, tried), [])
    start = _most_told(found) - _LEAD if found else 0
    start = 0 if start <= 0 else body.find(" ", start) + 1
    end = len(body) if start + _LENGTH >= len(body) else body.rfind(" ", start + 1, start + _LENGTH)
    end = end if end > start else min(len(body), start + _LENGTH)
    segments, at = [Segment("… ", False)] if start else [], start
    for token in found:
        if start <= token.start and token.end <= end:
            segments += [Segment(body[at : token.start], False), Segment(body[token.start : token.end], True)]
            at = token.end
    segments.append(Segment(body[at:end] + (" …" if end < len(body) else ""), False))
    return tuple(segment for segment in segments if segment.text)


def _stands(text: str, piece: str, at: int) -> int:
    """Return where a piece stands between two spaces; so written, a part of a longer one may come before it."""
    while True:
        at = text.index(piece, at)
        end = at + len(piece)
        if (at == 0 or text[at - 1].isspace()) and (end == len(text) or text[end].isspace()):
            return at
        at += 1


def _most_told(found: Sequence[analysis.Token]) -> int:
    """Return where the window with the most different words begins, at one of them; the earliest of equals."""
    inside: Counter[tuple[str, ...]] = Counter()
    best, most, end = found[0].start, 0, 0
    for at, first in enumerate(found):
        end = max(end, at)  # a word may be longer than the window
        while end < len(found) and found[end].end <= first.start + _LENGTH:
            inside[found[end].words] += 1
            end += 1
        if len(inside) > most:
            best, most = first.start, len(inside)
        if end > at:
            inside[first.words] -= 1
            if not inside[first.words]:
                del inside[first.words]
    return best
