"""«Вопросы»: one letter split into its questions, each with its words and who answers it; joined again."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.views.decorators.http import require_http_methods

from otklik.appeals import access, case_questions, classification, complained, outcomes
from otklik.appeals.models import Appeal, AppealMessage, AppealQuestion, Need
from otklik.core import typed
from otklik.core.access import requires
from otklik.core.errors import DomainError, why_not
from otklik.core.forms import TidyForm
from otklik.people import staff
from otklik.people.models import Employee
from otklik.workplace.classification import TopicField
from otklik.workplace.requests import StaffRequest


class SplitForm(TidyForm):
    """One more question of the letter."""

    text = forms.CharField(
        label="О чём спрашивают",
        max_length=case_questions.LONGEST,
        widget=forms.Textarea(attrs={"rows": 2}),
        help_text="Словами заявителя, коротко.",
    )
    topic = TopicField(label="Тема")
    need = forms.ModelChoiceField(Need.objects.none(), label="Типовая потребность", empty_label="Выберите потребность")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        need = self.fields["need"]
        if isinstance(need, forms.ModelChoiceField):
            need.queryset = classification.valid_needs()


@requires("appeals.propose", "appeals.classify", "appeals.draft")
@require_http_methods(["GET", "POST"])
def questions(request: StaffRequest, pk: int) -> HttpResponse:
    """Show the questions of an appeal; a POST splits, joins or describes one."""
    appeal = access.get_for(request.user, pk)
    if request.method != "POST":
        return _page(request, appeal, SplitForm())
    form = SplitForm(request.POST) if "split" in request.POST else SplitForm()
    if form.is_bound and not form.is_valid():
        return _page(request, appeal, form, status=422)
    try:
        told = _do(request, appeal, form)
    except DomainError as refusal:
        return _page(request, appeal, form, refusal=refusal)
    messages.success(request, told)
    return redirect("workplace:case_questions", pk=pk)


def _do(request: StaffRequest, appeal: Appeal, form: SplitForm) -> str:
    data = request.POST
    if form.is_bound:
        given = form.cleaned_data
        case_questions.split(appeal, given["topic"], given["need"], text=given["text"], by=request.user)
        return "Вопрос добавлен. Укажите его исход, когда он будет решён."
    if "join" in data:
        kept, gone = _question(appeal, data.get("join")), _question(appeal, data.get("question"))
        case_questions.join(kept, gone, by=request.user)
        return "Вопросы соединены, слова обоих сохранены."
    question = _question(appeal, data.get("question"))
    executor = None
    if chosen := typed.number(data.get("executor")):
        executor = Employee.objects.filter(pk=chosen).first()
    case_questions.describe(question, text=data.get("text", ""), executor=executor, by=request.user)
    return "Вопрос записан."


def _question(appeal: Appeal, given: str | None) -> AppealQuestion:
    rows = AppealQuestion.objects.select_related("appeal__executor", "topic")
    row: AppealQuestion = get_object_or_404(rows, appeal=appeal, pk=typed.number(given) or 0)
    row.appeal = appeal
    return row


def _page(
    request: StaffRequest, appeal: Appeal, form: SplitForm, *, refusal: DomainError | None = None, status: int = 200
) -> HttpResponse:
    letters = AppealMessage.objects.filter(appeal=appeal).order_by("-first", "pk").select_related("message")
    drafters = [one for one in staff.holders("appeals.draft", on=timezone.localdate()) if one.is_active]
    context = {
        "appeal": appeal,
        "form": form,
        "parts": outcomes.parts(appeal),
        "letter": letters.first(),
        "topics": classification.valid_topics(),
        "people": complained.apart(appeal, drafters),
        "why_not": why_not(case_questions.check_can_change, appeal, request.user),
        "refusal": refusal,
    }
    return render(request, "workplace/law/case_questions.html", context, status=refusal.status if refusal else status)
