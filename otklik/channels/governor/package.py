"""A package brought by a clerk: the files as they came and what the covering letter says, in one file that is kept."""

from __future__ import annotations

import hashlib
import json
import re
import tempfile
import zipfile
import zlib
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import IO, Any, Final

from otklik.channels.governor.cover import SCHEMA
from otklik.correspondence.channel import ParsedFile

FIELDS: Final = "otklik-package.json"
PIECE: Final = 1024 * 1024
MOST_FILES: Final = 50  # of an archive
MOST_BYTES: Final = 100 * 1024 * 1024  # of an archive, unpacked
MOST_GROWTH: Final = 100  # times what it takes packed: a text grows tenfold, a bomb a thousandfold
NOT_UNPACKED: Final = "архив не распакован: в нём слишком много или он слишком велик; откройте его отдельно"
BROKEN: Final = "архив повреждён или закрыт паролем: откройте его отдельно"


class NotPackage(Exception):
    """The bytes are something else."""


def write(told: dict[str, Any], files: Sequence[tuple[str, IO[bytes]]], to: Path) -> str:
    """Write a package to a file; return the SHA-256 of what it says, whatever its bytes are."""
    digest, listed = hashlib.sha256(), []
    with zipfile.ZipFile(to, "w", zipfile.ZIP_STORED) as package:
        for number, (name, content) in enumerate(files, start=1):
            one = hashlib.sha256()
            with package.open(zipfile.ZipInfo(f"{number:04d}"), "w", force_zip64=True) as member:
                while piece := content.read(PIECE):
                    one.update(piece)
                    member.write(piece)
            listed.append({"name": name, "sha256": one.hexdigest()})
        said = json.dumps({**told, "schema": SCHEMA, "files": listed}, ensure_ascii=False, sort_keys=True)
        package.writestr(zipfile.ZipInfo(FIELDS), said)
    digest.update(said.encode())
    return digest.hexdigest()


def read(raw: Path) -> tuple[dict[str, Any], list[ParsedFile]]:
    """Read a kept package: its fields and its files, archives among them unpacked. Raise NotPackage."""
    files: list[ParsedFile] = []
    try:
        with zipfile.ZipFile(raw) as package:
            told = json.loads(package.read(FIELDS))
            if not isinstance(told, dict) or told.get("schema") != SCHEMA:
                raise NotPackage
            names = [str(one["name"]) for one in told["files"]]
            for number, name in enumerate(names, start=1):
                path = _copied(package, f"{number:04d}")
                files.append(ParsedFile(safe(name) or f"файл {number}", "", path, temporary=True))
                if name.lower().endswith(".zip"):
                    files[-1:] = list(_unpacked(files[-1], path))
    except (zipfile.BadZipFile, zlib.error, KeyError, ValueError, TypeError, OSError, NotImplementedError) as exc:
        for one in files:
            Path(str(one.content)).unlink(missing_ok=True)
        raise NotPackage from exc
    return told, files


def _unpacked(archive: ParsedFile, path: Path) -> Iterator[ParsedFile]:
    """Yield an archive and what is in it; only the archive, with the reason, where it cannot be unpacked safely."""
    found: list[ParsedFile] = []
    try:
        with zipfile.ZipFile(path) as there:
            inside = [one for one in there.infolist() if not one.is_dir()]
            size = sum(one.file_size for one in inside)
            if len(inside) > MOST_FILES or size > min(MOST_BYTES, MOST_GROWTH * max(path.stat().st_size, PIECE // 100)):
                yield _with(archive, NOT_UNPACKED)
                return
            for number, one in enumerate(inside, start=1):
                name = safe(_name(one)) or f"файл {number}"
                found.append(ParsedFile(name, "", _copied(there, one, most=one.file_size), temporary=True))
    except (zipfile.BadZipFile, zlib.error, ValueError, RuntimeError, NotImplementedError, EOFError, OSError):
        for taken in found:
            Path(str(taken.content)).unlink(missing_ok=True)
        yield _with(archive, BROKEN)
        return
    yield archive
    yield from found


def _with(archive: ParsedFile, problem: str) -> ParsedFile:
    return ParsedFile(archive.name, "", archive.content, problem=problem, temporary=True)


def _copied(package: zipfile.ZipFile, member: str | zipfile.ZipInfo, *, most: int | None = None) -> Path:
    """Copy a member to a temporary file; one that grows beyond what its archive says of it is no archive of ours."""
    size = 0
    with package.open(member) as source, tempfile.NamedTemporaryFile(prefix="otklik-part-", delete=False) as out:
        while piece := source.read(PIECE):
            size += len(piece)
            if most is not None and size > most:
                raise ValueError("grows")
            out.write(piece)
    return Path(out.name)


def _name(one: zipfile.ZipInfo) -> str:
    """Return a member's name; archives of Windows without the mark of UTF-8 write it in cp866."""
    if one.flag_bits & 0x800:
        return one.filename
    try:
        return one.filename.encode("cp437").decode("cp866")
    except UnicodeError:
        return one.filename


def safe(name: str) -> str:
    """Return a file's own name: no folders, nothing that climbs out of one."""
    own = re.split(r"[/\\]", name)[-1]
    return re.sub(r"[\x00-\x1f:*?\"<>|\ud800-\udfff]+", " ", own).strip(" .")[:200]
