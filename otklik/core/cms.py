"""Dictionaries in `/cms/`: guarded by one power, journalled, ended by a date instead of being deleted."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date
from typing import Any, Final

from django.contrib.auth import get_user_model
from django.db.models import Model, QuerySet
from django.utils import timezone
from wagtail.admin.views.generic import CreateView, EditView
from wagtail.admin.viewsets.model import ModelViewSet
from wagtail.permission_policies import BasePermissionPolicy
from wagtail.permissions import register_permission_policy

from otklik.core import journal

MAY_GROW: Final = frozenset({"view", "add", "change"})
MAY_CHANGE: Final = frozenset({"view", "change"})


class PowerPolicy(BasePermissionPolicy):  # type: ignore[misc]
    """Lets in whoever holds the power today; what is not among `actions` nobody does."""

    def __init__(self, model: type[Model], power: str, actions: Iterable[str] = MAY_GROW) -> None:
        super().__init__(model)
        self.power, self.actions = power, frozenset(actions)

    def user_has_permission(self, user: Any, action: str) -> bool:
        """Ask for one action."""
        return action in self.actions and user.is_authenticated and user.has_power(self.power)

    def user_has_any_permission(self, user: Any, actions: Iterable[str]) -> bool:
        """Ask for any of these actions."""
        return any(self.user_has_permission(user, action) for action in actions)

    def users_with_any_permission(self, actions: Iterable[str]) -> QuerySet[Any]:
        """Return those who are let in today."""
        active = get_user_model()._default_manager.filter(is_active=True)
        if not self.actions.intersection(actions):
            return active.none()
        return active.filter(pk__in=[user.pk for user in active if user.has_power(self.power)])


class _Journalled:
    """Writes the change down in the transaction that Wagtail's form views open."""

    chain = "dictionaries"
    keeps_values = True
    verb = ""

    def save_instance(self) -> Any:
        """Save, then record what changed: which row, which fields, and the values where they are nobody's data."""
        view: Any = self
        instance = super().save_instance()  # type: ignore[misc]
        form, name = view.form, view.model._meta.model_name
        changed = {field: plain(form.cleaned_data.get(field)) for field in form.changed_data}
        values: dict[str, Any] = {}
        if self.keeps_values:
            values = {"now": changed, "was": {field: plain(form.initial.get(field)) for field in changed}}
        journal.record(
            f"{name}.{self.verb}",
            chain=self.chain,
            by=view.request.user,
            id=str(instance.pk),
            fields=sorted(changed),
            **values,
        )
        return instance


def plain(value: Any) -> Any:
    """Return a form's value as JSON bears it: rows by their keys, dates by the calendar."""
    if isinstance(value, Model):
        return value.pk
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, QuerySet | list | tuple | set):
        return [plain(item) for item in value]
    return value if isinstance(value, str | int | bool | None) else str(value)


class JournalledCreate(_Journalled, CreateView):  # type: ignore[misc]
    """A form for a new row."""

    verb = "added"


class JournalledEdit(_Journalled, EditView):  # type: ignore[misc]
    """A form for a known row. Its key stays: another one would make another row."""

    verb = "changed"

    def get_form(self, *args: Any, **kwargs: Any) -> Any:
        """Show the key without letting it be changed."""
        form = super().get_form(*args, **kwargs)
        if (key := self.model._meta.pk.name) in form.fields:
            form.fields[key].disabled = True
        return form


_registered: dict[str, tuple[str, str]] = {}


def registered() -> dict[str, tuple[str, str]]:
    """Return the dictionaries of `/cms/`: name of its addresses → what people call it, and the power that opens it."""
    return dict(_registered)


class Dictionary(ModelViewSet):  # type: ignore[misc]
    """Pages of one dictionary. A subclass names `model`, `power` and what the lists and forms show."""

    power = "dictionaries.edit"
    actions: frozenset[str] = MAY_GROW
    chain = "dictionaries"
    keeps_values = True
    add_view_class = JournalledCreate
    edit_view_class = JournalledEdit
    copy_view_enabled = False
    add_to_reference_index = False

    def on_register(self) -> None:
        """Guard the model before Wagtail gives it a policy of its own."""
        if self.actions:
            _registered[self.name] = (str(self.menu_label), self.power)
        register_permission_policy(self.model, PowerPolicy(self.model, self.power, self.actions), exact_class=True)
        super().on_register()

    def get_add_view_kwargs(self, **kwargs: Any) -> dict[str, Any]:
        """Tell the form where its changes are written down."""
        return self._journalled(super().get_add_view_kwargs(**kwargs))

    def get_edit_view_kwargs(self, **kwargs: Any) -> dict[str, Any]:
        """Tell the form where its changes are written down."""
        return self._journalled(super().get_edit_view_kwargs(**kwargs))

    def _journalled(self, kwargs: dict[str, Any]) -> dict[str, Any]:
        return {**kwargs, "chain": self.chain, "keeps_values": self.keeps_values}


def today() -> date:
    """Return today's date where the department is; the usual first day of a new row."""
    return timezone.localdate()
