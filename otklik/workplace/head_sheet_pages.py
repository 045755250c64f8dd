"""«Сводка руководителя»: one page at 8:30, on the screen and on A4; each figure opens the appeals it counts."""

from __future__ import annotations

from typing import Any, Final
from urllib.parse import urlencode

from django.core.paginator import Paginator
from django.http import HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_GET

from otklik.appeals import queues
from otklik.appeals.models import Appeal, Topic
from otklik.core import files, masking, typed
from otklik.core.access import requires
from otklik.people.models import Employee, Unit
from otklik.reports import head_sheet
from otklik.reports.head_sheet import BURNING, Sheet
from otklik.workplace import compliance
from otklik.workplace.requests import StaffRequest

PER_PAGE: Final = 50
PDF: Final = "application/pdf"


@requires(head_sheet.POWER)
@require_GET
def sheet(request: StaffRequest) -> HttpResponseBase:
    """Show the sheet of today, or hand it out as a page of A4 (`?format=pdf`)."""
    today = timezone.localdate()
    found = head_sheet.sheet(request.user, today)
    if request.GET.get("format") == "pdf":
        answer = HttpResponse(head_sheet.printed(found), content_type=PDF)
        return files.download(answer, f"svodka-{today}.pdf")
    context = {
        "found": found,
        "burning": [
            (words, found.burning[code], code == "overdue" and found.burning[code] > 0, _query(figure=code))
            for code, words in BURNING.items()
        ],
        "units": [
            (one.name, [(one.numbers[code], _query(figure=code, of=one.unit or 0)) for code in BURNING])
            for one in found.units
        ],
        "loaded": [(one, _query(figure="executor", of=one.executor)) for one in found.loaded],
        "grows": [(one, _query(figure="topic", of=one.topic)) for one in found.grows],
        "said": _said(found),
        "waiting": _waiting(request.user, found),
    }
    return render(request, "workplace/reports/head_sheet.html", context)


@requires(head_sheet.POWER)
@require_GET
def counted(request: StaffRequest) -> HttpResponse:
    """Show the very appeals a figure of the sheet counts (`?figure=…&of=…`), by term; names are masked."""
    today = timezone.localdate()
    asked, of = request.GET.get("figure", ""), typed.number(request.GET.get("of"))
    figure = asked if asked in (*BURNING, "executor", "topic") else "overdue"
    page = Paginator(head_sheet.listed(request.user, figure, today, of=of), PER_PAGE).get_page(request.GET.get("page"))
    context = {
        "page": page,
        "rows": [_row(one) for one in page],
        "title": _title(figure, of),
        "listing": _query(figure=figure, **({} if of is None else {"of": of})),
    }
    return render(request, "workplace/reports/head_list.html", context)


@requires(head_sheet.POWER)
@require_GET
def receptions(request: StaffRequest) -> HttpResponse:
    """Show the appointments of today the sheet counts; names are masked."""
    found = head_sheet.receptions(request.user, timezone.localdate())
    rows = found.select_related("official", "room", "topic").order_by("starts_at", "pk")
    told = [(one, masking.person(one.last_name, one.first_name, one.patronymic)) for one in rows]
    return render(request, "workplace/reports/head_receptions.html", {"rows": told, "on": timezone.localdate()})


def _query(**asked: Any) -> str:
    return urlencode(asked)


def _title(figure: str, of: int | None) -> str:
    """Return what the list is called: which figure, whose."""
    if figure == "executor":
        return f"В работе: {get_object_or_404(Employee, pk=of).short_name}"
    if figure == "topic":
        return f"За неделю, тема «{get_object_or_404(Topic, pk=of).name}»"
    words = BURNING[figure][:1].upper() + BURNING[figure][1:]
    if of is None:
        return words
    return f"{words}: {get_object_or_404(Unit, pk=of) if of else 'исполнитель не назначен'}"


def _row(one: Appeal) -> dict[str, Any]:
    return {
        "pk": one.pk,
        "number": one.number,
        "subject": one.subject,
        "applicant": queues.applicant_label(one.applicant),
        "unit": str(one.unit or ""),
        "executor": one.executor.short_name if one.executor else "",
        "state": queues.STATUSES[one.status],
        "due_on": one.due_on,
    }


def _said(found: Sheet) -> list[tuple[str, str, str]]:
    """Return name, words and the list of each figure of opinions."""
    days = {"first": found.said_from.isoformat(), "last": found.yesterday.isoformat()}
    views = ("", "graded", "unhappy", "texts")
    address = reverse("workplace:feedback")
    told = zip(head_sheet.said_of(found), views, strict=True)
    return [(name, text, f"{address}?{_query(**days, view=view)}") for (name, text), view in told]


def _waiting(user: Employee, found: Sheet) -> list[tuple[str, str, str, bool]]:
    """Return name, words, list and whether something is late; a list he may not enter has no address."""
    pages = ("workplace:missed", "workplace:head_receptions", "workplace:pos_lane")
    late = (found.missed_late > 0, False, found.lane_late > 0)
    return [
        (name, text, reverse(page) if compliance.may_open(user, page) else "", is_late)
        for (name, text), page, is_late in zip(head_sheet.today_of(found), pages, late, strict=True)
    ]
