"""«Помогло / не помогло» under an answer on the site: one press, or a reason; nothing of the citizen is kept."""

from __future__ import annotations

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST

from otklik.channels.site import limits
from otklik.channels.site.models import FormAttempt
from otklik.core.access import public
from otklik.core.errors import DomainError
from otklik.knowledge import finding, materials, votes
from otklik.knowledge.models import Vote


@public
@never_cache
@require_POST
def vote(request: HttpRequest, pk: int) -> HttpResponse:
    """Take a vote and go back to the answer, which thanks; a refusal is shown with what was typed."""
    page = materials.for_public().filter(pk=pk).select_related("public_version").first() if pk < 10**18 else None
    if page is None:
        raise Http404
    typed = {name: request.POST.get(name, "").replace("\x00", "") for name in ("helped", "reason", "note")}
    try:
        limits.count(FormAttempt.Form.VOTE, request)
        helped = typed["helped"] == "yes"
        votes.vote(finding.citizen(request), page, helped=helped, reason=typed["reason"], note=typed["note"])
    except votes.AlreadyVoted:
        pass  # pressed twice: the first one counts, the page says what it was
    except DomainError as refusal:
        context = {"page": page.public_version, "refusal": refusal, "reasons": Vote.Reason.choices, "typed": typed}
        return render(request, "portal/vote.html", context, status=refusal.status)
    response = redirect(f"{page.get_url()}#vote")
    finding.keep_mark(request, response)
    return response
