"""«Исполняет обязанности»: who stands in for whom, between which days. Powers follow the dates by themselves."""

from __future__ import annotations

from datetime import date, timedelta

from django.db import transaction
from django.utils import timezone

from otklik.core import journal
from otklik.core.errors import DomainError
from otklik.people.models import Employee, Substitution


class BadSubstitution(DomainError):
    """Dates or people do not fit."""

    code = "people.bad_substitution"
    text = "{what}"


@transaction.atomic
def substitute(
    *, absent: Employee, deputy: Employee, starts_on: date, ends_on: date, basis: str = "", by: Employee
) -> Substitution:
    """Write down a deputy for the days of an absence."""
    if absent.pk == deputy.pk:
        raise BadSubstitution(what="Заместителем должен быть другой сотрудник.")
    if ends_on < starts_on:
        raise BadSubstitution(what="Последний день раньше первого. Исправьте даты.")
    if ends_on < timezone.localdate():
        raise BadSubstitution(what="Эти дни уже прошли. Укажите сегодняшний день или позже.")
    overlapping = Substitution.objects.filter(absent=absent, starts_on__lte=ends_on, ends_on__gte=starts_on)
    if overlapping.exists():
        raise BadSubstitution(what="На эти дни заместитель уже назначен. Отмените прежнее замещение или смените даты.")
    row = Substitution.objects.create(
        absent=absent, deputy=deputy, starts_on=starts_on, ends_on=ends_on, basis=basis.strip()
    )
    journal.record(
        "people.substituted",
        chain=f"employee:{absent.pk}",
        by=by,
        deputy=deputy.pk,
        starts_on=starts_on,
        ends_on=ends_on,
    )
    return row


@transaction.atomic
def end(row: Substitution, *, by: Employee) -> None:
    """End a substitution: one that has not begun is removed, a running one was in force until yesterday."""
    yesterday = timezone.localdate() - timedelta(days=1)
    journal.record("people.substitution_ended", chain=f"employee:{row.absent_id}", by=by, deputy=row.deputy_id)
    if row.starts_on > yesterday:
        row.delete()
    else:
        Substitution.objects.filter(pk=row.pk).update(ends_on=yesterday)
