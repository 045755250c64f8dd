"""`otklik restore`: everything as it was in an archive, or nothing at all."""

from __future__ import annotations

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from otklik.config.backup import restore
from otklik.core.errors import DomainError


class Command(BaseCommand):
    """Restores into this installation's database and folders."""

    help = "Восстановить базу и файлы из резервной копии; остановите перед этим службы"
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Name the archive and the keys to it."""
        parser.add_argument("path", type=Path, help="архив, который сделала команда backup")
        parser.add_argument("--identity", type=Path, metavar="ФАЙЛ", help="ключ расшифровки зашифрованного архива")
        parser.add_argument("--keys", type=Path, metavar="ФАЙЛ", help="секретный ключ, записанный backup --keys")
        parser.add_argument(
            "--other-key", action="store_true", help="ключ утрачен: восстановить с ключом этой установки"
        )
        parser.add_argument(
            "--replace", action="store_true", help="заменить данные, с которыми уже работают; прежние останутся рядом"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        """Restore and say what was found."""
        try:
            result = restore.restore(
                options["path"],
                identity=options["identity"],
                keys=options["keys"],
                replace=options["replace"],
                other_key=options["other_key"],
                say=self.stdout.write,
            )
        except DomainError as refusal:
            raise CommandError(str(refusal)) from refusal
        self._report(result)

    def _report(self, result: restore.Restored) -> None:
        manifest = result.manifest
        self.stdout.write(f"Восстановлено: строк {manifest.rows}, файлов {result.files}; копия от {manifest.made_at}.")
        for problem in result.problems:
            self.stderr.write(problem)
        for kept in result.kept:
            self.stdout.write(f"Осталось рядом — {kept}")
        if result.waiting:
            self.stdout.write(
                f"Ждут отправки писем: {result.waiting}. Worker отправит их, когда запустится: часть могла уйти после"
                " создания копии. Проверьте их прежде, чем запускать его."
            )
        self.stdout.write("Всем сотрудникам нужно войти заново.")
