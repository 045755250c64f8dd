"""What stands between a signed-in employee and every page: the end of a session, and what he must do first."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any, Final

from django.conf import settings
from django.contrib import messages
from django.contrib.auth import logout
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils.cache import patch_cache_control

from otklik.core import installation, journal
from otklik.core.access import asks_for_a_part
from otklik.core.errors import DomainError, refused
from otklik.people import factors
from otklik.people.models import Employee
from otklik.people.signin import ACTED, BEGAN, WANTED, chain_of

READY: Final = "ready"  # the session's note that nothing stands in the way
A_MINUTE: Final = 60
AN_HOUR: Final = 3600


class NotReady(DomainError):
    """Something has to be done first."""

    code = "people.not_ready"
    text = "Сначала {what}: откройте «Вход и безопасность» в соседней вкладке, затем повторите."
    status = 403


class Entrance:
    """Ends sessions whose time is over and keeps pages out of caches.

    Leads whoever must change his password or set up a second factor to do it first.

    Everything behind a sign-in is covered, Wagtail's pages too. Open stay public views and those marked with `first`.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """End a session whose time is over before anything asks whose it is; let nobody keep what an employee saw."""
        if request.user.is_authenticated:
            _end_when_over(request)
        for_one_person = request.user.is_authenticated
        response = self.get_response(request)
        if for_one_person and not response.has_header("Cache-Control"):
            patch_cache_control(response, private=True, no_store=True)
        return response

    def process_view(self, request: HttpRequest, view: Callable[..., Any], *_: object) -> HttpResponse | None:
        """Note that the person is at work; say what he must do before this view opens."""
        if not request.user.is_authenticated:
            return None
        if not getattr(view, "by_itself", False):
            _note_action(request)
        if getattr(view, "first", False) or getattr(view, "access", ()) == ("public",):
            return None
        page, what = _must_first(request, request.user)
        if not page:
            return None
        if asks_for_a_part(request) or request.method not in ("GET", "HEAD"):
            return refused(request, NotReady(what=what))
        request.session[WANTED] = request.get_full_path()
        return HttpResponseRedirect(reverse(page))


def first(view: Callable[..., Any]) -> Callable[..., Any]:
    """Mark a page that is open before anything else is: there one does what must be done first."""
    view.first = True  # type: ignore[attr-defined]
    return view


def _must_first(request: HttpRequest, employee: Employee) -> tuple[str, str]:
    """Return the page an employee must visit first and what he must do there; costs no query where nothing is due."""
    if employee.temporary_until:
        return "account_change_password", "смените временный пароль"
    if request.session.get(READY) or not factors.needed_by(employee):
        return "", ""
    kind = installation.kind()
    if factors.forced_on(employee, kind) and not factors.has_one(employee):
        return "mfa_index", "настройте второй фактор"
    if kind:
        request.session[READY] = True
    return "", ""


def _end_when_over(request: HttpRequest) -> None:
    """End the session when nobody used it for long, or it began long ago."""
    employee: Any = request.user
    now, acted, began = time.time(), request.session.get(ACTED), request.session.get(BEGAN)
    if acted is not None and now - acted > settings.IDLE_MINUTES * A_MINUTE:
        logout(request)
        journal.record("signin.idled_out", chain=chain_of(employee), by=employee)
        _say(request, f"Вы не работали {settings.IDLE_MINUTES} мин.")
    elif began is not None and now - began > settings.SESSION_HOURS * AN_HOUR:
        logout(request)
        journal.record("signin.outlasted", chain=chain_of(employee), by=employee)
        _say(request, f"Вы вошли больше {settings.SESSION_HOURS} ч. назад")


def _say(request: HttpRequest, why: str) -> None:
    if request.method == "GET" and not asks_for_a_part(request):
        messages.info(request, f"{why}, поэтому сеанс закончился. Войдите снова.")


def _note_action(request: HttpRequest) -> None:
    """Write down the time, at most once a minute: a session is a row in the database."""
    now = int(time.time())
    if now - request.session.get(ACTED, 0) >= A_MINUTE:
        request.session[ACTED] = now
