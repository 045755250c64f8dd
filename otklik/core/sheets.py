"""Tables for a spreadsheet, CSV and XLSX, in which no cell is ever a formula."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterable, Iterator
from typing import Any, Final

CSV: Final = "text/csv; charset=utf-8"
XLSX: Final = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
# What spreadsheets take for a formula or a command, leading blanks skipped; and what XML cannot bear.
_FORMULA: Final = re.compile(r"^[\s\x00-\x1f]*[=+\-@＝＋－＠|%]")
_NOT_XML: Final = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]")
_LONGEST: Final = 32_000  # characters a cell can hold


def cell(value: object) -> str | int:
    """Return a value as a cell may bear it: numbers as they are, what could be a formula behind an apostrophe."""
    if isinstance(value, int) and not isinstance(value, bool):
        return value
    text = _NOT_XML.sub("", "" if value is None else str(value))[:_LONGEST]
    return f"'{text}" if _FORMULA.match(text) else text


def csv_lines(rows: Iterable[Iterable[object]]) -> Iterator[bytes]:
    """Yield a table line by line, as Excel in Russian opens it: UTF-8 with its mark, semicolons."""
    spool = io.StringIO()
    writer = csv.writer(spool, delimiter=";", lineterminator="\r\n")
    yield b"\xef\xbb\xbf"
    for row in rows:
        writer.writerow([cell(value) for value in row])
        yield spool.getvalue().encode()
        spool.seek(0)
        spool.truncate()


def xlsx(rows: Iterable[Iterable[object]], *, title: str) -> bytes:
    """Return a workbook of one sheet; its first row stays in sight."""
    from openpyxl import Workbook  # asked for rarely, heavy to load

    book: Any = Workbook(write_only=True)
    sheet = book.create_sheet(title[:31])
    sheet.freeze_panes = "A2"
    for row in rows:
        sheet.append([cell(value) for value in row])
    spool = io.BytesIO()
    book.save(spool)
    return spool.getvalue()
