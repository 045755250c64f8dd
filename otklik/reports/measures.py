"""Every figure of the department, each with its formula, its list, its period before and what it ought to be."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Final

from django.urls import reverse

from otklik.core.errors import DomainError
from otklik.reports import (
    measures_knowledge,
    measures_line,
    measures_opinions,
    measures_receptions,
    measures_terms,
    targets,
)
from otklik.reports.measuring import FEWEST, Amount, Kind, Measure, Slice, together
from otklik.reports.models import MeasureTarget

__all__ = ["FEWEST", "MEASURES", "Amount", "Kind", "Line", "Measure", "Slice", "measure", "shown"]

MEASURES: Final[tuple[Measure, ...]] = (
    *measures_terms.MEASURES,
    *measures_opinions.MEASURES,
    *measures_line.MEASURES,
    *measures_knowledge.MEASURES,
    *measures_receptions.MEASURES,
)
_BY_CODE: Final = {one.code: one for one in MEASURES}


class NoMeasure(DomainError):
    """There is no such figure."""

    code = "reports.no_measure"
    text = "Показателя «{code}» нет. Выберите показатель из списка."
    status = 404


def measure(code: str) -> Measure:
    """Return a measure by its code."""
    if code not in _BY_CODE:
        raise NoMeasure(code=code)
    return _BY_CODE[code]


@dataclass(frozen=True)
class Line:
    """A measure as it is read: now, before, what it ought to be; `address` opens the list of what it counts."""

    measure: Measure
    now: Amount
    before: Amount | None
    target: float | None
    suppressed: bool  # of too few for a share: the count is told alone
    address: str

    @property
    def words(self) -> str:
        """Return the value as it is read: «82,4 %», «12 дней»; a dash where there is nothing to tell."""
        return "—" if self.suppressed else spoken(self.measure.kind, self.now.value)

    @property
    def before_words(self) -> str:
        """Return the value of the period before as it is read."""
        return (
            "—"
            if self.before is None or _few(self.measure, self.before)
            else spoken(self.measure.kind, self.before.value)
        )

    @property
    def before_value(self) -> float | None:
        """Return the value of the period before; None where it cannot be told."""
        if self.before is None or self.before.value is None or _few(self.measure, self.before):
            return None
        return round(self.before.value, 2)

    @property
    def change(self) -> float | None:
        """Return by how much it grew since the period before; None where one of them cannot be told."""
        if self.suppressed or self.before is None or _few(self.measure, self.before):
            return None
        if self.now.value is None or self.before.value is None:
            return None
        return self.now.value - self.before.value

    @property
    def reached(self) -> bool | None:
        """Tell whether the target is reached; None where there is none or nothing to tell."""
        if self.target is None or self.suppressed or self.now.value is None:
            return None
        less = self.measure.better == "less"
        return self.now.value <= self.target if less else self.now.value >= self.target


def shown(measures: Iterable[Measure], slice_: Slice, compared: bool = True) -> list[Line]:
    """Return measures as they are read; what narrows a slice but not a measure is left out for it."""
    measures = list(measures)
    goals = targets.current((one.code for one in measures), slice_.last)
    with together():
        if compared:
            readers = {one.prepare: obeyed(one, slice_) for one in measures if one.prepare}
            for prepare, own in readers.items():
                prepare(own, own.before)
        return [_line(one, slice_, goals.get(one.code), compared=compared) for one in measures]


def _line(one: Measure, slice_: Slice, goal: MeasureTarget | None, *, compared: bool) -> Line:
    own = obeyed(one, slice_)
    now = one.of(own)
    return Line(
        measure=one,
        now=now,
        before=one.of(own.before) if compared else None,
        target=float(goal.value) if goal else None,
        suppressed=_few(one, now),
        address=f"{reverse(one.list_name)}?{one.query(own)}" if one.list_name else "",
    )


def obeyed(one: Measure, slice_: Slice) -> Slice:
    """Return the slice as far as a measure obeys it."""
    return replace(
        slice_,
        unit=slice_.unit if "unit" in one.parts else None,
        channel=slice_.channel if "channel" in one.parts else "",
        topic=slice_.topic if "topic" in one.parts else None,
    )


def _few(one: Measure, amount: Amount) -> bool:
    return one.kind in ("share", "score") and amount.whole < FEWEST


_ONE: Final[dict[Kind, str]] = {"share": " %", "days": " дн.", "count": "", "score": "", "minutes": " мин"}


def spoken(kind: Kind, value: float | None) -> str:
    """Return a value as it is read, with a comma and what it is counted in."""
    if value is None:
        return "—"
    number = f"{value:.0f}" if kind == "count" or value == int(value) else f"{value:.1f}".replace(".", ",")
    return number + _ONE[kind]
