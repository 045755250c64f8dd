"""«Отчёты»: the overview of appeals for the site, the paper on how the Procedure is kept, saved reports."""

from __future__ import annotations

from datetime import date
from typing import Any, Final

from django.http import HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_GET

from otklik.core import files, typed
from otklik.core.access import requires
from otklik.reports import execution, overview
from otklik.reports.compliance import READERS
from otklik.reports.overview import Period
from otklik.workplace.requests import StaffRequest

PDF: Final = "application/pdf"


@requires(*READERS)
@require_GET
def overview_page(request: StaffRequest) -> HttpResponseBase:
    """Show the overview of a year or a quarter as it will be published, or hand it out (`?format=pdf|html`)."""
    period = _period(request)
    found = overview.overview(period)
    name = f"obzor-{period.year}{f'-{period.quarter}' if period.quarter else ''}"
    kind = request.GET.get("format")
    if kind == "pdf":
        return files.download(HttpResponse(overview.printed(found), content_type=PDF), f"{name}.pdf")
    if kind == "html":
        answer = HttpResponse(overview.page(found), content_type="text/html; charset=utf-8")
        return files.download(answer, f"{name}.html")
    query = f"year={period.year}{f'&quarter={period.quarter}' if period.quarter else ''}"
    today = timezone.localdate()
    context = {
        "found": found,
        "query": query,
        "years": [today.year - back for back in range(6)],
        "quarters": overview.QUARTERS.items(),
        "fewest": overview.FEWEST,
    }
    return render(request, "workplace/reports/overview.html", context)


def _period(request: StaffRequest) -> Period:
    """Return the year asked for, the last whole one where none is; what makes no sense is not asked."""
    today = timezone.localdate()
    year, quarter = typed.number(request.GET.get("year")), typed.number(request.GET.get("quarter"))
    if year is None or not overview.FIRST_YEAR <= year <= today.year:
        return Period(today.year - 1)
    found = Period(year, quarter if quarter in overview.QUARTERS else None)
    return found if found.first <= today else Period(year)


@requires(*READERS)
@require_GET
def execution_page(request: StaffRequest) -> HttpResponseBase:
    """Show how the Procedure is kept over a period (`?first=&last=`), or hand it out as a paper (`?format=pdf`)."""
    first, last = _days(request)
    found = execution.certificate(first, last)
    if request.GET.get("format") == "pdf":
        answer = HttpResponse(execution.printed(found), content_type=PDF)
        return files.download(answer, f"spravka-{first}-{last}.pdf")
    context: dict[str, Any] = {"found": found, "title": execution.TITLE}
    return render(request, "workplace/reports/execution.html", context)


def _days(request: StaffRequest) -> tuple[date, date]:
    """Return the days asked for, in their order and none to come: of this quarter where none are."""
    today = timezone.localdate()
    last = min(typed.day(request.GET.get("last")) or today, today)
    first = min(typed.day(request.GET.get("first")) or overview.quarter_of(last).first, today)
    return min(first, last), max(first, last)
