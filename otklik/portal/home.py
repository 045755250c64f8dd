"""The portal's home: a question, the answers asked most, four ways on."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_safe

from otklik.core.access import public
from otklik.knowledge import finding, materials
from otklik.portal import hours

QUERY_MAX = 200
SHOWN = 10


@public
@require_safe
def home(request: HttpRequest) -> HttpResponse:
    """Show the home page, or what was found for a question."""
    query = " ".join(request.GET.get("q", "").replace("\x00", "").split())[:QUERY_MAX]
    context: dict[str, object] = {"query": query}
    if query:
        context["found"] = found = materials.find(query, limit=SHOWN)
        shown = [one.page_id for one in found]
        context["search_key"] = finding.typed(finding.citizen(request), query, shown, finding.told_by(request))
    else:
        context["asked"] = materials.most_asked(limit=6)
    context["openings"] = hours.openings(timezone.now())
    response = render(request, "portal/home.html", context)
    finding.keep_mark(request, response)
    return response
