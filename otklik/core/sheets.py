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
    if csv_too and name.lower().endswith(".csv"):
        return list(_of_csv(content, most_rows))
    _check(content, name, limits)
    try:
        book = load_workbook(io.BytesIO(content), read_only=True, data_only=False, keep_links=False)
        sheet = book.worksheets[0]
        sheet.reset_dimensions()  # what the sheet says of its size is not believed
        return list(_filled(sheet.iter_rows(max_col=limits.columns), most_rows))
    except (zipfile.BadZipFile, KeyError, ValueError, TypeError, IndexError, OSError, EOFError):
        raise BadSheet(what="это не таблица Excel или она повреждена. Сохраните её заново как .xlsx.") from None
    except Exception as exc:  # the XML of a made-up file fails in many ways, all of them the file's fault
        if type(exc).__module__.split(".")[0] not in {"xml", "defusedxml", "openpyxl", "lxml"}:
            raise
        raise BadSheet(what="внутри таблицы ошибка. Сохраните её заново как .xlsx.") from None


def _of_csv(content: bytes, most_rows: int) -> Iterator[tuple[int, list[Cell]]]:
    """Yield the filled rows of a CSV and their numbers; its cells are texts, whatever they begin with."""
    _check_size(content)
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError:
        text = content.decode("cp1251", errors="replace")
    if "\x00" in text:
        raise BadSheet(what="это не таблица CSV. Сохраните список заново как .csv или .xlsx.")
    first = text.partition("\n")[0]
    mark = max(";,\t", key=first.count)
    filled = 0
    try:
        for number, row in enumerate(csv.reader(io.StringIO(text, newline=""), delimiter=mark), start=1):
            if not any(part.strip() for part in row):
                continue
            filled += 1
            if filled > most_rows + 1:
                raise BadSheet(what=f"в ней больше {most_rows} строк. Разделите список на части.")
            yield number, [Cell(part.strip()) for part in row[:_MAX_COLUMNS]]
    except csv.Error:
        raise BadSheet(what="это не таблица CSV или она повреждена. Сохраните список заново.") from None


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


def _filled(rows: Iterable[Sequence[Any]], most_rows: int) -> Iterator[tuple[int, list[Cell]]]:
    """Yield the rows in which something stands, with their numbers; give up where there are too many."""
    filled, empty = 0, None
    for number, row in enumerate(rows, start=1):
        if number > _LAST_ROW:
            raise BadSheet(what="внутри таблицы ошибка. Сохраните её заново как .xlsx.")
        if row is empty or all(cell.value is None for cell in row):
            empty = row  # rows left out between two are one and the same object: a million of them cost nothing
            continue
        filled += 1
        if filled > most_rows + 1:
            raise BadSheet(what=f"в ней больше {most_rows} строк. Разделите список на части.")
        yield number, [_read_cell(one) for one in row]


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
