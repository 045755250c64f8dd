"""Sign-in: local accounts through django-allauth. Nobody registers himself; every way in and out leaves a line."""

from __future__ import annotations

import time
from typing import Any, Final

from allauth.account import app_settings
from allauth.account.adapter import DefaultAccountAdapter
from allauth.account.internal.flows.login import get_authentication_records
from django.core.exceptions import ValidationError
from django.db import transaction
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils import timezone

from otklik.core import journal
from otklik.core.visitors import address_of, is_address
from otklik.people import lockout
from otklik.people.models import Employee

# The session's note of when its person last did something.
ACTED: Final = "acted_at"
BEGAN: Final = "began_at"  # when he signed in
WANTED: Final = "wanted"  # where he was going when something had to be done first
EXPIRED: Final = "Временный пароль больше не действует. Попросите администратора выдать новый."
NOBODY: Final = "signin"  # the journal's chain for attempts that name no account of ours


class ClosedAdapter(DefaultAccountAdapter):  # type: ignore[misc]
    """Accounts are made by an administrator only."""

    error_messages = DefaultAccountAdapter.error_messages | {
        "username_password_mismatch": "Имя для входа или пароль не подошли. Проверьте раскладку и Caps Lock.",
        "incorrect_password": "Пароль не подошёл.",
        "enter_current_password": "Нынешний пароль не подошёл.",
        "incorrect_code": "Ключ не подошёл. Попробуйте ещё раз.",
        "too_many_login_attempts": "Слишком много неудачных попыток. Подождите несколько минут.",
        "rate_limited": "Слишком много попыток подряд. Подождите минуту.",
    }

    def is_open_for_signup(self, request: HttpRequest) -> bool:
        """Refuse self-registration."""
        return False

    def pre_authenticate(self, request: HttpRequest, **credentials: Any) -> None:
        """Count the attempt before the password is looked at; refuse where there were too many."""
        try:
            lockout.begin(**_who(request, credentials))
        except lockout.LockedOut as refusal:
            raise ValidationError(str(refusal)) from refusal

    def authenticate(self, request: HttpRequest, **credentials: Any) -> Employee | None:
        """Return who signs in; a blocked employee gets the answer a stranger gets."""
        employee: Employee | None = super().authenticate(request, **credentials)
        if employee is None:
            return None
        if not employee.is_active:
            self.authentication_failed(request, **credentials)
            return None
        lockout.succeeded(**_who(request, credentials))
        if employee.temporary_until and employee.temporary_until < timezone.now():
            raise ValidationError(EXPIRED)
        return employee

    def authentication_failed(self, request: HttpRequest, **credentials: Any) -> None:
        """Write the failure down: on the account it aimed at, or on nobody's; what was typed is not kept."""
        who = _who(request, credentials)
        aimed_at = Employee.objects.filter(username__iexact=who["login"]).first()
        chain = chain_of(aimed_at) if aimed_at else NOBODY
        with transaction.atomic():
            journal.record("signin.failed", chain=chain, by=None, what="password")
            if not lockout.left(login=who["login"]):
                journal.record("signin.locked", chain=chain, by=None, what="password")
            if not lockout.left(address=who["address"]):
                journal.record("signin.locked", chain=NOBODY, by=None, what="address")

    def login(self, request: HttpRequest, user: Employee) -> None:
        """Begin a session under a new key: one that a stranger planted in this browser is worth nothing."""
        super().login(request, user)
        ways = [record["method"] for record in get_authentication_records(request, user)]
        request.session[ACTED] = request.session[BEGAN] = int(time.time())
        journal.record("signin.entered", chain=chain_of(user), by=user, ways=ways)

    def logout(self, request: HttpRequest) -> None:
        """End the session."""
        employee: Any = request.user
        super().logout(request)
        if employee.is_authenticated:
            journal.record("signin.left", chain=chain_of(employee), by=employee)

    @transaction.atomic
    def set_password(self, user: Employee, password: str) -> None:
        """Set the password its owner chose; a temporary one has served."""
        user.temporary_until = None
        super().set_password(user, password)
        journal.record("signin.password_changed", chain=chain_of(user), by=user)

    def is_reauthentication_required(self, *, app: str, **kwargs: Any) -> bool:
        """Ask for the password again unless it, or a factor, was given minutes ago in this session."""
        given = get_authentication_records(self.request, self.request.user)
        return not any(time.time() - record["at"] < app_settings.REAUTHENTICATION_TIMEOUT for record in given)

    def get_reauthentication_methods(self, user: Any) -> list[dict[str, Any]]:
        """Name the ways to prove once more who sits here."""
        words = {
            "reauthenticate": "Ввести пароль",
            "mfa_reauthenticate": "Ввести код из приложения или запасной код",
            "mfa_reauthenticate:webauthn": "Воспользоваться ключом входа",
        }
        return [{**way, "description": words[way["id"]]} for way in super().get_reauthentication_methods(user)]

    def get_password_change_redirect_url(self, request: HttpRequest) -> str:
        """Lead on to where a temporary password stood in the way, else back to «Вход и безопасность»."""
        return str(request.session.pop(WANTED, "")) or reverse("mfa_index")

    def respond_user_inactive(self, request: HttpRequest, user: Employee) -> HttpResponse:
        """Tell who was blocked meanwhile nothing a stranger would not see."""
        return HttpResponseRedirect(reverse("account_login"))

    def get_client_ip(self, request: HttpRequest) -> str:
        """Return the address of a session's list; a proxy that names none leaves it empty."""
        address = address_of(request)
        return address if is_address(address) else "0.0.0.0"  # noqa: S104 - said of nobody, nothing is bound to it


def chain_of(employee: Employee) -> str:
    """Return the journal's chain of an employee."""
    return f"employee:{employee.pk}"


def _who(request: HttpRequest, credentials: dict[str, Any]) -> dict[str, str]:
    return {"login": str(credentials.get("username", "")), "address": address_of(request)}
