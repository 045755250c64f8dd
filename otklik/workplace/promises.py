"""«Обещания перезвонить»: what was promised on the line, one's own first, until it is kept."""

from __future__ import annotations

from typing import Final

from django.contrib import messages
from django.core.paginator import Paginator
from django.db.models import Count, Q
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe

from otklik.core.access import requires
from otklik.core.errors import DomainError
from otklik.core.models import JournalEntry
from otklik.hotline import promises as domain
from otklik.hotline import returns
from otklik.hotline.models import Promise, ReturnCall
from otklik.workplace import notices
from otklik.workplace.requests import StaffRequest

PER_PAGE: Final = 50
OPEN: Final = Q(outcome=Promise.Outcome.OPEN)


@requires(*domain.READERS)
@require_safe
def promise_list(request: StaffRequest) -> HttpResponse:
    """Show promises, the soonest first: one's own, everybody's, the late ones, those with an outcome."""
    states = {
        "mine": ("мои", OPEN & Q(pk__in=domain.waiting_for(request.user).values("pk"))),
        "open": ("ждут у всех", OPEN),
        "late": ("просрочены", OPEN & Q(due_at__lt=timezone.now())),
        "settled": ("с итогом", ~OPEN),
    }
    usual = "mine" if request.user.has_power(domain.CONSULTANT) else "open"
    chosen = request.GET.get("state", "")
    chosen = chosen if chosen in states else usual
    rows = domain.seen_by(request.user)
    numbers = rows.order_by().aggregate(**{code: Count("pk", filter=one) for code, (_, one) in states.items()})
    order = ("-settled_at", "-pk") if chosen == "settled" else ("due_at", "pk")
    page = Paginator(rows.filter(states[chosen][1]).order_by(*order), PER_PAGE).get_page(request.GET.get("page"))
    context = {
        "page": page,
        "tabs": [(code, words, numbers[code]) for code, (words, _) in states.items()],
        "chosen": chosen,
        "query": f"state={chosen}&",
        "now": timezone.now(),
    }
    return render(request, "workplace/missed/promises.html", context)


@requires(*domain.READERS)
@require_safe
@never_cache
def promise(request: StaffRequest, pk: int) -> HttpResponse:
    """Show one promise: what about, attempts, what can be done; notices of it are read."""
    notices.mark_read(request.user, path=reverse("workplace:promise", args=[pk]))
    return _page(request, pk)


@requires(domain.CONSULTANT)
@require_POST
def promise_step(request: StaffRequest, pk: int) -> HttpResponse:
    """Tell of an attempt, or settle the promise; what was typed stays where a rule says no."""
    row = get_object_or_404(domain.seen_by(request.user), pk=pk)
    try:
        if request.POST.get("step") == "attempt":
            domain.attempt(row, request.POST.get("result", ""), by=request.user)
            messages.success(request, "Попытка записана.")
            return redirect("workplace:promise", pk=pk)
        outcome, note = request.POST.get("outcome", ""), request.POST.get("note", "")
        domain.settle(row, outcome, note=note, by=request.user)
    except DomainError as refusal:
        return _page(request, pk, refusal=refusal, status=refusal.status)
    messages.success(request, "Обещание закрыто с итогом.")
    return redirect("workplace:promises")


@requires(domain.CONSULTANT)
@require_POST
@never_cache
def promise_dial(request: StaffRequest, pk: int) -> HttpResponse:
    """Show the number to be called; where the exchange can, it connects. Who looked is written down."""
    row = get_object_or_404(domain.seen_by(request.user), pk=pk)
    return _page(request, pk, dialled=returns.dial(promise=row, by=request.user))


def _page(
    request: StaffRequest,
    pk: int,
    *,
    refusal: DomainError | None = None,
    status: int = 200,
    dialled: returns.Dialled | None = None,
) -> HttpResponse:
    row = get_object_or_404(domain.seen_by(request.user), pk=pk)
    context = {
        "row": row,
        "attempts": list(row.returns.select_related("by").order_by("at", "pk")),
        "enough": row.consultation.line.attempts_enough,
        "history": JournalEntry.objects.filter(chain=f"promise:{pk}").select_related("actor").order_by("seq"),
        "can_act": request.user.has_power(domain.CONSULTANT) and not row.outcome,
        "outcomes": [one for one in Promise.Outcome.choices if one[0]],
        "results": ReturnCall.Result.choices,
        "typed": request.POST,
        "refusal": refusal or (dialled.refusal if dialled else None),
        "dialled": dialled,
        "now": timezone.now(),
    }
    return render(request, "workplace/missed/promise.html", context, status=status)
