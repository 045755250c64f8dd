"""`otklik seed N`: synthetic appeals for measurements."""

from __future__ import annotations

import time
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from otklik.core.errors import DomainError
from otklik.demo import seed


class Command(BaseCommand):
    """Fills a scratch database."""

    help = "Наполнить новую базу выдуманными обращениями для измерений"

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Say how many."""
        parser.add_argument("count", type=int, nargs="?", default=0, help="сколько обращений")
        parser.add_argument("--check", action="store_true", help="только проверить, что база для этого годится")

    def handle(self, *args: Any, **options: Any) -> None:
        """Seed, or refuse a database that is in use."""
        started = time.monotonic()
        try:
            if options["check"]:
                seed.check_scratch()
                return
            rows = seed.seed(options["count"])
        except DomainError as exc:
            raise CommandError(str(exc)) from exc
        seconds = time.monotonic() - started
        self.stdout.write(
            f"Обращений: {options['count']}, сообщений в каждом: {seed.MESSAGES}. "
            f"Строк: {rows} за {seconds:.0f} с, {rows / seconds:.0f} в секунду."
        )
