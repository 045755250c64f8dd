"""Moving in and out: the wizard for journals of other systems, and everything taken out in open formats."""

from __future__ import annotations

from typing import Any, Final

from django import forms
from django.apps import apps
from django.contrib import messages
from django.http import HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from otklik.core import files, sheets
from otklik.core.access import by_itself, requires
from otklik.core.errors import DomainError
from otklik.core.forms import TidyForm
from otklik.core.masking import HIDDEN
from otklik.core.sheets import XLSX
from otklik.knowledge import rights
from otklik.moving import carrying, keepers, kinds, leaving, mapping, undoing
from otklik.moving.models import FullExport, HistoryImport, WordMeaning
from otklik.workplace.requests import StaffRequest

READERS: Final = carrying.POWERS
LEAVES: Final = (leaving.POWER,)
SHOWN: Final = 100
IMPORTS: Final = 30
State, What = HistoryImport.State, WordMeaning.What
MOVING: Final = (State.CHECKING, State.WRITING, State.UNDOING)


class JournalForm(TidyForm):
    """A journal and what stands beside it."""

    kind = forms.ChoiceField(label="Что в журнале", choices=HistoryImport.Kind.choices)
    sheet = forms.FileField(
        label="Журнал .xlsx или .csv",
        widget=forms.ClearableFileInput(attrs={"accept": f".xlsx,.csv,.txt,{XLSX}"}),
        error_messages={"required": "Выберите файл журнала.", "empty": "Файл пустой (0 байт). Выберите другой."},
    )
    attached = forms.FileField(
        label="Архив ZIP с файлами обращений",
        required=False,
        widget=forms.ClearableFileInput(attrs={"accept": ".zip"}),
        help_text="Имя файла или папки начинается с номера обращения; «ответ» в имени — файл ответа.",
    )


@requires(*READERS)
@require_http_methods(["GET", "POST"])
def home(request: StaffRequest) -> HttpResponse:
    """List what was carried in; take a journal."""
    form = JournalForm(request.POST or None, request.FILES or None)
    if request.method == "POST" and form.is_valid():
        data = form.cleaned_data
        try:
            run = carrying.upload(
                data["sheet"], data["sheet"].name or "", data["kind"], by=request.user, attached=data["attached"]
            )
        except DomainError as refusal:
            form.add_error("attached" if "rchive" in type(refusal).__name__ else "sheet", str(refusal))
        else:
            return redirect("workplace:history_import", run.pk)
    runs = list(HistoryImport.objects.select_related("by")[:IMPORTS])
    context = {"form": form, "runs": runs, "leaves": request.user.has_power(leaving.POWER)}
    return render(request, "workplace/moving/home.html", context, status=422 if form.errors else 200)


@requires(*READERS)
@require_http_methods(["GET", "POST"])
def history_import(request: StaffRequest, pk: int) -> HttpResponse:
    """Show a journal where it stands: its columns, its trial, how far it is, what was done; take the next step."""
    run = get_object_or_404(HistoryImport.objects.select_related("by", "rows", "faults", "attached"), pk=pk)
    if request.method != "POST":
        return _page(request, run)
    try:
        if gone := _step(request, run):
            return gone
    except DomainError as refusal:
        run.refresh_from_db()
        if request.POST.get("do") == "check" and run.state == State.READ:
            return _page(request, run, error=str(refusal), typed=True, status=422)
        messages.error(request, str(refusal))
    return redirect("workplace:history_import", run.pk)


def _step(request: StaffRequest, run: HistoryImport) -> HttpResponse | None:
    press = request.POST.get("do")
    if press == "check":
        carrying.tell(run, _columns(request, run), _options(request), by=request.user)
    elif press == "words":
        changed = _keep_words(request, run)
        carrying.try_again(run, by=request.user)
        messages.success(request, f"Сопоставлено слов: {changed}. Журнал проверяется ещё раз.")
    elif press == "columns":
        carrying.columns_again(run, by=request.user)
    elif press == "write":
        carrying.begin(run, by=request.user)
    elif press == "drop":
        carrying.drop(run, by=request.user)
        messages.success(request, "Журнал убран, ничего не перенесено. Загрузить его снова можно в любое время.")
        return redirect("workplace:moving")
    elif press == "undo":
        carrying.take_back(run, by=request.user)
    return None


def _columns(request: StaffRequest, run: HistoryImport) -> dict[int, str]:
    return {place: request.POST.get(f"column-{place}", "") for place in range(len(run.heads))}


def _options(request: StaffRequest) -> dict[str, str]:
    return {name: request.POST[name].strip() for name in keepers.USUAL if name in request.POST}


def _keep_words(request: StaffRequest, run: HistoryImport) -> int:
    changed = 0
    for what, words in run.told.get("words", {}).items():
        if what not in What.values:
            continue
        meant = [
            (text, request.POST.get(f"means-{what}-{place}", ""))
            for place, (text, _, _) in enumerate(words)
            if HIDDEN not in text and f"means-{what}-{place}" in request.POST
        ]
        changed += mapping.keep(what, meant, by=request.user)
    return changed


