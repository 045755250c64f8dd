"""Listening to the exchange, by every way that is configured: its log file is followed, its events are heard over TCP.

The place in the log is kept in the transaction of the events read up to it: after a crash, an outage or a rotation
reading goes on from there. What AMI told while nobody listened is told by the log. Two listeners do no harm.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Iterable
from contextlib import suppress
from datetime import datetime
from pathlib import Path
from queue import Empty, Full, Queue
from typing import Any, Final
from urllib.parse import unquote, urlsplit

from django.conf import settings
from django.db import DatabaseError, close_old_connections, connection
from django.db.models import F
from django.utils import timezone

from otklik.core import journal
from otklik.hotline import calls
from otklik.hotline.exchange import ami, log_files, queue_log
from otklik.hotline.exchange.events import Event
from otklik.hotline.models import ExchangeState

log = logging.getLogger("otklik.exchange")
Way = ExchangeState.Way
LOOK_EVERY: Final = 0.3  # seconds between looks at the log
TELL_EVERY: Final = 10.0  # seconds between signs of life
AFTER_ERROR: Final = 3.0
MOST_KEPT: Final = 100_000  # events of AMI kept while the database does not answer


class Listener:
    """Listens until `stop()`."""

    def __init__(self, *, since: datetime | None = None) -> None:
        """`since`: from when on a log read for the first time counts; not told: from this morning."""
        self.stopping = threading.Event()
        self._since = since or timezone.localtime().replace(hour=0, minute=0, second=0, microsecond=0)
        self._heard: Queue[Event] = Queue(MOST_KEPT)

    def stop(self) -> None:
        """Take nothing new."""
        self.stopping.set()

    def run(self) -> None:
        """Listen in every configured way until stopped."""
        ways: list[Callable[[], None]] = []
        if settings.EXCHANGE_QUEUE_LOG:
            ways.append(self._follow_log)
        if settings.EXCHANGE_AMI:
            ways += [self._hear_ami, self._take_heard]
        threads = [threading.Thread(target=self._repeat, args=[way], name=way.__name__) for way in ways]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

    def _repeat(self, way: Callable[[], None]) -> None:
        while not self.stopping.is_set():
            close_old_connections()
            try:
                way()
            except DatabaseError:
                log.exception("the database does not answer")
                self.stopping.wait(AFTER_ERROR)
            except Exception:
                log.exception("listening failed")
                self.stopping.wait(AFTER_ERROR)
        connection.close()

    # The log file

    def _follow_log(self) -> None:
        path, told = Path(settings.EXCHANGE_QUEUE_LOG), 0.0
        while not self.stopping.is_set():
            close_old_connections()
            error = ""
            try:
                read_log(path, since=self._since, stopping=self.stopping.is_set)
            except OSError as exc:
                error = f"{path}: {exc.strerror or type(exc).__name__}"
            if error or time.monotonic() - told > TELL_EVERY:
                _tell(Way.QUEUE_LOG, error=error)
                told = time.monotonic()
            self.stopping.wait(AFTER_ERROR if error else LOOK_EVERY)

    # AMI

    def _hear_ami(self) -> None:
        host, port, user, password = address()
        try:
            line = ami.Connection(host, port, user=user, password=password)
        except (OSError, ami.Refused) as exc:
            _tell(Way.AMI, error=f"{host}:{port}: {_words(exc)}")
            self.stopping.wait(AFTER_ERROR)
            return
        _tell(Way.AMI, connected_at=timezone.now())
        told = time.monotonic()
        try:
            for messages in line.messages(self.stopping.is_set):
                self._put(messages)
                if time.monotonic() - told > TELL_EVERY:
                    close_old_connections()
                    with suppress(DatabaseError):  # hearing goes on while the database does not answer
                        _tell(Way.AMI)
                    told = time.monotonic()
        except (OSError, ami.Refused) as exc:
            _tell(Way.AMI, error=f"{host}:{port}: {_words(exc)}")
        finally:
            line.close()
        self.stopping.wait(1.0)

    def _put(self, messages: Iterable[dict[str, str]]) -> None:
        now = timezone.now()
        for message in messages:
            event = ami.translate(message, arrived=now, contexts=settings.EXCHANGE_CONTEXTS)
            if event is None:
                continue
            try:
                self._heard.put_nowait(event)
            except Full:
                log.error("the database has not answered for long: events of AMI are dropped, the log will tell them")

    def _take_heard(self) -> None:
        part: list[Event] = []
        while not (self.stopping.is_set() and self._heard.empty() and not part):
            close_old_connections()
            with suppress(Empty):
                if not part:
                    part.append(self._heard.get(timeout=0.5))
                while len(part) < calls.BATCH:
                    part.append(self._heard.get_nowait())
            if not part:
                continue
            try:
                calls.take(part)
                _tell(Way.AMI, heard_at=timezone.now())
            except DatabaseError:
                log.exception("events are not kept yet")
                if self.stopping.wait(AFTER_ERROR):
                    return  # the log will tell them again
                continue
            part = []


def read_log(path: Path, *, since: datetime | None = None, stopping: Callable[[], bool] = lambda: False) -> int:
    """Take what the log tells since reading stopped; return how many events were new. Raises OSError.

    `since`: from when on events count, where the log has never been read.
    """
    state, total = ExchangeState.objects.filter(way=Way.QUEUE_LOG).first(), 0
    place = log_files.Place(state.head, state.position) if state else log_files.Place("", 0)
    since = state.since if state and state.head else since
    for after, piece in log_files.pieces(path, place):
        reader = queue_log.Reader()
        found = [one for one in reader.feed(piece) if since is None or one.at >= since]
        with journal.together():
            new = calls.take(found)
            known: dict[str, Any] = {"head": after.head, "position": after.position, "since": since}
            if new:
                known["heard_at"] = timezone.now()
            _tell(Way.QUEUE_LOG, unread=reader.unread, **known)
        total += new
        if stopping():
            break
    return total


def heard_webhook() -> None:
    """Remember that the exchange has sent something by itself."""
    _tell(Way.WEBHOOK, heard_at=timezone.now())


def address() -> tuple[str, int, str, str]:
    """Return where AMI is and what it knows us by, as `OTKLIK_EXCHANGE_AMI` says."""
    parts = urlsplit(settings.EXCHANGE_AMI)
    host, port = parts.hostname or "127.0.0.1", parts.port or 5038
    return host, port, unquote(parts.username or ""), unquote(parts.password or "")


def _tell(way: str, *, error: str = "", unread: int = 0, **known: Any) -> None:
    now = timezone.now()
    known |= {"seen_at": now, "error": error[:300]}
    if unread:
        known |= {"unread": F("unread") + unread, "unread_at": now}
    rows = ExchangeState.objects.filter(way=way)
    if not rows.update(**known):
        ExchangeState.objects.bulk_create([ExchangeState(way=way)], ignore_conflicts=True)
        rows.update(**known)


def _words(exc: Exception) -> str:
    if isinstance(exc, TimeoutError):
        return "не отвечает"
    if isinstance(exc, ConnectionRefusedError):
        return "не принимает соединений"
    return str(exc) if isinstance(exc, ami.Refused | ConnectionError) else type(exc).__name__
