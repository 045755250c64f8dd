"""Rows of every table as lines of JSON: what one database wrote, the other reads back equal to the last sign."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from hashlib import sha256
from itertools import islice
from typing import Any, Final
from uuid import UUID

from django.db import connection, models, transaction
from django.db.migrations.loader import MigrationLoader
from django.db.migrations.recorder import MigrationRecorder

# What is not carried over: signs of life, sign-ins (everybody signs in anew), how far machines have indexed what is
# found (each builds its index anew), what documents mean (a worker encodes them anew), and an index that is made from
# pages.
LEFT_OUT: Final = (
    *("core_workerbeat", "django_session", "usersessions_usersession", "people_citizensession"),
    *("search_change", "search_indexhost", "search_vector"),
)
DERIVED: Final = "wagtailsearch"

Name = tuple[str, str]
Row = list[Any]
MODULUS: Final = 2**256
PORTION: Final = 2000


class NotCarried(TypeError):
    """A column of a kind that has no form of its own here: a defect of ours, told before anything is written."""


@dataclass(frozen=True)
class Table:
    """A table as this state of the migrations knows it. `counted`: the column whose numbers a sequence gives."""

    name: str
    columns: tuple[str, ...]
    kinds: tuple[str, ...]
    counted: str

    @property
    def files(self) -> list[int]:
        """Places of the columns that name files of the media folder."""
        return [place for place, kind in enumerate(self.kinds) if kind == "file"]


@dataclass(frozen=True)
class Content:
    """What a table holds, whatever the order of its rows: equal tables have equal contents."""

    rows: int
    digest: str


class Tally:
    """Counts lines and sums their digests, so that the order in which a database gives rows does not matter."""

    def __init__(self) -> None:
        self.rows, self._sum = 0, 0

    def add(self, line: bytes) -> bytes:
        """Count a line and hand it back."""
        self.rows += 1
        self._sum = (self._sum + int.from_bytes(sha256(line).digest(), "big")) % MODULUS
        return line

    @property
    def content(self) -> Content:
        """What has been counted."""
        return Content(self.rows, f"{self._sum:064x}")


def applied() -> list[Name]:
    """Return the migrations this database has seen."""
    return sorted(MigrationRecorder(connection).applied_migrations())


def leaves(names: Iterable[Name], loader: MigrationLoader) -> list[Name]:
    """Return the last migration of each application among `names`."""
    known = {name for name in names if name in loader.graph.nodes}
    return sorted(name for name in known if not known & _next(loader, name))


def _next(loader: MigrationLoader, name: Name) -> set[Name]:
    """Return the migrations of the same application that follow at once."""
    return {child.key for child in loader.graph.node_map[name].children if child.key[0] == name[0]}


def every(names: Iterable[Name]) -> list[Table]:
    """Return the tables that are carried over, as they were once these migrations had been applied."""
    loader = MigrationLoader(connection)
    state = loader.project_state(leaves(names, loader))
    found: list[type[models.Model]] = list(state.apps.get_models(include_auto_created=True))
    found.append(MigrationRecorder(connection).Migration)
    carried = (one for one in found if one._meta.managed and not one._meta.proxy and _is_carried(one))
    return sorted((_table(one) for one in carried), key=lambda table: table.name)


def _is_carried(model: type[models.Model]) -> bool:
    return model._meta.db_table not in LEFT_OUT and model._meta.app_label != DERIVED


def _table(model: type[models.Model]) -> Table:
    fields = model._meta.local_concrete_fields
    counted = next((str(field.column) for field in fields if isinstance(field, models.AutoField)), "")
    return Table(
        model._meta.db_table,
        tuple(str(field.column) for field in fields),
        tuple(_kind(field) for field in fields),
        counted,
    )


_KINDS: Final = {
    "BooleanField": "bool",
    "DateTimeField": "moment",
    "DateField": "day",
    "TimeField": "time",
    "DurationField": "span",
    "JSONField": "json",
    "UUIDField": "uuid",
    "BinaryField": "bytes",
    "FloatField": "float",
    "FileField": "file",
    "ImageField": "file",
} | dict.fromkeys(
    ("CharField", "TextField", "SlugField", "EmailField", "URLField", "GenericIPAddressField", "FilePathField"), "text"
)


def _kind(field: models.Field[Any, Any]) -> str:
    while field.remote_field is not None:
        field = field.target_field  # type: ignore[attr-defined]
    name = field.get_internal_type()
    if name.endswith(("IntegerField", "AutoField")):
        return "int"
    if name not in _KINDS:
        raise NotCarried(f"{field.model._meta.label}.{field.name}: {name}")
    return _KINDS[name]


@contextmanager
def snapshot() -> Iterator[None]:
    """Read the database as it is at this moment, whatever others write meanwhile; nobody waits for us."""
    if connection.vendor == "postgresql":
        with transaction.atomic(durable=True), connection.cursor() as cursor:
            cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY")
            yield
        return
    with connection.cursor() as cursor:
        cursor.execute("BEGIN DEFERRED")  # Django's own way would take the lock that writers need
        try:
            cursor.execute("SELECT COUNT(*) FROM sqlite_master").fetchone()
            yield
        finally:
            cursor.execute("ROLLBACK")


def lines(table: Table, tally: Tally, *, seen: Callable[[Row], None] = lambda row: None) -> Iterator[bytes]:
    """Yield the rows of a table, one line each, counted by `tally`; `seen` is shown each row."""
    plain = [_PLAIN.get(kind, _as_it_is) for kind in table.kinds]
    columns = ", ".join(map(connection.ops.quote_name, table.columns))
    with connection.chunked_cursor() as cursor:
        cursor.execute(f"SELECT {columns} FROM {connection.ops.quote_name(table.name)}")  # noqa: S608  names of ours
        while rows := cursor.fetchmany(PORTION):
            for row in rows:
                values = [None if value is None else to(value) for to, value in zip(plain, row, strict=True)]
                seen(values)
                yield tally.add(json.dumps(values, ensure_ascii=False, separators=(",", ":")).encode() + b"\n")


def content(table: Table) -> Content:
    """Read a table through and return what it holds."""
    tally = Tally()
    for _ in lines(table, tally):
        pass
    return tally.content


def empty(tables: Iterable[Table]) -> None:
    """Remove every row of the tables, whoever refers to whom; call it in a transaction."""
    names = [connection.ops.quote_name(table.name) for table in tables]
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            cursor.execute(f"TRUNCATE {', '.join(names)} RESTART IDENTITY CASCADE")
            return
        for name in names:
            cursor.execute(f"DELETE FROM {name}")  # noqa: S608  names of ours


def fill(table: Table, source: Iterable[bytes]) -> None:
    """Write lines into an empty table."""
    native = [_native(kind) for kind in table.kinds]
    rows = (
        [None if value is None else to(value) for to, value in zip(native, json.loads(line), strict=True)]
        for line in source
    )
    name, columns = connection.ops.quote_name(table.name), ", ".join(map(connection.ops.quote_name, table.columns))
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            with cursor.copy(f"COPY {name} ({columns}) FROM STDIN") as copy:
                for row in rows:
                    copy.write_row(row)
            return
        marks = ", ".join(["%s"] * len(table.columns))
        while portion := list(islice(rows, PORTION)):
            cursor.executemany(f"INSERT INTO {name} ({columns}) VALUES ({marks})", portion)  # noqa: S608  names of ours


def sequence(table: Table) -> int | None:
    """Return the last number a table's sequence gave, rows removed since included; None where it has none."""
    if not table.counted:
        return None
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            if (name := _sequence_name(table)) is None:
                return None
            cursor.execute(f"SELECT CASE WHEN is_called THEN last_value ELSE 0 END FROM {name}")  # noqa: S608
        else:
            cursor.execute("SELECT COALESCE((SELECT seq FROM sqlite_sequence WHERE name = %s), 0)", [table.name])
        return int(cursor.fetchone()[0])


