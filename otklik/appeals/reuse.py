"""How many answers stand on the Knowledge Base (п. 14.1): by unit and month. It is shown and never asked for."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Any

from django.db.models import Count, Exists, OuterRef, Q, QuerySet
from django.db.models.functions import TruncMonth

from otklik.appeals.models import Appeal, Citation
from otklik.people.models import Unit


@dataclass(frozen=True)
class Share:
    """Answers of some days, and those of them that a material went into."""

    total: int = 0
    cited: int = 0

    @property
    def percent(self) -> int:
        """Return the share of a hundred."""
        return round(100 * self.cited / self.total) if self.total else 0

    @property
    def without(self) -> int:
        """Return how many were written without a material."""
        return self.total - self.cited


def answers(first: date, last: date, *, unit: int | None = None) -> QuerySet[Any]:
    """Return the appeals answered in these days, each with `is_cited`: whether a material went into its answer."""
    is_cited = Exists(Citation.objects.filter(draft__appeal=OuterRef("pk")))
    rows: QuerySet[Any] = Appeal.objects.filter(answered_on__range=(first, last)).annotate(is_cited=is_cited)
    return rows.filter(unit=unit) if unit is not None else rows


def share(first: date, last: date, *, unit: int | None = None) -> Share:
    """Return the share of these days."""
    return Share(**answers(first, last, unit=unit).aggregate(**_COUNTED))


def by_month(first: date, last: date, *, unit: int | None = None) -> dict[date, Share]:
    """Return the share of each month somebody was answered in, the newest first."""
    months = answers(first, last, unit=unit).order_by().values(month=TruncMonth("answered_on"))
    rows = months.annotate(**_COUNTED).order_by("-month")
    return {row["month"]: Share(row["total"], row["cited"]) for row in rows}


def by_unit(first: date, last: date) -> dict[Unit, Share]:
    """Return the share of each unit that answered."""
    units = answers(first, last).order_by().values("unit").annotate(**_COUNTED)
    found = {row["unit"]: Share(row["total"], row["cited"]) for row in units}
    return {one: found[one.pk] for one in Unit.objects.filter(pk__in=[pk for pk in found if pk]).order_by("short_name")}


_COUNTED: dict[str, Any] = {"total": Count("pk"), "cited": Count("pk", filter=Q(is_cited=True))}
