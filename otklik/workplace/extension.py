"""«Срок» beside the card: the term with its grounds, one lawful extension of it, and a control term."""

from __future__ import annotations

from datetime import date
from typing import Any

from django import forms
from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.http import require_http_methods

from otklik.appeals import access, control_term, extension, regime_choice, steps, terms
from otklik.appeals.models import Appeal, TermExtension
from otklik.appeals.permissions import allows
from otklik.core import terms as rules
from otklik.core.access import requires
from otklik.core.errors import DomainError, why_not
from otklik.core.forms import DATE_INPUT, TidyForm
from otklik.core.models import Regime
from otklik.people.models import Employee
from otklik.workplace import queue
from otklik.workplace.matter_part import Part, Step, is_there
from otklik.workplace.requests import StaffRequest


class ExtendForm(TidyForm):
    """For how long, why, and who decided."""

    days = forms.IntegerField(label="На сколько дней продлить", min_value=1)
    reason = forms.CharField(
        label="Почему",
        max_length=500,
        widget=forms.Textarea(attrs={"rows": 3}),
        help_text="Заявитель прочитает это в уведомлении.",
    )
    decided_by = forms.ModelChoiceField(Employee.objects.none(), label="Кто решил", empty_label="Выберите")

    def __init__(self, *args: Any, most: int, user: Employee, **kwargs: Any) -> None:
        """Offer who may decide; where the user may, he is chosen."""
        super().__init__(*args, **kwargs)
        self.fields["days"].help_text = f"Не больше {most}."
        people = extension.officials()
        field = self.fields["decided_by"]
        assert isinstance(field, forms.ModelChoiceField)
        field.queryset = Employee.objects.filter(pk__in=[one.pk for one in people])
        if any(one.pk == user.pk for one in people):
            field.initial = user.pk


class ControlForm(TidyForm):
    """Who wants to hear of the answer, by which day."""

    until = forms.DateField(label="Контрольный срок", widget=DATE_INPUT)
    body = forms.CharField(label="Кто установил", max_length=300)
    basis = forms.CharField(label="Документ", max_length=300, required=False, help_text="Номер и дата письма.")


class RegimeForm(TidyForm):
    """Under which law the appeal belongs, and why it is changed."""

    regime = forms.ModelChoiceField(Regime.objects.none(), label="Режим рассмотрения", empty_label="Выберите режим")
    reason = forms.CharField(label="Почему", max_length=200)

    def __init__(self, *args: Any, appeal: Appeal, **kwargs: Any) -> None:
        """Offer the regimes of today, but for the one it is under."""
        super().__init__(*args, **kwargs)
        field = self.fields["regime"]
        assert isinstance(field, forms.ModelChoiceField)
        field.queryset = rules.regimes(timezone.localdate()).exclude(pk=appeal.regime_id)


def part(appeal: Appeal, user: Employee) -> Part | None:
    """Return the term's part: what was extended, what a higher body set, and what can still be done."""
    open_ = appeal.due_on is not None and appeal.closed_on is None
    rows = TermExtension.objects.filter(appeal=appeal).select_related("rule", "decided_by")
    row = rows.first() if is_there(appeal, "extension") else None
    control = control_term.current(appeal) if is_there(appeal, "control") else None
    found = extension.offer(appeal, known=row) if open_ else None
    taken: list[Step] = []
    if found is not None and not found.refusal and steps.can("extend", appeal, user):
        taken.append(Step("Продлить срок", "extend", "clock"))
    if steps.can("control", appeal, user):
        taken.append(Step("Контрольный срок", "control", "calendar"))
    if steps.can("change_regime", appeal, user):
        taken.append(Step("Изменить режим", "change_regime", "pencil"))
    pauses = list(appeal.pauses.order_by("starts_on")) if appeal.regime.pause_basis else []
    if pauses and pauses[-1].ends_on is None and user.has_power(terms.PAUSES):
        taken.append(Step("Возобновить срок", "pause", "player-play"))
    elif allows(terms.check_can_pause, appeal, user):
        taken.append(Step("Приостановить срок", "pause", "player-stop"))
    if found is None and row is None and control is None:
        return None
    facts = {"extension": row, "control": control, "offer": found, "appeal": appeal, "pauses": pauses}
    return Part("Срок", "clock", "workplace/law/term_part.html", facts, tuple(taken))


