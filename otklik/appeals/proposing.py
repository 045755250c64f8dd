"""What a text seems to be about: by hints of the dictionaries, by confirmed cases, by materials found for it.

Naive Bayes over lemmas. The words of a dictionary row count as a few texts of its class, so a class nobody has
confirmed yet is proposed too, and a change of its hints is felt at once. Nothing leaves the machine.
"""

from __future__ import annotations

import json
import logging
import math
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import lru_cache
from itertools import pairwise
from typing import Any, Final, TypeAlias

from django.core.cache import cache
from django.db.models import Count

from otklik.appeals.models import AppealQuestion, ProposalModel
from otklik.core import files
from otklik.knowledge import materials
from otklik.people.models import Unit
from otklik.search import analysis, votes

log: Final = logging.getLogger(__name__)

AXES: Final = ("topic", "need", "kind", "unit")
LONGEST: Final = 20_000  # characters of a text that are read
TOP: Final = 3
MOST_WORDS: Final = 8
HINT_WEIGHT: Final = 3.0  # a phrase chosen by people says more than a word of an official title
VOTE_WEIGHT: Final = 3.0  # all materials found of one mind say as much as one phrase chosen by people
LEAST_VOTE: Final = 0.2
LEAST_HEARD: Final = 0.5
SURE_BY_RULES: Final = 4.0  # how many points of the hints make «скорее да»: half of the confidence
LEAST_SURE: Final = 0.12  # what is less likely is no proposal
LEAST_ALSO: Final = 0.02  # of those below the first

_HINT_COUNTS, _NAME_COUNTS, _SMOOTH, _RULES = 1.0, 0.3, 0.3, 0.25
_SECONDS: Final = 30
_IN_USE: Final = "proposals-in-use"


@dataclass(frozen=True)
class Suggested:
    """A class that fits a text, with the words of it that say so, the materials that vote for it, and how sure it is.

    `confidence` is between 0 and 1; once cases have been learned from, it is as likely to be right as it says.
    """

    item: Any  # Topic, Need, QuestionKind or Unit
    score: float
    words: list[str]
    materials: list[str] = field(default_factory=list)  # titles
    confidence: float = 0.0

    @property
    def percent(self) -> int:
        """Return the confidence as people read it: a guess is never said to be certain."""
        return min(99, round(100 * self.confidence))


@dataclass(frozen=True)
class Guess:
    """What a text seems to be about: best first, three of each at most; `unit` is who would answer it."""

    topics: list[Suggested] = field(default_factory=list)
    needs: list[Suggested] = field(default_factory=list)
    unit: Unit | None = None
    kinds: list[Suggested] = field(default_factory=list)
    units: list[Suggested] = field(default_factory=list)


# --- the text --------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Words:
    """A text taken apart: lemma → the word as the text has it, and how much each lemma and pair of neighbours says."""

    said: Mapping[str, str]
    features: Mapping[str, float]


def words_of(text: str) -> Words:
    """Take a text apart."""
    text = text[:LONGEST]
    said: dict[str, str] = {}
    counted: Counter[str] = Counter()
    before = ""
    for token in analysis.tokens(text):
        for lemma in token.words:
            said.setdefault(lemma, text[token.start : token.end])
            counted[lemma] += 1
            if len(lemma) > analysis.PREFIX:
                counted[root_of(lemma)] += 1
        if before:
            counted[f"{before} {token.words[0]}"] += 1
        before = token.words[0]
    return Words(said, {name: 1 + math.log(times) for name, times in counted.items()})


def root_of(lemma: str) -> str:
    """Return what words of one root share, «арендатор» and «арендовать»; most slips of the hand stand behind it."""
    return f"{analysis.beginning(lemma)}*"


# --- what was learned ------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Learned:
    """Counts of one axis: word → class → how much; how rare each word is; how steep likelihoods are taken."""

    counts: Mapping[str, Mapping[str, float]] = field(default_factory=dict)
    rarity: Mapping[str, float] = field(default_factory=dict)
    steep: float = 1.0
    cases: Mapping[str, int] = field(default_factory=dict)  # class → confirmed cases

    def weight(self, word: str) -> float:
        """Return how much one mention of a word says."""
        return self.rarity.get(word, self.rarity.get("", 1.0))


Row: TypeAlias = tuple[str, str, str]  # code, name, hints


