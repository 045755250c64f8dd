"""Confidence learnt from readers: better where it can be, never worse than the shipped, taken back at once."""

from __future__ import annotations

import math
import random
from datetime import timedelta
from typing import Any

import pytest

from otklik.core.models import JournalEntry
from otklik.people.models import Employee
from otklik.search import calibration
from otklik.search.calibration import Example, Measured
from otklik.search.confidence import NAMES, SHIPPED
from otklik.search.models import ConfidenceModel

SIZE = len(NAMES)


def some(number: int = 400, *, telling: int = 2, seed: int = 1, noise: float = 1.0) -> list[Example]:
    """Return questions that one feature tells apart: those without an answer have less of it."""
    chance = random.Random(seed)
    made = []
    for each in range(number):
        answered = each % 4 != 0
        features = [0.4 + 0.2 * chance.random() for _ in range(SIZE)]
        features[telling] = max(0.01, chance.gauss(0.7 if answered else 0.3, 0.12 * noise))
        made.append(Example(f"вопрос {each}", tuple(features), answered))
    return made


@pytest.fixture
def chief(db: None) -> Employee:
    return Employee.objects.create_user("chief", password="x", last_name="Главная")


def later(days: int) -> None:
    for row in ConfidenceModel.objects.all():
        ConfidenceModel.objects.filter(pk=row.pk).update(trained_at=row.trained_at - timedelta(days=days))


def test_training_finds_what_tells_and_tells_better_than_the_shipped_on_what_it_never_saw() -> None:
    learnt, held = calibration.parted(some())
    made = calibration.train(learnt)
    mine, shipped = calibration.measured(made, held), calibration.measured(SHIPPED, held)
    assert mine.no_worse_than(shipped)
    assert mine.auroc > 0.95
    assert mine.balanced > shipped.balanced
    assert mine.loss < shipped.loss


def test_a_threshold_loses_no_more_answers_than_it_may() -> None:
    examples = some(noise=4.0)
    made = calibration.train(examples)
    assert calibration.measured(made, examples).lost <= calibration.LOST


def test_learning_from_what_tells_nothing_stays_near_the_shipped_numbers() -> None:
    chance = random.Random(3)
    examples = [Example(str(n), tuple(chance.random() for _ in range(SIZE)), n % 4 != 0) for n in range(300)]
    made = calibration.train(examples)
    assert all(math.isfinite(one) for one in (*made.weights, made.bias, made.threshold))
    assert abs(calibration.measured(made, examples).auroc - 0.5) < 0.15


def test_a_feature_that_never_changes_is_no_trouble() -> None:
    examples = [one._replace(features=(0.5, *one.features[1:])) for one in some()]
    assert all(map(math.isfinite, calibration.train(examples).weights))


def test_the_same_question_always_falls_on_the_same_side() -> None:
    learnt, held = calibration.parted([*some(), *some(seed=2)])
    assert not {one.question for one in learnt} & {one.question for one in held}
    assert 0.2 < len(held) / (len(held) + len(learnt)) < 0.4


def test_order_is_measured_by_pairs_and_equals_count_half() -> None:
    half = SHIPPED._replace(weights=(1.0,) + (0.0,) * (SIZE - 1), bias=-0.5, threshold=0.5)
    good, bad = (0.9,) + (0.0,) * (SIZE - 1), (0.1,) + (0.0,) * (SIZE - 1)
    told = [Example("а", good, True), Example("б", bad, False), Example("в", good, False)]
    measured = calibration.measured(half, told)
    assert (measured.auroc, measured.caught, measured.lost) == (0.75, 0.5, 0.0)


@pytest.mark.django_db
@pytest.mark.parametrize("examples", [some(199), [one._replace(answered=True) for one in some(300)], []])
def test_with_too_few_questions_nothing_is_trained_and_the_page_is_told_why(examples: list[Example]) -> None:
    assert calibration.too_few(examples)
    assert calibration.retrain(examples) is None
    assert calibration.current() == SHIPPED
    assert not ConfidenceModel.objects.exists()


