"""A restore for practice: the newest archive is loaded aside, compared, its journal checked, and removed again.

Nothing of the working system is touched but one row, which says what was found. It must run in a process of its own:
while rows are loaded, the process knows no other database than the scratch one.
"""

from __future__ import annotations

import hashlib
import shutil
import socket
import tempfile
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Final

from django.conf import settings
from django.contrib.contenttypes.models import ContentType
from django.core.management import call_command
from django.db import DatabaseError, transaction
from django.utils import timezone

from otklik.config.backup import archive, make, restore, tables
from otklik.core import journal
from otklik.core.errors import DomainError
from otklik.core.models import BackupDrill, FileExamination, StoredFile

Say = Callable[[str], object]
MOST_NAMED: Final = 3


class NotProved(DomainError):
    """The archive could be read, but is not what it has to be."""

    code = "drill.not_proved"
    text = "Копия «{name}» не доказала, что из неё можно восстановиться: {what}. Сделайте новую и проверьте её."


class NoArchive(DomainError):
    """There is nothing to try."""

    code = "drill.no_archive"
    text = (
        "Проверять нечего: в папке копий «{folder}» ещё нет ни одной копии. Сначала сделайте её: «Сделать сейчас» на "
        "странице «Резервные копии» или otklik backup. Потом проведите учение."
    )


def hold(
    path: Path | None = None,
    *,
    identity: Path | None = None,
    keys: Path | None = None,
    share: float = 1.0,
    say: Say = lambda text: None,
) -> BackupDrill:
    """Try an archive, by default the newest, and return the row of what was found; its `error` says what is wrong.

    Where there is no archive at all nothing is written down: that is no drill that failed.
    """
    path = path or _newest()
    row = BackupDrill.objects.create(host=socket.gethostname()[:100], name=path.name[:300])
    try:
        _try(row, path, identity=identity, keys=keys, pace=archive.Pace(share), say=say)
    except (DomainError, OSError, DatabaseError) as exc:
        row.error = str(exc)[:500] if isinstance(exc, DomainError) else _in_words(exc)
    except BaseException:
        _end(row, "учение прервали: его процесс остановили")
        raise
    _end(row, row.error)
    return row


@transaction.atomic
def _end(row: BackupDrill, error: str) -> None:
    row.error, row.finished_at = error, timezone.now()
    row.save()
    journal.record("system.drilled", chain="system", by=None, drill=row.pk, passed=row.passed, rows=row.rows)


def _in_words(exc: Exception) -> str:
    if isinstance(exc, OSError):
        return f"учение не проведено: {exc.strerror or type(exc).__name__}. Проверьте место на диске и права."
    return f"учение не проведено: база ответила ошибкой ({type(exc).__name__})"  # PostgreSQL quotes rows


def _newest() -> Path:
    if there := make.ours(settings.BACKUPS):
        return there[-1]
    raise NoArchive(folder=settings.BACKUPS)


def _try(
    row: BackupDrill, path: Path, *, identity: Path | None, keys: Path | None, pace: archive.Pace, say: Say
) -> None:
    settings.DATA.mkdir(parents=True, exist_ok=True)
    with ExitStack() as stack:
        scratch = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="drill-", dir=settings.DATA)))
        reader = stack.enter_context(archive.opened(path, identity=identity, scratch=scratch))
        row.made_at = datetime.fromisoformat(reader.manifest.made_at)
        restore.check_version(reader.manifest, path.name)
        key = archive.read_key(keys, identity=identity, scratch=scratch) if keys else settings.SECRET_KEY
        say(f"Копия «{path.name}» читается целиком…")
        reader.check(pace)
        if archive.key_mark(key) != reader.manifest.key:
            raise NotProved(name=path.name, what="она сделана с другим секретным ключом, печати журнала не сойдутся")
        reader.check_signature(key)
        _check_room(reader)
        place = restore.scratch_place()
        stack.callback(place.clear)
        trial = _Trial(row, reader, path.name, pace)
        say(f"Загружаются строки: {reader.manifest.rows}…")
        wanted = trial.load(place, key)
        say(f"Сверяются файлы: {len(wanted)}…")
        trial.check_files(wanted, scratch / "file")


def _check_room(reader: archive.Reader) -> None:
    """Rows need room in the database; files are tried one at a time."""
    rows = sum(int(reader.manifest.parts[name]["size"]) for name in reader.manifest.names("tables"))
    free = shutil.disk_usage(settings.DATA).free
    if free < (needed := 2 * rows + restore.SPARE):
        raise restore.Refused(
            why=f"на диске свободно {free // 2**20} МБ, а для учения нужно {needed // 2**20} МБ",
            do="Освободите место и повторите.",
        )


@dataclass(frozen=True)
class _Trial:
    """One archive that has been read through, and the row its figures go into."""

    row: BackupDrill
    reader: archive.Reader
    name: str
    pace: archive.Pace

    def load(self, place: restore.Place, key: str) -> dict[str, str]:
        """Load and compare every table, check the journal; return the files the rows name, with their digests."""
        names = [(app, migration) for app, migration in self.reader.manifest.migrations]
        with place.open():
            whole = restore.migrate_to(names)
            expected = tables.every(names)
            restore.fill(expected, self.reader)
            if not whole:
                call_command("migrate", verbosity=0, interactive=False)
            ContentType.objects.clear_cache()
            with restore.known_by(key):
                verdict = journal.examine()
            there = StoredFile.objects.exclude(examination__state=FileExamination.State.DESTROYED)
            wanted = dict(there.values_list("path", "sha256"))
        self.row.tables, self.row.rows = len(expected), self.reader.manifest.rows
        self.row.entries, self.row.chains, self.row.seals = verdict.rows, verdict.chains, verdict.seals
        if verdict.problems:
            raise NotProved(name=self.name, what=f"журнал: {verdict.problems[0]}")
        return wanted

    def check_files(self, wanted: dict[str, str], tried: Path) -> None:
        """Write each file out, read it back and compare it with what its row in the restored database says."""
        parts = set(self.reader.manifest.parts) - set(self.reader.manifest.missing)
        lost, wrong = [], []
        for path, sha256 in sorted(wanted.items()):
            if (part := f"files/{path}") not in parts:
                lost.append(path)
                continue
            with tried.open("wb") as file:
                for chunk in self.reader.chunks(part):
                    file.write(chunk)
                    self.pace.keep()
            with tried.open("rb") as file:
                if hashlib.file_digest(file, "sha256").hexdigest() != sha256:
                    wrong.append(path)
            self.row.files += 1
        if lost or wrong:
            what = ", ".join((lost + wrong)[:MOST_NAMED])
            raise NotProved(name=self.name, what=f"файлов нет: {len(lost)}, не тех: {len(wrong)} ({what})")
