"""A package as files by name: bundled from the transport's folder into one archive that is kept, and read from it.

The archive holds the folder's files as they were, uncompressed; its comment what was known when it was taken: from
which folder, who we were, whether this uid had come before. So whoever reads it needs nothing else.
"""

from __future__ import annotations

import hashlib
import json
import shutil
import tempfile
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import IO, Any, Final
from xml.etree.ElementTree import Element, ParseError

from defusedxml import DefusedXmlException
from defusedxml.ElementTree import fromstring

from otklik.channels.medo import envelope

MOST_XML: Final = 10 * 1024 * 1024
MOST_FILES: Final = 500
MOST_UNPACKED: Final = 1024 * 1024 * 1024  # bytes of a container with everything in it
MOST_TIMES: Final = 200  # an honest file shrinks less than this many times
SMALL: Final = 10 * 1024 * 1024  # below it nothing is a bomb
MESSAGES: Final = ("document.xml", "communication.xml", "passport.xml", "notification.xml", "acknowledgment.xml")
_PIECE: Final = 1024 * 1024
_BROKEN: Final = (zipfile.BadZipFile, zlib.error, EOFError, OSError, RuntimeError, NotImplementedError, ValueError)


class Broken(Exception):
    """Something in a package cannot be read: why, in Russian."""


@dataclass(frozen=True)
class Taken:
    """What was known at the moment a package was taken from the folder."""

    folder: str = ""
    uid: str = ""  # ours in МЭДО
    node: str = ""
    again: bool = False  # another message has borne this uid
    ours: dict[str, str] = field(default_factory=dict)  # uid of ours that it speaks of → our Message-ID

    def to_bytes(self) -> bytes:
        """Return it as the archive's comment."""
        return json.dumps(asdict(self), ensure_ascii=False).encode()[:65535]

    @classmethod
    def from_bytes(cls, raw: bytes) -> Taken:
        """Read the archive's comment; of any other archive nothing is known."""
        try:
            said = json.loads(raw)
            return cls(**{name: said[name] for name in cls.__dataclass_fields__ if name in said})
        except (ValueError, TypeError):
            return cls()


class Package:
    """Files by name inside an archive. Nothing is unpacked but what is asked for, and that within limits."""

    def __init__(self, archive: zipfile.ZipFile) -> None:
        self._archive = archive
        self._entries: dict[str, zipfile.ZipInfo] = {}
        self.odd: list[str] = []  # names that lead out of the folder, or stand there twice
        for entry in archive.infolist()[: MOST_FILES + 1]:
            if entry.is_dir():
                continue
            if not is_plain(entry.filename) or entry.filename in self._entries:
                self.odd.append(entry.filename)
            else:
                self._entries[entry.filename] = entry
        self.crowded = len(archive.infolist()) > MOST_FILES
        self._lower = {name.lower(): name for name in self._entries}

    @property
    def names(self) -> list[str]:
        """Return the names of the files."""
        return list(self._entries)

    def find(self, name: str) -> str:
        """Return the name under which a file is there; case is not looked at: the transport runs on Windows."""
        return name if name in self._entries else self._lower.get(name.lower(), "")

    def size(self, name: str) -> int:
        """Return how long a file says it is."""
        return self._entries[self.find(name)].file_size

    def read(self, name: str, *, most: int = MOST_XML) -> bytes:
        """Return a short file; raise Broken where it is longer than `most` or damaged."""
        try:
            with self._archive.open(self._entries[self.find(name)]) as file:
                content = file.read(most + 1)
        except _BROKEN as exc:
            raise Broken(f"файл «{name}» повреждён") from exc
        if len(content) > most:
            raise Broken(f"файл «{name}» больше {most // 1024 // 1024} МБ")
        return content

    def extract(self, name: str, *, prefix: str = "otklik-medo-") -> Path:
        """Write a file to a temporary file of its own; raise Broken where it is damaged or unfolds without end."""
        entry = self._entries[self.find(name)]
        most = max(SMALL, min(MOST_UNPACKED, entry.compress_size * MOST_TIMES))
        with tempfile.NamedTemporaryFile(prefix=prefix, delete=False) as out:
            path = Path(out.name)
            try:
                with self._archive.open(entry) as file:
                    _copy(file, out, most)
            except Broken:
                path.unlink(missing_ok=True)
                raise Broken(f"файл «{name}» разворачивается без меры") from None
            except _BROKEN as exc:
                path.unlink(missing_ok=True)
                raise Broken(f"файл «{name}» повреждён") from exc
        return path

    def xml(self, name: str) -> Element:
        """Return the root of an XML file; raise Broken for anything but plain well-formed XML without a DTD."""
        return parse_xml(self.read(name), name)

    @property
    def too_much(self) -> bool:
        """Say whether all files together are more than anybody sends."""
        return self.crowded or sum(entry.file_size for entry in self._entries.values()) > MOST_UNPACKED


