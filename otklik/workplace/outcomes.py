"""«Исходы»: how every question of an appeal ended, with what the law wants for it; the end without a letter."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.http import require_http_methods

from otklik.appeals import access, left_open, outcomes
from otklik.appeals.models import Appeal, AppealQuestion, OutcomeKind
from otklik.appeals.outcomes import Given
from otklik.appeals.permissions import allows
from otklik.core import files
from otklik.core.access import requires
from otklik.core.errors import DomainError, why_not
from otklik.core.forms import DATE_INPUT, SeveralField, TidyForm
from otklik.people.models import Employee
from otklik.workplace import matter_part, queue
from otklik.workplace.matter_part import Part, Step
from otklik.workplace.requests import StaffRequest


class Decider(forms.ModelChoiceField):  # type: ignore[type-arg]
    """An official who may decide, with his post."""

    def label_from_instance(self, obj: Any) -> str:
        """Return «Волкова А. П. — Руководитель департамента»."""
        return f"{obj.short_name} — {obj.post}" if obj.post else str(obj.short_name)


class KindField(forms.ModelChoiceField):  # type: ignore[type-arg]
    """An outcome with its article."""

    def label_from_instance(self, obj: Any) -> str:
        """Return «без ответа: не читается — ст. 11 ч. 4»."""
        return f"{obj.name} — {obj.article}" if obj.article else str(obj.name)


class OutcomeForm(TidyForm):
    """How questions ended; what the chosen outcome does not need stays empty."""

    kind = KindField(OutcomeKind.objects.none(), label="Чем закончилось", empty_label="Выберите исход")
    questions = SeveralField(
        AppealQuestion.objects.none(),
        label="По каким вопросам",
        required=False,
        widget=forms.CheckboxSelectMultiple,
        help_text="Не отмечено ничего — по всем.",
    )
    on = forms.DateField(label="Дата исхода", required=False, widget=DATE_INPUT)
    note = forms.CharField(
        label="Пояснение",
        required=False,
        max_length=500,
        help_text="Отозвано или отвечено устно — как это произошло. Ответ уже на сайте — адрес страницы.",
    )
    where = forms.CharField(label="Кому переслано", required=False, max_length=300)
    number = forms.CharField(label="Номер решения или письма", required=False, max_length=60)
    dated = forms.DateField(label="Дата решения или письма", required=False, widget=DATE_INPUT)
    decided_by = Decider(Employee.objects.none(), label="Кто принял решение", required=False, empty_label="—")
    earlier = SeveralField(
        Appeal.objects.none(),
        label="Прежние ответы по существу",
        required=False,
        widget=forms.CheckboxSelectMultiple,
        help_text="Для «переписка прекращена»: ответы, которые давались неоднократно.",
    )
    file = forms.FileField(label="Файл решения или письма", required=False)
    put_letter = forms.BooleanField(
        label="Начать проект ответа с образца письма, если он пуст", required=False, initial=True
    )

    def __init__(self, *args: Any, appeal: Appeal, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        rows: dict[str, Any] = {
            "kind": outcomes.kinds(),
            "questions": appeal.questions.select_related("topic", "need"),
            "decided_by": Employee.objects.filter(pk__in=[one.pk for one in outcomes.deciders(appeal)]),
            "earlier": Appeal.objects.filter(pk__in=[one.pk for one in outcomes.earlier_answers(appeal)]),
        }
        for name, found in rows.items():
            field = self.fields[name]
            if isinstance(field, forms.ModelChoiceField):
                field.queryset = found
        self.fields["questions"].label_from_instance = _question_name  # type: ignore[attr-defined]
        self.fields["earlier"].label_from_instance = _answer_name  # type: ignore[attr-defined]
        if not rows["questions"]:
            del self.fields["questions"]
        if not rows["earlier"]:
            del self.fields["earlier"]

    def given(self) -> Given:
        """Return what was typed; the file is kept only now, when everything else is right."""
        data = self.cleaned_data
        stored = None
        if upload := data.get("file"):
            files.check(upload, upload.name)
            upload.seek(0)
            stored = files.store(upload, name=upload.name)
        return Given(
            on=data["on"],
            note=data["note"],
            where=data["where"],
            number=data["number"],
            dated=data["dated"],
            decided_by=data["decided_by"],
            file=stored,
            earlier=list(data.get("earlier") or ()),
        )


@requires("appeals.draft", "appeals.dispatch", "intake.decide")
@require_http_methods(["GET", "POST"])
def record(request: StaffRequest, pk: int) -> HttpResponse:
    """Show how every question ended; a POST says it, or closes a case that ends without a letter."""
    appeal = access.get_for(request.user, pk)
    if request.method != "POST":
        kind = outcomes.kinds().filter(code=request.GET.get("kind", "")).first()
        initial = {"on": timezone.localdate(), "kind": kind}
        return _page(request, appeal, OutcomeForm(initial=initial, appeal=appeal), kind=kind)
    if "close" in request.POST:
        try:
            outcomes.close_unanswered(appeal, why_dropped=request.POST.get("why_dropped", ""), by=request.user)
        except DomainError as refusal:
            return _page(request, appeal, _empty(appeal), refusal=refusal)
        messages.success(request, f"Обращение № {appeal.number} закрыто без письма заявителю.")
        return redirect(queue.card_url(request, pk))
    form = OutcomeForm(request.POST, request.FILES, appeal=appeal)
    if not form.is_valid():
        return _page(request, appeal, form, status=422)
    try:
        kind, given = form.cleaned_data["kind"], form.given()
        chosen = list(form.cleaned_data.get("questions") or ())
        rows = outcomes.record(appeal, kind, given, questions=chosen, by=request.user)
    except DomainError as refusal:
        form.add_error(None, str(refusal))
        return _page(request, appeal, form, kind=form.cleaned_data["kind"], status=refusal.status)
    messages.success(request, f"Обращение № {appeal.number}: исход указан — {kind.name}.")
    if form.cleaned_data["put_letter"] and kind.letter:
        begun = outcomes.put_letter(appeal, outcomes.letter(appeal, kind, rows[0]), by=request.user)
        if begun:
            messages.success(request, "Проект ответа начат с образца письма. Проверьте его.")
    return redirect("workplace:outcomes", pk=pk)


def part(appeal: Appeal, user: Employee) -> Part | None:
    """Return the questions of the matter with how each ended, and the steps about them."""
    there = outcomes.parts(appeal, matter_part.questions(appeal), ended=matter_part.is_there(appeal, "outcomes"))
    can = allows(outcomes.check_can_record, appeal, user)
    steps = [Step("Указать исход", "outcomes", "checks")] if can else []
    if not (there[0].outcome or there[0].question or steps):
        return None
    if user.has_power("appeals.propose") or user.has_power("appeals.classify"):
        steps.append(Step("Вопросы", "case_questions", "list"))
    facts = {"parts": there, "missing": sum(one.outcome is None for one in there)}
    return Part("Вопросы и исходы", "checks", "workplace/law/part_outcomes.html", facts, tuple(steps))


def _empty(appeal: Appeal) -> OutcomeForm:
    return OutcomeForm(initial={"on": timezone.localdate()}, appeal=appeal)


def _page(
    request: StaffRequest,
    appeal: Appeal,
    form: OutcomeForm,
    *,
    kind: OutcomeKind | None = None,
    refusal: DomainError | None = None,
    status: int = 200,
) -> HttpResponse:
    shown = outcomes.parts(appeal)
    history = appeal.outcomes.filter(replaced_at__isnull=False).select_related("kind", "by", "question__topic")
    can_close = allows(outcomes.check_can_close_unanswered, appeal, request.user)
    context = {
        "appeal": appeal,
        "form": form,
        "parts": shown,
        "kind": kind,
        "due": outcomes.due_of(appeal, kind) if kind else None,
        "letter": outcomes.letter(appeal, kind) if kind and kind.letter else "",
        "kinds": outcomes.kinds(),
        "history": list(history[:20]),
        "why_not": why_not(outcomes.check_can_record, appeal, request.user),
        "can_close": can_close,
        "left_open": left_open.of(appeal) if can_close else [],
        "refusal": refusal,
    }
    return render(request, "workplace/law/outcomes.html", context, status=refusal.status if refusal else status)


def _question_name(row: AppealQuestion) -> str:
    return f"{row.topic.name} — {row.need.name}"


def _answer_name(row: Appeal) -> str:
    return f"№ {row.number} от {row.answered_on:%d.%m.%Y}: {row.subject}" if row.answered_on else row.number


def proposed(request: StaffRequest) -> str:
    """Return the outcome a sending confirms: what was chosen on its page, else «дан ответ»."""
    return request.POST.get("outcome", "")[:40] or outcomes.ANSWERED


def of_dispatch(appeal: Appeal) -> dict[str, Any]:
    """Return what the page of sending proposes: kinds that a press confirms, where some question has no outcome yet."""
    open_ = [one for one in outcomes.parts(appeal) if one.outcome is None]
    return {"outcome_kinds": plain_kinds() if open_ else [], "open_questions": len(open_)}


def plain_kinds() -> list[OutcomeKind]:
    """Return the kinds of outcome that the sending of an answer itself confirms."""
    return list(outcomes.kinds().filter(needs__in=(OutcomeKind.Needs.ANSWER, OutcomeKind.Needs.LETTER)))
