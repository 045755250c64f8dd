"""Who may enter a page. Every view bears one of these marks; a test walks all addresses and asks for it."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any, Final, TypeVar, cast

from django.contrib.auth.views import redirect_to_login
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.http.response import HttpResponseBase
from django.shortcuts import render

View = TypeVar("View", bound=Callable[..., HttpResponseBase])

SESSION_ENDED: Final = "Сеанс закончился: войдите в соседней вкладке. Набранное останется здесь."


def requires(*powers: str, guests: bool = False) -> Callable[[View], View]:
    """Let in a signed-in employee who holds at least one of `powers` today; none named: any employee.

    `guests`: also people of other organisations, who otherwise enter only what a power of theirs names.
    """

    def mark(view: View) -> View:
        @wraps(view)
        def guarded(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
            user: Any = request.user
            if not user.is_authenticated:
                return _to_sign_in(request)
            if powers and not user.has_any(powers):
                raise PermissionDenied
            if not powers and not guests and user.is_guest:
                raise PermissionDenied
            return view(request, *args, **kwargs)

        guarded.access = powers or (("employee", "guest") if guests else ("employee",))  # type: ignore[attr-defined]
        return cast(View, guarded)

    return mark


def public(view: View) -> View:
    """Let everybody in, citizens included."""
    view.access = ("public",)  # type: ignore[attr-defined]
    return view


def by_itself(view: View) -> View:
    """Mark what open pages ask on their own: it is no action of a person and keeps no session alive."""
    view.by_itself = True  # type: ignore[attr-defined]
    return view


def asks_for_a_part(request: HttpRequest) -> bool:
    """Tell whether a script asks for data or a part of a page: another page in its place would spoil what is open."""
    return request.headers.get("HX-Request") == "true" or "application/json" in request.headers.get("Accept", "")


def _to_sign_in(request: HttpRequest) -> HttpResponse:
    """Send a visitor to the sign-in page and back; a form or a part of a page is refused, so that nothing is lost."""
    if asks_for_a_part(request):
        return JsonResponse({"text": SESSION_ENDED}, status=401)
    if request.method not in ("GET", "HEAD"):
        return render(request, "core/session_ended.html", status=401)
    return redirect_to_login(request.get_full_path())
