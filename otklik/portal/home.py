"""The portal's home: a question, the answers asked most, four ways on."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.views.decorators.http import require_safe

from otklik.core.access import public
from otklik.hotline import hours
from otklik.knowledge import materials
from otklik.portal import searching
from otklik.surveys import points


@public
@require_safe
def home(request: HttpRequest) -> HttpResponse:
    """Show the home page, or what was found for a question."""
    context = searching.asked(request)
    if not searching.is_part(request):
        context["openings"] = hours.openings(timezone.now())
        if not context["query"]:
            context["asked"] = materials.most_asked(limit=6)
        if (point := points.for_site()) is not None:
            context |= {"survey": point, "survey_address": points.said(point)}
    return searching.answer(request, "portal/home.html", context)
