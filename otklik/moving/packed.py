"""Files beside a journal: a ZIP in which a name begins with the number of its row, or a folder bears it."""

from __future__ import annotations

import re
import zipfile
from collections.abc import Iterable, Set
from pathlib import Path, PurePosixPath
from tempfile import TemporaryFile
from typing import IO, Final

from otklik.core import files
from otklik.core.errors import DomainError
from otklik.core.models import StoredFile

MOST_NAMES: Final = 100_000
MOST_BYTES: Final = 100 * 1024 * 1024  # of one file
_ANSWER: Final = re.compile(r"ответ|исх", re.IGNORECASE)
_CUT: Final = re.compile(r"[\s_().,;№]")


class BadArchive(DomainError):
    """What was brought as files of the journal cannot be opened."""

    code = "moving.bad_archive"
    text = "Архив с файлами не прочитан: {what}"


def folder(path: Path) -> IO[bytes]:
    """Return a folder as one archive, so that both are the same afterwards."""
    spool = TemporaryFile()  # noqa: SIM115 - the caller keeps it and closes it
    with zipfile.ZipFile(spool, "w", zipfile.ZIP_STORED) as archive:
        for one in sorted(path.rglob("*")):
            if one.is_file() and not one.is_symlink():
                archive.write(one, str(one.relative_to(path)))
    spool.seek(0)
    return spool


def check(content: IO[bytes]) -> None:
    """Raise BadArchive where this is no archive we would open."""
    try:
        with zipfile.ZipFile(content) as archive:
            names = archive.infolist()
    except (zipfile.BadZipFile, OSError, ValueError):
        raise BadArchive(what="это не ZIP или он повреждён. Сожмите папку с файлами ещё раз.") from None
    if len(names) > MOST_NAMES:
        raise BadArchive(what=f"в нём больше {MOST_NAMES} файлов. Разделите журнал и файлы на части.")
    if any(one.flag_bits & 1 for one in names):
        raise BadArchive(what="он закрыт паролем. Сожмите папку без пароля.")
    content.seek(0)


def fold(number: str) -> str:
    """Return what a number and the name of a file share: letters and digits alone."""
    return re.sub(r"[^0-9a-zа-я]", "", number.lower().replace("ё", "е"))


class Packed:
    """The files of a journal, by the rows they belong to."""

    def __init__(self, stored: StoredFile, numbers: Iterable[str]) -> None:
        self._archive = zipfile.ZipFile(files.path_of(stored))
        self.of: dict[str, list[str]] = {}
        self.strangers: list[str] = []
        known = {fold(number) for number in numbers} - {""}
        for info in self._archive.infolist():
            if info.is_dir() or info.filename.startswith("__MACOSX"):
                continue
            owner = _owner(_name(info), known)
            if owner:
                self.of.setdefault(owner, []).append(info.filename)
            else:
                self.strangers.append(_name(info))

    def take(self, number: str) -> tuple[list[tuple[str, bytes]], list[tuple[str, bytes]], list[str]]:
        """Return the files of a row, those of its answer apart, and what is wrong with the rest, in words."""
        came: list[tuple[str, bytes]] = []
        went: list[tuple[str, bytes]] = []
        wrong: list[str] = []
        for name in self.of.get(fold(number), []):
            info = self._archive.getinfo(name)
            shown = PurePosixPath(_name(info)).name
            try:
                if info.file_size > MOST_BYTES:
                    wrong.append(f"файл «{shown}» больше {MOST_BYTES // 1024 // 1024} МБ")
                    continue
                content = self._archive.read(info)
                files.check(content, shown)
            except DomainError as refusal:
                wrong.append(str(refusal))
                continue
            except (zipfile.BadZipFile, OSError, RuntimeError, NotImplementedError):
                wrong.append(f"файл «{shown}» в архиве повреждён")
                continue
            (went if _ANSWER.search(shown) else came).append((shown, content))
        return came, went, wrong


def _name(info: zipfile.ZipInfo) -> str:
    """Return a name as it was: programs of Windows write it in the code page of DOS and do not say so."""
    if info.flag_bits & 0x800:
        return info.filename
    try:
        return info.filename.encode("cp437").decode("cp866")
    except (UnicodeEncodeError, UnicodeDecodeError):
        return info.filename


def _owner(path: str, known: Set[str]) -> str:
    """Return the number a file belongs to: of its folder, else the longest beginning of its name that is one."""
    place = PurePosixPath(path.replace("\\", "/"))
    for parent in place.parts[:-1][::-1]:
        if fold(parent) in known:
            return fold(parent)
    stem = place.stem
    ends = sorted({len(stem), *(found.start() for found in _CUT.finditer(stem))}, reverse=True)
    return next((fold(stem[:end]) for end in ends if fold(stem[:end]) in known), "")
