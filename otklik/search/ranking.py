"""Which documents answer a query, best first, why, and how sure that is. Knows no database: it asks a `Store`.

Words typed, words the thesaurus puts beside them and words of the topics that may be meant are counted apart: the
better a document meets what was typed, the less the others have to say. Who types a title gets that title; who tells a
story gets what it is about.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from heapq import nlargest
from itertools import filterfalse
from typing import Final, NamedTuple, Protocol

from otklik.search import analysis, confidence
from otklik.search.asked import Asked, How, Option, Words, understand
from otklik.search.store import Candidate, Store

# Numbers of BM25F, chosen on development queries.
SATURATION: Final = 1.4
LENGTH_PART: Final = 0.6
TITLE: Final = 3
ROOT: Final = 0.45
_AVERAGE: Final = 100.0  # words of a document; only its order of size matters
_CANDIDATES: Final = 50  # ranked anew by what stands where
_MOST_WORDS: Final = 50  # candidates are looked for by
THESAURUS: Final = 0.7  # of what is written against what is typed; of a letter:
THESAURUS_OF_LETTER: Final = 0.5
TOPICS: Final = 0.5  # of the words of a topic it may be about; of a letter, and of what is still typed:
TOPICS_OF_LETTER: Final = 0.8
TOPICS_WHILE_TYPED: Final = 0.25
LEARNT: Final = 0.5  # of all that a document could meet
_MOST_LEARNT: Final = 10
_LEAST_SAID: Final = 0.1  # of the thesaurus where a title was typed
_WELL_MET: Final = 2.0  # BM25 gives a word up to 2.4 of its rarity
_MOST_REASONS: Final = 8
MEANING: Final = 0.8  # of nearness of meaning against words, both counted in deviations from the mean
_NEAREST: Final = 20  # by meaning, ranked beside those found by words
_PLAINLY_NEAR: Final = 1.0  # deviations above the mean nearness


Learnt = Callable[[Collection[str]], Mapping[str, float]]


class Why(NamedTuple):
    """A word of a document that was met: what was typed for it, and the way from one to the other."""

    asked: str
    found: str
    how: How


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

    `learnt`: where these lemmas led people before, key → from 0 to 1; it has little to say, and least where the words
    themselves are met. `vectors`: what an encoder adds. It moves documents and brings some that share no word with the
    query; how sure an answer is, and what part of the query it covers, is still told by words.
    """
    asked = understand(query, store, words, typing=typing)
    lexicon = _Lexicon(store, {*asked.typed, *asked.written, *asked.meant, *asked.words})
    sought = _Sought((asked.typed, asked.written, asked.meant), lexicon)
    about = TOPICS_WHILE_TYPED if typing else TOPICS
    shares = (1.0, THESAURUS_OF_LETTER, TOPICS_OF_LETTER) if asked.letter else (1.0, THESAURUS, about)
    led = learnt(asked.typed) if learnt else {}
    cosines = vectors.near(asked.question) if vectors and asked.words and not typing else {}
    heaviest = _heaviest(asked, shares, lexicon)
    candidates = store.best(heaviest, max(_CANDIDATES, limit))
    there = {one.key for one in candidates}
    missed = nlargest(_MOST_LEARNT, led.keys() - there, key=lambda key: (led[key], key))
    brought = _nearest(cosines) - there - set(missed)  # by meaning alone: how sure an answer is does not hear of them
    met = [_Met(one, sought) for one in (*candidates, *store.named([*missed, *brought]))]
    total = sum(lexicon.rarity(word) * part for word, part in asked.words.items()) or 1.0
    typed = (one.values[0] for one in met if one.found.key not in brought)
    best_typed = max(typed, default=0.0) / (_WELL_MET * total)
    thin = max(_LEAST_SAID, 1 - min(best_typed, 1.0))
    if not asked.letter:  # the better the typed words are met by themselves, the less others have to say
        shares = (1.0, shares[1] * thin, shares[2] * thin)
    for one in met:
        one.score = one.sum(shares) + LEARNT * thin * total * led.get(one.found.key, 0.0)
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
    known = sum(part for word, part in asked.words.items() if word in lexicon.met) / (sum(asked.words.values()) or 1.0)
    scores = [one.score for one in met if one.found.key not in brought]
    named = bool(met and asked.words) and not asked.letter and asked.words.keys() <= set(met[0].found.title)
    return Answer(ranked, asked, confidence.features(scores, total, best_typed, known, asked), heaviest, named)


def _heaviest(asked: Asked, shares: Sequence[float], lexicon: _Lexicon) -> dict[str, float]:
    """Return the words by which documents worth ranking are looked for, the heaviest first."""
    sought: dict[str, float] = defaultdict(float)
    for group, share in zip((asked.typed, asked.written, asked.meant), shares, strict=True):
        for word, option in group.items():
            sought[word] += share * option.weight
    heaviest = nlargest(_MOST_WORDS, sought, key=lambda word: sought[word] * lexicon.rarity(word))
    return {word: sought[word] for word in heaviest}


def _nearest(cosines: Mapping[str, float]) -> set[str]:
    """Return the documents that lie plainly nearer than others."""
    mean, spread = _middle(cosines.values())
    nearest = nlargest(_NEAREST, cosines, key=lambda key: (cosines[key], key))
    return {key for key in nearest if cosines[key] > mean + _PLAINLY_NEAR * spread}


