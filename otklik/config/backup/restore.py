"""Restoring a backup: read through, loaded into a place of its own, compared row by row, and only then put in place.

Until the last step the target is as it was. What the target held is kept beside it, never removed.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any, Final

from django.conf import settings
from django.contrib.contenttypes.models import ContentType
from django.core.cache import cache
from django.core.management import call_command
from django.db import DatabaseError, OperationalError, connection, transaction
from django.db.migrations.executor import MigrationExecutor
from django.db.migrations.loader import MigrationLoader
from django.utils import timezone

from otklik.config.backup import archive, tables
from otklik.core import files, installation, journal
from otklik.core.errors import DomainError
from otklik.core.models import Backup, Installation
from otklik.core.storage import sync_folder
from otklik.correspondence.models import IncomingMessage, OutgoingMessage
from otklik.people.models import Employee

Say = Callable[[str], object]
SPARE: Final = 200 * 1024 * 1024  # bytes that must be left on the disk


class Refused(DomainError):
    """The target or the machine is not ready; nothing has been changed."""

    code = "backup.refused"
    text = "Восстановить нельзя: {why}. {do}"


class NotEqual(DomainError):
    """What was read back is not what the archive holds; nothing has been changed."""

    code = "backup.not_equal"
    text = "Таблица «{table}» после загрузки не равна копии. Прежние данные не тронуты. Сообщите разработчикам."


@dataclass
class Restored:
    """What was put in place. `kept`: where what stood there before is now."""

    manifest: archive.Manifest
    files: int = 0
    problems: list[str] = field(default_factory=list)
    kept: list[str] = field(default_factory=list)
    waiting: int = 0


def restore(
    path: Path,
    *,
    identity: Path | None = None,
    keys: Path | None = None,
    replace: bool = False,
    other_key: bool = False,
    say: Say = lambda text: None,
) -> Restored:
    """Put an archive in place of an empty installation, or, where `replace` says so, of one that people work in."""
    settings.DATA.mkdir(parents=True, exist_ok=True)
    with ExitStack() as stack:
        scratch = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="restore-", dir=settings.DATA)))
        reader = stack.enter_context(archive.opened(path, identity=identity, scratch=scratch))
        manifest, result = reader.manifest, Restored(reader.manifest)
        check_version(manifest, path.name)
        key = archive.read_key(keys, identity=identity, scratch=scratch) if keys else settings.SECRET_KEY
        _check_key(manifest, key, path.name, other_key)
        say("Копия читается целиком…")
        reader.check()
        if archive.key_mark(key) == manifest.key:
            reader.check_signature(key)
        _check_target(manifest, replace)
        _check_room(manifest)
        place = scratch_place()
        stack.callback(place.clear)
        say(f"Загружаются строки: {manifest.rows}…")
        _load(place, reader, key, result)
        say(f"Возвращаются файлы: {len(manifest.names('files')) + len(manifest.names('media'))}…")
        added = _put_files(reader, result, stack)
        media = _unpack_media(reader, scratch, result)
        say("Всё сверено. Восстановленное ставится на место…")
        _switch(place, media, key, result)
        added.pop_all()  # they are wanted now
    return result


def check_version(manifest: archive.Manifest, name: str) -> None:
    """Refuse an archive of a version newer than this one."""
    known = MigrationLoader(None).disk_migrations or {}
    if any(tuple(one) not in known for one in manifest.migrations):
        raise archive.Unreadable(
            name=name,
            why=f"она сделана версией {manifest.version}, которая новее этой",
            do="Установите ту же версию программы или новее и повторите.",
        )


def _check_key(manifest: archive.Manifest, key: str, name: str, other_key: bool) -> None:
    """Refuse a key that will not be the installation's, or under which the seals of the journal do not hold."""
    if os.environ.get("OTKLIK_SECRET_KEY", key) != key:
        raise Refused(
            why="переменная OTKLIK_SECRET_KEY задаёт не тот ключ, что в файле ключа",
            do="Впишите в переменную ключ из файла или уберите её и повторите.",
        )
    if archive.key_mark(key) != manifest.key and not other_key:
        raise Refused(
            why=f"копия «{name}» сделана с другим секретным ключом: печати журнала не сойдутся",
            do="Укажите файл ключа: --keys ФАЙЛ. Если ключ утрачен, повторите с --other-key.",
        )


