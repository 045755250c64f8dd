"""What logs may say: where something failed and of what kind, never what stood in the row."""

from __future__ import annotations

import logging
import traceback
from collections.abc import Iterator

from django.db import DatabaseError, InterfaceError, OperationalError

_SAYS_NO_ROWS = (OperationalError, InterfaceError)  # a lost connection, a full disk


class WithoutRows(logging.Filter):
    """Writes a record's traceback without the database's words: PostgreSQL adds «Failing row contains (…)» to them."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Let every record through; one about refused data tells kind, constraint and place only."""
        exc = record.exc_info[1] if record.exc_info else None
        chain = list(_chain(exc))
        if any(_may_show_a_row(one) for one in chain):
            record.exc_text = "\n".join(_told(one) for one in reversed(chain))
        return True


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
        return f"{frames}{''.join(traceback.format_exception_only(exc))}".rstrip()
    asked = getattr(exc, "diag", None)
    what = [getattr(asked, name, None) for name in ("sqlstate", "table_name", "column_name", "constraint_name")]
    return f"{frames}{type(exc).__module__}.{type(exc).__qualname__} {' '.join(filter(None, what))}".rstrip()