def set_sequence(table: Table, last: int) -> None:
    """Let a table's next row get the number after `last`: a number once given is not given again."""
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            if last and (name := _sequence_name(table)):
                cursor.execute("SELECT setval(%s, %s)", [name, last])
            return
        cursor.execute("DELETE FROM sqlite_sequence WHERE name = %s", [table.name])
        cursor.execute("INSERT INTO sqlite_sequence (name, seq) VALUES (%s, %s)", [table.name, last])


def _sequence_name(table: Table) -> str | None:
    with connection.cursor() as cursor:
        quoted = connection.ops.quote_name(table.name)
        cursor.execute("SELECT pg_get_serial_sequence(%s, %s)", [quoted, table.counted])
        name: str | None = cursor.fetchone()[0]
        return name


# From what a database gives to what JSON holds.


def _as_it_is(value: Any) -> Any:
    return value


def _moment(value: datetime) -> str:
    aware = value if value.tzinfo else value.replace(tzinfo=UTC)  # SQLite keeps UTC without saying so
    return aware.astimezone(UTC).isoformat(timespec="microseconds")


def _json(value: Any) -> str:
    content = json.loads(value) if isinstance(value, str | bytes) else value
    return json.dumps(content, ensure_ascii=False, sort_keys=True, separators=(",", ":"))


def _span(value: timedelta | int) -> int:
    return value if isinstance(value, int) else round(value / timedelta(microseconds=1))


_PLAIN: Final[dict[str, Callable[[Any], Any]]] = {
    "bool": bool,
    "moment": _moment,
    "day": date.isoformat,
    "time": time.isoformat,
    "span": _span,
    "json": _json,
    "uuid": lambda value: value.hex if isinstance(value, UUID) else str(value),
    "bytes": lambda value: base64.b64encode(bytes(value)).decode(),
    "float": float,
    "text": str,
    "file": str,
}


def _native(kind: str) -> Callable[[Any], Any]:
    """Return how a value of this kind goes into the database at hand."""
    ops, has = connection.ops, connection.features
    return {
        "moment": lambda value: ops.adapt_datetimefield_value(datetime.fromisoformat(value)),
        "day": lambda value: ops.adapt_datefield_value(date.fromisoformat(value)),
        "time": lambda value: ops.adapt_timefield_value(time.fromisoformat(value)),
        "span": lambda value: timedelta(microseconds=value) if has.has_native_duration_field else value,
        "json": lambda value: ops.adapt_json_value(json.loads(value), None),
        "uuid": lambda value: UUID(value) if has.has_native_uuid_field else value,
        "bytes": base64.b64decode,
    }.get(kind, _as_it_is)
