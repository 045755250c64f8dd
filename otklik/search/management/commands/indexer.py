"""`otklik indexer`: keeps this machine's search indexes; `serve` and `worker` start it by themselves."""

from __future__ import annotations

import os
import signal
import sys
import threading
from argparse import ArgumentParser
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from otklik.search.folder import Busy, Folder
from otklik.search.indexer import Indexer


class Command(BaseCommand):
    """Works until told to stop."""

    help = "Вести поисковый указатель этой машины (serve и worker запускают сами)"
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Say whose child this is."""
        parser.add_argument(
            "--with-parent",
            action="store_true",
            help="завершиться, когда закроется стандартный ввод",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        """Carry changes until SIGTERM, Ctrl+C or the end of whoever started us."""
        stopping = threading.Event()
        if options["with_parent"]:
            threading.Thread(target=_wait_for_parent, args=[stopping], daemon=True).start()
        try:
            indexer = Indexer(Folder(settings.SEARCH_ROOT))
            for number in (signal.SIGTERM, signal.SIGINT):
                signal.signal(number, lambda *_: stopping.set())
            indexer.run(stopping)
        except Busy as busy:
            if not options["with_parent"]:  # of two who started one at once, one was faster
                raise CommandError(f"{busy} Второй не нужен.") from None


def _wait_for_parent(stopping: threading.Event) -> None:
    """Stop once the other end of the pipe is closed, in whatever way whoever started us has ended."""
    while os.read(sys.stdin.fileno(), 1024):
        pass
    stopping.set()
