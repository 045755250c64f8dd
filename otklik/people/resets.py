"""What an administrator resets of somebody's account: the password, second factors, open sessions."""

from __future__ import annotations

import secrets
from datetime import timedelta
from typing import Final

from allauth.mfa.models import Authenticator
from allauth.socialaccount.models import SocialAccount
from allauth.usersessions.models import UserSession
from django.db import transaction
from django.db.models import F
from django.utils import timezone

from otklik.core import journal
from otklik.core.errors import DomainError
from otklik.people import lockout
from otklik.people.models import Employee
from otklik.people.signin import chain_of

TEMPORARY_FOR: Final = timedelta(days=3)
# Letters and digits that nobody mistakes for each other when they are read aloud.
_ALPHABET: Final = "abcdefghkmnpqrstuvwxyz23456789"


class NotYours(DomainError):
    """An account is reset by an administrator, and by another person than its owner."""

    code = "people.not_yours"
    text = "Сбросить вход сотруднику может администратор. Свой пароль и свои факторы меняют на странице «Вход и безопасность»."  # noqa: E501
    status = 403


@transaction.atomic
def reset_password(employee: Employee, *, by: Employee) -> str:
    """Give the employee a temporary password and return it: it is shown once and replaced at the first sign-in."""
    _check(employee, by)
    password = "-".join("".join(secrets.choice(_ALPHABET) for _ in range(4)) for _ in range(4))
    employee.set_password(password)
    employee.temporary_until = timezone.now() + TEMPORARY_FOR
    employee.save(update_fields=["password", "temporary_until"])
    _end(employee)
    lockout.succeeded(login=employee.username)
    journal.record("people.password_reset", chain=chain_of(employee), by=by)
    return password


@transaction.atomic
def reset_factors(employee: Employee, *, by: Employee) -> None:
    """Take away every second factor (the telephone is lost) and the tie to the department's directory."""
    _check(employee, by)
    kinds = sorted(Authenticator.objects.filter(user=employee).values_list("type", flat=True))
    Authenticator.objects.filter(user=employee).delete()
    SocialAccount.objects.filter(user=employee).delete()
    _end(employee)
    lockout.succeeded(factor=str(employee.pk))
    journal.record("people.factors_reset", chain=chain_of(employee), by=by, kinds=kinds)


@transaction.atomic
def end_sessions(employee: Employee, *, by: Employee) -> None:
    """End every session of the employee at once, on all devices. Anyone may end his own."""
    if by.pk != employee.pk:
        _check(employee, by)
    _end(employee)
    journal.record("people.sessions_ended", chain=chain_of(employee), by=by)


def _check(employee: Employee, by: Employee) -> None:
    if by.pk == employee.pk or not by.has_power("people.manage"):
        raise NotYours


def _end(employee: Employee) -> None:
    # Each session bears this count in its hash: no process accepts the old ones from now on.
    Employee.objects.filter(pk=employee.pk).update(sessions_ended=F("sessions_ended") + 1)
    employee.refresh_from_db(fields=["sessions_ended"])
    for session in UserSession.objects.filter(user=employee):
        session.end()
