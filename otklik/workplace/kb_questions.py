"""Questions and answers from a table: a preview first, then all good lines at once, as drafts."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any, Final

from django import forms
from django.contrib import messages
from django.core import signing
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_http_methods

from otklik.core.access import requires
from otklik.core.errors import DomainError
from otklik.core.forms import TidyForm
from otklik.core.sheets import XLSX, Row
from otklik.knowledge import question_table, rights
from otklik.knowledge.models import Faq, Mark
from otklik.knowledge.question_table import Choice, Line
from otklik.people.models import Employee
from otklik.workplace import carried
from otklik.workplace.requests import StaffRequest

AUTHORS: Final = (rights.AUTHOR, rights.CHIEF)
SALT: Final = "workplace.kb-questions"
VERDICTS: Final = {"add": "загрузить", "same": "уже есть", "refuse": "ошибка"}


class UploadForm(TidyForm):
    """The file, and where its questions go."""

    sheet = forms.FileField(
        label="Файл .xlsx или .docx",
        widget=forms.ClearableFileInput(attrs={"accept": ".xlsx,.docx"}),
        error_messages={"required": "Выберите файл.", "empty": "Файл пустой (0 байт). Выберите другой."},
    )
    section = forms.TypedChoiceField(
        label="Раздел",
        coerce=int,
        help_text="Для строк, в которых раздел не назван.",
        error_messages={"required": "Выберите раздел.", "invalid_choice": "Выберите раздел из списка."},
    )
    mark = forms.ChoiceField(
        label="Кому доступны",
        choices=[choice for choice in Mark.choices if choice[0] in Faq.marks],
        initial=Mark.INTERNAL,
        error_messages={"invalid_choice": "Выберите из списка."},
    )

    def __init__(self, *args: Any, by: Employee, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        sections = rights.sections_edited_by(by, timezone.localdate())
        self.fields["section"].choices = [(one.pk, one.title) for one in sections]  # type: ignore[attr-defined]


@requires(*AUTHORS)
@never_cache
@require_http_methods(["GET", "POST"])
def import_questions(request: StaffRequest) -> HttpResponse:
    """Take a file and show what each line would do; what is confirmed becomes drafts.

    What was read travels in the page, signed, for an hour: nothing of it is kept before it is agreed.
    """
    if request.method == "POST" and "read" in request.POST:
        return _confirmed(request)
    form = UploadForm(request.POST or None, request.FILES or None, by=request.user)
    if request.method == "POST" and form.is_valid():
        given = form.cleaned_data
        try:
            rows = question_table.read(given["sheet"], given["sheet"].name or "")
            return _preview(request, rows, Choice(given["section"], given["mark"]))
        except DomainError as refusal:
            form.add_error("sheet", str(refusal))
    status = 422 if request.method == "POST" else 200
    context = {"form": form, "most": question_table.MAX_ROWS}
    return render(request, "workplace/kb/questions.html", context, status=status)


@requires(*AUTHORS)
@require_GET
def sample(request: StaffRequest) -> HttpResponse:
    """Hand out a spreadsheet to fill in."""
    answer = HttpResponse(question_table.sample(), content_type=XLSX)
    answer["Content-Disposition"] = 'attachment; filename="voprosy-i-otvety.xlsx"'
    return answer


def _confirmed(request: StaffRequest) -> HttpResponse:
    try:
        rows, kept = carried.opened(request.POST["read"], salt=SALT)
    except signing.BadSignature:
        messages.error(request, "Файл прочитан больше часа назад или повреждён. Выберите его ещё раз.")
        return redirect("workplace:questions_import")
    choice = Choice(**kept["choice"])
    try:
        added = len(question_table.load(rows, choice, agreed=kept["agreed"], by=request.user))
    except question_table.PlanChanged as refusal:
        return _preview(request, rows, choice, refusal)
    messages.success(request, f"Загружено черновиков: {added}. Просмотрите каждый и отправьте на согласование.")
    return redirect("wagtailadmin_explore", choice.section)


def _preview(
    request: StaffRequest, rows: list[Row], choice: Choice, refusal: DomainError | None = None
) -> HttpResponse:
    lines = question_table.plan(rows, choice, by=request.user)
    count = {verdict: sum(line.verdict == verdict for line in lines) for verdict in VERDICTS}
    context = {
        "lines": [(line, VERDICTS[line.verdict]) for line in sorted(lines, key=_refused_first)],
        "tally": [(VERDICTS[verdict], number) for verdict, number in count.items() if number],
        "count": count,
        "mark": Mark(choice.mark).label,
        "read": carried.sealed(rows, salt=SALT, choice=asdict(choice), agreed=question_table.fingerprint(lines)),
        "refusal": refusal,
    }
    return render(request, "workplace/kb/questions_plan.html", context, status=refusal.status if refusal else 200)


def _refused_first(line: Line) -> tuple[int, int]:
    return ["refuse", "add", "same"].index(line.verdict), line.number
