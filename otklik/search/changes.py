"""The rows that say what has changed, and how far a machine has read them.

A change is written in the transaction of what it tells of. On PostgreSQL transactions do not commit in the order of
their numbers, so «all below a number» is believed only below the oldest transaction that still runs; what is above is
read again and again, and what of it has been applied is remembered by row.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from datetime import datetime, timedelta
from typing import Any, Final, NamedTuple

from django.db import connection, transaction
from django.db.models import Min, QuerySet

from otklik.core import beats
from otklik.search.models import Change, IndexHost

KEPT: Final = timedelta(days=7)  # for a machine that is silent; who comes back later builds its index anew
_AT_ONCE: Final = 10_000  # rows removed in one transaction


class Position(NamedTuple):
    """How far the changes have been read: all below `floor`, and of those above it the rows `seen` (row: number)."""

    floor: int
    seen: Mapping[int, int]


class Batch(NamedTuple):
    """Changes in their order, and the position of who has applied them."""

    changes: list[tuple[str, str]]
    after: Position
    more: bool


class Forgotten(Exception):
    """The machine is not known, or was silent for so long that changes have gone without it."""


class Elsewhere(Exception):
    """The numbers in the rows are of another database: it was carried here by other means than ours."""


def write(index: str, keys: Collection[str]) -> None:
    """Say that entries have changed; the caller's transaction carries both or neither."""
    if not keys:
        return
    number = "pg_current_xact_id()::text::bigint" if _is_postgres() else "0"
    name, now = connection.ops.quote_name, connection.ops.adapt_datetimefield_value(_now())
    with connection.cursor() as cursor:
        cursor.executemany(
            f"INSERT INTO search_change ({name('index')}, key, at, {name('transaction')})"  # noqa: S608  words of ours
            f" VALUES (%s, %s, %s, {number})",
            [(index, key, now) for key in keys],
        )


def now() -> Position:
    """Return the position of who reads all entries after this call."""
    return Position(_ask(_NOW_POSTGRES if _is_postgres() else _NOW_SQLITE, [])[0][0], {})


def read(position: Position, token: str, limit: int) -> Batch:
    """Return the next changes; raises Forgotten where some may have gone, Elsewhere where no number can be trusted."""
    return _read_postgres(position, token, limit) if _is_postgres() else _read_sqlite(position, token, limit)


def unread(position: Position) -> QuerySet[Change]:
    """Return the changes that somebody at this position has not read."""
    rows = Change.objects.exclude(pk__in=list(position.seen))
    return rows.filter(transaction__gte=position.floor) if _is_postgres() else rows.filter(pk__gte=position.floor)


def enter(token: str, name: str, position: Position) -> None:
    """Make a machine known: from here on changes wait for it."""
    facts = {"name": name[:80], "position": position.floor, "seen_at": beats.database_now()}
    IndexHost.objects.update_or_create(token=token, defaults=facts)


def report(token: str, position: Position) -> None:
    """Say how far a known machine has read."""
    IndexHost.objects.filter(token=token).update(position=position.floor, seen_at=beats.database_now())


def retire() -> int:
    """Remove the changes that every machine has read, and forget machines long silent; return how many rows went."""
    with transaction.atomic():
        IndexHost.objects.filter(seen_at__lt=beats.database_now() - KEPT).delete()
        floor = IndexHost.objects.aggregate(floor=Min("position"))["floor"]
        if floor is None:
            return 0
        field = "transaction" if _is_postgres() else "pk"
        old = Change.objects.filter(**{f"{field}__lt": floor}).order_by(field).values_list("pk", flat=True)[:_AT_ONCE]
        return Change.objects.filter(pk__in=list(old)).delete()[0]


def start_over() -> None:
    """Forget all changes and machines: the numbers in them are of another database."""
    with transaction.atomic():
        IndexHost.objects.all().delete()
        Change.objects.all().delete()


# Rows and what they are measured by come from one statement, so from one moment.

_NOW_POSTGRES: Final = "SELECT pg_snapshot_xmin(pg_current_snapshot())::text::bigint"
_NOW_SQLITE: Final = "SELECT COALESCE((SELECT seq FROM sqlite_sequence WHERE name = 'search_change'), 0) + 1"

_POSTGRES: Final = """
    SELECT pg_snapshot_xmin(s.now)::text::bigint, pg_snapshot_xmax(s.now)::text::bigint, h.id,
        c.id, c.transaction, c."index", c.key
    FROM (SELECT pg_current_snapshot() AS now) s
    LEFT JOIN search_indexhost h ON h.token = %s
    LEFT JOIN LATERAL (
        SELECT id, transaction, "index", key FROM search_change
        WHERE transaction >= %s AND id <> ALL(%s::bigint[]) ORDER BY transaction, id LIMIT %s
    ) c ON true
"""
_SQLITE: Final = f"""
    SELECT ({_NOW_SQLITE}), h.id, c.id, c."index", c.key
    FROM (SELECT 1) LEFT JOIN search_indexhost h ON h.token = %s
    LEFT JOIN (SELECT id, "index", key FROM search_change WHERE id >= %s ORDER BY id LIMIT %s) c ON 1
    ORDER BY c.id
"""  # noqa: S608  of our own words


def _read_postgres(position: Position, token: str, limit: int) -> Batch:
    rows = _ask(_POSTGRES, [token, position.floor, list(position.seen), limit])
    oldest, next_one, host = rows[0][:3]
    _check(host, position, next_one)
    found = sorted((number, pk, index, key) for _, _, _, pk, number, index, key in rows if pk is not None)
    more = len(found) == limit
    floor = min(oldest, found[-1][0]) if more else oldest
    seen = {**position.seen, **{pk: number for number, pk, _, _ in found}}
    after = Position(max(position.floor, floor), {pk: number for pk, number in seen.items() if number >= floor})
    return Batch([(index, key) for _, _, index, key in found], after, more)


def _read_sqlite(position: Position, token: str, limit: int) -> Batch:
    rows = _ask(_SQLITE, [token, position.floor, limit])
    next_one, host = rows[0][:2]
    _check(host, position, next_one)
    found = [(pk, index, key) for _, _, pk, index, key in rows if pk is not None]
    floor = found[-1][0] + 1 if found else position.floor
    return Batch([(index, key) for _, index, key in found], Position(floor, {}), len(found) == limit)


def _check(host: int | None, position: Position, next_one: int) -> None:
    if position.floor > next_one:
        raise Elsewhere
    if host is None:
        raise Forgotten


def _ask(sql: str, values: Iterable[Any]) -> list[Any]:
    with connection.cursor() as cursor:
        cursor.execute(sql, list(values))
        return list(cursor.fetchall())


def _now() -> datetime:
    from django.utils import timezone

    return timezone.now()


def _is_postgres() -> bool:
    return connection.vendor == "postgresql"
