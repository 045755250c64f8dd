"""«Пригласить оценить»: the applicant's one-time code with the short address, to be dictated or printed."""

from __future__ import annotations

from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils.safestring import mark_safe
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from otklik.appeals import access, inviting
from otklik.core.access import requires
from otklik.core.errors import DomainError
from otklik.surveys import points
from otklik.workplace.requests import StaffRequest


@requires("appeals.draft", "intake.decide")
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def invite(request: StaffRequest, pk: int) -> HttpResponse:
    """Show the applicant's code and where it is entered; a POST makes the code."""
    appeal = access.get_for(request.user, pk)
    inviting.check_can_invite(appeal, request.user)
    point, refusal = points.for_codes(), None
    if request.method == "POST" and point is not None:
        try:
            inviting.give_code(appeal, by=request.user)
            return redirect("workplace:invite", pk=pk)
        except DomainError as exc:
            refusal = exc
    code = inviting.given_code(appeal)
    context = {
        "appeal": appeal,
        "code": code,
        "point": point,
        "said": points.said(point) if point else "",
        # Our own drawing of our own address; no word of it was typed by anybody.
        "qr": mark_safe(points.qr_svg(point, code, fits=True).decode()) if point and code else "",  # noqa: S308
        "refusal": refusal,
    }
    return render(request, "workplace/invite.html", context, status=refusal.status if refusal else 200)
