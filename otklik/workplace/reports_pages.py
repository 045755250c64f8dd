"""«Отчёты»: the overview of appeals for the site, the paper on how the Procedure is kept, saved reports."""

from __future__ import annotations

from datetime import date
from typing import Any, Final

from django import forms
from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.core.paginator import Paginator
from django.http import HttpResponse, StreamingHttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from otklik.appeals.models import Topic
from otklik.core import files, sheets, typed
from otklik.core.access import requires
from otklik.core.errors import DomainError
from otklik.core.forms import TidyForm
from otklik.core.terms import valid
from otklik.correspondence.models import StaffLetter
from otklik.people.models import Employee, Unit
from otklik.reports import execution, head_sheet, measures, overview, papers, scheduling
from otklik.reports.compliance import READERS
from otklik.reports.measures import Line
from otklik.reports.models import SavedReport, SentReport
from otklik.reports.overview import Period
from otklik.workplace import compliance
from otklik.workplace.requests import StaffRequest

PDF: Final = "application/pdf"
PER_PAGE: Final = 30


@requires(*READERS)
@require_GET
def overview_page(request: StaffRequest) -> HttpResponseBase:
    """Show the overview of a year or a quarter as it will be published, or hand it out (`?format=pdf|html`)."""
    period = _period(request)
    found = overview.overview(period)
    name = papers.overview_name(period)
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


# --- saved reports ---------------------------------------------------------------------------------------------------


class ReportForm(TidyForm, forms.ModelForm):  # type: ignore[type-arg]
    """What is in a report, for which days, and whom it goes to by itself."""

    measures = forms.MultipleChoiceField(
        label="Показатели",
        required=False,
        widget=forms.CheckboxSelectMultiple,
        help_text="Только для отчёта «показатели»; если не отмечено ничего — все.",
    )
    people = forms.MultipleChoiceField(
        label="Кому присылать",
        required=False,
        widget=forms.CheckboxSelectMultiple,
        help_text="Приходит письмо с числами, ссылкой и отчётом в PDF (показатели — и в XLSX); сводка руководителя — "
        "без файла. Кому отчёт перестанет быть открыт, письма не получит.",
    )

    class Meta:
        model = SavedReport
        fields = ("name", "kind", "period", "plan", "people", "unit", "channel", "topic", "measures")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        today = timezone.localdate()
        fields: dict[str, Any] = self.fields
        fields["measures"].choices = [(one.code, f"{one.group}: {one.title}") for one in measures.MEASURES]
        self.known = {str(one.pk): one for one in scheduling.can_be_told(SavedReport.Kind.FIGURES, today)}
        fields["people"].choices = [(pk, one.full_name) for pk, one in self.known.items()]
        fields["unit"].queryset = Unit.objects.filter(valid(today))
        fields["topic"].queryset = Topic.objects.filter(valid(today), leaf=True)
        fields["channel"].choices = [("", "все"), *(one for one in fields["channel"].choices if one[0])]
        for name in ("unit", "topic"):
            fields[name].empty_label = "все"
        if self.instance.pk:
            self.initial["people"] = [str(one.pk) for one in self.instance.people.all()]

    def chosen(self) -> list[Employee]:
        """Return whom it goes to."""
        return [self.known[pk] for pk in self.cleaned_data["people"]]


@requires(*scheduling.OPENERS)
@require_GET
def report_list(request: StaffRequest) -> HttpResponse:
    """Show the reports one has saved or is sent, and what went out of them."""
    rows = list(scheduling.seen_by(request.user).prefetch_related("people"))
    sent = SentReport.objects.filter(report__in=[one.pk for one in rows]).select_related("report")
    page = Paginator(sent.prefetch_related("to__employee", "to__letter"), PER_PAGE).get_page(request.GET.get("page"))
    context = {
        "rows": [(one, one.owner_id == request.user.pk, _of_today(one)) for one in rows],
        "page": page,
        "sent": [(one, scheduling.address(one.report, one.first, one.last), _outcomes(one)) for one in page],
        "may_keep": request.user.has_any(scheduling.KEEPERS),
        "whole": request.user.has_any(READERS),
        "figures": compliance.may_open(request.user, "workplace:figures"),
        "heads": request.user.has_power(head_sheet.POWER),
    }
    return render(request, "workplace/reports/saved.html", context)


def _of_today(report: SavedReport) -> str:
    """Return where the report opens, of the days it means today."""
    return scheduling.address(report, *scheduling.days_of(report.period, timezone.localdate()))


def _outcomes(sent: SentReport) -> list[tuple[str, str, bool]]:
    """Return each recipient with what became of his letter, and whether that asks for something."""
    told = []
    for one in sent.to.all():
        failed = one.letter is not None and one.letter.state == StaffLetter.State.FAILED
        words = one.letter.get_state_display() if one.letter else one.get_why_display()
        told.append((one.employee.short_name, words, bool(one.why) or failed))
    return told