def _copy(source: IO[bytes], target: IO[bytes], most: int) -> None:
    left = most
    while piece := source.read(_PIECE):
        left -= len(piece)
        if left < 0:
            raise Broken
        target.write(piece)


def is_plain(name: str) -> bool:
    """Say whether a name is of a file lying flat in the folder, leading nowhere."""
    return bool(name) and not set("/\\:\0") & set(name) and name not in (".", "..") and len(name) <= 255


def parse_xml(raw: bytes, name: str) -> Element:
    """Return the root of XML in windows-1251 or UTF-8; raise Broken."""
    try:
        root: Element = fromstring(raw, forbid_dtd=True)
    except DefusedXmlException:
        raise Broken(f"в «{name}» есть DTD или внешние сущности: такой XML не разбирается") from None
    except (ParseError, LookupError, ValueError):
        if b"encoding" in raw[:100]:
            raise Broken(f"«{name}» — не правильно составленный XML") from None
        try:  # no declaration, and not UTF-8: the old programs' way
            text = raw.decode("cp1251")
            root = fromstring(text.encode(), forbid_dtd=True)
        except (DefusedXmlException, ParseError, LookupError, ValueError):
            raise Broken(f"«{name}» — не правильно составленный XML") from None
    return root


@contextmanager
def opened(path: Path) -> Iterator[tuple[Package, Taken]]:
    """Open a kept package; raise Broken where the file is no archive."""
    try:
        archive = zipfile.ZipFile(path)
    except _BROKEN as exc:
        raise Broken("это не архив") from exc
    with archive:
        yield Package(archive), Taken.from_bytes(archive.comment)


def bundle(folder: Path, into: Path) -> str:
    """Write a folder's files into one archive, piece by piece; return their digest without the envelope.

    Links are not followed: they may lead anywhere.
    """
    digest = hashlib.sha256()
    with zipfile.ZipFile(into, "w", zipfile.ZIP_STORED, allowZip64=True) as archive:
        for path in sorted(files_of(folder)):
            name = path.relative_to(folder).as_posix()
            with path.open("rb") as file:
                one = hashlib.file_digest(file, "sha256").hexdigest()
            if not envelope.is_envelope(name):
                digest.update(f"{name}\0{one}\n".encode(errors="surrogateescape"))
            info = zipfile.ZipInfo(name)
            with path.open("rb") as file, archive.open(info, "w", force_zip64=True) as out:
                shutil.copyfileobj(file, out, _PIECE)
    return digest.hexdigest()


def files_of(folder: Path) -> list[Path]:
    """Return the plain files of a folder, those of folders inside it too."""
    return [path for path in folder.rglob("*") if path.is_file() and not path.is_symlink()]


def note(path: Path, taken: Taken) -> None:
    """Write down in the archive what was known when the package was taken."""
    with zipfile.ZipFile(path, "a") as archive:
        archive.comment = taken.to_bytes()


def message_name(package: Package) -> str:
    """Return the name of the XML that holds the message; empty where there is none."""
    for name in MESSAGES:
        if found := package.find(name):
            return found
    others = [name for name in package.names if name.lower().endswith(".xml")]
    return others[0] if others else ""


def envelope_of(package: Package) -> envelope.Envelope | None:
    """Return a package's envelope, None where it has none."""
    name = next((one for one in package.names if envelope.is_envelope(one)), "")
    if not name:
        return None
    try:
        return envelope.read(package.read(name, most=envelope.MOST_BYTES))
    except Broken:
        return None


def attribute(node: Element | None, name: str) -> str:
    """Return an attribute by its local name, with a namespace or, as careless senders write it, without."""
    if node is None:
        return ""
    found: Any = next((value for key, value in node.attrib.items() if key.rpartition("}")[2] == name), "")
    return str(found).strip()
