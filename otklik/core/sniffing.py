"""What a file really is, by its content; and what is wrong with it, in words for the one who brought it."""

from __future__ import annotations

import re
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import filetype

OLE: Final = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
_HEAD: Final = 8192
_TAIL: Final = 65536
_ZIP_END: Final = 128  # bytes of the records that end an archive
_IN_OTHER_RECORD: Final = 0xFFFFFFFF
_LONGEST_LIST: Final = 2 * 1024 * 1024  # bytes: some twenty thousand names
_MOST_UNPACKED: Final = 200 * 1024 * 1024  # bytes of a document with everything in it
_LARGEST_NOTE: Final = 1024 * 1024  # bytes of what a document says about itself
_OOXML: Final = "application/vnd.openxmlformats-officedocument."
_ODF: Final = "application/vnd.oasis.opendocument."
PDF: Final = "application/pdf"
ZIP: Final = "application/zip"
ENDS: Final = {PDF: "pdf", ZIP: "zip", "image/jpeg": "jpg", "image/tiff": "tif", "image/png": "png"}
TEXT: Final = "text/plain"
PROGRAM: Final = "application/x-executable"
UNKNOWN: Final = "application/octet-stream"

# What an extension promises. An extension not named here promises nothing.
PROMISES: Final[dict[str, set[str]]] = {
    "pdf": {PDF},
    "docx": {f"{_OOXML}wordprocessingml.document"},
    "xlsx": {f"{_OOXML}spreadsheetml.sheet"},
    "pptx": {f"{_OOXML}presentationml.presentation"},
    "odt": {f"{_ODF}text"},
    "ods": {f"{_ODF}spreadsheet"},
    # Programs write RTF, HTML and plain text under these old names too; all are harmless to store.
    "doc": {"application/msword", "application/rtf", "text/html", TEXT, f"{_OOXML}wordprocessingml.document"},
    "xls": {"application/vnd.ms-excel", "text/html", TEXT, f"{_OOXML}spreadsheetml.sheet"},
    "ppt": {"application/vnd.ms-powerpoint"},
    "rtf": {"application/rtf"},
    "jpg": {"image/jpeg"},
    "jpeg": {"image/jpeg"},
    "png": {"image/png"},
    "gif": {"image/gif"},
    "bmp": {"image/bmp"},
    "tif": {"image/tiff"},
    "tiff": {"image/tiff"},
    "webp": {"image/webp"},
    "heic": {"image/heic", "image/heif"},
    "zip": {ZIP},
    "rar": {"application/x-rar-compressed", "application/vnd.rar"},
    "7z": {"application/x-7z-compressed"},
    "txt": {TEXT, "text/html"},
    "csv": {TEXT},
}
HARMLESS: Final = {kind for kinds in PROMISES.values() for kind in kinds} - {"text/html"}
RUNNABLE_NAMES: Final = frozenset(
    "exe com scr pif bat cmd ps1 vbs vbe js jse wsf wsh hta msi msp dll cpl jar lnk reg scf apk sh iso img vhd".split()  # noqa: SIM905
)
PROGRAM_HEADS: Final = (
    b"MZ",
    b"\x7fELF",
    b"\xfe\xed\xfa\xce",
    b"\xfe\xed\xfa\xcf",
    b"\xcf\xfa\xed\xfe",
    b"\xca\xfe\xba\xbe",
    b"L\x00\x00\x00\x01\x14\x02\x00",
    b"#!",
)
_OLE_STREAMS: Final = {
    "WordDocument": "application/msword",
    "Workbook": "application/vnd.ms-excel",
    "Book": "application/vnd.ms-excel",
    "PowerPoint Document": "application/vnd.ms-powerpoint",
    "__properties_version1.0": "application/vnd.ms-outlook",
}


# What runs or opens by itself: in office documents by the names of their parts, in a PDF by the names of its actions.
_MACROS: Final = re.compile(r"(^|/)vba|^(basic|scripts|dialogs)/|(^|/)(activex|macrosheets|customui)/", re.I)
_OBJECTS: Final = re.compile(r"(^|/)embeddings/[^/]+\.bin$|(^|/)oleobject", re.I)
_NOTES: Final = ("[Content_Types].xml", "word/_rels/settings.xml.rels", "META-INF/manifest.xml")
_RUNS: Final = re.compile(rb"macroEnabled|application/vnd\.sun\.star\.oleobject|attachedTemplate[^>]*External")
_PDF_RUNS: Final = re.compile(rb"/(?:JavaScript|Launch|EmbeddedFiles?|RichMedia)\b")
_PDF_LOCK: Final = re.compile(rb"/Encrypt\s*(?:<<|\d+\s+\d+\s+R)")
_PIECE: Final = 1024 * 1024
_PDF_NAME_CODE: Final = re.compile(rb"#([0-9A-Fa-f]{2})")
_PDF_STREAM: Final = re.compile(rb"stream\r?\n")
_PDF_DICTIONARY: Final = 600  # bytes before a stream in which its dictionary stands


