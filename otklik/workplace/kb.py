"""The Knowledge Base as employees read it: home with search in the middle, a section, one material."""

from __future__ import annotations

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.utils import timezone
from django.views.decorators.http import require_safe

from otklik.core.access import requires
from otklik.knowledge import materials, review, rights, trust
from otklik.knowledge.models import Section
from otklik.people.models import Employee

QUERY_MAX = 500
FOUND = 20
RELATED = 6


@require_safe
@requires("knowledge.read")
def home(request: HttpRequest) -> HttpResponse:
    """Show the functions as tiles, or what was found; as one types, only the part that changes."""
    user = _employee(request)
    query = " ".join(request.GET.get("q", "").replace("\x00", " ").split())[:QUERY_MAX]
    context: dict[str, object] = {"query": query, "may_author": user.has_power("knowledge.edit")}
    if query:
        context["found"] = materials.find(query, user=user, limit=FOUND)
    else:
        context["sections"] = materials.sections(user)
    page = "workplace/kb/home.html"
    return render(request, f"{page}#results" if getattr(request, "htmx", False) else page, context)


@require_safe
@requires("knowledge.read")
def section(request: HttpRequest, pk: int) -> HttpResponse:
    """Show what an employee may read in a section."""
    user = _employee(request)
    one = get_object_or_404(Section.objects.select_related("unit", "function"), pk=pk, live=True)
    listed = materials.materials_of(one, user)
    context = {
        "section": one,
        "materials": listed,
        "trusts": trust.of(listed),
        "may_edit": rights.may_edit(user, one, on=timezone.localdate()),
    }
    return render(request, "workplace/kb/section.html", context)


@require_safe
@requires("knowledge.read")
def material(request: HttpRequest, pk: int) -> HttpResponse:
    """Show one material: the short answer first, then all of it."""
    user = _employee(request)
    try:
        one = materials.get_for(user, pk)
    except materials.NoSuchMaterial as exc:
        raise Http404 from exc
    keeper = materials.section_of(one)
    if keeper is None:
        raise Http404
    trusted = trust.of([one])[pk]
    review.look(trusted.waiting, version=materials.version_of(one), by=user)
    context = {
        "material": one,
        "section": keeper,
        "trust": trusted,
        "related": [other for other in materials.materials_of(keeper, user) if other.pk != pk][:RELATED],
        "uses": materials.uses(pk),
        "may_edit": rights.may_edit(user, keeper, on=timezone.localdate()),
    }
    return render(request, "workplace/kb/material.html", context)


def _employee(request: HttpRequest) -> Employee:
    assert isinstance(request.user, Employee)  # `requires` lets in nobody else
    return request.user
