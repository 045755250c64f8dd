"""The journals of office work, printed and as a table: exactly the rows of a list, with its filters, in its order.

Names are shown in full to whoever may see them, masked to others; each export leaves a row in the access log. Rows are
read and set in portions: ten thousand of them need no more memory than five hundred.
"""

from __future__ import annotations

import io
import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import date
from itertools import chain, islice
from pathlib import Path
from typing import Any, Final

from django.db.models import QuerySet
from django.utils import timezone
from pypdf import PdfReader, PdfWriter

from otklik.appeals import late, queues, ways
from otklik.appeals.letters.render import paragraphs
from otklik.appeals.models import FINISHED, Appeal, AppealTerm
from otklik.core import journal, sheets, typeset
from otklik.core.actions import name_of
from otklik.core.errors import DomainError
from otklik.core.models import JournalEntry
from otklik.people import access as people_access
from otklik.people import staff
from otklik.people.models import Applicant, Employee

PRINTS: Final = Path(__file__).parent / "prints"
PORTION: Final = 500
MOST_PRINTED: Final = 10_000
MOST_ENVELOPES: Final = 300
ENVELOPES: Final[dict[str, tuple[str, int, int]]] = {
    "dl": ("DL, 220 × 110 мм", 220, 110),
    "c4": ("C4, 324 × 229 мм", 324, 229),
}
_INDEX: Final = re.compile(r"(?<!\d)\d{6}(?!\d)")
Cells = list[str]


class NoSuchJournal(DomainError):
    """No journal has this code, or the list holds no appeals."""

    code = "journals.none"
    text = "Этот журнал составляется по обращениям. Откройте список обращений, например «Все», и выберите журнал там."


class TooLong(DomainError):
    """A print that nobody would carry."""

    code = "journals.too_long"
    text = "В списке {rows} строк, а печатается не больше {most}. Сузьте список условиями или возьмите таблицу Excel."


class NothingToPrint(DomainError):
    """No case of the list has what is to be printed."""

    code = "journals.nothing"
    text = "Печатать нечего: {why}"


@dataclass(frozen=True)
class Journal:
    """One kind of list: its columns with their widths, and the rows one appeal gives."""

    title: str
    columns: tuple[tuple[str, float], ...]
    cells: Callable[[Appeal, Callable[[Applicant], str]], Iterable[Cells]]
    by_unit: bool = False

    @property
    def heads(self) -> list[str]:
        """Return what stands over the columns."""
        return [title for title, _ in self.columns]


def _day(day: date | None) -> str:
    return f"{day:%d.%m.%Y}" if day else ""


def _registration(appeal: Appeal, name: Callable[[Applicant], str]) -> Iterator[Cells]:
    yield [
        appeal.number,
        _day(appeal.registered_on),
        f"{_day(appeal.received_on)}{', внесено позже' if getattr(appeal, 'entered_late', None) else ''}",
        appeal.get_channel_display(),
        name(appeal.applicant),
        appeal.subject,
        appeal.regime.name,
        "; ".join(filter(None, (str(appeal.unit or ""), appeal.executor.short_name if appeal.executor else ""))),
        _day(appeal.due_on),
        f"{appeal.get_status_display()} {_day(appeal.answered_on or appeal.closed_on)}".strip(),
    ]


def _classification(appeal: Appeal, name: Callable[[Applicant], str]) -> Iterator[Cells]:
    questions = list(appeal.questions.all())
    for number, one in enumerate(questions, 1):
        confirmed = one.confirmed_by.short_name if one.confirmed_by else "предложено, не подтверждено"
        yield [
            appeal.number if number == 1 else f"{appeal.number} / {number}",
            _day(appeal.registered_on),
            appeal.subject,
            one.topic.code,
            one.topic.name,
            one.need.name,
            confirmed,
            _day(timezone.localdate(one.confirmed_at) if one.confirmed_at else None),
        ]
    if not questions:
        yield [appeal.number, _day(appeal.registered_on), appeal.subject, "", "не классифицировано", "", "", ""]


