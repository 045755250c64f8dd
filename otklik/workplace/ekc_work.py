"""What the department does with consultations of the ЕКЦ: takes a table in, confirms topics, compares both sides."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Final

from django import forms
from django.contrib import messages
from django.core import signing
from django.core.paginator import Paginator
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_safe

from otklik.appeals import classification
from otklik.core import files, journal, masking, sheets, typed
from otklik.core.access import requires
from otklik.core.errors import DomainError
from otklik.core.forms import TidyForm
from otklik.core.sheets import Row
from otklik.hotline import ekc
from otklik.workplace import carried
from otklik.workplace.classification import QuestionForm
from otklik.workplace.requests import StaffRequest

SALT: Final = "workplace.ekc"
PER_PAGE: Final = 50
SHOWN_DAYS: Final = 7
MOST_DAYS: Final = 92
CLASSIFY: Final = (ekc.CLASSIFY,)
READERS: Final = ("hotline.figures", "hotline.missed")
# An operator of the ЕКЦ brings his own records, a clerk everybody's.
BRING: Final = (ekc.POWER, ekc.CLASSIFY)
VERDICTS: Final = {"take": "принять", "same": "уже есть", "refuse": "ошибка"}


class UploadForm(TidyForm):
    """The table."""

    sheet = forms.FileField(
        label="Таблица .xlsx или .csv",
        widget=forms.ClearableFileInput(attrs={"accept": f".xlsx,.csv,{sheets.XLSX},text/csv"}),
        error_messages={"required": "Выберите файл таблицы.", "empty": "Файл пустой (0 байт). Выберите другой."},
    )


class PairForm(QuestionForm):
    """What a consultation was about, on both axes."""

    def __init__(self, *args: object, **kwargs: object) -> None:
        super().__init__(*args, **kwargs)
        for name in ("topic", "need"):
            self.fields[name].required = True
            self.fields[name].error_messages["required"] = "Выберите и тему, и потребность: нужны обе оси."


@requires(*BRING)
@never_cache
@require_http_methods(["GET", "POST"])
def upload(request: StaffRequest) -> HttpResponse:
    """Take a table and show what it would do; a confirmed one is kept.

    What was read travels in the page, signed, for an hour: nothing of it is kept before it is agreed.
    """
    if request.method == "POST" and "read" in request.POST:
        return _confirmed(request)
    form = UploadForm(request.POST or None, request.FILES or None)
    if request.method == "POST" and form.is_valid():
        given = form.cleaned_data["sheet"]
        try:
            return _dry_run(request, ekc.read(given, given.name or ""))
        except DomainError as refusal:
            form.add_error("sheet", str(refusal))
    status = 422 if request.method == "POST" else 200
    context = {"form": form, "columns": list(ekc.COLUMNS.values()), "most": ekc.MAX_ROWS, **_frame(request)}
    return render(request, "workplace/line/ekc_upload.html", context, status=status)


@requires(*BRING)
@require_safe
def sample(request: StaffRequest) -> HttpResponse:
    """Hand out a table to fill in."""
    return files.download(HttpResponse(ekc.sample(), content_type=sheets.XLSX), "konsultacii-ekc.xlsx")


def _confirmed(request: StaffRequest) -> HttpResponse:
    try:
        rows, kept = carried.opened(request.POST["read"], salt=SALT)
    except signing.BadSignature:
        messages.error(request, "Таблица прочитана больше часа назад или повреждена. Выберите файл ещё раз.")
        return redirect("workplace:ekc_upload")
    try:
        number = ekc.apply(rows, agreed=kept["agreed"], by=request.user)
    except ekc.PlanChanged as refusal:
        return _dry_run(request, rows, refusal)
    messages.success(request, f"Принято консультаций ЕКЦ: {number}.")
    return redirect(_frame(request)["back"])


def _dry_run(request: StaffRequest, rows: list[Row], refusal: DomainError | None = None) -> HttpResponse:
    lines = ekc.plan(rows)
    count = {verdict: sum(one.verdict == verdict for one in lines) for verdict in VERDICTS}
    context = {
        "lines": [(one, VERDICTS[one.verdict]) for one in sorted(lines, key=lambda one: one.verdict != "refuse")],
        "tally": [(words, count[verdict]) for verdict, words in VERDICTS.items() if count[verdict]],
        "to_do": count["take"],
        "refused": count["refuse"],
        "read": carried.sealed(rows, salt=SALT, agreed=ekc.fingerprint(lines)),
        "refusal": refusal,
        **_frame(request),
    }
    return render(request, "workplace/line/ekc_plan.html", context, status=refusal.status if refusal else 200)


def _frame(request: StaffRequest) -> dict[str, str]:
    """Return in which frame the page stands and where it leads back: an operator of the ЕКЦ has his own."""
    if request.user.has_power(ekc.CLASSIFY):
        return {
            "base": "workplace/base.html",
            "back": reverse("workplace:ekc_untopiced"),
            "back_name": "ЕКЦ: без темы",
        }
    return {"base": "workplace/line/guest.html", "back": reverse("workplace:ekc"), "back_name": "Записи ЕКЦ"}


@requires(*CLASSIFY)
@require_safe
def untopiced(request: StaffRequest) -> HttpResponse:
    """List the records whose topic nobody has confirmed, the oldest first."""
    page = Paginator(ekc.untopiced(), PER_PAGE).get_page(request.GET.get("page"))
    rows = [(row, masking.words(row.question)) for row in page]
    return render(request, "workplace/line/ekc_untopiced.html", {"page": page, "rows": rows})


@requires(*CLASSIFY)
@require_http_methods(["GET", "POST"])
def classify(request: StaffRequest, pk: int) -> HttpResponse:
    """Show what a record says and what it seems to be about; confirm both axes, then go on to the next."""
    row = get_object_or_404(ekc.given(), pk=pk)
    if request.method == "GET":
        journal.looked("consultation.seen", by=request.user, consultation=pk)
    guess = ekc.proposed(row, reader=request.user)
    initial = {
        "topic": row.topic or (guess.topics[0].item if guess.topics else None),
        "need": row.need or (guess.needs[0].item if guess.needs else None),
    }
    form = PairForm(request.POST or None, initial=initial)
    if request.method == "POST" and form.is_valid() and (pair := form.pair()):
        ekc.classify(row, *pair, by=request.user)
        following = ekc.untopiced().exclude(pk=pk).values_list("pk", flat=True).first()
        messages.success(request, "Тема и потребность подтверждены.")
        return redirect("workplace:ekc_classify", following) if following else redirect("workplace:ekc_untopiced")
    context = {"row": row, "guess": guess, "form": form, "topics": classification.valid_topics()}
    return render(request, "workplace/line/ekc_classify.html", context, status=422 if form.errors else 200)


@requires(*READERS)
@require_safe
def handed(request: StaffRequest) -> HttpResponse:
    """Compare callers handed over to the ЕКЦ and from there with what the other side has written."""
    last = typed.day(request.GET.get("last")) or timezone.localdate()
    first = typed.day(request.GET.get("first")) or last - timedelta(days=SHOWN_DAYS - 1)
    first, last = _ordered(first, last)
    rows = ekc.handed(first, last)
    context = {
        "rows": rows,
        "first": first,
        "last": last,
        "alone": sum(not row.agrees for row in rows),
        "most": MOST_DAYS,
    }
    return render(request, "workplace/line/ekc_handed.html", context)


def _ordered(first: date, last: date) -> tuple[date, date]:
    """Return the days in their order, no further apart than is shown at once."""
    first, last = min(first, last), max(first, last)
    return max(first, last - timedelta(days=MOST_DAYS)), last
