"""Making a backup while people work: the database as it was at one moment, then every file that moment names.

Files never change and are on disk before the row that names them, so files read after the database are all there;
nightly cleaning waits for the end (`is_running`). Nobody waits for a backup.
"""

from __future__ import annotations

import fcntl
import re
import socket
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import timedelta
from pathlib import Path
from typing import IO, Any, Final

from django.conf import settings
from django.core.files.storage import Storage, default_storage
from django.db import connection, transaction
from django.utils import timezone

import otklik
from otklik.config.backup import archive, tables
from otklik.core import files, installation, journal
from otklik.core.errors import DomainError
from otklik.core.models import Backup, FileExamination, StoredFile
from otklik.core.storage import StorageSilent

OURS: Final = re.compile(r"otklik-\d{8}-\d{6}\.zip(\.age)?")
GIVEN_UP: Final = timedelta(hours=12)  # a backup that has not ended by then died with its machine


class UnderWay(DomainError):
    """Two backups at once would read the same disk twice and make nothing safer."""

    code = "backup.under_way"
    text = "Копия уже делается на этой машине. Дождитесь её конца: она появится на странице «Резервные копии»."


@dataclass(frozen=True)
class Made:
    """A finished backup."""

    path: Path
    row: Backup
    missing: list[str]


def default_name(encrypted: bool) -> str:
    """Return a name by which `prune` knows its own, the order of names being that of days."""
    return f"otklik-{timezone.now():%Y%m%d-%H%M%S}.zip{'.age' if encrypted else ''}"


def is_running() -> bool:
    """Tell whether a backup is being made somewhere: until its end no file may be removed."""
    begun = Backup.objects.filter(finished_at=None, error="", started_at__gt=timezone.now() - GIVEN_UP)
    return begun.exists()


def make(path: Path, *, recipients: Sequence[str] = (), share: float = 1.0) -> Made:
    """Write everything into one archive. A file that is gone or damaged is named in the result, and stops nothing.

    One at a time on a machine. `share`: of the time it may work; the rest it leaves to whoever waits for a page.
    """
    with _alone():
        return _make(path, recipients, archive.Pace(share))


def _make(path: Path, recipients: Sequence[str], pace: archive.Pace) -> Made:
    host = socket.gethostname()[:100]
    # We hold the lock: whoever has not ended on this machine will not end any more.
    Backup.objects.filter(host=host, finished_at=None, error="").update(error="прервана: её процесс остановили")
    row = Backup.objects.create(host=host, name=path.name[:300], encrypted=bool(recipients))
    try:
        _remove_parts(path.parent)
        with archive.written(path, recipients) as out:
            manifest = _write(out, row, pace)
    except BaseException as exc:
        Backup.objects.filter(pk=row.pk).update(error=f"{type(exc).__name__}: {exc}"[:500] or "прервана")
        raise
    _finish(row, manifest, path)
    return Made(path, row, manifest.missing)


@contextmanager
def _alone() -> Iterator[None]:
    """Hold the lock of this machine; the system lets it go with the process, however that ends."""
    settings.DATA.mkdir(parents=True, exist_ok=True)
    with (settings.DATA / "backup.lock").open("a") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise UnderWay from None
        yield


def _remove_parts(folder: Path) -> None:
    """Remove what a killed backup left half-written."""
    for part in folder.glob("otklik-*.part") if folder.is_dir() else ():
        if OURS.fullmatch(part.name.removesuffix(".part")):
            part.unlink(missing_ok=True)


@transaction.atomic
def _finish(row: Backup, manifest: archive.Manifest, path: Path) -> None:
    row.finished_at, row.size, row.rows = timezone.now(), path.stat().st_size, manifest.rows
    row.files = len(manifest.names("files")) + len(manifest.names("media"))
    row.missing = len(manifest.missing)
    row.save()
    journal.record("system.backed_up", chain="system", by=None, backup=row.pk, rows=row.rows, files=row.files)


def _write(out: IO[bytes], row: Backup, pace: archive.Pace) -> archive.Manifest:
    with archive.Writer(out, pace) as writer:
        return _write_all(writer, row)


def _write_all(writer: archive.Writer, row: Backup) -> archive.Manifest:
    media: set[str] = set()
    with tables.snapshot():
        manifest = _manifest(row)
        for table in tables.every(tables.applied()):
            manifest.tables[table.name] = _write_table(writer, table, media)
        # What an administrator destroyed is not missing.
        there = StoredFile.objects.exclude(examination__state=FileExamination.State.DESTROYED)
        stored = list(there.order_by("path").values_list("path", "sha256"))
    for path, sha256 in stored:
        if not _write_file(writer, f"files/{path}", files.storage(), path, sha256):
            manifest.missing.append(f"files/{path}")
    for name in sorted(media):
        if not _write_file(writer, f"media/{name}", default_storage, name):
            manifest.missing.append(f"media/{name}")
    writer.close(manifest)
    return manifest


def _manifest(row: Backup) -> archive.Manifest:
    return archive.Manifest(
        version=otklik.__version__,
        made_at=timezone.now().isoformat(timespec="seconds"),
        database=connection.vendor,
        kind=installation.kind(),
        key=archive.key_mark(),
        migrations=[list(name) for name in tables.applied()],
        backup=row.pk,
        left_out=[*tables.LEFT_OUT, f"{tables.DERIVED}_*"],
    )


def _write_table(writer: archive.Writer, table: tables.Table, media: set[str]) -> dict[str, Any]:
    def note(values: tables.Row) -> None:
        media.update(values[place] for place in table.files if values[place])

    tally = tables.Tally()
    writer.add(f"tables/{table.name}.jsonl", tables.lines(table, tally, seen=note))
    return {
        **asdict(tally.content),
        "columns": list(table.columns),
        "kinds": list(table.kinds),
        "sequence": tables.sequence(table),
    }


def _write_file(writer: archive.Writer, part: str, storage: Storage, path: str, sha256: str = "") -> bool:
    """Add one file; return False where it is not there, cannot be read, or is not what its row says."""
    failed: list[OSError] = []
    try:
        file = storage.open(path, "rb")
    except StorageSilent:
        raise  # not this file is missing: none can be read, and a backup without files is none
    except OSError:
        return False
    with file:
        found = writer.add(part, _chunks(file, failed))
    return not failed and found == (sha256 or found)


def _chunks(file: IO[bytes], failed: list[OSError]) -> Iterator[bytes]:
    """Yield what can be read: a bad place on the disk ends one file, not the backup."""
    try:
        while chunk := file.read(archive.CHUNK):
            yield chunk
    except StorageSilent:
        raise
    except OSError as exc:
        failed.append(exc)


def ours(folder: Path) -> list[Path]:
    """Return the archives that `default_name` named, the oldest first."""
    return sorted(path for path in folder.iterdir() if OURS.fullmatch(path.name)) if folder.is_dir() else []


def prune(folder: Path, keep: int) -> list[Path]:
    """Remove all but the newest archives that `default_name` named; return what was removed."""
    return remove(ours(folder)[:-keep])


def remove(old: Sequence[Path]) -> list[Path]:
    """Remove archives, and say of each in its row that it is gone."""
    for path in old:
        path.unlink(missing_ok=True)
    Backup.objects.filter(name__in=[path.name for path in old], removed_at=None).update(removed_at=timezone.now())
    return list(old)
