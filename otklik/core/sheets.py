"""Tables for a spreadsheet, CSV and XLSX, in which no cell is ever a formula; and those of others, read warily."""

from __future__ import annotations

import csv
import io
import re
import zipfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time
from typing import IO, Any, Final, NamedTuple

from otklik.core import files
from otklik.core.errors import DomainError

CSV: Final = "text/csv; charset=utf-8"
XLSX: Final = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
# What spreadsheets take for a formula or a command, leading blanks skipped; and what XML cannot bear.
_FORMULA: Final = re.compile(r"^[\s\x00-\x1f]*[=+\-@＝＋－＠|%]")
_NOT_XML: Final = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]")
_LONGEST: Final = 32_000  # characters a cell can hold
MAX_BYTES: Final = 2 * 1024 * 1024
MAX_UNPACKED: Final = 24 * 1024 * 1024
_MAX_PARTS: Final = 200
_MAX_COLUMNS: Final = 40
_LOOKED_AT: Final = 20  # lines by which a CSV tells what parts its cells
_MERGED: Final = re.compile(rb'<mergeCell\s+ref="([A-Z]{1,3}\d{1,7}:[A-Z]{1,3}\d{1,7})"')
_MOST_MERGED_ROWS: Final = 200
_MOST_MERGED: Final = 500_000
_LAST_ROW: Final = 1_048_576  # of a sheet of Excel; a made-up file may claim more


class BadSheet(DomainError):
    """A file as a whole cannot be read as a table."""

    code = "core.bad_sheet"
    text = "Файл не прочитан: {what}"


class Cell(NamedTuple):
    """What stands in a cell of others, and what is wrong with it; one of the two is empty."""

    text: str
    wrong: str = ""


@dataclass(frozen=True)
class Limits:
    """How much of a table of others is taken: bytes as it comes, bytes unpacked, columns."""

    packed: int = MAX_BYTES
    unpacked: int = MAX_UNPACKED
    columns: int = _MAX_COLUMNS
    merged: bool = False  # what stands in merged cells stands in each of them
    values: bool = False  # of a formula what the spreadsheet had reckoned when it was saved; nothing is reckoned here


USUAL: Final = Limits()
_EMPTY: Final = Cell("")  # one for all: a wide table is mostly that


@dataclass(frozen=True)
class Row:
    """One row as it was brought: its number, texts by column, what is wrong with its cells."""

    number: int
    cells: dict[str, str]
    wrong: tuple[str, ...] = ()


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


def read(
    upload: IO[bytes], name: str, *, most_rows: int, csv_too: bool = False, limits: Limits = USUAL
) -> list[tuple[int, list[Cell]]]:
    """Return the filled rows of the first sheet and their numbers; nothing is run, a formula is told by its address.

    `csv_too`: a CSV as well, as programs and Excel write it: UTF-8 or Windows-1251; semicolons, commas, tabs.
    """
    from openpyxl import load_workbook

    content = upload.read(limits.packed + 1)
    if csv_too and name.lower().endswith((".csv", ".txt")):
        return list(_of_csv(content, most_rows, limits))
    _check(content, name, limits)
    try:
        book = load_workbook(io.BytesIO(content), read_only=True, data_only=limits.values, keep_links=False)
        sheet = book.worksheets[0]
        sheet.reset_dimensions()  # what the sheet says of its size is not believed
        spread = _merged(content, sheet, limits.columns) if limits.merged else {}
        return list(_filled(sheet.iter_rows(max_col=limits.columns), most_rows, spread))
    except (zipfile.BadZipFile, KeyError, ValueError, TypeError, IndexError, OSError, EOFError):
        raise BadSheet(what="это не таблица Excel или она повреждена. Сохраните её заново как .xlsx.") from None
    except Exception as exc:  # the XML of a made-up file fails in many ways, all of them the file's fault
        if type(exc).__module__.split(".")[0] not in {"xml", "defusedxml", "openpyxl", "lxml"}:
            raise
        raise BadSheet(what="внутри таблицы ошибка. Сохраните её заново как .xlsx.") from None


def _of_csv(content: bytes, most_rows: int, limits: Limits) -> Iterator[tuple[int, list[Cell]]]:
    """Yield the filled rows of a CSV and their numbers; its cells are texts, whatever they begin with."""
    _check_size(content, limits.packed)
    text = _decoded(content)
    if "\x00" in text:
        raise BadSheet(what="это не таблица CSV. Сохраните список заново как .csv или .xlsx.")
    # Titles may stand above the heads: the mark is the one most of the first lines have.
    first = text[:20_000].split("\n")[:_LOOKED_AT]
    mark = max(";,\t", key=lambda one: sum(min(line.count(one), 60) for line in first))
    filled = 0
    try:
        for number, row in enumerate(csv.reader(io.StringIO(text, newline=""), delimiter=mark), start=1):
            if not any(part.strip() for part in row):
                continue
            filled += 1
            if filled > most_rows + 1:
                raise BadSheet(what=f"в ней больше {most_rows} строк. Разделите список на части.")
            yield number, [Cell(part.strip()) for part in row[: limits.columns]]
    except csv.Error:
        raise BadSheet(what="это не таблица CSV или она повреждена. Сохраните список заново.") from None


