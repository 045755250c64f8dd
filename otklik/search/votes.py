"""What a text is about, by what was found for it: every document found votes for its class. Pure."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Hashable, Iterable, Mapping
from typing import Final, TypeVar

Class = TypeVar("Class", bound=Hashable)

VOTERS: Final = 5  # documents
_STEEP: Final = 6  # what answers nearly as well has its say, what answers half as well hardly any


def shares(scores: Iterable[float]) -> list[float]:
    """Return how much each of the documents found has to say, best first; together 1."""
    kept = [max(score, 0.0) for score in scores]
    best = max(kept, default=0.0) or 1.0
    weights = [(score / best) ** _STEEP for score in kept]
    total = sum(weights) or 1.0
    return [weight / total for weight in weights]


def tally(votes: Iterable[tuple[float, Mapping[Class, float]]]) -> dict[Class, float]:
    """Return the part of the votes each class has; a voter parts his share among the classes he is for."""
    sums: dict[Class, float] = defaultdict(float)
    for share, classes in votes:
        whole = sum(classes.values())
        for one, part in classes.items():
            sums[one] += share * part / whole
    return dict(sums)
