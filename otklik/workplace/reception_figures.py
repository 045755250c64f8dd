"""Figures of personal reception: who was booked, came, was received, with what outcome; each opens its list."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final
from urllib.parse import urlencode

from django.core.paginator import Paginator
from django.http import HttpResponse, StreamingHttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_GET

from otklik.appeals.models import Topic
from otklik.core import files, masking, sheets, typed
from otklik.core.access import requires
from otklik.people.models import Employee
from otklik.reception.models import Appointment, CardQuestion
from otklik.reports import receptions
from otklik.reports.receptions import FIGURES, Scope
from otklik.workplace.requests import StaffRequest

PER_PAGE: Final = 50
COLUMNS: Final = ("booked", "came", "no_show", "received", "oral", "written", "in_term", "overdue", "explained")


@requires(*receptions.READERS)
@require_GET
def figures(request: StaffRequest) -> HttpResponseBase:
    """Show the figures of reception for the days asked for, or hand them out as a table (`?format=`)."""
    scope = _scope(request)
    told = receptions.report(scope)
    if (kind := request.GET.get("format")) in ("csv", "xlsx"):
        head = ("Чьи", *(receptions.words_of(name) for name in FIGURES))
        lines = [("Всего", *told.total.values())]
        lines += [(one.short_name, *numbers.values()) for one, numbers in told.officials]
        lines += [(one.name if one else "Тема не указана", *numbers.values()) for one, numbers in told.topics]
        return _handed_out([head, *lines], kind, "pokazateli-priyoma", "Личный приём")
    context = {
        **_frame(scope),
        "told": told,
        "figures": [(name, receptions.words_of(name), told.total[name]) for name in FIGURES],
        "columns": [receptions.words_of(name) for name in COLUMNS],
        "officials": [
            (one.short_name, _query(Scope(scope.first, scope.last, one.pk, scope.topic)), _row(numbers))
            for one, numbers in told.officials
        ],
        "topics": [
            (
                one.name if one else "Тема не указана",
                _query(Scope(scope.first, scope.last, scope.official, one.pk)) if one else "",
                _row(numbers),
            )
            for one, numbers in told.topics
        ],
    }
    return render(request, "workplace/reception/figures.html", context)


@requires(*receptions.READERS)
@require_GET
def counted(request: StaffRequest) -> HttpResponseBase:
    """Show the very appointments or questions a figure counts, or hand them out as a table; names are masked."""
    scope = _scope(request)
    asked = request.GET.get("figure", "")
    figure = asked if asked in FIGURES else "booked"
    rows = receptions.listed(figure, scope)
    is_appointment = rows.model is Appointment
    headings = _OF_APPOINTMENT if is_appointment else _OF_QUESTION
    line = _appointment if is_appointment else _question
    title = receptions.words_of(figure)
    if (kind := request.GET.get("format")) in ("csv", "xlsx"):
        lines = (line(row) for row in rows.iterator(chunk_size=2000))
        return _handed_out(_headed(headings, lines), kind, "spisok-priyoma", "Личный приём")
    page = Paginator(rows, PER_PAGE).get_page(request.GET.get("page"))
    context = {
        **_frame(scope),
        "page": page,
        "headings": headings,
        "rows": [line(row) for row in page],
        "title": title[0].upper() + title[1:],
        "listing": f"{_query(scope)}&figure={figure}",
    }
    return render(request, "workplace/reception/counted.html", context)


def _scope(request: StaffRequest) -> Scope:
    asked = request.GET
    return receptions.scope_of(
        typed.day(asked.get("first")),
        typed.day(asked.get("last")),
        official=typed.number(asked.get("official")),
        topic=typed.number(asked.get("topic")),
    )


def _query(scope: Scope) -> str:
    """Return the address line that asks for exactly these days."""
    asked: dict[str, Any] = {
        "first": scope.first.isoformat(),
        "last": scope.last.isoformat(),
        "official": scope.official,
        "topic": scope.topic,
    }
    return urlencode({name: value for name, value in asked.items() if value is not None})


def _frame(scope: Scope) -> dict[str, Any]:
    """Return what both pages say of themselves: which days, whose."""
    return {
        "scope": scope,
        "query": _query(scope),
        "official": Employee.objects.filter(pk=scope.official).first() if scope.official is not None else None,
        "topic": Topic.objects.filter(pk=scope.topic).first() if scope.topic is not None else None,
    }


def _row(numbers: receptions.Numbers) -> list[tuple[str, int]]:
    return [(name, numbers[name]) for name in COLUMNS]


_OF_APPOINTMENT: Final = ("Когда", "К кому", "Кто", "Помещение", "Тема", "Откуда запись", "Состояние")
_OF_QUESTION: Final = ("Приём", "Карточка", "Кто вёл", "Кто обратился", "Тема", "Исход", "Обращение", "Ответить до")


def _appointment(row: Appointment) -> tuple[object, ...]:
    return (
        timezone.localtime(row.starts_at).strftime("%d.%m.%Y %H:%M"),
        row.official.short_name,
        masking.person(row.last_name, row.first_name, row.patronymic),
        row.room.name,
        row.topic.name if row.topic else "",
        row.get_source_display(),
        row.get_state_display(),
    )


def _question(row: CardQuestion) -> tuple[object, ...]:
    who = row.card.applicant
    return (
        timezone.localtime(row.card.started_at).strftime("%d.%m.%Y %H:%M") if row.card.started_at else "",
        row.card.number,
        row.card.official.short_name,
        masking.person(who.last_name, who.first_name, who.patronymic),
        row.topic.name if row.topic else "",
        row.get_outcome_display(),
        row.appeal.number if row.appeal else "",
        row.appeal.due_on.strftime("%d.%m.%Y") if row.appeal and row.appeal.due_on else "",
    )


def _headed(headings: Iterable[object], lines: Iterable[Iterable[object]]) -> Iterable[Iterable[object]]:
    yield headings
    yield from lines


def _handed_out(rows: Iterable[Iterable[object]], kind: str, name: str, title: str) -> HttpResponseBase:
    name = f"{name}-{timezone.localdate()}.{kind}"
    if kind == "xlsx":
        return files.download(HttpResponse(sheets.xlsx(rows, title=title), content_type=sheets.XLSX), name)
    return files.download(StreamingHttpResponse(sheets.csv_lines(rows), content_type=sheets.CSV), name)
