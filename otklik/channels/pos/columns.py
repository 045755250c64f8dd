"""The export of the personal cabinet of ПОС: one row per message, columns known by their names.

Empty and «-» are the same. A column may stand anywhere, one that we do not know is kept as it is; a row without a
number is left out and named. Nothing in a file of others is run.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import date, timedelta
from typing import IO, Any, Final

from otklik.core import sheets
from otklik.core.sheets import BadSheet, Cell
from otklik.correspondence.text import clean, fit

MOST_ROWS: Final = 20_000
MOST_COLUMNS: Final = 60
LIMITS: Final = sheets.Limits(packed=10 * 1024 * 1024, unpacked=96 * 1024 * 1024, columns=MOST_COLUMNS + 1)
HEAD_WITHIN: Final = 20  # rows above the titles: the cabinet may write what was chosen for the export
MOST_VALUE: Final = 500
MOST_EXTRA: Final = 20_000

# In the order of the export; code → title.
TITLES: Final[dict[str, str]] = {
    "number": "Номер",
    "epgu": "Номер ЕПГУ",
    "source": "Источник",
    "top": "Верхнеуровневый ЛКО",
    "category": "Категория",
    "subcategory": "Подкатегория",
    "fact": "Факт",
    "came_to": "Организация, в которую поступило сообщение",
    "lies_in": "Организация, в которой находится сообщение",
    "received": "Дата поступления",
    "planned": "Дата планируемого завершения работ",
    "finished": "Дата фактического завершения работ",
    "stage": "Стадия",
    "status": "Статус",
    "overdue": "Просрочено",
    "fast_track": "Фаст-трек",
    "law": "ФЗ",
    "fz59": "Заявитель выбрал подачу по 59-ФЗ",
    "decision": "Тип решения",
    "foiv": "Направлено по email в ФОИВ, не подключенный к ПОС",
    "rating": "Оценка ответа заявителем",
    "again": "Повторное рассмотрение",
    "coordinator": "ФИО координатора",
    "executor": "ФИО исполнителя",
    "head": "ФИО руководителя",
}
DAYS: Final = ("received", "planned", "finished")
YES_NO: Final = ("overdue", "fast_track", "fz59")
_NOTHING: Final = {"", "-", "–", "—"}
_NUMBER: Final = re.compile(r"[\w./-]{1,60}")
_DAY: Final = re.compile(r"(\d{1,2})\.(\d{1,2})\.(\d{4})(?:[ T]+\d{1,2}:\d{2}(?::\d{2})?)?")
_ISO_DAY: Final = re.compile(r"(\d{4})-(\d{1,2})-(\d{1,2})(?:[ T]+\d{1,2}:\d{2}(?::\d{2}(?:\.\d+)?)?)?")
_SERIAL: Final = re.compile(r"[3-7]\d{4}(?:\.\d+)?")  # a day as Excel counts it, of a cell without a date's format
_EXCEL_ZERO: Final = date(1899, 12, 30)


@dataclass(frozen=True)
class PosRow:
    """One message of an export. `fields` hold what its known columns say, `extra` the others; `doubts` are Russian."""

    line: int
    number: str
    fields: Mapping[str, str]
    extra: Mapping[str, str] = field(default_factory=dict)
    doubts: Sequence[str] = ()


@dataclass(frozen=True)
class Skipped:
    """A row that is not taken, and why."""

    line: int
    number: str
    why: str


@dataclass(frozen=True)
class Export:
    """What was read of a file. `missing`: columns of the layout it does not have."""

    rows: list[PosRow]
    skipped: list[Skipped]
    missing: list[str]


def read(upload: IO[bytes], name: str) -> Export:
    """Read an export; raise BadSheet where the file as a whole cannot be taken, in words for who brought it."""
    found = sheets.read(upload, name, most_rows=MOST_ROWS, limits=LIMITS)
    if not found:
        raise BadSheet(what="таблица пустая. Выгрузите сообщения из личного кабинета ПОС ещё раз.")
    place = next((at for at, (_, cells) in enumerate(found[:HEAD_WITHIN]) if _is_head(cells)), None)
    if place is None:
        raise BadSheet(
            what="в нём нет столбца «Номер». Нужна выгрузка сообщений из личного кабинета ПОС, без изменений."
        )
    titles = _titles(found[place][1])
    rows: list[PosRow] = []
    skipped: list[Skipped] = []
    lines: dict[str, int] = {}
    for line, cells in found[place + 1 :]:
        one = _row(line, cells, titles)
        if isinstance(one, PosRow) and one.number in lines:
            one = Skipped(line, one.number, f"номер уже встретился в строке {lines[one.number]}.")
        if isinstance(one, Skipped):
            skipped.append(one)
        else:
            lines[one.number] = line
            rows.append(one)
    there = set(titles.values())
    return Export(rows, skipped, [title for title in TITLES.values() if title not in there])


def day_of(text: str) -> date | None:
    """Return a day as an export writes it: 06.01.2026, 2026-01-06, or Excel's own count of days."""
    text = text.strip()
    try:
        if told := _DAY.fullmatch(text):
            return date(int(told[3]), int(told[2]), int(told[1]))
        if told := _ISO_DAY.fullmatch(text):
            return date(int(told[1]), int(told[2]), int(told[3]))
    except ValueError:
        return None
    return _EXCEL_ZERO + timedelta(days=int(float(text))) if _SERIAL.fullmatch(text) else None


