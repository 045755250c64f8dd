"""`otklik drill`: is a backup good for a restore? Tried aside, the working system is not touched."""

from __future__ import annotations

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from otklik.config.backup import drill, schedule


class Command(BaseCommand):
    """Restores an archive aside, compares everything and removes it again."""

    help = "Проверить на деле, что из резервной копии можно восстановиться: рядом, не трогая рабочие данные"
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Name the archive and the keys to it."""
        parser.add_argument("path", nargs="?", type=Path, help="архив; без него — последний в OTKLIK_BACKUPS")
        parser.add_argument(
            "--identity", type=Path, metavar="ФАЙЛ", help="ключ расшифровки архива (OTKLIK_BACKUP_IDENTITY)"
        )
        parser.add_argument("--keys", type=Path, metavar="ФАЙЛ", help="секретный ключ, записанный backup --keys")
        parser.add_argument("--gently", action="store_true", help="не мешая работе: медленнее")

    def handle(self, *args: Any, **options: Any) -> None:
        """Hold the drill; exit with 1 where the archive has not proved itself."""
        if options["gently"]:
            schedule.be_gentle()
        identity = options["identity"] or (Path(settings.BACKUP_IDENTITY) if settings.BACKUP_IDENTITY else None)
        try:
            row = drill.hold(
                options["path"],
                identity=identity,
                keys=options["keys"],
                share=schedule.SHARE if options["gently"] else 1.0,
                say=self.stdout.write,
            )
        except drill.NoArchive as refusal:
            raise CommandError(str(refusal)) from None
        if row.error:
            raise CommandError(row.error)
        self.stdout.write(
            f"Копия «{row.name}» годится: таблиц {row.tables}, строк {row.rows}, файлов {row.files}, строк журнала"
            f" {row.entries} в {row.chains} цепочках, печатей {row.seals}. Заняло {row.seconds} с."
        )
