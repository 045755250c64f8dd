"""What a file of others says: its text, and of a document the paragraphs and tables. Knows neither Django nor us.

Run as a program (`python -m otklik.knowledge.office FILE KIND`) it prints the text of one file as JSON: a file that
swells or never ends takes down a process of its own, within the limits it sets itself.
"""

from __future__ import annotations

import json
import sys
import zipfile
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import IO, Any, Final

SECONDS: Final = 60
MEMORY: Final = 1024 * 1024 * 1024
MOST_PAGES: Final = 2_000
MOST_TEXT: Final = 1_000_000  # characters: some five hundred pages
MOST_UNPACKED: Final = 64 * 1024 * 1024  # bytes of the one part that is read
_W: Final = "{http://schemas.openxmlformats.org/wordprocessingml/2006/main}"
_ODF_TEXT: Final = "{urn:oasis:names:tc:opendocument:xmlns:text:1.0}"
_BREAKS: Final = {f"{_W}tab": "\t", f"{_W}br": "\n", f"{_W}cr": "\n", f"{_W}noBreakHyphen": "-"}


class Unreadable(Exception):
    """The file is broken or beyond measure; the text says which, for people."""


@dataclass(frozen=True)
class Table:
    """A table of a document: rows of cells, the paragraphs of a cell parted by line breaks."""

    rows: list[list[str]]


def document_blocks(file: Path | IO[bytes]) -> Iterator[str | Table]:
    """Yield what stands in a DOCX in its order: a paragraph as text, a table as rows."""
    body = _xml(file, "word/document.xml").find(f"{_W}body")
    yield from _blocks(body) if body is not None else ()


def _blocks(parent: Any) -> Iterator[str | Table]:
    for one in parent:
        if one.tag == f"{_W}p":
            yield _paragraph(one)
        elif one.tag == f"{_W}tbl":
            yield Table([[_cell(cell) for cell in row.iter(f"{_W}tc")] for row in one.iter(f"{_W}tr")])
        elif one.tag in (f"{_W}sdt", f"{_W}sdtContent", f"{_W}ins"):  # a field to fill in, what was inserted
            yield from _blocks(one)


def _paragraph(element: Any) -> str:
    pieces = (one.text or "" if one.tag == f"{_W}t" else _BREAKS.get(one.tag, "") for one in element.iter())
    return "".join(pieces).strip()


def _cell(element: Any) -> str:
    return "\n".join(filter(None, map(_paragraph, element.iter(f"{_W}p"))))


def _docx(path: Path) -> Iterator[str]:
    for block in document_blocks(path):
        if isinstance(block, Table):
            yield from (" · ".join(filter(None, row)) for row in block.rows)
        else:
            yield block


def _odf(path: Path) -> Iterator[str]:
    for one in _xml(path, "content.xml").iter():
        if one.tag in (f"{_ODF_TEXT}p", f"{_ODF_TEXT}h"):
            yield "".join(_odf_pieces(one))


def _odf_pieces(element: Any) -> Iterator[str]:
    blanks = {f"{_ODF_TEXT}s": " ", f"{_ODF_TEXT}tab": "\t", f"{_ODF_TEXT}line-break": "\n"}
    yield blanks.get(element.tag, "")
    yield element.text or ""
    for one in element:
        yield from _odf_pieces(one)
        yield one.tail or ""


def _xlsx(path: Path) -> Iterator[str]:
    from openpyxl import load_workbook

    book = load_workbook(path, read_only=True, data_only=True, keep_links=False)
    for sheet in book.worksheets:
        sheet.reset_dimensions()  # what a sheet says of its size is not believed
        yield sheet.title
        for row in sheet.iter_rows(max_col=200, values_only=True):
            yield " · ".join(str(value) for value in row if value is not None)


def _pdf(path: Path) -> Iterator[str]:
    from pypdf import PdfReader

    for page in islice(PdfReader(path).pages, MOST_PAGES):
        yield page.extract_text()


def _txt(path: Path) -> Iterator[str]:
    content = path.read_bytes()
    try:
        yield content.decode("utf-8-sig")
    except UnicodeDecodeError:
        yield content.decode("cp1251", "replace")


READERS: Final[dict[str, Callable[[Path], Iterator[str]]]] = {
    "pdf": _pdf,
    "docx": _docx,
    "xlsx": _xlsx,
    "odt": _odf,
    "ods": _odf,
    "txt": _txt,
}


def text_of(path: Path, kind: str) -> str:
    """Return the text of a file, its beginning where it is very long; empty where it has none, as a scan."""
    lines: list[str] = []
    length = 0
    for line in READERS[kind](path):
        if line := line.replace("\x00", " ").strip():
            lines.append(line)
            length += len(line) + 1
        if length > MOST_TEXT:
            break
    # Half of a letter, which broken files hold, no database takes.
    return "\n".join(lines)[:MOST_TEXT].encode("utf-8", "replace").decode()


def _xml(file: Path | IO[bytes], name: str) -> Any:
    """Return one part of a packed document, parsed without believing it."""
    from defusedxml import DefusedXmlException
    from defusedxml.ElementTree import ParseError, fromstring

    try:
        with zipfile.ZipFile(file) as archive, archive.open(name) as part:
            content = part.read(MOST_UNPACKED + 1)
        if len(content) > MOST_UNPACKED:
            raise Unreadable("в распакованном виде он слишком велик")
        return fromstring(content, forbid_dtd=True)
    except (zipfile.BadZipFile, KeyError, OSError, EOFError, RuntimeError, NotImplementedError, ValueError) as broken:
        if isinstance(broken, DefusedXmlException):
            raise Unreadable("внутри него описания, которых в документах не бывает") from broken
        raise Unreadable("он повреждён") from broken
    except ParseError as broken:
        raise Unreadable("он повреждён") from broken


def _limited() -> None:
    with suppress(ImportError):
        import resource

        resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
        resource.setrlimit(resource.RLIMIT_CPU, (SECONDS, SECONDS))


def main(path: str, kind: str) -> None:
    """Print as JSON the text of a file, or why there is none."""
    _limited()
    try:
        said = {"text": text_of(Path(path), kind)}
    except Unreadable as why:
        said = {"why": str(why)}
    sys.stdout.write(json.dumps(said))


if __name__ == "__main__":
    main(*sys.argv[1:3])
