"""Files that people bring, XLSX and DOCX, as rows of texts: hostile until proven, bounded, nothing in them is run."""

from __future__ import annotations

import io
from collections.abc import Iterator, Mapping, Sequence
from typing import IO

from otklik.core import files, sheets
from otklik.core.sheets import BadSheet, Cell, Row
from otklik.knowledge import office


def is_document(name: str) -> bool:
    """Tell whether a file calls itself a document of Word; what else it may be, a spreadsheet has to say."""
    return name.lower().endswith(".docx")


def blocks(upload: IO[bytes], name: str) -> list[str | office.Table]:
    """Return what stands in a DOCX in its order, or say why it is not read."""
    content = upload.read(sheets.MAX_BYTES + 1)
    if len(content) > sheets.MAX_BYTES:
        raise BadSheet(what=f"он больше {sheets.MAX_BYTES // 1024 // 1024} МБ. Оставьте в документе только список.")
    files.check(content, name, inert=True)
    try:
        return list(office.document_blocks(io.BytesIO(content)))
    except office.Unreadable as why:
        raise BadSheet(what=f"{why}. Сохраните его заново как .docx.") from why


def rows(upload: IO[bytes], name: str, *, titles: Mapping[str, str], needed: Sequence[str], most: int) -> list[Row]:
    """Return the rows of the first sheet of an XLSX, or of the tables of a DOCX one after another.

    `titles`: a column's heading in lower case → what it is called here; columns with other headings are left out.
    """
    found = _of_document(upload, name, most) if is_document(name) else sheets.read(upload, name, most_rows=most)
    if not found:
        raise BadSheet(what="таблицы в нём нет или она пустая.")
    heads = [" ".join(cell.text.casefold().replace("ё", "е").split()) for cell in found[0][1]]
    columns = {place: titles[head] for place, head in enumerate(heads) if head in titles}
    if len(set(columns.values())) < len(columns):
        raise BadSheet(what="один столбец встречается дважды. Оставьте один.")
    if missing := [title for title in needed if titles[title] not in columns.values()]:
        said = ", ".join(f"«{title[:1].upper()}{title[1:]}»" for title in missing)
        raise BadSheet(what=f"в первой строке нет столбцов: {said}. Назовите столбцы так.")
    return [sheets.under(columns, number, cells) for number, cells in found[1:]]


def _of_document(upload: IO[bytes], name: str, most: int) -> list[tuple[int, list[Cell]]]:
    found = list(_table_rows(blocks(upload, name)))
    if len(found) > most + 1:
        raise BadSheet(what=f"в нём больше {most} строк. Разделите список на части.")
    return found


def _table_rows(parts: Sequence[str | office.Table]) -> Iterator[tuple[int, list[Cell]]]:
    number = 0
    for table in parts:
        for row in table.rows if isinstance(table, office.Table) else ():
            number += 1
            if any(row):
                yield number, [Cell(" ".join(text.split())) for text in row]
