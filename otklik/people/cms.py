"""Forms for staff in `/cms/`: an account with its password, a role with its powers."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django import forms
from django.contrib.auth.password_validation import validate_password
from django.db import transaction
from wagtail.admin.forms import WagtailAdminModelForm

from otklik.core import cms
from otklik.core.terms import valid
from otklik.people.models import Employee, Role, RolePower
from otklik.people.powers import POWERS


class EmployeeForm(WagtailAdminModelForm):  # type: ignore[misc]
    """An employee and his account. The password is set, never shown; an empty field leaves it as it is."""

    new_password = forms.CharField(
        label="Новый пароль",
        required=False,
        strip=False,
        widget=forms.PasswordInput(attrs={"autocomplete": "new-password"}),
        help_text="Не короче 10 знаков. Пустое поле — пароль не меняется.",
    )

    def clean_new_password(self) -> str:
        """Ask for a good password, and for any at all on a new account."""
        typed: str = self.cleaned_data["new_password"]
        if typed:
            validate_password(typed, self.instance)
        elif self.instance._state.adding:
            raise forms.ValidationError("Задайте пароль: без него сотрудник не войдёт.")
        return typed

    def save(self, commit: bool = True) -> Employee:
        """Save; a new password or a block ends the employee's open sessions."""
        employee: Employee = self.instance
        if self.cleaned_data["new_password"]:
            employee.set_password(self.cleaned_data["new_password"])
        saved: Employee = super().save(commit)
        return saved


class RoleForm(WagtailAdminModelForm):  # type: ignore[misc]
    """A role and the powers it gives from today on; what it gave before stays in the table with its dates."""

    given = forms.MultipleChoiceField(
        label="Права", choices=list(POWERS.items()), widget=forms.CheckboxSelectMultiple, required=False
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if not self.instance._state.adding:
            self.initial["given"] = sorted(self._today().values_list("power", flat=True))

    def _today(self) -> Any:
        return RolePower.objects.filter(valid(cms.today()), role=self.instance)

    @transaction.atomic
    def save(self, commit: bool = True) -> Role:
        """Save the role, give what was added from today, end yesterday what was taken away."""
        role: Role = super().save(commit)
        today, wanted = cms.today(), set(self.cleaned_data["given"])
        held = set(self._today().values_list("power", flat=True))
        taken = self._today().filter(power__in=held - wanted)
        taken.filter(valid_from=today).delete()  # given and taken on one day: it never counted
        taken.update(valid_to=today - timedelta(days=1))
        RolePower.objects.bulk_create(
            RolePower(role=role, power=power, valid_from=today) for power in sorted(wanted - held)
        )
        return role
