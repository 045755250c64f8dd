"""«Назначить»: unit, executor of that unit, co-executors and the internal date."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.http import require_http_methods

from otklik.appeals import access, assignment
from otklik.appeals.models import Appeal
from otklik.core.access import requires
from otklik.core.errors import DomainError, why_not
from otklik.core.forms import DATE_INPUT, SeveralField, TidyForm
from otklik.core.terms import valid
from otklik.core.typed import number
from otklik.people import staff
from otklik.people.models import Employee, Unit
from otklik.workplace import queue
from otklik.workplace.requests import StaffRequest


class AssignForm(TidyForm):
    """Who answers, who helps, and by which day inside the department."""

    unit = forms.ModelChoiceField(Unit.objects.none(), label="Подразделение", empty_label="Выберите подразделение")
    executor = forms.ModelChoiceField(Employee.objects.none(), label="Исполнитель", empty_label="Выберите исполнителя")
    co_executors = SeveralField(
        Employee.objects.none(), label="Соисполнители", required=False, widget=forms.CheckboxSelectMultiple
    )
    internal_due_on = forms.DateField(
        label="Внутренний срок",
        required=False,
        widget=DATE_INPUT,
    )

    def __init__(self, *args: Any, user: Employee, unit: Unit | None, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._choose("unit", _units_for(user))
        drafters = Employee.objects.filter(
            pk__in=[one.pk for one in staff.holders("appeals.draft", on=timezone.localdate())], is_active=True
        ).select_related("unit")
        within = assignment.candidates(unit) if unit else []
        self._choose("executor", drafters.filter(pk__in=[one.pk for one in within]))
        executors = self.fields["executor"]
        assert isinstance(executors, forms.ModelChoiceField)
        in_work = assignment.in_work(within)
        told = [(one.pk, f"{one} — в работе {in_work.get(one.pk, 0)}") for one in within]
        executors.choices = [("", executors.empty_label), *told]
        self._choose("co_executors", drafters)

    def _choose(self, name: str, rows: Any) -> None:
        field = self.fields[name]
        if isinstance(field, forms.ModelChoiceField):
            field.queryset = rows


@requires("appeals.assign")
@require_http_methods(["GET", "POST"])
def assign(request: StaffRequest, pk: int) -> HttpResponse:
    """Show who can answer, then assign. Choosing another unit asks for its people again."""
    appeal = access.get_for(request.user, pk)
    typed = request.POST if request.method == "POST" else request.GET
    if request.method != "POST" or "show_people" in request.POST:
        form = AssignForm(initial=_initial(appeal, typed), user=request.user, unit=_unit(appeal, typed))
        return _page(request, appeal, form)
    form = AssignForm(request.POST, user=request.user, unit=_unit(appeal, typed))
    if not form.is_valid():
        return _page(request, appeal, form, status=422)
    try:
        assignment.assign(appeal, **form.cleaned_data, by=request.user)
    except DomainError as refusal:
        form.add_error(None, str(refusal))
        return _page(request, appeal, form, status=refusal.status)
    messages.success(request, f"Обращение № {appeal.number} назначено: {form.cleaned_data['executor'].short_name}")
    return redirect(queue.card_url(request, appeal.pk))


def _page(request: StaffRequest, appeal: Appeal, form: AssignForm, status: int = 200) -> HttpResponse:
    context = {
        "appeal": appeal,
        "form": form,
        "proposed": assignment.propose_internal_date(appeal),
        "why_not": why_not(assignment.check_can_assign, appeal, request.user),
    }
    template = "workplace/assign.html#people" if request.htmx and request.method == "GET" else "workplace/assign.html"
    return render(request, template, context, status=status)


def _unit(appeal: Appeal, given: Any) -> Unit | None:
    """Return the unit that was chosen, else the proposed one."""
    if "unit" in given:
        return Unit.objects.filter(pk=number(given["unit"]) or 0).first()
    return assignment.propose_unit(appeal)


def _initial(appeal: Appeal, typed: Any) -> dict[str, Any]:
    unit = _unit(appeal, typed)
    people = assignment.candidates(unit) if unit else []
    only = people[0].pk if len(people) == 1 else None  # nobody to choose from
    return {
        "unit": unit.pk if unit else None,
        "executor": typed.get("executor") or appeal.executor_id or only,
        "co_executors": typed.getlist("co_executors") or [row.employee_id for row in appeal.helpers.all()],
        "internal_due_on": typed.get("internal_due_on")
        or appeal.internal_due_on
        or assignment.propose_internal_date(appeal),
    }


def _units_for(user: Employee) -> Any:
    units = Unit.objects.filter(valid(timezone.localdate()))
    return units if user.has_power(access.ALL) else units.filter(pk__in=access.units_of(user))
