"""Employees who sign in, and their telephones."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from typing import Any

import pytest
from allauth.mfa.models import Authenticator
from allauth.mfa.recovery_codes.internal.auth import RecoveryCodes
from allauth.mfa.totp.internal import auth as totp
from django.contrib.auth.hashers import make_password
from django.test import Client
from django.urls import reverse

from otklik.core.models import JournalEntry
from otklik.people.models import Employee, Role, RoleAssignment, RolePower

PASSWORD = "Correct-horse-77"
LONG_AGO = date(2020, 1, 1)

Hire = Callable[..., Employee]


@pytest.fixture
def hire(db: None) -> Hire:
    """Make an employee with a password and these powers."""

    def make(login: str, *powers: str, **facts: Any) -> Employee:
        employee = Employee.objects.create(
            username=login, password=make_password(PASSWORD), last_name=login.capitalize(), **facts
        )
        role = Role.objects.create(code=f"role-{login}", name=login)
        RolePower.objects.bulk_create(RolePower(role=role, power=power, valid_from=LONG_AGO) for power in powers)
        RoleAssignment.objects.create(employee=employee, role=role, valid_from=LONG_AGO)
        return employee

    return make


def try_in(client: Client, login: str, password: str = PASSWORD, **extra: Any) -> Any:
    return client.post(reverse("account_login"), {"login": login, "password": password, **extra})


def signed_in(employee: Employee) -> Client:
    """Sign in through the page, as people do."""
    client = Client()
    assert try_in(client, employee.username).status_code == 302
    assert client.session["_auth_user_id"] == str(employee.pk)
    return client


def is_in(client: Client) -> bool:
    return bool(client.get(reverse("session")).json()["employee"])


def telephone(employee: Employee) -> str:
    """Give the employee an application with codes; return its secret."""
    secret = totp.generate_totp_secret()
    totp.TOTP.activate(employee, secret)
    RecoveryCodes.activate(employee)
    return secret


def code(secret: str, *, steps: int = 0) -> str:
    """Return what a telephone shows whose clock is so many half-minutes ahead."""
    *_, counter, _ = totp.yield_hotp_counters_from_time()
    return totp.format_hotp_value(totp.hotp_value(secret, counter + steps))


def written(employee: Employee | None) -> list[str]:
    """Return the actions in the journal's chain of an employee, or of nobody's attempts."""
    chain = f"employee:{employee.pk}" if employee else "signin"
    return list(JournalEntry.objects.filter(chain=chain).order_by("seq").values_list("action", flat=True))


def factors(employee: Employee) -> list[str]:
    return sorted(Authenticator.objects.filter(user=employee).values_list("type", flat=True))
