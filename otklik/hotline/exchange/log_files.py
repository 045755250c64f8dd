"""A log that grows and is put aside by rotation, read on from where reading stopped.

A file is known by its first line and not by its name: renamed, copied, or packed by gzip it is the same. Where the file
that was being read is nowhere to be found, all there is is read anew: events known already do no harm.
"""

from __future__ import annotations

import gzip
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import IO, Final, NamedTuple

PIECE: Final = 32 * 1024  # about one commit of events
LONGEST_LINE: Final = 8 * 1024


class Place(NamedTuple):
    """Where reading stopped: in which file, after how many bytes (unpacked)."""

    head: str
    position: int


@dataclass(frozen=True)
class _File:
    path: Path
    head: str
    began: float


def pieces(path: Path, place: Place) -> Iterator[tuple[Place, bytes]]:
    """Yield whole lines that stand after `place`, piece by piece, each with the place after it; oldest first.

    Raises OSError where the log cannot be read. What is put aside while it is looked for is left to the next look.
    """
    with suppress(_PutAside):
        yield from _after(path, place)


class _PutAside(Exception):
    """Another file stands under the name by now."""


def _after(path: Path, place: Place) -> Iterator[tuple[Place, bytes]]:
    if place.head and (now := _known(path)) and now.head == place.head:
        yield from _rest(now, place.position)
        return
    files = _all(path)
    heads = [one.head for one in files]
    if heads != [one.head for one in _all(path)]:
        raise _PutAside
    begin = heads.index(place.head) if place.head in heads else 0
    for number, one in enumerate(files[begin:]):
        found = number == 0 and one.head == place.head
        yield from _rest(one, place.position if found else 0)


def _all(path: Path) -> list[_File]:
    """Return the log and what was put aside of it, oldest first; of two with one beginning the one in use."""
    path.stat()  # a log that is not there is said so
    others = sorted(one for one in path.parent.glob(f"{path.name}[.-]*") if one.is_file())
    known: dict[str, _File] = {}
    for one in (*others, path):
        # A file may be renamed while we look.
        with suppress(FileNotFoundError, EOFError, gzip.BadGzipFile):
            if file := _known(one):
                known[file.head] = file
    return sorted(known.values(), key=lambda one: one.began)


def _known(path: Path) -> _File | None:
    """Return a file by its first line; None while it has none."""
    try:
        with _opened(path) as stream:
            first = stream.readline(LONGEST_LINE)
            moment = path.stat().st_mtime
    except FileNotFoundError:
        return None
    if not first.endswith(b"\n"):
        return None
    with suppress(ValueError):
        moment = float(first.partition(b"|")[0])
    return _File(path, _head(first), moment)


def _head(first: bytes) -> str:
    return sha256(first).hexdigest()


def _rest(file: _File, position: int) -> Iterator[tuple[Place, bytes]]:
    with _opened(file.path) as stream:
        if _head(stream.readline(LONGEST_LINE)) != file.head:
            raise _PutAside
        stream.seek(position)
        while chunk := stream.read(PIECE):
            whole = chunk[: chunk.rfind(b"\n") + 1]
            if not whole:
                if len(chunk) < PIECE:
                    return  # a line is being written
                whole = chunk  # no line is so long: let the reader count it as not understood
            position += len(whole)
            stream.seek(position)
            yield Place(file.head, position), whole


def _opened(path: Path) -> IO[bytes]:
    if path.suffix == ".gz":
        return gzip.open(path)  # type: ignore[return-value]
    return path.open("rb")
