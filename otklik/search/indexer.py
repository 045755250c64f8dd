"""The one process of a machine that carries changes from the database into the indexes on its disk.

What has been committed is written down after it (`Folder.keep`), and a change may be carried twice without harm: so the
process may be killed at any moment. Whatever is wrong with an index is mended by building it anew from the entries;
meanwhile those who search are answered from the table (`fallback`).
"""

from __future__ import annotations

import logging
import secrets
import time
from collections import defaultdict
from collections.abc import Callable, Collection, Iterator
from contextlib import suppress
from socket import gethostname
from threading import Event
from typing import Final

from django.db import close_old_connections, connection

from otklik.core import crashpoints
from otklik.search import changes
from otklik.search.changes import Position
from otklik.search.folder import Busy, Folder, State
from otklik.search.index import Document, Index, is_whole
from otklik.search.models import Entry

log = logging.getLogger("otklik.search")
BETWEEN_COMMITS: Final = 1.0  # seconds
IDLE: Final = 0.5
AFTER_ERROR: Final = 5.0
REPORTED_EVERY: Final = 10.0
RETIRED_EVERY: Final = 60.0
COUNTED_EVERY: Final = 600.0
BATCH: Final = 2000  # changes in one commit
_PORTION: Final = 100  # entries read at once: a file's text may be long

Say = Callable[[str, int, int], None]


