"""Which documents answer a query, best first, why, and how sure that is. Knows no database: it asks a `Store`.

Words typed, words the thesaurus puts beside them and words of the topics that may be meant are counted apart: the
better a document meets what was typed, the less the others have to say. Who types a title gets that title; who tells a
story gets what it is about.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from heapq import nlargest
from typing import Final, NamedTuple, Protocol

from otklik.search import confidence
from otklik.search.asked import Asked, Words, understand
from otklik.search.store import Store
from otklik.search.weighing import Lexicon, Met, Sought, Why

_CANDIDATES: Final = 50  # ranked anew by what stands where
_MOST_WORDS: Final = 50  # candidates are looked for by
THESAURUS: Final = 0.7  # of what is written against what is typed; of a letter:
THESAURUS_OF_LETTER: Final = 0.5
TOPICS: Final = 0.5  # of the words of a topic it may be about; of a letter, and of what is still typed:
TOPICS_OF_LETTER: Final = 0.8
TOPICS_WHILE_TYPED: Final = 0.25
LEARNT: Final = 2.0  # of a word that leads to a document; BM25 gives one that stands there up to 2.4
_MOST_LEARNT: Final = 10
_LEAST_SAID: Final = 0.1  # of the thesaurus where a title was typed
_WELL_MET: Final = 2.0  # BM25 gives a word up to 2.4 of its rarity
MEANING: Final = 0.8  # of nearness of meaning against words, both counted in deviations from the mean
_NEAREST: Final = 20  # by meaning, ranked beside those found by words
_PLAINLY_NEAR: Final = 1.0  # deviations above the mean nearness


# Where lemmas led people before: the key of a document, the lemma, its weight from 0 to 1.
Learnt = Callable[[Sequence[str]], Iterable[tuple[str, str, float]]]


class Ranked(NamedTuple):
    """A document that answers; `share` is the part of the query's meaning it covers, from 0 to 1."""

    key: str
    score: float
    share: float
    why: tuple[Why, ...]


class Answer(NamedTuple):
    """What was found. `features`: what `confidence` is reckoned from; `asked`: the query as understood.

    `heaviest`: the words that documents were looked for by.

    `named`: every word asked stands in the title of the best. «Сервитут» asks nothing one could be sure of answering:
    it calls a document by its name.
    """

    ranked: list[Ranked]
    asked: Asked
    features: confidence.Features
    heaviest: Collection[str] = ()
    named: bool = False


class Vectors(Protocol):
    """Documents placed by what they mean, as one reader sees them."""

    def near(self, text: str) -> Mapping[str, float]:
        """Return how near every open document lies to a text (cosine), by key; nothing where it cannot be told."""
        ...


