"""Files by their content: stored once, on disk before the row, given out so that no browser runs them."""

from __future__ import annotations

import hashlib
import os
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import IO, Any, Final, TypeVar, cast

from django.conf import settings
from django.core.files import File
from django.core.files.storage import Storage, storages
from django.db.models import ProtectedError, QuerySet
from django.http import FileResponse
from django.http.response import HttpResponseBase
from django.utils.http import content_disposition_header
from django.utils.text import get_valid_filename

from otklik.core import sniffing
from otklik.core.errors import DomainError
from otklik.core.models import FileExamination, StoredFile
from otklik.core.storage import DurableStorage, sync_each

Answer = TypeVar("Answer", bound=HttpResponseBase)

CHUNK: Final = 1024 * 1024
Content = bytes | Path | IO[bytes] | Iterable[bytes]
_DAY_SECONDS: Final = 24 * 60 * 60


class Refused(DomainError):
    """A file that cannot be taken: `why` says what is wrong, `do` what helps."""

    code = "files.refused"
    text = "Файл «{name}» не принят: {why}. {do}"


class KeptAside(DomainError):
    """A file that is given out to nobody until an administrator decides."""

    code = "files.kept_aside"
    text = "Файл «{name}» не выдаётся: {why}. Решает администратор на странице «Отложенные файлы»."
    status = 403


class NotYet(DomainError):
    """A file that the antivirus has not looked into yet."""

    code = "files.not_yet"
    text = "Файл «{name}» ещё проверяется антивирусом. Откройте его через минуту."
    status = 409


def storage() -> Storage:
    """Return the storage that settings name for files."""
    return storages["files"]


def store(content: bytes | Path | IO[bytes], *, name: str = "") -> StoredFile:
    """Keep bytes and return their row; equal bytes share one. The file is safe on disk before the row exists."""
    return store_each([(name, content)])[0]


def store_each(items: Iterable[tuple[str, bytes | Path | IO[bytes]]]) -> list[StoredFile]:
    """Keep several (name, content) as `store` keeps one, in a fixed number of statements."""
    items, unsynced = list(items), set[Path]()
    with ExitStack() as open_spools:
        # Of many each waits for the disk together with the others, not after them.
        spooled = [
            (name, *open_spools.enter_context(_spooled(content, sync=len(items) == 1))) for name, content in items
        ]
        if len(items) > 1:
            sync_each(spool for _, spool, _, _ in spooled)
        wanted = {sha256 for _, _, sha256, _ in spooled}
        known = {row.sha256: row for row in StoredFile.objects.filter(sha256__in=wanted)} if wanted else {}
        new: dict[str, StoredFile] = {}
        for name, spool, sha256, size in spooled:
            if sha256 in new or (sha256 in known and storage().exists(known[sha256].path)):
                continue
            path = f"{sha256[:2]}/{sha256[2:4]}/{sha256}"
            content_type = sniffing.content_type(spool, name)
            storage().save(path, _Spool(spool, unsynced))
            new[sha256] = StoredFile(sha256=sha256, size=size, path=path, content_type=content_type)
    sync_each(unsynced)
    if missing := [row for sha256, row in new.items() if sha256 not in known]:
        StoredFile.objects.bulk_create(missing, ignore_conflicts=True)
        known |= {row.sha256: row for row in StoredFile.objects.filter(sha256__in=[row.sha256 for row in missing])}
    return [known[sha256] for _, _, sha256, _ in spooled]


def put_back(path: str, chunks: Iterable[bytes]) -> bool:
    """Keep bytes at the place a row names, where they are missing or damaged; return True where they were missing."""
    with _spooled(chunks) as (spool, sha256, _):
        if not path.endswith(sha256):
            raise ValueError(f"{path}: other bytes")
        missing = not storage().exists(path)
        if missing or _digest_of(path) != sha256:
            storage().save(path, _Spool(spool))
    return missing


def _digest_of(path: str) -> str:
    digest = hashlib.sha256()
    with storage().open(path, "rb") as file:
        for chunk in _chunks(file):
            digest.update(chunk)
    return digest.hexdigest()


class _Spool(File[bytes]):
    """A written temporary file, to be moved (local folder) or read (any other storage)."""

    def __init__(self, path: Path, unsynced: set[Path] | None = None) -> None:
        super().__init__(path.open("rb"), name=path.name)
        self._path = path
        self.unsynced = unsynced  # folders whose new names somebody else makes last

    def temporary_file_path(self) -> str:
        return str(self._path)


@contextmanager
def _spooled(content: Content, *, sync: bool = True) -> Iterator[tuple[Path, str, int]]:
    """Write the content to a temporary file, fsynced and hashed on the way; leave nothing behind on any failure."""
    folder = Path(settings.FILES_ROOT) / ".tmp"
    folder.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(dir=folder)
    sha256, size = hashlib.sha256(), 0
    try:
        with os.fdopen(handle, "wb") as file:
            for chunk in _chunks(content):
                file.write(chunk)
                sha256.update(chunk)
                size += len(chunk)
            file.flush()
            if sync:
                os.fsync(file.fileno())
        yield Path(name), sha256.hexdigest(), size
    finally:
        with suppress(FileNotFoundError):
            os.unlink(name)


