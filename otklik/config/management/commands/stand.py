"""`otklik stand`: the whole demo stand in the foreground: web, worker and scheduler."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from typing import Any, Final

from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError
from django.db import connections

from otklik.config import prepare
from otklik.config.management.commands.serve import check_free
from otklik.core import installation
from otklik.core.models import Installation
from otklik.demo import staff

PARTS: Final = ("serve", "worker", "scheduler")
PATIENCE: Final = 20  # seconds a part has to finish what it does


class Command(BaseCommand):
    """Prepares a demo stand and keeps its parts running."""

    help = "Запустить учебный стенд: веб, обработчик и планировщик вместе"
    requires_system_checks = []

    def handle(self, *args: Any, **options: Any) -> None:
        """Load demo data on the first start, then run until Ctrl+C."""
        port = int(os.environ.get("PORT", "8000"))
        check_free("127.0.0.1", port)
        prepare.prepare()
        if installation.kind() == Installation.Kind.PRODUCTION:
            raise CommandError(
                "Эта база — рабочая система, учебный стенд в ней не запускают. Укажите другой OTKLIK_DATA."
            )
        if installation.kind() is None:
            self.stdout.write("Первый запуск: загружаются демонстрационные данные…")
            call_command("load_demo", stdout=self.stdout)
        connections.close_all()
        self.stdout.write(welcome(port))
        self.stdout.flush()
        keep_running(PARTS)


def welcome(port: int) -> str:
    """Return the addresses and accounts of the stand."""
    base = f"http://127.0.0.1:{port}"
    accounts = "\n".join(f"  {one.login:<14}{one.post}" for one in staff.ACCOUNTS)
    return f"""
УЧЕБНЫЙ СТЕНД «Отклик». Остановить: Ctrl+C.

  Портал для граждан      {base}/
  Рабочее место           {base}/desk/
  База знаний, редакция   {base}/cms/
  Почта стенда            {base}/stand/mail/

Учётные записи, пароль у всех: {staff.PASSWORD}
{accounts}
"""


def keep_running(parts: tuple[str, ...]) -> None:
    """Run the parts as child processes until a signal comes; start a part again when it dies."""
    stopping = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stopping.set())
    children = {part: _start(part) for part in parts}
    while not stopping.wait(1.0):
        for part, child in children.items():
            if child.poll() is not None:
                children[part] = _start(part)
    for child in children.values():
        child.terminate()
    for child in children.values():
        try:
            child.wait(PATIENCE)
        except subprocess.TimeoutExpired:
            child.kill()


def _start(part: str) -> subprocess.Popen[bytes]:
    # A session of its own: Ctrl+C reaches the stand, and the stand ends its parts in order.
    return subprocess.Popen([sys.executable, "-m", "otklik", part], start_new_session=True)  # noqa: S603
