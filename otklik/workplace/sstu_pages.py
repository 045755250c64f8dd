"""«ССТУ»: months, the check list of one of them, files, what became of them; what is not confirmed, as settings."""

from __future__ import annotations

import tempfile
from datetime import date
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlencode

from django import forms
from django.contrib import messages
from django.core.files.uploadedfile import UploadedFile
from django.core.paginator import Paginator
from django.http import HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_GET, require_http_methods

from otklik.appeals import access
from otklik.appeals.models import Appeal, SstuBody, SstuRule, SstuRun, SstuVolume
from otklik.appeals.sstu import checking, dictionary, kept, selecting, uploads, validator
from otklik.appeals.sstu.checking import Line, Problem
from otklik.appeals.sstu.dictionary import POWER
from otklik.appeals.sstu.selecting import Month
from otklik.core import files, sheets, typed
from otklik.core.access import by_itself, requires
from otklik.core.errors import DomainError
from otklik.core.forms import DATE_INPUT, TidyForm
from otklik.core.models import Regime
from otklik.people import access as people_access
from otklik.workplace.requests import StaffRequest

PER_PAGE: Final = 50
MONTHS: Final = 13
MOVING: Final = (SstuRun.State.WAITING, SstuRun.State.FORMING)
# State → how its chip looks: what waits for a person is seen first.
LOOKS: Final = {
    "mend": "bad",
    "refused": "bad",
    "changed": "warn",
    "ready": "warn",
    "formed": "warn",
    "hand": "warn",
    "sent": "good",
    "mended": "good",
}
STATUSES: Final = {
    "NotRegistered": "не зарегистрировано",
    "InWork": "на рассмотрении",
    "InWorkExtended": "срок продлён",
    "Explained": "разъяснено",
    "Supported": "поддержано",
    "NotSupported": "не поддержано",
    "Answered": "дан ответ",
    "LeftWithoutAnswer": "оставлено без ответа",
    "Transferred": "направлено по компетенции",
    "": "исход не указан",
}


class RuleForm(TidyForm):
    """What nobody has confirmed about ССТУ."""

    department_id = forms.CharField(
        label="departmentId нашего органа",
        max_length=60,
        required=False,
        help_text="Из личного кабинета ССТУ. Без него файлы не формируются.",
    )
    regimes = forms.MultipleChoiceField(label="Какие обращения выгружать", widget=forms.CheckboxSelectMultiple)
    due_day = forms.IntegerField(label="Выгрузить до числа следующего месяца", min_value=1, max_value=28)
    remind_days = forms.IntegerField(label="Напоминать за дней", min_value=0, max_value=27)
    attachment_bytes = forms.IntegerField(
        label="Вложение меньше, байт base64", min_value=1000, max_value=validator.ATTACHMENT_BYTES
    )
    volume_bytes = forms.IntegerField(label="Том меньше, байт", min_value=1000, max_value=validator.VOLUME_BYTES)
    extended = forms.ChoiceField(label="Как передавать продление", choices=SstuRule.Extended.choices)
    urog_prefix = forms.CharField(
        label="Начало номеров УРОГ",
        max_length=20,
        required=False,
        help_text="Такие обращения файлом не принимают: результат вносят вручную. Пусто — выгружать и их.",
    )
    nameless = forms.CharField(
        label="Как назвать заявителя без имени",
        max_length=100,
        required=False,
        help_text="Пусто — такие обращения стоят в списке «исправить».",
    )
    kept_days = forms.IntegerField(label="Хранить тома, дней", min_value=1, max_value=1000)
    basis = forms.CharField(label="Основание", max_length=300, help_text="Письмо или инструкция, откуда это известно.")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        choices = [(one.code, one.name) for one in Regime.objects.order_by("order", "code")]
        self.fields["regimes"].choices = choices  # type: ignore[attr-defined]


class BodyForm(TidyForm):
    """Another body as ССТУ knows it."""

    name = forms.CharField(label="Название органа", max_length=300)
    department_id = forms.CharField(label="departmentId в ССТУ", max_length=60)
    other_names = forms.CharField(
        label="Как ещё он называется в наших письмах",
        required=False,
        max_length=2000,
        widget=forms.Textarea(attrs={"rows": 3}),
        help_text="По одному в строке.",
    )


