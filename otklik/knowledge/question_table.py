"""Questions from the usual table «вопрос — ответ» (XLSX, DOCX): judged line by line, then kept as drafts, all at once.

`read` → rows, `plan` → what each row would do and why not, `load` → all good rows in one transaction or none.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import astuple, dataclass
from typing import IO, Final

from django.db import transaction
from django.utils import timezone

from otklik.core import journal, locks, sheets
from otklik.core.errors import DomainError
from otklik.core.sheets import BadSheet, Row
from otklik.knowledge import articles, brought, office, portable, rights
from otklik.knowledge.models import Faq, Mark, Section
from otklik.knowledge.models.kinds import same_question
from otklik.people.models import Employee

MAX_ROWS: Final = 500
COLUMNS: Final = {
    "question": "Вопрос",
    "short": "Краткий ответ",
    "full": "Полный ответ",
    "synonyms": "Как об этом спрашивают",
    "section": "Раздел",
}
_ALSO: Final = {"ответ": "answer", "развернутый ответ": "full", "подробный ответ": "full"}
_ALSO_ASKED: Final = dict.fromkeys(("синонимы", "как спрашивают", "другие формулировки"), "synonyms")
_TITLES: Final = {same_question(title): name for name, title in COLUMNS.items()} | _ALSO | _ALSO_ASKED
_LABELS: Final = "|".join(sorted(_TITLES, key=len, reverse=True))
_LABEL: Final = re.compile(rf"({_LABELS})\s*(?:№?\s*\d+)?\s*[:.]\s*(.*)", re.IGNORECASE | re.DOTALL)
_NO_COLUMNS: Final = "у таблицы в первой строке нет столбцов «Вопрос» и «Ответ»: назовите их так"
_LONGEST: Final = {"question": 255, "short": 2_000, "answer": 50_000, "full": 50_000, "synonyms": 5_000}


class PlanChanged(DomainError):
    """Between the preview and the confirmation questions or sections became others."""

    code = "knowledge.questions_changed"
    text = (
        "Пока вы смотрели, материалы или разделы изменились: часть строк сделала бы теперь другое. Ничего не записано. "
        "Посмотрите ещё раз и подтвердите."
    )
    status = 409


@dataclass(frozen=True)
class Choice:
    """Where questions go that name no section, and who may get them."""

    section: int
    mark: str = Mark.INTERNAL


@dataclass(frozen=True)
class Line:
    """What a row would do: `verdict` is add, same or refuse; `same_as` is the material that asks it already."""

    number: int
    verdict: str
    question: str
    answer: str = ""
    section: str = ""
    why: tuple[str, ...] = ()
    same_as: int | None = None


@dataclass(frozen=True)
class _Judged:
    line: Line
    section: Section | None = None
    page: Faq | None = None


def sample() -> bytes:
    """Return a spreadsheet to fill in."""
    example = (
        "Как узнать, свободен ли земельный участок?",
        "Посмотрите на публичной кадастровой карте.",
        "Откройте карту и найдите участок по номеру или адресу.\nЕсли границ нет, закажите выписку.",
        "участок занят\nчей участок",
        "",
    )
    return sheets.xlsx([COLUMNS.values(), example], title="Вопросы и ответы")


def read(upload: IO[bytes], name: str) -> list[Row]:
    """Return the questions of a spreadsheet's first sheet, or of a document's tables and «Вопрос: … Ответ: …»."""
    found = _of_document(upload, name) if brought.is_document(name) else _of_sheet(upload, name)
    rows = [row for row in found if row.wrong or any(row.cells.values())]
    if not rows:
        raise BadSheet(what="вопросов в нём нет. Возьмите образец: столбцы «Вопрос» и «Ответ».")
    if len(rows) > MAX_ROWS:
        raise BadSheet(what=f"в нём больше {MAX_ROWS} вопросов. Разделите его на части.")
    return rows


def _of_sheet(upload: IO[bytes], name: str) -> Iterator[Row]:
    found = sheets.read(upload, name, most_rows=MAX_ROWS)
    columns = _columns([cell.text for cell in found[0][1]]) if found else {}
    if found and not columns:
        raise BadSheet(what=f"{_NO_COLUMNS} или возьмите образец.")
    yield from (sheets.under(columns, number, row) for number, row in found[1:])


def _of_document(upload: IO[bytes], name: str) -> Iterator[Row]:
    for number, cells in enumerate(_questions(brought.blocks(upload, name)), start=1):
        yield Row(number, cells) if cells else Row(number, {}, (_NO_COLUMNS,))


def _questions(blocks: Iterable[str | office.Table]) -> Iterator[dict[str, str]]:
    """Yield the cells of each question; none for a table whose columns are not known."""
    spoken, field = dict[str, str](), ""
    for block in blocks:
        if isinstance(block, office.Table):
            columns = _columns(block.rows[0]) if block.rows else {}
            if not columns:
                yield {}
            for row in block.rows[1:] if columns else ():
                yield {field: row[place] for place, field in columns.items() if place < len(row)}
        elif labelled := _LABEL.fullmatch(block.replace("ё", "е")):
            field = _TITLES[labelled[1].casefold()]
            if field == "question" and spoken:
                yield spoken
                spoken = {}
            spoken[field] = block[labelled.start(2) :]
        elif field:
            spoken[field] = f"{spoken[field]}\n{block}".strip()
    if spoken:
        yield spoken


def _columns(titles: Iterable[str]) -> dict[int, str]:
    """Return which known column stands where, others left out; empty where there is no question or no answer."""
    columns = {place: _TITLES.get(same_question(title).rstrip(":"), "") for place, title in enumerate(titles)}
    columns = {place: field for place, field in columns.items() if field}
    known = set(columns.values())
    whole = "question" in known and known & {"answer", "short", "full"} and len(known) == len(columns)
    return columns if whole else {}


def plan(rows: Iterable[Row], choice: Choice, *, by: Employee) -> list[Line]:
    """Return what each row would do today; nothing is changed."""
    return [one.line for one in _judged(rows, choice, by)]


def fingerprint(lines: Iterable[Line]) -> str:
    """Return what two equal plans share."""
    return hashlib.sha256(repr([astuple(line) for line in lines]).encode()).hexdigest()


@transaction.atomic
def load(rows: Sequence[Row], choice: Choice, *, agreed: str, by: Employee) -> dict[int, int]:
    """Keep as drafts what the preview showed, all or none; return row → material. `agreed`: its fingerprint."""
    locks.hold("knowledge.questions", ["load"])
    judged = list(_judged(rows, choice, by))
    if fingerprint(one.line for one in judged) != agreed:
        raise PlanChanged
    added: dict[int, int] = {}
    for one in judged:
        if one.section is not None and one.page is not None:
            one.section.add_child(instance=one.page)
            one.page.save_revision(user=by, log_action="wagtail.create")
            added[one.line.number] = one.page.pk
    if added:
        journal.record("knowledge.questions_loaded", chain="knowledge", by=by, rows=len(added))
    return added


def _judged(rows: Iterable[Row], choice: Choice, by: Employee) -> Iterator[_Judged]:
    """Judge rows in their order; a question met twice is refused the second time."""
    sections = list(rights.sections_edited_by(by, timezone.localdate()))
    by_name = {key: one for one in sections for key in (same_question(one.title), one.slug)}
    usual = next((one for one in sections if one.pk == choice.section), None)
    known: dict[str, tuple[int, str]] = {}
    for pk, *titles in Faq.objects.values_list("pk", "title", "draft_title"):
        known |= {same_question(title): (pk, title) for title in titles}
    met: dict[str, int] = {}
    for row in rows:
        asked = " ".join(row.cells.get("question", "").split())
        same = same_question(asked)
        named = row.cells.get("section", "").strip()
        section = by_name.get(same_question(named)) if named else usual
        if same and same in known and not row.wrong:
            pk, title = known[same]
            yield _Judged(Line(row.number, "same", asked, why=(f"такой вопрос уже есть: «{title}»",), same_as=pk))
            continue
        why = [*row.wrong, *_missing(row, asked, named, section)]
        if same and same in met:
            why.append(f"этот вопрос уже встретился в строке {met[same]}")
        met.setdefault(same, row.number)
        page = None if why else _page(row, asked, choice.mark, by)
        line = Line(
            number=row.number,
            verdict="refuse" if why else "add",
            question=asked,
            answer=page.short_answer if page else "",
            section=section.title if section else "",
            why=tuple(why),
        )
        yield _Judged(line, section, page)


def _missing(row: Row, asked: str, named: str, section: Section | None) -> Iterator[str]:
    """Yield what is wrong with a row, in words that say what to do."""
    if not row.wrong:
        if not asked:
            yield "вопроса нет: впишите его"
        if not any(row.cells.get(field, "").strip() for field in ("answer", "short", "full")):
            yield "ответа нет: впишите краткий или полный"
    for field, longest in _LONGEST.items():
        if len(row.cells.get(field, "")) > longest:
            title = COLUMNS.get(field, "Ответ").lower()
            yield f"{title} длиннее {longest} знаков: сократите или разделите на несколько вопросов"
    if section is None and named:
        yield f"раздела «{named[:60]}» нет среди тех, что вы ведёте"
    elif section is None:
        yield "раздел не выбран или вы его больше не ведёте"
    try:
        portable.check_text(row.cells)
    except portable.Unfit as wrong:
        yield str(wrong)


def _page(row: Row, asked: str, mark: str, by: Employee) -> Faq:
    """Return the draft of a question: without a short answer of its own, the first sentences are one."""
    said = {field: _paragraphs(row.cells.get(field, "")) for field in ("answer", "short", "full")}
    full = said["full"] or said["answer"] or said["short"]
    page = articles.question({"title": asked, "body": full}, mark=mark, live=False, owner=by)
    if said["short"]:
        page.short_answer = said["short"]
        page.body = page.body if full != said["short"] else ""
    elif said["full"] and said["answer"]:  # «Ответ» beside «Полный ответ» is the short one
        page.short_answer = said["answer"]
    page.synonyms = row.cells.get("synonyms", "").strip()
    return page


def _paragraphs(text: str) -> str:
    return "\n\n".join(filter(None, (line.strip() for line in text.splitlines())))
