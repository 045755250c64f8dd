"""One box for everything: cases, people (masked), materials; grouped, and each line says why it is here."""

from __future__ import annotations

from django.http import HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_http_methods

from otklik.appeals.case_search import OPERATORS
from otklik.core import typed
from otklik.core.access import requires
from otklik.workplace import finding
from otklik.workplace.requests import StaffRequest

SHOWN = 8


@requires()
@require_http_methods(["GET", "POST"])
def search(request: StaffRequest) -> HttpResponse:
    """Find in what this employee may see. The box sends a POST: names do not stay in addresses and logs."""
    given = request.POST if request.method == "POST" else request.GET
    text = typed.words(given.get("q"), 200)
    found = finding.everything(request.user, text, limit=SHOWN) if text else finding.Everything()
    return render(
        request,
        "workplace/search.html",
        {"search_text": text, "numbers": {}, "lazy_menu": True, "operators": OPERATORS, **vars(found)},
    )
