"""The Knowledge Base as employees read it: home with search in the middle, a section, one material."""

from __future__ import annotations

from django.core.paginator import Paginator
from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.utils import timezone
from django.views.decorators.http import require_safe

from otklik.core.access import requires
from otklik.knowledge import archive, finding, materials, public, reading, review, rights, trust
from otklik.knowledge.models import Section
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
            raise Http404 from exc
        return render(request, "workplace/kb/archived.html", {"material": gone, "successor": archive.successor(gone)})
    finding.opened(finding.Searcher(user), pk)
    review.look(read.trust.waiting, version=materials.version_of(read.material), by=user)
    context = {
        **vars(read),
        "sees_votes": any(user.has_power(power) for power in kb_votes.READERS),
        "behind": public.is_behind(read.material, read.version),
        "may_edit": rights.may_edit(user, read.section, on=today),
        "may_keep": rights.may_keep(user, read.section, on=today),
        "numbers": {},
        "lazy_menu": True,
    }
    return render(request, "workplace/kb/material.html", context)