def _check_target(manifest: archive.Manifest, replace: bool) -> None:
    kind = _kind_of_target()
    if kind == Installation.Kind.PRODUCTION and manifest.kind != kind:
        raise Refused(
            why="эта база — рабочая система, а копия — учебного стенда или ничья",
            do="Укажите другую базу и другой OTKLIK_DATA.",
        )
    if not replace and _is_used():
        raise Refused(
            why="в этой базе уже работают",
            do="Укажите пустую базу. Чтобы заменить данные этой, повторите с --replace: прежние сохранятся рядом.",
        )
    if busy := _busy():
        raise Refused(why=busy, do="Остановите службы Отклика (веб, worker, scheduler) и повторите.")


def _kind_of_target() -> str | None:
    return installation.kind() if "core_installation" in connection.introspection.table_names() else None


def _is_used() -> bool:
    """Tell whether people have put anything into the target: the starting dictionaries alone are nothing."""
    there = set(connection.introspection.table_names())
    asked = (Installation, Employee, IncomingMessage, OutgoingMessage)
    return any(one._meta.db_table in there and one._default_manager.exists() for one in asked)


def _busy() -> str:
    """Return who else has the database open, in words; empty when nobody has."""
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT COUNT(*) FROM pg_stat_activity WHERE datname = current_database()"
                " AND usename = current_user AND pid <> pg_backend_pid()"
            )
            others = int(cursor.fetchone()[0])
        return f"к базе подключены другие процессы: {others}" if others else ""
    path = Path(connection.settings_dict["NAME"])
    if not path.exists():
        return ""
    try:
        with connection.cursor() as cursor:
            cursor.execute("PRAGMA busy_timeout=2000")
            cursor.execute("PRAGMA journal_mode=DELETE")  # refused while anybody else has the file open
    except OperationalError:
        return "базу открыли другие процессы"
    finally:
        connection.close()
    return ""


def _check_room(manifest: archive.Manifest) -> None:
    needed = sum(int(one["size"]) for one in manifest.parts.values()) + SPARE
    free = shutil.disk_usage(settings.DATA).free
    if free < needed:
        raise Refused(
            why=f"на диске свободно {free // 2**20} МБ, а нужно {needed // 2**20} МБ",
            do="Освободите место и повторите.",
        )


# Where rows are loaded before they are wanted.


class _SqlitePlace:
    """A file beside the database's own."""

    def __init__(self) -> None:
        self.target = Path(connection.settings_dict["NAME"])
        self.scratch = self.target.with_name(f"{self.target.name}.restore-{os.getpid()}")

    @contextmanager
    def open(self) -> Iterator[None]:
        with _connected(NAME=str(self.scratch)):
            yield
            with connection.cursor() as cursor:
                cursor.execute("PRAGMA journal_mode=DELETE")

    def put(self, used: bool, stamp: str) -> str:
        """Move the file to its place; return where the old one is."""
        connection.close()
        aside = self.target.with_name(f"{self.target.name}.before-{stamp}")
        there = self.target.exists()
        if there:
            self.target.replace(aside)
        try:
            self.scratch.replace(self.target)
        except BaseException:
            if there:
                aside.replace(self.target)
            raise
        sync_folder(self.target.parent)
        if there and not used:
            aside.unlink()
        return f"прежняя база: {aside}" if there and used else ""

    def clear(self) -> None:
        """Remove what was not put in place."""
        for suffix in ("", "-wal", "-shm", "-journal"):
            Path(f"{self.scratch}{suffix}").unlink(missing_ok=True)


