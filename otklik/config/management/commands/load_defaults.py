"""`otklik load-defaults`: the starting dictionaries."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand

from otklik.config import prepare


class Command(BaseCommand):
    """Loads what is missing; what people changed stays."""

    help = "Загрузить начальные справочники: сроки, календарь, роли, темы, шаблоны"

    def handle(self, *args: Any, **options: Any) -> None:
        """Load the dictionaries of every room."""
        prepare.load_defaults()
        self.stdout.write("Справочники загружены.")
