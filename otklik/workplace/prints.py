"""What is printed at the desk: journals of a list as it is filtered, the registration card, envelopes, a whole case."""

from __future__ import annotations

from typing import Final

from django.contrib import messages
from django.http import HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_GET, require_http_methods

from otklik.appeals import access, case_file, journals, queues
from otklik.appeals.models import CaseFile, Topic
from otklik.core import files, sheets
from otklik.core.access import requires
from otklik.core.errors import DomainError
from otklik.correspondence.models import ChannelCode
from otklik.people.models import Unit
from otklik.workplace import asked
from otklik.workplace.card import READERS
from otklik.workplace.requests import StaffRequest

PDF: Final = "application/pdf"
ENVELOPES: Final = ("appeals.dispatch",)


@requires(*READERS)
@require_GET
def prints(request: StaffRequest) -> HttpResponse:
    """Offer what can be printed of the list one came from: the same filters, so the same rows."""
    view, filters = asked.read(request.user, request.GET)
    context = {
        "view": view,
        "title": queues.VIEWS[view].title,
        "conditions": _in_words(view, filters),
        "query": asked.write(view, filters, page=None),
        "rows": queues.appeals_of(request.user, view, filters).count(),
        "journals": [(code, one.title) for code, one in journals.JOURNALS.items()],
        "sizes": [(code, name) for code, (name, _, _) in journals.ENVELOPES.items()] if _posts(request) else [],
        "most": journals.MOST_ENVELOPES,
        "sees_names": request.user.has_power("applicants.view"),
    }
    return render(request, "workplace/law/prints.html", context)


@requires(*READERS)
@require_GET
def journal_of_list(request: StaffRequest, code: str, way: str) -> HttpResponseBase:
    """Hand out a journal of the list: as a table or as PDF."""
    view, filters = asked.read(request.user, request.GET)
    try:
        if way == "xlsx":
            content, kind = journals.table(request.user, code, view, filters), sheets.XLSX
        else:
            words = _in_words(view, filters)
            content, kind = journals.printed(request.user, code, view, filters, asked=words), PDF
    except DomainError as refusal:
        messages.error(request, str(refusal))
        return redirect(f"{reverse('workplace:prints')}?{asked.write(view, filters, page=None)}")
    name = f"{code}-{timezone.localdate():%Y-%m-%d}.{'xlsx' if way == 'xlsx' else 'pdf'}"
    return files.download(HttpResponse(content, content_type=kind), name)


@requires(*ENVELOPES)
@require_GET
def envelopes_of_list(request: StaffRequest) -> HttpResponseBase:
    """Hand out envelopes to the applicants of the list."""
    view, filters = asked.read(request.user, request.GET)
    try:
        if not _posts(request):
            raise journals.NothingToPrint(why="адреса заявителей вам не открыты.")
        rows = queues.ordered(request.user, view, filters)
        made = journals.envelopes(rows, size=request.GET.get("size", ""), by=request.user)
    except DomainError as refusal:
        messages.error(request, str(refusal))
        return redirect(f"{reverse('workplace:prints')}?{asked.write(view, filters, page=None)}")
    return files.download(HttpResponse(made.pdf, content_type=PDF), "konverty.pdf")


@requires(*READERS)
@require_GET
def registration_card(request: StaffRequest, pk: int) -> HttpResponseBase:
    """Hand out the registration card of a case."""
    appeal = access.get_for(request.user, pk)
    content = journals.card(appeal, by=request.user)
    return files.download(HttpResponse(content, content_type=PDF), f"kartochka-{appeal.number}.pdf")


@requires(*ENVELOPES)
@require_GET
def envelope(request: StaffRequest, pk: int) -> HttpResponseBase:
    """Hand out the envelope of one case."""
    appeal = access.get_for(request.user, pk)
    try:
        if not _posts(request):
            raise journals.NothingToPrint(why="адреса заявителей вам не открыты.")
        rows = access.visible_to(request.user).filter(pk=appeal.pk)
        made = journals.envelopes(rows, size=request.GET.get("size") or "dl", by=request.user)
    except DomainError as refusal:
        messages.error(request, str(refusal))
        return redirect("workplace:card", pk)
    return files.download(HttpResponse(made.pdf, content_type=PDF), f"konvert-{appeal.number}.pdf")


@requires(*READERS)
@require_http_methods(["GET", "HEAD", "POST"])
def whole_case(request: StaffRequest, pk: int) -> HttpResponseBase:
    """Show the case files that were made of this appeal; a POST asks for a new one."""
    appeal = access.get_for(request.user, pk)
    if request.method == "POST":
        made = case_file.ask(appeal, by=request.user)
        if made.state == CaseFile.State.WAITING:
            messages.info(request, "Дело большое: готовится. Обновите страницу через минуту.")
        return redirect("workplace:whole_case", pk)
    rows = CaseFile.objects.filter(appeal=appeal, asked_by=request.user)[:10]
    return render(request, "workplace/law/whole_case.html", {"appeal": appeal, "rows": rows})


@requires(*READERS)
@require_GET
def whole_case_file(request: StaffRequest, pk: int, made: int) -> HttpResponseBase:
    """Hand out a case as PDF to the one who asked for it."""
    appeal = access.get_for(request.user, pk)
    row = get_object_or_404(CaseFile, pk=made, appeal=appeal, asked_by=request.user, state=CaseFile.State.READY)
    return files.response(case_file.taken(row, by=request.user), f"delo-{appeal.number}.pdf")


def _posts(request: StaffRequest) -> bool:
    return request.user.has_power("appeals.dispatch") and request.user.has_power("applicants.view")


def _in_words(view: str, filters: queues.Filters) -> str:
    """Return the conditions of a list as people read them; what was searched for may be a name and is not told."""
    said = [queues.VIEWS[view].title]
    if filters.channel:
        said.append(f"канал: {ChannelCode(filters.channel).label}")
    if filters.topic and (topic := Topic.objects.filter(pk=filters.topic).first()):
        said.append(f"тема: {topic.name}")
    if filters.unit and (unit := Unit.objects.filter(pk=filters.unit).first()):
        said.append(f"подразделение: {unit}")
    if filters.term:
        said.append(f"срок: {asked.TERMS[filters.term]}")
    if filters.text:
        said.append("и слова поиска")
    return ", ".join(said)
