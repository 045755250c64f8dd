"""«Вход и безопасность»: an employee's own password, second factors and sessions."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any

from allauth.account import views
from allauth.account.internal.flows.login import get_authentication_records
from allauth.mfa.models import Authenticator
from allauth.usersessions.models import UserSession
from django.contrib import messages
from django.contrib.auth import logout
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.http.response import HttpResponseBase
from django.middleware.csrf import get_token
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_POST

from otklik.core import installation, journal
from otklik.core.access import by_itself, public, requires
from otklik.people import factors, resets
from otklik.people.entrance import first
from otklik.people.signin import WANTED, chain_of

Kind = Authenticator.Type


@first
@requires(guests=True)
@never_cache
@require_GET
def overview(request: HttpRequest) -> HttpResponse:
    """Show how one gets in and where one is signed in."""
    employee: Any = request.user
    mine = list(Authenticator.objects.filter(user=employee).order_by("created_at"))
    codes = next((one for one in mine if one.type == Kind.RECOVERY_CODES), None)
    protected = any(one.type != Kind.RECOVERY_CODES for one in mine)
    sessions = sorted(UserSession.objects.purge_and_list(employee), key=lambda one: one.created_at, reverse=True)
    facts = {
        "app": next((one for one in mine if one.type == Kind.TOTP), None),
        "keys": [one for one in mine if one.type == Kind.WEBAUTHN],
        "codes_left": len(codes.wrap().get_unused_codes()) if codes else 0,
        "codes": codes,
        "protected": protected,
        "needed": factors.needed_by(employee),
        "forced": not protected and factors.forced_on(employee, installation.kind()),
        "wanted": request.session.get(WANTED, "/desk/"),
        "sessions": [(one, _device(one.user_agent), one.is_current()) for one in sessions],
    }
    return render(request, "account/security.html", facts)


@first
@requires(guests=True)
def change_password(request: HttpRequest) -> HttpResponse:
    """Change one's password; who signs in through the directory only has none here."""
    employee: Any = request.user
    if not employee.has_usable_password():
        messages.info(request, "Пароля здесь у вас нет: вы входите через каталог департамента.")
        return redirect("mfa_index")
    answer: HttpResponse = views.password_change(request)
    return answer


@first
@requires(guests=True)
@require_POST
def end_one(request: HttpRequest, pk: int) -> HttpResponse:
    """End one of one's sessions; the one that asks is left by signing out."""
    employee: Any = request.user
    session = get_object_or_404(UserSession, pk=pk, user=employee)
    if session.is_current():
        return redirect("account_logout")
    session.end()
    journal.record("people.session_ended", chain=chain_of(employee), by=employee)
    messages.success(request, "Сеанс на том устройстве завершён.")
    return redirect("mfa_index")


@first
@requires(guests=True)
@require_POST
def end_everywhere(request: HttpRequest) -> HttpResponse:
    """End all of one's sessions, this one too."""
    employee: Any = request.user
    resets.end_sessions(employee, by=employee)
    logout(request)
    messages.success(request, "Вы вышли на всех устройствах.")
    return redirect("account_login")


def renewing(view: Callable[..., HttpResponseBase]) -> Callable[..., HttpResponseBase]:
    """Go on under a new key of the session once its owner proved again who he is: an older copy is worth nothing."""

    @wraps(view)
    def watched(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        before = get_authentication_records(request, request.user)
        response = view(request, *args, **kwargs)
        if request.user.is_authenticated and get_authentication_records(request, request.user) != before:
            old = request.session.session_key
            request.session.cycle_key()
            UserSession.objects.filter(session_key=old).update(session_key=request.session.session_key)
        return response

    return watched


@public
@by_itself
@never_cache
@require_GET
def session(request: HttpRequest) -> HttpResponse:
    """Tell an open page whose session this browser has now, and the mark its forms must bear."""
    return JsonResponse({"employee": request.user.pk, "token": get_token(request)})


BROWSERS = (("YaBrowser", "Яндекс Браузер"), ("Edg", "Edge"), ("OPR", "Opera"), ("Firefox", "Firefox"))
CHROMIUM = (("Chrome", "Chrome или Chromium"), ("Safari", "Safari"))
PHONES = (("Android", "Android"), ("iPhone", "iPhone"))
SYSTEMS = (*PHONES, ("Windows", "Windows"), ("Mac OS", "macOS"), ("Linux", "Linux"))


def _device(agent: str) -> str:
    """Return what a browser says of itself, in a few words."""
    browser = next((name for mark, name in (*BROWSERS, *CHROMIUM) if mark in agent), "Неизвестный браузер")
    system = next((name for mark, name in SYSTEMS if mark in agent), "")
    return f"{browser}, {system}" if system else browser