@by_itself
@requires(*READERS)
@require_GET
def progress(request: StaffRequest, pk: int) -> HttpResponse:
    """Show how far a journal is: the page asks every second while it is worked on."""
    run = get_object_or_404(HistoryImport.objects.select_related("by"), pk=pk)
    answer = render(request, "workplace/moving/import.html#progress", {"run": run, "moving": run.state in MOVING})
    if run.state not in MOVING:
        answer["HX-Refresh"] = "true"
    return answer


@requires(*READERS)
@require_GET
def errors(request: StaffRequest, pk: int) -> HttpResponseBase:
    """Hand out the wrong rows as a table to be mended and brought again."""
    run = get_object_or_404(HistoryImport.objects.select_related("rows", "faults"), pk=pk)
    content = sheets.xlsx(carrying.fault_table(run), title="Ошибки")
    return files.download(HttpResponse(content, content_type=XLSX), f"oshibki-{run.pk}.xlsx")


def _page(
    request: StaffRequest, run: HistoryImport, *, error: str = "", typed: bool = False, status: int = 200
) -> HttpResponse:
    is_read, is_checked = run.state == State.READ, run.state == State.CHECKED
    over = run.state in (State.DONE, State.FAILED, State.UNDONE)
    faults = carrying.faults_of(run) if is_checked or over else []
    context: dict[str, Any] = {
        "run": run,
        "error": error,
        "moving": run.state in MOVING,
        "is_read": is_read,
        "is_checked": is_checked,
        "over": over,
        "may_undo": run.state in (State.DONE, State.FAILED) and run.made,
        "faults": faults[:SHOWN],
        "fault_count": len(faults),
        "words": _words(run) if is_checked else [],
        "strangers": run.told.get("strangers", []) if is_checked else [],
        "kept": undoing.kept(run) if over else [],
    }
    if is_read:
        context |= _mapping(request, run, typed=typed)
    return render(request, "workplace/moving/import.html", context, status=status)


def _mapping(request: StaffRequest, run: HistoryImport, *, typed: bool) -> dict[str, Any]:
    """Return what the page of the columns shows: each with its first cells, personal data hidden."""
    said = _columns(request, run) if typed else {}
    options = keepers.USUAL | run.options | (_options(request) if typed else {})
    words = mapping.Meanings()
    of_appeals = run.kind in (HistoryImport.Kind.APPEALS, HistoryImport.Kind.RECEPTIONS)
    sections = []
    if run.kind == HistoryImport.Kind.MATERIALS:
        found = rights.sections_edited_by(request.user, timezone.localdate())
        sections = [(str(one.pk), one.title) for one in found]
    return {
        "columns": [(place, head, said.get(place, name), cells) for place, head, name, cells in carrying.samples(run)],
        "fields": [(name, one.label) for name, one in kinds.FIELDS[run.kind].items()],
        "options": options,
        "of_appeals": of_appeals,
        "channels": words.choices(What.CHANNEL) if run.kind == HistoryImport.Kind.APPEALS else [],
        "regimes": words.choices(What.REGIME) if of_appeals else [],
        "needs": words.choices(What.NEED) if of_appeals else [],
        "sections": sections,
        "preview": carrying.preview(run),
    }


def _words(run: HistoryImport) -> list[dict[str, Any]]:
    """Return the words of the journal with what they are taken for, those not known first."""
    meanings = mapping.Meanings()
    found = []
    for what, words in run.told.get("words", {}).items():
        choices = meanings.choices(what)
        rows = [(place, text, count, means) for place, (text, count, means) in enumerate(words) if HIDDEN not in text]
        if not rows:
            continue
        rows.sort(key=lambda row: bool(row[3]))
        unknown = sum(not row[3] for row in rows)
        found.append(
            {"what": what, "label": What(what).label, "rows": rows[:SHOWN], "unknown": unknown, "choices": choices}
        )
    return found


# --- out -------------------------------------------------------------------------------------------------------------


@requires(*LEAVES)
@require_http_methods(["GET", "POST"])
def leave(request: StaffRequest) -> HttpResponse:
    """Show what goes out and the archives there are; have one made."""
    if request.method == "POST":
        try:
            leaving.ask(by=request.user)
        except DomainError as refusal:
            messages.error(request, str(refusal))
        else:
            messages.success(request, "Выгрузка готовится. Страницу можно закрыть: она появится в списке.")
        return redirect("workplace:leaving")
    context = {
        "rows": list(FullExport.objects.select_related("asked_by")[:IMPORTS]),
        "kinds": [str(model._meta.verbose_name_plural) for model in leaving.kinds() if not model._meta.auto_created],
        "kept_back": sorted(
            {(str(apps.get_model(name)._meta.verbose_name_plural), why) for name, why in leaving.KEPT_BACK.items()}
        ),
        "hidden": sorted(set(leaving.HIDDEN.values())),
        "days": leaving.KEPT.days,
    }
    return render(request, "workplace/moving/leaving.html", context)


@requires(*LEAVES)
@require_POST
def export_file(request: StaffRequest, pk: int) -> HttpResponseBase:
    """Hand out an archive; the look is in the access log."""
    row = get_object_or_404(FullExport.objects.select_related("stored"), pk=pk)
    stored = leaving.taken(row, by=request.user)
    return files.response(stored, f"otklik-{timezone.localdate(row.asked_at):%Y-%m-%d}.zip")
