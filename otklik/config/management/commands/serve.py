"""`otklik serve`: the web process. In an empty folder it makes its own database first."""

from __future__ import annotations

import gc
import os
import shutil
import socket
from argparse import ArgumentParser
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from django.db import connections
from django.urls import get_resolver
from granian.constants import Interfaces
from granian.server import Server

from otklik.config import prepare, safety
from otklik.config.indexing import Guard
from otklik.search import engine


class Command(BaseCommand):
    """Serves pages until told to stop."""

    help = "Запустить веб-сервер; пустую или устаревшую базу сначала подготовить"
    requires_system_checks = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Say where to listen and with how many processes."""
        parser.add_argument("--host", default="127.0.0.1", help="адрес, на котором слушать (127.0.0.1)")
        parser.add_argument("--port", type=int, default=int(os.environ.get("PORT", "8000")), help="порт (8000)")
        parser.add_argument("--processes", type=int, default=1, help="сколько процессов отвечает (1)")

    def handle(self, *args: Any, **options: Any) -> None:
        """Prepare and serve."""
        host, port = options["host"], options["port"]
        check_free(host, port)
        prepare.prepare()
        for warning in safety.refuse_unsafe(processes=options["processes"]):
            self.stderr.write(warning)
        count_together()
        get_resolver().url_patterns  # noqa: B018 - pages are loaded once, before the processes part, and stay common
        engine.load()
        gc.freeze()  # and nobody looks through them for garbage again, which would copy them to each process
        connections.close_all()
        self.stdout.write(f"Отклик открывается на {settings.BASE_URL} (слушает {host}:{port})")
        server = Server(
            "otklik.config.wsgi:application",
            address=host,
            port=port,
            interface=Interfaces.WSGI,
            workers=options["processes"],
            blocking_threads=8,
            respawn_failed_workers=True,
            log_enabled=False,
        )
        guard = Guard()
        guard.start()
        try:
            server.serve()
        finally:
            guard.stop()


def count_together() -> None:
    """Let the web processes started from here count their requests together, from zero."""
    folder = settings.DATA / "metrics"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(mode=0o700, parents=True)
    os.environ["PROMETHEUS_MULTIPROC_DIR"] = str(folder)  # read by the library where it is imported, with the pages


def check_free(host: str, port: int) -> None:
    """Refuse a port that somebody else listens on, in words."""
    with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as exc:
            raise CommandError(f"Порт {port} занят или недоступен. Возьмите другой: PORT={port + 1}") from exc
