"""What logs may say: where something failed and of what kind, in which request, never what stood in the row."""

from __future__ import annotations

import json
import logging
import re
import traceback
import uuid
from collections.abc import Callable, Iterator
from contextvars import ContextVar
from datetime import UTC, datetime
from typing import Final

from django.db import DatabaseError, InterfaceError, OperationalError
from django.http import HttpRequest, HttpResponse

_number: ContextVar[str] = ContextVar("request_number", default="")
_GIVEN: Final = re.compile(r"[0-9a-f]{8,64}")  # as proxies make them


def request_number() -> str:
    """Return the number of the request being answered; empty outside of one."""
    return _number.get()


class RequestNumber:
    """Gives each request a number: the log, the page that reports a defect and the answer's header name the same."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Take the number a proxy gave, or a new one, for as long as the request lasts."""
        given = request.headers.get("X-Request-ID", "")
        number = given if _GIVEN.fullmatch(given) else uuid.uuid4().hex[:12]
        request.META["otklik.number"] = number
        token = _number.set(number)
        try:
            response = self.get_response(request)
            response["X-Request-ID"] = number
        finally:
            _number.reset(token)
        return response


class Numbered(logging.Filter):
    """Lets every record know its request."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Add the number; let the record through."""
        # Django tells of a refused request when we have left it, and attaches the request.
        request = getattr(record, "request", None)
        record.request_number = request_number() or getattr(request, "META", {}).get("otklik.number", "-")
        return True


class JsonLines(logging.Formatter):
    """One record, one line of JSON; only what is named here, nothing that a caller attached."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the line."""
        told = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname,
            "logger": record.name,
            "request": getattr(record, "request_number", "-"),
            "message": record.getMessage(),
        }
        if record.exc_info and not record.exc_text:
            record.exc_text = self.formatException(record.exc_info)
        if record.exc_text:
            told["trace"] = record.exc_text
        return json.dumps(told, ensure_ascii=False)


_SAYS_NO_ROWS = (OperationalError, InterfaceError)  # a lost connection, a full disk


# In an exception's words: quoted texts that are not plain code, names, addresses of mail, telephones and the like.
_SAID: Final = re.compile(
    r"""'(?:\\'|[^'])*(?:[^\x00-\x7f]|\\x|@)(?:\\'|[^'])*'|"[^"]*(?:[^\x00-\x7f]|\\x|@)[^"]*"|«[^»]*»"""
    r"""|\b[А-ЯЁ][а-яё-]+\b|[\w.+-]+@[\w.-]+|\+?\d[\d ()-]{5,}\d"""
)
_HIDDEN: Final = "•••"
_LONGEST: Final = 2000  # characters of an exception's words


class WithoutRows(logging.Filter):
    """Writes a record's traceback without what it says of people.

    PostgreSQL adds «Failing row contains (…)» to its words, others quote the text they could not take.
    """

    def filter(self, record: logging.LogRecord) -> bool:
        """Let every record through; its exception tells kind and place, and of its words those that name nobody."""
        if record.exc_info and record.exc_info[1] is not None:
            record.exc_text = told(record.exc_info[1])
        return True


def told(exc: BaseException) -> str:
    """Return an exception with what it came from as a log may bear it."""
    return "\n".join(_told(one) for one in reversed(list(_chain(exc))))


def _chain(exc: BaseException | None) -> Iterator[BaseException]:
    """Yield an exception and what it came from, as a traceback shows them."""
    met: set[int] = set()
    while exc is not None and id(exc) not in met:
        met.add(id(exc))
        yield exc
        exc = exc.__cause__ or (None if exc.__suppress_context__ else exc.__context__)


def _may_show_a_row(exc: BaseException) -> bool:
    if isinstance(exc, DatabaseError):
        return not isinstance(exc, _SAYS_NO_ROWS)
    return hasattr(exc, "sqlstate") or type(exc).__module__ == "sqlite3"  # what Django's own error came from


def _told(exc: BaseException) -> str:
    frames = "".join(traceback.format_tb(exc.__traceback__))
    if not _may_show_a_row(exc):
        words = _SAID.sub(_HIDDEN, "".join(traceback.format_exception_only(exc))[:_LONGEST])
        return f"{frames}{words}".rstrip()
    asked = getattr(exc, "diag", None)
    what = [getattr(asked, name, None) for name in ("sqlstate", "table_name", "column_name", "constraint_name")]
    return f"{frames}{type(exc).__module__}.{type(exc).__qualname__} {' '.join(filter(None, what))}".rstrip()
