"""Refusals that a person reads: what happened, why, what to do. Anything else is our defect."""

from __future__ import annotations

import errno
import logging
import sys
from collections.abc import Callable
from typing import ClassVar, Final

from django.conf import settings
from django.core.exceptions import RequestDataTooBig, TooManyFieldsSent, TooManyFilesSent
from django.db import InterfaceError, OperationalError
from django.http import HttpRequest, HttpResponse, HttpResponseBadRequest, HttpResponseServerError
from django.shortcuts import render
from django.template.loader import render_to_string

from otklik.core.logs import request_number

log = logging.getLogger("otklik.errors")

# What a full, broken or read-only disk answers, and a machine without free handles.
_DISK: Final = {errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EIO, errno.EMFILE, errno.ENFILE}
UNAVAILABLE: Final = (
    "База данных или диск сейчас не отвечают. Ничего не сохранено: подождите минуту и повторите. "
    "Введённое осталось в форме."
)


class DomainError(Exception):
    """A rule said no. `code` is for programs, `text` (with fields in braces) for people."""

    code: ClassVar[str] = "domain"
    text: ClassVar[str] = "Действие невозможно."
    status: ClassVar[int] = 422

    def __init__(self, **facts: object) -> None:
        self.facts = facts
        super().__init__(self.text.format(**facts))


def why_not(check: Callable[..., object], *args: object, **named: object) -> str:
    """Return the words in which a check refuses, empty where it lets through."""
    try:
        check(*args, **named)
    except DomainError as refusal:
        return str(refusal)
    return ""


class DomainErrorMiddleware:
    """Shows a `DomainError` as a notice (422), an outage as a notice to wait (503), a defect with a number to quote."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Pass the request on; exceptions arrive in `process_exception`."""
        return self.get_response(request)

    def process_exception(self, request: HttpRequest, exc: Exception) -> HttpResponse | None:
        """Turn an exception into a page; Django's own (404, permission) keep their way."""
        from django.core.exceptions import PermissionDenied, SuspiciousOperation
        from django.http import Http404

        if isinstance(exc, PermissionDenied):
            who = getattr(request, "user", None)
            log.warning("not allowed: employee %s at %s", getattr(who, "pk", None), _place(request))
        if isinstance(exc, Http404 | PermissionDenied | SuspiciousOperation):
            return None
        if isinstance(exc, DomainError):
            return refused(request, exc)
        if is_outage(exc):
            return _unavailable(request, exc)
        if settings.DEBUG or settings.TESTING:
            return None
        number = request_number()
        log.exception("defect %s at %s", number, _place(request))
        return render(request, "core/defect.html", {"number": number}, status=500)


def _place(request: HttpRequest) -> str:
    """Return the name of the page, not its values: a URL of ours carries no personal data, a message might."""
    return getattr(request.resolver_match, "view_name", "?")


def refused(request: HttpRequest, refusal: DomainError) -> HttpResponse:
    """Show a refusal where no view is at work: in a middleware."""
    return _told(request, "core/refusal.html", {"refusal": refusal}, refusal.status)


def is_outage(exc: BaseException | None) -> bool:
    """Tell whether the database or the disk failed, which passes, and not our program."""
    if isinstance(exc, OSError):
        return exc.errno in _DISK
    return isinstance(exc, OperationalError | InterfaceError)


def told_of_outage(exc: BaseException) -> str:
    """Return an outage in words for an administrator, with what to do; empty where it is none."""
    if not is_outage(exc):
        return ""
    if isinstance(exc, OSError):
        full = exc.errno in (errno.ENOSPC, errno.EDQUOT)
        return (
            "На диске сервера кончилось место: освободите его."
            if full
            else "Диск сервера не принимает файлы: проверьте диск и права на папку данных."
        )
    return "База данных не отвечает: проверьте, что PostgreSQL работает."


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponse:
    """Answer for what Django would not read; what is too large is told in words, and stays in the browser."""
    if not isinstance(exception, RequestDataTooBig | TooManyFieldsSent | TooManyFilesSent):
        return HttpResponseBadRequest(render_to_string("400.html"))
    return render(request, "core/too_large.html", {"most": settings.DATA_UPLOAD_MAX_MEMORY_SIZE}, status=413)


def server_error(request: HttpRequest) -> HttpResponse:
    """Answer for what failed outside of any view: reading the session, an upload, the end of a response."""
    exc = sys.exc_info()[1]
    if exc is not None and is_outage(exc):
        return _unavailable(request, exc)
    return HttpResponseServerError(render_to_string("500.html", {"number": request_number()}))


def _unavailable(request: HttpRequest, exc: BaseException) -> HttpResponse:
    log.error("no database or disk at %s", _place(request), exc_info=exc)
    # Nothing on this page may ask the database again.
    facts = {"refusal": UNAVAILABLE, "is_demo": False, "user": None}
    response = _told(request, "core/unavailable.html", facts, 503)
    response["Retry-After"] = "60"
    return response


def _told(request: HttpRequest, template: str, facts: dict[str, object], status: int) -> HttpResponse:
    """Return a whole page; for htmx the notice alone, to be put among the others."""
    if request.headers.get("HX-Request") != "true":
        return render(request, template, facts, status=status)
    response = render(request, "core/refusal_notice.html", facts, status=status)
    response["HX-Retarget"] = "#notices"
    response["HX-Reswap"] = "beforeend"
    return response
