"""Where files live: a Django storage, so that another (`core.bucket`) can take its place in settings."""

from __future__ import annotations

import os
import time
from collections.abc import Collection, Iterable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from functools import cached_property
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.files import File
from django.core.files.storage import FileSystemStorage

_FEW = 8
_AT_ONCE = 16  # of those that wait for the disk


class StorageSilent(OSError):
    """Where the files are does not answer: all of them are out of reach, not one."""


class DurableStorage(FileSystemStorage):
    """A local folder whose files are whole or absent: temporary file, fsync, atomic rename, fsync of the folder."""

    @property
    def base_location(self) -> Any:
        """Return the folder named in settings, asked every time: tests and commands change it."""
        return settings.FILES_ROOT

    @property
    def location(self) -> str:
        """Return the folder as an absolute path."""
        return os.path.abspath(settings.FILES_ROOT)

    @cached_property
    def base_url(self) -> None:  # type: ignore[override]
        """Have no address: files are given out by views that ask who is looking."""
        return

    def get_available_name(self, name: str, max_length: int | None = None) -> str:
        """Keep the name: it is made of the content, an existing file is the same file."""
        return name

    def _save(self, name: str, content: File[bytes]) -> str:
        """Move the written and fsynced `content.temporary_file_path()` to its place."""
        target = Path(self.path(name))
        made = [folder for folder in (target.parent, *target.parent.parents) if not folder.exists()]
        target.parent.mkdir(parents=True, exist_ok=True)
        os.replace(content.temporary_file_path(), target)  # type: ignore[attr-defined]
        folders = {target.parent, *(folder.parent for folder in made)}
        if (later := getattr(content, "unsynced", None)) is None:
            sync_each(folders)
        else:  # one of many: who keeps them all makes their folders last, too
            later |= folders
        return name

    def listed(self) -> list[str]:
        """Return the names of all files, temporary ones left out."""
        root = Path(self.location)
        return [path.relative_to(root).as_posix() for path in root.glob("??/??/*") if path.is_file()]

    def trouble(self) -> str:
        """Say what is wrong with the place as a whole; of a local folder the disk's own figures tell."""
        return ""

    def sweep(self, known: Collection[str], older_than: float) -> int:
        """Remove files nobody names and temporary leftovers, older than so many seconds; return how many."""
        root, swept = Path(self.location), 0
        for path in root.glob("??/??/*"):
            if path.relative_to(root).as_posix() not in known and _is_older(path, older_than):
                swept += _take_out(path, root / ".tmp", older_than)
        for leftover in (root / ".tmp").glob("*"):
            if _is_older(leftover, older_than):
                leftover.unlink(missing_ok=True)
                swept += 1
        return swept


def _take_out(path: Path, folder: Path, older_than: float) -> int:
    """Remove an orphan unless somebody has just stored the same content again: then its new file goes back."""
    folder.mkdir(exist_ok=True)
    aside = folder / f"{path.name}.swept"
    with suppress(FileNotFoundError):
        os.replace(path, aside)
        if _is_older(aside, older_than):
            aside.unlink()
            return 1
        os.replace(aside, path)
    return 0


def _is_older(path: Path, seconds: float) -> bool:
    with suppress(FileNotFoundError):
        return path.stat().st_mtime < time.time() - seconds
    return False


def sync_each(paths: Iterable[Path]) -> None:
    """Make files and folders survive a power cut; the disk takes many at once nearly as fast as one."""
    paths = list(paths)
    if len(paths) < _FEW:
        for path in paths:
            sync_folder(path)
        return
    with ThreadPoolExecutor(_AT_ONCE) as pool:
        list(pool.map(sync_folder, paths))


def sync_folder(folder: Path) -> None:
    """Make the names in a folder survive a power cut; a system that cannot open folders does without."""
    with suppress(PermissionError):
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)