@pytest.mark.django_db
def test_a_better_model_is_taken_and_searches_follow_it(django_capture_on_commit_callbacks: Any) -> None:
    assert calibration.current() == SHIPPED
    with django_capture_on_commit_callbacks(execute=True):
        row = calibration.retrain(some())
    assert row is not None
    assert (row.state, row.why, row.version, row.questions, row.negative) == ("used", "", 1, 400, 100)
    assert calibration.current() == calibration.model_of(row) != SHIPPED
    entry = JournalEntry.objects.get(action="confidence.retrained")
    assert (entry.actor, entry.data["taken"]) == (None, True)


@pytest.mark.django_db
def test_an_answer_is_sure_from_the_threshold_of_the_model_in_use_on() -> None:
    # All that speaks for an answer, and a little of everything.
    strong = (*(1.5 * (weight > 0) for weight in SHIPPED.weights[:-3]), 2.0, 0.0, 2.0)
    weak = (0.05,) * SIZE
    assert calibration.judged(strong)[1]
    assert calibration.judged(weak) == (SHIPPED.confidence(weak), False)
    assert calibration.judged((0.0,) * SIZE) == (0.0, False)
    row = calibration.retrain(some())
    ConfidenceModel.objects.update(threshold=1.0)
    calibration.forget()
    assert row is not None
    assert not calibration.judged(strong)[1]


@pytest.mark.django_db
def test_a_worse_model_is_kept_to_be_looked_at_and_never_used(
    monkeypatch: pytest.MonkeyPatch, django_capture_on_commit_callbacks: Any
) -> None:
    upside_down = SHIPPED._replace(weights=tuple(-one for one in SHIPPED.weights), version="x")
    monkeypatch.setattr(calibration, "train", lambda *_: upside_down)
    with django_capture_on_commit_callbacks(execute=True):
        row = calibration.retrain(some(telling=0))
    assert row is not None
    assert row.state == "refused"
    assert "хуже поставляемой" in row.why
    assert calibration.current() == SHIPPED


@pytest.mark.django_db
def test_a_model_worse_than_the_one_in_use_does_not_replace_it(monkeypatch: pytest.MonkeyPatch) -> None:
    used = calibration.retrain(some())
    later(8)
    monkeypatch.setattr(calibration, "train", lambda *_: SHIPPED)
    row = calibration.retrain(some())
    assert row is not None
    assert used is not None
    assert (row.state, calibration.in_use()) == ("refused", used)
    assert "той, что в работе" in row.why


@pytest.mark.django_db
def test_it_is_trained_once_a_week() -> None:
    assert calibration.retrain(some()) is not None
    assert calibration.retrain(some()) is None
    later(8)
    assert calibration.retrain(some(seed=5)) is not None
    assert ConfidenceModel.objects.filter(state="used").count() == 1


@pytest.mark.django_db
def test_going_back_puts_the_shipped_numbers_into_use_until_training_is_resumed(
    chief: Employee, django_capture_on_commit_callbacks: Any
) -> None:
    with pytest.raises(calibration.NothingToGoBackFrom):
        calibration.go_back(by=chief)
    calibration.retrain(some())
    with django_capture_on_commit_callbacks(execute=True):
        calibration.go_back(by=chief)
    assert calibration.current()[:3] == SHIPPED[:3]
    assert calibration.is_stopped()
    later(30)
    assert calibration.retrain(some()) is None
    with pytest.raises(calibration.NothingToGoBackFrom):
        calibration.go_back(by=chief)
    calibration.resume(by=chief)
    assert calibration.retrain(some()) is not None
    with pytest.raises(calibration.NotStopped):
        calibration.resume(by=chief)
    told = JournalEntry.objects.filter(actor=chief).values_list("action", flat=True)
    assert set(told) == {"confidence.gone_back", "confidence.resumed"}


@pytest.mark.django_db
def test_a_model_that_weighed_other_evidence_gives_way_to_the_shipped() -> None:
    calibration.retrain(some())
    for change in ({"shipped_version": "older"}, {"weights": [1.0]}):
        ConfidenceModel.objects.update(**change)
        calibration.forget()
        assert calibration.current() == SHIPPED


def test_no_worse_means_no_worse_in_anything() -> None:
    one = Measured(auroc=0.9, caught=0.8, lost=0.1, loss=0.3)
    assert one.no_worse_than(one)
    for worse in ({"auroc": 0.89}, {"caught": 0.7}, {"lost": 0.2}, {"loss": 0.31}):
        assert not Measured(**{**vars(one), **worse}).no_worse_than(one)
