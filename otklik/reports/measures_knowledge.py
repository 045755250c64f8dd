"""Measures of the Knowledge Base: how long finding takes, searches without a result, how fresh materials are."""

from __future__ import annotations

from typing import Final
from urllib.parse import urlencode

from django.db.models import Count, Q, QuerySet

from otklik.knowledge import finding
from otklik.knowledge.models import Audience, ReviewDuty
from otklik.knowledge.quarters import Quarter
from otklik.reports.measuring import Amount, Measure, Slice, once, share

GROUP: Final = "База знаний"
LIST: Final = "workplace:searches"
REVIEWS: Final = "workplace:figure_reviews"
BY_UNIT: Final = frozenset({"unit"})


def _told(slice_: Slice, audience: Audience) -> finding.Figures:
    unit = slice_.unit if audience == Audience.STAFF else None
    scope = finding.Scope(audience, slice_.first, slice_.last, unit)
    return once(("finding", scope), lambda: finding.figures(scope))


def _query(slice_: Slice, audience: Audience, outcome: str) -> str:
    asked = {
        "audience": audience.value,
        "first": slice_.first.isoformat(),
        "last": slice_.last.isoformat(),
        "unit": slice_.unit if audience == Audience.STAFF else None,
        "outcome": outcome,
    }
    return urlencode({name: value for name, value in asked.items() if value})


def _empty(code: str, title: str, audience: Audience) -> Measure:
    def of(slice_: Slice) -> Amount:
        told = _told(slice_, audience)
        return share(told.no_result, told.total)

    return Measure(
        code, title, GROUP, "поисков, не нашедших ничего / поисков × 100", "share", of, LIST,
        lambda slice_: _query(slice_, audience, "no_result"), BY_UNIT if audience == Audience.STAFF else frozenset(),
        "less",
    )  # fmt: skip


def _time(code: str, title: str, formula: str, percent: int) -> Measure:
    def of(slice_: Slice) -> Amount:
        told = _told(slice_, Audience.STAFF)
        value = finding.percentile(told.times, percent)
        return Amount(None if value is None else value / 60_000, told.found, told.found)

    return Measure(
        code, title, GROUP, formula, "minutes", of, LIST,
        lambda slice_: _query(slice_, Audience.STAFF, "found"), BY_UNIT, "less",
    )  # fmt: skip


def duties(slice_: Slice, *, closed: bool = False) -> QuerySet[ReviewDuty]:
    """Return the sections of units to be checked in the quarters a slice touches; `closed`: those that were."""
    first, last = Quarter.of(slice_.first), Quarter.of(slice_.last)
    since = Q(year__gt=first.year) | Q(year=first.year, quarter__gte=first.number)
    till = Q(year__lt=last.year) | Q(year=last.year, quarter__lte=last.number)
    rows = ReviewDuty.objects.filter(since & till, opened_on__lte=slice_.last)
    rows = rows.filter(unit=slice_.unit) if slice_.unit else rows
    return rows.filter(closed_at__isnull=False) if closed else rows


def _fresh(slice_: Slice) -> Amount:
    return once(("fresh", slice_), lambda: _reviewed(slice_))


def _reviewed(slice_: Slice) -> Amount:
    told = duties(slice_).aggregate(all=Count("pk"), done=Count("pk", filter=Q(closed_at__isnull=False)))
    return share(told["done"], told["all"])


def _of_duties(slice_: Slice) -> str:
    asked = {"first": slice_.first.isoformat(), "last": slice_.last.isoformat(), "unit": slice_.unit, "closed": 1}
    return urlencode({name: value for name, value in asked.items() if value})


MEASURES: Final = (
    _time("find_median", "Время поиска: медиана", "время, за которое нашли половину материалов", 50),
    _time("find_p90", "Время поиска: 90-й перцентиль", "время, за которое нашли девять из десяти", 90),
    _empty("no_result_staff", "Поиск без результата: сотрудники", Audience.STAFF),
    _empty("no_result_public", "Поиск без результата: сайт", Audience.PUBLIC),
    Measure("fresh", "Свежесть Базы знаний", GROUP,
            "разделов подразделений с закрытой проверкой квартала / разделов подразделений к проверке × 100", "share",
            _fresh, REVIEWS, _of_duties, parts=BY_UNIT, better="more"),
)  # fmt: skip
