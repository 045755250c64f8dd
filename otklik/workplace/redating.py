"""A change of the law's data: first which running appeals would get another date, then the change and the dates."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from django import forms
from django.contrib import messages
from django.db import transaction
from django.http import HttpResponse
from django.shortcuts import redirect, render

from otklik.appeals import terms
from otklik.appeals.terms import Redating
from otklik.core import calendar
from otklik.core.errors import DomainError
from otklik.people.models import Employee
from otklik.workplace.requests import StaffRequest


@dataclass(frozen=True)
class Page:
    """The words of such a page, and where it leads back."""

    title: str
    lead: str
    back: str
    back_name: str
    confirm: str
    done: str


def respond(
    request: StaffRequest, form: forms.Form, change: Callable[[], None], page: Page, *, reason: Callable[[], str]
) -> HttpResponse:
    """Show the form; a POST shows what would change, a confirmed one does it. A refusal stands in the form."""
    changed: list[Redating] | None = None
    if request.method == "POST" and form.is_valid():
        try:
            if "confirm" in request.POST:
                changed = _apply(change, reason=reason(), by=request.user)
                messages.success(request, f"{page.done} Пересчитано обращений: {len(changed)}.")
                return redirect(page.back)
            changed = _preview(change)
        except DomainError as refusal:
            form.add_error(None, str(refusal))
    context = {"page": page, "form": form, "changed": changed}
    return render(request, "workplace/redating.html", context, status=422 if form.errors else 200)


def _preview(change: Callable[[], None]) -> list[Redating]:
    """Return which running appeals would get another date; nothing is left of the attempt."""
    try:
        with transaction.atomic():
            change()
            changed = terms.preview()
            transaction.set_rollback(True)
    finally:
        calendar.forget()
    return changed


@transaction.atomic
def _apply(change: Callable[[], None], *, reason: str, by: Employee) -> list[Redating]:
    change()
    return terms.redate(by=by, reason=reason)
