"""`/desk/surveys/`: questionnaires and their editions, places where people are asked, posters."""

from __future__ import annotations

from typing import Any, Final

from django import forms
from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from otklik.core import files, typed
from otklik.core.access import requires
from otklik.core.errors import DomainError
from otklik.core.forms import DATE_INPUT, TidyForm
from otklik.correspondence.models import ChannelCode
from otklik.surveys import points, questionnaires, questions
from otklik.surveys.models import Questionnaire, QuestionnaireDraft, SurveyPoint
from otklik.surveys.questionnaires import Typed
from otklik.workplace.requests import StaffRequest

POWER: Final = "surveys.edit"
READERS: Final = (POWER, "surveys.paper", "surveys.read", "hotline.consult")
BLANK: Final = Typed("", "", "choice", [], False)


class NewForm(TidyForm):
    """A questionnaire to begin: its name, and which one it is like."""

    title = forms.CharField(label="Название", max_length=questionnaires.TITLE_MAX, help_text="Его увидят отвечающие.")
    like = forms.ModelChoiceField(
        Questionnaire.objects.none(), label="Взять вопросы из", required=False, empty_label="начать с пустой"
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        field = self.fields["like"]
        assert isinstance(field, forms.ModelChoiceField)
        last = [one.last.pk for one in questionnaires.listed() if one.last]
        field.queryset = Questionnaire.objects.filter(pk__in=last).order_by("title")


class PublishForm(TidyForm):
    """From which day an edition is asked and, where an order binds its words, which order has changed them."""

    valid_from = forms.DateField(label="Действует с", widget=DATE_INPUT)
    ground = forms.CharField(label="Основание", max_length=300, required=False, help_text="Номер и дата приказа.")


class PointForm(TidyForm, forms.ModelForm):  # type: ignore[type-arg]
    """A place where people are asked."""

    questionnaire = forms.ChoiceField(label="Анкета", help_text="Спрашивают её редакцией, действующей в этот день.")
    channel = forms.ChoiceField(label="Канал", choices=[("", "не важно"), *ChannelCode.choices], required=False)
    code = forms.RegexField(
        r"^[a-z0-9]{1,12}\Z",
        label="Короткий адрес",
        help_text="Цифры или маленькие латинские буквы, до 12. Потом не меняется: плакаты уже висят.",
        error_messages={"invalid": "Нужны цифры или маленькие латинские буквы, не больше двенадцати."},
    )

    class Meta:
        model = SurveyPoint
        fields = ("name", "code", "questionnaire", "channel", "unit", "valid_from", "valid_to")
        widgets = {"valid_from": DATE_INPUT, "valid_to": DATE_INPUT}

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        field = self.fields["questionnaire"]
        assert isinstance(field, forms.ChoiceField)
        field.choices = [(one.code, one.title) for one in questionnaires.listed() if one.now]
        self.fields["code"].disabled = self.instance.pk is not None

    def clean(self) -> dict[str, Any]:
        """Refuse an end before the beginning."""
        given: dict[str, Any] = super().clean() or {}
        if given.get("valid_to") and given.get("valid_from") and given["valid_to"] < given["valid_from"]:
            self.add_error("valid_to", "Дата окончания раньше даты начала. Исправьте одну из них.")
        return given


@requires(*READERS)
@require_safe
def surveys(request: StaffRequest) -> HttpResponse:
    """Show the questionnaires and the places where people are asked."""
    found = list(SurveyPoint.objects.select_related("unit").order_by("name"))
    answered = points.answered(found)
    listed = questionnaires.listed()
    titles = {one.code: one.title for one in listed}
    context = {
        "listed": listed,
        "points": [
            (one, points.said(one), titles.get(one.questionnaire, ""), answered.get(one.pk, 0), points.is_running(one))
            for one in found
        ],
        "may_edit": request.user.has_power(POWER),
    }
    return render(request, "workplace/surveys/home.html", context)


@requires(POWER)
@require_http_methods(["GET", "POST"])
def new(request: StaffRequest) -> HttpResponse:
    """Begin a questionnaire, empty or like another."""
    form = NewForm(request.POST or None, initial={"like": request.GET.get("like", "")})
    if request.method == "POST" and form.is_valid():
        draft = questionnaires.new(form.cleaned_data["title"], like=form.cleaned_data["like"], by=request.user)
        return redirect("workplace:survey_draft", pk=draft.pk)
    return _row(request, form, "Новая анкета", "Дальше добавите вопросы и назначите день, с которого её спрашивают.")


@requires(*READERS)
@require_safe
def survey(request: StaffRequest, pk: int) -> HttpResponse:
    """Show an edition as it is asked, with the other editions beside it."""
    edition = get_object_or_404(Questionnaire, pk=pk)
    context = {
        "edition": edition,
        "asked": [
            (one["text"], questions.KINDS[one["kind"]], [words for _, words in questions.offered(one)], one)
            for one in edition.questions
        ],
        "editions": questionnaires.editions(edition.code),
        "draft": QuestionnaireDraft.objects.filter(code=edition.code).first(),
        "points": points.running().filter(questionnaire=edition.code),
        "may_edit": request.user.has_power(POWER),
        "today": timezone.localdate(),
    }
    return render(request, "workplace/surveys/edition.html", context)


@requires(POWER)
@require_POST
def revise(request: StaffRequest, pk: int) -> HttpResponse:
    """Open the draft of the next edition."""
    draft = questionnaires.revise(get_object_or_404(Questionnaire, pk=pk), by=request.user)
    return redirect("workplace:survey_draft", pk=draft.pk)


@requires(POWER)
@require_http_methods(["GET", "POST"])
def draft(request: StaffRequest, pk: int) -> HttpResponse:
    """Write a questionnaire: every button keeps what was typed first."""
    row = get_object_or_404(QuestionnaireDraft, pk=pk)
    if request.method != "POST":
        return _draft(request, row, **_saved(row))
    title, given = request.POST.get("title", ""), _typed(request)
    what, _, which = request.POST.get("do", "save").partition(":")
    base = typed.number(request.POST.get("version")) or 0
    given = _moved(given, what, typed.number(which))
    try:
        questionnaires.save(row, title=title, questions=given, base_version=base, by=request.user)
    except DomainError as refusal:
        return _draft(request, row, title=title, given=given, version=base, refusal=refusal)
    if what == "save":
        messages.success(request, "Черновик сохранён.")
    place = reverse("workplace:survey_draft", args=[pk])
    at = {"add": len(row.questions), "up": (typed.number(which) or 1) - 1, "down": (typed.number(which) or 0) + 1}
    return redirect(f"{place}#question-{at[what]}" if what in at else place)


def _typed(request: StaffRequest) -> list[Typed]:
    number = min(typed.number(request.POST.get("count")) or 0, 2 * questionnaires.MOST_QUESTIONS)
    said = request.POST.get
    return [
        Typed(
            said(f"code-{at}", ""),
            said(f"text-{at}", ""),
            said(f"kind-{at}", ""),
            said(f"answers-{at}", "").splitlines(),
            f"required-{at}" in request.POST,
        )
        for at in range(1, number + 1)
    ]


def _moved(given: list[Typed], what: str, which: int | None) -> list[Typed]:
    """Return the questions after a press of «выше», «ниже», «убрать», «добавить»."""
    if what == "add" and len(given) < questionnaires.MOST_QUESTIONS:
        return [*given, BLANK]
    if which is None or not 1 <= which <= len(given):
        return given
    at = which - 1
    if what == "remove":
        return given[:at] + given[at + 1 :]
    other = {"up": at - 1, "down": at + 1}.get(what, -1)
    if 0 <= other < len(given):
        given[at], given[other] = given[other], given[at]
    return given


def _saved(row: QuestionnaireDraft) -> dict[str, Any]:
    """Return the draft as its form shows it."""
    return {"title": row.title, "given": [_as_typed(one) for one in row.questions], "version": row.version}


def _as_typed(one: dict[str, Any]) -> Typed:
    answers = [words for _, words in one.get("answers", ())]
    return Typed(one["code"], one["text"], one["kind"], answers, bool(one.get("required")))


def _draft(
    request: StaffRequest,
    row: QuestionnaireDraft,
    *,
    title: str,
    given: list[Typed],
    version: int,
    refusal: DomainError | None = None,
    publishing: PublishForm | None = None,
) -> HttpResponse:
    last = questionnaires.latest(row.code)
    norms = {one["code"]: one["norm"] for one in row.questions if one.get("norm")}
    context = {
        "draft": row,
        "title": title,
        "version": version,
        "questions": [(one, "\n".join(one.answers), norms.get(one.code, "")) for one in given],
        "kinds": questions.KINDS.items(),
        "most": questionnaires.MOST_QUESTIONS,
        "text_max": questionnaires.TEXT_MAX,
        "last": last,
        "normative": questionnaires.is_normative(last),
        "lacks": questionnaires.lacks(row),
        "refusal": refusal,
        "form": publishing or PublishForm(initial={"valid_from": timezone.localdate()}),
    }
    return render(request, "workplace/surveys/draft.html", context, status=refusal.status if refusal else 200)


@requires(POWER)
@require_safe
def preview(request: StaffRequest, pk: int) -> HttpResponse:
    """Show the saved draft as a telephone will: the citizens' page itself, which sends nothing."""
    row = get_object_or_404(QuestionnaireDraft, pk=pk)
    shown = Questionnaire(code=row.code, title=row.title, questions=row.questions)
    context = {
        "title": row.title or "Без названия",
        "questions": questions.drawn(shown, {}),
        "comment_asked": not questions.asks_for_words(shown),
        "text_max": questions.TEXT_MAX,
    }
    return render(request, "workplace/surveys/preview.html", context)


@requires(POWER)
@require_POST
def publish(request: StaffRequest, pk: int) -> HttpResponse:
    """Make a draft an edition; a refusal comes back to the draft."""
    row = get_object_or_404(QuestionnaireDraft, pk=pk)
    form, refusal = PublishForm(request.POST), None
    if form.is_valid():
        try:
            edition = questionnaires.publish(row, **form.cleaned_data, by=request.user)
        except DomainError as wrong:
            refusal = wrong
        else:
            messages.success(request, f"Редакция {edition.edition} действует с {edition.valid_from:%d.%m.%Y}.")
            return redirect("workplace:survey", pk=edition.pk)
    answer = _draft(request, row, **_saved(row), refusal=refusal, publishing=form)
    answer.status_code = refusal.status if refusal else 422
    return answer


@requires(POWER)
@require_POST
def drop(request: StaffRequest, pk: int) -> HttpResponse:
    """Throw a draft away."""
    row = get_object_or_404(QuestionnaireDraft, pk=pk)
    questionnaires.drop(row, by=request.user)
    messages.success(request, f"Черновик «{row}» удалён. Действующие редакции не изменились.")
    return redirect("workplace:surveys")


@requires(POWER)
@require_http_methods(["GET", "POST"])
def new_point(request: StaffRequest) -> HttpResponse:
    """Add a place where people are asked."""
    point = SurveyPoint(code=points.free_code())
    form = PointForm(
        request.POST or None, instance=point, initial={"valid_from": timezone.localdate(), "questionnaire": "qr"}
    )
    if (kept := _keep_point(request, form)) is not None:
        return redirect("workplace:survey_point", pk=kept.pk)
    lead = "Подразделение, площадка, приёмная, линия: у каждого места свой адрес, чтобы видеть, где что говорят."
    return _row(request, form, "Новое место опроса", lead)


@requires(POWER)
@require_http_methods(["GET", "POST"])
def edit_point(request: StaffRequest, pk: int) -> HttpResponse:
    """Change a place or end it; its address stays."""
    form = PointForm(request.POST or None, instance=get_object_or_404(SurveyPoint, pk=pk))
    if _keep_point(request, form) is not None:
        return redirect("workplace:survey_point", pk=pk)
    back = reverse("workplace:survey_point", args=[pk])
    return _row(request, form, "Изменить место опроса", "Чтобы снять анкету, укажите последний день.", back=back)


def _keep_point(request: StaffRequest, form: PointForm) -> SurveyPoint | None:
    if request.method != "POST" or not form.is_valid():
        return None
    try:
        kept = points.keep(form.save(commit=False), changed=form.changed_data, by=request.user)
    except DomainError as refusal:
        form.add_error("code", str(refusal))
        return None
    messages.success(request, f"Место «{kept.name}» записано.")
    return kept


@requires(*READERS)
@require_safe
def point(request: StaffRequest, pk: int) -> HttpResponse:
    """Show a place: its address, QR code, posters, the block for another site, opens and answers."""
    row = get_object_or_404(SurveyPoint.objects.select_related("unit"), pk=pk)
    context = {
        "point": row,
        "url": points.url(row),
        "said": points.said(row),
        "short": points.path(row),
        "html": points.block(row),
        "answered": points.answered([row]).get(row.pk, 0),
        "running": points.is_running(row),
        "papers": points.PAPERS.items(),
        "may_edit": request.user.has_power(POWER),
    }
    return render(request, "workplace/surveys/point.html", context)


@requires(*READERS)
@require_safe
def poster(request: StaffRequest, pk: int, paper: str) -> HttpResponse:
    """Give the poster of a place as PDF, A4 or A5."""
    row = get_object_or_404(SurveyPoint, pk=pk)
    paper = paper if paper in points.PAPERS else "a4"
    content = points.poster(row, paper, on=timezone.localdate())
    return files.download(HttpResponse(content, content_type="application/pdf"), f"plakat-{row.code}-{paper}.pdf")


@requires(*READERS)
@require_safe
def qr(request: StaffRequest, pk: int, kind: str) -> HttpResponse:
    """Give the QR code of a place alone, as PDF or SVG."""
    row = get_object_or_404(SurveyPoint, pk=pk)
    if kind == "pdf":
        content, mime = points.qr_pdf(row, on=timezone.localdate()), "application/pdf"
    else:
        kind, content, mime = "svg", points.qr_svg(row), "image/svg+xml"
    return files.download(HttpResponse(content, content_type=mime), f"qr-{row.code}.{kind}")


def _row(request: StaffRequest, form: forms.Form, title: str, lead: str, *, back: str = "") -> HttpResponse:
    context = {
        "form": form,
        "title": title,
        "lead": lead,
        "back": back or reverse("workplace:surveys"),
        "back_name": "Назад" if back else "Анкеты",
        "wide": ["title", "name"],
    }
    return render(request, "workplace/row_form.html", context, status=422 if form.errors else 200)
