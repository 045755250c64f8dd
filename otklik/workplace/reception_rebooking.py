"""«Перенести записанных»: who was to come on a day that is cancelled or moved gets another time, all at once."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from otklik.core.access import requires
from otklik.core.errors import DomainError
from otklik.reception import appointments, rebooking
from otklik.reception.schedule import Slot
from otklik.workplace.requests import StaffRequest
from otklik.workplace.staff import employee_of


@requires(appointments.POWER)
@require_http_methods(["GET", "POST"])
@never_cache
def rebook(request: StaffRequest, pk: int) -> HttpResponse:
    """Show another time proposed to each; a POST gives the times chosen and tells the applicants."""
    official = employee_of(pk)
    refusal: DomainError | None = None
    if request.method == "POST":
        rows = rebooking.waiting(official)
        chosen = {row.pk: request.POST.get(f"slot-{row.pk}", "")[:60] for row in rows}
        try:
            moved = rebooking.rebook(official, chosen, by=request.user)
        except DomainError as said:
            refusal = said
        else:
            messages.success(request, f"Перенесено записей: {moved}. Заявителям сообщат о новом времени.")
            return redirect("workplace:reception_official", pk=pk)
    lines = [
        {
            "row": one.row,
            "who": one.row.masked_name,
            "chosen": request.POST.get(f"slot-{one.row.pk}", _name(one.slot)),
            "choices": [(_name(slot), _said(slot)) for slot in sorted(filter(None, (one.slot, *one.others)))],
        }
        for one in rebooking.proposed(official)
    ]
    context = {"official": official, "lines": lines, "refusal": refusal}
    return render(request, "workplace/reception/rebook.html", context, status=refusal.status if refusal else 200)


def _name(slot: Slot | None) -> str:
    return appointments.named(slot) if slot else ""


def _said(slot: Slot) -> str:
    return f"{timezone.localtime(slot.starts_at):%d.%m.%Y, %H:%M}"