class _PostgresPlace:
    """A schema of the same database."""

    def __init__(self) -> None:
        with connection.cursor() as cursor:
            cursor.execute("SELECT current_schema()")
            self.target = cursor.fetchone()[0] or "public"
        self.scratch = f"otklik_restore_{os.getpid()}"

    @contextmanager
    def open(self) -> Iterator[None]:
        try:
            with connection.cursor() as cursor:
                cursor.execute(f"DROP SCHEMA IF EXISTS {self.scratch} CASCADE")
                cursor.execute(f"CREATE SCHEMA {self.scratch}")
        except DatabaseError as exc:
            raise Refused(
                why=f"в базе нельзя создать схему ({str(exc).strip().splitlines()[0]})",
                do="Дайте пользователю базы право CREATE на базу данных или сделайте его её владельцем.",
            ) from None
        options = dict(connection.settings_dict["OPTIONS"])
        options["options"] = f"{options.get('options', '')} -c search_path={self.scratch}".strip()
        with _connected(OPTIONS=options):
            yield

    def put(self, used: bool, stamp: str) -> str:
        """Move the tables to their place, all at once; return where the old ones are.

        All that is ours goes aside, what no archive knows too: tables of a newer version whose update failed would
        stand in the way of the next one.
        """
        aside = f"otklik_before_{stamp.replace('-', '_')}"
        quote = connection.ops.quote_name
        with transaction.atomic(), connection.cursor() as cursor:
            new, old = self._tables(self.scratch), self._tables(self.target)
            if old:
                cursor.execute(f"CREATE SCHEMA {aside}")
            for name in sorted(old):
                cursor.execute(f"ALTER TABLE {quote(self.target)}.{quote(name)} SET SCHEMA {aside}")
            for name in sorted(new):
                cursor.execute(f"ALTER TABLE {self.scratch}.{quote(name)} SET SCHEMA {quote(self.target)}")
            # Of a base nobody works in only what an archive puts there itself may go.
            if gone := old and not used and old <= new:
                cursor.execute(f"DROP SCHEMA {aside} CASCADE")
        return f"прежняя база: схема {aside}" if old and not gone else ""

    def _tables(self, schema: str) -> set[str]:
        with connection.cursor() as cursor:
            ours = "SELECT tablename FROM pg_tables WHERE schemaname = %s AND tableowner = current_user"
            cursor.execute(ours, [schema])
            return {name for (name,) in cursor.fetchall()}

    def clear(self) -> None:
        """Remove what was not put in place."""
        with suppress(DatabaseError), connection.cursor() as cursor:
            cursor.execute(f"DROP SCHEMA IF EXISTS {self.scratch} CASCADE")


Place = _SqlitePlace | _PostgresPlace


def scratch_place() -> Place:
    """Return where rows are loaded before they are wanted: a file or a schema of this process."""
    return _PostgresPlace() if connection.vendor == "postgresql" else _SqlitePlace()


@contextmanager
def _connected(**changes: Any) -> Iterator[None]:
    """Point the one database connection of this process elsewhere: migrations know no other."""
    connection.close()
    was = dict(connection.settings_dict)
    connection.settings_dict.update(changes)
    try:
        yield
    finally:
        connection.close()
        connection.settings_dict.clear()
        connection.settings_dict.update(was)


def _load(place: Place, reader: archive.Reader, key: str, result: Restored) -> None:
    """Make the tables of the archive's version, fill them, compare, bring them to this version."""
    names = [(app, name) for app, name in reader.manifest.migrations]
    with place.open():
        whole = migrate_to(names)
        try:
            fill(tables.every(names), reader)
        except DatabaseError as exc:  # without its words: PostgreSQL quotes the row
            raise Refused(
                why=f"база не приняла строки копии ({type(exc).__name__})", do="Прежние данные не тронуты."
            ) from exc
        if not whole:
            call_command("migrate", verbosity=0, interactive=False)
        ContentType.objects.clear_cache()
        cache.clear()
        with known_by(key):
            result.problems += [f"журнал: {problem}" for problem in journal.verify()]
        _settle(reader.manifest)
        unsent = [OutgoingMessage.State.QUEUED, OutgoingMessage.State.SENDING]
        result.waiting = OutgoingMessage.objects.filter(state__in=unsent).count()
        call_command("update_index", verbosity=0)
        if connection.vendor == "postgresql":
            with connection.cursor() as cursor:
                cursor.execute("ANALYZE")


def fill(expected: list[tables.Table], reader: archive.Reader) -> None:
    """Put the archive's rows in place of what migrations wrote, and read them back to compare."""
    told = reader.manifest.tables
    for name in sorted({table.name for table in expected} ^ set(told)):
        raise NotEqual(table=name)
    with transaction.atomic():
        tables.empty(expected)
        for table in expected:
            if told[table.name]["columns"] != list(table.columns):
                raise NotEqual(table=table.name)
            tables.fill(table, reader.lines(f"tables/{table.name}.jsonl"))
    for table in expected:
        if told[table.name]["sequence"] is not None:
            tables.set_sequence(table, told[table.name]["sequence"])
        if tables.content(table) != tables.Content(told[table.name]["rows"], told[table.name]["digest"]):
            raise NotEqual(table=table.name)


