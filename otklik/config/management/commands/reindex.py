"""`otklik reindex`: what is to be found is put anew where it was lost, then this machine's indexes are built anew."""

from __future__ import annotations

import time
from argparse import ArgumentParser
from typing import Any, Final

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from otklik.appeals import search_feed
from otklik.hotline import consultations
from otklik.knowledge import index, materials
from otklik.reports.health import INDEXES as NAMES
from otklik.search.folder import Busy, Folder
from otklik.search.indexer import Indexer
from otklik.search.models import Entry

_LOOK: Final = 0.5  # seconds


class Command(BaseCommand):
    """Readers find by the old indexes until the new ones are whole."""

    help = "Построить поисковый указатель этой машины заново"
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Say which, and whether entries are made anew too."""
        parser.add_argument("names", nargs="*", metavar="УКАЗАТЕЛЬ", help=f"только эти: {', '.join(NAMES)}")
        parser.add_argument(
            "--all-entries",
            action="store_true",
            help="составить заново и записи обращений и консультаций, а не только потерянные",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        """Put what is lost, then build, or have it built by the indexer that works here; show how far it is."""
        wanted = options["names"] or list(NAMES)
        if unknown := sorted(set(wanted) - set(NAMES)):
            raise CommandError(f"Нет указателя «{unknown[0]}». Есть: {', '.join(NAMES)}.")
        if search_feed.INDEX in wanted:
            search_feed.put_all(lost_only=not options["all_entries"], say=self._counted)
        if consultations.INDEX in wanted:
            consultations.put_all(lost_only=not options["all_entries"])
        if {materials.INDEX, materials.INDEX_OF_SITE} & set(wanted):
            self.stdout.write(f"Материалов в поиске: {index.rebuild()}.")
        if settings.SEARCH_AT_ONCE:
            return
        started = time.monotonic()
        self._build(Folder(settings.SEARCH_ROOT), wanted)
        found = Entry.objects.filter(index__in=wanted).count()
        self.stdout.write(f"Готово: записей в поиске {found}, за {time.monotonic() - started:.0f} с.")

    def _build(self, folder: Folder, wanted: list[str]) -> None:
        folder.root.mkdir(parents=True, exist_ok=True)
        for name in wanted:
            folder.ask(name, anew=True)
        shown: tuple[str, int] | None = None
        while set(folder.asked()) & set(wanted):
            if not folder.is_kept():
                try:
                    indexer = Indexer(folder)
                except Busy:
                    continue
                try:
                    indexer.wanted |= folder.asked()
                    indexer.build(self._progress)
                finally:
                    indexer.close()
                return
            time.sleep(_LOOK)
            if (told := folder.told()) and told[:2] != shown:
                shown = told[:2]
                self._progress(*told)

    def _progress(self, name: str, done: int, total: int) -> None:
        share = 100 * done // total if total else 100
        self.stdout.write(f"Указатель «{NAMES.get(name, name)}»: {done} из {total} ({share} %)")
        self.stdout.flush()

    def _counted(self, done: int, total: int) -> None:
        self.stdout.write(f"Записи обращений: {done} из {total}")
