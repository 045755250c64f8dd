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

from otklik.appeals import access, signals
from otklik.appeals.models import Appeal
from otklik.core import typed
from otklik.core.access import requires
from otklik.core.errors import DomainError
from otklik.knowledge import drafts, materials, proposals, rights
from otklik.knowledge.drafts import Draft
from otklik.knowledge.models import Evidence, Proposal
from otklik.people.models import Unit
from otklik.workplace import kb_votes
from otklik.workplace.requests import StaffRequest

PER_PAGE: Final = 30
WRONG: Final = (proposals.NothingLedTo, proposals.NoReason, proposals.NoSection, proposals.NoUnit)
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
    """Show a proposal with its evidence; a POST takes it, passes it on, ends it with a material, or declines it."""
    today = timezone.localdate()
    row = get_object_or_404(proposals.seen_by(request.user, today), pk=pk)
    if request.method != "POST":
        return _page(request, row)
    if not proposals.answers_for(request.user, row, today):
        raise Http404
    try:
        _decide(request, row)
    except WRONG as refusal:
        return _page(request, row, refusal=refusal)
    row.refresh_from_db()
    if not proposals.seen_by(request.user, today).filter(pk=pk).exists():
        messages.success(request, f"Предложение передано: {row.unit}.")
        return redirect("workplace:proposals")
    messages.success(request, f"Предложение: {row.get_state_display()}.")
    return redirect("workplace:proposal", pk=pk)


def _decide(request: StaffRequest, row: Proposal) -> None:
    given, user = request.POST, request.user
    if "take" in given:
        section = proposals.sections_for(user, timezone.localdate()).filter(pk=typed.number(given.get("section")) or 0)
        proposals.take(row, section=section.first(), by=user)
    elif "pass" in given:
        unit = Unit.objects.filter(pk=typed.number(given.get("unit")) or 0).first()
        proposals.pass_on(row, unit=unit, by=user)
    elif "done" in given:
        chosen = materials.published().filter(pk=typed.number(given.get("material")) or 0).first()
        proposals.done(row, led_to=chosen, by=user)
    else:
        proposals.decline(row, reason=given.get("reason", ""), by=user)


@requires(rights.AUTHOR, rights.CHIEF)
@require_http_methods(["GET", "HEAD", "POST"])
def write(request: StaffRequest, pk: int) -> HttpResponse:
    """Ask what kind of material to write and where; a POST makes the draft and opens it in the editor."""
    user, today, given = request.user, timezone.localdate(), request.POST
    row = get_object_or_404(proposals.seen_by(user, today), pk=pk)
    if not proposals.answers_for(user, row, today):
        raise Http404
    sections = list(rights.sections_edited_by(user, today))
    chosen = typed.number(given.get("section")) if given else row.section_id
    refusal: DomainError | None = None
    if request.method == "POST":
        section = next((one for one in sections if one.pk == chosen), None)
        try:
            if section is None:
                raise drafts.NotYourSection
            draft = Draft(given.get("kind", ""), section, given.get("title", ""), on=typed.day(given.get("on")))
            page = proposals.begin(row, draft, by=user)
        except (drafts.NotYourSection, drafts.NoKind, drafts.NoTitle, drafts.NoDay) as exc:
            refusal = exc
        else:
            messages.success(request, "Черновик создан. Когда его опубликуют, предложение будет сделано.")
            return redirect("wagtailadmin_pages:edit", page.pk)
    context = {
        "proposal": row,
        "kinds": drafts.kinds(),
        "sections": sections,
        "chosen": chosen,
        "given": given or {"kind": row.material_kind or "Faq", "title": proposals.title_of(row)},
        "refusal": refusal,
        "wrong": type(refusal).__name__ if refusal else "",
    }
    return render(request, "workplace/kb/proposal_material.html", context, status=refusal.status if refusal else 200)


def _page(request: StaffRequest, row: Proposal, *, refusal: DomainError | None = None) -> HttpResponse:
    user, today = request.user, timezone.localdate()
    may_decide = row.state in proposals.OPEN and proposals.answers_for(user, row, today)
    context: dict[str, Any] = {
        "proposal": row,
        "evidence": _evidence(request, row),
        "may_decide": may_decide,
        "may_write": may_decide and user.has_any((rights.AUTHOR, rights.CHIEF)),
        "led_to": proposals.led_to(row),
        "choices": proposals.to_choose() if may_decide else (),
        "sections": proposals.sections_for(user, today) if may_decide else (),
        "units": proposals.units_to_pass(row) if may_decide else (),
        "refusal": refusal,
        "wrong": type(refusal).__name__ if refusal else "",
    }
    return render(request, "workplace/kb/proposal.html", context, status=refusal.status if refusal else 200)


def _evidence(request: StaffRequest, row: Proposal) -> list[tuple[Evidence, Appeal | None, str]]:
    """Return the lines of evidence, an appeal with its letter for those who see it; others read what it is about.

    The letters of appeals alike are what the material is written by: they are shown without what tells of people.
    """
    lines = list(row.evidence.order_by("-times", "-last_at", "pk"))
    named = {pk for one in lines if (pk := signals.appeal_of(one.reference)) is not None}
    seen = access.visible_to(request.user).in_bulk(named) if named else {}
    letters = signals.letters_of(seen) if row.kind == Proposal.Kind.ALIKE and seen else {}
    of_line = [(one, signals.appeal_of(one.reference) or 0) for one in lines]
    return [(one, seen.get(pk), letters.get(pk, "")) for one, pk in of_line]
