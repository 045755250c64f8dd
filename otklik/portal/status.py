"""«Узнать состояние»: by number and code, without an account, the same answer for whatever is wrong."""

from __future__ import annotations

from typing import Any, Final

from django.conf import settings
from django.core import signing
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_safe

from otklik.appeals import story
from otklik.appeals.models import Appeal
from otklik.channels.site import limits
from otklik.channels.site.models import FormAttempt
from otklik.core import files
from otklik.core.access import public
from otklik.core.errors import DomainError
from otklik.correspondence.models import ChannelCode, IncomingMessage, OutgoingFile
from otklik.hotline import codes
from otklik.portal import cookies
from otklik.portal.forms import StatusForm
from otklik.surveys import feedback

COOKIE: Final = f"{settings.PATH_COOKIE_PREFIX}otklik_status"
SECONDS: Final = 1800
WRONG: Final = "Номер и код не подошли друг к другу. Проверьте обе строки: они напечатаны вместе."


@public
@never_cache
@require_http_methods(["GET", "POST"])
def status(request: HttpRequest) -> HttpResponse:
    """Ask for number and code; a right pair opens the story for half an hour."""
    if request.method == "GET":
        return render(request, "portal/status.html", {"form": StatusForm()})
    form = StatusForm(request.POST)
    if not form.is_valid():
        return render(request, "portal/status.html", {"form": form}, status=422)
    try:
        limits.count(FormAttempt.Form.STATUS, request)
    except DomainError as refusal:
        return _refused(request, form, str(refusal), refusal.status)
    found = codes.find(form.cleaned_data["number"], form.cleaned_data["code"])
    if found is None:
        return _refused(request, form, WRONG, 422)
    limits.forgive(FormAttempt.Form.STATUS, request)
    response = redirect("portal:status_view")
    cookies.keep(response, COOKIE, found, seconds=SECONDS, path="/status/")
    return response


@public
@never_cache
@require_safe
def view(request: HttpRequest) -> HttpResponse:
    """Show the story of the message or appeal whose number and code were right."""
    opened = _opened(request)
    if opened is None:
        return redirect("portal:status")
    message_id, appeal_id = opened
    message = IncomingMessage.objects.select_related("site_receipt").filter(pk=message_id or 0).first()
    appeal = _appeal_of(message_id, appeal_id)
    if appeal is None:
        return render(request, "portal/status_view.html", _story_of_message(message))
    return render(request, "portal/status_view.html", _story_of_appeal(appeal, message))


@public
@never_cache
@require_safe
def letter(request: HttpRequest, file_id: int) -> HttpResponseBase:
    """Give a file of the answer to the person who reads it on the site."""
    opened = _opened(request)
    appeal = _appeal_of(*opened) if opened else None
    here = [one.message for one in story.answers_of(appeal)] if appeal else []
    mine = [message.pk for message in here if message.channel == ChannelCode.WEBSITE]
    file = OutgoingFile.objects.select_related("stored").filter(pk=file_id, message__in=mine).first()
    if file is None:
        raise Http404
    return files.response(file.stored, file.name)


def _opened(request: HttpRequest) -> tuple[int | None, int | None] | None:
    try:
        message, appeal = signing.loads(request.COOKIES.get(COOKIE, ""), salt=COOKIE, max_age=SECONDS)
    except (signing.BadSignature, ValueError, TypeError):
        return None
    return message, appeal


def _appeal_of(message_id: int | None, appeal_id: int | None) -> Appeal | None:
    """Return the appeal, by itself or as what became of the message."""
    appeals = Appeal.objects.select_related("regime", "invitation", "unit")
    if appeal_id is not None:
        return appeals.filter(pk=appeal_id).first()
    return appeals.filter(messages__message_id=message_id, messages__first=True).first()


def _story_of_message(message: IncomingMessage | None) -> dict[str, Any]:
    """Tell what became of a message that is no appeal of its own."""
    if message is None:
        raise Http404
    events = [story.Event(timezone.localdate(message.received_at), "Получено")]
    if message.state == IncomingMessage.State.JOINED:
        on = timezone.localdate(message.decided_at) if message.decided_at else None
        events.append(story.Event(on, "Присоединено к прежнему обращению", "Ответим на всё вместе."))
    elif message.state == IncomingMessage.State.REJECTED:
        on = timezone.localdate(message.decided_at) if message.decided_at else None
        events.append(
            story.Event(on, "Не принято к рассмотрению", "О причине можно спросить по телефону департамента.")
        )
    else:
        events.append(story.Event(None, "Ждёт регистрации", "Сотрудник прочитает и зарегистрирует сообщение.", "now"))
        events.append(story.Event(None, "Готовится ответ", state="ahead"))
        events.append(story.Event(None, "Ответ отправлен", state="ahead"))
    return {"number": message.site_receipt.number, "word": "сообщение", "events": events}


def _story_of_appeal(appeal: Appeal, message: IncomingMessage | None) -> dict[str, Any]:
    """Tell what became of an appeal, in a citizen's words."""
    answers = story.answers_of(appeal)
    last = answers[-1] if answers else None
    receipt = getattr(message, "site_receipt", None)
    shown: dict[str, Any] = {
        "number": appeal.number,
        "earlier_number": receipt.number if receipt else "",
        "word": appeal.regime.citizen_word,
        "due_on": appeal.due_on if last is None and appeal.closed_on is None else None,
        "events": story.events(appeal, answers),
        "standing": story.standing(appeal, answers),
    }
    if last is not None:
        shown["feedback"] = open_invitation(appeal)
        if last.message.channel == ChannelCode.WEBSITE:
            shown["answer"] = last.message.text
            shown["files"] = list(last.message.files.all())
    return shown


def open_invitation(appeal: Appeal) -> str:
    """Return the address of the questionnaire while it can be answered."""
    invitation = appeal.invitation
    if invitation is None or hasattr(invitation, "response") or not feedback.is_open(invitation):
        return ""
    return f"/feedback/{invitation.token}/"


def _refused(request: HttpRequest, form: StatusForm, words: str, status_code: int) -> HttpResponse:
    return render(request, "portal/status.html", {"form": form, "refusal": words}, status=status_code)
