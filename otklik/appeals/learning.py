"""Proposals learn of confirmed cases: trained by a job, measured on applicants they never saw, taken where no worse.

A fifth of the applicants is always held out, the same ones every night: what is in use never learned of them either,
so that the new version and the old one are judged by the same cases, and neither knows them.
"""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from hashlib import sha256
from typing import Any, Final

from django.db import transaction
from django.db.models import Max
from django.utils import timezone

from otklik.appeals import proposing
from otklik.appeals.models import AppealMessage, AppealQuestion, Need, ProposalModel, QuestionKind, Topic
from otklik.appeals.proposing import AXES, Learned, Table, Words, as_rows, ranked, words_of
from otklik.core import files, journal
from otklik.core import terms as rules
from otklik.people.models import Unit
from otklik.search import telling

MOST: Final = 20_000  # cases, the newest
FEWEST: Final = 40
FEWEST_HELD: Final = 10
HELD_BACK: Final = 5  # one applicant of so many
FEWEST_PEOPLE: Final = 2  # a word only one person writes is not kept
MEASURED: Final = ("topic", "need")
SIZES: Final = ((1, 4), (5, 9), (10, 19), (20, 49), (50, None))  # confirmed cases of a class
_STEEPS: Final = (0.25, 0.5, 0.75, 1.0, 1.5, 2.0, 3.0, 4.0, 6.0, 8.0, 12.0)
_CHAIN: Final = "dictionaries"


@dataclass(frozen=True)
class Example:
    """One confirmed case: who wrote, its text taken apart, and its classes by axis."""

    person: str
    words: Words
    classes: Mapping[str, tuple[str, ...]]


@dataclass
class Tally:
    """How often the right class stood first, and among the first three."""

    cases: int = 0
    first: int = 0
    three: int = 0

    def add(self, place: int | None) -> None:
        """Count one case; `place`: where the right class stood, from nought."""
        self.cases += 1
        self.first += place == 0
        self.three += place is not None and place < proposing.TOP

    def figures(self) -> dict[str, int]:
        """Return the counts as they are kept."""
        return {"cases": self.cases, "first": self.first, "three": self.three}


# --- training: pure --------------------------------------------------------------------------------------------------


def train(examples: Sequence[Example], axis: str) -> Learned:
    """Return what these cases say of one axis. A name, a number and a word of one person are left out."""
    people: dict[str, set[str]] = defaultdict(set)
    for one in examples:
        for word in one.words.features:
            if len(people[word]) < FEWEST_PEOPLE:
                people[word].add(one.person)
    kept = {word for word, who in people.items() if len(who) >= FEWEST_PEOPLE}
    kept &= _ordinary(kept)
    times = Counter(word for one in examples for word in one.words.features if word in kept)
    many = len(examples)
    rarity = {word: round(math.log((1 + many) / (1 + count)) + 0.3, 3) for word, count in times.items()}
    rarity[""] = round(math.log(1 + many) + 0.3, 3)  # of a word only the dictionary has
    counts: dict[str, dict[str, float]] = defaultdict(lambda: defaultdict(float))
    cases: Counter[str] = Counter()
    for one in examples:
        classes = one.classes.get(axis, ())
        if not classes:
            continue
        weights = {word: much * rarity[word] for word, much in one.words.features.items() if word in kept}
        length = math.sqrt(sum(much * much for much in weights.values())) or 1.0
        for code in classes:
            cases[code] += 1
            for word, much in weights.items():
                counts[word][code] += much / length / len(classes)
    tidy = {word: {code: round(much, 4) for code, much in classes.items()} for word, classes in counts.items()}
    return Learned(tidy, rarity, 1.0, dict(cases))


def _ordinary(words: Iterable[str]) -> set[str]:
    """Return those words, roots and pairs of them, that tell of nobody: the model is a file, and files are kept."""
    words = set(words)
    known = {part for word in words for part in word.split() if not part.endswith("*")}
    known = {word for word in known if telling.ordinary(word)}
    roots = {proposing.root_of(word) for word in known}
    return {word for word in words if word in roots or all(part in known for part in word.split())}


