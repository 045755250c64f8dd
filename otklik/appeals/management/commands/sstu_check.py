"""`otklik sstu-check FILE`: whether files for ССТУ are in order; needs no database."""

from __future__ import annotations

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from otklik.appeals.sstu import validator


class Command(BaseCommand):
    """Reads files as a stranger would, and says of each what is wrong; ends with 1 where anything is."""

    help = "Проверить файлы для ССТУ: JSON обращения или том ZIP (docs/sstu.md)."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Name the files."""
        parser.add_argument("files", nargs="+", type=Path, metavar="FILE", help="файл .json или том .zip")

    def handle(self, *_: Any, **options: Any) -> None:
        """Check each and print what was found."""
        failed = 0
        for path in options["files"]:
            report = validator.check(path)
            for words in report.warnings:
                self.stdout.write(f"предупреждение  {words}")
            for words in report.errors:
                self.stdout.write(f"ошибка          {words}")
            verdict = "годен" if report.passed else "не годен"
            failed += not report.passed
            self.stdout.write(
                f"{path.name}: {verdict}; обращений: {report.appeals}, ошибок: {len(report.errors)}, "
                f"предупреждений: {len(report.warnings)}"
            )
        if failed:
            raise CommandError(f"Не годных файлов: {failed}.")
