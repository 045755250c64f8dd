"""Paper questionnaires: blanks, batches, typing by one key an answer, a sample typed again, the count."""

from __future__ import annotations

from typing import Any, Final

from django import forms
from django.contrib import messages
from django.core.paginator import Paginator
from django.db.models import Count, Q
from django.http import Http404, HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from otklik.core import files, typed
from otklik.core.access import requires
from otklik.core.errors import DomainError
from otklik.core.forms import DATE_INPUT, TidyForm
from otklik.core.terms import valid
from otklik.people.models import Unit
from otklik.surveys import paper
from otklik.surveys.models import PaperBatch, PaperForm, Questionnaire, SurveyPoint
from otklik.workplace.requests import StaffRequest

POWER: Final = "surveys.paper"
PER_PAGE: Final = 50
KEYS: Final = {"0": paper.NONE, "-": paper.UNCLEAR, "−": paper.UNCLEAR}
SHOWN: Final = 12  # typed forms beside the one that is being typed
State = PaperBatch.State


class BatchForm(TidyForm):
    """What lies on the table: which edition, from where, of which day, how many."""

    questionnaire = forms.ModelChoiceField(Questionnaire.objects.none(), label="Анкета", empty_label=None)
    point = forms.ModelChoiceField(
        SurveyPoint.objects.none(), label="Место опроса", required=False, empty_label="не выбрано"
    )
    unit = forms.ModelChoiceField(
        Unit.objects.none(),
        label="Подразделение",
        required=False,
        empty_label="по месту опроса",
        help_text="О работе какого подразделения анкеты.",
    )
    received_on = forms.DateField(
        label="Когда принесли", widget=DATE_INPUT, help_text="За этот день отзывы и учитываются."
    )
    forms_expected = forms.IntegerField(label="Анкет в пачке", min_value=1, max_value=paper.MOST)
    note = forms.CharField(label="Примечание", max_length=300, required=False)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        today = timezone.localdate()
        fields: Any = self.fields
        fields["questionnaire"].queryset = paper.editions()
        fields["questionnaire"].label_from_instance = lambda one: f"{one.title}, редакция {one.edition}"
        fields["point"].queryset = SurveyPoint.objects.filter(valid(today))
        fields["unit"].queryset = Unit.objects.filter(valid(today))


@requires(POWER)
@require_http_methods(["GET", "POST"])
def batches(request: StaffRequest) -> HttpResponse:
    """Show the batches, blanks to print and the form of a new batch."""
    form = BatchForm(request.POST or None, initial={"received_on": timezone.localdate()})
    if request.method == "POST" and form.is_valid():
        try:
            batch = paper.open_batch(**form.cleaned_data, by=request.user)
        except DomainError as refusal:
            form.add_error(None, str(refusal))
        else:
            return redirect("workplace:paper_batch", batch.pk)
    rows = PaperBatch.objects.select_related("questionnaire", "point", "unit").annotate(
        typed=Count("forms", filter=Q(forms__entered_at__isnull=False)), said=Count("forms__response")
    )
    rows = rows.order_by("-received_on", "-pk")  # a count by groups forgets the model's order
    page = Paginator(rows, PER_PAGE).get_page(request.GET.get("page"))
    context = {"form": form, "page": page, "editions": paper.editions()}
    return render(request, "workplace/paper/batches.html", context, status=422 if form.errors else 200)


@requires(POWER)
@require_GET
def blank(request: HttpRequest, pk: int) -> HttpResponse:
    """Hand out the blank of an edition, with places for the numbers to be written by hand."""
    edition = get_object_or_404(Questionnaire, pk=pk)
    content = paper.blank(edition, on=timezone.localdate())
    name = f"anketa-{edition.code}-{edition.edition}.pdf"
    return files.download(HttpResponse(content, content_type="application/pdf"), name)


@requires(POWER)
@require_GET
def blanks(request: HttpRequest, pk: int) -> HttpResponse:
    """Hand out the blanks of a batch, each with its number."""
    batch = _batch(pk)
    content = paper.blank(batch.questionnaire, batch=batch, on=timezone.localdate())
    return files.download(HttpResponse(content, content_type="application/pdf"), f"ankety-pachka-{pk}.pdf")


