"""«Части соисполнителей»: who was asked for what and by when, handing in, and assembling the draft in one press."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.http import require_http_methods, require_POST

from otklik.appeals import access, drafting, parts
from otklik.appeals.models import Appeal, HelperPart
from otklik.appeals.permissions import allows
from otklik.core.access import requires
from otklik.core.errors import DomainError, why_not
from otklik.core.forms import DATE_INPUT, SeveralField, TidyForm
from otklik.people import staff
from otklik.people.models import Employee
from otklik.workplace import queue
from otklik.workplace.matter_part import Part, Step, is_there
from otklik.workplace.requests import StaffRequest


class AskForm(TidyForm):
    """Who hands in what, and by which day."""

    people = SeveralField(
        Employee.objects.none(),
        label="Кого просите",
        widget=forms.CheckboxSelectMultiple,
        error_messages={"required": "Выберите, кого просите."},
    )
    what = forms.CharField(
        label="Что нужно",
        max_length=500,
        widget=forms.Textarea(attrs={"rows": 3}),
        help_text="Например: «Проверить, есть ли участок в реестре, приложить выписку».",
        error_messages={"required": "Напишите, что нужно от соисполнителя."},
    )
    due_on = forms.DateField(label="Сдать до", widget=DATE_INPUT)

    def __init__(self, *args: Any, appeal: Appeal, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        drafters = staff.holders("appeals.draft", on=timezone.localdate()).filter(is_active=True)
        field: Any = self.fields["people"]
        field.queryset = drafters.exclude(pk=appeal.executor_id or 0).select_related("unit").order_by("last_name", "pk")
        field.label_from_instance = lambda one: f"{one.short_name} — {one.unit}" if one.unit else one.short_name


def part(appeal: Appeal, user: Employee) -> Part | None:
    """Return «Части соисполнителей» of an appeal."""
    rows: list[Any] = parts.of(appeal) if is_there(appeal, "parts") else []
    may_ask = allows(parts.check_can_ask, appeal, user)
    if not rows and not may_ask:
        return None
    today = timezone.localdate()
    for row in rows:
        row.late = parts.is_late(row, today)
        row.opens = user.has_power("appeals.draft")
        row.mine = row.taken_at is None and access.stands_for(user, row.employee)
    ready = [row for row in rows if row.handed_at and row.taken_at is None]
    facts = {
        "rows": rows,
        "appeal": appeal,
        "ready": len(ready) if may_ask else 0,
        "waiting": sum(1 for row in rows if row.handed_at is None),
        "may_ask": may_ask,
    }
    steps = (Step("Попросить часть", "part_ask", "user-plus"),) if may_ask else ()
    return Part("Части соисполнителей", "users", "workplace/law/parts_part.html", facts, steps, len(rows))


@requires("appeals.draft")
@require_http_methods(["GET", "HEAD", "POST"])
def ask(request: StaffRequest, pk: int) -> HttpResponse:
    """Ask colleagues for their parts by an internal date."""
    appeal = access.get_for(request.user, pk)
    helpers = list(appeal.helpers.values_list("employee", flat=True))
    initial = {"people": helpers, "due_on": parts.propose_date(appeal)}
    form = AskForm(request.POST if request.method == "POST" else None, initial=initial, appeal=appeal)
    status = 200
    if request.method == "POST":
        status = 422
        if form.is_valid():
            try:
                made = parts.ask(
                    appeal,
                    list(form.cleaned_data["people"]),
                    what=form.cleaned_data["what"],
                    due_on=form.cleaned_data["due_on"],
                    by=request.user,
                )
            except DomainError as refusal:
                form.add_error(None, str(refusal))
                status = refusal.status
            else:
                names = ", ".join(one.employee.short_name for one in made)
                messages.success(request, f"Часть ответа попросили: {names}. Они получат уведомление.")
                return redirect(queue.card_url(request, pk))
    facts = {"appeal": appeal, "form": form, "why_not": why_not(parts.check_can_ask, appeal, request.user)}
    return render(request, "workplace/law/part_ask.html", facts, status=status)


@requires("appeals.draft")
@require_POST
def assemble(request: StaffRequest, pk: int) -> HttpResponse:
    """Put everything that was handed in into the draft."""
    appeal = access.get_for(request.user, pk)
    try:
        taken = parts.assemble(appeal, by=request.user)
    except (DomainError, drafting.DraftConflict) as refusal:
        messages.error(request, str(refusal))
        return redirect(queue.card_url(request, pk))
    names = ", ".join(one.employee.short_name for one in taken)
    messages.success(request, f"В проект ответа вошли части: {names}. Проверьте текст.")
    return redirect("workplace:draft", pk)


@requires("appeals.draft")
@require_http_methods(["GET", "HEAD", "POST"])
def helper_part(request: StaffRequest, pk: int) -> HttpResponse:
    """Show what was asked for; a POST hands in text and files, or takes the request back."""
    rows = HelperPart.objects.select_related("appeal", "employee", "asked_by")
    row = access.get_of_appeal(request.user, rows, "appeal", pk=pk)
    refusal: DomainError | None = None
    if request.method == "POST":
        try:
            if request.POST.get("step") == "withdraw":
                parts.withdraw(row, by=request.user)
                messages.success(request, "Просьба отозвана.")
            else:
                uploads: Any = request.FILES.getlist("files")
                parts.hand_in(row, request.POST.get("text", ""), uploads, by=request.user)
                messages.success(request, "Часть сдана. Исполнитель получит уведомление.")
        except DomainError as exc:
            refusal = exc
        else:
            return redirect(queue.card_url(request, row.appeal_id))
    facts = {
        "row": row,
        "appeal": row.appeal,
        "late": parts.is_late(row, timezone.localdate()),
        "files": list(row.files.select_related("stored")),
        "mine": row.taken_at is None and access.stands_for(request.user, row.employee),
        "can_withdraw": row.handed_at is None and allows(parts.check_can_ask, row.appeal, request.user),
        "typed": request.POST.get("text", "") if refusal else row.text,
        "refusal": refusal,
    }
    return render(request, "workplace/law/helper_part.html", facts, status=refusal.status if refusal else 200)
