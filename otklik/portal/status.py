"""«Узнать состояние»: by number and code, without an account, the same answer for whatever is wrong."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from datetime import date
from typing import Any, Final

from django.conf import settings
from django.core import signing
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_safe

from otklik.appeals.models import Appeal, Dispatch
from otklik.channels.site import intake, limits
from otklik.channels.site.models import FormAttempt, Receipt
from otklik.core import files, masking
from otklik.core.access import public
from otklik.core.errors import DomainError
from otklik.correspondence.models import ChannelCode, IncomingMessage, OutgoingFile, OutgoingMessage
from otklik.portal.forms import StatusForm
from otklik.surveys import feedback

COOKIE: Final = f"{settings.PATH_COOKIE_PREFIX}otklik_status"
SECONDS: Final = 1800
WRONG: Final = "Номер и код не подошли друг к другу. Проверьте обе строки: они напечатаны вместе."

# What is easily typed instead: Latin letters that look Cyrillic, as in «C-2026-000123».
_LOOKALIKES: Final = str.maketrans("ABCEHKMOPTXY", "АВСЕНКМОРТХУ")


@dataclass(frozen=True)
class Event:
    """One line of the story: when, what, and whether it is still ahead or going on."""

    on: date | None
    words: str
    detail: str = ""
    state: str = "done"  # done, now, ahead


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
    found = find(form.cleaned_data["number"], form.cleaned_data["code"])
    if found is None:
        return _refused(request, form, WRONG, 422)
    limits.forgive(FormAttempt.Form.STATUS, request)
    response = redirect("portal:status_view")
    response.set_cookie(
        COOKIE,
        signing.dumps(found, salt=COOKIE),
        max_age=SECONDS,
        path="/status/",
        httponly=True,
        samesite="Lax",
        secure=settings.SESSION_COOKIE_SECURE,
    )
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
    here = [one.message for one in _answers_of(appeal)] if appeal else []
    mine = [message.pk for message in here if message.channel == ChannelCode.WEBSITE]
    file = OutgoingFile.objects.select_related("stored").filter(pk=file_id, message__in=mine).first()
    if file is None:
        raise Http404
    return files.response(file.stored, file.name)


def find(number: str, code: str) -> tuple[int | None, int | None] | None:
    """Return (message, appeal) ids where number and code belong together; None for anything else.

    A wrong number costs the same queries and comparisons as a wrong code.
    """
    numbers = _spellings(number)
    typed = code.replace("-", "").replace(" ", "").casefold()
    receipt = Receipt.objects.filter(number__in=numbers).select_related("message").first()
    appeal = Appeal.objects.filter(number__in=numbers).first()
    first = _first_message(appeal)
    own_receipt = Receipt.objects.filter(message_id=first).first()
    right = [
        _same(intake.hash_of(typed), receipt.code_hash if receipt else ""),
        _same(intake.hash_of(typed), own_receipt.code_hash if own_receipt else ""),
        _same(typed, appeal.secret.replace("-", "").casefold() if appeal else ""),
    ]
    if right[0] and receipt is not None:
        return receipt.message_id, None
    if (right[1] or right[2]) and appeal is not None:
        return None, appeal.pk
    return None


def _same(typed: str, kept: str) -> bool:
    """Compare in constant time; nothing kept is never right."""
    return secrets.compare_digest(typed.encode(), (kept or secrets.token_hex(32)).encode())


def _spellings(number: str) -> set[str]:
    plain = number.replace("№", "").strip().replace("\x00", "")
    return {plain, plain.upper(), plain.upper().translate(_LOOKALIKES)}


def _first_message(appeal: Appeal | None) -> int | None:
    """Return the message the appeal began with; asked even where there is no appeal, to take as long."""
    found: int | None = (
        IncomingMessage.objects.filter(taken__appeal=appeal.pk if appeal else 0, taken__first=True)
        .values_list("pk", flat=True)
        .first()
    )
    return found


def _opened(request: HttpRequest) -> tuple[int | None, int | None] | None:
    try:
        message, appeal = signing.loads(request.COOKIES.get(COOKIE, ""), salt=COOKIE, max_age=SECONDS)
    except (signing.BadSignature, ValueError, TypeError):
        return None
    return message, appeal


def _appeal_of(message_id: int | None, appeal_id: int | None) -> Appeal | None:
    """Return the appeal, by itself or as what became of the message."""
    appeals = Appeal.objects.select_related("regime", "invitation")
    if appeal_id is not None:
        return appeals.filter(pk=appeal_id).first()
    return appeals.filter(messages__message_id=message_id, messages__first=True).first()


def _story_of_message(message: IncomingMessage | None) -> dict[str, Any]:
    """Tell what became of a message that is no appeal of its own."""
    if message is None:
        raise Http404
    events = [Event(timezone.localdate(message.received_at), "Получено")]
    if message.state == IncomingMessage.State.JOINED:
        on = timezone.localdate(message.decided_at) if message.decided_at else None
        events.append(Event(on, "Присоединено к прежнему обращению", "Ответим на всё вместе."))
    elif message.state == IncomingMessage.State.REJECTED:
        on = timezone.localdate(message.decided_at) if message.decided_at else None
        events.append(Event(on, "Не принято к рассмотрению", "О причине можно спросить по телефону департамента."))
    else:
        events.append(Event(None, "Ждёт регистрации", "Сотрудник прочитает и зарегистрирует сообщение.", "now"))
        events.append(Event(None, "Готовится ответ", state="ahead"))
        events.append(Event(None, "Ответ отправлен", state="ahead"))
    return {"number": message.site_receipt.number, "word": "сообщение", "events": events}


def _story_of_appeal(appeal: Appeal, message: IncomingMessage | None) -> dict[str, Any]:
    """Tell what became of an appeal, in a citizen's words."""
    answers = _answers_of(appeal)
    last = answers[-1] if answers else None
    receipt = getattr(message, "site_receipt", None)
    story: dict[str, Any] = {
        "number": appeal.number,
        "earlier_number": receipt.number if receipt else "",
        "word": appeal.regime.citizen_word,
        "due_on": appeal.due_on if last is None and appeal.closed_on is None else None,
        "events": _events(appeal, answers),
    }
    if last is not None:
        story["feedback"] = _open_invitation(appeal)
        if last.message.channel == ChannelCode.WEBSITE:
            story["answer"] = last.message.text
            story["files"] = list(last.message.files.all())
    return story