@requires(POWER)
@require_http_methods(["GET", "POST"])
def batch(request: StaffRequest, pk: int) -> HttpResponse:
    """Show a batch where it stands; while it is typed, a POST enters a form and shows the next one."""
    row = _batch(pk)
    if request.method == "GET":
        return _entry(request, row, whole=True)
    number, again = typed.number(request.POST.get("number")) or 0, request.POST.get("again") == "1"
    answers, comment = _typed(request, row), request.POST.get("comment", "")
    try:
        form = paper.enter(row, number, answers, comment, by=request.user, again=again)
    except DomainError as refusal:
        kept = PaperForm(batch=row, number=number, answers=dict(answers), comment=comment, entered_by=request.user)
        return _entry(request, row, form=kept, refusal=refusal, again=again)
    if not request.htmx:
        return redirect("workplace:paper_batch", pk)
    return _entry(request, row, said=f"Анкета № {form.number} записана")


@requires(POWER)
@require_POST
def keep(request: StaffRequest, pk: int) -> HttpResponse:
    """Keep what is being typed: nothing is counted by it."""
    row = _batch(pk)
    number = typed.number(request.POST.get("number")) or 0
    paper.keep(row, number, _typed(request, row), request.POST.get("comment", ""), by=request.user)
    return HttpResponse(status=204)


@requires(POWER)
@require_POST
def undo(request: StaffRequest, pk: int) -> HttpResponse:
    """Give the last form back to be typed."""
    row = _batch(pk)
    try:
        form = paper.undo(row, by=request.user)
    except DomainError as refusal:
        return _entry(request, row, refusal=refusal)
    if not request.htmx:
        return redirect("workplace:paper_batch", pk)
    return _entry(request, row, said=f"Анкета № {form.number} снова открыта")


@requires(POWER)
@require_POST
def end(request: StaffRequest, pk: int) -> HttpResponse:
    """End the typing of a batch."""
    row = _batch(pk)
    try:
        paper.end_entry(row, forms=typed.number(request.POST.get("forms")) or 0, by=request.user)
    except DomainError as refusal:
        return _entry(request, row, refusal=refusal, whole=True)
    messages.success(request, "Ввод закончен. Выбраны анкеты, которые введёт ещё раз другой человек.")
    return redirect("workplace:paper_batch", pk)


@requires(POWER)
@require_http_methods(["GET", "POST"])
def check(request: StaffRequest, pk: int) -> HttpResponse:
    """Type forms of the sample again, without seeing what was typed first."""
    row = _batch(pk)
    refusal: DomainError | None = None
    kept: PaperForm | None = None
    if request.method == "POST":
        number, answers = typed.number(request.POST.get("number")) or 0, _typed(request, row)
        try:
            paper.check(row, number, answers, by=request.user)
        except DomainError as exc:
            refusal = exc
            kept = PaperForm(batch=row, number=number, answers=dict(answers), entered_by=request.user)
    form = kept or (paper.to_check(row, by=request.user) if row.state == State.CHECK else None)
    if form is None:
        if request.htmx:
            return HttpResponse(headers={"HX-Redirect": _url(pk)})
        return redirect("workplace:paper_batch", pk)
    if kept is None:
        form.answers, form.comment = {}, ""  # the second reading begins with nothing before one's eyes
    context = {"batch": row, "refusal": refusal, "checking": True, "stand": paper.checked(row), **_asked(row, form)}
    status = 422 if refusal else 200
    return render(request, f"workplace/paper/{'_entry' if request.htmx else 'check'}.html", context, status=status)


@requires(POWER)
@require_POST
def settle(request: StaffRequest, pk: int) -> HttpResponse:
    """Decide which reading of a form is right, by the paper."""
    row = _batch(pk)
    form = get_object_or_404(row.forms, number=typed.number(request.POST.get("number")))
    form.batch = row
    right = {name.removeprefix("q-"): str(value) for name, value in request.POST.items() if name.startswith("q-")}
    return _done(request, row, lambda: paper.settle(form, right, by=request.user))


@requires(POWER)
@require_POST
def check_all(request: StaffRequest, pk: int) -> HttpResponse:
    """Let the whole batch be typed again."""
    row = _batch(pk)
    return _done(request, row, lambda: paper.check_all(row, by=request.user))


@requires(POWER)
@require_POST
def count(request: StaffRequest, pk: int) -> HttpResponse:
    """Count the batch, once."""
    row = _batch(pk)
    unchecked = request.POST.get("reason", "")
    return _done(request, row, lambda: paper.count(row, unchecked=unchecked, by=request.user))


