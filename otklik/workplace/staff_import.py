"""Employees from a spreadsheet: a dry run first, then all good rows at once."""

from __future__ import annotations

from typing import Final

from django import forms
from django.contrib import messages
from django.core import signing
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_http_methods

from otklik.core.access import requires
from otklik.core.errors import DomainError
from otklik.core.forms import TidyForm
from otklik.core.sheets import XLSX, Row
from otklik.people import staff_import
from otklik.people.staff_import import Line
from otklik.workplace import carried
from otklik.workplace.requests import StaffRequest

SALT: Final = "workplace.staff-import"
VERDICTS: Final = {"create": "завести", "change": "изменить", "same": "без изменений", "refuse": "отказ"}


class UploadForm(TidyForm):
    """The spreadsheet."""

    sheet = forms.FileField(
        label="Таблица .xlsx",
        widget=forms.ClearableFileInput(attrs={"accept": f".xlsx,{XLSX}"}),
        error_messages={"required": "Выберите файл таблицы.", "empty": "Файл пустой (0 байт). Выберите другой."},
    )


@requires("people.manage")
@never_cache
@require_http_methods(["GET", "POST"])
def import_staff(request: StaffRequest) -> HttpResponse:
    """Take a spreadsheet and show what it would do; a confirmed one is kept.

    What was read travels in the page, signed, for an hour: nothing of it is kept before it is agreed.
    """
    if request.method == "POST" and "read" in request.POST:
        return _confirmed(request)
    form = UploadForm(request.POST or None, request.FILES or None)
    if request.method == "POST" and form.is_valid():
        upload = form.cleaned_data["sheet"]
        try:
            return _dry_run(request, staff_import.read(upload, upload.name or ""))
        except DomainError as refusal:
            form.add_error("sheet", str(refusal))
    status = 422 if request.method == "POST" else 200
    return render(request, "workplace/staff/import.html", {"form": form}, status=status)


@requires("people.manage")
@require_GET
def sample(request: StaffRequest) -> HttpResponse:
    """Hand out a spreadsheet to fill in."""
    answer = HttpResponse(staff_import.sample(), content_type=XLSX)
    answer["Content-Disposition"] = 'attachment; filename="sotrudniki.xlsx"'
    return answer


def _confirmed(request: StaffRequest) -> HttpResponse:
    try:
        rows, kept = carried.opened(request.POST["read"], salt=SALT)
    except signing.BadSignature:
        messages.error(request, "Таблица прочитана больше часа назад или повреждена. Выберите файл ещё раз.")
        return redirect("workplace:staff_import")
    try:
        done = staff_import.apply(rows, agreed=kept["agreed"], by=request.user)
    except staff_import.PlanChanged as refusal:
        return _dry_run(request, rows, refusal)
    messages.success(request, f"Записано. Заведено: {len(done.created)}, изменено: {done.changed}.")
    return redirect("workplace:staff_passwords" if done.created else "workplace:staff")


def _dry_run(request: StaffRequest, rows: list[Row], refusal: DomainError | None = None) -> HttpResponse:
    lines = staff_import.plan(rows)
    count = {verdict: sum(line.verdict == verdict for line in lines) for verdict in VERDICTS}
    context = {
        "lines": [(line, VERDICTS[line.verdict]) for line in sorted(lines, key=_refused_first)],
        "tally": [(VERDICTS[verdict], number) for verdict, number in count.items() if number],
        "to_do": count["create"] + count["change"],
        "refused": count["refuse"],
        "read": carried.sealed(rows, salt=SALT, agreed=staff_import.fingerprint(lines)),
        "refusal": refusal,
    }
    return render(request, "workplace/staff/import_plan.html", context, status=refusal.status if refusal else 200)


def _refused_first(line: Line) -> tuple[bool, int]:
    return line.verdict != "refuse", line.number
