"""`otklik journal verify` and `otklik journal seal`."""

from __future__ import annotations

import sys
from argparse import ArgumentParser
from datetime import date, timedelta
from typing import Any

from django.core.management.base import BaseCommand
from django.utils import timezone

from otklik.core import journal


class Command(BaseCommand):
    """Check that the journals are whole, or sign a day."""

    help = "Проверить целость журналов (verify) или опечатать день (seal)."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Name what to do."""
        steps = parser.add_subparsers(dest="step", required=True)
        steps.add_parser("verify", help="найти изменённые, удалённые и обрезанные строки")
        seal = steps.add_parser("seal", help="подписать последние строки цепочек за день")
        seal.add_argument("--day", type=date.fromisoformat, help="день (ГГГГ-ММ-ДД), по умолчанию вчера")

    def handle(self, *args: Any, **options: Any) -> None:
        """Do it; `verify` exits with 1 when something is wrong."""
        if options["step"] == "seal":
            sealed = journal.seal(options["day"] or timezone.localdate() - timedelta(days=1))
            self.stdout.write(f"{sealed.date:%d.%m.%Y}: опечатано цепочек — {len(sealed.heads)}.")
            return
        if problems := journal.verify():
            for problem in problems:
                self.stderr.write(str(problem))
            self.stderr.write(f"Журнал повреждён: замечаний — {len(problems)}.")
            sys.exit(1)
        self.stdout.write("Журнал цел.")
