"""Tables that people bring, XLSX and DOCX: read without running anything in them, bounded, every cell a text.

A file is hostile until proven: size, unpacked size, macros and entities are refused before a row is looked at.
"""

from __future__ import annotations

import zipfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from io import BytesIO
from typing import IO, Any, Final

from otklik.core import files
from otklik.core.errors import DomainError

MAX_BYTES: Final = 2 * 1024 * 1024
MAX_UNPACKED: Final = 24 * 1024 * 1024
_MAX_PARTS: Final = 400
_MAX_COLUMNS: Final = 40
_LAST_ROW: Final = 1_048_576  # of a sheet of Excel; a made-up file may claim more
_WORD: Final = "{http://schemas.openxmlformats.org/wordprocessingml/2006/main}"
_FAULTS: Final = frozenset({"xml", "defusedxml", "openpyxl", "lxml"})


class BadTable(DomainError):
    """The file as a whole cannot be read as a table."""

    code = "tables.bad"
    text = "Файл не прочитан: {what}"


@dataclass(frozen=True)
class Row:
    """One row as typed: its number in the table, texts by column, what is wrong with its cells."""

    number: int
    cells: dict[str, str]
    wrong: tuple[str, ...] = ()


Cell = tuple[str, str]  # its text, and what is wrong with it


def read(upload: IO[bytes], name: str, *, titles: Mapping[str, str], needed: Sequence[str], most: int) -> list[Row]:
    """Return the rows of the first sheet of an XLSX or of the tables of a DOCX.

    `titles`: a column's heading in lower case → what it is called here; columns with other headings are left out.
    """
    content = upload.read(MAX_BYTES + 1)
    ending = name.lower().rpartition(".")[2]
    _check(content, name, ending)
    try:
        found = list(_limited(_sheet(content) if ending == "xlsx" else _document(content), most))
    except (zipfile.BadZipFile, KeyError, ValueError, TypeError, IndexError, OSError, EOFError, RuntimeError):
        raise BadTable(what="файл повреждён. Сохраните таблицу заново.") from None
    except Exception as exc:  # the XML of a made-up file fails in many ways, all of them the file's fault
        if type(exc).__module__.split(".")[0] not in _FAULTS:
            raise
        raise BadTable(what="внутри файла ошибка. Сохраните таблицу заново.") from None
    return list(_rows(found, titles, needed))


def _check(content: bytes, name: str, ending: str) -> None:
    if len(content) > MAX_BYTES:
        raise BadTable(what=f"он больше {MAX_BYTES // 1024 // 1024} МБ. Оставьте в нём только таблицу.")
    if ending not in ("xlsx", "docx"):
        raise BadTable(what="нужна таблица .xlsx или документ .docx с таблицей. Сохраните её в одном из этих видов.")
    files.check(content, name)
    try:
        with zipfile.ZipFile(BytesIO(content)) as archive:
            parts = archive.infolist()
    except zipfile.BadZipFile:
        raise BadTable(what="файл повреждён. Сохраните таблицу заново.") from None
    if len(parts) > _MAX_PARTS or sum(part.file_size for part in parts) > MAX_UNPACKED:
        raise BadTable(what="в распакованном виде он слишком велик. Скопируйте таблицу в новый файл.")
    if any("vba" in part.filename.lower() for part in parts):
        raise BadTable(what="в нём есть макросы. Сохраните файл без макросов.")


def _limited(rows: Iterable[tuple[int, list[Cell]]], most: int) -> Iterator[tuple[int, list[Cell]]]:
    for filled, row in enumerate(rows):
        if filled > most:
            raise BadTable(what=f"в таблице больше {most} строк. Разделите её на части.")
        yield row


def _sheet(content: bytes) -> Iterator[tuple[int, list[Cell]]]:
    from openpyxl import load_workbook  # asked for rarely, heavy to load

    book = load_workbook(BytesIO(content), read_only=True, data_only=False, keep_links=False)
    sheet = book.worksheets[0]
    sheet.reset_dimensions()  # what the sheet says of its size is not believed
    empty = None
    for number, row in enumerate(sheet.iter_rows(max_col=_MAX_COLUMNS), start=1):
        if number > _LAST_ROW:
            raise ValueError
        if row is empty or all(cell.value is None for cell in row):
            empty = row  # rows left out between two are one and the same object: a million of them cost nothing
            continue
        yield number, [_cell(cell) for cell in row]


def _cell(cell: Any) -> Cell:
    value = cell.value
    if value is None:
        return "", ""
    if cell.data_type == "f":
        return "", f"ячейка {cell.coordinate}: формула. Формулы не вычисляются: вставьте значение."
    if cell.data_type == "e":
        return "", f"ячейка {cell.coordinate}: ошибка таблицы ({value}). Введите значение."
    if isinstance(value, datetime | date):
        return f"{value:%d.%m.%Y}", ""
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    return " ".join(str(value).replace("\x00", " ").split()), ""


def _document(content: bytes) -> Iterator[tuple[int, list[Cell]]]:
    """Yield the rows of all tables of a document, one after another; a table inside a cell is part of its text."""
    from defusedxml.ElementTree import fromstring

    with zipfile.ZipFile(BytesIO(content)) as archive:
        body = fromstring(archive.read("word/document.xml")).find(f"{_WORD}body")
    number = 0
    for table in body.findall(f"{_WORD}tbl"):
        for row in table.findall(f"{_WORD}tr"):
            number += 1
            cells = [(_text(cell), "") for cell in row.findall(f"{_WORD}tc")[:_MAX_COLUMNS]]
            if any(text for text, _ in cells):
                yield number, cells


def _text(cell: Any) -> str:
    paragraphs = ("".join(part.text or "" for part in one.iter(f"{_WORD}t")) for one in cell.iter(f"{_WORD}p"))
    return " ".join(" ".join(paragraphs).split())


def _rows(found: Sequence[tuple[int, list[Cell]]], titles: Mapping[str, str], needed: Sequence[str]) -> Iterator[Row]:
    if not found:
        raise BadTable(what="таблицы в нём нет или она пустая.")
    heads = [" ".join(text.casefold().replace("ё", "е").split()) for text, _ in found[0][1]]
    columns = {place: titles[head] for place, head in enumerate(heads) if head in titles}
    if len(set(columns.values())) < len(columns):
        raise BadTable(what="один столбец встречается дважды. Оставьте один.")
    if missing := [title for title in needed if titles[title] not in columns.values()]:
        said = ", ".join(f"«{title[:1].upper()}{title[1:]}»" for title in missing)
        raise BadTable(what=f"в первой строке нет столбцов: {said}. Назовите столбцы так.")
    for number, row in found[1:]:
        cells = {name: row[place][0] if place < len(row) else "" for place, name in columns.items()}
        wrong = tuple(row[place][1] for place in columns if place < len(row) and row[place][1])
        if any(cells.values()) or wrong:
            yield Row(number, cells, wrong)
