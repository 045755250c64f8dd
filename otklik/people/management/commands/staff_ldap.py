"""`otklik staff-ldap`: the list of employees against the department's directory, from the server's command line."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any, Final

from django.core.management.base import BaseCommand, CommandError

from otklik.core.errors import DomainError
from otklik.people import ldap, roles, staff_import
from otklik.people.models import Employee

WORDS: Final = {"create": "завести", "change": "изменить", "same": "без изменений", "refuse": "отказ"}


class Command(BaseCommand):
    """Shows what the directory would change; does it when told to, in somebody's name."""

    help = "Сверить сотрудников с каталогом LDAP (FreeIPA, ALD Pro); --apply — записать"

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Say whether to write, and in whose name."""
        parser.add_argument("--apply", action="store_true", help="записать то, что показано")
        parser.add_argument("--by", metavar="ЛОГИН", help="от чьего имени записать: администратор")

    def handle(self, *args: Any, **options: Any) -> None:
        """Read, show, and write where it was asked for."""
        try:
            by = self._who(options["by"]) if options["apply"] else None
            rows = ldap.read()
            lines = staff_import.plan(rows)
            for line in lines:
                if line.verdict != "same":
                    self.stdout.write(f"{WORDS[line.verdict]}\t{line.login}\t{'; '.join([*line.what, *line.why])}")
            for one in ldap.gone(rows):
                self.stdout.write(
                    f"нет в каталоге\t{one.username}\tпередайте дела и заблокируйте на странице сотрудника"
                )
            if by is not None:
                agreed = staff_import.fingerprint(lines)
                done = staff_import.apply(rows, agreed=agreed, by=by, basis="каталог LDAP")
                self.stdout.write(f"Записано. Заведено: {len(done.created)}, изменено: {done.changed}.")
        except DomainError as refusal:
            raise CommandError(str(refusal)) from refusal

    def _who(self, login: str | None) -> Employee:
        found = Employee.objects.filter(username__iexact=login or "", is_active=True).first()
        if found is None or not found.has_power(roles.MANAGE):
            raise CommandError(
                "Укажите, от чьего имени записать: --by логин администратора, который ведёт сотрудников."
            )
        return found