@requires(*scheduling.KEEPERS)
@require_http_methods(["GET", "POST"])
def report_form(request: StaffRequest, pk: int | None = None) -> HttpResponse:
    """Save a new report, or change one's own."""
    row = get_object_or_404(SavedReport, pk=pk, owner=request.user, removed_at=None) if pk is not None else None
    title = row.name if row else "Новый отчёт"
    form = ReportForm(request.POST or None, instance=row)
    if request.method == "POST" and form.is_valid():
        try:
            kept = scheduling.keep(form.save(commit=False), form.chosen(), by=request.user)
        except DomainError as refusal:
            places = {
                "reports.nobody": "people",
                "reports.period": "period",
                "reports.name_taken": "name",
                "reports.not_open": "kind",
            }
            form.add_error(places.get(refusal.code), str(refusal))
        else:
            messages.success(request, f"Отчёт «{kept.name}» сохранён.")
            return redirect("workplace:reports")
    context = {
        "form": form,
        "title": title,
        "lead": "Период — относительный: «прошлый месяц» в декабре значит ноябрь, в январе — декабрь.",
        "back": reverse("workplace:reports"),
        "back_name": "Отчёты",
        "wide": ("name", "measures", "people", "topic"),
        "done": "Сохранить",
    }
    return render(request, "workplace/row_form.html", context, status=422 if form.errors else 200)


@requires(*scheduling.OPENERS)
@require_GET
def report(request: StaffRequest, pk: int) -> HttpResponseBase:
    """Open a report of the days it means today, or of those asked for (`?first=&last=`); figures stand on this page."""
    row = get_object_or_404(scheduling.seen_by(request.user), pk=pk)
    first, last = scheduling.days_of(row.period, timezone.localdate())
    given = [typed.day(request.GET.get(name)) for name in ("first", "last")]
    if given[0] and given[1]:
        first, last = min(given[0], given[1]), max(given[0], given[1])
    if not scheduling.may_open(request.user, row):
        raise PermissionDenied
    if row.kind != SavedReport.Kind.FIGURES:
        return redirect(scheduling.address(row, first, last))
    lines = scheduling.figures(row, first, last)
    kind = request.GET.get("format")
    if kind in ("csv", "xlsx", "pdf"):
        return _handed_out(row, lines, kind, (first, last))
    groups: dict[str, list[tuple[Line, str]]] = {}
    lists = {name: compliance.may_open(request.user, name) for name in {one.measure.list_name for one in lines} if name}
    for one in lines:
        address = one.address if lists.get(one.measure.list_name) else ""
        groups.setdefault(one.measure.group, []).append((one, address))
    context = {
        "row": row,
        "mine": row.owner_id == request.user.pk,
        "groups": groups.items(),
        "first": first,
        "last": last,
        "query": f"first={first}&last={last}",
        "fewest": measures.FEWEST,
    }
    return render(request, "workplace/reports/report.html", context)


def _handed_out(row: SavedReport, lines: list[Line], kind: str, days: tuple[date, date]) -> HttpResponseBase:
    """Return the figures as a file: the same words as on the page."""
    name = f"{papers.figures_name(row, *days)}.{kind}"
    if kind == "pdf":
        return files.download(HttpResponse(papers.figures_pdf(row, lines, *days), content_type=PDF), name)
    cells = [papers.HEADINGS, *papers.figures_cells(lines)]
    if kind == "xlsx":
        content = sheets.xlsx(cells, title="Показатели")
        return files.download(HttpResponse(content, content_type=sheets.XLSX), name)
    return files.download(StreamingHttpResponse(sheets.csv_lines(cells), content_type=sheets.CSV), name)


@requires(*scheduling.KEEPERS)
@require_POST
def report_step(request: StaffRequest, pk: int) -> HttpResponse:
    """Take one step with one's own report: send it now, stop sending it, remove it."""
    row = get_object_or_404(SavedReport, pk=pk, owner=request.user, removed_at=None)
    step = request.POST.get("do", "")
    if step == "send" and not row.people.exists():
        messages.error(request, "Присылать некому: нажмите «Править» и отметьте, кому.")
    elif step == "send":
        # Pressed twice within a minute it goes once.
        if scheduling.send(row, timezone.now().replace(second=0, microsecond=0), by=request.user):
            messages.success(request, f"Отчёт «{row.name}» разослан.")
        else:
            messages.info(request, f"Отчёт «{row.name}» только что разослан.")
    elif step == "off":
        scheduling.switch_off(row, by=request.user)
        messages.success(request, f"Отчёт «{row.name}» больше не присылается.")
    elif step == "remove":
        scheduling.remove(row, by=request.user)
        messages.success(request, f"Отчёт «{row.name}» удалён и больше не присылается.")
    return redirect("workplace:reports")