@dataclass(frozen=True)
class Problem:
    """Why a file cannot be worked with, and what helps."""

    why: str
    do: str


def content_type(path: Path, name: str = "") -> str:
    """Return the type of the content; the name is not believed."""
    with path.open("rb") as file:
        head = file.read(_HEAD)
    if head.startswith(PROGRAM_HEADS):
        return PROGRAM
    if head.startswith(b"PK\x03\x04"):
        return _zip_type(path)
    if head.startswith(OLE):
        return _ole_type(path)
    if b"%PDF-" in head[:1024]:
        return PDF
    if head.lstrip().startswith(b"{\\rtf"):
        return "application/rtf"
    return filetype.guess_mime(head) or _text_type(head)


def _zip_type(path: Path) -> str:
    """Tell office documents from plain archives by what lies inside; nothing is unpacked but one short line."""
    if crowded(path):
        return ZIP
    try:
        with zipfile.ZipFile(path) as archive:
            names = set(archive.namelist())
            if "mimetype" in names:
                with archive.open("mimetype") as file:
                    kind = file.read(100).decode("ascii", "replace").strip()
                return kind if kind.startswith((_ODF, "application/epub")) else ZIP
    except (zipfile.BadZipFile, OSError, RuntimeError, NotImplementedError, ValueError):
        return ZIP
    if "[Content_Types].xml" in names:
        for folder, kind in (("word/", "wordprocessingml.document"), ("xl/", "spreadsheetml.sheet")):
            if any(name.startswith(folder) for name in names):
                return f"{_OOXML}{kind}"
        if any(name.startswith("ppt/") for name in names):
            return f"{_OOXML}presentationml.presentation"
    return ZIP


def _ole_type(path: Path) -> str:
    """Tell old office documents apart by the names of their streams, which are UTF-16."""
    streams = _ole_streams(path)
    return next((kind for name, kind in _OLE_STREAMS.items() if name in streams), "application/x-ole-storage")


def _ole_streams(path: Path) -> set[str]:
    names = [*_OLE_STREAMS, "EncryptedPackage"]
    content = path.read_bytes()
    return {name for name in names if f"{name}\0".encode("utf-16-le") in content}


def _text_type(head: bytes) -> str:
    if b"\0" in head:
        return UNKNOWN
    for charset in ("utf-8", "cp1251"):
        try:
            # A letter cut in half at the end of what was read is not an error of the text.
            text = (
                head.decode(charset) if charset != "utf-8" else head[: len(head) - 3 or None].decode(charset, "strict")
            )
        except UnicodeDecodeError:
            continue
        start = text.lstrip("\ufeff \r\n\t").lower()
        return "text/html" if start.startswith(("<!doctype html", "<html", "<head", "<script")) else TEXT
    return UNKNOWN


def problem(path: Path, name: str, *, inert: bool = False) -> Problem | None:
    """Return what makes the file useless or dangerous, or None.

    `inert`: a document is refused for what runs or opens by itself, too: asked of files that we give out ourselves.
    """
    kind, suffix = content_type(path), name.rpartition(".")[2].lower() if "." in name else ""
    if kind == PROGRAM or suffix in RUNNABLE_NAMES:
        return Problem("это программа", "Приложите документ, изображение или архив.")
    if inside := _inside(path, kind):
        return inside
    if suffix in PROMISES and kind not in PROMISES[suffix]:
        return Problem(
            f"его содержание не соответствует расширению .{suffix}",
            "Откройте файл в своей программе, сохраните заново и приложите ещё раз.",
        )
    return _lively(path, kind) if inert else None


def _inside(path: Path, kind: str) -> Problem | None:
    """Look into the formats that can be locked or broken."""
    if kind == PDF:
        return _wrong_pdf(path)
    if kind == ZIP or kind.startswith((_OOXML, _ODF)):
        return _broken_zip(path)
    if kind == "application/x-ole-storage" and "EncryptedPackage" in _ole_streams(path):
        return Problem("документ защищён паролем", "Снимите пароль и приложите файл ещё раз.")
    return None


def crowded(path: Path) -> bool:
    """Tell whether the list of what lies inside is longer than we read: a small file may name millions."""
    size = path.stat().st_size
    with path.open("rb") as file:
        file.seek(max(0, size - _TAIL - _ZIP_END))
        tail = file.read()
    return any(_LONGEST_LIST < size < _IN_OTHER_RECORD for size in _list_sizes(tail))


def _list_sizes(tail: bytes) -> Iterator[int]:
    """Yield what the end of an archive says of the size of its list: both kinds of record, every place like one."""
    for mark, start, length in ((rb"PK\x05\x06", 12, 4), (rb"PK\x06\x06", 40, 8)):
        for found in re.finditer(mark, tail):
            at = found.start() + start
            yield int.from_bytes(tail[at : at + length], "little")


