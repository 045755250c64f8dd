"""Pieces every page uses: what the frame shows whoever looks at it, and the choice of theme."""

from __future__ import annotations

from typing import Final

from django.conf import settings
from django.contrib.messages.storage.cookie import CookieStorage
from django.contrib.messages.storage.fallback import FallbackStorage
from django.contrib.messages.storage.session import SessionStorage
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.utils.functional import SimpleLazyObject
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.http import require_POST

from otklik.core import installation
from otklik.core.access import public

THEMES: Final = {"auto": "как в системе", "light": "светлая", "dark": "тёмная"}
A_YEAR: Final = 365 * 24 * 3600
THEME: Final = f"{settings.COOKIE_PREFIX}theme"


class _InCookie(CookieStorage):
    cookie_name = f"{settings.COOKIE_PREFIX}messages"


class Messages(FallbackStorage):
    """Notices between two pages: in a cookie as safe as that of the session, long ones in the session."""

    storage_classes = (_InCookie, SessionStorage)


def frame(request: HttpRequest) -> dict[str, object]:
    """Give templates `is_demo` (only a page that shows it asks) and the theme."""
    theme = request.COOKIES.get(THEME, "auto")
    return {
        "is_demo": SimpleLazyObject(lambda: _is_demo(request)),
        "theme": theme if theme in THEMES else "auto",
        "themes": THEMES.items(),
    }


def _is_demo(request: HttpRequest) -> bool:
    """Ask once per session: what an installation is for never changes, and sessions live in the same database."""
    user = getattr(request, "user", None)
    if user is None or not user.is_authenticated:
        return installation.is_demo()
    if "is_demo" not in request.session:
        request.session["is_demo"] = installation.is_demo()
    return bool(request.session["is_demo"])


def safe_back(request: HttpRequest, otherwise: str = "/") -> str:
    """Return the page of ours that the form names in `next`, never a foreign address."""
    back = request.POST.get("next", "")
    return back if url_has_allowed_host_and_scheme(back, {request.get_host()}) else otherwise


@public
@require_POST
def theme(request: HttpRequest) -> HttpResponse:
    """Remember the chosen theme in a cookie: the next page comes in it at once, without scripts."""
    chosen = request.POST.get("theme", "auto")
    response = HttpResponseRedirect(safe_back(request))
    if chosen in THEMES:
        response.set_cookie(THEME, chosen, max_age=A_YEAR, samesite="Lax", secure=request.is_secure())
    return response