class Table:
    """One axis ready to judge texts: learned counts and the words of the dictionary together."""

    def __init__(self, learned: Learned, rows: Sequence[Row]) -> None:
        self.codes = [code for code, _, _ in rows]
        self._learned = learned
        place = {code: number for number, code in enumerate(self.codes)}
        counts: dict[str, dict[int, float]] = defaultdict(dict)
        totals = [0.0] * len(rows)
        for word, classes in learned.counts.items():
            for code, many in classes.items():
                if (number := place.get(code)) is not None:
                    counts[word][number] = many
                    totals[number] += many
        for number, (_, name, hints) in enumerate(rows):
            for word, many in _told(name, hints).items():
                counts[word][number] = counts[word].get(number, 0.0) + many
                totals[number] += many
        size = max(len(counts), 1)
        self._says = {
            word: [(number, math.log(1 + many / _SMOOTH)) for number, many in classes.items()]
            for word, classes in counts.items()
        }
        self._rest = [math.log(total + _SMOOTH * size) for total in totals]
        # How often a class comes says little beside words: its square root, and nobody is never.
        often = [math.sqrt(1 + learned.cases.get(code, 0)) for code in self.codes]
        whole = sum(often) or 1.0
        self._prior = [math.log(one / whole) for one in often]

    def shares(self, features: Mapping[str, float], more: Sequence[float] = ()) -> list[float]:
        """Return how likely each class is, together 1; none where no word is known. `more`: added to the logarithm."""
        known, length = self._known(features)
        if not known:
            return [0.0] * len(self.codes)
        steep = self._learned.steep
        whole = steep * sum(known.values()) / length
        sharp = [steep * prior - whole * rest for prior, rest in zip(self._prior, self._rest, strict=True)]
        for word, much in known.items():
            weight = steep * much / length
            for number, adds in self._says[word]:
                sharp[number] += weight * adds
        if more:
            sharp = [one + other for one, other in zip(sharp, more, strict=True)]
        best = max(sharp)
        parts = [math.exp(one - best) for one in sharp]
        whole = sum(parts)
        return [one / whole for one in parts]

    def because(self, features: Mapping[str, float], number: int) -> list[str]:
        """Return the words that speak for a class more than for the others, those that say most first."""
        known, _ = self._known(features)
        speaks = []
        for word, much in known.items():
            own, others = 0.0, 0.0
            for place, adds in self._says[word]:
                if place == number:
                    own = adds
                else:
                    others += adds
            over = own - others / max(len(self._says[word]), 2)
            if own and over > 0:
                speaks.append((much * over, word))
        return [word for _, word in sorted(speaks, reverse=True)]

    def _known(self, features: Mapping[str, float]) -> tuple[dict[str, float], float]:
        """Return the words a class is known by, with how much each says, and the length of them all."""
        known = {word: much * self._learned.weight(word) for word, much in features.items() if word in self._says}
        return known, math.sqrt(sum(one * one for one in known.values())) or 1.0


@lru_cache(maxsize=4096)
def _told(name: str, hints: str) -> Mapping[str, float]:
    """Return what the words of a dictionary's row count for."""
    found: dict[str, float] = defaultdict(float)
    for phrases, much in ((hints.split(","), _HINT_COUNTS), ([name], _NAME_COUNTS)):
        for phrase in phrases:
            lemmas = _stems(phrase)
            roots = {root_of(lemma) for lemma in lemmas if len(lemma) > analysis.PREFIX}
            for word in {*lemmas, *roots, *(" ".join(pair) for pair in pairwise(lemmas))}:
                found[word] = max(found[word], much)
    return dict(found)


@lru_cache(maxsize=32)
def _table(digest: str, axis: str, rows: tuple[Row, ...]) -> Table:
    return Table(_read(digest).get(axis, Learned()), rows)


@lru_cache(maxsize=4)
def _read(digest: str) -> Mapping[str, Learned]:
    """Return what a kept file says; by its digest: a file never changes."""
    stored = ProposalModel.objects.select_related("file").filter(file__sha256=digest).first()
    if stored is None:
        return {}
    try:
        with files.open_file(stored.file) as opened:
            return loaded(opened.read())
    except (OSError, ValueError) as failure:  # letters are registered all the same, by the hints alone
        log.warning("proposals of %s cannot be read: %s", digest[:12], failure)
        return {}


def loaded(content: bytes) -> dict[str, Learned]:
    """Return what `dumped` wrote."""
    kept = json.loads(content)
    return {axis: Learned(**kept[axis]) for axis in AXES if axis in kept}


