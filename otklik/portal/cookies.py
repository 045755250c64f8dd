"""What the portal keeps in a browser for a while: signed, for one path, out of reach of scripts."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.core import signing
from django.http import HttpResponse


def keep(response: HttpResponse, name: str, value: Any, *, seconds: int, path: str) -> None:
    """Let the browser keep a value (JSON) signed under its own name."""
    response.set_cookie(
        name,
        signing.dumps(value, salt=name),
        max_age=seconds,
        path=path,
        httponly=True,
        samesite="Lax",
        secure=settings.SESSION_COOKIE_SECURE,
    )
