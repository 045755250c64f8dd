"""Questions to the database that are built once: Django takes longer over many of them than the database does.

What is kept is the question, never the answer. `once` keeps a queryset, of which more can be asked; `asked` keeps the
very text of a statement, and gives rows.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from copy import copy
from datetime import datetime
from functools import lru_cache, wraps
from typing import Any, Generic, ParamSpec, TypeVar, cast

from django.core.exceptions import EmptyResultSet
from django.db import connections
from django.db.models import QuerySet, Value
from django.db.models.sql.where import WhereNode

Build = TypeVar("Build", bound=Callable[..., "QuerySet[Any, Any]"])
Row = TypeVar("Row")
P = ParamSpec("P")


def once(build: Build) -> Build:
    """Let a function build its queryset once for the same arguments; each caller gets a copy nobody has asked yet."""
    kept = lru_cache(maxsize=64)(build)

    @wraps(build)
    def copied(*args: Any) -> QuerySet[Any, Any]:
        return kept(*args).all()

    return cast(Build, copied)


def asked(build: Callable[P, QuerySet[Any, Row]]) -> Callable[P, list[Row]]:
    """Let a function that builds a queryset answer with its rows, the statement being made once for the same arguments.

    Arguments that are given by name are filled into the statement at each asking: the function gets a place for a
    value instead of it, and can do nothing but compare with it; a list of values gets as many places. All others decide
    what the statement is: whatever the queryset depends on has to be among them.
    """
    parameters = inspect.signature(build).parameters.values()
    names = [one.name for one in parameters if one.kind is one.KEYWORD_ONLY]

    @lru_cache(maxsize=128)
    def kept(args: tuple[Any, ...], sizes: tuple[int | None, ...]) -> _Question[Row]:
        places: Any = {
            name: _Place(name) if size is None else [_Place((name, at)) for at in range(size)]
            for name, size in zip(names, sizes, strict=True)
        }
        return _Question(build(*args, **places))

    @wraps(build)
    def rows(*args: P.args, **values: P.kwargs) -> list[Row]:
        sizes = tuple(len(one) if isinstance(one := values[name], list) else None for name in names)
        return kept(args, sizes).answer(values)

    return rows


class _Place(Value):
    """Where a statement has a value that comes with each asking: by its name, or by its name and number in a list."""

    def as_sql(self, compiler: Any, connection: Any) -> tuple[str, Any]:
        return "%s", [self]

    def filled(self, given: Mapping[str, Any], connection: Any) -> Any:
        name, at = self.value if isinstance(self.value, tuple) else (self.value, None)
        value = given[name] if at is None else given[name][at]
        return connection.ops.adapt_datetimefield_value(value) if isinstance(value, datetime) else value


class _Question(Generic[Row]):
    """A statement with its text, asked through the queryset it was made of."""

    def __init__(self, rows: QuerySet[Any, Row]) -> None:
        self._rows = rows.all()
        self._compiler: Any = rows.query.get_compiler(rows.db)
        try:
            self._text, self._values = self._compiler.as_sql()
        except EmptyResultSet:
            self._text, self._values = "", ()
        # With the text made, its conditions are of no use any more: sixty people have some ten statements each.
        query = self._compiler.query = self._rows.query
        query.where, query.combined_queries = WhereNode(), ()
        self._compiler.where = self._compiler.having = None

    def answer(self, given: Mapping[str, Any]) -> list[Row]:
        # Another thread may be asking the same: each asking has a compiler of its own, and its thread's connection.
        compiler, rows = copy(self._compiler), self._rows.all()
        compiler.connection = connection = connections[rows.db]
        values = [one.filled(given, connection) if isinstance(one, _Place) else one for one in self._values]
        compiler.as_sql = lambda *_, **__: (self._text, values)
        rows.query.get_compiler = lambda *_, **__: compiler  # type: ignore[method-assign]
        return list(rows)
