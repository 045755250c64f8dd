"""Roles given and ended: whoever holds one may what it gives, between its dates. What has begun is never rewritten."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date, timedelta

from django.db import transaction
from django.db.models import Q
from django.utils import timezone

from otklik.core import journal, locks
from otklik.core.errors import DomainError
from otklik.people import staff
from otklik.people.models import Employee, Role, RoleAssignment, Unit

MANAGE = "people.manage"


class BadRole(DomainError):
    """Dates do not fit, or the employee holds the role already."""

    code = "people.bad_role"
    text = "{what}"


class LastAdministrator(DomainError):
    """Nobody would be left who may keep employees and roles."""

    code = "people.last_administrator"
    text = (
        "После этого никто не сможет вести сотрудников и роли. "
        "Сначала дайте роль администратора другому сотруднику, потом повторите."
    )


@transaction.atomic
def give(
    employee: Employee,
    role: Role,
    *,
    unit: Unit | None = None,
    valid_from: date,
    valid_to: date | None = None,
    basis: str = "",
    by: Employee | None,
) -> RoleAssignment:
    """Give a role from a day on, in the employee's own unit where none is named; `by=None`: an installation."""
    hold()
    if valid_from < timezone.localdate():
        raise BadRole(what="Роль начинается сегодня или позже: задним числом права не дают.")
    if valid_to and valid_to < valid_from:
        raise BadRole(what="Последний день роли раньше первого. Исправьте даты.")
    if not employee.is_active:
        raise BadRole(what=f"{employee.short_name} заблокирован. Сначала разблокируйте его.")
    until = Q(valid_from__lte=valid_to) if valid_to else Q()
    same = RoleAssignment.objects.filter(until, employee=employee, role=role, unit=unit)
    if held := same.filter(Q(valid_to__isnull=True) | Q(valid_to__gte=valid_from)).first():
        till = f"по {held.valid_to:%d.%m.%Y}" if held.valid_to else "бессрочно"
        raise BadRole(
            what=f"Роль «{role}» уже есть: с {held.valid_from:%d.%m.%Y} {till}. Завершите её или смените даты."
        )
    row = RoleAssignment.objects.create(
        employee=employee, role=role, unit=unit, valid_from=valid_from, valid_to=valid_to, basis=basis.strip()[:300]
    )
    journal.record(
        "employee.role_given",
        chain=f"employee:{employee.pk}",
        by=by,
        role=role.pk,
        unit=unit.pk if unit else None,
        on=valid_from,
        till=valid_to,
    )
    return row


@transaction.atomic
def end(row: RoleAssignment, *, last_day: date, by: Employee) -> None:
    """Let a role hold till a day, that day included; yesterday takes it away at once.

    One that has not counted for a whole day yet leaves the table, as if it had never been; the journal keeps it.
    """
    today = timezone.localdate()
    if row.valid_to and row.valid_to < today:
        raise BadRole(what="Эта роль уже закончилась. Обновите страницу.")
    if last_day < today - timedelta(days=1):
        raise BadRole(what="Прошедшие дни не меняются: роль можно снять сейчас или завершить позже.")
    if row.valid_to and last_day > row.valid_to:
        raise BadRole(what=f"Роль и так заканчивается {row.valid_to:%d.%m.%Y}. Чтобы продлить, дайте её заново.")
    with somebody_still_manages():
        same = RoleAssignment.objects.filter(pk=row.pk, valid_to=row.valid_to)
        never_counted = last_day < row.valid_from
        if not (same.delete()[0] if never_counted else same.update(valid_to=last_day)):
            raise BadRole(what="Роль только что изменил другой администратор. Обновите страницу.")
    journal.record(
        "employee.role_ended",
        chain=f"employee:{row.employee_id}",
        by=by,
        role=row.role_id,
        unit=row.unit_id,
        on=last_day,
    )


@contextmanager
def somebody_still_manages() -> Iterator[None]:
    """Undo what is done inside where it would leave nobody to keep employees: today, or once set ends have come.

    Call it inside a transaction: two administrators who take each other away at once wait for each other.
    """
    hold()
    before = _managed()
    yield
    if any(was and not still for was, still in zip(before, _managed(), strict=True)):
        raise LastAdministrator


def hold() -> None:
    """Make changes of roles and blocks wait for each other until the transaction ends."""
    locks.hold("people", ["administrators"])


def _managed() -> tuple[bool, bool]:
    """Tell whether somebody who can sign in keeps employees today, and whether somebody does without an end."""
    held = staff.assigned(MANAGE, timezone.localdate()).filter(employee__is_active=True)
    return held.exists(), held.filter(valid_to__isnull=True).exists()
