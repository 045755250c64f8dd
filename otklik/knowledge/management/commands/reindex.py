"""`otklik reindex`: the search index built anew from the published materials."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand

from otklik.knowledge import index


class Command(BaseCommand):
    """Rebuilds the index; readers find the old one until the new one is whole."""

    help = "Построить поисковый указатель Базы знаний заново."

    def handle(self, **_: Any) -> None:
        """Rebuild and say how much there is to find."""
        self.stdout.write(f"Готово. Материалов в поиске: {index.rebuild()}.")
