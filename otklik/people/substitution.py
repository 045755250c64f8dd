"""«Исполняет обязанности»: who stands in for whom, between which days. Powers follow the dates by themselves."""

from __future__ import annotations

from datetime import date, timedelta

from django.db import transaction
from django.db.models import QuerySet
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
    if not deputy.is_active:
        raise BadSubstitution(what=f"{deputy.short_name} заблокирован и заместить не может. Выберите другого.")
    running = Substitution.objects.filter(starts_on__lte=ends_on, ends_on__gte=starts_on)
    if running.filter(absent=absent).exists():
        raise BadSubstitution(what="На эти дни заместитель уже назначен. Отмените прежнее замещение или смените даты.")
    # A deputy's deputy has nothing of the first: the duties would be nobody's.
    if away := running.filter(absent=deputy).first():
        raise BadSubstitution(
            what=f"{deputy.short_name} сам отсутствует с {away.starts_on:%d.%m.%Y} по {away.ends_on:%d.%m.%Y}. "
            "Выберите другого."
        )
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


def left_uncovered(absent: Employee, starts_on: date, ends_on: date) -> list[Substitution]:
    """Return whom the absent one was to stand in for on these very days: somebody else has to."""
    rows = Substitution.objects.filter(deputy=absent, starts_on__lte=ends_on, ends_on__gte=starts_on)
    return list(rows.select_related("absent"))


def intended(deputy: Employee) -> QuerySet[Substitution]:
    """Return the substitutions that run or come in which he stands in for others."""
    rows = Substitution.objects.filter(deputy=deputy, ends_on__gte=timezone.localdate())
    return rows.select_related("absent", "deputy").order_by("starts_on", "pk")


def running_for(deputy: Employee) -> list[Substitution]:
    """Return in whose place he stands today and till when; a query only where there is somebody."""
    if len(deputy.standing.people) < 2:
        return []
    return list(intended(deputy).filter(starts_on__lte=timezone.localdate()))


@transaction.atomic
def pass_on(row: Substitution, deputy: Employee, *, by: Employee) -> Substitution:
    """Put another deputy in the place of one, from today on or from the first day if it is still to come."""
    starts_on = max(row.starts_on, timezone.localdate())
    end(row, by=by)
    return substitute(
        absent=row.absent, deputy=deputy, starts_on=starts_on, ends_on=row.ends_on, basis=row.basis, by=by
    )


@transaction.atomic
def end(row: Substitution, *, by: Employee) -> None:
    """End a substitution: one that has not begun is removed, a running one was in force until yesterday."""
    yesterday = timezone.localdate() - timedelta(days=1)
    journal.record("people.substitution_ended", chain=f"employee:{row.absent_id}", by=by, deputy=row.deputy_id)
    if row.starts_on > yesterday:
        row.delete()
    else:
        Substitution.objects.filter(pk=row.pk).update(ends_on=yesterday)
