"""What figures ought to be: rows with a period, set and ended by people, each change in the journal."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date
from decimal import Decimal
from typing import Final

from django.db import transaction
from django.db.models import Q, QuerySet

from otklik.appeals.permissions import check_power
from otklik.core import journal
from otklik.core.errors import DomainError
from otklik.core.terms import valid
from otklik.people.models import Employee
from otklik.reports.measuring import Measure
from otklik.reports.models import MeasureTarget

KEEPS: Final = "dictionaries.edit"


class BadTarget(DomainError):
    """A target that cannot be."""

    code = "reports.bad_target"
    text = "Целевое значение не сохранено. {why}"


def current(codes: Iterable[str], on: date) -> dict[str, MeasureTarget]:
    """Return the target of each of these measures that is in force on a day, in one query."""
    rows = MeasureTarget.objects.filter(valid(on), measure__in=list(codes)).order_by("valid_from")
    return {row.measure: row for row in rows}


def all_targets() -> QuerySet[MeasureTarget]:
    """Return every target, those that have ended too, the newest of each measure first."""
    return MeasureTarget.objects.select_related("by").order_by("measure", "-valid_from")


@transaction.atomic
def put(
    measure: Measure, value: Decimal, *, valid_from: date, valid_to: date | None, basis: str, by: Employee
) -> MeasureTarget:
    """Set what a measure ought to be; the one in force before ends the day before."""
    check_power(by, KEEPS, "задать целевое значение")
    if valid_to is not None and valid_to < valid_from:
        raise BadTarget(why="Последний день раньше первого: поправьте даты.")
    if measure.kind == "share" and not 0 <= value <= 100:
        raise BadTarget(why="Доля — от 0 до 100 %.")
    if value < 0:
        raise BadTarget(why="Значение не может быть меньше нуля.")
    if not measure.better:
        raise BadTarget(why=f"У показателя «{measure.title}» нет «лучше» и «хуже»: цель для него не задают.")
    rows = MeasureTarget.objects.select_for_update().filter(measure=measure.code)
    later = rows.filter(valid_from__gte=valid_from).order_by("valid_from").first()
    if later is not None and (valid_to is None or later.valid_from <= valid_to):
        why = f"С {later.valid_from:%d.%m.%Y} уже действует другое. Закончите его или выберите другие дни."
        raise BadTarget(why=why)
    day_before = date.fromordinal(valid_from.toordinal() - 1)
    rows.filter(Q(valid_to=None) | Q(valid_to__gte=valid_from), valid_from__lt=valid_from).update(valid_to=day_before)
    row = MeasureTarget.objects.create(
        measure=measure.code, value=float(value), valid_from=valid_from, valid_to=valid_to, basis=basis[:300], by=by
    )
    journal.record("target.set", chain=f"target:{row.pk}", by=by, measure=measure.code, value=str(value))
    return row


@transaction.atomic
def end(row: MeasureTarget, *, last_day: date, by: Employee) -> None:
    """Let a target end with a day."""
    check_power(by, KEEPS, "закончить целевое значение")
    if last_day < row.valid_from:
        raise BadTarget(why=f"Оно действует с {row.valid_from:%d.%m.%Y}: последний день не раньше.")
    row.valid_to = last_day
    row.save(update_fields=["valid_to"])
    journal.record("target.ended", chain=f"target:{row.pk}", by=by, measure=row.measure, until=last_day.isoformat())
