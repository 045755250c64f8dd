"""«Классификатор тем» and «Типовые потребности»: lists, a file with its preview, one code, one need."""

from __future__ import annotations

from typing import Any, Final
from urllib.parse import urlencode

from django import forms
from django.contrib import messages
from django.core import signing
from django.core.paginator import Paginator
from django.db.models import Q
from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_safe

from otklik.appeals import classification, classifier
from otklik.appeals.models import ClassifierEdition, Need, Topic
from otklik.core import files, sheets, typed
from otklik.core.access import requires
from otklik.core.errors import DomainError, why_not
from otklik.core.forms import DATE_INPUT, TidyForm
from otklik.core.sheets import Row
from otklik.core.terms import valid
from otklik.people.models import Unit
from otklik.workplace import carried
from otklik.workplace.classification import TopicField
from otklik.workplace.requests import StaffRequest

PER_PAGE: Final = 50
EDITIONS: Final = 10
SALT: Final = "workplace.classifier"
KEEP: Final = "appeals.classify"
READERS: Final = (KEEP, "appeals.propose", classifier.EDIT)
STATES: Final = {"active": "действуют", "sections": "разделы", "ended": "прекращены"}
VERDICTS: Final = {
    "refuse": "ошибка",
    "end": "прекратится",
    "add": "добавится",
    "renew": "обновится",
    "change": "исправится",
    "same": "без изменений",
}
KINDS: Final = {
    "json": "application/json; charset=utf-8",
    "csv": sheets.CSV,
    "xlsx": sheets.XLSX,
}


@requires(*READERS)
@require_safe
def classifier_list(request: StaffRequest) -> HttpResponse:
    """Show the codes, those with a word, in force or ended; or hand all of them out (`?format=`)."""
    if (kind := request.GET.get("format")) in KINDS:
        return _handed_out(str(kind))
    said = request.GET.get("q", "").replace("\x00", "").strip()[:100]
    state = request.GET.get("state", "")
    state = state if state in STATES else "active"
    today = timezone.localdate()
    rows = Topic.objects.select_related("unit", "replacement__by").order_by("code", "-valid_from")
    if state == "ended":
        rows = rows.filter(valid_to__lt=today)
    else:
        rows = rows.filter(Q(valid_to=None) | Q(valid_to__gte=today), leaf=state == "active")
    for part in said.split():
        found = Q(code__contains=part)
        for one in {part, part.lower(), part.capitalize(), part.upper()}:
            found |= Q(name__contains=one) | Q(hints__contains=one)
        rows = rows.filter(found)
    kept = {name: value for name, value in (("q", said), ("state", state)) if value}
    context = {
        "page": Paginator(rows, PER_PAGE).get_page(request.GET.get("page")),
        "said": said,
        "state": state,
        "states": STATES.items(),
        "query": f"{urlencode(kept)}&",
        "editions": ClassifierEdition.objects.select_related("by")[:EDITIONS],
        "may_edit": request.user.has_power(classifier.EDIT),
    }
    return render(request, "workplace/classifier/list.html", context)


def _handed_out(kind: str) -> HttpResponse:
    if kind == "json":
        content = classifier.as_json()
    elif kind == "csv":
        content = b"".join(sheets.csv_lines(classifier.table()))
    else:
        content = sheets.xlsx(classifier.table(), title="Классификатор")
    name = f"klassifikator-{timezone.localdate()}.{kind}"
    return files.download(HttpResponse(content, content_type=KINDS[kind]), name)


class FileForm(TidyForm):
    """The file, which version it is and from which day it counts."""

    sheet = forms.FileField(
        label="Файл JSON, CSV или XLSX",
        widget=forms.ClearableFileInput(attrs={"accept": f".json,.csv,.xlsx,{sheets.XLSX}"}),
        error_messages={"required": "Выберите файл.", "empty": "Файл пустой (0 байт). Выберите другой."},
    )
    version = forms.CharField(
        label="Версия",
        max_length=20,
        required=False,
        help_text="Например, 2025-10-31. Пусто — как названо в самом файле JSON.",
    )
    starts_on = forms.DateField(label="Действует с", widget=DATE_INPUT)


