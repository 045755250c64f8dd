"""Quarters of the review (п. 41): duties open on the first working day, and follow the sections to their keepers.

What is published in a quarter's course has been checked by who published it: it is asked first in the next one. What
nobody checked in time is carried on: its old line ends as «перенесено», a new one in the new duty keeps the old date,
so nobody is asked twice at once and overdue stays overdue. A unit that has ended keeps its duty, seen by the chief
editor as one without a keeper, until he gives its sections to another unit: who that is, no table knows.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, time
from typing import Any, Final

from django.db import transaction
from django.db.models import Exists, F, OuterRef, Q, QuerySet
from django.db.models.signals import post_save
from django.utils import timezone
from wagtail.signals import post_page_move

from otklik.core import calendar, journal
from otklik.core.workdays import DAY
from otklik.knowledge import materials
from otklik.knowledge.models import Material, QuarterOpening, ReviewDuty, ReviewItem, Section
from otklik.knowledge.models.review import ROMAN

PORTION: Final = 1000  # materials laid out in one commit
_QUARTERLY: Final = ReviewItem.Cause.QUARTER
_WAITING: Final = ReviewItem.State.WAITING


@dataclass(frozen=True, order=True)
class Quarter:
    """A quarter of a year, 1 to 4."""

    year: int
    number: int

    @classmethod
    def of(cls, on: date) -> Quarter:
        """Return the quarter a day lies in."""
        return cls(on.year, (on.month - 1) // 3 + 1)

    def __str__(self) -> str:
        return f"{ROMAN[self.number - 1]} квартал {self.year}"

    def next(self) -> Quarter:
        """Return the quarter after this one."""
        return Quarter(self.year + self.number // 4, self.number % 4 + 1)

    @property
    def begins_on(self) -> date:
        """The first day of the quarter, working or not."""
        return date(self.year, 3 * self.number - 2, 1)

    def working_days(self) -> tuple[date, date]:
        """Return the first and the last working day: the duty opens on one and is due on the other."""
        days = calendar.current()
        return days.next_working(self.begins_on - DAY), days.previous_working(self.next().begins_on)


def connect() -> None:
    """Listen to sections and moves: whoever keeps a material now owes its review."""
    post_save.connect(_section_saved, sender=Section, dispatch_uid="knowledge.quarters.section")
    post_page_move.connect(_moved, dispatch_uid="knowledge.quarters.moved")


def open_quarter(on: date | None = None) -> int:
    """Open what the quarter of the day owes, from its first working day on; return how many materials were laid out.

    Every day adds what is missing: a server that stood still catches up, a job that was killed goes on.
    """
    on = on or timezone.localdate()
    quarter = Quarter.of(on)
    opens_on, due_on = quarter.working_days()
    if on < opens_on:
        return 0
    hand_over()
    duties = _duties(quarter, opens_on, due_on)
    rows = list(_unasked(quarter, opens_on))
    opening, _ = QuarterOpening.objects.get_or_create(year=quarter.year, quarter=quarter.number)
    keepers = _keepers()
    wanted = [
        (pk, title, duty)
        for pk, title, path in rows
        if (duty := duties.get(keepers.get(path[: -Material.steplen], 0))) and duty.closed_at is None
    ]
    this = QuarterOpening.objects.filter(pk=opening.pk)
    if wanted or opening.ended_at is None:
        this.update(expected=F("laid_out") + len(wanted), ended_at=None)
    for start in range(0, len(wanted), PORTION):
        portion = wanted[start : start + PORTION]
        _lay_out(portion)
        this.update(laid_out=F("laid_out") + len(portion))
    this.filter(ended_at=None).update(ended_at=timezone.now())
    return len(wanted)


@transaction.atomic
def ask_about(material: Material, *, unit: int, on: date | None = None) -> ReviewItem:
    """Ask a unit about one material in the quarter of the day, whenever it was published; its duty is open for it."""
    quarter = Quarter.of(on or timezone.localdate())
    _, due_on = quarter.working_days()
    like = ReviewDuty(year=quarter.year, quarter=quarter.number, due_on=due_on)
    duty = _duty_of(unit, like)
    return ReviewItem.objects.create(
        material=material, title=material.title, duty=duty, unit_id=unit, due_on=duty.due_on
    )


def _duties(quarter: Quarter, opens_on: date, due_on: date) -> dict[int, ReviewDuty]:
    """Return the duties of the quarter by unit: one for each that keeps a section, made where it is missing."""
    units = set(Section.objects.filter(live=True).values_list("unit", flat=True))
    with transaction.atomic():
        of_quarter = ReviewDuty.objects.filter(year=quarter.year, quarter=quarter.number)
        had = set(of_quarter.values_list("unit", flat=True))
        facts = {"year": quarter.year, "quarter": quarter.number, "opened_on": opens_on, "due_on": due_on}
        ReviewDuty.objects.bulk_create([ReviewDuty(unit_id=unit, **facts) for unit in units - had])
        duties = {duty.unit_id: duty for duty in of_quarter}
        _record("review.opened", [duties[unit] for unit in sorted(units - had)])
    return duties


def _unasked(quarter: Quarter, opens_on: date) -> QuerySet[Material, tuple[int, str, str]]:
    """Return published materials older than the quarter's opening of which it has not asked yet, in their order."""
    asked = ReviewItem.objects.filter(
        material=OuterRef("pk"), cause=_QUARTERLY, duty__year=quarter.year, duty__quarter=quarter.number
    )
    midnight = timezone.make_aware(datetime.combine(opens_on, time.min))
    older = Q(first_published_at__lt=midnight) | Q(first_published_at__isnull=True)
    found = materials.published().filter(older).exclude(Exists(asked)).order_by("path")
    return found.values_list("pk", "title", "path")