def _control(appeal: Appeal, name: Callable[[Applicant], str]) -> Iterator[Cells]:
    left = (appeal.due_on - timezone.localdate()).days if appeal.due_on and appeal.status not in FINISHED else None
    yield [
        appeal.number,
        _day(appeal.registered_on),
        name(appeal.applicant),
        appeal.subject,
        appeal.executor.short_name if appeal.executor else "не назначен",
        _day(appeal.internal_due_on),
        _day(appeal.due_on),
        "" if left is None else f"просрочено на {-left}" if left < 0 else str(left),
        appeal.get_status_display(),
    ]


JOURNALS: Final[dict[str, Journal]] = {
    "registration": Journal(
        "Журнал регистрации обращений",
        (
            *(("Номер", 1.4), ("Зарегистр.", 1), ("Поступило", 1), ("Канал", 1), ("Заявитель", 1.6)),
            *(("Краткое содержание", 2.4), ("Режим", 1.3), ("Кому поручено", 1.7), ("Срок", 1), ("Итог", 1.3)),
        ),
        _registration,
    ),
    "classification": Journal(
        "Реестр классификации обращений",
        (
            *(("Номер", 1.4), ("Зарегистр.", 1), ("Краткое содержание", 2.2), ("Код темы", 1.6), ("Тема", 2.4)),
            *(("Потребность", 1.6), ("Кто подтвердил", 1.3), ("Когда", 1)),
        ),
        _classification,
    ),
    "control": Journal(
        "Контрольный лист",
        (
            *(("Номер", 1.4), ("Зарегистр.", 1), ("Заявитель", 1.5), ("Краткое содержание", 2.4), ("Исполнитель", 1.4)),
            *(("Внутр. срок", 1), ("Срок", 1), ("Дней", 0.8), ("Состояние", 1.2)),
        ),
        _control,
        by_unit=True,
    ),
}


def namer(user: Employee) -> Callable[[Applicant], str]:
    """Return how this reader is shown a name: in full where he may see it, masked otherwise."""
    return people_access.full_name if user.has_power("applicants.view") else people_access.masked_name


def _listed(user: Employee, code: str, view: str, filters: queues.Filters) -> tuple[Journal, QuerySet[Appeal]]:
    if code not in JOURNALS or queues.VIEWS[view].narrow is None:
        raise NoSuchJournal
    found = queues.ordered(user, view, filters).select_related("applicant", "unit", "executor", "regime")
    found = found.annotate(entered_late=late.of_appeal())
    if JOURNALS[code].by_unit:
        found = found.order_by("unit__name", *queues.BY_TERM)
    if code == "classification":
        found = found.prefetch_related("questions__topic", "questions__need", "questions__confirmed_by")
    return JOURNALS[code], found


def _rows(user: Employee, made: Journal, found: QuerySet[Appeal]) -> Iterator[Cells]:
    """Yield the rows of a journal; where it is told by units, a row of one cell names the next unit."""
    name, unit = namer(user), object()
    for appeal in found.iterator(chunk_size=PORTION):
        if made.by_unit and appeal.unit_id != unit:
            unit = appeal.unit_id
            yield [str(appeal.unit or "Подразделение не назначено")]
        yield from made.cells(appeal, name)


def table(user: Employee, code: str, view: str, filters: queues.Filters) -> bytes:
    """Return the rows of a list as a workbook; that it was taken is written to the access log."""
    made, found = _listed(user, code, view, filters)
    journal.looked("appeals.exported", by=user, what=code, way="xlsx", view=view, rows=found.count())
    rows = ([*row, *[""] * (len(made.columns) - len(row))] for row in _rows(user, made, found))
    return sheets.xlsx(chain([made.heads], rows), title=made.title)


def printed(user: Employee, code: str, view: str, filters: queues.Filters, *, asked: str = "") -> bytes:
    """Return the rows of a list as a PDF for printing, logged as `table`; `asked`: the conditions in words."""
    made, found = _listed(user, code, view, filters)
    number = found.count()
    if number > MOST_PRINTED:
        raise TooLong(rows=number, most=MOST_PRINTED)
    journal.looked("appeals.exported", by=user, what=code, way="pdf", view=view, rows=number)
    today = timezone.localdate()
    whole, pages = PdfWriter(), 0
    rows = _rows(user, made, found)
    first = next(rows, ["Строк нет"])
    for portion in _portions(chain([first], rows)):
        words: dict[str, Any] = {
            "title": made.title,
            "department": staff.department().name,
            "lead": f"{asked or queues.VIEWS[view].title}. Обращений: {number}. На {today:%d.%m.%Y}.",
            "foot": f"{made.title} · {today:%d.%m.%Y} · {user.short_name}",
            "headed": pages == 0,
            "first_page": pages + 1,
            "columns": made.heads,
            "widths": [width for _, width in made.columns],
            "rows": portion,
        }
        part = PdfReader(io.BytesIO(typeset.pdf(PRINTS / "table.typ", {"table": words}, on=today)))
        whole.append(part)
        pages += len(part.pages)
    return bytes_of(whole)


