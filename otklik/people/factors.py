"""The second factor: who needs one, secrets kept encrypted, codes counted and used once."""

from __future__ import annotations

import base64
import logging
from collections.abc import Callable
from functools import wraps
from typing import Any, Final

from allauth.core.internal.cryptokit import compare_user_code
from allauth.mfa.adapter import DefaultMFAAdapter
from allauth.mfa.base.forms import AuthenticateForm, ReauthenticateForm
from allauth.mfa.models import Authenticator
from allauth.mfa.totp.internal import auth as totp
from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from django.conf import settings
from django.contrib import messages
from django.core.exceptions import ValidationError
from django.db import transaction
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.utils.crypto import salted_hmac

from otklik.core import installation, journal
from otklik.core.errors import DomainError
from otklik.core.models import Installation
from otklik.people import lockout
from otklik.people.models import Employee
from otklik.people.powers import NEED_SECOND_FACTOR
from otklik.people.signin import chain_of

log = logging.getLogger("otklik.people.factors")

Kind = Authenticator.Type
WRONG: Final = "Код не подошёл. Проверьте, что часы телефона идут верно, и введите новый код."
USED: Final = "Этот код уже использован. Дождитесь следующего."
SAID: Final = {
    Kind.TOTP: ("Приложение с кодами подключено.", "Приложение с кодами отключено."),
    Kind.WEBAUTHN: ("Ключ входа добавлен.", "Ключ входа удалён."),
}


class LastFactor(DomainError):
    """The only factor of somebody who must have one."""

    code = "people.last_factor"
    text = "Ваша роль требует второго фактора, а этот последний. Сначала добавьте другой."


def needed_by(employee: Employee) -> bool:
    """Tell whether the employee needs a second factor in a working system: by what he may do today, or as everybody."""
    return settings.SECOND_FACTOR_FOR_ALL or employee.is_superuser or employee.has_any(NEED_SECOND_FACTOR)


def forced_on(employee: Employee, kind: str | None) -> bool:
    """Tell whether the employee may not enter an installation of this kind without one. A demo stand only offers it."""
    return kind == Installation.Kind.PRODUCTION and needed_by(employee)


def has_one(employee: Employee) -> bool:
    """Tell whether the employee has a second factor; recovery codes alone are none."""
    return bool(Authenticator.objects.filter(user=employee).exclude(type=Kind.RECOVERY_CODES).exists())


def changing(view: Callable[..., HttpResponseBase]) -> Callable[..., HttpResponseBase]:
    """Write down what a view of allauth changes among a person's factors, in one transaction with the change."""

    @wraps(view)
    def watched(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        employee: Any = request.user
        with transaction.atomic():
            before = _of(employee)
            response = view(request, *args, **kwargs)
            after = _of(employee)
            added, removed = after.keys() - before.keys(), before.keys() - after.keys()
            if removed and forced_on(employee, installation.kind()) and not has_one(employee):
                raise LastFactor
            for pk in added:
                journal.record("signin.factor_added", chain=chain_of(employee), by=employee, kind=after[pk])
            for pk in removed:
                journal.record("signin.factor_removed", chain=chain_of(employee), by=employee, kind=before[pk])
        _say(request, {after[pk] for pk in added}, {before[pk] for pk in removed})
        return response

    return watched


def _of(employee: Employee) -> dict[int, str]:
    return dict(Authenticator.objects.filter(user=employee).values_list("pk", "type"))


def _say(request: HttpRequest, added: set[str], removed: set[str]) -> None:
    for kind, (was_added, was_removed) in SAID.items():
        text = was_added if kind in added else was_removed if kind in removed else ""
        if text:
            messages.success(request, text)


class FactorAdapter(DefaultMFAAdapter):  # type: ignore[misc]
    """How factors are named and kept."""

    error_messages = DefaultMFAAdapter.error_messages | {
        "incorrect_code": WRONG,
        "cannot_delete_authenticator": LastFactor.text,
        "cannot_generate_recovery_codes": "Запасные коды выдаются к приложению с кодами или ключу входа.",
    }

    def encrypt(self, text: str) -> str:
        """Keep secrets so that a copy of the database alone gives nobody a code."""
        return _cipher().encrypt(text.encode()).decode()

    def decrypt(self, encrypted_text: str) -> str:
        """Read a kept secret; after the key was lost no code fits, and an administrator resets the factor."""
        try:
            return _cipher().decrypt(encrypted_text.encode()).decode()
        except InvalidToken:
            log.error("a second factor was kept under another OTKLIK_SECRET_KEY")
            return str(totp.generate_totp_secret())

    def get_totp_issuer(self) -> str:
        """Name the product in the telephone's list."""
        return "Отклик"

    def _get_site_name(self) -> str:
        return self.get_totp_issuer()

    def _get_user_identifier(self, user: Employee) -> str:
        return user.username

    def generate_authenticator_name(self, user: Employee, type: str) -> str:
        """Propose a name for a new key."""
        number = Authenticator.objects.filter(user=user, type=type).count()
        return f"Ключ входа {number + 1}" if number else "Ключ входа"


def _cipher() -> MultiFernet:
    secrets = [settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS]
    keys = (salted_hmac("otklik.people.factors", "", secret=one, algorithm="sha256").digest() for one in secrets)
    return MultiFernet([Fernet(base64.urlsafe_b64encode(key)) for key in keys])


class _Counted:
    """A form that takes a code: few attempts, each code of a telephone once."""

    user: Employee
    authenticator: Authenticator

    def clean_code(self) -> str:
        """Return a code that fits."""
        try:
            lockout.begin(factor=str(self.user.pk))
        except lockout.LockedOut as refusal:
            raise ValidationError(str(refusal)) from refusal
        try:
            code: str = super().clean_code()  # type: ignore[misc]
        except ValidationError as wrong:
            raise ValidationError(self._failed(WRONG)) from wrong
        if self.authenticator.type == Kind.TOTP and not spend(self.authenticator, code):
            raise ValidationError(self._failed(USED))
        lockout.succeeded(factor=str(self.user.pk))
        return code

    def _failed(self, said: str) -> str:
        left = lockout.left(factor=str(self.user.pk))
        with transaction.atomic():
            journal.record("signin.failed", chain=chain_of(self.user), by=None, what="factor")
            if not left:
                journal.record("signin.locked", chain=chain_of(self.user), by=None, what="factor")
        return f"{said} Осталось попыток: {left}." if left else f"{said} {lockout.LockedOut(minutes=lockout.MINUTES)}"


class CodeForm(_Counted, AuthenticateForm):  # type: ignore[misc]
    """The code at sign-in."""


class CodeAgainForm(_Counted, ReauthenticateForm):  # type: ignore[misc]
    """The code before a change of factors."""


@transaction.atomic
def spend(authenticator: Authenticator, code: str) -> bool:
    """Use up a code that fits; False where it, or a later one, was used before, by whichever process."""
    secret = totp.decrypt(authenticator.data["secret"])
    fitting = (
        counter
        for counter in totp.yield_hotp_counters_from_time()
        if compare_user_code(actual=code, expected=totp.format_hotp_value(totp.hotp_value(secret, counter)))
    )
    step = max(fitting, default=0)
    row = Authenticator.objects.select_for_update().get(pk=authenticator.pk)
    if row.data.get("spent", 0) >= step:
        return False
    row.data["spent"] = step
    row.save(update_fields=["data"])
    return True
