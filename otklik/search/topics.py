"""What people ask about, whatever their words: topics, each with the words of those who ask and of those who answer.

A topic is recognised by the words of the whole question together (naive Bayes over word counts), where the thesaurus
goes word by word. What is recognised is not a document: it is the official words that documents about it are written
with, and they are looked for beside the words that were typed.
"""

from __future__ import annotations

import json
import math
from collections import defaultdict
from collections.abc import Iterable, Mapping
from functools import cache
from heapq import nlargest
from importlib.resources import files
from typing import Final, NamedTuple

_SMOOTHING: Final = 50.0  # words of everyday speech added to every topic
_MOST: Final = 5  # times a word counts within a topic: one line of questions must not decide
_FEWEST: Final = 2  # words that mean a topic together: one word somebody used once means nothing
_BEST: Final = 3  # topics that may be meant at once
_TEMPERATURE: Final = 3.0  # how far apart two topics are before the lesser is as good as gone


class Topic(NamedTuple):
    """What is asked about: how it is called, the words documents answer with, how often people say which word."""

    title: str
    written: Mapping[str, float]
    said: Mapping[str, int]


class Meant(NamedTuple):
    """A topic that a question may be about: how probable it is among those, and how plainly its words say so."""

    topic: Topic
    share: float
    plainness: float


class Topics:
    """Topics made ready to be recognised."""

    def __init__(self, topics: Iterable[Topic] = ()) -> None:
        self._topics = list(topics)
        counts = [{word: min(times, _MOST) for word, times in topic.said.items()} for topic in self._topics]
        overall: dict[str, int] = defaultdict(int)
        for said in counts:
            for word, times in said.items():
                overall[word] += times
        total = sum(overall.values())
        # How much more probable a word is where the topic is asked about than anywhere: kept where it says anything.
        self._telling: dict[str, list[tuple[int, float]]] = defaultdict(list)
        for number, said in enumerate(counts):
            length = sum(said.values()) + _SMOOTHING
            for word, times in said.items():
                usual = overall[word] / total
                if (ratio := math.log((times + _SMOOTHING * usual) / length / usual)) > 0:
                    self._telling[word].append((number, ratio))

    def without(self, title: str) -> Topics:
        """Return the topics but for one: what is measured without it is measured for what nobody thought of."""
        return Topics(one for one in self._topics if one.title != title)

    def meant(self, words: Mapping[str, float]) -> list[Meant]:
        """Return the topics that a question of these lemmas may be about, the most probable first."""
        sums, votes = [0.0] * len(self._topics), [0] * len(self._topics)
        for word, weight in words.items():
            for number, ratio in self._telling.get(word, ()):
                sums[number] += weight * ratio
                votes[number] += 1
        plain = (number for number, many in enumerate(votes) if many >= _FEWEST)
        best = nlargest(_BEST, plain, key=lambda number: (sums[number], -number))
        odds = [math.exp((sums[number] - sums[best[0]]) / _TEMPERATURE) for number in best]
        return [
            Meant(self._topics[number], one / sum(odds), sums[number]) for number, one in zip(best, odds, strict=True)
        ]


@cache
def shipped() -> Topics:
    """Return the topics that come with the product."""
    text = (files("otklik.search") / "data" / "topics.json").read_text(encoding="utf-8")
    return Topics(Topic(one["title"], one["written"], one["said"]) for one in json.loads(text))