def _portions(rows: Iterator[Cells]) -> Iterator[list[Cells]]:
    while portion := list(islice(rows, PORTION)):
        yield portion


def bytes_of(whole: PdfWriter) -> bytes:
    """Return a put together PDF as bytes."""
    spool = io.BytesIO()
    whole.write(spool)
    return spool.getvalue()


# --- the registration card -------------------------------------------------------------------------------------------


def section(
    title: str,
    facts: Iterable[tuple[str, str]] = (),
    *,
    text: str = "",
    columns: Iterable[tuple[str, float]] = (),
    table: Iterable[Cells] = (),
) -> dict[str, Any]:
    """Return one section of a printed sheet: facts, a table, or a text; empty facts are left out."""
    heads = list(columns)
    return {
        "title": title,
        "facts": [[name, value] for name, value in facts if value],
        "columns": [name for name, _ in heads],
        "widths": [width for _, width in heads],
        "table": list(table),
        "text": paragraphs(text),
    }


def sheet(title: str, sections: Iterable[dict[str, Any]], *, lead: str = "", foot: str = "") -> bytes:
    """Return a document of sections as PDF."""
    today = timezone.localdate()
    words = {
        "title": title,
        "lead": lead,
        "foot": foot or f"{title} · {today:%d.%m.%Y}",
        "department": staff.department().name,
        "sections": [one for one in sections if one["facts"] or one["table"] or one["text"]],
    }
    return typeset.pdf(PRINTS / "sheet.typ", {"sheet": words}, on=today)


def card(appeal: Appeal, *, by: Employee) -> bytes:
    """Return the registration card of a case as PDF: facts, questions, terms with grounds, who was charged with it."""
    journal.looked("appeal.card_printed", by=by, appeal=appeal.pk)
    return sheet(f"Регистрационная карточка № {appeal.number}", card_sections(appeal, by=by))


def card_sections(appeal: Appeal, *, by: Employee) -> list[dict[str, Any]]:
    """Return the sections of a registration card, names as this reader may see them."""
    applicant = appeal.applicant
    sees = by.has_power("applicants.view")
    masked = people_access.masked(applicant)
    questions = appeal.questions.select_related("topic", "need", "confirmed_by")
    terms = {row.step: row for row in AppealTerm.objects.filter(appeal=appeal).select_related("rule").order_by("pk")}
    return [
        section(
            "Обращение",
            (
                ("Номер", f"{appeal.number} ({appeal.get_number_source_display()})"),
                ("Поступило", _day(appeal.received_on)),
                ("Зарегистрировано", f"{_day(appeal.registered_on)}, {appeal.registered_by.short_name}"),
                ("Канал", appeal.get_channel_display()),
                ("Форма", "письменное" if appeal.written else "устное"),
                ("Режим рассмотрения", appeal.regime.name),
                ("Краткое содержание", appeal.subject),
                ("Как ответить", ways.name(appeal.answer_channel)),
                ("Состояние", appeal.get_status_display()),
                ("Ответ отправлен", _day(appeal.answered_on)),
                ("Закрыто", f"{_day(appeal.closed_on)} {appeal.close_reason}".strip()),
            ),
        ),
        section(
            "Заявитель",
            (
                ("Кто", applicant.get_kind_display()),
                ("Имя или название", namer(by)(applicant)),
                ("Почтовый адрес", applicant.address if sees else masked.address),
                ("Электронная почта", people_access.letter_name(applicant).email if sees else masked.email),
            ),
        ),
        section(
            "Вопросы",
            columns=(("Код темы", 2), ("Тема", 3), ("Потребность", 2), ("Подтвердил", 2)),
            table=[
                [
                    one.topic.code,
                    one.topic.name,
                    one.need.name,
                    one.confirmed_by.short_name if one.confirmed_by else "не подтверждено",
                ]
                for one in questions
            ],
        ),
        section(
            "Сроки",
            columns=(("Срок", 2), ("От", 1), ("До", 1), ("Основание", 4)),
            table=[
                [row.get_step_display(), _day(row.start_on), _day(row.due_on), row.rule.basis] for row in terms.values()
            ],
        ),
        section(
            "Исполнение",
            (
                ("Подразделение", str(appeal.unit or "")),
                ("Исполнитель", appeal.executor.short_name if appeal.executor else ""),
                ("Соисполнители", ", ".join(str(one.employee.short_name) for one in _helpers(appeal))),
                ("Внутренний срок", _day(appeal.internal_due_on)),
            ),
        ),
        section(
            "Резолюции и поручения",
            columns=(("Когда", 2), ("Кто", 2), ("Что", 3), ("Кому", 3)),
            table=_charged(appeal),
        ),
    ]


