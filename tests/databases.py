"""Where the tests' databases come from: `--db=sqlite` (default) or `--db=postgres`.

All migrations run once per change of any migration file; the result is kept in `.pytest_cache`. A session fills a copy
of it with the starting dictionaries, as every installation has them, and copies that for every xdist worker and after
every test with real transactions. PostgreSQL runs in a cluster of its own.

Loaded with `-p` before pytest-django, because models read the kind of database when they are imported.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import shutil
import subprocess
import tempfile
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Protocol

import pytest

from scripts import postgres
from tests import components

ROOT = Path(__file__).resolve().parent.parent
CACHE = ROOT / ".pytest_cache" / "templates"


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--db", choices=("sqlite", "postgres"), default="sqlite", help="database of the run")


@pytest.hookimpl(wrapper=True)
def pytest_load_initial_conftests(early_config: pytest.Config) -> Generator[None, None, None]:
    """Choose the database before Django reads its settings; xdist workers inherit it by environment."""
    if "PYTEST_XDIST_WORKER" in os.environ:
        return (yield)
    scratch = Path(tempfile.mkdtemp(prefix="otklik-test-", dir="/tmp"))
    os.environ["OTKLIK_TEST_SCRATCH"] = str(scratch)
    os.environ["OTKLIK_DATA"] = str(scratch / "data")
    os.environ["DATABASE_URL"] = f"sqlite:///{scratch}/none.sqlite3"
    early_config.add_cleanup(lambda: shutil.rmtree(scratch, ignore_errors=True))
    if early_config.known_args_namespace.db == "postgres" and components.POSTGRES.found():
        cluster = postgres.Cluster(scratch, postgres.CARELESS)
        early_config.add_cleanup(cluster.stop)
        cluster.start()
        os.environ["DATABASE_URL"] = cluster.url
    return (yield)


class Template(Protocol):
    """A migrated database that is copied whenever a test needs a fresh one."""

    def prepare(self) -> None: ...
    def restore(self) -> None: ...


class SqliteTemplate:
    """A file in the cache, copied over the worker's own file."""

    def __init__(self, worker: str) -> None:
        scratch = Path(os.environ["OTKLIK_TEST_SCRATCH"])
        self.migrated = CACHE / f"{_fingerprint()}.sqlite3"
        self.filled = scratch / "filled.sqlite3"
        self.target = scratch / f"{worker}.sqlite3"

    def prepare(self) -> None:
        with _one_at_a_time("sqlite"):
            if not self.migrated.exists():
                draft = self.migrated.with_suffix(f".{os.getpid()}")
                _use(draft)
                _migrate()
                draft.rename(self.migrated)
            if not self.filled.exists():
                shutil.copyfile(self.migrated, draft := self.filled.with_suffix(".draft"))
                _use(draft)
                _fill()
                draft.rename(self.filled)
        _use(self.target)
        self.restore()

    def restore(self) -> None:
        _disconnect()
        # A connection that a thread forgot keeps the removed file, not the new one.
        for suffix in ("", "-wal", "-shm"):
            Path(f"{self.target}{suffix}").unlink(missing_ok=True)
        shutil.copyfile(self.filled, self.target)


class PostgresTemplate:
    """A template database in the run's cluster; its dump is kept in the cache for the next run."""

    def __init__(self, worker: str) -> None:
        self.migrated = CACHE / f"{_fingerprint()}.pg.sql"
        self.target = f"otklik_{worker}"

    def prepare(self) -> None:
        with _one_at_a_time("postgres"):
            if not self._rows("SELECT 1 FROM pg_database WHERE datname = 'template_otklik'"):
                self._build()
        _use(self.target)
        self.restore()

    def restore(self) -> None:
        _disconnect()
        self._run(f"DROP DATABASE IF EXISTS {self.target} WITH (FORCE)")
        self._run(f"CREATE DATABASE {self.target} TEMPLATE template_otklik")

    def _build(self) -> None:
        if self.migrated.exists():
            self._run("CREATE DATABASE draft_otklik")
            self._tool("psql", "-q", "-d", "draft_otklik", "-f", self.migrated)
        else:
            self._run("CREATE DATABASE draft_otklik")
            _use("draft_otklik")
            _migrate()
            self._tool("pg_dump", "-d", "draft_otklik", "-f", self.migrated)
        _use("draft_otklik")
        _fill()
        self._run("ALTER DATABASE draft_otklik RENAME TO template_otklik")

    def _rows(self, sql: str) -> list[tuple[object, ...]]:
        import psycopg

        with psycopg.connect(f"{self._dsn()} dbname=postgres", autocommit=True) as connection:
            cursor = connection.execute(sql)
            return cursor.fetchall() if cursor.description else []

    def _run(self, sql: str) -> None:
        self._rows(sql)

    def _dsn(self) -> str:
        return f"host={Path(os.environ['OTKLIK_TEST_SCRATCH']) / 'socket'} user=otklik"

    def _tool(self, name: str, *arguments: str | Path) -> None:
        host = Path(os.environ["OTKLIK_TEST_SCRATCH"]) / "socket"
        command = [postgres.binaries() / name, "-h", host, "-U", "otklik", *arguments]
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL)


def template(worker: str) -> Template:
    """Give the template of this run's database for one xdist worker."""
    from django.db import connection

    return PostgresTemplate(worker) if connection.vendor == "postgresql" else SqliteTemplate(worker)


def _fingerprint() -> str:
    """Hash every migration file of every installed application: ours, Django's, Wagtail's."""
    from django.apps import apps

    digest = hashlib.sha256()
    for application in apps.get_app_configs():
        for file in sorted(Path(application.path, "migrations").glob("*.py")):
            digest.update(f"{application.label}/{file.name}".encode())
            digest.update(file.read_bytes())
    return digest.hexdigest()[:16]


@contextmanager
def _one_at_a_time(kind: str) -> Iterator[None]:
    CACHE.mkdir(parents=True, exist_ok=True)
    with (CACHE / f"{kind}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def address() -> str:
    """Return the database of this test as a process started from it is told of it by `DATABASE_URL`."""
    from django.db import connection

    name, options = connection.settings_dict["NAME"], connection.settings_dict["OPTIONS"]
    if connection.vendor != "postgresql":
        return f"sqlite:///{name}"
    return f"postgresql://otklik@/{name}?host={options.get('host') or connection.settings_dict['HOST']}"


def _use(name: str | Path) -> None:
    from django.db import connection

    _disconnect()
    connection.settings_dict["NAME"] = str(name)
    if connection.vendor == "sqlite":
        # A test's database does not have to survive a power cut.
        connection.settings_dict["OPTIONS"]["init_command"] = "PRAGMA journal_mode=WAL; PRAGMA synchronous=OFF;"


def _disconnect() -> None:
    from django.db import connections

    connections.close_all()


def _migrate() -> None:
    from django.core.management import call_command

    call_command("migrate", verbosity=0)
    _disconnect()


def _fill() -> None:
    from otklik.config import prepare

    prepare.load_defaults()
    _disconnect()