def dumped(learned: Mapping[str, Learned]) -> bytes:
    """Return what was learned as it is kept in a file."""
    return json.dumps({axis: vars(one) for axis, one in learned.items()}, ensure_ascii=False, sort_keys=True).encode()


def in_use() -> str:
    """Return the digest of what is in use, empty where nothing has been learned; a process asks twice a minute."""
    found: str | None = cache.get(_IN_USE)
    if found is None:
        used = ProposalModel.objects.filter(state=ProposalModel.State.USED)
        found = used.values_list("file__sha256", flat=True).first() or ""
        cache.set(_IN_USE, found, _SECONDS)
    return found


def learned_in_use() -> Mapping[str, Learned]:
    """Return what is in use of every axis; empty where nothing has been learned."""
    return _read(digest) if (digest := in_use()) else {}


def forget() -> None:
    """Look anew which version is in use."""
    cache.delete(_IN_USE)


# --- proposals -------------------------------------------------------------------------------------------------------


def best(text: Words, rows: Sequence[Any], axis: str, near: Sequence[materials.Near] = ()) -> list[Suggested]:
    """Return the rows of a dictionary that fit a text, best first."""
    return ranked(text, rows, table_in_use(axis, rows), near, axis)


def table_in_use(axis: str, rows: Sequence[Any]) -> Table | None:
    """Return what was learned of an axis, ready to judge; None where nothing has been learned yet."""
    digest = in_use()
    if not digest or not (learned := _read(digest).get(axis)) or not learned.cases:
        return None
    return _table(digest, axis, as_rows(rows))


def as_rows(rows: Iterable[Any]) -> tuple[Row, ...]:
    """Return rows of a dictionary as a table takes them; units by their keys, nothing is told of them."""
    return tuple((str(row.pk), "", "") if isinstance(row, Unit) else (row.code, row.name, row.hints) for row in rows)


def ranked(
    text: Words, rows: Sequence[Any], table: Table | None, near: Sequence[materials.Near] = (), axis: str = ""
) -> list[Suggested]:
    """Return the rows that fit a text by hints, materials found and, where there is one, the learned table."""
    kept = [(row, _phrases(row.hints), _phrases(row.name, whole=True)) for row in rows]
    by_rules = {one.item.pk: one for one in by_words(text.said, kept)}
    voted = _Votes(near, axis).of(lambda title: by_words(words_of(title).said, kept)) if near else {}
    if table is None:
        return _of_rules(rows, by_rules, voted)
    more = [
        _RULES * (by_rules[row.pk].score if row.pk in by_rules else 0.0) + VOTE_WEIGHT * voted.get(row.pk, (0.0, []))[0]
        for row in rows
    ]
    shares = table.shares(text.features, more)
    order = sorted(range(len(rows)), key=lambda number: -shares[number])[:TOP]
    if not order or shares[order[0]] < LEAST_SURE:
        return []
    found = []
    for number in order:
        if shares[number] < LEAST_ALSO:
            break
        row = rows[number]
        voters = voted.get(row.pk, (0.0, []))[1]
        known = by_rules[row.pk].words if row.pk in by_rules else []
        words = [*known, *_because(table, number, text), *(word for one in voters for word in one.words)]
        found.append(
            Suggested(
                row,
                round(shares[number], 3),
                _told_once(words),
                [one.title for one in voters][:TOP],
                shares[number],
            )
        )
    return found


def best_units(text: Words, rows: Iterable[Unit]) -> list[Suggested]:
    """Return who answered such texts, best first; nobody where nothing has been learned."""
    if not in_use():
        return []
    units = list(rows)
    if (table := table_in_use("unit", units)) is None:
        return []
    shares = table.shares(text.features)
    order = sorted(range(len(units)), key=lambda number: -shares[number])[:TOP]
    return [
        Suggested(
            units[number],
            round(shares[number], 3),
            _told_once(_because(table, number, text)),
            confidence=shares[number],
        )
        for number in order
        if shares[number] >= LEAST_SURE
    ]


def _because(table: Table, number: int, text: Words) -> list[str]:
    """Return the words that speak for a class, as the text has them."""
    by_root = {root_of(lemma): word for lemma, word in text.said.items()}
    shown = (
        " ".join(text.said.get(part) or by_root.get(part, part) for part in word.split())
        for word in table.because(text.features, number)[:6]
    )
    return list(dict.fromkeys(shown))


def _told_once(words: Iterable[str]) -> list[str]:
    """Return words and pairs as they are shown: none empty, none that a pair among them already names."""
    found = list(dict.fromkeys(words))
    paired = {part for phrase in found if " " in phrase for part in phrase.split()}
    return [word for word in found if word.strip() and word not in paired][:MOST_WORDS]


