"""One box for everything: appeals, people (masked), materials; grouped, and each line says why it is here."""

from __future__ import annotations

from django.db.models import Q
from django.http import HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_http_methods

from otklik.appeals import access, search_feed
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
        found["appeals"] = _appeals(request, text) if any(user.has_power(power) for power in APPEALS) else []
        found["people"] = (
            [(one, people_access.masked(one)) for one in applicants.find(text, user)[:SHOWN]]
            if user.has_power("applicants.view")
            else []
        )
        found["materials"] = materials.find(text, user=user, limit=SHOWN)
    return render(request, "workplace/search.html", found)


def _appeals(request: StaffRequest, text: str) -> list[search_feed.Found]:
    """Return appeals by number first, then by words."""
    first: list[search_feed.Found] = []
    if any(sign.isdigit() for sign in text):
        numbered = access.visible_to(request.user).filter(Q(number__iexact=text) | Q(number__iendswith=text))
        first = [search_feed.Found(appeal, (), 1.0) for appeal in numbered.order_by("-pk")[:SHOWN]]
    known = {one.appeal.pk for one in first}
    words = search_feed.search_for(request.user, text, limit=SHOWN)
    return [*first, *(one for one in words if one.appeal.pk not in known)][:SHOWN]
