"""`otklik token create|list|end`: keys of other programs, from the server's command line."""

from __future__ import annotations

from argparse import ArgumentParser
from datetime import date, timedelta
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from otklik.core.errors import DomainError
from otklik.people import tokens
from otklik.people.models import AccessToken, Employee
from otklik.people.tokens import SCOPES


class Command(BaseCommand):
    """Makes, lists and ends access keys."""

    help = "Выдать (create), показать (list) или завершить (end) ключи доступа к API."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Name what to do."""
        steps = parser.add_subparsers(dest="step", required=True)
        create = steps.add_parser("create", help="выдать ключ; он печатается один раз")
        create.add_argument("owner", help="логин сотрудника, от чьего имени действует программа")
        create.add_argument("name", help="что подключается")
        create.add_argument("--scope", action="append", required=True, choices=[*SCOPES], help="что разрешено")
        create.add_argument("--from", dest="valid_from", type=date.fromisoformat, help="с какого дня (сегодня)")
        create.add_argument("--to", dest="valid_to", type=date.fromisoformat, help="по какой день (год)")
        steps.add_parser("list", help="показать ключи")
        end = steps.add_parser("end", help="завершить ключ")
        end.add_argument("id", type=int, help="номер ключа из списка")

    def handle(self, *args: Any, **options: Any) -> None:
        """Do it; refusals are said in words."""
        getattr(self, f"_{options['step']}")(options)

    def _create(self, options: dict[str, Any]) -> None:
        owner = Employee.objects.filter(username=options["owner"]).first()
        if owner is None:
            raise CommandError(f"Сотрудника с логином «{options['owner']}» нет.")
        since = options["valid_from"] or timezone.localdate()
        until = options["valid_to"] or since + tokens.LONGEST - timedelta(days=1)
        facts = {"name": options["name"], "scopes": options["scope"], "valid_from": since, "valid_to": until}
        try:
            made = tokens.create(owner=owner, **facts, by=None)
        except DomainError as refusal:
            raise CommandError(str(refusal)) from refusal
        self.stderr.write(f"Ключ № {made.token.pk}, по {until:%d.%m.%Y}. Сохраните его: больше он не покажется.")
        self.stdout.write(made.secret)

    def _list(self, _: dict[str, Any]) -> None:
        living = set(AccessToken.objects.filter(tokens.running(timezone.localdate())).values_list("pk", flat=True))
        for row in AccessToken.objects.select_related("owner"):
            state = f"по {row.valid_to:%d.%m.%Y}" if row.pk in living else "не действует"
            used = f"{row.last_used_on:%d.%m.%Y}" if row.last_used_on else "—"
            told = (row.pk, f"{row.hint}…", row.owner.username, row.name, state, used, ",".join(row.scopes))
            self.stdout.write("\t".join(map(str, told)))

    def _end(self, options: dict[str, Any]) -> None:
        token = AccessToken.objects.filter(pk=options["id"]).first()
        if token is None:
            raise CommandError(f"Ключа № {options['id']} нет. Список: otklik token list")
        tokens.end(token, by=None)
        self.stdout.write(f"Ключ № {token.pk} завершён.")
