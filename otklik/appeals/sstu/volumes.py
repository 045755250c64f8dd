"""Archives for ССТУ: one file an appeal, each archive below its limit; one appeal at a time is in memory."""

from __future__ import annotations

import hashlib
import zipfile
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final
from uuid import UUID

# A file takes this much beside its bytes: two records of its name. Deflating adds less than a thousandth at worst.
_BESIDE: Final = 400
_AT_END: Final = 200
DATED: Final = (2000, 1, 1, 0, 0, 0)  # equal appeals make equal archives


@dataclass
class Volume:
    """A written archive: where it lies, and the files in it, appeal → SHA-256."""

    path: Path
    digests: dict[int, str] = field(default_factory=dict)


def write(
    folder: Path,
    items: Iterable[tuple[int, UUID, Callable[[], bytes]]],
    *,
    less_than: int,
    refused: Callable[[int, str], None],
) -> Iterator[Volume]:
    """Yield archives smaller than `less_than` as they are finished; `refused` hears of what fits into none."""
    volume: Volume | None = None
    archive: zipfile.ZipFile | None = None
    try:
        for appeal, guid, make in items:
            content = make()
            if not content:  # it has said itself why
                continue
            most = _most(len(content))
            if most >= less_than:
                refused(appeal, f"файл обращения больше тома: {len(content)} байт, том меньше {less_than}")
                continue
            if volume is not None and archive is not None and _size(archive, volume) + most >= less_than:
                archive.close()
                yield volume
                volume = archive = None
            if volume is None or archive is None:
                volume = Volume(folder / f"{appeal}.zip")
                archive = zipfile.ZipFile(volume.path, "w")
            archive.writestr(zipfile.ZipInfo(f"{guid}.json", DATED), content, zipfile.ZIP_DEFLATED, compresslevel=1)
            volume.digests[appeal] = hashlib.sha256(content).hexdigest()
        if volume is not None and archive is not None:
            archive.close()
            archive = None
            yield volume
    finally:
        if archive is not None:
            archive.close()


def _most(size: int) -> int:
    return size + size // 1000 + 64 + _BESIDE


def _size(archive: zipfile.ZipFile, volume: Volume) -> int:
    """Return how large the archive is at most when it is closed now."""
    assert archive.fp is not None
    return archive.fp.tell() + _BESIDE * len(volume.digests) + _AT_END
