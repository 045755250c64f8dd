"""Who runs `serve` or `worker` sees that somebody on this machine keeps the indexes: a process of its own."""

from __future__ import annotations

import logging
import subprocess
import sys
import threading
from typing import Final

from django.conf import settings

from otklik.search.folder import Folder

log = logging.getLogger("otklik.search")
EVERY: Final = 2.0  # seconds between looks
AFTER_DEATH: Final = 5.0
PATIENCE: Final = 15.0  # seconds an indexer has to finish a commit


class Guard:
    """Starts the indexer where nobody else has, and again when it dies; ends the one it has started."""

    def __init__(self) -> None:
        self._stopping = threading.Event()
        self._child: subprocess.Popen[bytes] | None = None
        self._thread = threading.Thread(target=self._watch, name="search-index", daemon=True)

    def start(self) -> None:
        """Begin to watch."""
        if not settings.SEARCH_AT_ONCE:
            self._thread.start()

    def stop(self) -> None:
        """End the indexer, if it is ours; wait until it has finished."""
        self._stopping.set()
        if self._thread.ident:
            self._thread.join(2 * PATIENCE)

    def _watch(self) -> None:
        folder, rest = Folder(settings.SEARCH_ROOT), 0.0
        while not self._stopping.wait(rest):
            rest = EVERY
            if self._child is not None and self._child.poll() is not None:
                # Another process's child may have been faster.
                if self._child.returncode and not folder.is_kept():
                    log.error("the indexer ended with code %s: it is started again", self._child.returncode)
                    rest = AFTER_DEATH
                self._child = None
            elif self._child is None and not folder.is_kept():
                self._child = _started()
        if self._child is not None:
            _end(self._child)


def _started() -> subprocess.Popen[bytes]:
    # It ends when the pipe does, so also when we are killed; Ctrl+C reaches us, and we end it in order.
    command = [sys.executable, "-m", "otklik", "indexer", "--with-parent"]
    return subprocess.Popen(command, stdin=subprocess.PIPE, start_new_session=True)  # noqa: S603


def _end(child: subprocess.Popen[bytes]) -> None:
    child.terminate()
    try:
        child.wait(PATIENCE)
    except subprocess.TimeoutExpired:
        child.kill()
        child.wait()
