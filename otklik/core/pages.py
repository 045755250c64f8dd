"""Pieces every page uses: what the frame shows whoever looks at it, and the choice of theme."""

from __future__ import annotations

from typing import Final

from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.utils.functional import SimpleLazyObject
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.http import require_POST

from otklik.core import installation
from otklik.core.access import public

THEMES: Final = {"auto": "как в системе", "light": "светлая", "dark": "тёмная"}
A_YEAR: Final = 365 * 24 * 3600


def frame(request: HttpRequest) -> dict[str, object]:
    """Give templates `is_demo` (asked once, and only by a page that shows it) and the theme."""
    theme = request.COOKIES.get("theme", "auto")
    return {
        "is_demo": SimpleLazyObject(installation.is_demo),
        "theme": theme if theme in THEMES else "auto",
        "themes": THEMES.items(),
    }


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
        response.set_cookie("theme", chosen, max_age=A_YEAR, samesite="Lax", secure=request.is_secure())
    return response
