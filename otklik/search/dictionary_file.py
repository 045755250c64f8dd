"""The dictionary of search as a file: lines of text, or a table «Вид | Как говорят | Как написано | Вес».

`read` → rows, `plan` → what each row would do and why not, `load` → all good rows in one transaction or none.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import IO, Final

from django.db import transaction

from otklik.core import journal, locks, sheets
from otklik.core.sheets import BadSheet, Row
from otklik.people.models import Employee
from otklik.search import dictionary
from otklik.search.dictionary import Facts, Kind, Known
from otklik.search.models import ThesaurusEntry
from otklik.search.thesaurus import DEFAULT, NotARule

MOST: Final = 5000
COLUMNS: Final = {"kind": "Вид", "said": "Как говорят", "written": "Как написано в документах", "weight": "Вес"}
_TITLES: Final = {title.casefold(): name for name, title in COLUMNS.items()} | {"как написано": "written"}
_KINDS: Final = {label: code for code, label in Kind.choices} | {"": Kind.SYNONYM, "синоним": Kind.SYNONYM}
_LONGEST: Final = 1000  # characters of a line


@dataclass(frozen=True)
class Line:
    """What a row would do: `verdict` is add, same or refuse."""

    number: int
    verdict: str
    text: str
    facts: Facts | None = None
    why: tuple[str, ...] = ()


def read(upload: IO[bytes], name: str) -> list[Row]:
    """Return the rows of a text file or of a spreadsheet; nothing in it is run."""
    rows = list(_of_sheet(upload, name) if name.lower().endswith(".xlsx") else _of_text(upload, name))
    if not rows:
        raise BadSheet(what="записей в нём нет. В строке пишут, например: ларёк > нестационарный, торговый.")
    if len(rows) > MOST:
        raise BadSheet(what=f"в нём больше {MOST} записей. Разделите его на части.")
    return rows


def _of_text(upload: IO[bytes], name: str) -> Iterator[Row]:
    if not name.lower().endswith(".txt"):
        raise BadSheet(what="нужен текст .txt или таблица .xlsx.")
    content = upload.read(sheets.MAX_BYTES + 1)
    if len(content) > sheets.MAX_BYTES:
        raise BadSheet(what=f"он больше {sheets.MAX_BYTES // 1024 // 1024} МБ. Разделите его на части.")
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError:
        try:
            text = content.decode("cp1251")
        except UnicodeDecodeError:
            raise BadSheet(what="это не текст. Сохраните его в кодировке UTF-8.") from None
    if "\x00" in text:
        raise BadSheet(what="это не текст. Сохраните список как .txt в кодировке UTF-8.")
    for number, line in enumerate(text.splitlines(), start=1):
        if line.strip() and not line.lstrip().startswith("#"):
            wrong = (f"строка длиннее {_LONGEST} знаков: разделите её.",) if len(line) > _LONGEST else ()
            yield Row(number, {"line": line.strip()[:_LONGEST]}, wrong)


def _of_sheet(upload: IO[bytes], name: str) -> Iterator[Row]:
    found = sheets.read(upload, name, most_rows=MOST)
    heads = [" ".join(cell.text.casefold().split()) for cell in found[0][1]] if found else []
    columns = {place: _TITLES[head] for place, head in enumerate(heads) if head in _TITLES}
    if "said" not in columns.values() or len(set(columns.values())) < len(columns):
        raise BadSheet(what="в первой строке нужны столбцы «Вид», «Как говорят», «Как написано в документах», «Вес».")
    for number, cells in found[1:]:
        row = sheets.under(columns, number, cells)
        if row.wrong or any(row.cells.values()):
            yield row


def plan(rows: Iterable[Row]) -> list[Line]:
    """Return what each row would do today; nothing is changed."""
    return list(_judged(rows, Known()))


def _judged(rows: Iterable[Row], known: Known) -> Iterator[Line]:
    """Judge rows in their order; what says the same as a row before it is the same."""
    for row in rows:
        text = row.cells.get("line") or " | ".join(row.cells.get(field, "") for field in COLUMNS)
        try:
            facts = _facts(row)
        except NotARule as wrong:
            yield Line(row.number, "refuse", text, None, (*row.wrong, f"{wrong}."))
            continue
        if row.wrong or facts is None:
            yield Line(row.number, "refuse", text, None, row.wrong or ("слова для поиска ничего не значат.",))
            continue
        same = known.same(facts)
        if same is not None:
            yield Line(row.number, "same", facts.line, facts, (f"уже есть: «{same[1]}»",))
        elif wrong_at := dictionary.problems(facts, known=known):
            yield Line(row.number, "refuse", text, None, tuple(wrong_at.values()))
        else:
            known.add(-row.number, facts)
            yield Line(row.number, "add", facts.line, facts)


def _facts(row: Row) -> Facts | None:
    if "line" in row.cells:
        return dictionary.read_line(row.cells["line"])
    cells = {field: row.cells.get(field, "") for field in COLUMNS}
    kind = _KINDS.get(cells["kind"].casefold().strip())
    if kind is None:
        known = ", ".join(f"«{label}»" for label in Kind.labels)
        raise NotARule(f"вид «{cells['kind'][:40]}» не знаком, бывают: {known}")
    weight: float = dictionary.USUAL.get(kind, DEFAULT)
    if cells["weight"].strip():
        try:
            weight = float(cells["weight"].replace(",", "."))
        except ValueError:
            raise NotARule(f"вес «{cells['weight'][:20]}» не число: нужно, например, 0,7") from None
    return dictionary.tidied(Facts(kind, cells["said"], cells["written"], weight))


@transaction.atomic
def load(rows: Iterable[Row], *, by: Employee) -> int:
    """Keep every good row as an entry, all of them or none; return how many."""
    locks.hold("search.thesaurus", ["load"])
    good = [line.facts for line in plan(rows) if line.verdict == "add" and line.facts]
    made = ThesaurusEntry.objects.bulk_create(
        [ThesaurusEntry(**vars(facts), author=by) for facts in good], batch_size=500
    )
    if made:
        with journal.together():
            for row in made:
                now = dictionary.facts_of(row).line
                journal.record("thesaurus.added", chain=dictionary.CHAIN, by=by, row=row.pk, now=now)
            journal.record("thesaurus.imported", chain=dictionary.CHAIN, by=by, rows=len(made))
        dictionary.changed()
    return len(made)


def table() -> Iterator[tuple[object, ...]]:
    """Yield the entries in force as rows of a spreadsheet, its heading first."""
    yield tuple(COLUMNS.values())
    for row in dictionary.active().order_by("kind", "said", "pk"):
        weight = f"{row.weight:g}".replace(".", ",") if row.kind in dictionary.USUAL else ""
        yield (row.get_kind_display(), row.said, row.written, weight)
