"""`otklik kb-import FILE`: materials from a file, in the full format or in the short one of questions alone."""

from __future__ import annotations

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from otklik.core.errors import DomainError
from otklik.knowledge import articles, lines, transfer
from otklik.knowledge.models import Mark
from otklik.people.models import Employee


class Command(BaseCommand):
    """Takes a file whole or not at all; every line it could not take is told by its number."""

    help = "Загрузить материалы Базы знаний из файла (docs/knowledge-transfer.md)."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Name the file and how its questions are taken."""
        parser.add_argument("file", type=Path, help="выгрузка kb-export (.zip, .jsonl) или список вопросов (.jsonl)")
        parser.add_argument("--publish", action="store_true", help="вопросы сразу опубликовать сотрудникам")
        parser.add_argument("--mark", choices=Mark.values, default=Mark.INTERNAL, help="кому доступны вопросы")
        parser.add_argument("--unit", default="", help="какое подразделение ведёт новые разделы: индекс или название")
        parser.add_argument("--skip-bad", action="store_true", help="строки с ошибками пропустить, остальные загрузить")
        parser.add_argument("--dry-run", action="store_true", help="только проверить, ничего не сохраняя")
        parser.add_argument("--by", default="", help="логин того, кто загружает, для журнала и версий")

    def handle(self, *_: Any, **options: Any) -> None:
        """Take it and say what came of it."""
        try:
            unit = articles.unit_called(options["unit"]) if options["unit"] else None
            choice = articles.Choice(publish=options["publish"], mark=options["mark"], unit=unit)
            report = transfer.import_from(
                options["file"],
                choice=choice,
                skip_bad=options["skip_bad"],
                dry_run=options["dry_run"],
                by=employee(options["by"]),
            )
        except lines.Refused as refusal:
            self._tell(refusal.report)
            hint = " Исправьте их или повторите с --skip-bad." if refusal.report.bad else ""
            raise CommandError(f"{refusal}{hint}") from refusal
        except DomainError as refusal:
            raise CommandError(str(refusal)) from refusal
        self._tell(report)
        made = ", ".join(f"{word}: {number}" for word, number in report.made.items() if number)
        begin = "Проверка, ничего не сохранено. Было бы загружено" if options["dry_run"] else "Загружено"
        self.stdout.write(f"{begin}: {made or 'ничего нового'}.")
        if options["mark"] == Mark.PUBLIC and report.made["материалов"] and not options["dry_run"]:
            self.stdout.write("На сайт публичные вопросы выпускает второй человек: на странице материала.")

    def _tell(self, report: lines.Report) -> None:
        for title, what in (("Пропущено", report.skipped), ("С ошибками", report.bad)):
            if what:
                self.stdout.write("\n".join([f"{title}, строк: {len(what)}", *lines.told(what)]))
        for note, times in report.notes.items():
            self.stdout.write(f"Замечание: {note} (раз: {times}).")


def employee(login: str) -> Employee | None:
    """Return the employee of a login, None for none; refuse a login nobody has."""
    found = Employee.objects.filter(username=login).first() if login else None
    if login and found is None:
        raise CommandError(f"Сотрудника с логином «{login}» нет.")
    return found
