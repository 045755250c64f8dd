"""The page of an operator of the ЕКЦ: published materials, and the records he writes. Nothing else opens for him."""

from __future__ import annotations

import uuid
from typing import Any, Final

from django import forms
from django.contrib import messages
from django.core.paginator import Paginator
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from otklik.core import typed
from otklik.core.access import requires
from otklik.core.errors import DomainError
from otklik.core.forms import TidyForm
from otklik.hotline import ekc
from otklik.workplace.requests import StaffRequest

PER_PAGE: Final = 20
MOST_QUERY: Final = 200


class RecordForm(TidyForm):
    """A consultation as its operator writes it down."""

    question = forms.CharField(
        label="О чём спросили",
        max_length=ekc.MOST_TEXT,
        widget=forms.Textarea(attrs={"rows": 3}),
        error_messages={"required": "Напишите, о чём спросили: по этим словам запись найдут и отнесут к теме."},
    )
    answer = forms.CharField(
        label="Что ответили", required=False, max_length=ekc.MOST_TEXT, widget=forms.Textarea(attrs={"rows": 3})
    )
    number = forms.CharField(label="Телефон", required=False, max_length=40)
    caller = forms.CharField(label="Как обращаться", required=False, max_length=200)
    outcome = forms.ChoiceField(label="Итог", choices=list(ekc.OUTCOME_WORDS.items()))
    answered = forms.ChoiceField(
        label="Получен ли ответ на Ваш вопрос?",
        required=False,
        choices=[("", "не спрашивали"), *ekc.ANSWERED.items(), (ekc.REFUSED, "отказался отвечать")],
    )
    quality = forms.ChoiceField(
        label="Оцените качество работы консультанта",
        required=False,
        choices=[("", "не спрашивали"), *ekc.QUALITY.items()],
    )
    told_of_qr = forms.BooleanField(label="Сказано об анкете по QR-коду", required=False)
    key = forms.UUIDField(widget=forms.HiddenInput, error_messages={"invalid": "Откройте страницу заново."})

    def record(self) -> ekc.Given:
        """Return what was typed."""
        given = dict(self.cleaned_data)
        given.pop("key")
        refused = given["answered"] == ekc.REFUSED
        answered = "" if refused else given.pop("answered")
        given.pop("answered", None)
        return ekc.Given(at=timezone.now(), answered=answered, refused=refused, **given)


@requires(ekc.POWER)
@require_http_methods(["GET", "POST"])
def desk(request: StaffRequest) -> HttpResponse:
    """Show the search, the form and the operator's own records; keep what he wrote, once."""
    form = RecordForm(request.POST or None, initial={"key": uuid.uuid4()})
    if request.method == "POST" and form.is_valid():
        try:
            taken = ekc.by_desk(form.record(), key=str(form.cleaned_data["key"]), by=request.user)
        except ekc.BadRecord as refusal:
            for name, words in refusal.problems.items():
                form.add_error(name if name in form.fields else None, words[:1].upper() + words[1:])
        except DomainError as refusal:
            form.add_error(None, str(refusal))
        else:
            said = "Запись сохранена." if taken.new else "Эта запись уже сохранена."
            messages.success(request, said)
            return redirect("workplace:ekc")
    return _page(request, form, status=422 if form.errors else 200)


def _page(request: StaffRequest, form: RecordForm, *, status: int = 200, **more: Any) -> HttpResponse:
    rows = Paginator(ekc.own(request.user), PER_PAGE).get_page(request.GET.get("page"))
    return render(request, "workplace/line/ekc.html", {"form": form, "page": rows, **more}, status=status)


@requires(ekc.POWER)
@require_POST
def search(request: StaffRequest) -> HttpResponse:
    """Show what answers among published materials; by POST: what callers ask stays out of addresses and logs."""
    query = typed.words(request.POST.get("q"), MOST_QUERY)
    answers = ekc.search(query, typing=bool(request.htmx)) if query else None
    if request.htmx:
        return render(request, "workplace/line/_ekc_found.html", {"answers": answers})
    return _page(request, RecordForm(initial={"key": uuid.uuid4()}), query=query, answers=answers)


@requires(ekc.POWER)
@require_safe
def record(request: StaffRequest, pk: int) -> HttpResponse:
    """Show an operator one of his own records."""
    row = get_object_or_404(ekc.own(request.user), pk=pk)
    return render(request, "workplace/line/ekc_record.html", {"row": row})
