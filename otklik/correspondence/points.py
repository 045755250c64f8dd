"""Точки взаимодействия: where people reach the department by each channel, and between which days."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date

from django.db import transaction

from otklik.core import journal
from otklik.core.errors import DomainError
from otklik.correspondence.models import ContactPoint
from otklik.people.models import Employee


class WrongDays(DomainError):
    """The last day is before the first."""

    code = "points.wrong_days"
    text = "Последний день раньше первого, {since:%d.%m.%Y}. Исправьте одну из дат."


@transaction.atomic
def keep(point: ContactPoint, *, changed: Iterable[str], by: Employee) -> ContactPoint:
    """Write a point down, a new one too. What came through it keeps naming it."""
    if point.valid_to and point.valid_to < point.valid_from:
        raise WrongDays(since=point.valid_from)
    is_new = point._state.adding
    point.save()
    journal.record(
        "point.added" if is_new else "point.changed",
        chain=_chain(point),
        by=by,
        point=point.code,
        fields=sorted(changed),
    )
    return point


@transaction.atomic
def end(point: ContactPoint, *, last_day: date, by: Employee) -> None:
    """Name the last day of a point: after it nothing new is written down as having come through it."""
    if last_day < point.valid_from:
        raise WrongDays(since=point.valid_from)
    point.valid_to = last_day
    point.save(update_fields=["valid_to"])
    journal.record("point.ended", chain=_chain(point), by=by, point=point.code, ends_on=str(last_day))


def _chain(point: ContactPoint) -> str:
    return f"channel:{point.channel}"
