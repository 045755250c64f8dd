"""«Предложения об актуализации»: what readers miss, as work of a unit: evidence, whose it is, what came of it."""

from __future__ import annotations

from typing import Any, Final
from urllib.parse import urlencode

from django.contrib import messages
from django.core.paginator import Paginator
from django.db.models import Count, Q
from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.views.decorators.http import require_GET, require_http_methods

from otklik.core import typed
from otklik.core.access import requires
from otklik.core.errors import DomainError
from otklik.knowledge import materials, proposals
from otklik.knowledge.models import Proposal
from otklik.workplace import kb_votes
from otklik.workplace.requests import StaffRequest

PER_PAGE: Final = 30
STATES: Final[dict[str, tuple[str, Q]]] = {
    "open": ("ждут", Q(state__in=proposals.OPEN)),
    "done": ("сделаны", Q(state=Proposal.State.DONE)),
    "declined": ("отклонены", Q(state=Proposal.State.DECLINED)),
}


@requires(*kb_votes.READERS)
@require_GET
def proposal_list(request: StaffRequest) -> HttpResponse:
    """Show the proposals of one's units, those with most signals first."""
    chosen = request.GET.get("state", "")
    chosen = chosen if chosen in STATES else "open"
    rows = proposals.seen_by(request.user, timezone.localdate())
    numbers = rows.aggregate(**{code: Count("pk", filter=one) for code, (_, one) in STATES.items()})
    page = Paginator(proposals.in_order(rows.filter(STATES[chosen][1])), PER_PAGE).get_page(request.GET.get("page"))
    context = {
        "page": page,
        "tabs": [(code, words, numbers[code]) for code, (words, _) in STATES.items()],
        "chosen": chosen,
        "query": f"{urlencode({'state': chosen})}&",
    }
    return render(request, "workplace/kb/proposals.html", context)


@requires(*kb_votes.READERS)
@require_http_methods(["GET", "POST"])
def proposal(request: StaffRequest, pk: int) -> HttpResponse:
    """Show a proposal with its evidence; a POST takes it, ends it with a material, or declines it."""
    today = timezone.localdate()
    row = get_object_or_404(proposals.seen_by(request.user, today), pk=pk)
    if request.method != "POST":
        return _page(request, row)
    if not proposals.answers_for(request.user, row, today):
        raise Http404
    try:
        if "take" in request.POST:
            proposals.take(row, by=request.user)
        elif "done" in request.POST:
            chosen = materials.published().filter(pk=typed.number(request.POST.get("material")) or 0).first()
            proposals.done(row, led_to=chosen, by=request.user)
        else:
            proposals.decline(row, reason=request.POST.get("reason", ""), by=request.user)
    except (proposals.NothingLedTo, proposals.NoReason) as refusal:
        return _page(request, row, refusal=refusal)
    row.refresh_from_db()
    messages.success(request, f"Предложение: {row.get_state_display()}.")
    return redirect("workplace:proposal", pk=pk)


def _page(request: StaffRequest, row: Proposal, *, refusal: DomainError | None = None) -> HttpResponse:
    today = timezone.localdate()
    may_decide = row.state in proposals.OPEN and proposals.answers_for(request.user, row, today)
    context: dict[str, Any] = {
        "proposal": row,
        "evidence": row.evidence.order_by("-times", "words"),
        "may_decide": may_decide,
        "choices": proposals.to_choose() if may_decide else (),
        "refusal": refusal,
        "wrong": type(refusal).__name__ if refusal else "",
    }
    return render(request, "workplace/kb/proposal.html", context, status=refusal.status if refusal else 200)