class FileForm(TidyForm):
    """One file to be looked into."""

    file = forms.FileField(
        label="Файл .json или том .zip",
        widget=forms.ClearableFileInput(attrs={"accept": ".json,.zip"}),
        error_messages={"required": "Выберите файл.", "empty": "Файл пустой (0 байт). Выберите другой."},
    )


class AnswerForm(TidyForm):
    """A table of what ССТУ said."""

    sheet = forms.FileField(
        label="Таблица .xlsx или .csv",
        widget=forms.ClearableFileInput(attrs={"accept": f".csv,.xlsx,{sheets.XLSX}"}),
        error_messages={"required": "Выберите файл таблицы.", "empty": "Файл пустой (0 байт). Выберите другой."},
    )


class MarkForm(TidyForm):
    """What became of the appeals that are ticked."""

    on = forms.DateField(label="Когда выгружено", widget=DATE_INPUT, required=False)
    reason = forms.CharField(
        label="Почему отказано", max_length=500, required=False, help_text="Как написал ССТУ. Нужно только для отказа."
    )


@requires(POWER)
@require_GET
def sstu(request: StaffRequest) -> HttpResponse:
    """Show the months: by which day each is reported, and what stands in the journal of uploads."""
    rule, today = dictionary.rule(), timezone.localdate()
    counted = uploads.months()
    months, month = list[Month](), selecting.of(today)
    for _ in range(MONTHS):
        months.append(month)
        month = month.previous
    months += [selecting.of(first) for first in sorted(counted, reverse=True) if first < month.first]
    rows = [_month_row(one, rule, counted.get(one.first, {}), today) for one in months]
    return render(request, "workplace/sstu/months.html", {"rows": rows, "rule": rule})


def _month_row(month: Month, rule: SstuRule, counted: dict[str, int], today: date) -> dict[str, Any]:
    due_on = month.due_on(rule)
    done = counted.get("sent", 0) + counted.get("mended", 0)
    waits = counted.get("formed", 0)
    return {
        "month": month,
        "due_on": due_on,
        "done": done,
        "refused": counted.get("refused", 0),
        "mended": counted.get("mended", 0),
        "waits": waits,
        "now": month.last < today <= due_on,
        "late": today > due_on and not counted and (today - due_on).days < 31,
    }


@requires(POWER)
@require_http_methods(["GET", "HEAD", "POST"])
def sstu_month(request: StaffRequest, on: date) -> HttpResponse:
    """Show the check list of a month; a POST asks for files or writes down what became of them."""
    month = selecting.of(on)
    form = MarkForm(initial={"on": timezone.localdate()})
    answer, refusal = AnswerForm(), None
    if request.method == "POST":
        do = request.POST.get("do", "")
        form = MarkForm(request.POST)
        answer = AnswerForm(request.POST, request.FILES) if do == "answer" else answer
        try:
            if (answer.is_valid() if do == "answer" else form.is_valid()) and _done(request, month, do, form, answer):
                state = request.POST.get("state", "")
                return redirect(_address(month, state if state in checking.STATES else ""))
        except DomainError as exc:
            refusal = exc
    context = _month_page(request, month)
    context |= {"form": form, "answer": answer, "refusal": refusal}
    return render(request, "workplace/sstu/month.html", context, status=422 if request.method == "POST" else 200)


def _done(request: StaffRequest, month: Month, do: str, form: MarkForm, answer: AnswerForm) -> bool:
    """Do what was pressed, say what was done; False where nothing of this was meant."""
    by, on = request.user, form.cleaned_data.get("on") if form.is_valid() else None
    if do == "form":
        uploads.ask(month, by=by)
        said = "Файлы формируются. Они появятся здесь же."
    elif do == "answer":
        sheet: UploadedFile[Any] = answer.cleaned_data["sheet"]
        came = uploads.read_answer(month, sheet, sheet.name or "", by=by)
        said = f"Из ответа ССТУ взято: выгружено {came.sent}, отказано {came.refused}."
    elif do in ("chosen", "sent", "refused", "hand"):
        keys = _ticked(request, month)
        if not keys:
            raise uploads.NothingMarked(why="Отметьте обращения в списке.")
        if do == "chosen":
            uploads.ask(month, chosen=keys, by=by)
            said = f"Формируются файлы отмеченных обращений: {len(keys)}."
        elif do == "sent":
            said = f"Отмечено выгруженными: {uploads.mark_sent(month, keys, on=on, by=by)}."
        elif do == "refused":
            reason = form.cleaned_data["reason"]
            said = f"Записан отказ у обращений: {uploads.mark_refused(month, keys, reason=reason, by=by)}."
        else:
            said = f"Отмечено внесёнными вручную: {uploads.enter_by_hand(month, keys, on=on, by=by)}."
    else:
        return False
    messages.success(request, said)
    return True


