"""One box for everything: appeals, people (masked), materials; grouped, and each line says why it is here."""

from __future__ import annotations

from django.http import HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_http_methods

from otklik.appeals import search_feed
from otklik.core.access import requires
from otklik.knowledge import materials
from otklik.people import access as people_access
from otklik.workplace import applicants
from otklik.workplace.menu import APPEALS
from otklik.workplace.requests import StaffRequest

SHOWN = 8


@requires()
@require_http_methods(["GET", "POST"])
def search(request: StaffRequest) -> HttpResponse:
    """Find in what this employee may see. The box sends a POST: names do not stay in addresses and logs."""
    given = request.POST if request.method == "POST" else request.GET
    text, user = given.get("q", "").strip()[:200], request.user
    found: dict[str, object] = {"search_text": text, "numbers": {}, "lazy_menu": True}
    if text:
        reads = any(user.has_power(power) for power in APPEALS)
        found["appeals"] = search_feed.look_up(user, text, limit=SHOWN) if reads else []
        found["people"] = (
            [(one, people_access.masked(one)) for one in applicants.find(text, user)[:SHOWN]]
            if user.has_power("applicants.view")
            else []
        )
        found["materials"] = materials.find(text, user=user, limit=SHOWN)
    return render(request, "workplace/search.html", found)