def _events(appeal: Appeal, answers: list[Dispatch]) -> list[Event]:
    events = [
        Event(appeal.received_on, "Получено"),
        Event(appeal.registered_on, "Зарегистрировано", f"№ {appeal.number}"),
    ]
    later = appeal.messages.filter(first=False, message__machine="").select_related("message")
    events += [Event(timezone.localdate(one.message.received_at), "Получено ваше дополнение") for one in later]
    events += [
        Event(timezone.localdate(one.message.sent_at or one.at), "Ответ отправлен", _where(one.message))
        for one in answers
    ]
    events.sort(key=lambda event: event.on or date.max)
    if appeal.status == Appeal.Status.CLOSED:
        return events if answers else [*events, Event(appeal.closed_on, "Рассмотрение закончено")]
    if appeal.status == Appeal.Status.SENT and answers:
        return events
    preparing = Event(None, "Готовится ответ", state="ahead" if appeal.status == Appeal.Status.REGISTERED else "now")
    return [*events, preparing, Event(None, "Ответ отправлен", state="ahead")]


def _answers_of(appeal: Appeal) -> list[Dispatch]:
    """Return the answers that have left, oldest first: an employee can no longer call them back."""
    left = Dispatch.objects.filter(answer__appeal=appeal, message__state=OutgoingMessage.State.SENT)
    return list(left.select_related("message").order_by("at"))


def _where(message: OutgoingMessage) -> str:
    """Say where the answer went, masked: the page may be seen over a shoulder."""
    if message.channel == ChannelCode.EMAIL:
        return f"На электронную почту {masking.email(message.recipient)}"
    if message.channel == ChannelCode.POST:
        return "Письмом по почте"
    if message.channel == ChannelCode.HOTLINE:
        return "По телефону"
    return "Прочитайте его на этой странице" if message.channel == ChannelCode.WEBSITE else ""


def _open_invitation(appeal: Appeal) -> str:
    """Return the address of the questionnaire while it can be answered."""
    invitation = appeal.invitation
    if invitation is None or hasattr(invitation, "response") or not feedback.is_open(invitation):
        return ""
    return f"/feedback/{invitation.token}/"


def _refused(request: HttpRequest, form: StatusForm, words: str, status_code: int) -> HttpResponse:
    return render(request, "portal/status.html", {"form": form, "refusal": words}, status=status_code)
