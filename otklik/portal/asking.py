"""`/o/<code>/`: the questionnaire of a point. No sign-in, no cookie, no script; one answer per attempt."""

from __future__ import annotations

import json
from functools import lru_cache
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.template.loader import render_to_string
from django.utils.cache import patch_cache_control
from django.utils.safestring import SafeString
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods, require_safe

from otklik.channels.site import limits
from otklik.channels.site.models import FormAttempt
from otklik.core.access import public
from otklik.core.errors import DomainError
from otklik.portal.feedback import sent
from otklik.surveys import asking, feedback, points, questions
from otklik.surveys.models import Questionnaire, SurveyPoint


@public
@csrf_exempt  # the signed key of the attempt stands for the mark of a form: a telephone may refuse cookies
@require_http_methods(["GET", "HEAD", "POST"])
def ask(request: HttpRequest, code: str) -> HttpResponse:
    """Ask what the point asks today and take the answer once; a form that was opened is answered as it was."""
    try:
        point = points.find(code)
        if request.method == "POST":
            return _take(request, point)
        questionnaire = points.asked_at(point)
    except points.PointUnknown as refusal:
        return render(request, "portal/ask_closed.html", {"refusal": refusal}, status=refusal.status)
    if request.method == "GET":
        points.opened(point)
    return _form(request, point, questionnaire, key=asking.begin(point, questionnaire), typed={})


@public
@require_safe
def qr(request: HttpRequest, code: str) -> HttpResponse:
    """Return the QR code of a point as a picture, for the portal and other sites."""
    try:
        point = points.find(code)
    except points.PointUnknown as refusal:
        return HttpResponse(str(refusal), status=refusal.status, content_type="text/plain; charset=utf-8")
    response = HttpResponse(points.qr_svg(point), content_type="image/svg+xml")
    patch_cache_control(response, public=True, max_age=3600)
    return response


@public
@require_safe
def thanks(request: HttpRequest, code: str, token: str) -> HttpResponse:
    """Thank, say what was kept and lead to the consent, which is a page of its own."""
    try:
        response = asking.thanked(token)
    except feedback.InvitationUnknown as refusal:
        return render(request, "portal/ask_closed.html", {"refusal": refusal}, status=refusal.status)
    context = {"code": code, "token": token, "said": feedback.spoken(response), "response": response}
    return _kept_by_nobody(render(request, "portal/ask_thanks.html", context))


@public
@csrf_exempt  # whoever knows the address of the thanks has just answered
@require_http_methods(["GET", "HEAD", "POST"])
def contact(request: HttpRequest, code: str, token: str) -> HttpResponse:
    """Ask for the consent to be contacted and where to, apart from the answers (152-ФЗ)."""
    try:
        response = asking.thanked(token)
    except feedback.InvitationUnknown as refusal:
        return render(request, "portal/ask_closed.html", {"refusal": refusal}, status=refusal.status)
    typed, wrong = sent(request).get("contact", [""])[0], ""
    if request.method == "POST":
        try:
            asking.allow_contact(response, typed)
            return redirect("portal:ask_thanks", code=code, token=token)
        except asking.ContactUnclear as refusal:
            wrong = str(refusal)
    context = {
        "code": code,
        "token": token,
        "typed": typed,
        "refusal": wrong,
        "known": bool(response.invitation.code),
        "consent_text": asking.consent_text(response),
        "most": asking.CONTACT_MAX,
    }
    return _kept_by_nobody(render(request, "portal/ask_contact.html", context, status=422 if wrong else 200))


@public
@require_safe
def mistyped(request: HttpRequest, code: str) -> HttpResponse:
    """Lead on who typed the dictated «о» in Russian letters."""
    return redirect("portal:ask", code=code)


def _take(request: HttpRequest, point: SurveyPoint) -> HttpResponse:
    typed = sent(request)
    key, code = typed.get("key", [""])[0], typed.get("invitation", [""])[0]
    try:
        if code.strip():
            limits.count(FormAttempt.Form.CODE, request)
        visitor = limits.visitor_of(request)
        comment = typed.get("comment", [""])[0]
        response = asking.answer(point, key, typed, comment, code=code, visitor=visitor)
    except points.PointUnknown:
        raise
    except DomainError as refusal:
        # The edition that was opened is shown again, with the same key: nothing has been kept for it.
        opened = asking.opened_edition(point, key)
        questionnaire = opened or points.asked_at(point)
        key = key if opened else asking.begin(point, questionnaire)
        return _form(request, point, questionnaire, key=key, typed=typed, refusal=refusal)
    if code.strip():
        limits.forgive(FormAttempt.Form.CODE, request)
    return redirect("portal:ask_thanks", code=point.code, token=response.invitation.token)


def _form(
    request: HttpRequest,
    point: SurveyPoint,
    questionnaire: Questionnaire,
    *,
    key: str,
    typed: dict[str, list[str]],
    refusal: DomainError | None = None,
) -> HttpResponse:
    context: dict[str, Any] = {
        "point": point,
        "title": questionnaire.title,
        "fields": _fields(json.dumps(questionnaire.questions)) if not typed else _drawn(questionnaire, typed),
        "invitation": typed.get("invitation", [request.GET.get("k", "")])[0],
        "key": key,
        "refusal": refusal,
    }
    response = render(request, "portal/ask.html", context, status=refusal.status if refusal else 200)
    # Not `no-store`: who steps back after a broken connection must find the same form with what he typed, or he
    # would answer twice.
    patch_cache_control(response, private=True, no_cache=True, max_age=0)
    return response


@lru_cache(maxsize=64)
def _fields(asked: str) -> SafeString:
    """Draw the questions nobody has answered yet: the same for everybody, and most of the page."""
    return _drawn(Questionnaire(questions=json.loads(asked)), {})


def _drawn(questionnaire: Questionnaire, typed: dict[str, list[str]]) -> SafeString:
    facts = {
        "questions": questions.drawn(questionnaire, typed),
        "comment_asked": not questions.asks_for_words(questionnaire),
        "comment": typed.get("comment", [""])[0],
        "text_max": questions.TEXT_MAX,
    }
    return render_to_string("portal/_questions.html", facts)


def _kept_by_nobody(response: HttpResponse) -> HttpResponse:
    patch_cache_control(response, private=True, no_store=True)
    return response
