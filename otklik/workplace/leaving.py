"""An employee leaves: what he holds in every room goes to colleagues in one action, and his account is blocked."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django import forms
from django.contrib import messages
from django.db.models import QuerySet
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.http import require_http_methods

from otklik.appeals import handover
from otklik.appeals.handover import Held
from otklik.core.access import requires
from otklik.core.errors import DomainError
from otklik.core.forms import TidyForm
from otklik.people import accounts, staff
from otklik.people.models import Employee
from otklik.reception import passing
from otklik.workplace import duties
from otklik.workplace.duties import Others
from otklik.workplace.requests import StaffRequest
from otklik.workplace.staff import choose, employee_of

# Of each kind: any of these powers makes a colleague fit to be offered; the domain judges him in full.
_OFFERED = {
    handover.WORK: ("appeals.draft",),
    handover.APPROVALS: ("appeals.approve",),
    handover.SIGNATURES: ("appeals.sign", "appeals.approve"),
    handover.RESOLUTIONS: (),
    handover.ROUTES: ("appeals.approve",),
    handover.SUBSTITUTIONS: (),
} | {duty.code: duty.powers for duty in duties.DUTIES}
_TITLES = handover.KINDS | {duty.code: duty.title for duty in duties.DUTIES}


class Colleague(forms.ModelChoiceField):  # type: ignore[type-arg]
    """A colleague to choose, with his unit."""

    def label_from_instance(self, obj: Any) -> str:
        """Return «Петрова Е. В. — отдел аренды»."""
        return f"{obj.short_name} — {obj.unit}" if obj.unit else str(obj.short_name)


class HandoverForm(TidyForm):
    """Who takes everything, or each kind to a colleague of its own."""

    everyone = Colleague(Employee.objects.none(), label="Кому передать", required=False, empty_label="Выберите коллегу")

    def __init__(self, *args: Any, employee: Employee, held: Held, others: Others, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.kinds = [*held.kinds(), *(duty.code for duty in others.rows)]
        everybody = _colleagues(employee, [code for kind in self.kinds for code in _OFFERED[kind]])
        workers = _colleagues(employee, _OFFERED[handover.WORK])
        if handover.WORK in self.kinds:
            fit = handover.may_execute(held, workers)
            if fit.exists():
                everybody = workers = fit
            else:
                self.fields["everyone"].help_text = self._nobody(held)
        choose(self, "everyone", everybody)
        for kind in self.kinds if len(self.kinds) > 1 else ():
            field = Colleague(
                workers if kind == handover.WORK else _colleagues(employee, _OFFERED[kind]),
                label=_TITLES[kind].capitalize(),
                required=False,
                empty_label="Тому же коллеге",
            )
            field.widget.attrs["class"] = "form-select"
            self.fields[kind] = field

    @staticmethod
    def _nobody(held: Held) -> str:
        units = sorted({f"«{one.unit}»" for one in held.appeals if one.unit})
        where = "подразделения" if len(units) == 1 else "сразу всех подразделений:"
        return f"Больше никто не готовит ответы {where} {', '.join(units)}. Пусть делопроизводитель назначит их заново."

    def takers(self) -> dict[str, Employee]:
        """Return kind → who takes it, as far as chosen."""
        chosen = {kind: self.cleaned_data.get(kind) or self.cleaned_data.get("everyone") for kind in self.kinds}
        return {kind: one for kind, one in chosen.items() if one}

    def apart(self) -> list[forms.BoundField]:
        """Return the fields of single kinds."""
        return [self[kind] for kind in self.kinds if kind in self.fields]


class ReceptionsForm(TidyForm):
    """Who receives those who are booked with him, and what is told to them."""

    taker = Colleague(
        Employee.objects.none(),
        label="Кто примет записанных",
        required=False,
        empty_label="Выберите должностное лицо",
        help_text="Только те, у кого на эти дни есть собственное полномочие на личный приём.",
    )
    why = forms.CharField(
        label="Причина для заявителей",
        max_length=200,
        help_text="Её увидят в уведомлении, например: «должностное лицо больше не ведёт приём».",
    )
    cancel_rest = forms.BooleanField(
        label="Кого в тот же день принять некому — отменить запись и сообщить заявителю", required=False
    )

    def __init__(self, *args: Any, employee: Employee, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        choose(self, "taker", passing.takers(employee))
        self.has_takers = self.fields["taker"].queryset.exists()  # type: ignore[attr-defined]


class BlockForm(HandoverForm):
    """The ground of the block, and who takes what is left."""

    basis = forms.CharField(
        label="Основание",
        required=False,
        max_length=300,
        help_text="Например: приказ об увольнении, подозрение на утечку пароля.",
    )


def _colleagues(employee: Employee, powers: Any) -> QuerySet[Employee]:
    """Return active colleagues who hold any of the powers today; none named: all."""
    active = Employee.objects.filter(is_active=True).exclude(pk=employee.pk).select_related("unit")
    if not powers:
        return active
    fit = {one.pk for power in dict.fromkeys(powers) for one in staff.holders(power, on=timezone.localdate())}
    return active.filter(pk__in=fit)


@requires("people.manage")
@require_http_methods(["GET", "POST"])
def hand_over(request: StaffRequest, pk: int) -> HttpResponse:
    """Show what an employee holds; a POST passes all of it on."""
    employee = employee_of(pk)
    if request.method == "POST" and request.POST.get("do") == "receptions":
        return _receptions(request, employee)
    held, others = handover.held_by(employee), duties.held_by(employee)
    form = HandoverForm(request.POST or None, employee=employee, held=held, others=others)
    if request.method == "POST" and form.is_valid():
        try:
            handover.hand_over(employee, to=form.takers(), by=request.user, also=_also(request, employee, form))
        except DomainError as refusal:
            form.add_error(None, str(refusal))
        else:
            messages.success(request, f"{employee.short_name}: дела переданы.")
            return redirect("workplace:employee", pk=pk)
    return _page(request, form, employee, held, others, blocking=False)


@requires("people.manage")
@require_http_methods(["GET", "POST"])
def block(request: StaffRequest, pk: int) -> HttpResponse:
    """Block an account: with what he holds handed over, or at once where there is no time to lose."""
    employee = employee_of(pk)
    held, others = handover.held_by(employee), duties.held_by(employee)
    form = BlockForm(request.POST or None, employee=employee, held=held, others=others)
    if request.method == "POST" and form.is_valid():
        basis = form.cleaned_data["basis"]
        try:
            if (held or others) and "at_once" not in request.POST:
                also = _also(request, employee, form)
                handover.hand_over_and_block(employee, to=form.takers(), basis=basis, by=request.user, also=also)
                words = f"{employee.short_name}: дела переданы, учётная запись заблокирована."
            else:
                accounts.block(employee, basis=basis, by=request.user)
                words = f"{employee.short_name}: учётная запись заблокирована."
        except DomainError as refusal:
            form.add_error(None, str(refusal))
        else:
            messages.success(request, words)
            return redirect("workplace:employee", pk=pk)
    return _page(request, form, employee, held, others, blocking=True)


def _receptions(request: StaffRequest, employee: Employee) -> HttpResponse:
    """Let another official receive those who are booked with him, or call them off."""
    form = ReceptionsForm(request.POST, employee=employee, prefix="receptions")
    if form.is_valid():
        said = form.cleaned_data
        try:
            done = passing.pass_on(
                employee, said["taker"], why=said["why"], cancel_rest=said["cancel_rest"], by=request.user
            )
        except DomainError as refusal:
            form.add_error(None, str(refusal))
        else:
            words = f"Записи на приём: передано {done.moved}, отменено {done.cancelled}. Заявителям уйдут уведомления."
            messages.success(request, words)
            return redirect("workplace:employee_handover", pk=employee.pk)
    held, others = handover.held_by(employee), duties.held_by(employee)
    own = HandoverForm(None, employee=employee, held=held, others=others)
    return _page(request, own, employee, held, others, blocking=False, receptions=form)


def _also(request: StaffRequest, employee: Employee, form: HandoverForm) -> Callable[[], bool]:
    return lambda: duties.pass_on(employee, to=form.takers(), by=request.user)


def _page(
    request: StaffRequest,
    form: HandoverForm,
    employee: Employee,
    held: Held,
    others: Others,
    *,
    blocking: bool,
    receptions: ReceptionsForm | None = None,
) -> HttpResponse:
    context = {"form": form, "employee": employee, "held": held, "others": others, "blocking": blocking}
    context |= {"something": bool(held or others), "apart": duties.apart(employee)}
    if booked := list(passing.of(employee)):
        context |= {
            "booked": booked,
            "receptions": receptions or ReceptionsForm(employee=employee, prefix="receptions"),
        }
    status = 422 if request.method == "POST" else 200
    return render(request, "workplace/staff/leave.html", context, status=status)