def migrate_to(names: list[tables.Name]) -> bool:
    """Bring the empty database to the state the archive was made in; tell whether that is the newest."""
    executor = MigrationExecutor(connection)
    if whole := set(names) >= set(executor.loader.graph.nodes):
        call_command("migrate", verbosity=0, interactive=False)
    else:
        executor.migrate(tables.leaves(names, executor.loader))
    return whole


@contextmanager
def known_by(key: str) -> Iterator[None]:
    """Let the journal be judged by the key that sealed it."""
    was, settings.SECRET_KEY = settings.SECRET_KEY, key
    try:
        yield
    finally:
        settings.SECRET_KEY = was


@transaction.atomic
def _settle(manifest: archive.Manifest) -> None:
    """Say in the restored database where it comes from: the backup was being made when its rows were read."""
    made_at = datetime.fromisoformat(manifest.made_at)
    Backup.objects.filter(pk=manifest.backup).update(
        finished_at=made_at, rows=manifest.rows, missing=len(manifest.missing), size=0
    )
    journal.record("system.restored", chain="system", by=None, backup=manifest.backup, made_at=manifest.made_at)


def _put_files(reader: archive.Reader, result: Restored, stack: ExitStack) -> ExitStack:
    """Put every file under its digest, where it harms nobody; give the stack that takes them out again."""
    added = stack.enter_context(ExitStack())
    for part in reader.manifest.names("files"):
        if part in reader.manifest.missing:
            continue
        path = part.removeprefix("files/")
        if files.put_back(path, reader.chunks(part)):
            added.callback(files.storage().delete, path)
        result.files += 1
    result.problems += [f"файла нет в копии: {name}" for name in reader.manifest.missing]
    return added


def _unpack_media(reader: archive.Reader, scratch: Path, result: Restored) -> Path:
    folder = scratch / "media"
    folder.mkdir()
    for part in reader.manifest.names("media"):
        target = folder / part.removeprefix("media/")
        target.parent.mkdir(parents=True, exist_ok=True)
        with target.open("wb") as file:
            for chunk in reader.chunks(part):
                file.write(chunk)
            file.flush()
            os.fsync(file.fileno())
        result.files += 1
    return folder


def _switch(place: Place, media: Path, key: str, result: Restored) -> None:
    """Put everything in place; what fails on the way is put back."""
    stamp, used = f"{timezone.now():%Y%m%d-%H%M%S}", _is_used()
    with ExitStack() as back:
        kept = [_swap(media, Path(settings.MEDIA_ROOT), stamp, back), _swap_key(key, stamp, back)]
        kept.append(place.put(used, stamp))
        back.pop_all()
    result.kept = [one for one in kept if one]
    shutil.rmtree(settings.SEARCH_ROOT, ignore_errors=True)  # the indexes of what was; they are built anew at the start


def _swap(new: Path, target: Path, stamp: str, back: ExitStack) -> str:
    aside = target.with_name(f"{target.name}.before-{stamp}")
    had = target.is_dir() and any(target.iterdir())
    if had:
        target.replace(aside)
        back.callback(aside.replace, target)
    elif target.is_dir():
        target.rmdir()
    target.parent.mkdir(parents=True, exist_ok=True)
    shutil.move(new, target)
    back.callback(shutil.move, target, new)
    return f"прежние картинки и документы Базы знаний: {aside}" if had else ""


def _swap_key(key: str, stamp: str, back: ExitStack) -> str:
    """Keep the key of the archive as ours, unless the environment names the key."""
    path = settings.DATA / "secret.key"
    if os.environ.get("OTKLIK_SECRET_KEY") or (path.exists() and path.read_text() == key):
        return ""
    aside = path.with_name(f"secret.key.before-{stamp}")
    if path.exists():
        path.replace(aside)
        back.callback(aside.replace, path)
    with archive.written(path) as file:
        file.write(key.encode())
    return f"прежний ключ: {aside}" if aside.exists() else ""
