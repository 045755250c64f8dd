"""`otklik import-history KIND FILE`: a journal of another system carried in from the command line."""

from __future__ import annotations

import json
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from otklik.core import sheets
from otklik.core.errors import DomainError
from otklik.moving import carrying, keepers, kinds
from otklik.moving.models import HistoryImport
from otklik.people.models import Employee

Kind, State = HistoryImport.Kind, HistoryImport.State
_SHOWN = 20


class Command(BaseCommand):
    """Tries a journal, tells every wrong row, then carries the right ones; or takes an import back."""

    help = "Перенести журнал прежней системы: обращения, приёмы, звонки, заявители, материалы (docs/moving.md)."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Name the journal and how it is read."""
        parser.add_argument("kind", choices=[*Kind.values, "undo"], help="что в журнале; undo — отменить перенос")
        parser.add_argument("file", help="журнал .xlsx или .csv; для undo — номер переноса")
        parser.add_argument("--map", type=Path, help='JSON: {"столбцы": {"Заголовок": "поле"}, "regime": "59fz", …}')
        parser.add_argument("--dry-run", action="store_true", help="только проверить, ничего не сохраняя")
        parser.add_argument("--files", type=Path, help="папка или ZIP с файлами, названными по номерам")
        parser.add_argument("--errors", type=Path, help="куда записать строки с ошибками (.xlsx)")
        parser.add_argument("--by", default="", help="логин того, кто переносит, для журнала")

    def handle(self, *_: Any, **options: Any) -> None:
        """Carry it and say what came of it."""
        by = who(options["by"], *carrying.POWERS)
        try:
            if options["kind"] == "undo":
                self._undo(options["file"], by)
            else:
                self._carry(options, by)
        except DomainError as refusal:
            raise CommandError(str(refusal)) from refusal
        except OSError as failure:
            raise CommandError(f"Файл не прочитан: {failure.strerror} ({failure.filename})") from failure

    def _carry(self, options: dict[str, Any], by: Employee) -> None:
        path = Path(options["file"])
        attached = carrying.of_folder(options["files"]) if options["files"] else None
        with path.open("rb") as journal:
            run = carrying.upload(journal, path.name, options["kind"], by=by, attached=attached)
        columns, settings = {int(place): name for place, name in run.columns.items()}, dict(run.options)
        if options["map"]:
            told, also = _mapped(options["map"], run)
            columns, settings = columns | told, settings | also
        try:
            carrying.tell(run, columns, settings, by=by)
        except DomainError:
            known = "\n".join(f"  {head}: {run.columns.get(str(place), '—')}" for place, head in enumerate(run.heads))
            self.stdout.write(f"Столбцы, как они поняты:\n{known}")
            carrying.drop(run, by=by)
            raise
        run.refresh_from_db()
        for _run in carrying.carry_out(run):
            pass
        faults = carrying.faults_of(run)
        self._tell(run, faults, options["errors"])
        if options["dry_run"] or not run.good:
            carrying.drop(run, by=by)
            self.stdout.write("Проверка: ничего не сохранено.")
            return
        carrying.begin(run, by=by)
        run.refresh_from_db()
        for now in carrying.carry_out(run):
            self.stdout.write(f"\r{now.position} из {now.total}", ending="" if now.state == State.WRITING else "\n")
        self.stdout.write(f"Перенесено строк: {run.made}. Отменить: otklik import-history undo {run.pk}")

    def _tell(self, run: HistoryImport, faults: list[dict[str, Any]], path: Path | None) -> None:
        self.stdout.write(f"Строк: {run.total}, верных: {run.good}, с ошибками: {run.bad}")
        for one in faults[:_SHOWN]:
            self.stdout.write(f"  строка {one['line']} {one['mark']}: {'; '.join(one['why'])}")
        if len(faults) > _SHOWN and path is None:
            self.stdout.write(f"  и ещё {len(faults) - _SHOWN}: назовите файл в --errors")
        if path is not None:
            path.write_bytes(sheets.xlsx(carrying.fault_table(run), title="Ошибки"))

    def _undo(self, number: str, by: Employee) -> None:
        run = HistoryImport.objects.filter(pk=int(number)).first() if number.isdecimal() else None
        if run is None:
            raise CommandError(f"Переноса № {number} нет.")
        carrying.take_back(run, by=by)
        run.refresh_from_db()
        for _run in carrying.carry_out(run):
            pass
        kept = run.carried.count()
        self.stdout.write(f"Отменено строк: {run.taken_back}" + (f", осталось записей: {kept}" if kept else ""))


def _mapped(path: Path, run: HistoryImport) -> tuple[dict[int, str], dict[str, str]]:
    """Return columns and settings as a file tells them."""
    try:
        said = json.loads(path.read_text(encoding="utf-8-sig"))
        columns = said.get("столбцы", said.get("columns", {}))
        heads = {kinds.head_key(str(head)): str(name) for head, name in columns.items()}
    except (ValueError, AttributeError) as wrong:
        raise CommandError(f'«{path.name}» не прочитан: нужен JSON вида {{"столбцы": {{…}}}}') from wrong
    known = kinds.FIELDS[run.kind]
    if unknown := sorted(set(heads.values()) - set(known) - {carrying.SKIP, ""}):
        raise CommandError(f"Нет полей: {', '.join(unknown)}. Есть: {', '.join(known)}, «-» — не переносить.")
    told = {place: heads[key] for place, head in enumerate(run.heads) if (key := kinds.head_key(head)) in heads}
    return told, {name: str(value) for name, value in said.items() if name in keepers.USUAL}


def who(login: str, *powers: str) -> Employee:
    """Return the employee of a login; without one the first who may do this."""
    people = Employee.objects.filter(is_active=True).order_by("pk")
    if login:
        found = people.filter(username=login).first()
        if found is None:
            raise CommandError(f"Сотрудника с логином «{login}» нет.")
        return found
    found = next((one for one in people if one.has_any(powers)), None)
    if found is None:
        raise CommandError("Укажите в --by логин того, кто это делает.")
    return found