def _of_rules(
    rows: Sequence[Any],
    by_rules: Mapping[int, Suggested],
    voted: Mapping[int, tuple[float, list[materials.Near]]],
) -> list[Suggested]:
    """Return the best by hints and votes alone: nothing has been learned yet."""
    found = dict(by_rules)
    for row in rows:
        part, voters = voted.get(row.pk, (0.0, []))
        if part < LEAST_VOTE:
            continue
        known = found.get(row.pk) or Suggested(row, 0.0, [])
        said = [word for one in voters for word in one.words]
        found[row.pk] = replace(
            known,
            score=round(known.score + VOTE_WEIGHT * part, 2),
            words=_told_once([*known.words, *said]),
            materials=[one.title for one in voters][:TOP],
        )
    ordered = sorted(found.values(), key=lambda one: -one.score)[:TOP]
    whole = sum(one.score for one in ordered) + SURE_BY_RULES
    return [replace(one, confidence=one.score / whole) for one in ordered]


class _Votes:
    """What the materials found say of one axis: of which class the appeals were that they went into."""

    def __init__(self, near: Sequence[materials.Near], axis: str) -> None:
        self._near = near
        self._learned: dict[int, Counter[int]] = defaultdict(Counter)
        confirmed = AppealQuestion.objects.filter(confirmed_by__isnull=False).order_by()
        used = confirmed.filter(appeal__draft__citations__material__in=[one.page_id for one in near])
        pairs = used.values_list("appeal__draft__citations__material", axis)
        for page, item, times in pairs.annotate(times=Count("appeal", distinct=True)):
            self._learned[page][item] = times

    def of(self, hinted: Callable[[str], Iterable[Suggested]]) -> dict[int, tuple[float, list[materials.Near]]]:
        """Return item → its part of the votes and who voted; `hinted`: what the words of a title say of it.

        A material that has not gone into an answer yet votes by its title and its section.
        """
        shares = votes.shares(one.score for one in self._near)
        cast: list[tuple[float, dict[int, float]]] = []
        for share, one in zip(shares, self._near, strict=True):
            learned: Mapping[int, float] = self._learned.get(one.page_id, {})
            by_title = list(hinted(f"{one.title}. {one.section}"))[:1] if not learned else []
            cast.append((share, dict(learned) or {found.item.pk: 1.0 for found in by_title}))
        tally = votes.tally(cast)
        # Who knows no item keeps silent; one weak voice among the silent is not all of them.
        heard = max(sum(tally.values()), LEAST_HEARD)
        return {
            pk: (part / heard, [one for one, (_, items) in zip(self._near, cast, strict=True) if pk in items])
            for pk, part in tally.items()
        }


# --- hints -----------------------------------------------------------------------------------------------------------

_Kept: TypeAlias = Sequence[tuple[Any, tuple[tuple[str, ...], ...], tuple[tuple[str, ...], ...]]]


def by_words(said: Mapping[str, str], kept: _Kept) -> list[Suggested]:
    """Return what hints and names say of the words of a text, best first."""
    common = _common(tuple(names for _, _, names in kept))
    found = []
    for row, hints, names in kept:
        score, because = 0.0, []
        for phrase in hints:
            if phrase and all(stem in said for stem in phrase):
                score += HINT_WEIGHT * len(phrase)
                because.append(" ".join(said[stem] for stem in phrase))
        for stem in {stem for phrase in names for stem in phrase}:
            if stem in said and len(stem) > 3:
                score += 1 / common[stem]
                because.append(said[stem])
        # One word that many titles share proves nothing.
        if score >= 1:
            found.append(Suggested(row, round(score, 2), list(dict.fromkeys(because))))
    return sorted(found, key=lambda item: -item.score)


@lru_cache(maxsize=16)
def _common(names: tuple[tuple[tuple[str, ...], ...], ...]) -> Counter[str]:
    return Counter(stem for name in names for phrase in name for stem in set(phrase))


@lru_cache(maxsize=8192)
def _phrases(text: str, *, whole: bool = False) -> tuple[tuple[str, ...], ...]:
    return tuple(_stems(phrase) for phrase in ([text] if whole else text.split(",")))


@lru_cache(maxsize=8192)
def _stems(phrase: str) -> tuple[str, ...]:
    """Return a phrase's stems: the dictionaries are the same for every letter, so each is taken apart once."""
    return tuple(analysis.words(phrase))
