"""How sure a search is that its first results answer: a logistic regression, shipped as numbers."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Final, NamedTuple


class Model(NamedTuple):
    """Weights of the evidence; from `threshold` on a search is sure. `version` tells whose features they weigh."""

    weights: tuple[float, ...]
    bias: float
    threshold: float
    version: int


def features(scores: Sequence[float], shares: Sequence[float], words: int) -> tuple[float, ...]:
    """Return the evidence of what was found: best score, its share of the question, lead over the next, length."""
    best, share = (scores[0], shares[0]) if scores else (0.0, 0.0)
    lead = (best - scores[1]) / best if len(scores) > 1 and best else float(bool(scores))
    return math.log1p(best), share, lead, math.log1p(words)


SHIPPED: Final = Model(weights=(0.3, 5.0, 0.8, 0.2), bias=-3.4, threshold=0.5, version=1)
