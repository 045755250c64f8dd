"""The life of an account: made, changed, moved to another unit, blocked, opened again. Each change is journalled.

Nobody is deleted: what a blocked employee did stays his. The journal says which fields changed, never their values.
"""

from __future__ import annotations

import re
from dataclasses import asdict, dataclass, fields
from datetime import date
from typing import Final

from django.db import IntegrityError, transaction
from django.db.models import F
from django.utils import timezone

from otklik.core import journal, typed
from otklik.core.errors import DomainError
from otklik.people import resets, roles
from otklik.people.models import Employee, Transfer, Unit
from otklik.people.signin import chain_of

LABELS: Final = {
    "username": "Имя для входа",
    "last_name": "Фамилия",
    "first_name": "Имя",
    "patronymic": "Отчество",
    "post": "Должность",
    "phone": "Рабочий телефон",
    "email": "Электронная почта",
}
_LIMITS: Final = {name: int(getattr(Employee._meta.get_field(name), "max_length", 0) or 0) for name in LABELS}
_NEEDED: Final = ("username", "last_name", "first_name")


@dataclass(frozen=True)
class Facts:
    """What is known of an employee; spaces at the ends and doubled ones do not count."""

    username: str = ""
    last_name: str = ""
    first_name: str = ""
    patronymic: str = ""
    post: str = ""
    phone: str = ""
    email: str = ""

    def __post_init__(self) -> None:
        for field in fields(self):
            object.__setattr__(self, field.name, " ".join(getattr(self, field.name).split()))


class BadFacts(DomainError):
    """Something typed cannot be kept; `problems`: field → what is wrong."""

    code = "people.bad_facts"
    text = "Сотрудник не записан. {what}"

    def __init__(self, problems: dict[str, str]) -> None:
        self.problems = problems
        super().__init__(what=" ".join(f"{LABELS[name]}: {words}" for name, words in problems.items()))


class EmployeeChanged(DomainError):
    """Another administrator saved first. `theirs` is what stands now, `version` its version."""

    code = "people.employee_changed"
    text = (
        "Пока вы правили, сведения изменил другой администратор. Ваши правки не потеряны: они в форме, рядом — "
        "что записано сейчас. Исправьте и сохраните ещё раз."
    )
    status = 409

    def __init__(self, *, theirs: Facts, version: int) -> None:
        self.theirs, self.version = theirs, version
        super().__init__()


class BadMove(DomainError):
    """A transfer that cannot be: the same unit, a day past, one that waits already."""

    code = "people.bad_move"
    text = "{what}"


class BlockRefused(DomainError):
    """An account that cannot be blocked or opened now."""

    code = "people.block_refused"
    text = "{what}"


def facts_of(employee: Employee) -> Facts:
    """Return what is known of an employee."""
    return Facts(**{name: getattr(employee, name) for name in LABELS})


def problems(facts: Facts, known: Employee | None = None) -> dict[str, str]:
    """Return what is wrong with each field, nothing where all is well: the one rule for forms, import and commands."""
    found: dict[str, str] = {}
    for name, value in asdict(facts).items():
        if len(value) > _LIMITS[name]:
            found[name] = f"слишком длинно: {len(value)} знаков, помещается {_LIMITS[name]}. Сократите."
        elif not value and name in _NEEDED:
            found[name] = "заполните: без этого учётной записи не бывает."
        elif any(not sign.isprintable() for sign in value) or value.startswith("="):
            found[name] = "лишние знаки. Введите текст заново."
    if "username" not in found and (words := _wrong_login(facts.username, known)):
        found["username"] = words
    for name in ("last_name", "first_name", "patronymic"):
        if name not in found and re.search(r"[\d<>@/\\]", getattr(facts, name)):
            found[name] = "здесь бывают только буквы, дефис и апостроф."
    if facts.email and "email" not in found and not typed.is_email(facts.email):
        found["email"] = "адрес не похож на настоящий. Пример: petrova@department.example."
    return found


def _wrong_login(login: str, known: Employee | None) -> str:
    if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._-]*", login):
        return "нужны латинские буквы, цифры, точка, дефис; начинается с буквы или цифры."
    others = Employee.objects.filter(username__iexact=login)
    if (others.exclude(pk=known.pk) if known else others).exists():
        return "такое имя для входа уже есть. Выберите другое."
    return ""


@transaction.atomic
def create(facts: Facts, *, unit: Unit | None, by: Employee | None) -> Employee:
    """Return a new employee without a password: he comes in once he is given a temporary one."""
    if wrong := problems(facts):
        raise BadFacts(wrong)
    employee = Employee(**asdict(facts), unit=unit)
    employee.set_unusable_password()
    try:
        with transaction.atomic():
            employee.save()
    except IntegrityError:  # of two who take one login at once the table lets one
        raise BadFacts({"username": "такое имя для входа уже есть. Выберите другое."}) from None
    journal.record("employee.created", chain=chain_of(employee), by=by, unit=unit.pk if unit else None)
    return employee


