"""What is to be found, as the rooms put it: rows, and a change for every machine's index in the same transaction.

Nothing is analysed here: who registers an appeal does not wait for its words.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable
from typing import Any, Final

from django.db import connection, transaction
from django.db.models import Q, QuerySet
from django.utils import timezone

from otklik.search import changes
from otklik.search.models import Entry

_SCOPE: Final = re.compile(r"[a-z0-9:-]{1,60}")
_PORTION: Final = 500

_PUT: Final = """
    INSERT INTO search_entry ("index", key, title, body, scopes, changed_at) VALUES (%s, %s, %s, %s, %s, %s)
    ON CONFLICT ("index", key) DO UPDATE
    SET title = excluded.title, body = excluded.body, scopes = excluded.scopes, changed_at = excluded.changed_at
    WHERE search_entry.title <> excluded.title OR search_entry.scopes <> excluded.scopes
        OR search_entry.body <> excluded.body
"""


def put(index: str, key: str, *, title: str, body: str, scopes: Collection[str]) -> None:
    """Make a document findable, or replace what was known of it, by readers who hold one of `scopes`.

    Where nothing is new, nothing is written.
    """
    title, body = title.replace("\x00", " ")[:500], body.replace("\x00", " ")
    now = connection.ops.adapt_datetimefield_value(timezone.now())
    with transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute(_PUT, [index, key, title, body, line_of(scopes), now])
            written = cursor.rowcount
        if written:
            changes.write(index, [key])


def put_each(index: str, documents: Iterable[tuple[str, str, str, Collection[str]]]) -> None:
    """Put many documents, (key, title, body, scopes), as `put` puts one: for what comes by thousands."""
    now = connection.ops.adapt_datetimefield_value(timezone.now())
    rows = [
        [index, key, title.replace("\x00", " ")[:500], body.replace("\x00", " "), line_of(scopes), now]
        for key, title, body, scopes in documents
    ]
    with transaction.atomic():
        with connection.cursor() as cursor:
            cursor.executemany(_PUT, rows)
        changes.write(index, [str(row[1]) for row in rows])


def drop_each(index: str, keys: Collection[str]) -> None:
    """Forget many documents."""
    _forget(index, Entry.objects.filter(index=index, key__in=keys))


def drop(index: str, key: str) -> None:
    """Forget a document; nothing happens where it was not known."""
    _forget(index, Entry.objects.filter(index=index, key=key))


def drop_parts(index: str, keys: Collection[str], *, kept: Collection[str] = ()) -> None:
    """Forget the parts of documents, but for those kept. A part is put under its document's key and its own: «12/5»."""
    parts = Entry.objects.filter(index=index, key__contains="/")
    if len(keys) == 1:  # most often one page has changed: the parts of all others stay in the database
        parts = parts.filter(key__startswith=f"{next(iter(keys))}/")
    gone = [key for key in parts.values_list("key", flat=True) if key.partition("/")[0] in keys and key not in kept]
    for start in range(0, len(gone), _PORTION):
        _forget(index, Entry.objects.filter(index=index, key__in=gone[start : start + _PORTION]))


def clear(index: str) -> None:
    """Forget a whole index, before it is filled anew."""
    _forget(index, Entry.objects.filter(index=index))


def known(index: str) -> set[str]:
    """Return the keys of all documents of an index."""
    return set(Entry.objects.filter(index=index).values_list("key", flat=True))


def open_to(scopes: Iterable[str]) -> Q:
    """Return the condition of entries for readers who hold one of `scopes`."""
    allowed = Q(pk__in=[])
    for scope in line_of(scopes).split():
        allowed |= Q(scopes__contains=f" {scope} ")
    return allowed


def line_of(scopes: Iterable[str]) -> str:
    """Return scopes as an entry keeps them; raises ValueError for one that could be taken for others."""
    for scope in scopes:
        if not _SCOPE.fullmatch(scope):
            raise ValueError(f"not a scope: {scope!r}")
    return f" {' '.join(sorted(scopes))} "


@transaction.atomic
def _forget(index: str, entries: QuerySet[Entry, Any]) -> None:
    if keys := list(entries.values_list("key", flat=True)):
        entries.delete()
        changes.write(index, keys)
