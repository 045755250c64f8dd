"""`otklik bench`: the speed table."""

from __future__ import annotations

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from otklik.core.errors import DomainError
from otklik.demo import bench, crowd, search_speed


class Command(BaseCommand):
    """Measures on a scratch database of its own."""

    help = "Измерить скорость на отдельной базе и напечатать таблицу"
    requires_system_checks = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Say how many appeals and where the figures go."""
        parser.add_argument("count", type=int, nargs="?", default=100_000, help="сколько обращений (100000)")
        parser.add_argument("--processes", type=int, default=2, help="сколько веб-процессов отвечает (2)")
        parser.add_argument("--knowledge", action="store_true", help="только База знаний")
        parser.add_argument("--search", action="store_true", help="только поиск, по стольким обращениям")
        parser.add_argument("--crowd", type=int, default=0, help="столько сотрудников на наполненной базе DATABASE_URL")
        parser.add_argument("--minutes", type=float, default=10, help="сколько минут они работают (10)")
        parser.add_argument("--report", type=Path, default=Path("bench.json"), help="куда записать (bench.json)")

    def handle(self, *args: Any, **options: Any) -> None:
        """Print one line per figure."""
        try:
            rows = _measured(options)
        except DomainError as exc:
            raise CommandError(str(exc)) from exc
        width = max(len(name) for name, _ in rows)
        for name, value in rows:
            self.stdout.write(f"{name:<{width}}  {value}")


def _measured(options: dict[str, Any]) -> list[tuple[str, str]]:
    count, report, processes = options["count"], options["report"], options["processes"]
    if options["crowd"]:
        return crowd.run(options["crowd"], options["minutes"], report, processes=processes)
    if options["search"]:
        return search_speed.run(count, report)
    return bench.run(count, report, processes=processes, only_knowledge=options["knowledge"])