@requires(*extension.POWERS)
@require_http_methods(["GET", "POST"])
def extend(request: StaffRequest, pk: int) -> HttpResponse:
    """Show till when the term may run, with its article; a POST extends it and queues the notice."""
    appeal = access.get_for(request.user, pk)
    found, refused = extension.offer(appeal), why_not(steps.CHECKS["extend"], appeal, request.user)
    most = found.rule.days if found.rule else 1
    form = ExtendForm(request.POST or None, most=most, user=request.user, initial={"days": most})
    status = 200
    if request.method == "POST":
        status = 422
        if form.is_valid():
            try:
                row = extension.extend(appeal, **form.cleaned_data, by=request.user)
            except DomainError as refusal:
                form.add_error(None, str(refusal))
                status = refusal.status
            else:
                messages.success(request, f"Срок продлён до {row.due_on:%d.%m.%Y}. Заявителю готово уведомление.")
                return redirect(queue.card_url(request, pk))
    asked = form["days"].value()
    facts = {
        "appeal": appeal,
        "form": form,
        "offer": found,
        "why_not": refused or found.refusal,
        "becomes": _becomes(appeal, found, asked),
        "first": appeal.due_on,
    }
    return render(request, "workplace/law/extend.html", facts, status=status)


def _becomes(appeal: Appeal, found: extension.Offer, asked: object) -> date | None:
    """Return the date that the number in the form would give."""
    if found.rule is None or found.refusal or not str(asked).isdecimal():
        return None
    days = int(str(asked)[:4])
    return extension.preview(appeal, found.rule, days) if 1 <= days <= found.rule.days else None


@requires(control_term.POWER)
@require_http_methods(["GET", "POST"])
def control(request: StaffRequest, pk: int) -> HttpResponse:
    """Set a control term in the place of the one there is, or lift it with a reason."""
    appeal = access.get_for(request.user, pk)
    now = control_term.current(appeal)
    lifts = "lift" in request.POST
    initial = {"until": now.until, "body": now.body, "basis": now.basis} if now else {}
    form = ControlForm(request.POST if request.method == "POST" and not lifts else None, initial=initial)
    error, status = "", 200
    if request.method == "POST":
        status = 422
        try:
            if lifts:
                control_term.lift(appeal, why=request.POST.get("reason", ""), by=request.user)
                messages.success(request, "Контрольный срок снят, действует наш.")
                return redirect(queue.card_url(request, pk))
            if form.is_valid():
                control_term.put(appeal, **form.cleaned_data, by=request.user)
                due = f"{appeal.due_on:%d.%m.%Y}"
                messages.success(request, f"Контрольный срок записан. Ответить нужно до {due}.")
                return redirect(queue.card_url(request, pk))
        except DomainError as refusal:
            error, status = str(refusal), refusal.status
    facts = {
        "appeal": appeal,
        "form": form,
        "now": now,
        "error": error,
        "reason": request.POST.get("reason", "") if lifts else "",
        "why_not": why_not(steps.CHECKS["control"], appeal, request.user),
        "today": timezone.localdate(),
    }
    return render(request, "workplace/law/control_term.html", facts, status=status)


@requires(regime_choice.POWER)
@require_http_methods(["GET", "POST"])
def change_regime(request: StaffRequest, pk: int) -> HttpResponse:
    """Put the appeal under another regime with a reason; the date is counted anew by its rules."""
    appeal = access.get_for(request.user, pk)
    form = RegimeForm(request.POST or None, appeal=appeal)
    status = 200
    if request.method == "POST":
        status = 422
        if form.is_valid():
            try:
                due = regime_choice.change(appeal, **form.cleaned_data, by=request.user)
            except DomainError as refusal:
                form.add_error(None, str(refusal))
                status = refusal.status
            else:
                messages.success(request, f"Режим изменён. Ответить нужно до {due:%d.%m.%Y}.")
                return redirect(queue.card_url(request, pk))
    facts = {"appeal": appeal, "form": form, "why_not": why_not(steps.CHECKS["change_regime"], appeal, request.user)}
    return render(request, "workplace/law/change_regime.html", facts, status=status)