def _helpers(appeal: Appeal) -> QuerySet[Any]:
    return appeal.helpers.select_related("employee")


def _charged(appeal: Appeal) -> list[Cells]:
    """Return who charged whom with the case, as the journal knows it."""
    wanted = ("appeal.assigned", "appeal.handed_over", "appeal.resolution_written", "appeal.unit_named")
    rows = JournalEntry.objects.filter(chain=f"appeal:{appeal.pk}", action__in=wanted).select_related("actor")
    entries: list[Any] = list(rows.order_by("seq"))
    people = Employee.objects.in_bulk([one.data["executor"] for one in entries if one.data.get("executor")])
    return [
        [
            f"{timezone.localtime(one.at):%d.%m.%Y %H:%M}",
            one.actor.short_name if one.actor else "Отклик",
            name_of(one.action),
            str(getattr(people.get(one.data.get("executor", 0)), "short_name", "")),
        ]
        for one in entries
    ]


# --- envelopes -------------------------------------------------------------------------------------------------------


def postal_index(address: str) -> str:
    """Return the six figures of a postal index in an address; empty where it has none."""
    found = _INDEX.search(address)
    return found[0] if found else ""


@dataclass(frozen=True)
class Envelopes:
    """What was set, how many of the list have no postal address, and how many addresses have no index."""

    pdf: bytes
    made: int
    without_address: int
    without_index: int


def envelopes(appeals: QuerySet[Appeal], *, size: str, by: Employee) -> Envelopes:
    """Return envelopes to the applicants of these cases, one a page; the look at the addresses is written down."""
    if size not in ENVELOPES:
        raise NothingToPrint(why="выберите конверт DL или C4.")
    rows = list(appeals.select_related("applicant")[: MOST_ENVELOPES + 1])
    if len(rows) > MOST_ENVELOPES:
        raise TooLong(rows=f"больше {MOST_ENVELOPES}", most=f"{MOST_ENVELOPES} конвертов")
    addressed = [(one, address) for one in rows if (address := _postal(one))]
    if not addressed:
        raise NothingToPrint(why="ни у одного заявителя этого списка нет почтового адреса. Внесите адрес в карточку.")
    journal.looked("envelopes.printed", by=by, appeals=[one.pk for one, _ in addressed], way=size)
    department = staff.department()
    _, width, height = ENVELOPES[size]
    listed = [
        {
            "name": people_access.letter_name(one.applicant).dative,
            "address": address,
            "index": postal_index(address),
            "number": f"№ {one.number}",
        }
        for one, address in addressed
    ]
    words = {
        "width": width,
        "height": height,
        "sender": {"name": department.name, "address": department.address},
        "list": listed,
    }
    content = typeset.pdf(PRINTS / "envelope.typ", {"envelopes": words}, on=timezone.localdate())
    return Envelopes(content, len(listed), len(rows) - len(listed), sum(not one["index"] for one in listed))


def _postal(appeal: Appeal) -> str:
    """Return where a letter on paper goes: where the answer was asked for, else the applicant's address."""
    typed = appeal.answer_address if appeal.answer_channel == "post" else ""
    return (typed or appeal.applicant.address).strip()
