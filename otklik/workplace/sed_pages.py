"""«СЭД»: numbers typed, scanned or loaded, and «Расхождения с СЭД», each line of which opens the case."""

from __future__ import annotations

from collections import Counter
from typing import Any, Final

from django import forms
from django.contrib import messages
from django.core import signing
from django.core.paginator import Paginator
from django.http import FileResponse, Http404, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_safe

from otklik.appeals import access, sed
from otklik.appeals.models import Appeal, Direction, How, SedNumber
from otklik.core import files, sheets
from otklik.core.access import requires
from otklik.core.errors import DomainError
from otklik.core.forms import DATE_INPUT, TidyForm
from otklik.core.sheets import XLSX, Row
from otklik.core.typed import number
from otklik.people.models import Employee
from otklik.workplace import carried, queue
from otklik.workplace.card import READERS
from otklik.workplace.matter_part import Part, Step, is_there
from otklik.workplace.requests import StaffRequest

PER_PAGE: Final = 50
SHOWN: Final = 300
SALT: Final = "workplace.list-of-sed"
VERDICTS: Final = {
    "refuse": "отказ",
    "link": "записать у обращения",
    "new": "новая",
    "date": "изменится дата",
    "same": "уже есть",
}
SAMPLE: Final = (
    list(sed.COLUMNS.values()),
    ["входящий", "01-23/45", "24.11.2026", "О-2026-000123"],
    ["исходящий", "45-01/23", "24.11.2026", ""],
)


class NumberForm(TidyForm):
    """One field for a scanner, that ends with Enter; the date may stand in it."""

    number = forms.CharField(
        label="Номер из СЭД",
        max_length=120,
        widget=forms.TextInput(attrs={"autofocus": True, "autocomplete": "off"}),
        help_text="Введите или считайте сканером штрихкода. Можно вместе с датой: «01-23/45 от 24.11.2026».",
        error_messages={"required": "Введите номер из СЭД или считайте его сканером."},
    )
    direction = forms.ChoiceField(label="Вид", choices=Direction.choices)
    on = forms.DateField(label="Дата в СЭД", required=False, widget=DATE_INPUT)
    file = forms.FileField(
        label="Файл документа",
        required=False,
        help_text="Как его выдаёт СЭД. Можно без него.",
    )


class ListForm(TidyForm):
    """A list of СЭД."""

    sheet = forms.FileField(
        label="Таблица .xlsx или .csv",
        widget=forms.ClearableFileInput(attrs={"accept": f".csv,.xlsx,{XLSX}"}),
        error_messages={"required": "Выберите файл таблицы.", "empty": "Файл пустой (0 байт). Выберите другой."},
    )


def part(appeal: Appeal, user: Employee) -> Part | None:
    """Return «СЭД» of an appeal: the numbers it bears there."""
    rows = sed.of(appeal) if is_there(appeal, "sed") else []
    may_write = user.has_any(sed.POWERS)
    if not rows and not may_write:
        return None
    steps = (Step("Внести номер", "sed_number", "edit"),) if may_write else ()
    return Part("СЭД", "scan", "workplace/law/sed_part.html", {"rows": rows}, steps, len(rows))


@requires(*sed.POWERS)
@require_http_methods(["GET", "HEAD", "POST"])
def sed_number(request: StaffRequest, pk: int) -> HttpResponse:
    """Take a number of СЭД for one appeal; a number that was mistyped is taken back here."""
    appeal = access.get_for(request.user, pk)
    form = NumberForm(initial={"direction": _usual(appeal), "on": timezone.localdate()})
    status = 200
    if request.method == "POST" and "remove" in request.POST:
        row = SedNumber.objects.filter(appeal=appeal, pk=number(request.POST["remove"]) or 0).first()
        if row is not None:
            sed.remove(row, by=request.user)
            messages.success(request, f"Номер {row.number} убран.")
        return redirect("workplace:sed_number", pk)
    if request.method == "POST":
        form, status = NumberForm(request.POST, request.FILES), 422
        if form.is_valid():
            data = form.cleaned_data
            _, read = sed.read_scanned(data["number"])
            try:
                row = sed.enter(
                    appeal,
                    direction=data["direction"],
                    number=data["number"],
                    on=read or data["on"],  # what was scanned with the number is truer than the day in the field
                    how=How.SCANNED if read else How.TYPED,
                    file=data["file"],
                    by=request.user,
                )
            except DomainError as refusal:
                form.add_error(None, str(refusal))
                status = refusal.status
            else:
                messages.success(request, f"Записано: {row.get_direction_display()} № {row}.")
                return redirect(queue.card_url(request, pk))
    facts = {"appeal": appeal, "form": form, "rows": sed.of(appeal)}
    return render(request, "workplace/law/sed_number.html", facts, status=status)


