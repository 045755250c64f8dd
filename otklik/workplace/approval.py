"""A decision about one revision: the text, what changed since the last approved one, approve or give back."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_GET, require_http_methods

from otklik.appeals import access, approval, complained, drafting, group_steps
from otklik.appeals.models import Approval, DraftRevision
from otklik.core.access import requires
from otklik.core.errors import DomainError, why_not
from otklik.workplace import beside, queue
from otklik.workplace.compare import changes
from otklik.workplace.requests import StaffRequest


@requires("appeals.approve")
@require_http_methods(["GET", "POST"])
def decide(request: StaffRequest, pk: int) -> HttpResponse:
    """Show one approval and take the decision; a refusal keeps the remark that was typed."""
    row = access.get_of_appeal(
        request.user,
        Approval.objects.select_related(
            "revision__draft__appeal__regime", "revision__draft__appeal__applicant", "revision__author", "approver"
        ),
        "revision__draft__appeal",
        pk=pk,
    )
    appeal = row.revision.draft.appeal
    complained.check_reader(appeal, request.user)
    if request.method != "POST":
        return _page(request, row)
    try:
        if "beside" in request.POST:
            passage, words = request.POST.get("passage", ""), request.POST.get("margin", "")
            approval.remark(row, passage=passage, text=words, by=request.user)
            messages.success(request, "Замечание записано. Когда закончите, верните проект на доработку.")
            return redirect(queue.step_url(request, "approval_decide", pk))
        if "approve_each" in request.POST:
            beside.told(
                request, "Согласовано писем", group_steps.approve_each(row, beside.chosen(request), by=request.user)
            )
        elif "approve" in request.POST:
            approval.approve(row, by=request.user)
            messages.success(request, f"Обращение № {appeal.number}: редакция {row.revision.seq} согласована.")
        else:
            approval.give_back(row, remark=request.POST.get("remark", ""), by=request.user)
            messages.success(request, f"Обращение № {appeal.number}: проект возвращён исполнителю с замечанием.")
    except DomainError as refusal:
        return _page(request, row, refusal=refusal)
    return redirect(queue.card_url(request, appeal.pk))


@requires("appeals.approve", "appeals.draft")
@require_GET
def of_appeal(request: StaffRequest, pk: int) -> HttpResponse:
    """Lead from an appeal to the decision that waits for the user, else to the text, from which approval is asked."""
    appeal = access.get_for(request.user, pk)
    waiting = approval.waiting_for(request.user).filter(revision__draft__appeal=appeal).first()
    place, row = ("approval_decide", waiting.pk) if waiting else ("draft", pk)
    return redirect(queue.step_url(request, place, row))


def _page(request: StaffRequest, row: Approval, refusal: DomainError | None = None) -> HttpResponse:
    revision = row.revision
    before = _last_approved(revision)
    now = drafting.draft_of(revision.draft.appeal)
    outdated = now.version != revision.version and row.decision == Approval.Decision.WAITING
    why = why_not(approval.check_can_decide, row, request.user)
    context = {
        "approval": row,
        "appeal": revision.draft.appeal,
        "revision": revision,
        "before": before,
        "changes": changes(before.text, revision.text) if before else [],
        "now": now if outdated else None,
        "since": changes(revision.text, now.text) if outdated and now.text != revision.text else [],
        "citations": drafting.citations_of(revision.draft),
        "files": list(revision.draft.files.select_related("stored")),
        "others": list(revision.approvals.exclude(pk=row.pk).select_related("approver")),
        "margin": approval.remarks_of(revision.draft.appeal, revision.text),
        "beside": row.remarks.filter(done_at=None).exists(),
        "later": list(revision.awaited.select_related("approver")),
        "typed_passage": request.POST.get("passage", ""),
        "typed_margin": request.POST.get("margin", ""),
        "why_not": why,
        "same": [] if why else group_steps.to_decide(row, request.user),
        "remark": request.POST.get("remark", ""),
        "refusal": refusal,
    }
    return render(request, "workplace/approval.html", context, status=refusal.status if refusal else 200)


def _last_approved(revision: DraftRevision) -> DraftRevision | None:
    """Return the newest earlier revision that somebody approved."""
    earlier = DraftRevision.objects.filter(
        draft=revision.draft_id, seq__lt=revision.seq, approvals__decision=Approval.Decision.APPROVED
    )
    return earlier.order_by("-seq").first()
