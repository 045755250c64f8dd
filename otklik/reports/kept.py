"""Counts of appeals for figures: by what happened (came, ended), of a slice, of a lane of regimes."""

from __future__ import annotations

from dataclasses import dataclass, field

from django.db.models import Count, Q

from otklik.appeals import measured
from otklik.appeals.measured import ENDED, MARKS, DaysBetween
from otklik.appeals.models import Appeal
from otklik.reports.measuring import Slice, once


@dataclass
class Tally:
    """Appeals added up: how many, how many with each mark, and of how many days their answers were."""

    counts: dict[str, int] = field(default_factory=dict)
    days: dict[int, int] = field(default_factory=dict)

    def count(self, mark: str = "") -> int:
        """Return how many have a mark; without one, all."""
        return self.counts.get(mark, 0)

    @property
    def mean(self) -> float | None:
        """Return how many days an answer took on the average."""
        number = sum(self.days.values())
        return sum(days * one for days, one in self.days.items()) / number if number else None

    def mark(self, percent: int) -> float | None:
        """Return within how many days so many answers of a hundred were given."""
        number, passed = sum(self.days.values()), 0
        for days, one in sorted(self.days.items()):
            passed += one
            if passed * 100 >= number * percent:
                return float(days)
        return None


def tally(slice_: Slice, event: str, lane: str = "") -> Tally:
    """Return the appeals that came or ended in a slice, added up."""
    return once(("tally", slice_, event, lane), lambda: _counted(slice_, event, lane))


def _counted(slice_: Slice, event: str, lane: str) -> Tally:
    within = measured.ended if event == "ended" else measured.came
    rows = Appeal.objects.filter(within(slice_.first, slice_.last) & measured.lane(lane))
    if slice_.unit:
        rows = rows.filter(unit=slice_.unit)
    if slice_.channel:
        rows = rows.filter(channel=slice_.channel)
    if slice_.topic:
        rows = rows.filter(pk__in=Appeal.objects.filter(questions__topic=slice_.topic).values("pk"))
    counts = rows.aggregate(
        of_all=Count("pk"), **{f"of_{code}": Count("pk", filter=Q(one.of())) for code, one in MARKS.items()}
    )
    days = {}
    if event == "ended":
        lasted = rows.filter(answered_on__isnull=False).values_list(DaysBetween(ENDED, "registered_on"))
        days = dict(lasted.annotate(number=Count("pk")).order_by())
    return Tally({"": counts.pop("of_all"), **{name.removeprefix("of_"): one for name, one in counts.items()}}, days)
