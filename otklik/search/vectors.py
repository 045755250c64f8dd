"""What documents mean, as an encoder tells it: made by a worker, kept in a table, compared with what is asked.

Only indexes whose room asks for it have vectors: materials do, appeals never. There are thousands of documents at most,
so every one is compared. Rights are part of the question, as in the index itself.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from threading import Lock
from typing import Any, Final

from django.db.models import Count, Max
from django.utils import timezone

from otklik.search import encoder
from otklik.search.encoder import Encoder, EncoderError
from otklik.search.models import Entry, Vector

log = logging.getLogger("otklik.search")

BUDGET: Final = 20.0  # seconds of one round; the next goes on
FRESH: Final = 1.0  # seconds in which vectors are not looked for anew
_PORTION: Final = 32


# --- making -----------------------------------------------------------------------------------------------------------


def make(*indexes: str, budget: float = BUDGET) -> int:
    """Make the vectors that these indexes lack, forget those of documents that are gone; return how many were made.

    What an encoder that fails leaves undone is done another time.
    """
    try:
        maker = encoder.configured()
        until = time.monotonic() + budget
        return sum(_make(index, maker, until) for index in indexes) if maker else 0
    except EncoderError as wrong:
        log.info("vectors wait: %s", wrong)
        return 0


def _make(index: str, maker: Encoder, until: float) -> int:
    there = dict(Entry.objects.filter(index=index).values_list("key", "changed_at"))
    kept = Vector.objects.filter(index=index)
    known = {key: (name, seen) for key, name, seen in kept.values_list("key", "encoder", "seen")}
    for gone in _portions(sorted(known.keys() - there.keys()), 500):
        kept.filter(key__in=gone).delete()
    made = 0
    for keys in _portions(sorted(key for key, at in there.items() if known.get(key) != (maker.name, at)), _PORTION):
        if time.monotonic() > until:
            break
        made += _make_portion(index, keys, maker)
    return made


def _make_portion(index: str, keys: Sequence[str], maker: Encoder) -> int:
    """Make the vectors of some documents; where only readers or places changed, the numbers stay."""
    entries = list(Entry.objects.filter(index=index, key__in=keys))
    texts = {entry.key: encoder.text_of(entry.title, entry.body) for entry in entries}
    digests = {key: sha256(text.encode()).hexdigest() for key, text in texts.items()}
    had = {
        (vector.key, vector.digest): vector.numbers
        for vector in Vector.objects.filter(index=index, key__in=keys, encoder=maker.name)
    }
    new = [key for key in texts if (key, digests[key]) not in had]
    numpy = encoder.numpy()
    encoded = dict(zip(new, maker.encode([texts[key] for key in new]), strict=True))
    rows = [
        Vector(
            index=index,
            key=entry.key,
            encoder=maker.name,
            digest=digests[entry.key],
            numbers=numpy.asarray(encoded[entry.key], "<f2").tobytes()
            if entry.key in encoded
            else had[entry.key, digests[entry.key]],
            seen=entry.changed_at,
            made_at=timezone.now(),
        )
        for entry in entries
    ]
    Vector.objects.bulk_create(
        rows,
        update_conflicts=True,
        unique_fields=["index", "key"],
        update_fields=["encoder", "digest", "numbers", "seen", "made_at"],
    )
    return len(new)


def _portions(keys: Sequence[str], size: int) -> list[Sequence[str]]:
    return [keys[start : start + size] for start in range(0, len(keys), size)]


@dataclass(frozen=True)
class Condition:
    """How the encoder is: what is wrong with it, and how many documents have a vector, of how many."""

    wrong: str
    made: int
    of: int


def condition(*indexes: str) -> Condition | None:
    """Return how the encoder is; None where there is none."""
    try:
        maker = encoder.configured()
    except EncoderError as wrong:
        return Condition(str(wrong), 0, 0)
    if maker is None:
        return None
    made = Vector.objects.filter(index__in=indexes, encoder=maker.name).count()
    return Condition("", made, Entry.objects.filter(index__in=indexes).count())


# --- comparing --------------------------------------------------------------------------------------------------------


class Matrix:
    """Vectors of documents, ready to be compared. `scopes`: who may see each."""

    def __init__(self, keys: Sequence[str], scopes: Sequence[frozenset[str]], vectors: Any) -> None:
        self._keys, self._scopes = keys, scopes
        self._vectors = encoder.numpy().asarray(vectors, "float32")

    def near(self, vector: Any, scopes: Collection[str] | None = None) -> dict[str, float]:
        """Return the cosine of each document open to one of `scopes` (None: of each at all) with a vector."""
        if not len(self._keys) or self._vectors.shape[1] != len(vector):
            return {}
        cosines = (self._vectors @ encoder.numpy().asarray(vector, "float32")).tolist()
        return {
            key: cosine
            for key, its, cosine in zip(self._keys, self._scopes, cosines, strict=True)
            if scopes is None or not its.isdisjoint(scopes)
        }


class Near:
    """A matrix as one reader sees it: the `Vectors` of ranking."""

    def __init__(self, maker: Encoder, matrix: Matrix, scopes: Collection[str] | None = None) -> None:
        self._maker, self._matrix, self._scopes = maker, matrix, scopes

    def near(self, text: str) -> Mapping[str, float]:
        """Return how near every open document lies to a text; nothing where the encoder does not answer."""
        try:
            [vector] = self._maker.encode([text])
        except EncoderError:  # who keeps the encoder has told the log
            return {}
        return self._matrix.near(vector, self._scopes)


def of(index: str, scopes: Collection[str]) -> Near | None:
    """Return the vectors of an index as readers who hold one of `scopes` see them; None where words alone count."""
    if not encoder.is_on():
        return None
    try:
        maker = encoder.configured()
    except EncoderError as wrong:
        _tell_once(str(wrong))
        return None
    matrix = _shelf.matrix(index, maker.name) if maker else None
    return Near(maker, matrix, frozenset(scopes)) if maker and matrix and maker.is_ready() else None


class _Shelf:
    """The matrices this process has at hand."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._kept: dict[tuple[str, str], tuple[float, Any, Matrix | None]] = {}

    def matrix(self, index: str, name: str) -> Matrix | None:
        """Return the vectors of an index, a moment old at most; None where it has none."""
        with self._lock:
            looked, stamp, matrix = self._kept.get((index, name), (0.0, None, None))
            if stamp is None or time.monotonic() - looked >= FRESH:
                if (now := _stamp(index, name)) != stamp:
                    stamp, matrix = now, _read(index, name)
                self._kept[index, name] = (time.monotonic(), stamp, matrix)
            return matrix