def _keepers() -> dict[str, int]:
    """Return which unit keeps which section, by the section's path."""
    return dict(Section.objects.values_list("path", "unit"))


@transaction.atomic
def _lay_out(portion: Iterable[tuple[int, str, ReviewDuty]]) -> None:
    """Ask about these materials; what still waits from an earlier quarter is carried on with its date."""
    portion = list(portion)
    late = ReviewItem.objects.filter(material__in=[pk for pk, _, _ in portion], cause=_QUARTERLY, state=_WAITING)
    since: dict[int | None, date] = dict(late.values_list("material", "due_on"))
    if since:
        late.update(state=ReviewItem.State.CARRIED, decided_at=timezone.now())
    ReviewItem.objects.bulk_create(
        [
            ReviewItem(
                material_id=pk,
                title=title,
                duty=duty,
                unit_id=duty.unit_id,
                due_on=min(since.get(pk, duty.due_on), duty.due_on),
            )
            for pk, title, duty in portion
        ],
        ignore_conflicts=True,
    )


# --- reorganisation --------------------------------------------------------------------------------------------------


@transaction.atomic
def hand_over(under: str = "") -> int:
    """Give what waits to the units that keep the sections now; return how many materials moved.

    The new keeper's duty is made where there is none, and opens again where it was closed. A unit left with neither
    sections nor waiting materials owes nothing more: its duties close by themselves.
    """
    keepers = _keepers()
    waiting = ReviewItem.objects.filter(state=_WAITING, material__path__startswith=under)
    moved: dict[tuple[int | None, int], list[int]] = {}
    for pk, unit, duty, path in waiting.values_list("pk", "unit", "duty", "material__path"):
        keeper = keepers.get(path[: -Material.steplen], unit)
        if keeper != unit:
            moved.setdefault((duty, keeper), []).append(pk)
    for (was, keeper), items in moved.items():
        there = _duty_of(keeper, ReviewDuty.objects.get(pk=was)) if was else None
        ReviewItem.objects.filter(pk__in=items, state=_WAITING).update(unit=keeper, duty=there)
        if there:
            _record("review.handed_over", [there], materials=len(items), was=was)
    _close_what_nobody_owes()
    return sum(map(len, moved.values()))


def _duty_of(unit: int, like: ReviewDuty) -> ReviewDuty:
    """Return the unit's open duty of the same quarter."""
    facts = {"opened_on": min(timezone.localdate(), like.due_on), "due_on": like.due_on}
    duty, is_new = ReviewDuty.objects.get_or_create(unit_id=unit, year=like.year, quarter=like.quarter, defaults=facts)
    if is_new:
        _record("review.opened", [duty])
    elif ReviewDuty.objects.filter(pk=duty.pk, closed_at__isnull=False).update(closed_at=None, closed_by=None):
        _record("review.reopened", [duty])
    return duty


def _close_what_nobody_owes() -> None:
    keeping = Section.objects.filter(live=True).values("unit")
    waiting = ReviewItem.objects.filter(duty=OuterRef("pk"), state=_WAITING)
    idle = ReviewDuty.objects.filter(closed_at=None).exclude(unit__in=keeping).exclude(Exists(waiting))
    if duties := list(idle):
        ReviewDuty.objects.filter(pk__in=[one.pk for one in duties]).update(closed_at=timezone.now())
        _record("review.closed", duties, by_itself=True)


def _section_saved(instance: Section, *, raw: bool = False, **_: Any) -> None:
    if not raw:
        hand_over(instance.path)


def _moved(instance: Any, **_: Any) -> None:
    hand_over(instance.path)


# --- what others ask -------------------------------------------------------------------------------------------------


def without_keeper(on: date) -> QuerySet[ReviewDuty]:
    """Return the open duties of units that have ended: the chief editor gives their sections to others."""
    return ReviewDuty.objects.filter(closed_at=None, unit__valid_to__lt=on).select_related("unit")


def days_left(duty: ReviewDuty, on: date) -> int:
    """Return how many days are left until the duty is due; negative: it is overdue."""
    return (duty.due_on - on).days


def _record(action: str, duties: Iterable[ReviewDuty], **facts: object) -> None:
    changes = {f"review:{one.pk}": {"unit": one.unit_id, "period": one.period, **facts} for one in duties}
    journal.record_each(action, changes, by=None)
