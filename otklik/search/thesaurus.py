"""How people speak → how documents are written: words and phrases, one way, with a weight. Pure.

A line is one of
    надел, дачный домик > участок, садовый [0.7]          said > written, what is written weighs 0.7 of what is said
    надел > участок 0.9, садовый 0.3                      the same, each word by its own weight
    СНТ = садоводческое некоммерческое товарищество       an abbreviation, both ways
    - заранее благодарен                                  says nothing and is left out
    ~ бабушка, зима                                       belongs to somebody's story and counts for less
    # a remark
"""

from __future__ import annotations

import math
import re
from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache, cached_property
from importlib.resources import files
from typing import Final, NamedTuple

from otklik.search import analysis

_WEIGHT: Final = re.compile(r"\[([01](?:[.,]\d+)?)\]\s*$")
_OWN_WEIGHT: Final = re.compile(r"\s([01](?:\.\d+)?)\s*$")
_GAP: Final = 1  # words that may stand inside a phrase that says nothing
_NEAR: Final = 4  # words between which the words of any other phrase may stand, in whatever order
_IN_PHRASES: Final = 0.7  # of what phrases stand for, one word of them
_LEAST: Final = 0.03  # a weight below that changes nothing
_MOST_WORDS: Final = 5
_ABBREVIATED: Final = 0.8
DEFAULT: Final = 0.7

Words = tuple[str, ...]


class Rule(NamedTuple):
    """What one line says, in lemmas. Where nothing is written, what is said is left out, or belongs to a story."""

    said: tuple[Words, ...]
    written: Mapping[str, float] = {}
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
    found = _WEIGHT.search(line)
    line = line[: found.start()] if found else line
    left, sign, right = line.partition(">")
    if not sign:
        left, sign, right = line.partition("=")
    said = tuple(filter(None, (_lemmas(part) for part in left.split(","))))
    weight = _number(found[1]) if found else DEFAULT if sign == ">" else _ABBREVIATED
    written = _written(right, weight)
    if not sign or not said or not written:
        raise NotARule("нужно так: «как говорят > как написано» или «сокращение = полное имя»")
    back = {word: weight for one in said if len(one) == 1 for word in one} if sign == "=" else {}
    return [Rule(said, written), *([Rule((tuple(written),), back)] if back else [])]


def _written(right: str, weight: float) -> dict[str, float]:
    written: dict[str, float] = {}
    for part in right.split(","):
        own = _OWN_WEIGHT.search(part)
        for word in _lemmas(part[: own.start()] if own else part):
            written.setdefault(word, _number(own[1]) if own else weight)
    return written


def _number(text: str) -> float:
    number = float(text.replace(",", "."))
    if not 0 < number <= 1:
        raise NotARule("вес бывает больше 0 и не больше 1")
    return number


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
                for word, weight in rule.written.items():
                    if (word,) != said:
                        written[word] += weight / math.sqrt(len(met))
            if len(said) == 1 and written:
                words[said[0]] = dict(written)
            elif written or not all(rule.written for rule in met):  # a word beside itself only is no empty phrase
                phrases[said[0]].append((said, dict(written)))
        return cls(words | _of_phrases(phrases, words), dict(phrases), frozenset(story))

    def met(self, text: Sequence[str]) -> Iterator[Met]:
        """Return the phrases that stand in a text of lemmas: Russian lets their words change places."""
        there = frozenset(text)
        for start, word in enumerate(text):
            for phrase, written in self.phrases.get(word, ()):
                if there.issuperset(phrase) and (at := _found(phrase, text, start, in_order=not written)):
                    yield Met(at, written)

    @cached_property
    def said(self) -> frozenset[str]:
        """Return every word that is said by itself or in a phrase."""
        return frozenset(self.words) | {word for many in self.phrases.values() for one, _ in many for word in one}

    def sounding(self, sound: str) -> list[str]:
        """Return what is said of like `analysis.ends`."""
        beginnings, ending = analysis.ends(sound)
        begun = (self._begun.get(beginning, set()) for beginning in beginnings)
        return sorted(self._ended.get(ending, set()).union(*begun))

    @cached_property
    def _begun(self) -> dict[str, set[str]]:
        return self._by_sound([slice(None, length) for length in range(1, analysis.SKELETON + 1)])

    @cached_property
    def _ended(self) -> dict[str, set[str]]:
        return self._by_sound([slice(-length, None) for length in range(1, analysis.SKELETON + 1)])

    def _by_sound(self, parts: Sequence[slice]) -> dict[str, set[str]]:
        found: dict[str, set[str]] = defaultdict(set)
        for word in self.said:
            sound = analysis.sound(word)
            for part in parts:
                found[sound[part]].add(word)
        return found


def _of_phrases(
    phrases: Mapping[str, Sequence[tuple[Words, Mapping[str, float]]]], known: Collection[str]
) -> dict[str, Mapping[str, float]]:
    """Return what words stand for that are said in phrases only: a part of what all those phrases do."""
    met: dict[str, list[Mapping[str, float]]] = defaultdict(list)
    for many in phrases.values():
        for phrase, written in many:
            for word in {*phrase} - {*known} if written else ():
                met[word].append(written)
    found: dict[str, Mapping[str, float]] = {}
    for said, every in met.items():
        sums: dict[str, float] = defaultdict(float)
        for written in every:
            for word, weight in written.items():
                sums[word] += _IN_PHRASES * weight / len(every)
        found[said] = {word: weight for word, weight in sums.items() if weight >= _LEAST}
    return found


def _found(phrase: Words, text: Sequence[str], start: int, *, in_order: bool) -> tuple[int, ...]:
    at = [start]
    for word in phrase[1:]:
        near = range(at[-1] + 1, at[-1] + 2 + _GAP) if in_order else range(start - _NEAR, start + _NEAR + 1)
        places = (place for place in near if 0 <= place < len(text) and place not in at and text[place] == word)
        place = next(places, None)
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