def _stamp(index: str, name: str) -> tuple[object, ...]:
    """Return what is another whenever a vector or an entry is."""
    vectors = Vector.objects.filter(index=index, encoder=name).aggregate(many=Count("pk"), last=Max("made_at"))
    if not vectors["many"]:  # an index that has none: appeals are not counted at every search
        return (0,)
    entries = Entry.objects.filter(index=index).aggregate(many=Count("pk"), last=Max("changed_at"))
    return (*vectors.values(), *entries.values())


def _read(index: str, name: str) -> Matrix | None:
    rows = Vector.objects.filter(index=index, encoder=name).order_by("made_at", "pk")
    numbers = dict(rows.values_list("key", "numbers"))
    if not numbers:
        return None
    scopes = dict(Entry.objects.filter(index=index).values_list("key", "scopes"))
    long = len(next(reversed(numbers.values())))  # an address may have changed its model: the newest are right
    keys = [key for key, row in numbers.items() if key in scopes and len(row) == long]
    numpy = encoder.numpy()
    vectors = numpy.frombuffer(b"".join(bytes(numbers[key]) for key in keys), "<f2").reshape(len(keys), long // 2)
    return Matrix(keys, [frozenset(scopes[key].split()) for key in keys], vectors)


_told: set[str] = set()


def _tell_once(wrong: str) -> None:
    if wrong not in _told:
        _told.add(wrong)
        log.error("the encoder is not used, search goes on by words: %s", wrong)


_shelf: Final = _Shelf()
