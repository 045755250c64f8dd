"""The part of a document that shows why it was found."""

from __future__ import annotations

from collections.abc import Collection
from typing import Final, NamedTuple

from otklik.search import analysis

_LENGTH: Final = 240  # characters
_LEAD: Final = 40  # characters shown before the first found word


class Segment(NamedTuple):
    """A piece of plain text, never markup; `marked`: it is a word that was looked for."""

    text: str
    marked: bool


def snippet(body: str, words: Collection[str]) -> tuple[Segment, ...]:
    """Return about two lines of the body around most of the found words, cut at words."""
    found = [token for token in analysis.tokens(body) if not set(token.words).isdisjoint(words)]
    start = 0
    if found:
        # The window that starts at a found word and holds the most different ones; the earliest of equals.
        windows = [{t.words for t in found[i:] if t.end <= first.start + _LENGTH} for i, first in enumerate(found)]
        start = found[max(range(len(found)), key=lambda i: (len(windows[i]), -i))].start - _LEAD
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
