"""Who may enter a page. Every view bears one of these marks; a test walks all addresses and asks for it."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any, TypeVar, cast

from django.contrib.auth.views import redirect_to_login
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest
from django.http.response import HttpResponseBase

View = TypeVar("View", bound=Callable[..., HttpResponseBase])


def requires(*powers: str) -> Callable[[View], View]:
    """Let in a signed-in employee who holds at least one of `powers` today; none named: any employee."""

    def mark(view: View) -> View:
        @wraps(view)
        def guarded(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
            user: Any = request.user
            if not user.is_authenticated:
                return redirect_to_login(request.get_full_path())
            if powers and not any(user.has_power(power) for power in powers):
                raise PermissionDenied
            return view(request, *args, **kwargs)

        guarded.access = powers or ("employee",)  # type: ignore[attr-defined]
        return cast(View, guarded)

    return mark


def public(view: View) -> View:
    """Let everybody in, citizens included."""
    view.access = ("public",)  # type: ignore[attr-defined]
    return view
