"""What logs may say: where something failed and of what kind, never what stood in the row."""

from __future__ import annotations

import logging
import re
import traceback
from collections.abc import Iterator
from typing import Final

from django.db import DatabaseError, InterfaceError, OperationalError

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
