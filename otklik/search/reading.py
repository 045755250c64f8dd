"""Where those who search are answered from: the index on this machine's disk, else the table itself.

Tests are answered at once (`SEARCH_AT_ONCE`): from an index in memory that is brought to what the asking transaction
sees before every answer.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Collection
from dataclasses import dataclass
from datetime import UTC, datetime
from threading import Lock
from typing import Final, NamedTuple, TypeVar

from django.conf import settings
from django.db.models import Count, Min

from otklik.search import changes
from otklik.search.fallback import Table
from otklik.search.folder import Folder, Mark, State
from otklik.search.index import Document, Index, View
from otklik.search.models import Change, Entry
from otklik.search.store import Store

log = logging.getLogger("otklik.search")
Found = TypeVar("Found")


def look(index: str, scopes: Collection[str], work: Callable[[Store], Found]) -> Found:
    """Return what `work` finds in an index as readers who hold one of `scopes` see it.

    Where the index cannot be asked, `work` is done over the table, and the indexer is told.
    """
    if settings.SEARCH_AT_ONCE:
        return work(_at_once.view(index, scopes))
    try:
        if view := _shelf.view(index, scopes):
            return work(view)
    except BaseException as wrong:
        if not isinstance(wrong, Exception) and type(wrong).__name__ != "PanicException":  # what tantivy panics with
            raise
        log.exception("search index %s cannot be read: answered from the table", index)
        _shelf.lose(index)
    return work(Table(index, scopes))


@dataclass(frozen=True)
class Condition:
    """How this machine's indexes are. `building`: which, how far, of how many; `by_table`: asked for in the table."""

    is_kept: bool
    building: tuple[str, int, int] | None
    by_table: list[str]
    waiting: int
    oldest: datetime | None
    carried_at: datetime | None
    size: int


def condition() -> Condition:
    """Return how the indexes of this machine are: what `/readyz` and «Состояние системы» tell."""
    folder = Folder(settings.SEARCH_ROOT)
    state, mark = folder.state(), folder.mark()
    unread = changes.unread(state.position) if state else Change.objects.all()
    waits = unread.aggregate(waiting=Count("pk"), oldest=Min("at"))
    names = set(Entry.objects.order_by().values_list("index", flat=True).distinct())
    return Condition(
        folder.is_kept(),
        folder.told(),
        sorted(names - set(state.folders if state else ())),
        waits["waiting"],
        waits["oldest"],
        datetime.fromtimestamp(mark[1] / 1e9, UTC) if mark and state else None,
        folder.size(),
    )


class _Kept(NamedTuple):
    """An index that is open: in which folder, and as of which commit it was seen."""

    folder: str
    mark: Mark | None
    its: Index


class _Shelf:
    """The indexes this process has open."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._mark: Mark | None = None
        self._state: State | None = None
        self._open: dict[str, _Kept] = {}

    def view(self, index: str, scopes: Collection[str]) -> View | None:
        """Return the index as of its last commit; None where there is none."""
        with self._lock:
            folder = Folder(settings.SEARCH_ROOT)
            mark = folder.mark()
            if mark is None or mark != self._mark:
                self._state = folder.state() if mark else None
                self._mark = mark
            name = self._state.folders.get(index) if self._state else None
            if name is None:
                self._open.pop(index, None)
                return None
            kept = self._open.get(index)
            if kept is None or kept.folder != name:
                kept = _Kept(name, mark, Index(folder.path(name), new=False))
            elif kept.mark != mark:
                kept.its.reload()
            self._open[index] = kept._replace(mark=mark)
            return kept.its.view(scopes)

    def lose(self, index: str) -> None:
        """Forget an index that cannot be read, and have it looked after."""
        with self._lock:
            self._open.pop(index, None)
            self._mark = None
            Folder(settings.SEARCH_ROOT).ask(index, anew=False)


class _AtOnce:
    """Indexes in memory, for tests."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._known: dict[str, dict[str, Document]] = {}
        self._indexes: dict[str, Index] = {}

    def view(self, index: str, scopes: Collection[str]) -> View:
        """Return the index as the asking transaction sees the table."""
        rows = Entry.objects.filter(index=index).values_list("key", "title", "body", "scopes")
        there = {row[0]: Document(row[0], row[1], row[2], tuple(row[3].split())) for row in rows}
        with self._lock:
            known = self._known.setdefault(index, {})
            kept = self._indexes.setdefault(index, Index())
            if there != known:
                changed = [document for key, document in there.items() if known.get(key) != document]
                kept.write(changed, known.keys() - there.keys())
                self._known[index] = there
            return kept.view(scopes)


_shelf: Final = _Shelf()
_at_once: Final = _AtOnce()
