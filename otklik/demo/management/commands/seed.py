"""`otklik seed N`: synthetic appeals for measurements."""

from __future__ import annotations

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
        parser.add_argument("count", type=int, help="сколько обращений")

    def handle(self, *args: Any, **options: Any) -> None:
        """Seed, or refuse a database that is in use."""
        try:
            seed.seed(options["count"])
        except DomainError as exc:
            raise CommandError(str(exc)) from exc
        self.stdout.write(f"Обращений: {options['count']}, сообщений в каждом: {seed.MESSAGES}.")
