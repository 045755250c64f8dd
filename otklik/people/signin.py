"""Sign-in: local accounts through django-allauth; nobody registers himself."""

from __future__ import annotations

from typing import Any

from allauth.account.adapter import DefaultAccountAdapter
from django.http import HttpRequest

from otklik.people.models import Employee


class ClosedAdapter(DefaultAccountAdapter):  # type: ignore[misc]
    """Accounts are made by an administrator only."""

    def is_open_for_signup(self, request: HttpRequest) -> bool:
        """Refuse self-registration."""
        return False

    def authenticate(self, request: HttpRequest, **credentials: Any) -> Employee | None:
        """Return who signs in; a blocked employee gets the answer a stranger gets."""
        employee: Employee | None = super().authenticate(request, **credentials)
        return employee if employee and employee.is_active else None
