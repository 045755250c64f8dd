"""`otklik exchange`: listens to the telephone exchange. One is enough; two do no harm."""

from __future__ import annotations

import signal
from argparse import ArgumentParser
from datetime import datetime
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from otklik.config import safety
from otklik.core import typed
from otklik.core.hours import midnight
from otklik.hotline.listening import Listener


class Command(BaseCommand):
    """Listens until told to stop."""

    help = "Слушать телефонную станцию: журнал очереди и события AMI"
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Say from when on an old log counts."""
        parser.add_argument(
            "--since",
            metavar="ГГГГ-ММ-ДД",
            help="с какого дня брать звонки из журнала очереди при первом чтении; без него — с сегодняшнего",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        """Listen; on SIGTERM or Ctrl+C keep what has been heard and leave."""
        for warning in safety.refuse_unsafe():
            self.stderr.write(warning)
        if not (settings.EXCHANGE_AMI or settings.EXCHANGE_QUEUE_LOG):
            raise CommandError(
                "Слушать нечего: задайте OTKLIK_EXCHANGE_QUEUE_LOG (путь к queue_log) или OTKLIK_EXCHANGE_AMI"
                " (ami://имя:пароль@станция:5038). Подробно: docs/exchange.md."
            )
        listener = Listener(since=_began(options["since"]) if options["since"] else None)
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: listener.stop())
        listener.run()


def _began(text: str) -> datetime:
    if (day := typed.day(text)) is None:
        raise CommandError("Дату пишут как 2026-11-24.")
    return midnight(day)
