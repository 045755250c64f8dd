"""«Меня не будет»: an employee or his head names the deputy and the dates; nothing is handed over by hand."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import messages
from django.db.models import Q, QuerySet
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.views.decorators.http import require_http_methods, require_POST

from otklik.core import typed
from otklik.core.access import requires
from otklik.core.errors import DomainError
from otklik.core.forms import DATE_INPUT, TidyForm
from otklik.people import staff, substitution
from otklik.people.models import Employee, Substitution
from otklik.workplace.requests import StaffRequest


class SubstitutionForm(TidyForm):
    """Who is away, between which days, and who stands in."""

    absent = forms.ModelChoiceField(Employee.objects.none(), label="Кого не будет", empty_label=None)
    deputy = forms.ModelChoiceField(Employee.objects.none(), label="Кто замещает", empty_label="Выберите сотрудника")
    starts_on = forms.DateField(label="С какого дня", widget=DATE_INPUT)
    ends_on = forms.DateField(label="По какой день включительно", widget=DATE_INPUT)
    basis = forms.CharField(label="Основание", required=False, max_length=300, help_text="Приказ, если он есть.")

    def __init__(self, *args: Any, user: Employee, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._choose("absent", may_be_absent(user))
        self._choose("deputy", Employee.objects.filter(is_active=True).select_related("unit"))

    def _choose(self, name: str, rows: QuerySet[Employee]) -> None:
        field = self.fields[name]
        if isinstance(field, forms.ModelChoiceField):
            field.queryset = rows


@requires()
@require_http_methods(["GET", "POST"])
def away(request: StaffRequest) -> HttpResponse:
    """Show the coming and running substitutions; a POST adds one."""
    form = SubstitutionForm(
        request.POST or None,
        user=request.user,
        initial={
            "absent": typed.number(request.GET.get("absent")) or request.user.pk,
            "starts_on": timezone.localdate(),
        },
    )
    status = 200
    if request.method == "POST":
        if form.is_valid():
            try:
                substitution.substitute(**form.cleaned_data, by=request.user)
            except DomainError as refusal:
                form.add_error(None, str(refusal))
                return _page(request, form, refusal.status)
            messages.success(request, "Замещение записано. Права перейдут заместителю в указанные дни сами.")
            _warn_of_uncovered(request, form.cleaned_data)
            return redirect("workplace:away")
        status = 422
    return _page(request, form, status)


@requires()
@require_POST
def cancel(request: StaffRequest, pk: int) -> HttpResponse:
    """End a substitution: a coming one never begins, a running one ends today."""
    row = get_object_or_404(_seen(request.user), pk=pk)
    substitution.end(row, by=request.user)
    messages.success(request, "Замещение отменено.")
    return redirect("workplace:away")


def _warn_of_uncovered(request: StaffRequest, given: dict[str, Any]) -> None:
    """Say whose duties the absent one was to carry out on these days: they are not passed on by themselves."""
    for row in substitution.left_uncovered(given["absent"], given["starts_on"], given["ends_on"]):
        messages.warning(
            request,
            f"{given['absent'].short_name} в эти дни сам замещает: {row.absent.short_name}, "
            f"с {row.starts_on:%d.%m.%Y} по {row.ends_on:%d.%m.%Y}. Назначьте ему другого заместителя.",
        )


def _page(request: StaffRequest, form: SubstitutionForm, status: int) -> HttpResponse:
    rows = _seen(request.user).filter(ends_on__gte=timezone.localdate()).select_related("absent", "deputy")
    context = {"form": form, "rows": rows.order_by("starts_on"), "today": timezone.localdate()}
    return render(request, "workplace/away.html", context, status=status)


def may_be_absent(user: Employee) -> QuerySet[Employee]:
    """Return for whom the user may enter an absence: himself, his units as their head, everybody as administrator."""
    active = Employee.objects.filter(is_active=True)
    if user.has_power("people.manage"):
        return active
    mine = Q(pk=user.pk)
    if user.has_power("appeals.view_unit"):
        mine |= Q(unit__in=staff.units_under(user, timezone.localdate()))
    return active.filter(mine)


def _seen(user: Employee) -> QuerySet[Substitution]:
    return Substitution.objects.filter(Q(absent__in=may_be_absent(user)) | Q(deputy=user))
