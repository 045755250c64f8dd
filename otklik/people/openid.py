"""Sign-in through the department's directory (OpenID Connect): it lets in employees we know, and makes nobody."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any

import requests
from allauth.core.exceptions import ImmediateHttpResponse
from allauth.socialaccount.adapter import DefaultSocialAccountAdapter
from allauth.socialaccount.models import SocialAccount, SocialLogin
from django.conf import settings
from django.db import transaction
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.shortcuts import render

from otklik.core import journal
from otklik.core.errors import DomainError
from otklik.people.models import Employee
from otklik.people.signin import NOBODY, chain_of


class DirectorySilent(DomainError):
    """The directory's server cannot be reached."""

    code = "people.directory_silent"
    text = "Сервер «{name}» не отвечает. Подождите минуту и повторите или войдите по имени и паролю."
    status = 503


class DirectoryAdapter(DefaultSocialAccountAdapter):  # type: ignore[misc]
    """Finds the employee whom the directory names.

    The claim (`OTKLIK_OIDC_CLAIM`) is compared with the login, which only an administrator gives, and not with the
    e-mail, which is neither unique nor checked here. At the first sign-in the account is tied to the directory's own
    lasting identifier: who is later renamed to another's login does not become him.
    """

    def is_open_for_signup(self, request: HttpRequest, sociallogin: SocialLogin) -> bool:
        """Refuse self-registration."""
        return False

    def populate_user(self, request: HttpRequest, sociallogin: SocialLogin, data: Any) -> Any:
        """Take the login out of what the directory says and keep nothing else of it."""
        said = sociallogin.account.extra_data
        token, answered = said.get("id_token") or {}, said.get("userinfo") or {}
        same_person = not (token and answered) or token.get("sub") == answered.get("sub")
        claimed = {**token, **answered}.get(settings.OIDC_CLAIM) if same_person else None
        sociallogin.claimed = claimed.strip() if isinstance(claimed, str) else ""
        sociallogin.account.extra_data = {}
        return super().populate_user(request, sociallogin, data)

    def pre_social_login(self, request: HttpRequest, sociallogin: SocialLogin) -> None:
        """Let in an active employee, refuse everybody else; a blocked employee sees what a stranger sees."""
        if _let_in(sociallogin):
            return
        aimed_at = Employee.objects.filter(username__iexact=sociallogin.claimed).first()
        journal.record("signin.failed", chain=chain_of(aimed_at) if aimed_at else NOBODY, by=None, what="directory")
        said = {"directory": settings.OIDC_NAME, "claimed": sociallogin.claimed}
        raise ImmediateHttpResponse(render(request, "account/directory_refused.html", said, status=403))


@transaction.atomic
def _let_in(sociallogin: SocialLogin) -> bool:
    """Name the employee whose sign-in this is; tie him to the directory when he comes this way first."""
    account = sociallogin.account
    employee = sociallogin.user if account.pk else _untied(sociallogin.claimed, account.provider)
    if employee is None or not employee.is_active:
        return False
    if not account.pk:
        account.user = sociallogin.user = employee
        account.save()
        journal.record("signin.directory_tied", chain=chain_of(employee), by=employee)
    return True


def answered(view: Callable[..., HttpResponseBase]) -> Callable[..., HttpResponseBase]:
    """Say so when the directory's server is silent: it is no defect of ours."""

    @wraps(view)
    def watched(*args: Any, **kwargs: Any) -> HttpResponseBase:
        try:
            return view(*args, **kwargs)
        except requests.RequestException as silent:
            raise DirectorySilent(name=settings.OIDC_NAME) from silent

    return watched


def _untied(login: str, provider: str) -> Employee | None:
    """Return the one employee with this login whom no other person of the directory is tied to."""
    if not login:
        return None
    found = list(Employee.objects.filter(username__iexact=login)[:2])
    if len(found) != 1 or SocialAccount.objects.filter(user=found[0], provider=provider).exists():
        return None
    return found[0]