def is_locked(path: Path, kind: str) -> bool:
    """Tell whether a password keeps a document or an archive closed, as far as its format says so in the open."""
    if kind == PDF:
        return _is_locked_pdf(path)
    if kind == "application/x-ole-storage":
        return "EncryptedPackage" in _ole_streams(path)
    if kind != ZIP and not kind.startswith((_OOXML, _ODF)):
        return False
    if crowded(path):
        return False
    try:
        with zipfile.ZipFile(path) as archive:
            if any(part.flag_bits & 0x1 for part in archive.infolist()):
                return True
            return any(b"manifest:encryption-data" in note for note in _notes(archive))
    except (zipfile.BadZipFile, OSError, RuntimeError, NotImplementedError, ValueError, EOFError, zlib.error):
        return False


def _is_locked_pdf(path: Path) -> bool:
    """Look for the reference to the dictionary of encryption, wherever the file keeps its trailers."""
    before = b""
    with path.open("rb") as file:
        while piece := file.read(_PIECE):
            if _PDF_LOCK.search(before + piece):
                return True
            before = piece[-64:]
    return False


def _broken_zip(path: Path) -> Problem | None:
    if crowded(path):
        return Problem("в архиве слишком много файлов", "Разложите их на несколько архивов.")
    try:
        with zipfile.ZipFile(path) as archive:
            parts = archive.infolist()
            if any(part.flag_bits & 0x1 for part in parts):
                return Problem("архив защищён паролем", "Приложите архив без пароля или сами документы.")
            if any(part.filename.lower().endswith((".exe", ".scr", ".bat", ".js", ".vbs", ".lnk")) for part in parts):
                return Problem("внутри архива программа", "Приложите архив без неё.")
            if any(part.header_offset >= path.stat().st_size for part in parts):
                raise zipfile.BadZipFile
            for part in parts[:1]:
                archive.open(part).close()
            if any(b"manifest:encryption-data" in note for note in _notes(archive)):
                return Problem("документ защищён паролем", "Снимите пароль и приложите файл ещё раз.")
    except (zipfile.BadZipFile, OSError, RuntimeError, NotImplementedError, ValueError, EOFError):
        return Problem("он повреждён: архив или документ не открывается", "Сохраните его заново и приложите ещё раз.")
    return None


def _lively(path: Path, kind: str) -> Problem | None:
    """Tell what in a document runs or opens by itself, or swells beyond measure when it is opened."""
    if kind == PDF and _runs_in_pdf(path.read_bytes()):
        return Problem(
            "в документе PDF есть программа или вложенный файл",
            "Напечатайте его в новый PDF («Печать» → «Сохранить как PDF») и приложите его.",
        )
    if not kind.startswith((_OOXML, _ODF)):
        return None
    with zipfile.ZipFile(path) as archive:
        parts = archive.infolist()
        if sum(part.file_size for part in parts) > _MOST_UNPACKED:
            return Problem("в распакованном виде он слишком велик", "Скопируйте текст в новый документ без картинок.")
        if any(_MACROS.search(part.filename) for part in parts) or any(map(_RUNS.search, _notes(archive))):
            return Problem("в документе макросы или внешний шаблон", "Сохраните его без макросов, обычным документом.")
        if any(_OBJECTS.search(part.filename) for part in parts):
            return Problem("в документ вложен объект другой программы", "Замените объект рисунком или текстом.")
    return None


def _notes(archive: zipfile.ZipFile) -> Iterator[bytes]:
    """Yield what a document says about its parts, as far as it is short."""
    for name in set(archive.namelist()).intersection(_NOTES):
        with archive.open(name) as file:
            yield file.read(_LARGEST_NOTE)


def _runs_in_pdf(content: bytes) -> bool:
    """Tell whether a PDF names an action that runs or a file it carries, in the open or in a packed list of objects."""
    if _PDF_RUNS.search(_named(content)):
        return True
    left = _MOST_UNPACKED
    for found in _PDF_STREAM.finditer(content):
        if left <= 0 or b"/ObjStm" not in _named(content[max(0, found.start() - _PDF_DICTIONARY) : found.start()]):
            continue
        end = content.find(b"endstream", found.end())
        with suppress(zlib.error):
            inflated = zlib.decompressobj().decompress(content[found.end() : end if end > 0 else None], left)
            left -= len(inflated)
            if _PDF_RUNS.search(_named(inflated)):
                return True
    return left <= 0


def _named(content: bytes) -> bytes:
    """Return the content with the letters of its names written plainly: /J#61vaScript is /JavaScript."""
    return _PDF_NAME_CODE.sub(lambda code: bytes([int(code[1], 16)]), content)


def _wrong_pdf(path: Path) -> Problem | None:
    size = path.stat().st_size
    with path.open("rb") as file:
        file.seek(max(0, size - _TAIL))
        tail = file.read()
    if b"startxref" not in tail or b"%%EOF" not in tail:
        return Problem("он повреждён: документ PDF обрывается", "Сохраните его заново и приложите ещё раз.")
    if b"/Encrypt" in tail:
        return Problem("документ PDF защищён паролем", "Снимите защиту или приложите скан.")
    return None
