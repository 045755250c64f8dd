"""What must be true before pages can be served: tables of this version, starting dictionaries, static files."""

from __future__ import annotations

import fcntl
import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from django.apps import apps
from django.conf import settings
from django.contrib.staticfiles.finders import get_finders
from django.core.management import call_command
from django.db import connection

from otklik.appeals import defaults as appeals
from otklik.channels.pos import dictionary as pos
from otklik.core import defaults as core
from otklik.correspondence import defaults as correspondence
from otklik.hotline import defaults as hotline
from otklik.knowledge import defaults as knowledge
from otklik.people import defaults as people
from otklik.reception import consent_texts
from otklik.reception import defaults as reception
from otklik.search import dictionary
from otklik.surveys import defaults as surveys

# Drawn into pages or needed only by Django's own admin, which is not installed.
NOT_SERVED = ["vendor/icons/*", "admin/*"]


def prepare() -> None:
    """Bring database and static files to this version; quick and harmless where they are."""
    with _one_at_a_time():
        if database_is_behind():
            call_command("migrate", verbosity=0)
            load_defaults()
        collect_static()


def load_defaults() -> None:
    """Load the starting dictionaries of every room, lowest first. Loading again changes nothing."""
    core.load()
    people.load()
    dictionary.load()
    correspondence.load()
    pos.load()
    knowledge.load()
    surveys.load()
    hotline.load()
    consent_texts.load()
    appeals.load()
    reception.load()


def database_is_behind() -> bool:
    """Tell whether a migration of an installed room has not been applied, without importing migrations."""
    shipped = {
        (application.label, file.stem)
        for application in apps.get_app_configs()
        for file in Path(application.path, "migrations").glob("*.py")
        if file.stem != "__init__"
    }
    if "django_migrations" not in connection.introspection.table_names():
        return True
    with connection.cursor() as cursor:
        cursor.execute("SELECT app, name FROM django_migrations")
        return not shipped <= {(str(app), str(name)) for app, name in cursor.fetchall()}


def collect_static() -> None:
    """Collect static files when one of them has changed since the last time."""
    mark = Path(settings.STATIC_ROOT) / ".collected"
    now = _static_digest()
    if not mark.exists() or mark.read_text() != now:
        call_command("collectstatic", verbosity=0, interactive=False, ignore_patterns=NOT_SERVED)
        mark.write_text(now)


def _static_digest() -> str:
    digest = hashlib.sha256()
    for finder in get_finders():
        for name, storage in finder.list(NOT_SERVED):
            stat = Path(storage.path(name)).stat()
            digest.update(f"{name} {stat.st_size} {stat.st_mtime_ns}\n".encode())
    return digest.hexdigest()


@contextmanager
def _one_at_a_time() -> Iterator[None]:
    """Let only one process of this machine prepare the data folder."""
    settings.DATA.mkdir(parents=True, exist_ok=True)
    with (settings.DATA / "prepare.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