def answer(
    store: Store,
    query: str,
    limit: int,
    *,
    words: Words,
    typing: bool = False,
    learnt: Learnt | None = None,
    vectors: Vectors | None = None,
) -> Answer:
    """Return the best documents for a query; nothing for a query without words.

    `learnt`: where these lemmas, the heaviest first, led people before: key, lemma, weight from 0 to 1. Each counts as
    if it stood there, and least where the words typed are met themselves. `vectors`: what an encoder adds. It moves
    documents and brings some that share no word with the query; how sure an answer is, and what part of the query it
    covers, is still told by words.
    """
    asked = understand(query, store, words, typing=typing)
    lexicon = Lexicon(store, {*asked.typed, *asked.written, *asked.meant, *asked.words})
    sought = Sought(asked.groups, lexicon)
    about = TOPICS_WHILE_TYPED if typing else TOPICS
    shares = (1.0, THESAURUS_OF_LETTER, TOPICS_OF_LETTER) if asked.letter else (1.0, THESAURUS, about)
    led = _led(learnt, asked, lexicon) if learnt else {}
    cosines = vectors.near(asked.question) if vectors and asked.words and not typing else {}
    heaviest = _heaviest(asked, shares, lexicon)
    candidates = store.best(heaviest, max(_CANDIDATES, limit))
    there = {one.key for one in candidates}
    missed = nlargest(_MOST_LEARNT, led.keys() - there, key=lambda key: (led[key], key))
    brought = _nearest(cosines) - there - set(missed)  # by meaning alone: how sure an answer is does not hear of them
    met = sought.met([*candidates, *store.named([*missed, *brought])])
    total = sum(lexicon.rarity[word] * part for word, part in asked.words.items()) or 1.0
    typed = (one.values[0] for one in met if one.found.key not in brought)
    best_typed = max(typed, default=0.0) / (_WELL_MET * total)
    thin = max(_LEAST_SAID, 1 - min(best_typed, 1.0))
    if not asked.letter:  # the better the typed words are met by themselves, the less others have to say
        shares = (1.0, shares[1] * thin, shares[2] * thin)
    for one in met:
        one.score = one.sum(shares) + LEARNT * thin * led.get(one.found.key, 0.0)
    met.sort(key=lambda one: (-one.score, one.found.key))
    ranked = [
        Ranked(
            one.found.key,
            score,
            min(one.score / (_WELL_MET * total), 1.0),
            one.why(shares, one.found.key in led) + meant,
        )
        for one, score, meant in _placed(met, cosines)[:limit]
    ]
    parts = sum(asked.words.values()) or 1.0
    known = sum(part for word, part in asked.words.items() if word in lexicon.known) / parts
    scores = [one.score for one in met if one.found.key not in brought]
    named = bool(met and asked.words) and not asked.letter and asked.words.keys() <= set(met[0].found.title)
    return Answer(ranked, asked, confidence.features(scores, total, best_typed, known, asked), heaviest, named)


def _heaviest(asked: Asked, shares: Sequence[float], lexicon: Lexicon) -> dict[str, float]:
    """Return the words by which documents worth ranking are looked for, the heaviest first."""
    sought: dict[str, float] = defaultdict(float)
    for group, share in zip(asked.groups, shares, strict=True):
        for word, weight in group.weights.items():
            sought[word] += share * weight
    heaviest = nlargest(_MOST_WORDS, sought, key=lambda word: sought[word] * lexicon.rarity[word])
    return {word: sought[word] for word in heaviest}


def _led(learnt: Learnt, asked: Asked, lexicon: Lexicon) -> dict[str, float]:
    """Return the documents people were led to by what was typed, each with the weight of the words that led there."""
    weights = {word: weight * lexicon.rarity[word] for word, weight in asked.typed.weights.items()}
    led: dict[str, float] = defaultdict(float)
    for key, word, part in learnt(sorted(weights, key=lambda word: -weights[word])):
        led[key] += part * weights[word]
    return led


def _nearest(cosines: Mapping[str, float]) -> set[str]:
    """Return the documents that lie plainly nearer than others."""
    mean, spread = _middle(cosines.values())
    nearest = nlargest(_NEAREST, cosines, key=lambda key: (cosines[key], key))
    return {key for key in nearest if cosines[key] > mean + _PLAINLY_NEAR * spread}


def _placed(met: Sequence[Met], cosines: Mapping[str, float]) -> list[tuple[Met, float, tuple[Why, ...]]]:
    """Return documents in their order, each with its score, and with meaning as a reason where that helped it there."""
    if not cosines:
        return [(one, one.score, ()) for one in met if one.score > 0]
    usual, usual_spread = _middle([one.score for one in met])
    mean, spread = _middle([cosines[one.found.key] for one in met if one.found.key in cosines])
    placed: list[tuple[Met, float, tuple[Why, ...]]] = []
    for one in met:
        nearness = (cosines[one.found.key] - mean) / spread if one.found.key in cosines else 0.0
        is_near = nearness > _PLAINLY_NEAR or not one.score
        score = (one.score - usual) / usual_spread + MEANING * nearness
        placed.append((one, score, (Why("", "", "meaning"),) if is_near else ()))
    return sorted(placed, key=lambda each: (-each[1], each[0].found.key))


def _middle(values: Collection[float]) -> tuple[float, float]:
    """Return the mean and the deviation; where all are the same, a deviation that divides by nothing."""
    if not values:
        return 0.0, 1.0
    mean = math.fsum(values) / len(values)
    return mean, math.sqrt(math.fsum((value - mean) ** 2 for value in values) / len(values)) or 1.0
