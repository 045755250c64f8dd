"""`otklik load-demo`."""

from __future__ import annotations

import time
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from otklik.core.errors import DomainError
from otklik.demo import load, staff


class Command(BaseCommand):
    """Fills a new database with a demo department."""

    help = "Заполнить новую базу демонстрационными данными (учебный стенд)"

    def handle(self, *args: Any, **options: Any) -> None:
        """Load, say how long it took and how to sign in."""
        started = time.monotonic()
        try:
            loaded = load.load()
        except DomainError as refusal:
            raise CommandError(str(refusal)) from refusal
        if not loaded:
            self.stdout.write("Демонстрационные данные уже загружены.")
            return
        logins = ", ".join(account.login for account in staff.ACCOUNTS)
        self.stdout.write(f"Загружено за {time.monotonic() - started:.0f} с.")
        self.stdout.write(f"Учётные записи: {logins}; пароль у всех: {staff.PASSWORD}")
