"""What a figure is: its slice, its amount, its formula and the list it opens."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, replace
from datetime import date, timedelta
from typing import Any, Final, Literal, TypeVar

FEWEST: Final = 10  # of fewer no share is told (domain: small groups), the count stands beside
Kind = Literal["share", "days", "count", "score", "minutes"]
T = TypeVar("T")


@dataclass(frozen=True)
class Slice:
    """Which days are looked at, both included; of one unit, one channel, one topic where these are given."""

    first: date
    last: date
    unit: int | None = None
    channel: str = ""
    topic: int | None = None

    @property
    def before(self) -> Slice:
        """Return the period before, as long: whole months before whole months, else as many days."""
        after = self.last + timedelta(days=1)
        if self.first.day == 1 and after.day == 1:
            months = (after.year - self.first.year) * 12 + after.month - self.first.month
            return replace(self, first=months_on(self.first, -months), last=self.first - timedelta(days=1))
        days = (self.last - self.first).days + 1
        return replace(self, first=self.first - timedelta(days=days), last=self.first - timedelta(days=1))


def months_on(day: date, months: int) -> date:
    """Return the first day of the month so many months later than that of `day`."""
    number = day.year * 12 + day.month - 1 + months
    return date(number // 12, number % 12 + 1, 1)


@dataclass(frozen=True)
class Amount:
    """A figure: its value, and of how many it tells. A share is of `part` in `whole`; None: nothing to tell."""

    value: float | None
    part: int
    whole: int


def share(part: float, whole: int) -> Amount:
    """Return a share in per cent; the part of an index may have halves."""
    return Amount(100 * part / whole if whole else None, int(part), whole)


def count(number: int) -> Amount:
    """Return a plain number."""
    return Amount(float(number), number, number)


@dataclass(frozen=True)
class Measure:
    """A figure: how it is called, what its formula is, how it is counted and which list shows what it counts.

    `parts`: which of `unit`, `channel`, `topic` narrow it; `better`: whether more of it is better or worse.
    `query`: the address line of `list_name` that shows the part of a share and the whole of anything else.
    """

    code: str
    title: str
    group: str
    formula: str
    kind: Kind
    of: Callable[[Slice], Amount]
    list_name: str = ""
    query: Callable[[Slice], str] = lambda _: ""
    parts: frozenset[str] = frozenset({"unit", "channel", "topic"})
    better: Literal["more", "less", ""] = ""
    # Reads what several slices ask for at once, so that the period before costs no queries of its own.
    prepare: Callable[..., None] | None = None


_KNOWN: ContextVar[dict[Any, Any] | None] = ContextVar("measures_known", default=None)


@contextmanager
def together() -> Iterator[None]:
    """Measures asked inside are counted from the same rows, which are read once; one inside another is the same."""
    if _KNOWN.get() is not None:
        yield
        return
    token = _KNOWN.set({})
    try:
        yield
    finally:
        _KNOWN.reset(token)


def once(key: Any, ask: Callable[[], T]) -> T:
    """Return what `ask` finds; inside `together` it is asked once for each key."""
    known = _KNOWN.get()
    if known is None:
        return ask()
    if key not in known:
        known[key] = ask()
    found: T = known[key]
    return found