def _placed(met: Sequence[_Met], cosines: Mapping[str, float]) -> list[tuple[_Met, float, tuple[Why, ...]]]:
    """Return documents in their order, each with its score, and with meaning as a reason where that helped it there."""
    if not cosines:
        return [(one, one.score, ()) for one in met if one.score > 0]
    usual, usual_spread = _middle([one.score for one in met])
    mean, spread = _middle([cosines[one.found.key] for one in met if one.found.key in cosines])
    placed: list[tuple[_Met, float, tuple[Why, ...]]] = []
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


class _Lexicon:
    """How rare words and roots are: what nobody knows is rarest."""

    def __init__(self, store: Store, words: set[str]) -> None:
        self._size = store.size()
        self.met = store.frequencies(words)
        self._families = store.families({analysis.beginning(word) for word in words if len(word) > analysis.PREFIX})

    def rarity(self, word: str) -> float:
        """Return the weight a word bears by being rare."""
        return self._rarity(self.met.get(word, 0))

    def rarity_of_root(self, root: str) -> float:
        """Return the weight a root bears by being rare."""
        return self._rarity(self._families.get(root, 0))

    def _rarity(self, met: int) -> float:
        return math.log(1 + (max(self._size, met) - met + 0.5) / (met + 0.5))


class _Want(NamedTuple):
    """A lemma that is looked for: of which group, how much it weighs there, and where it comes from."""

    group: int
    word: str
    weight: float
    option: Option


class _Sought:
    """Lemmas that are looked for, of all groups, ready to be met in many documents, or a word of their root there."""

    def __init__(self, groups: Sequence[Mapping[str, Option]], lexicon: _Lexicon) -> None:
        self.groups = len(groups)
        self.words: dict[str, list[_Want]] = defaultdict(list)
        self.roots: dict[str, list[_Want]] = defaultdict(list)
        for group, options in enumerate(groups):
            for word, option in options.items():
                self.words[word].append(_Want(group, word, option.weight * lexicon.rarity(word), option))
                if len(word) > analysis.PREFIX:
                    root = analysis.beginning(word)
                    weight = option.weight * ROOT * lexicon.rarity_of_root(root)
                    self.roots[root].append(_Want(group, word, weight, option))
        self._roots: dict[str, str] = {}  # of words that are looked for, or whose root is; empty where the root is not
        self._others: set[str] = set()

    def among(self, words: Iterable[str]) -> Iterator[tuple[str, str]]:
        """Yield those that are looked for, or whose root is, with that root; each is looked at once for all."""
        for word in filterfalse(self._others.__contains__, words):
            root = self._roots.get(word)
            if root is None:
                begun = analysis.beginning(word)
                root = begun if begun in self.roots else ""
                if not root and word not in self.words:
                    self._others.add(word)
                    continue
                self._roots[word] = root
            yield word, root


class _Met:
    """A candidate with what it meets of each group of words that are looked for, in their order: `values`."""

    def __init__(self, found: Candidate, sought: _Sought) -> None:
        self.found, self._sought = found, sought
        self._norm = SATURATION * (1 - LENGTH_PART + LENGTH_PART * found.length / _AVERAGE)
        self._words: dict[str, int] = {}
        self._roots: dict[str, tuple[int, str]] = {}  # each with its times and a word of it
        for times, words in (*found.body, (TITLE, found.title)):
            for word, root in sought.among(words):
                self._words[word] = self._words.get(word, 0) + times
                if root:
                    before, seen = self._roots.get(root, (0, word))
                    self._roots[root] = (before + times, seen)
        self.values = [0.0] * sought.groups
        for (group, _, weight, _), _, part in self._wants():
            self.values[group] += weight * part
        self.score = 0.0

    def sum(self, shares: Sequence[float]) -> float:
        """Return the values together, each group by its share."""
        return sum(share * value for share, value in zip(shares, self.values, strict=True))

    def why(self, shares: Sequence[float], was_led: bool) -> tuple[Why, ...]:
        """Return the reasons, the heaviest first; that people were led here before is the last."""
        reasons: list[tuple[float, Why]] = []
        for want, seen, _ in self._wants():
            option = want.option
            how: How = "root" if option.how == "word" and seen != want.word else option.how
            reasons.append((shares[want.group] * want.weight, Why(option.asked, seen, how)))
        ordered = dict.fromkeys(why for _, why in sorted(reasons, key=lambda one: (-one[0], one[1])))
        return (*tuple(ordered)[:_MOST_REASONS], *([Why("", "", "learned")] if was_led else []))

    def _wants(self) -> Iterator[tuple[_Want, str, float]]:
        """Yield what is looked for and stands here: by which word, and what part of its weight that gets."""
        for word, times in self._words.items():
            part = (SATURATION + 1) * times / (times + self._norm)
            for want in self._sought.words.get(word, ()):
                yield want, word, part
        for root, (times, seen) in self._roots.items():
            part = (SATURATION + 1) * times / (times + self._norm)
            for want in self._sought.roots[root]:
                if want.word not in self._words:
                    yield want, seen, part