@requires(classifier.EDIT)
@never_cache
@require_http_methods(["GET", "POST"])
def import_file(request: StaffRequest) -> HttpResponse:
    """Take a whole classifier and show what it would do; a confirmed one is loaded."""
    if request.method == "POST" and "read" in request.POST:
        return _confirmed(request)
    form = FileForm(request.POST or None, request.FILES or None, initial={"starts_on": timezone.localdate()})
    if request.method == "POST" and form.is_valid():
        upload = form.cleaned_data["sheet"]
        try:
            read = classifier.read(upload, upload.name or "")
            version = form.cleaned_data["version"].strip() or read.version
            if version:
                facts = {"version": version, "starts_on": form.cleaned_data["starts_on"], "name": upload.name or "файл"}
                return _dry_run(request, read.rows, facts)
            form.add_error("version", "В файле версия не названа: введите её, например 2025-10-31.")
        except DomainError as refusal:
            form.add_error("sheet", str(refusal))
    status = 422 if request.method == "POST" else 200
    context = {"form": form, "columns": classifier.COLUMNS.values()}
    return render(request, "workplace/classifier/import.html", context, status=status)


def _dry_run(
    request: StaffRequest, rows: list[Row], facts: dict[str, Any], refusal: DomainError | None = None
) -> HttpResponse:
    lines = classifier.plan(rows, version=facts["version"], starts_on=facts["starts_on"])
    count = {verdict: sum(line.verdict == verdict for line in lines) for verdict in VERDICTS}
    places = {verdict: place for place, verdict in enumerate(VERDICTS)}
    agreed = classifier.fingerprint(lines)
    sealed = {**facts, "starts_on": facts["starts_on"].isoformat(), "agreed": agreed}
    context = {
        "lines": [
            (line, VERDICTS[line.verdict])
            for line in sorted(lines, key=lambda one: places[one.verdict])
            if line.verdict != "same"
        ],
        "tally": [(words, count[verdict]) for verdict, words in VERDICTS.items() if count[verdict]],
        "to_do": sum(count[verdict] for verdict in ("add", "renew", "change", "end")),
        "refused": count["refuse"],
        "ending": count["end"],
        "version": facts["version"],
        "starts_on": facts["starts_on"],
        "read": carried.sealed(rows, salt=SALT, **sealed),
        "refusal": refusal,
    }
    return render(request, "workplace/classifier/plan.html", context, status=refusal.status if refusal else 200)


def _confirmed(request: StaffRequest) -> HttpResponse:
    try:
        rows, kept = carried.opened(request.POST["read"], salt=SALT)
    except signing.BadSignature:
        messages.error(request, "Файл прочитан больше часа назад или повреждён. Выберите его ещё раз.")
        return redirect("workplace:classifier_import")
    starts_on = typed.day(kept["starts_on"]) or timezone.localdate()
    facts = {"version": kept["version"], "starts_on": starts_on, "name": kept["name"]}
    try:
        done = classifier.load(rows, **facts, agreed=kept["agreed"], by=request.user)
    except classifier.PlanChanged as refusal:
        return _dry_run(request, rows, facts, refusal)
    said = f"добавлено {done.added}, обновлено {done.renewed}, прекращено {done.ended}"
    messages.success(request, f"Классификатор версии {done.version} загружен: {said}.")
    return redirect("workplace:classifier")


class TopicForm(TidyForm):
    """What people add to a code."""

    hints = forms.CharField(
        label="Слова-подсказки",
        required=False,
        widget=forms.Textarea(attrs={"rows": 3}),
        help_text="Слова и фразы через запятую: как об этом пишут люди. По ним предлагается тема.",
    )
    unit = forms.ModelChoiceField(
        Unit.objects.none(), label="Обычно исполняет", required=False, empty_label="Не указано"
    )
    valid_to = forms.DateField(
        label="Действует по", required=False, widget=DATE_INPUT, help_text="Пусто — код действует дальше."
    )
    replaced_by = TopicField(label="Чем заменён", required=False)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        unit = self.fields["unit"]
        assert isinstance(unit, forms.ModelChoiceField)
        unit.queryset = Unit.objects.filter(valid(timezone.localdate()))
        del self.fields["replaced_by"].widget.attrs["data-wanted"]


