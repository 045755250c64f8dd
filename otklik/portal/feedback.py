"""The questionnaire: one page; with scripts, one question a screen."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST

from otklik.core.access import public
from otklik.surveys import feedback, questions
from otklik.surveys.models import Invitation


@public
@never_cache
@require_http_methods(["GET", "POST"])
def questionnaire(request: HttpRequest, token: str) -> HttpResponse:
    """Ask, and take the answer once; afterwards thank."""
    try:
        invitation = feedback.find(token)
    except feedback.InvitationUnknown as refusal:
        return _closed(request, refusal)
    if request.method == "POST":
        return _take(request, invitation)
    if hasattr(invitation, "response"):
        return _thanks(request, invitation)
    if not feedback.is_open(invitation):
        return _closed(request, feedback.InvitationExpired(on=f"{invitation.expires_on:%d.%m.%Y}"))
    return _ask(request, invitation)


@public
@require_POST
def allow_contact(request: HttpRequest, token: str) -> HttpResponse:
    """Keep the consent to be contacted, given on a page of its own."""
    try:
        feedback.allow_contact(token)
    except feedback.InvitationUnknown as refusal:
        return _closed(request, refusal)
    return redirect("portal:feedback", token=token)


def sent(request: HttpRequest) -> dict[str, list[str]]:
    """Return what a form of questions brought: several answers may stand under one name."""
    return {name: [str(one).replace("\x00", "") for one in values] or [""] for name, values in request.POST.lists()}


def _take(request: HttpRequest, invitation: Invitation) -> HttpResponse:
    typed = sent(request)
    try:
        feedback.answer(invitation.token, typed, typed.get("comment", [""])[0])
    except questions.AnswersUnclear as refusal:
        return _ask(request, invitation, typed, str(refusal), status=422)
    except feedback.InvitationExpired as refusal:
        return _closed(request, refusal)
    return redirect("portal:feedback", token=invitation.token)


def _ask(
    request: HttpRequest,
    invitation: Invitation,
    typed: dict[str, list[str]] | None = None,
    refusal: str = "",
    status: int = 200,
) -> HttpResponse:
    typed = typed or {}
    context = {
        "invitation": invitation,
        "questions": questions.drawn(invitation.questionnaire, typed),
        "comment_asked": not questions.asks_for_words(invitation.questionnaire),
        "comment": typed.get("comment", [""])[0],
        "text_max": feedback.COMMENT_MAX,
        "refusal": refusal,
    }
    return render(request, "portal/feedback.html", context, status=status)


def _thanks(request: HttpRequest, invitation: Invitation) -> HttpResponse:
    response = invitation.response
    context = {
        "invitation": invitation,
        "said": feedback.spoken(response),
        "comment": response.comment,
        "consent_given": hasattr(response, "consent"),
        "consent_text": feedback.CONSENT_TEXT,
    }
    return render(request, "portal/feedback_thanks.html", context)


def _closed(request: HttpRequest, refusal: feedback.InvitationUnknown | feedback.InvitationExpired) -> HttpResponse:
    return render(request, "portal/feedback_closed.html", {"refusal": refusal}, status=refusal.status)
