"""What lies in an archive, by its own list and within limits: nothing is written anywhere, nothing swells."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import tarfile
import zipfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Final

from otklik.core import sniffing

MOST_NAMES: Final = 100
MOST_COUNTED: Final = 20_000
DEPTH: Final = 3
MOST_INSIDE: Final = 20 * 1024 * 1024  # bytes of an archive in an archive that is looked into
MOST_READ: Final = 60 * 1024 * 1024  # bytes unpacked altogether
LONGEST_NAME: Final = 200
_UNREAD: Final = {"application/x-rar-compressed", "application/vnd.rar", "application/x-7z-compressed"}
_BROKEN: Final = (
    zipfile.BadZipFile,
    tarfile.TarError,
    lzma.LZMAError,
    zlib.error,
    OSError,
    EOFError,
    RuntimeError,
    NotImplementedError,
    ValueError,
)


class _Enough(Exception):
    """More has been unpacked than is looked at."""


@dataclass
class Inside:
    """What lies in an archive: names with sizes, how many more, what hindered the looking."""

    names: list[tuple[str, int]] = field(default_factory=list)
    more: int = 0
    note: str = ""
    programs: bool = False
    _read: int = 0

    def add(self, name: str, size: int) -> None:
        """Note one file."""
        self.programs = self.programs or name.rpartition(".")[2].lower() in sniffing.RUNNABLE_NAMES
        if len(self.names) < MOST_NAMES:
            self.names.append(("".join(one for one in name if one.isprintable())[-LONGEST_NAME:], size))
        else:
            self.more += 1
            if self.more > MOST_COUNTED:
                raise _Enough

    def took(self, size: int) -> None:
        """Count what has been unpacked."""
        self._read += size
        if self._read > MOST_READ:
            raise _Enough


def look_into(path: Path, kind: str) -> Inside | None:
    """Return what lies in a file of this kind; None where it is no archive."""
    if kind in _UNREAD:
        return Inside(note="содержимое архивов RAR и 7z не показывается")
    with path.open("rb") as file:
        if kind == sniffing.ZIP and sniffing.crowded(path):
            return Inside(note="в архиве слишком много файлов", more=MOST_COUNTED)
        return _looked(file, kind)


def _looked(file: IO[bytes], kind: str) -> Inside | None:
    found = Inside()
    try:
        if not _walk(file, kind, "", 1, found):
            return None
    except _Enough:
        found.note = "показано не всё: архив слишком велик"
    except _BROKEN:
        found.note = "архив повреждён или прочитан не весь"
    return found


def _walk(file: IO[bytes], kind: str, place: str, depth: int, found: Inside) -> bool:
    """Note what lies in an archive and, some levels deep, in the archives in it; False where it is none."""
    head = file.read(512)
    file.seek(0)
    if kind == sniffing.ZIP or (not kind and head.startswith(b"PK\x03\x04")):
        _zip(file, place, depth, found)
    elif head[257:262] == b"ustar":
        _tar(file, place, depth, found)
    elif (unpacked := _unpacked(file, head, found)) is not None:
        start = unpacked.read(512)
        if start[257:262] == b"ustar":
            _tar(_Rest(start, unpacked), place, depth, found)
        else:
            size = len(start)
            while piece := unpacked.read(64 * 1024):
                size += len(piece)
            found.add(f"{place}(сжатый файл)", size)
    else:
        return False
    return True


def _unpacked(file: IO[bytes], head: bytes, found: Inside) -> _Counted | None:
    if head.startswith(b"\x1f\x8b"):
        return _Counted(gzip.GzipFile(fileobj=file), found)
    if head.startswith(b"BZh"):
        return _Counted(bz2.BZ2File(file), found)
    if head.startswith(b"\xfd7zXZ\0"):
        return _Counted(lzma.LZMAFile(file), found)
    return None


class _Counted:
    """Reads what is unpacked, and stops where it is more than is looked at."""

    def __init__(self, file: IO[bytes] | gzip.GzipFile | bz2.BZ2File | lzma.LZMAFile, found: Inside) -> None:
        self._file, self._found = file, found

    def read(self, size: int) -> bytes:
        """Return at most so many bytes."""
        piece = self._file.read(size)
        self._found.took(len(piece))
        return piece


class _Rest(_Counted):
    """The same from its start again: what was read of it goes first."""

    def __init__(self, start: bytes, rest: _Counted) -> None:
        self._start, self._rest = start, rest

    def read(self, size: int) -> bytes:
        """Return at most so many bytes."""
        piece, self._start = self._start[:size], self._start[size:]
        return piece or self._rest.read(size)


def _zip(file: IO[bytes], place: str, depth: int, found: Inside) -> None:
    with zipfile.ZipFile(file) as archive:
        for part in archive.infolist():
            if part.is_dir():
                continue
            name = _name(part)
            found.add(f"{place}{name}", part.file_size)
            if depth < DEPTH and not part.flag_bits & 0x1 and _is_archive(name) and part.file_size <= MOST_INSIDE:
                with archive.open(part) as inner:
                    _deeper(inner, f"{place}{name} → ", depth, found)


def _name(part: zipfile.ZipInfo) -> str:
    """Return a name as it was typed: Russian archivers write it in the code page of DOS, without saying so."""
    if part.flag_bits & 0x800:
        return part.filename
    try:
        return part.filename.encode("cp437").decode("cp866")
    except (UnicodeEncodeError, UnicodeDecodeError):
        return part.filename


def _tar(file: IO[bytes] | _Counted, place: str, depth: int, found: Inside) -> None:
    with tarfile.open(fileobj=file, mode="r|") as archive:  # type: ignore[call-overload]
        for part in _files(archive):
            found.add(f"{place}{part.name}", part.size)
            if depth < DEPTH and _is_archive(part.name) and part.size <= MOST_INSIDE:
                inner = archive.extractfile(part)
                if inner is not None:
                    _deeper(inner, f"{place}{part.name} → ", depth, found)


def _files(archive: tarfile.TarFile) -> Iterator[tarfile.TarInfo]:
    return (part for part in archive if part.isfile())


def _deeper(inner: IO[bytes], place: str, depth: int, found: Inside) -> None:
    content = inner.read(MOST_INSIDE)
    found.took(len(content))
    try:
        _walk(io.BytesIO(content), "", place, depth + 1, found)
    except _BROKEN:
        found.add(f"{place}(не читается)", 0)


def _is_archive(name: str) -> bool:
    return name.lower().endswith((".zip", ".tar", ".gz", ".tgz", ".bz2", ".xz"))
