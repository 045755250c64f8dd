"""Two texts as one: line by line, and inside a line that was rewritten word by word."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher

# A word with the space after it: spaces alone would make any two lines look half alike.
WORDS = re.compile(r"\w+\s*|[^\w\s]\s*|\s+")
# Beyond it the words of a rewritten place are not paired: the whole lines are shown, and nobody waits.
MOST_WORDS = 2500


@dataclass(frozen=True)
class Part:
    """Some words of a rewritten line: «same», «added» or «removed»."""

    kind: str
    text: str


@dataclass(frozen=True)
class Change:
    """A line of a comparison: «same», «added», «removed», or «changed» with its parts."""

    kind: str
    text: str = ""
    parts: tuple[Part, ...] = ()


def changes(before: str, after: str) -> list[Change]:
    """Return two texts as one list of lines, each with what became of it."""
    old, new = before.splitlines(), after.splitlines()
    found: list[Change] = []
    for what, i, j, k, m in SequenceMatcher(None, old, new, autojunk=False).get_opcodes():
        if what == "equal":
            found += [Change("same", line) for line in old[i:j]]
        elif what == "replace":
            found += _rewritten(old[i:j], new[k:m])
        else:
            found += [Change("removed", line) for line in old[i:j]] + [Change("added", line) for line in new[k:m]]
    return found


def _rewritten(old: Sequence[str], new: Sequence[str]) -> Iterator[Change]:
    """Pair the lines of a rewritten place in their order; what is left over was added or removed whole."""
    for one, other in zip(old, new, strict=False):
        yield from _line(one, other)
    yield from (Change("removed", line) for line in old[len(new) :])
    yield from (Change("added", line) for line in new[len(old) :])


def _line(one: str, other: str) -> Iterator[Change]:
    old, new = WORDS.findall(one), WORDS.findall(other)
    matcher = SequenceMatcher(None, old, new, autojunk=False)
    if max(len(old), len(new)) > MOST_WORDS or matcher.ratio() < 0.5:
        yield from (Change("removed", one), Change("added", other))
        return
    parts: list[Part] = []
    for what, i, j, k, m in matcher.get_opcodes():
        if what == "equal":
            parts.append(Part("same", "".join(old[i:j])))
            continue
        parts += [Part("removed", "".join(old[i:j]))] if j > i else []
        parts += [Part("added", "".join(new[k:m]))] if m > k else []
    yield Change("changed", parts=tuple(parts))
