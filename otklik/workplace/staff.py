"""«Сотрудники»: the list, the card of one, and what an administrator does with an account."""

from __future__ import annotations

from dataclasses import asdict
from datetime import timedelta
from typing import Any, Final

from django import forms
from django.contrib import messages
from django.core.paginator import Paginator
from django.db import transaction
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from otklik.appeals import handover
from otklik.core import typed
from otklik.core.access import requires
from otklik.core.errors import DomainError
from otklik.core.forms import DATE_INPUT, TidyForm
from otklik.core.models import JournalEntry
from otklik.core.terms import valid
from otklik.people import accounts, directory, ldap, roles, substitution
from otklik.people.accounts import LABELS, Facts
from otklik.people.models import Employee, Role, RoleAssignment, Substitution, Transfer, Unit
from otklik.workplace import duties
from otklik.workplace.requests import StaffRequest

PER_PAGE: Final = 50
HISTORY: Final = 15
PASSWORDS_AT_ONCE: Final = 20  # each is hashed slowly on purpose


class FactsForm(TidyForm):
    """What is known of an employee. Lengths are judged by `accounts`, in words, and nothing typed is cut."""

    last_name = forms.CharField(label=LABELS["last_name"])
    first_name = forms.CharField(label=LABELS["first_name"])
    patronymic = forms.CharField(label=LABELS["patronymic"], required=False)
    post = forms.CharField(label=LABELS["post"], required=False)
    phone = forms.CharField(label=LABELS["phone"], required=False)
    email = forms.CharField(label=LABELS["email"], required=False)
    username = forms.CharField(
        label=LABELS["username"], help_text="Латинские буквы, цифры, точка, дефис. Например: petrova."
    )

    def __init__(self, *args: Any, known: Employee | None = None, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.known = known
        self.fields["username"].widget.attrs["autocomplete"] = "off"

    def facts(self) -> Facts:
        """Return what was typed."""
        return Facts(**{name: self.cleaned_data.get(name, "") for name in LABELS})

    def clean(self) -> dict[str, Any]:
        """Ask the one rule about every field."""
        data = super().clean() or {}
        for name, words in accounts.problems(self.facts(), self.known).items():
            if name not in self.errors:
                self.add_error(name, words[:1].upper() + words[1:])
        return data


class NewForm(FactsForm):
    """A new employee: also where he works and his first role."""

    unit = forms.ModelChoiceField(
        Unit.objects.none(), label="Подразделение", required=False, empty_label="Без подразделения"
    )
    role = forms.ModelChoiceField(
        Role.objects.all(), label="Роль", required=False, empty_label="Назначить позже", help_text="С сегодняшнего дня."
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        choose(self, "unit", units_today())


class MoveForm(TidyForm):
    """Where to, from which day and on what ground."""

    unit = forms.ModelChoiceField(Unit.objects.none(), label="Куда", empty_label="Выберите подразделение")
    starts_on = forms.DateField(label="С какого дня", widget=DATE_INPUT)
    basis = forms.CharField(label="Основание", required=False, max_length=300, help_text="Приказ, если он есть.")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        choose(self, "unit", units_today())


class RoleForm(TidyForm):
    """Which role, where and between which days."""

    role = forms.ModelChoiceField(Role.objects.all(), label="Роль", empty_label="Выберите роль")
    unit = forms.ModelChoiceField(
        Unit.objects.none(), label="В каком подразделении", required=False, empty_label="В своём подразделении"
    )
    valid_from = forms.DateField(label="С какого дня", widget=DATE_INPUT)
    valid_to = forms.DateField(
        label="По какой день", required=False, widget=DATE_INPUT, help_text="Пусто — пока не завершат."
    )
    basis = forms.CharField(label="Основание", required=False, max_length=300, help_text="Приказ, если он есть.")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        choose(self, "unit", units_today())


class EndRoleForm(TidyForm):
    """The last day of a role; empty: it ends at once."""

    last_day = forms.DateField(
        label="Последний день", required=False, widget=DATE_INPUT, help_text="Пусто — снять сейчас."
    )


def choose(form: forms.Form, name: str, rows: Any) -> None:
    """Give a choice field its rows."""
    field = form.fields[name]
    if isinstance(field, forms.ModelChoiceField):
        field.queryset = rows


def units_today() -> Any:
    """Return the units that exist today."""
    return Unit.objects.filter(valid(timezone.localdate()))


def employee_of(pk: int) -> Employee:
    """Return the employee of an address."""
    return get_object_or_404(Employee.objects.select_related("unit"), pk=pk)


@requires("people.manage")
@require_http_methods(["GET", "POST"])
def staff_list(request: StaffRequest) -> HttpResponse:
    """List employees, 50 a page. What is looked for comes by POST: names stay out of addresses and logs."""
    given = request.POST if request.method == "POST" else request.GET
    asked = directory.Asked(
        text=given.get("text", "")[:200],
        unit=typed.number(given.get("unit")),
        role=given.get("role", ""),
        state=given.get("state", "") if given.get("state", "") in directory.STATES else "",
    )
    rows = directory.find(asked, on=timezone.localdate())
    context = {
        "page": Paginator(rows, PER_PAGE).get_page(given.get("page")),
        "asked": asked,
        "units": units_today(),
        "roles": Role.objects.all(),
        "states": directory.STATES.items(),
        "ldap": ldap.is_configured(),
    }
    return render(request, "workplace/staff/list.html", context)


@requires("people.manage")
@never_cache
@require_http_methods(["GET", "POST"])
def new(request: StaffRequest) -> HttpResponse:
    """Make an employee with his first role, and show his temporary password once."""
    form = NewForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            with transaction.atomic():
                employee = accounts.create(form.facts(), unit=form.cleaned_data["unit"], by=request.user)
                if role := form.cleaned_data["role"]:
                    roles.give(employee, role, valid_from=timezone.localdate(), by=request.user)
                password = accounts.temporary_password(employee, by=request.user)
        except accounts.BadFacts as refusal:
            for name, words in refusal.problems.items():
                form.add_error(name, words[:1].upper() + words[1:])
        except DomainError as refusal:
            form.add_error(None, str(refusal))
        else:
            return passwords_page(request, [(employee, password)], title="Сотрудник заведён")
    status = 422 if request.method == "POST" else 200
    return render(request, "workplace/staff/edit.html", {"form": form, "employee": None}, status=status)


@requires("people.manage")
@require_GET
def card(request: StaffRequest, pk: int) -> HttpResponse:
    """Show one employee: facts, roles, substitutions, transfers, what he holds, and what was done with the account."""
    employee = employee_of(pk)
    today = timezone.localdate()
    held = RoleAssignment.objects.filter(employee=employee).select_related("role", "unit")
    away = Substitution.objects.filter(absent=employee, ends_on__gte=today).select_related("absent", "deputy")
    history = JournalEntry.objects.filter(chain=f"employee:{pk}").select_related("actor")
    context = {
        "employee": employee,
        "today": today,
        "roles": [row for row in held.order_by("valid_from", "pk") if not row.valid_to or row.valid_to >= today],
        "past_roles": [row for row in held.order_by("-valid_to", "pk") if row.valid_to and row.valid_to < today],
        "away": [*away, *substitution.intended(employee)],
        "transfers": employee.transfers.select_related("unit", "was"),
        "extensions": employee.extensions.filter(valid(today)),
        "may_keep_lines": request.user.has_power("dictionaries.edit"),
        "held": handover.held_by(employee),
        "others": duties.held_by(employee),
        "history": history.order_by("-seq")[:HISTORY],
        "has_password": employee.has_usable_password(),
        "is_himself": employee.pk == request.user.pk,
    }
    return render(request, "workplace/staff/card.html", context)


@requires("people.manage")
@require_http_methods(["GET", "POST"])
def edit(request: StaffRequest, pk: int) -> HttpResponse:
    """Change the facts; where another administrator was quicker, show his values beside the typed ones."""
    employee = employee_of(pk)
    version = typed.number(request.POST.get("version")) or employee.version
    form = FactsForm(request.POST or None, known=employee, initial=asdict(accounts.facts_of(employee)))
    theirs: list[tuple[str, str, str]] = []
    status = 200
    if request.method == "POST":
        status = 422
        try:
            if form.is_valid():
                changed = accounts.change(employee, form.facts(), version=version, by=request.user)
                messages.success(request, "Сведения записаны." if changed else "Ничего не изменилось.")
                return redirect("workplace:employee", pk=pk)
        except accounts.EmployeeChanged as conflict:
            form.add_error(None, str(conflict))
            mine, version, status = form.facts(), conflict.version, conflict.status
            theirs = [
                (LABELS[name], getattr(mine, name), getattr(conflict.theirs, name))
                for name in accounts.differing(mine, conflict.theirs)
            ]
        except accounts.BadFacts as refusal:
            for name, words in refusal.problems.items():
                form.add_error(name, words[:1].upper() + words[1:])
    context = {"form": form, "employee": employee, "version": version, "theirs": theirs}
    return render(request, "workplace/staff/edit.html", context, status=status)


@requires("people.manage")
@require_http_methods(["GET", "POST"])
def move(request: StaffRequest, pk: int) -> HttpResponse:
    """Move to another unit from a day on."""
    employee = employee_of(pk)
    form = MoveForm(request.POST or None, initial={"starts_on": timezone.localdate()})
    if request.method == "POST" and form.is_valid():
        try:
            row = accounts.move(employee, **form.cleaned_data, by=request.user)
        except DomainError as refusal:
            form.add_error(None, str(refusal))
        else:
            words = "Переведён." if row.done else f"Перевод назначен: он состоится {row.starts_on:%d.%m.%Y} сам."
            messages.success(request, words)
            return redirect("workplace:employee", pk=pk)
    context = {"form": form, "employee": employee, "held": handover.held_by(employee)}
    return render(request, "workplace/staff/move.html", context, status=_status(request, form))


@requires("people.manage")
@require_POST
def cancel_move(request: StaffRequest, pk: int) -> HttpResponse:
    """Take a coming transfer back."""
    row = get_object_or_404(Transfer, pk=pk)
    accounts.cancel_move(row, by=request.user)
    messages.success(request, "Перевод отменён.")
    return redirect("workplace:employee", pk=row.employee_id)


@requires("people.manage")
@require_http_methods(["GET", "POST"])
def give_role(request: StaffRequest, pk: int) -> HttpResponse:
    """Give a role."""
    employee = employee_of(pk)
    form = RoleForm(request.POST or None, initial={"valid_from": timezone.localdate()})
    if request.method == "POST" and form.is_valid():
        try:
            row = roles.give(employee, **form.cleaned_data, by=request.user)
        except DomainError as refusal:
            form.add_error(None, str(refusal))
        else:
            messages.success(request, f"Роль «{row.role}» дана с {row.valid_from:%d.%m.%Y}.")
            return redirect("workplace:employee", pk=pk)
    context = {"form": form, "employee": employee}
    return render(request, "workplace/staff/role.html", context, status=_status(request, form))


@requires("people.manage")
@require_http_methods(["GET", "POST"])
def end_role(request: StaffRequest, pk: int) -> HttpResponse:
    """End a role: on a day, or at once."""
    row = get_object_or_404(RoleAssignment.objects.select_related("employee__unit", "role", "unit"), pk=pk)
    form = EndRoleForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        last_day = form.cleaned_data["last_day"] or timezone.localdate() - timedelta(days=1)
        try:
            roles.end(row, last_day=last_day, by=request.user)
        except DomainError as refusal:
            form.add_error(None, str(refusal))
        else:
            messages.success(request, f"Роль «{row.role}» завершена.")
            return redirect("workplace:employee", pk=row.employee_id)
    context = {"form": form, "row": row, "employee": row.employee}
    return render(request, "workplace/staff/role.html", context, status=_status(request, form))


@requires("people.manage")
@never_cache
@require_POST
def password(request: StaffRequest, pk: int) -> HttpResponse:
    """Give a temporary password and show it once."""
    employee = employee_of(pk)
    given = accounts.temporary_password(employee, by=request.user)
    return passwords_page(request, [(employee, given)], title="Временный пароль выдан")


@requires("people.manage")
@never_cache
@require_POST
def unblock(request: StaffRequest, pk: int) -> HttpResponse:
    """Open the account again with a new temporary password."""
    employee = employee_of(pk)
    with transaction.atomic():
        accounts.unblock(employee, by=request.user)
        given = accounts.temporary_password(employee, by=request.user)
    return passwords_page(request, [(employee, given)], title="Учётная запись открыта")


@requires("people.manage")
@never_cache
@require_http_methods(["GET", "POST"])
def passwords(request: StaffRequest) -> HttpResponse:
    """Show who has no password yet; a POST gives temporary ones to those chosen and shows them once."""
    waiting = directory.without_password(Employee.objects.select_related("unit")).order_by("last_name", "first_name")
    if request.method == "POST":
        chosen = [pk for pk in map(typed.number, request.POST.getlist("employee")) if pk][:PASSWORDS_AT_ONCE]
        given = [(one, accounts.temporary_password(one, by=request.user)) for one in waiting.filter(pk__in=chosen)]
        if given:
            return passwords_page(request, given, title="Временные пароли выданы")
        messages.warning(request, "Отметьте хотя бы одного сотрудника без пароля.")
    context = {"waiting": waiting[:PASSWORDS_AT_ONCE], "total": waiting.count()}
    return render(request, "workplace/staff/passwords.html", context, status=200 if request.method == "GET" else 422)


def passwords_page(request: StaffRequest, given: list[tuple[Employee, str]], *, title: str) -> HttpResponse:
    """Show passwords this once: no address leads here again."""
    return render(request, "workplace/staff/given.html", {"given": given, "title": title})


def _status(request: StaffRequest, form: forms.Form) -> int:
    return 422 if request.method == "POST" and form.errors else 200
