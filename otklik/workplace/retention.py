"""Retention periods: how long records of each kind are kept, and why."""

from __future__ import annotations

from typing import Final

from django import forms
from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_GET, require_http_methods

from otklik.core import retention
from otklik.core.access import requires
from otklik.core.errors import DomainError
from otklik.core.forms import DATE_INPUT, TidyForm
from otklik.core.models import RetentionRule
from otklik.reports.compliance import READERS
from otklik.workplace.requests import StaffRequest

EDIT: Final = "dictionaries.edit"
LONGEST: Final = 100


class RetentionForm(TidyForm, forms.ModelForm):  # type: ignore[type-arg]
    """How long a kind is kept, by which article, from which day."""

    years = forms.IntegerField(
        label="Хранить, лет",
        min_value=1,
        max_value=LONGEST,
        required=False,
        help_text="Пусто — срок не установлен: записи хранятся.",
    )

    class Meta:
        model = RetentionRule
        fields = ("kind", "years", "valid_from", "basis", "unsure", "expert_review")
        widgets = {"valid_from": DATE_INPUT}


@requires(*READERS)
@require_GET
def rules(request: StaffRequest) -> HttpResponse:
    """Show the periods, today's in full and the others beside; say which of them nobody has confirmed."""
    counting = {rule.pk for rule in retention.current(timezone.localdate()).values()}
    rows = RetentionRule.objects.all()
    context = {
        "rows": [(row, row.pk in counting) for row in rows],
        "today": timezone.localdate(),
        "can_edit": request.user.has_power(EDIT),
    }
    return render(request, "workplace/retention.html", context)


@requires(EDIT)
@require_http_methods(["GET", "POST"])
def rule(request: StaffRequest, pk: int | None = None) -> HttpResponse:
    """Add a period or correct one; a period that changes from a day on is a new row of the same kind."""
    row = get_object_or_404(RetentionRule, pk=pk) if pk is not None else None
    initial = {} if row else {"valid_from": timezone.localdate(), "kind": request.GET.get("kind", "")[:200]}
    form = RetentionForm(request.POST or None, instance=row, initial=initial)
    if request.method == "POST" and form.is_valid():
        try:
            retention.keep(form.save(commit=False), changed=form.changed_data, by=request.user)
        except DomainError as refusal:
            form.add_error("valid_from", str(refusal))
        else:
            messages.success(request, "Срок хранения записан.")
            return redirect("workplace:retention")
    context = {
        "form": form,
        "title": row.kind if row else "Новый срок хранения",
        "lead": "Срок меняется с даты — добавьте новую строку с тем же видом записей. Здесь исправляют ошибку.",
        "back": reverse("workplace:retention"),
        "back_name": "Сроки хранения",
        "wide": ("kind", "basis", "unsure"),
    }
    return render(request, "workplace/row_form.html", context, status=422 if form.errors else 200)