@requires(*READERS)
@require_safe
def sed_file(request: StaffRequest, pk: int) -> FileResponse:
    """Download the document of a number of СЭД."""
    row = access.get_of_appeal(request.user, SedNumber.objects.select_related("file"), "appeal", pk=pk)
    if row.file is None:
        raise Http404
    return files.response(row.file, row.file_name)


@requires(*sed.POWERS)
@require_http_methods(["GET", "HEAD", "POST"])
def differences(request: StaffRequest) -> HttpResponse:
    """Show where СЭД and we differ; the field finds a case by a number, as a scanner types it."""
    user, asked, status = request.user, "", 200
    if request.method == "POST":
        asked = request.POST.get("number", "")
        found = sed.found(user, asked)
        if len({row.appeal_id for row in found}) == 1:
            return redirect("workplace:card", found[0].appeal_id)
        status = 200 if found else 404
    else:
        found = []
    lists: dict[str, tuple[str, Any]] = {
        "there": ("есть только в СЭД", sed.only_there()),
        "here": ("есть только здесь", sed.only_here(user)),
        "dates": ("разные даты", sed.other_dates(user)),
        "bare": ("без номера СЭД", sed.without_number(user)),
    }
    chosen = request.GET.get("kind", "")
    chosen = chosen if chosen in lists else "there"
    tabs = [(code, words, rows.count()) for code, (words, rows) in lists.items()]
    page = Paginator(lists[chosen][1], PER_PAGE).get_page(request.GET.get("page"))
    facts = {"tabs": tabs, "chosen": chosen, "page": page, "asked": asked, "found": found, "query": f"kind={chosen}&"}
    return render(request, "workplace/law/sed.html", facts, status=status)


@requires(*sed.POWERS)
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def upload(request: StaffRequest) -> HttpResponse:
    """Take a list of СЭД, show what each row would do, and load what was agreed to."""
    if request.method == "POST" and "read" in request.POST:
        return _looked_at(request)
    form = ListForm(request.POST or None, request.FILES or None)
    if request.method == "POST" and form.is_valid():
        given = form.cleaned_data["sheet"]
        try:
            return _plan_page(request, sed.read(given, given.name or ""))
        except DomainError as refusal:
            form.add_error("sheet", str(refusal))
    status = 422 if request.method == "POST" else 200
    return render(request, "workplace/law/sed_upload.html", {"form": form}, status=status)


@requires(*sed.POWERS)
@require_safe
def sample(request: StaffRequest) -> HttpResponse:
    """Hand out a list to fill in."""
    return files.download(HttpResponse(sheets.xlsx(SAMPLE, title="СЭД"), content_type=XLSX), "sed.xlsx")


def _looked_at(request: StaffRequest) -> HttpResponse:
    try:
        rows, _ = carried.opened(request.POST["read"], salt=SALT)
    except (signing.BadSignature, KeyError):
        messages.error(request, "Список прочитан больше часа назад или повреждён. Выберите файл ещё раз.")
        return redirect("workplace:sed_upload")
    try:
        lines = sed.load(rows, how=How.SHEET, by=request.user, agreed=request.POST.get("load", "-"))
    except DomainError as refusal:
        return _plan_page(request, rows, refusal)
    counted = Counter(line.verdict for line in lines)
    kept = len(lines) - counted["refuse"]
    messages.success(request, f"Загружено записей СЭД: {kept}, из них у обращений записано номеров: {counted['link']}.")
    return redirect("workplace:sed")


def _plan_page(request: StaffRequest, rows: list[Row], refusal: DomainError | None = None) -> HttpResponse:
    lines = sed.plan(rows)
    counted = Counter(line.verdict for line in lines)
    order = list(VERDICTS)
    shown = sorted(lines, key=lambda line: (order.index(line.verdict), line.number))[:SHOWN]
    facts = {
        "read": carried.sealed(rows, salt=SALT),
        "agreed": sed.fingerprint(lines),
        "lines": [(line, VERDICTS[line.verdict]) for line in shown],
        "more": len(lines) - len(shown),
        "tally": [(words, counted[code]) for code, words in VERDICTS.items() if counted[code]],
        "to_do": len(lines) - counted["refuse"] - counted["same"],
        "refusal": refusal,
    }
    status = refusal.status if refusal else 200
    return render(request, "workplace/law/sed_plan.html", facts, status=status)


def _usual(appeal: Appeal) -> str:
    return Direction.INCOMING if appeal.status not in ("signed", "sent", "closed") else Direction.OUTGOING
