"""Figures of the consultation line: speed, missed calls, the two questions, consultants; each figure opens its list."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any, Final
from urllib.parse import urlencode

from django.core.paginator import Paginator
from django.http import HttpResponse, StreamingHttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_GET

from otklik.core import files, masking, sheets, typed
from otklik.core.access import requires
from otklik.hotline.models import Call, Consultation, Line, MissedCall
from otklik.people.models import Employee
from otklik.reports import line
from otklik.reports.line import LISTS, Calls, Scope
from otklik.workplace import bars
from otklik.workplace.bars import Bar
from otklik.workplace.requests import StaffRequest

PER_PAGE: Final = 50
STEPS: Final = {"day": "По дням", "week": "По неделям", "month": "По месяцам"}
MOST_WORDS: Final = 12  # up to that many bars each bears its words and its figure


@requires(*line.READERS)
@require_GET
def figures(request: StaffRequest) -> HttpResponseBase:
    """Show the figures of the line for the days asked for, or hand them out as a table (`?format=`)."""
    scope = _scope(request)
    told = line.report(scope)
    if (kind := request.GET.get("format")) in ("csv", "xlsx"):
        return _handed_out(line.table(told), kind, "pokazateli-linii", "Показатели линии")
    query = _query(scope)
    context = {
        **_frame(scope),
        "told": told,
        "query": query,
        "step": STEPS[told.step],
        "day_bars": list(_bars([(f"{one.first:%d.%m}", one.calls) for one in told.periods])),
        "hour_bars": list(_bars([(f"{hour}:00", one) for hour, one in told.hours.items()])),
        "chart": bars.CHART,
        "periods": [(one, _query(Scope(one.first, one.last, scope.line, scope.by))) for one in reversed(told.periods)],
        "hours": [(f"{hour}:00–{hour + 1}:00", one, f"{query}&hour={hour}") for hour, one in told.hours.items()],
        "alone": {one: told.talks.count(one) for one in ("overlong", "with_material", "with_script", "qr")},
        "handed": [(where, words, number) for where, words, number, _ in told.handed],
        "outcomes": _many(told.talks, "outcome"),
        "asked": _many(told.talks, "asked"),
        "reasons": _many(told.talks, "reason"),
        "got": _many(told.talks, "got"),
        "grades": _many(told.talks, "grade"),
        "settled": [(code, words, told.duties.settled[code]) for code, words in LISTS["settled"].names.items()],
        "consultants": [
            (one, _query(Scope(scope.first, scope.last, scope.line, one.employee.pk))) for one in told.consultants
        ],
        "by_line": [
            (one, came, talks, _query(Scope(scope.first, scope.last, one.pk if one else 0, scope.by)))
            for one, came, talks in told.lines
        ],
    }
    return render(request, "workplace/line/figures.html", context)


@requires(*line.READERS)
@require_GET
def counted(request: StaffRequest) -> HttpResponseBase:
    """Show the very calls, duties or consultations a figure counts, or hand them out as a table; numbers are masked."""
    scope = _scope(request)
    asked = request.GET.get("figure", "")
    figure = asked if asked in LISTS else "calls"
    value = typed.words(request.GET.get("value"), 40)
    rows = line.listed(figure, value, scope)
    kind = next(code for code, model in _MODELS.items() if rows.model is model)
    rows = rows.select_related(*_BESIDE[kind])
    if (wanted := request.GET.get("format")) in ("csv", "xlsx"):
        lines = (_ROWS[kind](row) for row in rows.iterator(chunk_size=2000))
        return _handed_out(_headed(_HEADINGS[kind], lines), wanted, "spisok-linii", "Консультационная линия")
    page = Paginator(rows, PER_PAGE).get_page(request.GET.get("page"))
    one = LISTS[figure]
    context = {
        **_frame(scope),
        "page": page,
        "headings": _HEADINGS[kind],
        "rows": [(_CARDS.get(kind, ""), row.pk, _ROWS[kind](row)) for row in page],
        "title": one.words[0].upper() + one.words[1:],
        "chosen": one.names.get(value, ""),
        "query": f"{_query(scope)}&{urlencode({'figure': figure, 'value': value})}",
        "every": _query(scope),
    }
    return render(request, "workplace/line/counted.html", context)


def _scope(request: StaffRequest) -> Scope:
    asked = request.GET
    hour = typed.number(asked.get("hour"))
    return line.scope_of(
        typed.day(asked.get("first")),
        typed.day(asked.get("last")),
        line=typed.number(asked.get("line")),
        by=typed.number(asked.get("consultant")),
        hour=hour if hour is not None and hour < 24 else None,
    )


def _query(scope: Scope) -> str:
    """Return the address line that asks for exactly these days."""
    asked = {
        "first": scope.first.isoformat(),
        "last": scope.last.isoformat(),
        "line": scope.line,
        "consultant": scope.by,
        "hour": scope.hour,
    }
    return urlencode({name: value for name, value in asked.items() if value is not None})


def _frame(scope: Scope) -> dict[str, Any]:
    """Return what both pages say of themselves: which days, whose."""
    return {
        "scope": scope,
        "lines": list(Line.objects.all()),
        "consultant": Employee.objects.filter(pk=scope.by).first() if scope.by is not None else None,
        "small": line.FEWEST,
    }


def _many(talks: line.Talks, figure: str) -> list[tuple[str, str, int]]:
    return [(value, words, talks.count(figure, value)) for value, words in LISTS[figure].names.items()]


def _bars(parts: list[tuple[str, Calls]]) -> Iterator[Bar]:
    """Yield a bar a day or an hour: calls answered, and above them those nobody answered."""
    drawn = [(words, one.total, one.answered, one.missed) for words, one in parts]
    return bars.stacked(drawn, most_words=MOST_WORDS)


# --- lists -----------------------------------------------------------------------------------------------------------


def _at(moment: Any) -> str:
    return timezone.localtime(moment).strftime("%d.%m.%Y %H:%M") if moment else ""


def _who(employee: Employee | None) -> str:
    return employee.short_name if employee else ""


def _call(row: Call) -> tuple[object, ...]:
    hours = "" if row.in_hours else ", вне часов"
    return (
        _at(row.came_at),
        masking.phone(row.number) or "скрыт",
        row.line.name if row.line else "неизвестна",
        line.spoken(row.waited),
        line.spoken(row.talked) if row.answered_at else "",
        f"{row.get_state_display()}{hours}",
        _who(row.answered_by),
    )


def _duty(row: MissedCall) -> tuple[object, ...]:
    return (
        _at(row.first_at),
        masking.phone(row.number) or "скрыт",
        row.line.name if row.line else "неизвестна",
        row.attempts,
        _at(row.due_at),
        row.get_outcome_display(),
        _at(row.settled_at),
        _who(row.settled_by),
    )


def _consultation(row: Consultation) -> tuple[object, ...]:
    return (
        _at(row.opened_at),
        row.pk,
        row.line.name,
        _who(row.by) or row.operator,
        row.topic.name if row.topic else "не указана",
        row.get_outcome_display(),
        row.get_asked_display(),
    )


_MODELS: Final = {"calls": Call, "duties": MissedCall, "consultations": Consultation}
_BESIDE: Final = {
    "calls": ("line", "answered_by"),
    "duties": ("line", "settled_by"),
    "consultations": ("line", "by", "topic"),
}
_CARDS: Final = {"duties": "workplace:missed_call", "consultations": "workplace:consultation"}
_ROWS: Final[dict[str, Any]] = {"calls": _call, "duties": _duty, "consultations": _consultation}
_HEADINGS: Final = {
    "calls": ("Поступил", "Номер", "Линия", "Ждал", "Говорили", "Чем кончился", "Кто ответил"),
    "duties": ("Впервые", "Номер", "Линия", "Звонил раз", "Перезвонить до", "Итог", "Когда решено", "Кто решил"),
    "consultations": ("Начата", "№", "Линия", "Консультант", "Тема", "Итог", "Два вопроса"),
}


def _headed(headings: Iterable[object], lines: Iterable[Iterable[object]]) -> Iterator[Iterable[object]]:
    yield headings
    yield from lines


def _handed_out(rows: Iterable[Iterable[object]], kind: str, name: str, title: str) -> HttpResponseBase:
    name = f"{name}-{timezone.localdate()}.{kind}"
    if kind == "xlsx":
        return files.download(HttpResponse(sheets.xlsx(rows, title=title), content_type=sheets.XLSX), name)
    return files.download(StreamingHttpResponse(sheets.csv_lines(rows), content_type=sheets.CSV), name)
