"""Two quarters of reviews on the stand: the former one over, the present one partly done; by the ordinary steps."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime, time, timedelta
from typing import Final

from django.utils import timezone
from wagtail.models import Page

from otklik.core.workdays import DAY
from otklik.demo import clock
from otklik.knowledge import materials, quarters, review
from otklik.knowledge.models import Material, ReviewDuty, ReviewItem
from otklik.knowledge.quarters import Quarter
from otklik.people.models import Employee

# How much of its materials a unit has reviewed, by its index; what is not named: nothing. All of it: closed as well.
FORMER: Final = {"02": 1.0, "04": 1.0, "05": 1.0, "06": 0.5, "07": 1.0, "08": 1.0}
PRESENT: Final = {"02": 0.6, "04": 1.0, "05": 0.3}
NOTES: Final = ("Сверено с действующей редакцией", "Ссылки и телефоны проверены", "")
ACTS: Final = ("Земельный кодекс РФ, ст. 39.1–39.20", "59-ФЗ", "")
MISSING: Final = "Нет шаблона ответа об отказе из-за наложения границ.\nЧасто спрашивают о переносе теплиц."


def load(people: Mapping[str, Employee], *, now: datetime) -> None:
    """Let the materials be older than the stand, and the units have reviewed them."""
    for number, pk in enumerate(Material.objects.order_by("path").values_list("pk", flat=True)):
        at = now - timedelta(days=200 + 37 * number % 400)
        Page.objects.filter(pk=pk).update(first_published_at=at, last_published_at=at)
    present = Quarter.of(timezone.localdate(now))
    former = Quarter.of(present.begins_on - DAY)
    _live(former, people, FORMER, until=_at(former.working_days()[1], 17))
    if timezone.localdate(now) >= present.working_days()[0]:
        _live(present, people, PRESENT, until=now)


def _at(day: date, hour: int) -> datetime:
    return timezone.make_aware(datetime.combine(day, time(hour)))


def _live(quarter: Quarter, people: Mapping[str, Employee], shares: Mapping[str, float], *, until: datetime) -> None:
    opened = min(_at(quarter.working_days()[0], 0), until)
    with clock.set_to(opened):
        quarters.open_quarter()
    for duty in ReviewDuty.objects.filter(year=quarter.year, quarter=quarter.number).select_related("unit"):
        share = shares.get(duty.unit.index, 0)
        _review(duty, _reviewer(duty, people), share, opened, until)


def _reviewer(duty: ReviewDuty, people: Mapping[str, Employee]) -> Employee:
    authors, heads = review.keepers(duty.unit_id, duty.opened_on)
    known = {one.pk: one for one in people.values()}
    return next((known[pk] for pk in (*sorted(authors), *sorted(heads)) if pk in known), people["kbchief"])


def _review(duty: ReviewDuty, by: Employee, share: float, opened: datetime, until: datetime) -> None:
    items = list(duty.items.filter(state=ReviewItem.State.WAITING).select_related("material").order_by("pk"))
    done = items[: round(len(items) * share)]
    for number, item in enumerate(done, start=1):
        with clock.set_to(opened + (until - opened) * number / (len(items) + 2)):
            _decide(item, number, by)
    if share == 1:
        with clock.set_to(opened + (until - opened) * (len(items) + 1) / (len(items) + 2)):
            review.answer(duty, has_all=duty.pk % 2 == 0, missing=MISSING, by=by)
            review.close(duty, by=by)


def _decide(item: ReviewItem, number: int, by: Employee) -> None:
    assert item.material is not None
    if number % 12 == 5:  # a new version by who reviews it is the decision
        revision = item.material.specific.save_revision(user=by)
        revision.publish(user=by, skip_permission_checks=True)
        return
    review.look([item], version=materials.version_of(item.material), by=by)
    review.confirm(item, note=NOTES[number % 3], acts=ACTS[number % 3], by=by)
