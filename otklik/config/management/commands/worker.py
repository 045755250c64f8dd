"""`otklik worker`: reads, joins and sends messages and does periodic jobs. As many as needed may run."""

from __future__ import annotations

import signal
from typing import Any

from django.core.management.base import BaseCommand

from otklik.config import safety
from otklik.config.worker import Worker


class Command(BaseCommand):
    """Works until told to stop."""

    help = "Разбирать, присоединять и отправлять сообщения, выполнять задания по расписанию"
    requires_system_checks: list[str] = []

    def handle(self, *args: Any, **options: Any) -> None:
        """Work; on SIGTERM or Ctrl+C finish what has been taken and leave."""
        for warning in safety.refuse_unsafe():
            self.stderr.write(warning)
        worker = Worker()
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: worker.stop())
        worker.run()