def steepened(learned: Learned, rows: Sequence[Any], examples: Sequence[Example], axis: str) -> Learned:
    """Return it with likelihoods made as steep as makes them true: fitted on cases it has not learned from."""
    held = [(one, set(one.classes[axis])) for one in examples if one.classes.get(axis)]
    if not held:
        return learned

    def loss(steep: float) -> float:
        table = Table(replace(learned, steep=steep), as_rows(rows))
        lost = 0.0
        for one, right in held:
            shares = table.shares(one.words.features)
            lost -= math.log(
                max(sum(share for share, code in zip(shares, table.codes, strict=True) if code in right), 1e-6)
            )
        return lost

    return replace(learned, steep=min(_STEEPS, key=loss))


def learn(examples: Sequence[Example], rows: Mapping[str, Sequence[Any]]) -> dict[str, Learned]:
    """Return what is learned of every axis; a fifth of the cases at first only says how sure to be."""
    inner, rest = parted(examples, "inner")
    return {
        axis: replace(train(examples, axis), steep=steepened(train(inner, axis), rows[axis], rest, axis).steep)
        for axis in AXES
    }


def parted(examples: Iterable[Example], by: str = "held") -> tuple[list[Example], list[Example]]:
    """Return what is learned from and what is held out: one applicant always falls on the same side."""
    sides: tuple[list[Example], list[Example]] = ([], [])
    for one in examples:
        number = int(sha256(f"{by}:{one.person}".encode()).hexdigest(), 16)
        sides[number % HELD_BACK == 0].append(one)
    return sides


def measured(
    examples: Iterable[Example],
    rows: Mapping[str, Sequence[Any]],
    learned: Mapping[str, Learned] | None,
    cases: Mapping[str, Mapping[str, int]],
) -> dict[str, Any]:
    """Return how well cases are guessed: together and by how many confirmed cases their class has (`cases`)."""
    figures: dict[str, Any] = {}
    held = list(examples)
    for axis in MEASURED:
        table = Table(learned[axis], as_rows(rows[axis])) if learned and learned[axis].cases else None
        all_of_it, by_size = Tally(), {size: Tally() for size in SIZES}
        for one in held:
            if not (right := one.classes.get(axis)):
                continue
            found = [guess.item.code for guess in ranked(one.words, rows[axis], table)]
            place = next((number for number, code in enumerate(found) if code in right), None)
            all_of_it.add(place)
            many = max(cases[axis].get(code, 0) for code in right)
            size = next((one for one in SIZES if many >= one[0] and (one[1] is None or many <= one[1])), None)
            if size:
                by_size[size].add(place)
        figures[axis] = all_of_it.figures() | {
            "sizes": [{"from": size[0], "to": size[1], **tally.figures()} for size, tally in by_size.items()]
        }
    return figures


def no_worse(mine: Mapping[str, Any], other: Mapping[str, Any]) -> bool:
    """Tell whether of both axes together no fewer cases are guessed at once, nor among the first three."""
    return all(
        sum(mine[axis][figure] for axis in MEASURED) >= sum(other[axis][figure] for axis in MEASURED)
        for figure in ("first", "three")
    )


# --- what is learned from, and kept ----------------------------------------------------------------------------------


def dictionaries() -> dict[str, list[Any]]:
    """Return the dictionary of every axis as it holds today."""
    today = rules.valid(timezone.localdate())
    return {
        "topic": list(Topic.objects.filter(today, leaf=True)),
        "need": list(Need.objects.filter(today)),
        "kind": list(QuestionKind.objects.filter(today)),
        "unit": list(Unit.objects.filter(today)),
    }


