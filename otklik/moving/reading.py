"""A journal of another system as a table: heads found under titles, merged cells filled, what is no row left out."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import IO, Final

from otklik.core import sheets
from otklik.core.sheets import BadSheet, Cell, Limits
from otklik.moving import kinds

MOST_ROWS: Final = 50_000
LIMITS: Final = Limits(packed=60 * 1024 * 1024, unpacked=600 * 1024 * 1024, columns=60, merged=True, values=True)
_LOOKED_AT: Final = 40  # rows among which the heads are looked for
_TOTAL: Final = re.compile(r"(итого|всего|итог)\b", re.IGNORECASE)


@dataclass(frozen=True)
class Journal:
    """Heads of a journal and its rows: number in the file, texts by column, column → what is wrong with its cell."""

    heads: list[str]
    rows: list[tuple[int, list[str], dict[str, str]]]


def read(upload: IO[bytes], name: str, kind: str) -> Journal:
    """Return a journal as it stands in XLSX or CSV; raise BadSheet where it is no table."""
    if name.lower().endswith((".xls", ".mxl", ".ods")):
        raise BadSheet(what="такие таблицы не читаются. Откройте её и сохраните как «Книга Excel (.xlsx)» или CSV.")
    found = sheets.read(upload, name, most_rows=MOST_ROWS, csv_too=True, limits=LIMITS)
    place = _head_row(found, kind)
    heads = _heads(found[place][1])
    rows = [
        (
            number,
            [cell.text for cell in cells[: len(heads)]],
            {str(place): cell.wrong for place, cell in enumerate(cells[: len(heads)]) if cell.wrong},
        )
        for number, cells in found[place + 1 :]
        if _is_row(cells, heads)
    ]
    if not rows:
        raise BadSheet(what="под заголовками нет строк. Проверьте, что журнал на первом листе.")
    return Journal(heads, rows)


def _head_row(found: Sequence[tuple[int, list[Cell]]], kind: str) -> int:
    """Return which of the filled rows bears the heads: the one whose cells are known best."""
    best, most = -1, 0
    for place, (_, cells) in enumerate(found[:_LOOKED_AT]):
        texts = [cell.text for cell in cells]
        known = len({field for text in texts if (field := kinds.field_called(kind, text))})
        if known > most:
            best, most = place, known
    if most >= 2 or (best >= 0 and most and _filled(found[best][1]) <= 2):
        return best
    wide = max((_filled(cells) for _, cells in found[:_LOOKED_AT]), default=0)
    for place, (_, cells) in enumerate(found[:_LOOKED_AT]):
        if _filled(cells) >= max(2, wide * 2 // 3):
            return place
    raise BadSheet(what="не нашлось строки с названиями столбцов. Назовите столбцы и загрузите ещё раз.")


def _filled(cells: Sequence[Cell]) -> int:
    return len({cell.text for cell in cells if cell.text})


def _heads(cells: Sequence[Cell]) -> list[str]:
    """Return the heads; of two alike the second says so, one that is empty is called by its place."""
    last = max((place for place, cell in enumerate(cells) if cell.text), default=-1)
    heads: list[str] = []
    for place, cell in enumerate(cells[: last + 1], start=1):
        head = " ".join(cell.text.split())[:100] or f"столбец {place}"
        while head in heads:
            head = f"{head[:90]} ({place})"
        heads.append(head)
    return heads


def _is_row(cells: Sequence[Cell], heads: Sequence[str]) -> bool:
    """Tell whether a row is one of the list: no number of columns, no head again, no title, no total."""
    texts = [" ".join(cell.text.split()) for cell in cells[: len(heads)]]
    told = [text for text in texts if text]
    if not told:
        return any(cell.wrong for cell in cells)
    if len(told) > 2 and told == [str(number) for number in range(1, len(told) + 1)]:
        return False
    if [text[:100] for text in texts] == list(heads)[: len(texts)]:
        return False
    if len(told) > 1 and len(set(told)) == 1:  # a title over all columns: a month, a unit
        return False
    return not _TOTAL.match(told[0])
