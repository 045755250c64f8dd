"""Keeping the Knowledge Base: what goes to the site, what to the archive, where gaps and broken links are."""

from __future__ import annotations

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.http import require_http_methods, require_safe

from otklik.core import typed
from otklik.core.access import requires
from otklik.core.errors import DomainError, why_not
from otklik.knowledge import archive, coverage, materials, public, rights, trust
from otklik.knowledge.models import Material, PublicVersion, Section
from otklik.people.models import Employee
from otklik.workplace.compare import changes
from otklik.workplace.requests import StaffRequest

KEEPERS = (rights.AUTHOR, rights.AGREES, rights.CHIEF)


@requires(*KEEPERS)
@require_http_methods(["GET", "HEAD", "POST"])
def site(request: StaffRequest, pk: int) -> HttpResponse:
    """Show what is on the site beside what employees read; let the new version out, or take the material off."""
    one, section = _kept(request.user, pk)
    status = 200
    if request.method == "POST":
        try:
            if request.POST.get("action") == "withdraw":
                public.withdraw(one, by=request.user)
                messages.success(request, "Материал снят с сайта. Сотрудники читают его, как прежде.")
            else:
                public.pin(one, revision=typed.number(request.POST.get("revision")) or 0, by=request.user)
                messages.success(request, "Материал на сайте: граждане читают эту версию.")
            return redirect("workplace:knowledge_site", pk)
        except DomainError as refused:
            messages.error(request, str(refused))
            status = 422
    version = public.version_of(one)
    context = {
        "material": one,
        "section": section,
        "version": version,
        "behind": public.is_behind(one, version),
        "refusal": why_not(public.check_can_pin, one, by=request.user),
        "changes": changes(_as_text(version) if version else "", _as_text(_as_let_out(one))),
    }
    return render(request, "workplace/kb/site.html", context, status=status)


@requires("knowledge.read")
@require_safe
def as_citizen(request: StaffRequest, pk: int) -> HttpResponse:
    """Show the present version the way a citizen would see it, whether or not it is on the site."""
    one = materials.get_for(request.user, pk)
    if not one.marks_outside:
        raise Http404
    version = _as_let_out(one)
    context = {
        "shown": version,
        "section": materials.section_of(one),
        "trust": trust.of([one])[one.pk],
        "refers_to": materials.referred_on_site(version.refers_to),
        "files": public.files_of(one),
    }
    return render(request, "knowledge/as_citizen.html", context)


@requires(*KEEPERS)
@require_http_methods(["GET", "HEAD", "POST"])
def to_archive(request: StaffRequest, pk: int) -> HttpResponse:
    """Ask why a material is no longer needed and what stands in its place; take it out of use."""
    one, section = _kept(request.user, pk)
    query, said = request.GET.get("q", ""), request.POST.get("reason", "")
    chosen = typed.number(request.POST.get("replaced_by") or request.GET.get("replaced_by"))
    status = 200
    if request.method == "POST":
        try:
            replaced_by = materials.get_for(request.user, chosen) if chosen else None
            archive.archive(one, reason=said, replaced_by=replaced_by, by=request.user)
            messages.success(request, "Материал в архиве. По старой ссылке видно, почему и чем он заменён.")
            return redirect("workplace:knowledge_section", section.pk)
        except DomainError as refused:
            messages.error(request, str(refused))
            status = 422
    found = materials.find(query or one.title, user=request.user, limit=6)
    context = {
        "material": one,
        "section": section,
        "reason": said,
        "query": query,
        "chosen": chosen,
        "candidates": [other for other in found if other.page_id != pk],
    }
    return render(request, "workplace/kb/to_archive.html", context, status=status)


@requires("knowledge.read")
@require_safe
def coverage_map(request: StaffRequest) -> HttpResponse:
    """Show functions by kinds of material; an empty cell is a gap that whoever keeps the section fills."""
    user, today = request.user, timezone.localdate()
    lines = coverage.coverage(today)
    edited = rights.units_edited_by(user, today)
    chief = user.has_power(rights.CHIEF)
    context = {
        "kinds": coverage.kinds(),
        "lines": lines,
        "gaps": sum(line.gaps for line in lines),
        "mine": {section.pk for line in lines for section in line.sections if chief or section.unit_id in edited},
        "chief": chief,
        "home_id": materials.home_id(),
        "broken": coverage.broken_links(),
    }
    return render(request, "workplace/kb/coverage.html", context)


def _kept(user: Employee, pk: int) -> tuple[Material, Section]:
    """Return a published material the user keeps, with its section; a stranger learns nothing."""
    one = materials.get_for(user, pk)
    section = materials.section_of(one)
    if section is None or not rights.may_keep(user, section, on=timezone.localdate()):
        raise materials.NoSuchMaterial
    return one, section


def _as_let_out(material: Material) -> PublicVersion:
    """Return the version that would be on the site; it is not kept."""
    return PublicVersion(material=material, **PublicVersion.facts_of(material))


def _as_text(version: PublicVersion) -> str:
    """Return what citizens read of a version, as one text to compare."""
    return f"{version.title}\n\n{version.answer}"
