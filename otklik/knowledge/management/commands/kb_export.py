"""`otklik kb-export FILE`: the Knowledge Base with all versions, as a file for another one."""

from __future__ import annotations

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from otklik.core.errors import DomainError
from otklik.knowledge import transfer
from otklik.knowledge.management.commands.kb_import import employee


class Command(BaseCommand):
    """Writes everything out; what it said is counted."""

    help = "Выгрузить Базу знаний в файл: материалы со всеми версиями и файлами."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Name the file."""
        parser.add_argument("file", type=Path, help="куда: .zip — вместе с файлами материалов, .jsonl — без них")
        parser.add_argument("--by", type=str, default="", help="логин того, кто выгружает, для журнала")

    def handle(self, *_: Any, **options: Any) -> None:
        """Write and say how much there is."""
        path: Path = options["file"]
        if path.suffix.lower() not in (".zip", ".jsonl"):
            raise CommandError("Имя файла заканчивается на .zip (с файлами материалов) или .jsonl (без них).")
        try:
            counted = transfer.export_to(path, by=employee(options["by"]))
        except DomainError as refusal:
            raise CommandError(str(refusal)) from refusal
        except OSError as broken:
            raise CommandError(f"Файл «{path}» не записать: {broken.strerror}.") from broken
        told = ", ".join(f"{word}: {number}" for word, number in counted.items() if number)
        self.stdout.write(f"Выгружено в {path}: {told or 'База знаний пуста'}.")
        if counted["файлов"] and path.suffix.lower() != ".zip":
            self.stdout.write("Сами файлы материалов в .jsonl не входят: чтобы взять и их, выгрузите в .zip.")
