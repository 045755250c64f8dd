"""What a citizen's search finds, on the portal's home and in «Вопросы и ответы» alike."""

from __future__ import annotations

from typing import Any, Final

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from otklik.core import typed
from otklik.knowledge import finding, materials

QUERY_MAX: Final = 200
SHOWN: Final = 10


def asked(request: HttpRequest) -> dict[str, Any]:
    """Return what a page shows of a search: `query`, and `results` where something was asked, measured."""
    query, part = typed.words(request.GET.get("q"), QUERY_MAX), is_part(request)
    context: dict[str, Any] = {"query": query, "exact": "exact" in request.GET, "here": request.path}
    if query and not (part and len(query) < materials.BEGUN):
        found = materials.search(query, limit=SHOWN, typing=part, exact=context["exact"])
        context["results"] = found
        context["search_key"] = finding.typed(finding.citizen(request), query, found.pages, finding.told_by(request))
    return context


def answer(request: HttpRequest, page: str, context: dict[str, Any]) -> HttpResponse:
    """Return the page, or the part that changes as one types, with the mark by which a search is known again."""
    response = render(request, "portal/_found.html" if is_part(request) else page, context)
    finding.keep_mark(request, response)
    return response


def is_part(request: HttpRequest) -> bool:
    """Tell whether only what was found is asked for."""
    return bool(getattr(request, "htmx", False))