def _ticked(request: StaffRequest, month: Month) -> list[int]:
    """Return the appeals that are ticked, or all of the list that is shown."""
    if request.POST.get("all"):
        state = request.POST.get("state", "")
        return kept.standing(month, access.visible_to(request.user)).of(state)
    given = [number for one in request.POST.getlist("appeal") if (number := typed.number(one)) is not None]
    return list(access.visible_to(request.user).filter(pk__in=given).values_list("pk", flat=True))


def _month_page(request: StaffRequest, month: Month) -> dict[str, Any]:
    standing, rule = kept.standing(month, access.visible_to(request.user)), dictionary.rule()
    counted = standing.counted()
    state = request.GET.get("state", "") or request.POST.get("state", "")
    state = state if state in checking.STATES else ""
    shown = standing.of(state)
    page = Paginator(shown, PER_PAGE).get_page(request.GET.get("page"))
    lines = checking.lines_of(month, Appeal.objects.filter(pk__in=page.object_list).order_by("registered_on", "pk"))
    runs = list(uploads.runs_of(month)[:20])
    ticked = {number for one in request.POST.getlist("appeal") if (number := typed.number(one)) is not None}
    return {
        "month": month,
        "due_on": month.due_on(rule),
        "rule": rule,
        "tabs": [
            ("", "все", len(standing.states)),
            *((one, words, counted[one]) for one, words in checking.STATES.items()),
        ],
        "state": state,
        "page": page,
        "rows": [_row(one, ticked) for one in lines],
        "shown": len(shown),
        "ready": counted["ready"],
        "runs": [_run(request, one) for one in runs],
        "moving": any(one.state in MOVING for one in runs),
        "query": f"state={state}&" if state else "",
    }


def _run(request: StaffRequest, run: SstuRun) -> dict[str, Any]:
    """Return a run with the numbers of what was left out that this person may see."""
    keys = [int(one) for one in run.left_out if one.isdecimal()]
    seen = dict(access.visible_to(request.user).filter(pk__in=keys).values_list("pk", "number"))
    left = [(pk, seen[pk], run.left_out[str(pk)]) for pk in keys if pk in seen]
    return {"run": run, "volumes": list(run.volumes.all()), "left": left, "moving": run.state in MOVING}


def _row(line: Line, ticked: set[int]) -> dict[str, Any]:
    """Return a line as it is drawn; that our own identifier is missing is said once, above all of them."""
    return {
        "line": line,
        "name": people_access.masked_name(line.appeal.applicant),
        "statuses": list(dict.fromkeys(STATUSES.get(one, one) for one in line.request.statuses)),
        "look": LOOKS.get(line.state, "none"),
        "problems": [(one.text, _mends(line, one)) for one in line.problems if one.code != "department"],
        "ticked": line.appeal.pk in ticked,
    }


def _mends(line: Line, problem: Problem) -> str:
    """Return the page that mends what is in the way."""
    if problem.place == "settings":
        return reverse("workplace:sstu_settings")
    if problem.place == "bodies":
        return f"{reverse('workplace:sstu_settings')}?{urlencode({'name': problem.about})}#body"
    if problem.place == "applicant":
        return reverse("workplace:applicant", args=[line.appeal.applicant_id])
    if problem.place == "cover" and line.message is not None:
        return reverse("workplace:cover_edit", args=[line.message])
    if problem.place in ("classify", "outcomes", "dispatch"):
        return reverse(f"workplace:{problem.place}", args=[line.appeal.pk])
    return reverse("workplace:card", args=[line.appeal.pk])


def _address(month: Month, state: str = "") -> str:
    address = reverse("workplace:sstu_month", args=[month.first])
    return f"{address}?{urlencode({'state': state})}" if state else address


@by_itself
@requires(POWER)
@require_GET
def sstu_progress(request: StaffRequest, on: date) -> HttpResponse:
    """Show how far the files of a month have come; once they are ready, the whole page comes anew."""
    month = selecting.of(on)
    runs = list(uploads.runs_of(month)[:20])
    if not any(one.state in MOVING for one in runs):
        return HttpResponse(headers={"HX-Refresh": "true"})
    context = {"month": month, "runs": [_run(request, one) for one in runs], "moving": True}
    return render(request, "workplace/sstu/_runs.html", context)


