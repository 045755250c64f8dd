"""«Отзывы о материалах»: what readers say of a material on its page, and the list where a unit answers to it."""

from __future__ import annotations

from typing import Final
from urllib.parse import urlencode

from django.contrib import messages
from django.core.paginator import Paginator
from django.db.models import Count, Q
from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_GET, require_POST

from otklik.core import typed
from otklik.core.access import requires
from otklik.core.errors import DomainError
from otklik.knowledge import finding, materials, rights
from otklik.knowledge import votes as domain
from otklik.knowledge.models import Material, Vote
from otklik.workplace import notices
from otklik.workplace.requests import StaffRequest

PER_PAGE: Final = 30
# Who writes and who answers for it; who looks without touching.
DECIDE: Final = (rights.AUTHOR, "knowledge.manage", domain.HEAD)
READERS: Final = (*DECIDE, "journal.view")
STATES: Final[dict[str, tuple[str, Q]]] = {
    "open": ("неразобранные", ~Q(state=Vote.State.CLOSED)),
    "closed": ("закрытые", Q(state=Vote.State.CLOSED)),
    "all": ("все", Q()),
}


@requires("knowledge.read")
@require_POST
def vote(request: StaffRequest, pk: int) -> HttpResponse:
    """Take what a reader says of a material; without a reason it is asked for, what was typed stays."""
    try:
        material = materials.get_for(request.user, pk)
    except materials.NoSuchMaterial as exc:
        raise Http404 from exc
    given = {name: request.POST.get(name, "") for name in ("helped", "reason", "note")}
    who = finding.Searcher(request.user)
    try:
        domain.vote(who, material, helped=given["helped"] == "yes", reason=given["reason"], note=given["note"])
    except domain.AlreadyVoted as refusal:
        messages.warning(request, str(refusal))
    except DomainError as refusal:
        context = {"material": material, "refusal": refusal, "typed": given, "reasons": Vote.Reason.choices}
        return render(request, "workplace/kb/vote.html", context, status=refusal.status)
    return redirect(f"{reverse('workplace:knowledge_material', args=[pk])}#vote")


@requires(*READERS)
@require_GET
def votes(request: StaffRequest) -> HttpResponse:
    """Show the votes against materials of one's units, those that wait first; notices of what is shown are read."""
    material = typed.number(request.GET.get("material"))
    if material is None:
        notices.mark_read(request.user, kind=notices.Kind.VOTE)
    else:
        notices.mark_read(request.user, path=notices.votes_path(material))
    return _page(request)


@requires(*DECIDE)
@require_POST
def decide(request: StaffRequest, pk: int) -> HttpResponse:
    """Take a vote in hand, or close it with what was done."""
    row = get_object_or_404(domain.decidable(request.user, timezone.localdate()), pk=pk)
    try:
        if "take" in request.POST:
            domain.take(row, by=request.user)
            messages.success(request, "Отзыв у вас в работе.")
        else:
            domain.close(row, outcome=request.POST.get("outcome", ""), by=request.user)
            messages.success(request, "Отзыв закрыт.")
    except domain.OutcomeMissing as refusal:
        return _page(request, wrong=pk, refusal=refusal)
    return redirect("workplace:votes")


def _page(request: StaffRequest, *, wrong: int | None = None, refusal: DomainError | None = None) -> HttpResponse:
    today = timezone.localdate()
    chosen = request.GET.get("state", "")
    chosen = chosen if chosen in STATES else "open"
    rows = domain.against(request.user, today)
    material = None
    if pk := typed.number(request.GET.get("material")):
        rows, material = rows.filter(page=pk), Material.objects.filter(pk=pk).first()
    numbers = rows.aggregate(
        **{code: Count("pk", filter=Q(pk__isnull=False) & one) for code, (_, one) in STATES.items()}
    )
    page = Paginator(domain.in_order(rows.filter(STATES[chosen][1])), PER_PAGE).get_page(request.GET.get("page"))
    shown = [one.pk for one in page.object_list]
    kept = {"state": chosen} | ({"material": str(pk)} if pk else {})
    context = {
        "page": page,
        "material": material,
        "tabs": [(code, words, numbers[code]) for code, (words, _) in STATES.items()],
        "chosen": chosen,
        "query": f"{urlencode(kept)}&",
        "mine": set(domain.decidable(request.user, today).filter(pk__in=shown).values_list("pk", flat=True)),
        "may_author": request.user.has_power(rights.AUTHOR),
        "wrong": wrong,
        "refusal": refusal,
    }
    return render(request, "workplace/kb/votes.html", context, status=refusal.status if refusal else 200)
