"""`otklik export-all DIR`: everything in open formats, with a description of every field."""

from __future__ import annotations

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from otklik.core.errors import DomainError
from otklik.moving import leaving
from otklik.moving.management.commands.import_history import who


class Command(BaseCommand):
    """Writes everything into a folder, row by row: memory does not grow with the database."""

    help = "Выгрузить всё, что есть, в открытых форматах (docs/moving.md)."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Name the folder."""
        parser.add_argument("folder", type=Path, help="новая или пустая папка")
        parser.add_argument("--by", default="", help="логин того, кто выгружает, для журнала доступа")

    def handle(self, *_: Any, **options: Any) -> None:
        """Write and say how much there was."""
        try:
            tally = leaving.export_to(options["folder"], by=who(options["by"], leaving.POWER), say=self.stdout.write)
        except DomainError as refusal:
            raise CommandError(str(refusal)) from refusal
        lost = f", не найдено файлов: {tally.missing}" if tally.missing else ""
        self.stdout.write(f"Выгружено записей: {tally.rows}, файлов: {tally.files}{lost}. Папка: {options['folder']}")
