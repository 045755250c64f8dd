"""The Knowledge Base as citizens read it: its home with search, a section, a material; only what was let out."""

from __future__ import annotations

from typing import Any, Final

from django.conf import settings
from django.contrib.sitemaps import Sitemap
from django.contrib.sitemaps.views import sitemap as listed
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe

from otklik.core.access import public
from otklik.knowledge import archive, finding, materials, readings, trust
from otklik.knowledge.models import Audience, PublicVersion, ReceptionSchedule, Section
from otklik.portal import searching

NEAR: Final = 5


@public
@require_safe
def home(request: HttpRequest) -> HttpResponse:
    """Show the sections that have something to read, or what was found for `?q=`."""
    context = searching.asked(request)
    if not context["query"]:
        context["sections"] = materials.sections()
    return searching.answer(request, "portal/knowledge/home.html", context)


@public
@require_safe
def section(request: HttpRequest, section: str) -> HttpResponse:
    """Show what of a section is on the site."""
    found = materials.section_at(f"/kb/{section}/")
    if found is None:
        raise Http404
    context = {"section": found, "on_site": materials.on_site(found)}
    return render(request, "portal/knowledge/section.html", context)


@public
@require_safe
def material(request: HttpRequest, section: str, slug: str) -> HttpResponse:
    """Show a material in the version that was let out; an archived one leads to what stands in its place."""
    address = f"/kb/{section}/{slug}/"
    version = materials.version_at(address)
    if version is None:
        if following := archive.successor_on_site(address):
            return redirect(following.url, permanent=True)
        raise Http404
    if who := finding.known_citizen(request):
        finding.opened(who, version.pk)
    keeper = materials.section_of(version.material)
    context = {
        "shown": version,
        "section": keeper,
        "is_schedule": version.material.cached_content_type.model_class() is ReceptionSchedule,
        "trust": trust.of([version.material])[version.material_id],
        "today": timezone.localdate(),
        "refers_to": materials.referred_on_site(version.refers_to),
        "files": version.documents.all(),
        "related": materials.near_on_site(version, keeper, limit=NEAR) if keeper else [],
    }
    return render(request, "portal/knowledge/material.html", context)


@public
@never_cache
@require_POST
def read(request: HttpRequest, pk: int) -> HttpResponse:
    """Count that a material was read: its page tells so when it has stayed open; of the reader nothing is kept."""
    if pk >= 10**18 or not materials.for_public().filter(pk=pk).exists():
        raise Http404
    readings.note(pk, Audience.PUBLIC)
    return HttpResponse(status=204)


class _Pages(Sitemap[PublicVersion | Section | None]):
    """Everything of the Knowledge Base that is on the site."""

    protocol = settings.BASE_URL.partition(":")[0]

    def items(self) -> list[PublicVersion | Section | None]:
        """Return the home, the open sections and the materials."""
        return [None, *materials.sections(), *materials.all_on_site()]

    def location(self, item: PublicVersion | Section | None) -> str:
        """Return the address of a page."""
        if item is None:
            return "/kb/"
        return item.url if isinstance(item, PublicVersion) else (item.get_url() or "")

    def lastmod(self, item: PublicVersion | Section | None) -> Any:
        """Return when a material was let out; of the rest nothing is told."""
        return item.pinned_at if isinstance(item, PublicVersion) else None


@public
@require_safe
def sitemap(request: HttpRequest) -> HttpResponse:
    """List every page of the Knowledge Base for search engines."""
    return listed(request, {"kb": _Pages})
