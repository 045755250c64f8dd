"""`otklik backup`: everything in one archive, made while people work."""

from __future__ import annotations

import sys
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from otklik.config.backup import archive, make, schedule
from otklik.core.errors import DomainError


class Command(BaseCommand):
    """Writes an archive, and on demand the key apart from it."""

    help = "Сделать резервную копию базы и файлов одним архивом, не останавливая работу"
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Say where to, for whose eyes, and how many to keep."""
        parser.add_argument("path", nargs="?", type=Path, help="папка или имя архива (OTKLIK_BACKUPS)")
        parser.add_argument(
            "--recipient",
            action="append",
            default=[],
            metavar="КЛЮЧ",
            help="зашифровать открытым ключом age1…; можно несколько (OTKLIK_BACKUP_RECIPIENTS)",
        )
        parser.add_argument("--keys", type=Path, metavar="ФАЙЛ", help="записать секретный ключ в отдельный файл")
        parser.add_argument("--keep", type=int, metavar="N", help="оставить в папке N последних копий")
        parser.add_argument(
            "--scheduled",
            action="store_true",
            help="как по расписанию: не мешая работе, с проверкой, старые копии удаляются по срокам OTKLIK_BACKUP_*",
        )
        parser.add_argument(
            "--new-identity",
            type=Path,
            metavar="ФАЙЛ",
            help="только создать ключ расшифровки и показать открытый ключ к нему",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        """Make the backup; exit with 2 where it is made but a file was missing."""
        if options["new_identity"]:
            self._make_identity(options["new_identity"])
            return
        recipients = options["recipient"] or settings.BACKUP_RECIPIENTS
        if wrong := [one for one in recipients if not archive.is_recipient(one)]:
            raise CommandError(f"«{wrong[0]}» — не открытый ключ. Он начинается с age1, его печатает --new-identity.")
        if options["keep"] is not None and options["keep"] < 1:
            raise CommandError("--keep: оставить нужно хотя бы одну копию.")
        path = _target(options["path"] or settings.BACKUPS, encrypted=bool(recipients))
        if options["scheduled"]:
            schedule.be_gentle()
        try:
            made = make.make(path, recipients=recipients, share=schedule.SHARE if options["scheduled"] else 1.0)
            if options["keys"]:
                archive.write_key(options["keys"], recipients)
        except make.UnderWay as refusal:
            raise CommandError(str(refusal), returncode=schedule.UNDER_WAY) from refusal
        except OSError as exc:
            raise CommandError(
                f"Копия не сделана: {exc.strerror or exc}. Проверьте место и права на «{path}»."
            ) from exc
        self._report(made, options["keys"])
        if options["scheduled"]:
            self._settle(made)
        if options["keep"]:
            for old in make.prune(path.parent, options["keep"]):
                self.stdout.write(f"Удалена старая копия: {old}")
        if made.missing:
            sys.exit(2)

    def _report(self, made: make.Made, keys: Path | None) -> None:
        row = made.row
        self.stdout.write(f"Копия сделана: {made.path}")
        size = f"{row.size / 2**20:.1f}".replace(".", ",")
        self.stdout.write(f"Строк: {row.rows}, файлов: {row.files}, размер: {size} МБ.")
        if not row.encrypted:
            self.stdout.write(
                "В ней персональные данные в открытом виде: храните её как базу или шифруйте (--recipient)."
            )
        if keys:
            self.stdout.write(f"Секретный ключ: {keys}. Храните его отдельно от копий.")
        for name in made.missing:
            self.stderr.write(f"Файла нет или он испорчен: {name}")
        if made.missing:
            self.stderr.write(f"Не вошло файлов: {len(made.missing)}. Поищите их в прежних копиях.")

    def _settle(self, made: make.Made) -> None:
        """Read the archive through; only a good one lets older ones go."""
        try:
            if schedule.verify(made):
                self.stdout.write("Копия прочитана целиком и сверена.")
        except DomainError as refusal:
            raise CommandError(str(refusal)) from refusal
        for old in make.remove(schedule.outlived(make.ours(made.path.parent))):
            self.stdout.write(f"Удалена старая копия: {old}")

    def _make_identity(self, path: Path) -> None:
        try:
            recipient = archive.new_identity(path)
        except FileExistsError:
            raise CommandError(f"Файл «{path}» уже есть. Ключ не перезаписан.") from None
        except OSError as exc:
            raise CommandError(f"Ключ не записан: {exc.strerror or exc}.") from exc
        self.stdout.write(f"Ключ расшифровки: {path}. Унесите его с этой машины: без него копии не открыть.")
        self.stdout.write(f"Открытый ключ для копий: {recipient}")


def _target(path: Path, *, encrypted: bool) -> Path:
    """Return the archive's path: a folder gets a name with the time in it."""
    return path if path.suffix in {".zip", ".age"} and not path.is_dir() else path / make.default_name(encrypted)
