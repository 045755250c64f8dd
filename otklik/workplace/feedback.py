"""What people said about our answers: the block of a card and the list."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, cast

from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from otklik.appeals import access
from otklik.appeals.models import Appeal
from otklik.core.access import requires
from otklik.people.models import Employee
from otklik.surveys import feedback
from otklik.surveys.models import Response

PER_PAGE: Final = 50
VIEWS: Final = {
    "": "все",
    "unhappy": "не получили ответа или недовольны",
    "happy": "довольны",
    "contact": "можно связаться",
}


@dataclass(frozen=True)
class Said:
    """One opinion, beside the appeal it is about."""

    appeal: Appeal
    answers: list[tuple[str, str]]
    comment: str
    at: datetime
    contact_allowed: bool
    happy: bool


def said_about(appeal: Appeal) -> Said | None:
    """Return what the applicant said about this appeal, for its card."""
    if appeal.invitation_id is None:
        return None
    response = (
        Response.objects.filter(invitation_id=appeal.invitation_id)
        .select_related("invitation__questionnaire", "consent")
        .first()
    )
    return _said(appeal, response) if response else None


@require_safe
@requires("appeals.view_all", "appeals.view_unit", "appeals.view_own")
def feedback_list(request: HttpRequest) -> HttpResponse:
    """List opinions about the appeals this employee may see, newest first."""
    chosen = request.GET.get("view", "")
    chosen = chosen if chosen in VIEWS else ""
    visible = access.visible_to(cast(Employee, request.user)).filter(invitation__isnull=False)
    responses = _narrowed(Response.objects.filter(invitation__in=visible.values("invitation")), chosen)
    rows = responses.select_related("invitation__questionnaire", "consent").order_by("-at", "-id")
    page = Paginator(rows, PER_PAGE).get_page(request.GET.get("page"))
    about = {appeal.invitation_id: appeal for appeal in visible.filter(invitation__response__in=[r.pk for r in page])}
    context: dict[str, Any] = {
        "said": [_said(about[row.invitation_id], row) for row in page],
        "page": page,
        "views": VIEWS.items(),
        "chosen": chosen,
    }
    return render(request, "workplace/feedback.html", context)


def _narrowed(responses: Any, chosen: str) -> Any:
    if chosen == "happy":
        return responses.filter(answers__answered="yes", answers__quality="satisfied")
    if chosen == "unhappy":
        return responses.exclude(answers__answered="yes", answers__quality="satisfied")
    if chosen == "contact":
        return responses.filter(consent__isnull=False)
    return responses


def _said(appeal: Appeal, response: Response) -> Said:
    return Said(
        appeal=appeal,
        answers=feedback.spoken(response),
        comment=response.comment,
        at=response.at,
        contact_allowed=hasattr(response, "consent"),
        happy=response.answers.get("answered") == "yes" and response.answers.get("quality") == "satisfied",
    )
