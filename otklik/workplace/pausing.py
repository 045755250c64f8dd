"""«Приостановить срок»: only where the regime names an article; elsewhere the page says so, and what to do instead."""

from __future__ import annotations

from django import forms
from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.http import require_http_methods

from otklik.appeals import access, terms
from otklik.core.access import requires
from otklik.core.errors import DomainError, why_not
from otklik.core.forms import DATE_INPUT, TidyForm
from otklik.workplace import queue
from otklik.workplace.requests import StaffRequest


class PauseForm(TidyForm):
    """From which day the term stands still, or the last day it did."""

    on = forms.DateField(label="С какого дня срок стоит", widget=DATE_INPUT)


@requires(terms.PAUSES)
@require_http_methods(["GET", "POST"])
def pause(request: StaffRequest, pk: int) -> HttpResponse:
    """Show the pauses of a case; a POST begins one from a day, or ends the one that runs with its last day."""
    appeal = access.get_for(request.user, pk)
    pauses = list(appeal.pauses.order_by("starts_on"))
    runs = next((one for one in pauses if one.ends_on is None), None)
    form = PauseForm(request.POST or None, initial={"on": timezone.localdate()})
    if runs:
        form.fields["on"].label = "Последний день паузы"
    refused = "" if runs else why_not(terms.check_can_pause, appeal, request.user)
    status = 200
    if request.method == "POST":
        status = 422
        if form.is_valid():
            on = form.cleaned_data["on"]
            try:
                if runs:
                    due = terms.resume(appeal, ends_on=on, by=request.user)
                    messages.success(request, f"Срок снова идёт. Ответить нужно до {due:%d.%m.%Y}.")
                else:
                    terms.pause(appeal, starts_on=on, by=request.user)
                    messages.success(request, f"Срок стоит с {on:%d.%m.%Y}. Когда причина отпадёт, возобновите его.")
            except DomainError as refusal:
                form.add_error("on", str(refusal))
                status = refusal.status
            else:
                return redirect(queue.card_url(request, pk))
    facts = {"appeal": appeal, "form": form, "pauses": pauses, "runs": runs, "why_not": refused}
    return render(request, "workplace/law/pause.html", facts, status=status)