class Indexer:
    """Holds a folder; raises Busy where somebody else does."""

    def __init__(self, folder: Folder) -> None:
        self.folder = folder
        self._open()

    def _open(self) -> None:
        self.folder.hold()
        self.folder.finished()
        self.indexes: dict[str, Index] = {}
        self.wanted: dict[str, bool] = {}  # to be built anew: whatever it is, or only where it is broken
        self._building = ""
        self._before: Position | None = None  # when that began: what has changed since is read again after it
        self._last: dict[str, float] = {}
        state = self.folder.state()
        if state is None or state.host != gethostname():
            self._begin()
            return
        self.state = state
        for name, path in list(state.folders.items()):
            if is_whole(self.folder.path(path)):
                self.indexes[name] = Index(self.folder.path(path), new=False)
            else:
                log.error("search index %s is broken or gone: it is built anew", name)
                self._lose(name)
        self.wanted |= dict.fromkeys(_names() - set(state.folders), True)

    def _begin(self) -> None:
        """Begin as a machine nobody knows, with nothing."""
        self._close_indexes()
        self.state = State(changes.now())
        self._enter(self.state.position)
        self.folder.keep(self.state)
        self.wanted |= dict.fromkeys(_names(), True)

    # The day's work

    def run(self, stopping: Event) -> None:
        """Work until told to stop."""
        failures = 0
        while not stopping.is_set():
            close_old_connections()
            begun = time.monotonic()
            try:
                rest, failures = BETWEEN_COMMITS if self.work() else IDLE, 0
            except Busy:
                raise
            except Exception:
                log.exception("search indexes cannot be kept")
                rest, failures = AFTER_ERROR * 2 ** min(failures, 4), failures + 1
            stopping.wait(max(0.0, rest - (time.monotonic() - begun)))
        self.close()
        connection.close()

    def work(self) -> bool:
        """Do what is due; tell whether anything changed."""
        self._stand()
        self.wanted |= {name: anew or self.wanted.get(name, False) for name, anew in self.folder.asked().items()}
        try:
            if self.wanted:
                self.build()
                return True
            if self.step():
                return True
        except changes.Forgotten:
            log.warning("this machine is not known or was silent too long: search indexes are built anew")
            self._begin()
            return True
        except changes.Elsewhere:
            log.error("the database is another one: search indexes are built anew")
            changes.start_over()
            self._begin()
            return True
        self._now_and_then("retired", RETIRED_EVERY, changes.retire)
        self._now_and_then("counted", COUNTED_EVERY, self._count)
        return False

    def step(self) -> bool:
        """Carry the next changes into the indexes, one commit each; tell whether there were any."""
        batch = changes.read(self.state.position, self.state.token, BATCH)
        keys: dict[str, set[str]] = defaultdict(set)
        for name, key in batch.changes:
            keys[name].add(key)
        for name, changed in keys.items():
            self._carry(name, changed)
        if batch.after != self.state.position:
            self.state.position = batch.after
            if keys:
                crashpoints.reach("search.committed")
            self._keep(quietly=not keys)
        self._now_and_then("reported", REPORTED_EVERY, self._report)
        return bool(keys)

    def _carry(self, name: str, keys: set[str]) -> None:
        index = self.indexes.get(name)
        if index is None:
            if name != self._building:
                self.wanted.setdefault(name, True)
            return
        there = set(Entry.objects.filter(index=name, key__in=keys).values_list("key", flat=True))
        try:
            index.write(map(_document, _entries(name, there)), keys - there)
        except (OSError, ValueError):
            log.exception("search index %s cannot be written: it is built anew", name)
            self._lose(name)
        crashpoints.reach("search.written")

    def _keep(self, *, quietly: bool) -> None:
        """Write the position down; where only numbers of transactions went on, not every time."""
        if quietly and time.monotonic() - self._last.get("kept", -REPORTED_EVERY) < REPORTED_EVERY:
            return
        self._last["kept"] = time.monotonic()
        self.folder.keep(self.state)

    def _report(self) -> None:
        changes.report(self.state.token, self._before or self.state.position)

    def _now_and_then(self, name: str, every: float, what: Callable[[], object]) -> None:
        if time.monotonic() - self._last.get(name, -every) >= every:
            self._last[name] = time.monotonic()
            what()

    # What may be wrong

    def _stand(self) -> None:
        """Look whether everything is still in its place."""
        if not self.folder.is_held():
            log.error("the folder of search indexes was removed: they are built anew")
            self._close_indexes()
            self.folder.release()
            self._open()
        if self.folder.mark() is None:
            self._begin()
        for name in list(self.indexes):
            if not (self.folder.path(self.state.folders[name]) / "meta.json").exists():
                log.error("the folder of search index %s was removed: it is built anew", name)
                self._lose(name)

    def _count(self) -> None:
        """Compare indexes with the table, where nothing waits to be carried."""
        for name, index in list(self.indexes.items()):
            there, found = Entry.objects.filter(index=name).count(), index.view().size()
            if there != found and not changes.unread(self.state.position).exists() and not self.step():
                log.error("search index %s holds %d entries instead of %d: it is built anew", name, found, there)
                self.wanted[name] = True

    def _lose(self, name: str) -> None:
        self.indexes.pop(name, None)
        self.state.folders.pop(name, None)
        self.folder.keep(self.state)
        self.wanted[name] = True

    # Building anew

    def build(self, say: Say = lambda name, done, total: None) -> None:
        """Build what is wanted anew from the entries; what changes meanwhile goes into the indexes that stand."""
        self.folder.sweep(self.state.folders)
        try:
            while self.wanted:
                name, anew = next(iter(self.wanted.items()))
                if anew or not self._is_sound(name):
                    self._build(name, say)
                self.wanted.pop(name, None)
                self.folder.done(name)
        finally:
            self._building, self._before = "", None
            self.folder.finished()

    def _build(self, name: str, say: Say) -> None:
        self._building, self._before = name, changes.now()
        self._enter(self._before)
        path = f"{name}-{secrets.token_hex(4)}"
        index = Index(self.folder.path(path))
        index.fill(self._documents(name, say))
        crashpoints.reach("search.built")
        # What the others have had since then comes to them again, which does no harm.
        self.state.position = self._before
        old, self.indexes[name], self.state.folders[name] = self.indexes.get(name), index, path
        self.folder.keep(self.state)
        if old is not None:
            old.close()
        self.folder.sweep(self.state.folders)

    def _is_sound(self, name: str) -> bool:
        return name in self.indexes and is_whole(self.folder.path(self.state.folders[name]))

    def _enter(self, position: Position) -> None:
        """Let changes wait for us from here on, before any entry is read."""
        changes.enter(self.state.token, self.state.host, position)
        self._last["reported"] = time.monotonic()

    def _documents(self, name: str, say: Say) -> Iterator[Document]:
        total, done, last = Entry.objects.filter(index=name).count(), 0, 0
        told, rest = time.monotonic(), BETWEEN_COMMITS
        self.folder.tell(name, 0, total)
        say(name, 0, total)
        while portion := list(Entry.objects.filter(index=name, pk__gt=last).order_by("pk")[:_PORTION]):
            for entry in portion:
                yield _document(entry)
                if (now := time.monotonic()) - told > rest:
                    self.folder.tell(name, done, total)
                    say(name, done, total)
                    self.step()  # those that stand go on
                    told = time.monotonic()
                    rest = max(BETWEEN_COMMITS, told - now)  # of a long queue of changes, with half of the time at most
                done += 1
            last = portion[-1].pk
        say(name, done, total)

    # The end

    def close(self) -> None:
        """Leave the folder to others."""
        self._close_indexes()
        self.folder.release()

    def _close_indexes(self) -> None:
        for index in self.indexes.values():
            with suppress(Exception):
                index.close()
        self.indexes.clear()


def _names() -> set[str]:
    return set(Entry.objects.order_by().values_list("index", flat=True).distinct())


def _entries(name: str, keys: Collection[str]) -> Iterator[Entry]:
    asked = sorted(keys)
    for start in range(0, len(asked), _PORTION):
        yield from Entry.objects.filter(index=name, key__in=asked[start : start + _PORTION])


def _document(entry: Entry) -> Document:
    return Document(entry.key, entry.title, entry.body, entry.scopes.split())
