"""`otklik seed N`: synthetic appeals for measurements; with `--materials` a large Knowledge Base."""

from __future__ import annotations

import time
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from otklik.core.errors import DomainError
from otklik.demo import seed, seed_calls, seed_materials, seed_receptions
from otklik.knowledge import quarters
from otklik.knowledge.quarters import Quarter
from otklik.reports import kept


class Command(BaseCommand):
    """Fills a scratch database."""

    help = "Наполнить новую базу выдуманными обращениями для измерений"

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Say how many."""
        parser.add_argument("count", type=int, nargs="?", default=0, help="сколько обращений")
        parser.add_argument("--messages", type=int, default=seed.MESSAGES, help="сколько сообщений в каждом")
        parser.add_argument("--years", type=int, default=1, help="за сколько лет; открыты обращения последнего года")
        parser.add_argument("--materials", type=int, default=0, help="сколько материалов Базы знаний; без обращений")
        parser.add_argument(
            "--calls", type=int, default=0, help="сколько звонков журнала очереди прочитать; без обращений"
        )
        parser.add_argument("--appointments", type=int, default=0, help="сколько записей на приём; без обращений")
        parser.add_argument("--figures", type=int, default=0, help="1: посчитать показатели; без обращений")
        parser.add_argument("--check", action="store_true", help="только проверить, что база для этого годится")

    def handle(self, *args: Any, **options: Any) -> None:
        """Seed, or refuse a database that is in use."""
        started = time.monotonic()
        try:
            if options["check"]:
                seed.check_scratch()
                return
            if options["materials"]:
                seed.check_not_working()
                self._materials(options["materials"])
                return
            if options["calls"]:
                seed.check_not_working()
                done = seed_calls.replay(options["calls"])
                self.stdout.write(
                    f"{done.events / done.seconds:.0f} событий/с: событий {done.events}, звонков {done.calls}"
                    f" за {done.seconds:.1f} с, процессора {done.processor:.1f} с"
                )
                return
            if options["appointments"]:
                seed.check_not_working()
                self._appointments(options["appointments"])
                return
            if options["figures"]:
                kept.work_all()
                self.stdout.write(f"{time.monotonic() - started:.0f} с")
                return
            rows = seed.seed(options["count"], messages=options["messages"], years=options["years"])
        except DomainError as exc:
            raise CommandError(str(exc)) from exc
        seconds = time.monotonic() - started
        self.stdout.write(
            f"Обращений: {options['count']}, сообщений в каждом: {options['messages']}. "
            f"Строк: {rows} за {seconds:.0f} с, {rows / seconds:.0f} в секунду."
        )

    def _materials(self, count: int) -> None:
        """Plant them, then open the quarter as its job does, and say how long each took."""
        started = time.monotonic()
        sections = seed_materials.plant(count)
        self.stdout.write(f"Материалов: {count} в разделах: {sections}, за {time.monotonic() - started:.0f} с.")
        started = time.monotonic()
        opened = quarters.open_quarter(Quarter.of(timezone.localdate()).working_days()[1])
        self.stdout.write(f"{time.monotonic() - started:.1f} с, материалов {opened}")

    def _appointments(self, count: int) -> None:
        """Book them, then look for free times of a year, and say how long that took."""
        found = seed_receptions.search(seed_receptions.plant(count))
        self.stdout.write(
            f"p50 {found.p50:.0f} мс, p95 {found.p95:.0f} мс, процессора p95 {found.processor_p95:.0f} мс; "
            f"записей {found.booked}, должностных лиц {seed_receptions.OFFICIALS}"
        )
