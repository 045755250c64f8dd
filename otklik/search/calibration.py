"""Confidence learnt from what people opened and used: trained by a job, taken only where it is no worse, taken back.

The shipped numbers stay the beginning and the yardstick. Half a thousand questions of one department are few, so what
is learnt is held near the shipped weights, and is tried on questions it was not trained on.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import timedelta
from hashlib import sha256
from typing import Final, NamedTuple

from django.core.cache import cache
from django.db import transaction
from django.db.models import Max
from django.utils import timezone

from otklik.core import journal
from otklik.core.errors import DomainError
from otklik.people.models import Employee
from otklik.search.confidence import SHIPPED, Model
from otklik.search.models import ConfidenceModel

FEWEST: Final = 200
FEWEST_NEGATIVE: Final = 40
EVERY: Final = timedelta(days=7)
HELD_BACK: Final = 3  # of ten questions
LOST: Final = 0.10  # of the questions that have an answer: so many at most may be called doubtful by a threshold
_STEPS, _RATE, _NEAR_SHIPPED = 400, 0.5, 0.01
_SECONDS: Final = 30
_CHAIN: Final = "confidence"


class NothingToGoBackFrom(DomainError):
    """The shipped numbers are in use already."""

    code = "confidence.shipped_already"
    text = "Поставляемая уверенность уже в работе. Обновите страницу."
    status = 409


class NotStopped(DomainError):
    """Training was not stopped."""

    code = "confidence.not_stopped"
    text = "Переобучение не остановлено. Обновите страницу."
    status = 409


class Example(NamedTuple):
    """One question: the evidence the search had, and whether an answer stood among the first three."""

    question: str
    features: tuple[float, ...]
    answered: bool


@dataclass(frozen=True)
class Measured:
    """How well a model tells questions with an answer from those without.

    `auroc`: of two such questions, how often it is surer of the right one. `lost`: answers called doubtful; `caught`:
    questions without an answer called so. `loss`: mean logarithmic loss, the lower the better its numbers.
    """

    auroc: float
    caught: float
    lost: float
    loss: float

    @property
    def balanced(self) -> float:
        """Return how often it is right, either kind of question counted equally."""
        return (self.caught + 1 - self.lost) / 2

    @property
    def caught_percent(self) -> int:
        """Return the questions without an answer that were called doubtful, in per cent."""
        return round(100 * self.caught)

    @property
    def lost_percent(self) -> int:
        """Return the answers that were called doubtful, in per cent."""
        return round(100 * self.lost)

    def no_worse_than(self, other: Measured) -> bool:
        """Tell whether nothing has become worse: neither order, nor threshold, nor the numbers."""
        return self.auroc >= other.auroc and self.balanced >= other.balanced and self.loss <= other.loss


# --- what is in use --------------------------------------------------------------------------------------------------


def current() -> Model:
    """Return the model in use. Every search asks: a process reads it once in half a minute."""
    found: Model | None = cache.get(_CHAIN)
    if found is None:
        found = _read()
        cache.set(_CHAIN, found, _SECONDS)
    return found


def judged(features: Sequence[float]) -> tuple[float, bool]:
    """Return how sure the model in use is of an answer found by this evidence, and whether that is enough."""
    model = current()
    confidence = model.confidence(tuple(features))
    return confidence, confidence >= model.threshold


def forget() -> None:
    """Read the model in use anew at the next search of this process."""
    cache.delete(_CHAIN)


def in_use() -> ConfidenceModel | None:
    """Return the row of the model in use; None: the shipped one, chosen by nobody."""
    return ConfidenceModel.objects.filter(state=ConfidenceModel.State.USED).order_by("-pk").first()


def _read() -> Model:
    row = in_use()
    return model_of(row) if row is not None else SHIPPED


def model_of(row: ConfidenceModel) -> Model:
    """Return the numbers of a row; one that weighed other evidence than this release has gives way to the shipped."""
    if row.shipped_version != SHIPPED.version or len(row.weights) != len(SHIPPED.weights):
        return SHIPPED
    return Model(tuple(row.weights), row.bias, row.threshold, f"learnt-{row.version}")


# --- training --------------------------------------------------------------------------------------------------------


def train(examples: Sequence[Example], start: Model = SHIPPED) -> Model:
    """Return a model fitted to the examples by gradient descent, held near the weights it starts from."""
    columns = list(zip(*(one.features for one in examples), strict=True))
    means = [sum(column) / len(column) for column in columns]
    spreads = [
        math.sqrt(sum((one - mean) ** 2 for one in column) / len(column)) or 1.0
        for column, mean in zip(columns, means, strict=True)
    ]
    scales = list(zip(means, spreads, strict=True))
    rows = [
        ([(one - mean) / spread for one, (mean, spread) in zip(each.features, scales, strict=True)], each.answered)
        for each in examples
    ]
    begun = [weight * spread for weight, spread in zip(start.weights, spreads, strict=True)]
    weights = list(begun)
    bias = start.bias + sum(weight * mean for weight, mean in zip(start.weights, means, strict=True))
    for _ in range(_STEPS):
        slopes, slope = [0.0] * len(weights), 0.0
        for row, answered in rows:
            missed = _logistic(bias + sum(map(float.__mul__, weights, row))) - answered
            slope += missed
            for place, one in enumerate(row):
                slopes[place] += missed * one
        bias -= _RATE * slope / len(rows)
        weights = [
            weight - _RATE * (each / len(rows) + _NEAR_SHIPPED * (weight - first))
            for weight, each, first in zip(weights, slopes, begun, strict=True)
        ]
    raw = tuple(weight / spread for weight, spread in zip(weights, spreads, strict=True))
    fitted = Model(raw, bias - sum(weight * mean for weight, mean in zip(raw, means, strict=True)), 0.5, start.version)
    return fitted._replace(threshold=_threshold(fitted, examples))


def _logistic(value: float) -> float:
    return 1 / (1 + math.exp(-max(-30.0, min(30.0, value))))


def _threshold(model: Model, examples: Sequence[Example]) -> float:
    """Return the threshold that is right most often of those that lose few answers."""
    good = sorted(model.confidence(one.features) for one in examples if one.answered)
    bad = sorted(model.confidence(one.features) for one in examples if not one.answered)
    best, found = -1.0, 0.0
    for place in range(int(len(good) * LOST) + 1):
        threshold = good[place] if place < len(good) else 1.0
        right = sum(one < threshold for one in bad) / len(bad) - place / len(good)
        if right > best:
            best, found = right, threshold
    return found


def measured(model: Model, examples: Sequence[Example]) -> Measured:
    """Return how a model does on examples of both kinds."""
    good = [model.confidence(one.features) for one in examples if one.answered]
    bad = [model.confidence(one.features) for one in examples if not one.answered]
    above = sum((one > other) + (one == other) / 2 for one in good for other in bad)
    tiny = 1e-9
    loss = -sum(math.log(max(one, tiny)) for one in good) - sum(math.log(max(1 - one, tiny)) for one in bad)
    return Measured(
        auroc=above / (len(good) * len(bad)),
        caught=sum(one < model.threshold for one in bad) / len(bad),
        lost=sum(one < model.threshold for one in good) / len(good),
        loss=loss / len(examples),
    )


def parted(examples: Sequence[Example]) -> tuple[list[Example], list[Example]]:
    """Return what is trained on and what is held back: the same question always falls on the same side."""
    held = [int(sha256(one.question.encode()).hexdigest(), 16) % 10 < HELD_BACK for one in examples]
    return (
        [one for one, is_held in zip(examples, held, strict=True) if not is_held],
        [one for one, is_held in zip(examples, held, strict=True) if is_held],
    )


def too_few(examples: Sequence[Example]) -> str:
    """Return why these cannot be trained on, in words; empty where they can."""
    negative = sum(not one.answered for one in examples)
    if len(examples) < FEWEST or negative < FEWEST_NEGATIVE:
        return (
            f"Пока мало: вопросов {len(examples)} из {FEWEST}, из них без ответа {negative} из {FEWEST_NEGATIVE}. "
            "До тех пор работает поставляемая."
        )
    if any({one.answered for one in part} != {True, False} for part in parted(examples)):
        return "Вопросы с ответом и без ответа не удалось разделить на две части. Нужно больше вопросов."
    return ""


def is_stopped() -> bool:
    """Tell whether somebody has gone back to the shipped numbers: then nothing is trained."""
    row = in_use()
    return row is not None and row.by_id is not None


def retrain(examples: Sequence[Example]) -> ConfidenceModel | None:
    """Train on these and keep what came of it; None where it is not time, was stopped, or there are too few.

    It is taken into use where on held-back questions it is no worse than the shipped model and the one in use.
    """
    newest = ConfidenceModel.objects.order_by("-pk").first()
    if is_stopped() or (newest is not None and newest.trained_at > timezone.now() - EVERY):
        return None
    fit = [one for one in examples if len(one.features) == len(SHIPPED.weights)]
    if too_few(fit):
        return None
    learnt, held = parted(fit)
    made = train(learnt)
    mine, shipped, used = measured(made, held), measured(SHIPPED, held), measured(_read(), held)
    why = "" if mine.no_worse_than(shipped) else "На отложенных вопросах она хуже поставляемой."
    if not why and not mine.no_worse_than(used):
        why = "На отложенных вопросах она хуже той, что в работе."
    figures = {"mine": asdict(mine), "shipped": asdict(shipped), "used": asdict(used), "held": len(held)}
    return _keep(made, questions=len(fit), negative=sum(not one.answered for one in fit), figures=figures, why=why)


@transaction.atomic
def _keep(made: Model, *, questions: int, negative: int, figures: dict[str, object], why: str) -> ConfidenceModel:
    state = ConfidenceModel.State
    if not why:
        ConfidenceModel.objects.filter(state=state.USED).update(state=state.PAST)
    row = ConfidenceModel.objects.create(
        version=_next_version(),
        shipped_version=SHIPPED.version,
        weights=list(made.weights),
        bias=made.bias,
        threshold=made.threshold,
        questions=questions,
        negative=negative,
        figures=figures,
        state=state.REFUSED if why else state.USED,
        why=why,
    )
    taken = not why
    journal.record("confidence.retrained", chain=_CHAIN, by=None, version=row.version, questions=questions, taken=taken)
    transaction.on_commit(forget)
    return row


def _next_version() -> int:
    return int(ConfidenceModel.objects.aggregate(last=Max("version"))["last"] or 0) + 1


@transaction.atomic
def go_back(*, by: Employee) -> ConfidenceModel:
    """Put the shipped numbers into use; nothing is trained until `resume`."""
    state = ConfidenceModel.State
    row = in_use()
    if row is None or row.by_id is not None:
        raise NothingToGoBackFrom
    ConfidenceModel.objects.filter(state=state.USED).update(state=state.PAST)
    chosen = ConfidenceModel.objects.create(
        version=_next_version(),
        shipped_version=SHIPPED.version,
        weights=list(SHIPPED.weights),
        bias=SHIPPED.bias,
        threshold=SHIPPED.threshold,
        state=state.USED,
        by=by,
    )
    journal.record("confidence.gone_back", chain=_CHAIN, by=by, was=row.version, now=chosen.version)
    transaction.on_commit(forget)
    return chosen


@transaction.atomic
def resume(*, by: Employee) -> None:
    """Let confidence be trained again; the shipped numbers stay until something better is found."""
    state = ConfidenceModel.State
    if not ConfidenceModel.objects.filter(state=state.USED, by__isnull=False).update(state=state.PAST):
        raise NotStopped
    journal.record("confidence.resumed", chain=_CHAIN, by=by)
    transaction.on_commit(forget)
