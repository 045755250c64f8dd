"""The form of a role in `/cms/`, with its powers; what Wagtail lets one set about oneself."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django import forms
from django.db import transaction
from wagtail.admin.forms import WagtailAdminModelForm
from wagtail.admin.views.account import AccountView, ThemeSettingsPanel

from otklik.core import cms
from otklik.core.terms import valid
from otklik.people import roles
from otklik.people.models import Role, RolePower
from otklik.people.powers import POWERS


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
        with roles.somebody_still_manages():
            taken.filter(valid_from=today).delete()  # given and taken on one day: it never counted
            taken.update(valid_to=today - timedelta(days=1))
        RolePower.objects.bulk_create(
            RolePower(role=role, power=power, valid_from=today) for power in sorted(wanted - held)
        )
        return role


class OwnSettings(AccountView):  # type: ignore[misc]
    """How `/cms/` looks to oneself. Names, addresses and passwords are kept in the workplace, pictures nowhere."""

    def get_panels(self) -> list[Any]:
        """Return only what concerns the looks."""
        return [panel for panel in super().get_panels() if isinstance(panel, ThemeSettingsPanel)]