@requires(*READERS)
@require_http_methods(["GET", "HEAD", "POST"])
def topic(request: StaffRequest, pk: int) -> HttpResponse:
    """Show a code; who keeps dictionaries adds its hints and unit, ends it and names its replacement."""
    row = get_object_or_404(Topic.objects.select_related("unit", "replacement__by"), pk=pk)
    may_edit = request.user.has_power(classifier.EDIT)
    if request.method == "POST" and not may_edit:
        raise Http404
    by = row.replacement.by if hasattr(row, "replacement") else None
    initial = {"hints": row.hints, "unit": row.unit, "valid_to": row.valid_to, "replaced_by": by or ""}
    form = TopicForm(request.POST if request.method == "POST" else None, initial=initial)
    refusal: DomainError | None = None
    if form.is_bound and form.is_valid():
        try:
            classifier.change_topic(row, **form.cleaned_data, by=request.user)
        except DomainError as wrong:
            refusal = wrong
            row.refresh_from_db()
        else:
            messages.success(request, f"Записано: {row.code}.")
            return redirect("workplace:classifier_topic", pk=row.pk)
    context = {
        "row": row,
        "form": form,
        "refusal": refusal,
        "may_edit": may_edit,
        "topics": classification.valid_topics(),
    }
    status = refusal.status if refusal else 422 if form.errors else 200
    return render(request, "workplace/classifier/topic.html", context, status=status)


# --- needs -----------------------------------------------------------------------------------------------------------


@requires(*READERS)
@require_safe
def needs(request: StaffRequest) -> HttpResponse:
    """Show the needs, in force first; those with a word."""
    said = request.GET.get("q", "").replace("\x00", "").strip()[:100]
    rows = Need.objects.order_by("order", "name")
    if said:
        rows = rows.filter(classifier.needs_named(said))
    today = timezone.localdate()
    context = {
        "rows": sorted(rows, key=lambda one: bool(one.valid_to and one.valid_to < today)),
        "said": said,
        "today": today,
        "why_not": why_not(classifier.check_can_keep_needs, request.user),
    }
    return render(request, "workplace/classifier/needs.html", context)


class NeedForm(TidyForm):
    """One typical need."""

    name = forms.CharField(label="Название", max_length=200, help_text="Чего хочет человек: «Оформить аренду».")
    hints = forms.CharField(
        label="Слова-подсказки",
        required=False,
        widget=forms.Textarea(attrs={"rows": 3}),
        help_text="Слова и фразы через запятую, синонимы тоже. По ним предлагается потребность.",
    )
    order = forms.IntegerField(label="Порядок в списке", min_value=1, max_value=30_000)
    valid_from = forms.DateField(label="Действует с", widget=DATE_INPUT)
    valid_to = forms.DateField(
        label="Действует по",
        required=False,
        widget=DATE_INPUT,
        help_text="Последний день, когда её можно выбрать. В прежних обращениях она останется.",
    )


@requires(KEEP)
@require_http_methods(["GET", "HEAD", "POST"])
def need(request: StaffRequest, pk: int | None = None) -> HttpResponse:
    """Add a need, change it, end it: by the unit that classifies."""
    row = get_object_or_404(Need, pk=pk) if pk else None
    initial: dict[str, Any] = {"order": 100, "valid_from": timezone.localdate()}
    if row:
        initial = {name: getattr(row, name) for name in NeedForm.base_fields}
    form = NeedForm(request.POST if request.method == "POST" else None, initial=initial)
    refusal: DomainError | None = None
    if form.is_bound and form.is_valid():
        try:
            kept = classifier.keep_need(row, form.cleaned_data, was=request.POST.get("was", ""), by=request.user)
        except DomainError as wrong:
            refusal = wrong
        else:
            messages.success(request, f"Записано: «{kept.name}».")
            return redirect("workplace:needs")
    context = {
        "row": row,
        "form": form,
        "was": classifier.state_of(row) if row else "",
        "refusal": refusal,
        "why_not": why_not(classifier.check_can_keep_needs, request.user),
    }
    status = refusal.status if refusal else 422 if form.errors else 200
    return render(request, "workplace/classifier/need.html", context, status=status)
