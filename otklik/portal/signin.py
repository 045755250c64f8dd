"""Applicants sign in and out: by a provider of identity, into a session that opens nothing of the employees'."""

from __future__ import annotations

from dataclasses import astuple
from typing import Final
from urllib.parse import urljoin

from django.conf import settings
from django.core import signing
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe

from otklik.core.access import public
from otklik.people import citizen_openid, citizens
from otklik.portal import cookies

SESSION_COOKIE: Final = f"{settings.COOKIE_PREFIX}otklik_citizen"
ATTEMPT_COOKIE: Final = f"{settings.PATH_COOKIE_PREFIX}otklik_entry"
ATTEMPT_SECONDS: Final = 600
WAYS_BACK: Final = ("/account/", "/write/")


def who(request: HttpRequest) -> citizens.SignedIn | None:
    """Return the applicant signed in in this browser; without his cookie nothing is asked."""
    return citizens.current(request.COOKIES.get(SESSION_COOKIE, ""))


@public
@never_cache
@require_safe
def enter(request: HttpRequest) -> HttpResponse:
    """Send the person to the provider; what this sign-in is recognised by stays in his browser for ten minutes."""
    provider = citizen_openid.provider()
    if provider is None:
        raise Http404
    attempt, wanted = citizen_openid.new_attempt(), request.GET.get("next", "")
    try:
        response = HttpResponseRedirect(provider.address(attempt, callback()))
    except (citizen_openid.Refused, citizen_openid.Silent) as failure:
        return _failed(request, failure)
    way_back = wanted if wanted in WAYS_BACK else WAYS_BACK[0]
    cookies.keep(response, ATTEMPT_COOKIE, [*astuple(attempt), way_back], seconds=ATTEMPT_SECONDS, path="/account/")
    return response


@public
@never_cache
@require_safe
def returned(request: HttpRequest) -> HttpResponse:
    """Take in who comes back from the provider, once."""
    provider = citizen_openid.provider()
    if provider is None:
        raise Http404
    attempt, way_back = _attempt(request)
    try:
        code = citizen_openid.check_answer(request.GET, attempt)
        assert attempt is not None  # `check_answer` has refused
        person = provider.person(code, attempt, callback())
    except (citizen_openid.Refused, citizen_openid.Silent) as failure:
        response = _failed(request, failure)
    else:
        citizens.leave(request.COOKIES.get(SESSION_COOKIE, ""))
        response = redirect(way_back)
        response.set_cookie(
            SESSION_COOKIE,
            citizens.enter(person.issuer, person.subject, person.said),
            max_age=None,
            path="/",
            httponly=True,
            samesite="Lax",
            secure=settings.SESSION_COOKIE_SECURE,
        )
    response.delete_cookie(ATTEMPT_COOKIE, path="/account/")
    return response


@public
@never_cache
@require_POST
def leave(request: HttpRequest) -> HttpResponse:
    """End the applicant's session, and nobody else's."""
    citizens.leave(request.COOKIES.get(SESSION_COOKIE, ""))
    response = redirect("portal:account")
    response.delete_cookie(SESSION_COOKIE, path="/")
    return response


def callback() -> str:
    """Return the address the provider sends people back to; it must be written down there."""
    return urljoin(f"{settings.BASE_URL}/", reverse("portal:account_returned").lstrip("/"))


def _attempt(request: HttpRequest) -> tuple[citizen_openid.Attempt | None, str]:
    kept = request.COOKIES.get(ATTEMPT_COOKIE, "")
    try:
        *parts, way_back = signing.loads(kept, salt=ATTEMPT_COOKIE, max_age=ATTEMPT_SECONDS)
        return citizen_openid.Attempt(*parts), way_back
    except (signing.BadSignature, ValueError, TypeError):
        return None, WAYS_BACK[0]


def _failed(request: HttpRequest, failure: citizen_openid.Refused | citizen_openid.Silent) -> HttpResponse:
    return render(request, "portal/signin_failed.html", {"failure": str(failure)}, status=failure.status)
