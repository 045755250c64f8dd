"""Refusals that a person reads: what happened, why, what to do. Anything else is our defect."""

from __future__ import annotations

import logging
import uuid
from collections.abc import Callable
from typing import ClassVar

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

log = logging.getLogger("otklik.errors")


class DomainError(Exception):
    """A rule said no. `code` is for programs, `text` (with fields in braces) for people."""

    code: ClassVar[str] = "domain"
    text: ClassVar[str] = "Действие невозможно."
    status: ClassVar[int] = 422

    def __init__(self, **facts: object) -> None:
        self.facts = facts
        super().__init__(self.text.format(**facts))


class DomainErrorMiddleware:
    """Shows a `DomainError` as a notice (422), a defect as a page with a number to quote."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Pass the request on; exceptions arrive in `process_exception`."""
        return self.get_response(request)

    def process_exception(self, request: HttpRequest, exc: Exception) -> HttpResponse | None:
        """Turn an exception into a page; Django's own (404, permission) keep their way."""
        from django.core.exceptions import PermissionDenied, SuspiciousOperation
        from django.http import Http404

        if isinstance(exc, Http404 | PermissionDenied | SuspiciousOperation):
            return None
        htmx = bool(getattr(request, "htmx", False))
        if isinstance(exc, DomainError):
            template = "core/refusal_notice.html" if htmx else "core/refusal.html"
            response = render(request, template, {"refusal": exc}, status=exc.status)
            if htmx:
                response["HX-Retarget"] = "#notices"
                response["HX-Reswap"] = "beforeend"
            return response
        if settings.DEBUG or settings.TESTING:
            return None
        number = uuid.uuid4().hex[:8]
        # The path's names, not its values: a URL of ours carries no personal data, a message might.
        log.exception("defect %s at %s", number, getattr(request.resolver_match, "view_name", "?"))
        return render(request, "core/defect.html", {"number": number}, status=500)