def _decoded(content: bytes) -> str:
    """Return the text of a list as Excel, 1С and СЭД write it: UTF-8, UTF-16 with its mark, else Windows-1251."""
    if content[:2] in (b"\xff\xfe", b"\xfe\xff"):
        return content.decode("utf-16", errors="replace")
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError:
        return content.decode("cp1251", errors="replace")


def _merged(content: bytes, sheet: Any, columns: int) -> dict[tuple[int, int], tuple[int, int]]:
    """Return the cells hidden under merged ones: (row, column) → that of the cell they show, counted from 1.

    They stand behind the rows in the XML; the reader that goes row by row does not tell of them.
    """
    from openpyxl.utils import range_boundaries

    spread: dict[tuple[int, int], tuple[int, int]] = {}
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        path = str(sheet._worksheet_path).lstrip("/")
        with archive.open(path) as xml:
            tail = b""
            while chunk := xml.read(1 << 20):
                whole = tail + chunk
                for found in _MERGED.finditer(whole):
                    left, top, right, bottom = range_boundaries(found[1].decode())
                    if bottom - top > _MOST_MERGED_ROWS or len(spread) > _MOST_MERGED:
                        continue  # a whole column made one: nothing of a list
                    spread |= {
                        (row, column): (top, left)
                        for row in range(top, bottom + 1)
                        for column in range(left, min(right, columns) + 1)
                        if (row, column) != (top, left)
                    }
                tail = whole[-80:]  # what is found twice is the same
    return spread


def under(columns: Mapping[int, str], number: int, cells: Sequence[Cell]) -> Row:
    """Return a row by the names of its columns."""
    read = {field: cells[place] if place < len(cells) else Cell("") for place, field in columns.items()}
    wrong = tuple(cell.wrong for cell in read.values() if cell.wrong)
    return Row(number, {field: cell.text for field, cell in read.items()}, wrong)


def _check_size(content: bytes, most: int = MAX_BYTES) -> None:
    if len(content) > most:
        raise BadSheet(what=f"он больше {most // 1024 // 1024} МБ. Оставьте в таблице только один список.")


def _check(content: bytes, name: str, limits: Limits) -> None:
    """Refuse what is no spreadsheet, and what would grow beyond measure when unpacked."""
    _check_size(content, limits.packed)
    if not name.lower().endswith(".xlsx"):
        raise BadSheet(what="нужна таблица Excel с расширением .xlsx. Сохраните список в этом виде.")
    files.check(content, name)
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            parts = archive.infolist()
    except zipfile.BadZipFile:
        raise BadSheet(what="он повреждён. Сохраните таблицу заново.") from None
    if len(parts) > _MAX_PARTS or sum(part.file_size for part in parts) > limits.unpacked:
        raise BadSheet(what="в распакованном виде он слишком велик. Скопируйте список в новую таблицу.")
    if any("vba" in part.filename.lower() for part in parts):
        raise BadSheet(what="в нём есть макросы. Сохраните таблицу как обычную .xlsx, без макросов.")


def _filled(
    rows: Iterable[Sequence[Any]], most_rows: int, spread: Mapping[tuple[int, int], tuple[int, int]]
) -> Iterator[tuple[int, list[Cell]]]:
    """Yield the rows in which something stands, with their numbers; give up where there are too many."""
    filled, empty = 0, None
    shown: dict[tuple[int, int], Cell] = {}
    sources = set(spread.values())
    for number, row in enumerate(rows, start=1):
        if number > _LAST_ROW:
            raise BadSheet(what="внутри таблицы ошибка. Сохраните её заново как .xlsx.")
        if row is empty or all(cell.value is None for cell in row):
            empty = row  # rows left out between two are one and the same object: a million of them cost nothing
            continue
        filled += 1
        if filled > most_rows + 1:
            raise BadSheet(what=f"в ней больше {most_rows} строк. Разделите список на части.")
        read = [_read_cell(one) for one in row]
        if spread:
            shown |= {
                (number, place): read[place - 1] for place in range(1, len(read) + 1) if (number, place) in sources
            }
            for place in range(1, len(read) + 1):
                if (source := spread.get((number, place))) and not read[place - 1].text:
                    read[place - 1] = shown.get(source, _EMPTY)
        yield number, read


def _read_cell(cell: Any) -> Cell:
    value = getattr(cell, "value", None)
    if value is None:
        return _EMPTY
    if cell.data_type == "f":
        return Cell("", f"ячейка {cell.coordinate}: формула. Формулы не вычисляются: вставьте значение.")
    if cell.data_type == "e":
        return Cell("", f"ячейка {cell.coordinate}: ошибка таблицы ({value}). Введите значение.")
    if isinstance(value, datetime) and value.time() != time.min:
        return Cell(f"{value:%d.%m.%Y %H:%M}")
    if isinstance(value, datetime | date):
        return Cell(f"{value:%d.%m.%Y}")
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    return Cell(str(value).strip())