def _chunks(content: Content) -> Iterator[bytes]:
    if isinstance(content, bytes | bytearray | memoryview):
        yield bytes(content)
        return
    if isinstance(content, Path):
        with content.open("rb") as file:
            yield from _chunks(file)
        return
    if not hasattr(content, "read"):
        yield from content
        return
    opened = cast("IO[bytes]", content)
    if opened.seekable():
        opened.seek(0)
    while chunk := opened.read(CHUNK):
        yield chunk


def path_of(stored: StoredFile) -> Path:
    """Return where the bytes are on this machine; out of a bucket they are fetched first."""
    return Path(storage().path(stored.path))


def open_file(stored: StoredFile) -> File[bytes]:
    """Open the bytes for reading, wherever they are."""
    return storage().open(stored.path, "rb")


def check(file: StoredFile | Path | IO[bytes] | bytes, name: str, *, inert: bool = False) -> None:
    """Refuse a file that cannot be worked with: empty, too large, a program, mislabelled, locked or broken.

    `inert`: what runs or opens by itself in a document is refused too; asked of files that we give out ourselves.
    """
    if isinstance(file, StoredFile):
        _check_path(path_of(file), name, inert=inert)
    elif isinstance(file, Path):
        _check_path(file, name, inert=inert)
    else:
        # An upload is measured before it is copied: a huge one costs nothing.
        size = len(file) if isinstance(file, bytes) else getattr(file, "size", None)
        if size is not None:
            _check_size(size, name)
        with _spooled(file) as (path, _, _):
            _check_path(path, name, inert=inert)
        if not isinstance(file, bytes) and file.seekable():
            file.seek(0)


def _check_path(path: Path, name: str, *, inert: bool) -> None:
    _check_size(path.stat().st_size, name)
    if problem := sniffing.problem(path, name, inert=inert):
        raise Refused(name=name, why=problem.why, do=problem.do)


def _check_size(size: int, name: str) -> None:
    if size == 0:
        raise Refused(name=name, why="он пустой (0 байт)", do="Проверьте файл и приложите его ещё раз.")
    if size > settings.UPLOAD_MAX_BYTES:
        limit = settings.UPLOAD_MAX_BYTES // 1024 // 1024
        raise Refused(
            name=name,
            why=f"он больше {limit} МБ",
            do="Разделите его на части или уменьшите качество скана.",
        )


def safe_name(name: str) -> str:
    """Return a file name without paths, control signs and tricks with text direction."""
    bare = name.replace("\\", "/").rsplit("/", 1)[-1]
    bare = "".join(sign for sign in bare if sign.isprintable())
    with suppress(Exception):
        bare = get_valid_filename(bare).strip(".")
    stem, dot, suffix = bare.rpartition(".")
    return f"{(stem or suffix)[:120]}{dot if stem else ''}{suffix[:12] if stem else ''}" or "файл"


def response(stored: StoredFile, name: str) -> FileResponse:
    """Return the file as a download: never shown inside our pages, never run, its type not guessed again.

    Raise KeptAside where it is infected, a program or destroyed; NotYet while an antivirus has still to look into it.
    """
    check_given_out(stored, name)
    kind = stored.content_type if stored.content_type in sniffing.HARMLESS else "application/octet-stream"
    return download(FileResponse(open_file(stored), content_type=kind), safe_name(name))


def check_given_out(stored: StoredFile, name: str) -> None:
    """Raise KeptAside or NotYet where `response` would give nobody this file."""
    row = FileExamination.objects.filter(stored=stored).only("state", "found").first()
    if row is None:
        return
    state = FileExamination.State
    if row.state in {state.INFECTED, state.BLOCKED, state.DESTROYED}:
        why = f"{row.get_state_display()}{f' ({row.found})' if row.state != state.DESTROYED and row.found else ''}"
        raise KeptAside(name=safe_name(name), why=why)
    if row.state in {state.WAITING, state.UNCHECKED} and settings.CLAMD:
        raise NotYet(name=safe_name(name))


def download(answer: Answer, name: str) -> Answer:
    """Let an answer be saved under a name and nothing else: not shown, not run, not kept by a proxy."""
    answer["Content-Disposition"] = content_disposition_header(as_attachment=True, filename=name) or "attachment"
    answer["X-Content-Type-Options"] = "nosniff"
    answer["Content-Security-Policy"] = "default-src 'none'; sandbox"
    answer["Cache-Control"] = "private, no-store"
    return answer


def forget(stored: StoredFile) -> bool:
    """Remove the row of a file nothing refers to and return True; its bytes are swept with the orphans.

    Where somebody refers to it at this very moment, the database refuses one of the two when it commits.
    """
    try:
        stored.delete()
    except ProtectedError:
        return False
    return True


def forget_made(rows: QuerySet[Any]) -> int:
    """Remove rows that hold a copy made for somebody (`stored`), and the copies; return how many rows there were."""
    old = list(rows.select_related("stored"))
    for row in old:
        stored = row.stored
        row.delete()
        if stored:
            forget(stored)
    return len(old)


def sweep_orphans(*, older_than: float = _DAY_SECONDS) -> int:
    """Remove files that no row names and temporary leftovers, all older than a day; return how many."""
    place: Any = storage()
    if not isinstance(place, DurableStorage):
        return 0
    return place.sweep(set(StoredFile.objects.values_list("path", flat=True)), older_than)
