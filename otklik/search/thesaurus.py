"""How people speak → how documents are written: words and phrases, one way, with a weight. Pure.

A line is one of
    надел, дачный домик > участок, садовый [0.7]          said > written, what is written weighs 0.7 of what is said
    СНТ = садоводческое некоммерческое товарищество       an abbreviation, both ways
    - заранее благодарен                                  says nothing and is left out
    ~ бабушка, зима                                       belongs to somebody's story and counts for less
    # a remark
"""

from __future__ import annotations

import math
import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache, cached_property
from importlib.resources import files
from typing import Final, NamedTuple

from otklik.search import analysis

_WEIGHT: Final = re.compile(r"\[([01](?:[.,]\d+)?)\]\s*$")
_GAP: Final = 1  # words that may stand inside a phrase: «выкупить» … «участок»
_MOST_WORDS: Final = 5
_ABBREVIATED: Final = 0.8
DEFAULT: Final = 0.7

Words = tuple[str, ...]


class Rule(NamedTuple):
    """What one line says. `said` and `written` are lemmas; without `written` what is said is left out, or a story."""

    said: tuple[Words, ...]
    written: Words = ()
    weight: float = DEFAULT
    story: bool = False


class Met(NamedTuple):
    """A phrase of the thesaurus in a text: where its words stand, and what is written for it."""

    at: tuple[int, ...]
    written: Mapping[str, float]


class NotARule(ValueError):
    """A line that says nothing the thesaurus understands; the words tell what is wrong."""


def rules(line: str) -> list[Rule]:
    """Return what one line says, nothing for a remark; raises `NotARule`."""
    line = line.strip()
    if not line or line.startswith("#"):
        return []
    if line[0] in "-–—~":
        said = tuple(filter(None, (_lemmas(part) for part in line[1:].split(","))))
        # «- здравствуйте»: search leaves such words out anyway.
        return [Rule(said, story=line[0] == "~")] if said else []
    weight = _weight(line)
    left, sign, right = _WEIGHT.sub("", line).partition(">")
    if not sign:
        left, sign, right = _WEIGHT.sub("", line).partition("=")
    said = tuple(filter(None, (_lemmas(part) for part in left.split(","))))
    written = tuple(dict.fromkeys(word for part in right.split(",") for word in _lemmas(part)))
    if not sign or not said or not written:
        raise NotARule("нужно так: «как говорят > как написано» или «сокращение = полное имя»")
    if sign == ">":
        return [Rule(said, written, weight or DEFAULT)]
    back = tuple(word for one in said if len(one) == 1 for word in one)
    return [
        Rule(said, written, weight or _ABBREVIATED),
        *([Rule((written,), back, weight or _ABBREVIATED)] if back else []),
    ]


def _weight(line: str) -> float | None:
    found = _WEIGHT.search(line)
    if found is None:
        return None
    weight = float(found[1].replace(",", "."))
    if not 0 < weight <= 1:
        raise NotARule("вес бывает больше 0 и не больше 1")
    return weight


def _lemmas(phrase: str) -> Words:
    return tuple(analysis.words(phrase))[:_MOST_WORDS]


@dataclass
class Thesaurus:
    """Rules made ready to be looked up in."""

    words: Mapping[str, Mapping[str, float]] = field(default_factory=dict)
    phrases: Mapping[str, Sequence[tuple[Words, Mapping[str, float]]]] = field(default_factory=dict)
    story: frozenset[str] = frozenset()

    @classmethod
    def of(cls, lines: Iterable[Rule]) -> Thesaurus:
        """Return the thesaurus of these rules. What is said in many of them says less of each."""
        story: set[str] = set()
        every: dict[Words, list[Rule]] = defaultdict(list)
        for rule in lines:
            if rule.story:
                story |= {word for one in rule.said if len(one) == 1 for word in one}
                continue
            for one in rule.said:
                every[one].append(rule)
        words: dict[str, Mapping[str, float]] = {}
        phrases: dict[str, list[tuple[Words, Mapping[str, float]]]] = defaultdict(list)
        for said, met in every.items():
            written: dict[str, float] = defaultdict(float)
            for rule in met:
                for word in rule.written:
                    written[word] += rule.weight / math.sqrt(len(met))
            if len(said) == 1 and written:
                words[said[0]] = dict(written)
            else:
                phrases[said[0]].append((said, dict(written)))
        return cls(words, dict(phrases), frozenset(story))

    def met(self, text: Sequence[str]) -> Iterator[Met]:
        """Return the phrases that stand in a text of lemmas, in their order, with a word between at most."""
        for start, word in enumerate(text):
            for phrase, written in self.phrases.get(word, ()):
                if at := _found(phrase, text, start):
                    yield Met(at, written)

    @cached_property
    def said(self) -> frozenset[str]:
        """Return every word that is said by itself or in a phrase."""
        return frozenset(self.words) | {word for many in self.phrases.values() for one, _ in many for word in one}


def _found(phrase: Words, text: Sequence[str], start: int) -> tuple[int, ...]:
    at = [start]
    for word in phrase[1:]:
        following = range(at[-1] + 1, min(at[-1] + 2 + _GAP, len(text)))
        place = next((place for place in following if text[place] == word), None)
        if place is None:
            return ()
        at.append(place)
    return tuple(at)


def read(lines: Iterable[str]) -> Thesaurus:
    """Return the thesaurus of a text; raises `NotARule`."""
    return Thesaurus.of(rule for line in lines for rule in rules(line))


def shipped_lines() -> list[str]:
    """Return the lines of the thesaurus that comes with the product."""
    return (files("otklik.search") / "data" / "thesaurus.txt").read_text(encoding="utf-8").splitlines()


@cache
def shipped() -> Thesaurus:
    """Return the thesaurus that comes with the product."""
    return read(shipped_lines())
