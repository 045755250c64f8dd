"""Stored files in a bucket by S3; the local folder only keeps copies of what programs had to open by a path.

A name is made of the content, so a copy is right for ever: nothing here can go stale, and nothing is written twice.
"""

from __future__ import annotations

import errno
import hashlib
import io
import os
import tempfile
import time
from collections.abc import Collection, Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime, timedelta
from functools import cached_property
from pathlib import Path
from typing import Any, Final
from urllib.parse import parse_qsl, urlsplit

import obstore
from django.conf import settings
from django.core.files import File
from obstore.exceptions import BaseError
from obstore.store import S3Store

from otklik.core.storage import DurableStorage, StorageSilent

CHUNK: Final = 1024 * 1024
SWEPT: Final = "swept"  # where orphans wait a day before they go for good


class BucketStorage(DurableStorage):
    """A bucket whose objects are whole or absent; it answers, or `StorageSilent` is raised and nothing was done."""

    @cached_property
    def bucket(self) -> S3Store:
        """Return the bucket that settings name. One for the process: it keeps its connections."""
        parts = urlsplit(settings.S3_URL)
        asked = dict(parse_qsl(parts.query))
        config: Any = {
            "access_key_id": settings.S3_KEY,
            "secret_access_key": settings.S3_SECRET,
            "region": asked.get("region", "us-east-1"),
            "virtual_hosted_style_request": False,
        }
        if endpoint := asked.get("endpoint"):
            config["endpoint"] = endpoint
        return S3Store(
            parts.hostname or "",
            prefix=parts.path.strip("/") or None,
            config=config,
            client_options={"allow_http": True, "connect_timeout": "5s", "timeout": "120s"},
            retry_config={"max_retries": 2, "retry_timeout": timedelta(seconds=15)},
        )

    def trouble(self) -> str:
        """Ask the bucket for something small; say what is wrong, nothing where it answers."""
        try:
            with _asking():
                next(iter(self.bucket.list("health/")), None)
        except OSError as silent:
            return str(silent.strerror)
        return ""

    def exists(self, name: str) -> bool:
        """Tell whether the bucket has the object, or had swept it only lately: then it is brought back."""
        with _asking():
            try:
                self.bucket.head(name)
            except FileNotFoundError:
                return self._brought_back(name)
        return True

    def path(self, name: str) -> str:
        """Return the place of a local copy, fetched and checked where there is none yet; it stays for a day."""
        place = Path(super().path(name))
        with suppress(FileNotFoundError):
            os.utime(place)  # used just now
            return str(place)
        folder = Path(self.location) / ".tmp"
        for made in (folder, place.parent):
            made.mkdir(parents=True, exist_ok=True)
        handle, scratch = tempfile.mkstemp(dir=folder)
        try:
            digest = hashlib.sha256()
            with self._open(name) as source, os.fdopen(handle, "wb") as target:
                for chunk in source.chunks(CHUNK):
                    digest.update(chunk)
                    target.write(chunk)
            if digest.hexdigest() != place.name:
                raise OSError(errno.EIO, "The object is not what its name says")
            os.replace(scratch, place)
        finally:
            with suppress(FileNotFoundError):
                os.unlink(scratch)
        return str(place)

    def _open(self, name: str, mode: str = "rb") -> File[bytes]:
        """Open the object for reading piece by piece; no local copy is made."""
        with _asking():
            try:
                reader = obstore.open_reader(self.bucket, name, buffer_size=CHUNK)
            except FileNotFoundError:
                if not self._brought_back(name):
                    raise
                reader = obstore.open_reader(self.bucket, name, buffer_size=CHUNK)
        return File(io.BufferedReader(_Remote(reader), CHUNK), name)

    def _save(self, name: str, content: File[bytes]) -> str:
        """Send the written `content.temporary_file_path()`, in parts where it is big: seen whole or not at all."""
        with _asking():
            self.bucket.put(name, Path(content.temporary_file_path()))  # type: ignore[attr-defined]
        return name

    def delete(self, name: str) -> None:
        """Remove the object and a local copy of it."""
        with _asking(), suppress(FileNotFoundError):
            self.bucket.delete(name)
        Path(super().path(name)).unlink(missing_ok=True)

    def listed(self) -> list[str]:
        """Return the names of all objects, swept ones left out."""
        return [name for name, _ in self._objects() if not name.startswith(f"{SWEPT}/")]

    def sweep(self, known: Collection[str], older_than: float) -> int:
        """Take away objects nobody names, and local copies nobody used; return how many objects.

        Whoever stores the same content at this very moment loses nothing: an orphan is put aside first, and brought
        back by the next one who asks for it.
        """
        super().sweep((), older_than)
        oldest, taken = datetime.fromtimestamp(time.time() - older_than, UTC), 0
        for name, changed in self._objects():
            if changed >= oldest:
                continue
            aside = name.removeprefix(f"{SWEPT}/")
            with _asking(), suppress(FileNotFoundError):
                if aside != name:
                    if aside in known:
                        self._brought_back(aside)
                    self.bucket.delete(name)
                elif name not in known:
                    self.bucket.copy(name, f"{SWEPT}/{name}")
                    self.bucket.delete(name)
                    taken += 1
        return taken

    def _brought_back(self, name: str) -> bool:
        try:
            self.bucket.copy(f"{SWEPT}/{name}", name)
        except FileNotFoundError:
            return False
        return True

    def _objects(self) -> Iterator[tuple[str, datetime]]:
        with _asking():
            for portion in self.bucket.list():
                yield from ((one["path"], one["last_modified"]) for one in portion)


class _Remote(io.RawIOBase):
    """An object of the bucket as Python reads files."""

    def __init__(self, reader: obstore.ReadableFile) -> None:
        self._reader = reader

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = os.SEEK_SET, /) -> int:
        return self._reader.seek(offset, whence)

    def tell(self) -> int:
        return self._reader.tell()

    def readinto(self, buffer: Any, /) -> int:
        with _asking():
            chunk = memoryview(self._reader.read(len(buffer)))
        buffer[: len(chunk)] = chunk
        return len(chunk)


@contextmanager
def _asking() -> Iterator[None]:
    """Make a refusal of the bucket what a broken disk is: an outage that passes, not a defect of ours."""
    try:
        yield
    except BaseError as refusal:
        # Its own words may quote the key by which we came, and a log would keep them.
        words = str(refusal).split("\n", 1)[0][:200]
        for secret in filter(None, (settings.S3_KEY, settings.S3_SECRET)):
            words = words.replace(secret, "•••")
        raise StorageSilent(errno.EIO, f"the bucket of stored files does not answer: {words}") from None