def is_number(text: str) -> bool:
    """Tell whether this may be the number of a message."""
    return _NUMBER.fullmatch(text) is not None


def theme(fields: Mapping[str, str]) -> str:
    """Return category, subcategory and fact as one path; a level that repeats the one above is said once."""
    levels = (fields.get(one, "") for one in ("category", "subcategory", "fact"))
    return " / ".join(dict.fromkeys(level for level in levels if level))


def as_json(row: PosRow) -> dict[str, Any]:
    """Return a row as it is kept between its reading and its writing."""
    return asdict(row)


def of_json(kept: Mapping[str, Any]) -> PosRow:
    """Return a row that `as_json` has kept."""
    return PosRow(kept["line"], kept["number"], kept["fields"], kept["extra"], tuple(kept["doubts"]))


def _key(title: str) -> str:
    return " ".join(title.casefold().replace("ё", "е").split())


_KNOWN: Final = {_key(title): title for title in TITLES.values()}
_CODES: Final = {title: code for code, title in TITLES.items()}


def _is_head(cells: Sequence[Cell]) -> bool:
    """Tell whether titles stand in this row: the number, and something else of the layout where there is more."""
    known = {_key(cell.text) for cell in cells} & _KNOWN.keys()
    return _key(TITLES["number"]) in known and (len(known) > 1 or sum(bool(cell.text) for cell in cells) == 1)


def _titles(cells: Sequence[Cell]) -> dict[int, str]:
    """Return place → title: as the layout writes it, or as it stands in the file."""
    if any(cell.text or cell.wrong for cell in cells[MOST_COLUMNS:]):
        raise BadSheet(what=f"в ней больше {MOST_COLUMNS} столбцов. Уберите лишние и загрузите ещё раз.")
    found: dict[int, str] = {}
    for place, cell in enumerate(cells):
        said = fit(cell.text, 120)
        if not said:
            continue
        title = _KNOWN.get(_key(said), said)
        if title in found.values():
            raise BadSheet(what=f"столбец «{title}» встречается дважды. Оставьте один.")
        found[place] = title
    return found


def _row(line: int, cells: Sequence[Cell], titles: Mapping[int, str]) -> PosRow | Skipped:
    fields: dict[str, str] = {}
    extra: dict[str, str] = {}
    wrong: list[str] = []
    for place, title in titles.items():
        cell = cells[place] if place < len(cells) else Cell("")
        if cell.wrong:
            wrong.append(cell.wrong)
        if (code := _CODES.get(title)) is not None:
            fields[code] = _value(cell.text)
        else:
            extra[title] = "" if cell.text.strip() in _NOTHING else clean(cell.text).strip()[:MOST_EXTRA]
    number = fields.get("number", "")
    if wrong:
        return Skipped(line, number, " ".join(wrong))
    if not number:
        return Skipped(line, "", "нет номера сообщения.")
    if not _NUMBER.fullmatch(number):
        return Skipped(line, number, f"«{fit(number, 40)}» не похоже на номер сообщения.")
    return PosRow(line, number, fields, extra, tuple(_tidy(fields)))


def _value(text: str) -> str:
    one = fit(text, MOST_VALUE)
    return "" if one in _NOTHING else one


def _tidy(fields: dict[str, str]) -> Iterator[str]:
    """Write days and «Да/Нет» one way; yield what cannot be read so: it is kept as it stands."""
    for code in DAYS:
        if said := fields.get(code):
            day = day_of(said)
            if day is None:
                yield f"«{TITLES[code]}»: «{fit(said, 40)}» не похоже на дату, нужен вид 06.01.2026."
            else:
                fields[code] = f"{day:%d.%m.%Y}"
    for code in YES_NO:
        if said := fields.get(code):
            if said.casefold() in ("да", "нет"):
                fields[code] = said.capitalize()
            else:
                yield f"«{TITLES[code]}»: «{fit(said, 40)}», а бывает «Да» или «Нет»."
    said = fields.get("rating", "")
    if said and said not in {"1", "2", "3", "4", "5"}:
        yield f"«{TITLES['rating']}»: «{fit(said, 40)}», а бывает от 1 до 5."
