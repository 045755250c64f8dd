"""«Пригласить оценить»: the applicant's one-time code with the short address, to be dictated or printed."""

from __future__ import annotations

from collections.abc import Callable

from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.safestring import mark_safe
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from otklik.appeals import access, inviting
from otklik.core.access import requires
from otklik.core.errors import DomainError
from otklik.reception import holding
from otklik.reception import inviting as after_reception
from otklik.surveys import asking, points
from otklik.workplace.requests import StaffRequest


@requires("appeals.draft", "intake.decide")
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def invite(request: StaffRequest, pk: int) -> HttpResponse:
    """Show the code of an appeal's applicant and where it is entered; a POST makes the code."""
    appeal = access.get_for(request.user, pk)
    inviting.check_can_invite(appeal, request.user)
    return _page(
        request,
        give=lambda: inviting.give_code(appeal, by=request.user),
        given=lambda: asking.given_code(appeal.invitation),
        back=reverse("workplace:card", args=[pk]),
        about=f"Обращение № {appeal.number}",
        on_card="карточке обращения",
        until=lambda: appeal.invitation and appeal.invitation.expires_on,
    )


@requires(*after_reception.POWERS)
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def invite_received(request: StaffRequest, pk: int) -> HttpResponse:
    """Show the code of who was received, and where it is entered; a POST makes the code."""
    card = get_object_or_404(holding.seen_by(request.user).select_related("invitation"), pk=pk)
    return _page(
        request,
        give=lambda: after_reception.give_code(card, by=request.user),
        given=lambda: asking.given_code(card.invitation),
        back=reverse("workplace:reception_card", args=[pk]),
        about=f"Личный приём № {card.number}",
        on_card="карточке приёма",
        until=lambda: card.invitation and card.invitation.expires_on,
    )


def _page(
    request: StaffRequest,
    *,
    give: Callable[[], str],
    given: Callable[[], str],
    back: str,
    about: str,
    on_card: str,
    until: Callable[[], object],
) -> HttpResponse:
    point, refusal = points.for_codes(), None
    if request.method == "POST" and point is not None:
        try:
            give()
            return redirect(request.path)
        except DomainError as exc:
            refusal = exc
    code = given()
    context = {
        "code": code,
        "point": point,
        "said": points.said(point) if point else "",
        # Our own drawing of our own address; no word of it was typed by anybody.
        "qr": mark_safe(points.qr_svg(point, code, fits=True).decode()) if point and code else "",  # noqa: S308
        "refusal": refusal,
        "back": back,
        "about": about,
        "on_card": on_card,
        "until": until(),
    }
    return render(request, "workplace/invite.html", context, status=refusal.status if refusal else 200)
