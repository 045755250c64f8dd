"""The Knowledge Base as employees read it: home with search in the middle, a section, one material."""

from __future__ import annotations

from django.core.paginator import Paginator
from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.utils import timezone
from django.views.decorators.http import require_safe

from otklik.appeals import access, signals
from otklik.appeals.models import Appeal
from otklik.core.access import requires
from otklik.knowledge import agreement, archive, finding, law, materials, public, reading, review, rights, trust
from otklik.knowledge.models import LegalAct, Material, Section
from otklik.workplace import kb_votes
from otklik.workplace.requests import StaffRequest

QUERY_MAX = 500
FOUND = 20
PER_PAGE = 100


@require_safe
@requires("knowledge.read")
def home(request: StaffRequest) -> HttpResponse:
    """Show the functions as tiles, or what was found; as one types, only the part that changes."""
    user = request.user
    query = " ".join(request.GET.get("q", "").replace("\x00", " ").split())[:QUERY_MAX]
    context: dict[str, object] = {"query": query, "may_author": user.has_power("knowledge.edit")}
    if query:
        context["found"] = found = materials.find(query, user=user, limit=FOUND)
        shown = [one.page_id for one in found]
        context["search_key"] = finding.typed(finding.Searcher(user), query, shown, finding.told_by(request))
    else:
        context["sections"] = materials.sections(user)
    page = "workplace/kb/home.html"
    return render(request, f"{page}#results" if getattr(request, "htmx", False) else page, context)


@require_safe
@requires("knowledge.read")
def section(request: StaffRequest, pk: int) -> HttpResponse:
    """Show what an employee may read in a section, a hundred at a time, then what it shows of others."""
    user = request.user
    one = get_object_or_404(Section.objects.select_related("unit", "function"), pk=pk, live=True)
    page = Paginator(materials.materials_of(one, user), PER_PAGE).get_page(request.GET.get("page"))
    context = {
        "section": one,
        "page": page,
        "trusts": trust.of(page.object_list),
        "linked": materials.linked_from(one, user),
        "may_edit": rights.may_edit(user, one, on=timezone.localdate()),
    }
    return render(request, "workplace/kb/section.html", context)


@require_safe
@requires("knowledge.read")
def material(request: StaffRequest, pk: int) -> HttpResponse:
    """Show one material: what is read first, then all of it, what it stands on, and what is on the site."""
    user, today = request.user, timezone.localdate()
    try:
        read = reading.opened(user, pk)
    except materials.NoSuchMaterial as exc:
        if (gone := archive.archived(pk)) is None:
            return _unpublished(request, pk, exc)
        return render(request, "workplace/kb/archived.html", {"material": gone, "successor": archive.successor(gone)})
    finding.opened(finding.Searcher(user), pk)
    review.look(read.trust.waiting, version=materials.version_of(read.material), by=user)
    context = {
        **vars(read),
        "written_from": _appeal(request, read.written_from),
        "changes_law": isinstance(read.material, LegalAct) and user.has_power(law.POWER),
        "sees_votes": any(user.has_power(power) for power in kb_votes.READERS),
        "behind": public.is_behind(read.material, read.version),
        "may_edit": rights.may_edit(user, read.section, on=today),
        "may_keep": rights.may_keep(user, read.section, on=today),
        "numbers": {},
        "lazy_menu": True,
    }
    has_draft = read.material.has_unpublished_changes
    if has_draft and (context["may_edit"] or rights.may_agree(user, read.section, on=today)):
        context |= {"agreement": agreement.latest_of(read.material), "draft": True}
    return render(request, "workplace/kb/material.html", context)


def _unpublished(request: StaffRequest, pk: int, exc: Exception) -> HttpResponse:
    """Tell those who write or agree what is with a draft; to others there is none."""
    user, today = request.user, timezone.localdate()
    draft = Material.objects.filter(pk=pk, live=False).first()
    keeper = materials.section_of(draft) if draft else None
    if draft is None or keeper is None:
        raise Http404 from exc
    may_edit = rights.may_edit(user, keeper, on=today)
    if not may_edit and not rights.may_agree(user, keeper, on=today):
        raise Http404 from exc
    context = {"material": draft, "section": keeper, "may_edit": may_edit, "agreement": agreement.latest_of(draft)}
    return render(request, "workplace/kb/unpublished.html", context)


def _appeal(request: StaffRequest, reference: str) -> Appeal | None:
    """Return the appeal whose answer a material was written from, for who may see it."""
    pk = signals.appeal_of(reference)
    return access.visible_to(request.user).filter(pk=pk).first() if pk else None
