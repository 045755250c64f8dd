"""`otklik scheduler`: plans periodic jobs. Any number may run."""

from __future__ import annotations

import signal
import threading
from typing import Any

from django.core.management.base import BaseCommand

from otklik.config import safety
from otklik.config.worker import schedule


class Command(BaseCommand):
    """Plans until told to stop."""

    help = "Назначать задания по расписанию; выполняет их worker"
    requires_system_checks: list[str] = []

    def handle(self, *args: Any, **options: Any) -> None:
        """Plan; leave on SIGTERM or Ctrl+C."""
        for warning in safety.refuse_unsafe():
            self.stderr.write(warning)
        stopping = threading.Event()
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: stopping.set())
        schedule(stopping)