@requires(POWER)
@require_GET
def sstu_volume(request: StaffRequest, pk: int) -> HttpResponseBase:
    """Hand out a volume; the look is written down."""
    volume = get_object_or_404(SstuVolume.objects.select_related("run", "stored"), pk=pk)
    hidden = volume.uploads.exclude(appeal__in=access.visible_to(request.user).values("pk"))
    if hidden.exists():
        messages.error(request, "В этом томе есть обращения, которые вам не видны. Его скачивает тот, кто видит все.")
        return redirect(_address(selecting.of(volume.run.month)))
    try:
        return files.response(uploads.taken(volume, by=request.user), volume.name)
    except DomainError as refusal:
        messages.error(request, str(refusal))
        return redirect(_address(selecting.of(volume.run.month)))


@requires(POWER)
@require_http_methods(["GET", "HEAD", "POST"])
def sstu_settings(request: StaffRequest) -> HttpResponse:
    """Show and keep what nobody has confirmed: identifiers, limits, the day of the month; names of other bodies."""
    rule, body = dictionary.rule(), _body(request)
    form = RuleForm(initial={name: getattr(rule, name) for name in RuleForm.base_fields})
    known = {name: getattr(body, name) for name in BodyForm.base_fields} if body else {}
    body_form = BodyForm(initial=known or {"name": typed.words(request.GET.get("name"), 300)}, prefix="body")
    status = 200
    if request.method == "POST":
        do, status = request.POST.get("do", ""), 422
        try:
            if do == "rule" and (form := RuleForm(request.POST)).is_valid():
                dictionary.keep_rule(SstuRule(**form.cleaned_data, valid_from=timezone.localdate()), by=request.user)
                messages.success(request, "Порядок выгрузки сохранён.")
                return redirect("workplace:sstu_settings")
            if do == "end" and body is not None:
                dictionary.end_body(body, by=request.user)
                messages.success(request, "Орган убран из справочника.")
                return redirect("workplace:sstu_settings")
            if do == "body" and (body_form := BodyForm(request.POST, prefix="body")).is_valid():
                row = body or SstuBody()
                for name, value in body_form.cleaned_data.items():
                    setattr(row, name, value)
                dictionary.keep_body(row, by=request.user)
                messages.success(request, f"Записано: {row.name}.")
                return redirect("workplace:sstu_settings")
        except DomainError as refusal:
            (body_form if do == "body" else form).add_error("department_id", str(refusal))
    rows = SstuBody.objects.filter(valid_to=None)
    context = {"form": form, "body_form": body_form, "body": body, "bodies": rows, "rule": rule}
    return render(request, "workplace/sstu/settings.html", context, status=status)


def _body(request: StaffRequest) -> SstuBody | None:
    asked = typed.number(request.POST.get("body") or request.GET.get("body"))
    return SstuBody.objects.filter(pk=asked, valid_to=None).first() if asked else None


@requires(POWER)
@require_http_methods(["GET", "HEAD", "POST"])
def sstu_check(request: StaffRequest) -> HttpResponse:
    """Look into a file as ССТУ would; nothing of it is kept."""
    form, report, name, status = FileForm(), None, "", 200
    if request.method == "POST":
        form = FileForm(request.POST, request.FILES)
        status = 422
        if form.is_valid():
            upload: UploadedFile[Any] = form.cleaned_data["file"]
            name, report = upload.name or "", _checked(upload)
            status = 200
    context: dict[str, Any] = {"form": form, "report": report, "name": name}
    if report is not None:
        context |= {"errors": report.errors[:PER_PAGE], "warnings": report.warnings[:PER_PAGE]}
    return render(request, "workplace/sstu/check.html", context, status=status)


def _checked(upload: UploadedFile[Any]) -> validator.Report:
    name = upload.name or ""
    if upload.size is None or upload.size > 2 * validator.VOLUME_BYTES:
        return validator.Report(errors=[f"{name}: файл больше {2 * validator.VOLUME_BYTES} байт"])
    with tempfile.NamedTemporaryFile(prefix="otklik-sstu-") as kept:
        for chunk in upload.chunks():
            kept.write(chunk)
        kept.flush()
        return validator.check(Path(kept.name), name=name)