@transaction.atomic
def change(employee: Employee, facts: Facts, *, version: int, by: Employee) -> list[str]:
    """Save what changed if `version` is still the newest, else raise EmployeeChanged; return the names of fields."""
    if wrong := problems(facts, employee):
        raise BadFacts(wrong)
    now = facts_of(Employee.objects.get(pk=employee.pk))
    changed = differing(now, facts)
    if not changed:
        return []
    _write(employee, version, **{name: getattr(facts, name) for name in changed})
    journal.record("employee.changed", chain=chain_of(employee), by=by, fields=changed)
    return changed


def differing(one: Facts, other: Facts) -> list[str]:
    """Return the names of fields in which two differ."""
    return [name for name in LABELS if getattr(one, name) != getattr(other, name)]


def _write(employee: Employee, version: int, **values: object) -> None:
    """Write values over the version a person saw; of two at once one succeeds."""
    try:
        with transaction.atomic():
            same = Employee.objects.filter(pk=employee.pk, version=version)
            written = same.update(version=F("version") + 1, **values)
    except IntegrityError:
        raise BadFacts({"username": "такое имя для входа уже есть. Выберите другое."}) from None
    employee.refresh_from_db()
    if not written:
        raise EmployeeChanged(theirs=facts_of(employee), version=employee.version)


@transaction.atomic
def move(employee: Employee, unit: Unit, *, starts_on: date, basis: str = "", by: Employee) -> Transfer:
    """Move an employee to another unit from a day on: today at once, a later day by itself when it comes.

    Roles «в своём подразделении» go with him; appeals stay in the unit they are in.
    """
    roles.hold()
    employee.refresh_from_db()
    if starts_on < timezone.localdate():
        raise BadMove(what="Перевод начинается сегодня или позже: задним числом права не меняют.")
    if employee.unit_id == unit.pk:
        raise BadMove(what=f"{employee.short_name} уже работает в подразделении «{unit}».")
    if coming := employee.transfers.filter(done=False).first():
        raise BadMove(
            what=f"Перевод уже назначен: «{coming.unit}» с {coming.starts_on:%d.%m.%Y}. Отмените его и назначьте новый."
        )
    row = Transfer.objects.create(
        employee=employee, was=employee.unit, unit=unit, starts_on=starts_on, basis=basis.strip()[:300]
    )
    journal.record(
        "employee.transfer_planned",
        chain=chain_of(employee),
        by=by,
        was=employee.unit_id,
        unit=unit.pk,
        on=starts_on,
    )
    if starts_on <= timezone.localdate():
        _carry_out(row, by=by)
        employee.refresh_from_db()
    return row


@transaction.atomic
def cancel_move(row: Transfer, *, by: Employee) -> None:
    """Take a coming transfer back."""
    if not Transfer.objects.filter(pk=row.pk, done=False).delete()[0]:
        raise BadMove(what="Перевод уже состоялся или отменён. Обновите страницу.")
    journal.record("employee.transfer_cancelled", chain=f"employee:{row.employee_id}", by=by, unit=row.unit_id)


def carry_out_moves() -> int:
    """Carry out the transfers whose day has come, also those of days on which the system stood still."""
    due = Transfer.objects.filter(done=False, starts_on__lte=timezone.localdate()).order_by("starts_on", "id")
    return sum(_carry_out(row, by=None) for row in due)


@transaction.atomic
def _carry_out(row: Transfer, *, by: Employee | None) -> bool:
    if not Transfer.objects.filter(pk=row.pk, done=False).update(done=True):
        return False
    Employee.objects.filter(pk=row.employee_id).update(unit=row.unit_id, version=F("version") + 1)
    journal.record("employee.transferred", chain=f"employee:{row.employee_id}", by=by, unit=row.unit_id)
    return True


@transaction.atomic
def block(employee: Employee, *, basis: str = "", by: Employee) -> None:
    """Shut an account: no sign-in, no powers, no open session. Roles keep their dates."""
    if employee.pk == by.pk:
        raise BlockRefused(what="Себя заблокировать нельзя: попросите другого администратора.")
    with roles.somebody_still_manages():
        if not Employee.objects.filter(pk=employee.pk, is_active=True).update(
            is_active=False, version=F("version") + 1
        ):
            raise BlockRefused(what=f"{employee.short_name}: учётная запись уже заблокирована. Обновите страницу.")
    journal.record("employee.blocked", chain=chain_of(employee), by=by, basis=basis.strip()[:300])
    resets.end_sessions(employee, by=by)
    employee.refresh_from_db()


@transaction.atomic
def unblock(employee: Employee, *, by: Employee) -> None:
    """Open an account again, with the roles that are in force; the password of before does not open it.

    Whoever left may have told it to somebody: a temporary one is given anew.
    """
    locked = Employee(password="")
    locked.set_unusable_password()
    if not Employee.objects.filter(pk=employee.pk, is_active=False).update(
        is_active=True, password=locked.password, version=F("version") + 1
    ):
        raise BlockRefused(what=f"{employee.short_name}: учётная запись не заблокирована. Обновите страницу.")
    journal.record("employee.unblocked", chain=chain_of(employee), by=by)
    employee.refresh_from_db()


def temporary_password(employee: Employee, *, by: Employee) -> str:
    """Give a password for the first sign-in and return it, as `resets.reset_password`; refused to a blocked one."""
    if not employee.is_active:
        raise BlockRefused(what=f"{employee.short_name} заблокирован: пароль ему не нужен. Сначала разблокируйте.")
    return resets.reset_password(employee, by=by)