def confirmed(most: int = MOST) -> list[Example]:
    """Return the newest confirmed cases, taken apart; a topic that has ended counts for the one that replaced it."""
    questions: dict[int, list[AppealQuestion]] = defaultdict(list)
    rows = AppealQuestion.objects.filter(confirmed_by__isnull=False).order_by("-appeal_id", "id")
    for row in rows.select_related("topic__replacement__by", "need", "sort__kind", "appeal")[: most * 2]:
        questions[row.appeal_id].append(row)
    newest = sorted(questions, reverse=True)[:most]
    first = AppealMessage.objects.filter(first=True, appeal__in=newest).select_related("message")
    texts = {row.appeal_id: row.message.text for row in first.iterator(chunk_size=500)}
    found = []
    for pk in newest:
        appeal = questions[pk][0].appeal
        kinds = {row.sort.kind.code for row in questions[pk] if hasattr(row, "sort")}
        found.append(
            Example(
                person=str(appeal.applicant_id),
                words=words_of(f"{appeal.subject}\n{texts.get(pk, '')}"),
                classes={
                    "topic": tuple(dict.fromkeys(_living(row.topic).code for row in questions[pk])),
                    "need": tuple(dict.fromkeys(row.need.code for row in questions[pk])),
                    "kind": tuple(sorted(kinds)),
                    "unit": (str(appeal.unit_id),) if appeal.unit_id else (),
                },
            )
        )
    return found


def _living(topic: Topic) -> Topic:
    replacement = getattr(topic, "replacement", None)
    return replacement.by if replacement and topic.valid_to else topic


def too_few(learnt: Sequence[Example], held: Sequence[Example]) -> str:
    """Return why there is nothing to learn from yet, in words; empty where there is."""
    if len(learnt) < FEWEST or len(held) < FEWEST_HELD:
        return (
            f"Пока мало подтверждённых обращений: {len(learnt)} из {FEWEST} для обучения, {len(held)} из {FEWEST_HELD} "
            "для проверки. До тех пор предлагают подсказки справочников."
        )
    return ""


def retrain(gather: Callable[[], list[Example]] = confirmed) -> ProposalModel | None:
    """Learn of what is confirmed by now and keep what came of it; None where there are too few cases or nothing new.

    It is taken into use where it guesses held-out cases no worse than the dictionaries alone and than the one in use.
    """
    learnt, held = parted(gather())
    if too_few(learnt, held):
        return None
    rows = dictionaries()
    made = learn(learnt, rows)
    content = proposing.dumped(made)
    newest = ProposalModel.objects.select_related("file").order_by("-version").first()
    if newest is not None and newest.file.sha256 == sha256(content).hexdigest():
        return None
    cases = {axis: made[axis].cases for axis in AXES}
    in_use = proposing.learned_in_use()
    mine, cold = measured(held, rows, made, cases), measured(held, rows, None, cases)
    used = measured(held, rows, in_use, cases) if in_use else None
    figures = {"mine": mine, "cold": cold, "used": used, "classes": {axis: len(made[axis].cases) for axis in AXES}}
    why = "" if no_worse(mine, cold) else "На отложенных обращениях она хуже подсказок справочников."
    if not why and used and not no_worse(mine, used):
        why = "На отложенных обращениях она хуже той, что в работе."
    return _keep(content, learned=len(learnt), held=len(held), figures=figures, why=why)


@transaction.atomic
def _keep(content: bytes, *, learned: int, held: int, figures: dict[str, Any], why: str) -> ProposalModel:
    state = ProposalModel.State
    stored = files.store(content, name="proposals.json")
    if not why:
        ProposalModel.objects.filter(state=state.USED).update(state=state.PAST)
    row = ProposalModel.objects.create(
        version=int(ProposalModel.objects.aggregate(last=Max("version"))["last"] or 0) + 1,
        file=stored,
        learned=learned,
        held=held,
        figures=figures,
        state=state.REFUSED if why else state.USED,
        why=why,
    )
    journal.record("proposals.retrained", chain=_CHAIN, by=None, version=row.version, rows=learned, taken=not why)
    transaction.on_commit(proposing.forget)
    return row