@requires(POWER)
@require_http_methods(["GET", "POST"])
def scan(request: StaffRequest, pk: int) -> HttpResponseBase:
    """Hand out the scan of a batch; a POST keeps one."""
    row = _batch(pk)
    if request.method == "GET":
        if row.scan is None:
            raise Http404
        return files.response(row.scan, row.scan_name)
    upload = request.FILES.get("scan")
    if upload is None:
        messages.error(request, "Выберите файл со сканом: PDF или картинку.")
        return redirect("workplace:paper_batch", pk)
    return _done(request, row, lambda: paper.attach_scan(row, upload, upload.name or "", by=request.user))


def _done(request: StaffRequest, row: PaperBatch, step: Any) -> HttpResponse:
    """Take a step and go back to the batch; a refusal is shown there."""
    try:
        step()
    except DomainError as refusal:
        return _entry(request, row, refusal=refusal, whole=True)
    return redirect("workplace:paper_batch", row.pk)


def _batch(pk: int) -> PaperBatch:
    return get_object_or_404(PaperBatch.objects.select_related("questionnaire", "point", "unit", "scan"), pk=pk)


def _url(pk: int) -> str:
    return redirect("workplace:paper_batch", pk).url


def _typed(request: StaffRequest, row: PaperBatch) -> dict[str, str]:
    """Return what was typed; where several boxes may be marked, «0» and «-» are keys of what they are elsewhere."""
    said = {one["code"]: request.POST.get(f"q-{one['code']}", "") for one in row.questionnaire.questions}
    many = {one["code"] for one in row.questionnaire.questions if one["kind"] == "several"}
    return {code: KEYS.get(value.strip(), value) if code in many else value for code, value in said.items()}


def _asked(row: PaperBatch, form: PaperForm) -> dict[str, Any]:
    """Return the questions in the order of the paper, each with what is typed; numbers of boxes as they are typed."""
    keys = {paper.NONE: "0", paper.UNCLEAR: "-"}
    asked = []
    for one in paper.asked_of(row.questionnaire):
        value = form.answers.get(one["code"], "")
        asked.append(one | {"value": keys.get(value, value) if one["kind"] == "several" else value})
    return {"form": form, "asked": asked, "none": paper.NONE, "unclear": paper.UNCLEAR}


def _entry(
    request: StaffRequest,
    row: PaperBatch,
    *,
    form: PaperForm | None = None,
    refusal: DomainError | None = None,
    said: str = "",
    again: bool = False,
    whole: bool = False,
) -> HttpResponse:
    """Show a batch by its state: the form to be typed now, the check, or what it came to."""
    context: dict[str, Any] = {"batch": row, "refusal": refusal, "said": said, "scan_kinds": ".pdf,.jpg,.jpeg,.png"}
    if row.state == State.ENTRY:
        number = typed.number(request.GET.get("number")) if request.method == "GET" else None
        if number is not None and (known := paper.typed(row).filter(number=number).first()):
            form, again = known, True
        form = form or paper.next_form(row, by=request.user)
        forms_typed = list(paper.typed(row)[:SHOWN])
        context |= {
            **_asked(row, form),
            "again": again,
            "number_typed": row.forms.filter(entered_at__isnull=False).count(),
            "last": forms_typed,
            "missing": paper.missing(row)[:SHOWN],
            "pace": paper.pace(row, by=request.user),
        }
    elif row.state == State.CHECK:
        stand = paper.checked(row)
        open_ones = [one for one in stand.differences if one.form.settled_by_id is None]
        context |= {
            "stand": stand,
            "open": _by_form(open_ones),
            "mine": paper.to_check(row, by=request.user),
            "ready": not open_ones and not stand.left,
        }
    else:
        said_number = row.forms.filter(response__isnull=False).count()
        context |= {"stand": paper.checked(row), "number": said_number, "number_typed": row.forms.count()}
    part = "_entry" if request.htmx and row.state == State.ENTRY and not whole else "batch"
    return render(request, f"workplace/paper/{part}.html", context, status=422 if refusal else 200)


def _by_form(differences: list[paper.Difference]) -> list[tuple[PaperForm, list[paper.Difference]]]:
    found: dict[int, tuple[PaperForm, list[paper.Difference]]] = {}
    for one in differences:
        found.setdefault(one.form.pk, (one.form, []))[1].append(one)
    return list(found.values())
