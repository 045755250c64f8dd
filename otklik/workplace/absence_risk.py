"""«Сроки на время отсутствия»: what comes due while somebody is away, and its reassignment in one press."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

from django import forms
from django.contrib import messages
from django.db.models import Case, F, Q, QuerySet, When
from django.db.models.functions import Coalesce
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.http import require_http_methods

from otklik.appeals import access, bulk, queues
from otklik.appeals.models import Appeal, BulkRun
from otklik.core import typed
from otklik.core.access import requires
from otklik.core.errors import DomainError
from otklik.core.forms import DATE_INPUT, TidyForm
from otklik.people.models import Employee, Substitution
from otklik.workplace.bulk import AssignManyForm
from otklik.workplace.card import READERS
from otklik.workplace.requests import StaffRequest
from otklik.workplace.substitution import may_be_absent

SHOWN = 300


class WhenForm(TidyForm):
    """Who is away, and between which days."""

    absent = forms.ModelChoiceField(Employee.objects.none(), label="Кого не будет", empty_label=None)
    starts_on = forms.DateField(label="С какого дня", widget=DATE_INPUT)
    ends_on = forms.DateField(label="По какой день включительно", widget=DATE_INPUT)

    def __init__(self, *args: Any, user: Employee, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        field: Any = self.fields["absent"]
        everybody = user.has_power("appeals.assign") and user.has_power(access.ALL)
        rows = Employee.objects.filter(is_active=True) if everybody else may_be_absent(user)
        field.queryset = rows.order_by("last_name", "pk")

    def clean(self) -> dict[str, Any]:
        """Refuse days that end before they begin."""
        cleaned = super().clean() or {}
        first, last = cleaned.get("starts_on"), cleaned.get("ends_on")
        if first and last and last < first:
            raise forms.ValidationError("Последний день раньше первого. Исправьте даты.")
        return cleaned


def at_risk(user: Employee, absent: Employee, starts_on: date, ends_on: date) -> QuerySet[Any]:
    """Return the appeals of an absent one that come due before he is back, of those the user sees, soonest first.

    `burns_on`: the earlier of the term of the answer and the internal one; `why` says which.
    """
    rows = access.visible_to(user).filter(executor=absent, status__in=queues.OPEN)
    inner = Case(When(internal_due_on__lt=F("due_on"), then=F("internal_due_on")), default=F("due_on"))
    rows = rows.annotate(burns_on=Coalesce(inner, F("internal_due_on")))
    # One day more: what is due on the day he is back cannot be prepared on it.
    due = Q(due_on__lte=ends_on + timedelta(days=1)) | Q(internal_due_on__lte=ends_on)
    return rows.filter(due).select_related("unit", "regime", "applicant").order_by("burns_on", "pk")


@requires(*READERS)
@require_http_methods(["GET", "HEAD", "POST"])
def away_risk(request: StaffRequest) -> HttpResponse:
    """Show the terms at risk in an absence entered ahead; a POST hands all of them to another executor."""
    given = request.POST if request.method == "POST" else request.GET
    form = WhenForm(given if "absent" in given else None, initial=_initial(request), user=request.user)
    asked = _asked(form, request)
    rows: list[Appeal] = []
    if asked is not None:
        rows = list(at_risk(request.user, *asked)[: SHOWN + 1])
    chooser = AssignManyForm(request.POST if request.method == "POST" else None)
    refusal: DomainError | None = None
    may_assign = request.user.has_power("appeals.assign")
    if request.method == "POST" and asked is not None and chooser.is_valid():
        try:
            chosen = [one.pk for one in at_risk(request.user, *asked)[: bulk.MOST + 1]]
            run = bulk.at_once(BulkRun.Action.ASSIGN, chosen, chooser.params(), by=request.user)
        except DomainError as exc:
            refusal = exc
        else:
            messages.success(request, f"Передаётся обращений: {len(chosen)}. Ниже видно, как идёт.")
            return redirect("workplace:bulk_run", run.pk)
    status = refusal.status if refusal else (422 if request.method == "POST" else 200)
    facts = {
        "form": form,
        "asked": asked,
        "rows": rows[:SHOWN],
        "more": len(rows) > SHOWN,
        "chooser": chooser,
        "may_assign": may_assign,
        "refusal": refusal,
        "covered": _deputy(asked),
    }
    return render(request, "workplace/law/away_risk.html", facts, status=status)


def _initial(request: StaffRequest) -> dict[str, Any]:
    today = timezone.localdate()
    wanted = typed.number(request.GET.get("absent"))
    coming = Substitution.objects.filter(absent=wanted or request.user.pk, ends_on__gte=today).order_by("starts_on")
    row = coming.first()
    return {
        "absent": wanted or request.user.pk,
        "starts_on": row.starts_on if row else today,
        "ends_on": row.ends_on if row else today + timedelta(days=14),
    }


def _asked(form: WhenForm, request: StaffRequest) -> tuple[Employee, date, date] | None:
    if form.is_bound:
        if not form.is_valid():
            return None
        data = form.cleaned_data
        return data["absent"], data["starts_on"], data["ends_on"]
    said = form.initial
    return request.user, said["starts_on"], said["ends_on"]


def _deputy(asked: tuple[Employee, date, date] | None) -> Substitution | None:
    if asked is None:
        return None
    absent, first, last = asked
    running = Substitution.objects.filter(absent=absent, starts_on__lte=last, ends_on__gte=first)
    return running.select_related("deputy").order_by("starts_on").first()
