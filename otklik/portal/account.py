"""«Личный кабинет»: what an applicant has sent signed in, how it stands, the answers, and «написать ещё».

Only messages of the account that is signed in are looked for: the number of another one is as unknown as none.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from django.core import signing
from django.core.paginator import Paginator
from django.db import DatabaseError
from django.db.models import Exists, F, OuterRef, Q, QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_exempt, csrf_protect
from django.views.decorators.http import require_http_methods, require_safe

from otklik.appeals import story
from otklik.appeals.models import Appeal, Dispatch
from otklik.channels.site import attached, intake, limits
from otklik.channels.site.models import FormAttempt, Receipt
from otklik.channels.site.submission import Submission
from otklik.core import files
from otklik.core.access import public
from otklik.core.errors import DomainError
from otklik.correspondence.models import IncomingMessage, OutgoingFile, OutgoingMessage
from otklik.people import citizen_openid, citizens
from otklik.portal import signin, status, uploads, write
from otklik.portal.forms import TextForm

log = logging.getLogger(__name__)

State = IncomingMessage.State
ON_A_PAGE: Final = 20
NOT_YET: Final = "Сообщение ещё принимается. Подождите минуту и отправьте дополнение снова: текст остался на странице."
SIGNED_OUT: Final = (
    "Вход в личный кабинет закончился, ничего не отправлено. Войдите снова в соседней вкладке, вернитесь сюда и "
    "нажмите «Отправить» ещё раз: текст остался на странице."
)

_OF_MESSAGES: Final = {
    State.REJECTED: "Не принято к рассмотрению",
    State.JOINED: "Присоединено к прежнему обращению, ответим на всё вместе",
}


@dataclass(frozen=True)
class Line:
    """One message of the list: its number, how it stands, by when it will be answered."""

    receipt: Receipt
    appeal: Appeal | None
    words: str

    @property
    def number(self) -> str:
        """Return the appeal's number, before registration the one given on the site."""
        return self.appeal.number if self.appeal else self.receipt.number


@public
@never_cache
@require_safe
def account(request: HttpRequest) -> HttpResponse:
    """Show the applicant's appeals; to who is not signed in, what signing in gives and the way there."""
    who = signin.who(request)
    if who is None:
        return render(request, "portal/account_enter.html", {"is_open": citizen_openid.provider() is not None})
    page = Paginator(_sent_by(who), ON_A_PAGE).get_page(request.GET.get("page"))
    return render(request, "portal/account.html", {"who": who, "lines": _lines(page.object_list), "page": page})


@public
@never_cache
@require_safe
def letter(request: HttpRequest, pk: int) -> HttpResponse:
    """Show one appeal: what was written, how it stands, every answer with its files."""
    who = signin.who(request)
    if who is None:
        return redirect("portal:account")
    return _letter(request, who, _own(who, pk), TextForm())


@public
@never_cache
@csrf_exempt
@require_http_methods(["GET", "POST"])
def more(request: HttpRequest, pk: int) -> HttpResponse:
    """Send an addition, which joins the conversation; whatever goes wrong, the page comes back as it was."""
    handler = uploads.CarefulHandler(request)
    request.upload_handlers = [handler]
    return _more(request, pk, handler)


@csrf_protect
def _more(request: HttpRequest, pk: int, handler: uploads.CarefulHandler) -> HttpResponse:
    if request.method == "GET":
        return redirect("portal:account_letter", pk)
    form = TextForm({"text": request.POST.get("text", "").replace("\x00", "")})
    told = {"form": form, "pk": pk, "token": _token(request), "kept": request.POST.getlist("kept")}
    try:
        who = signin.who(request)
    except DatabaseError:
        log.exception("nobody can tell whose addition this is")
        told |= {"failure": write.UNAVAILABLE, "unavailable": True, "is_demo": False, "user": None}
        return render(request, "portal/account_more.html", told, status=503)
    if who is None:
        return render(request, "portal/account_more.html", {**told, "failure": SIGNED_OUT}, status=401)
    receipt = _own(who, pk)
    kept, problems = uploads.take(request.FILES.getlist("files"), uploads.kept_from(request.POST.getlist("kept")))
    problems += [f"Файл «{files.safe_name(name)}» больше, чем можно." for name in handler.too_large]
    problems += ["Файлы сейчас не сохранить. Подождите минуту и приложите их ещё раз."] if handler.unwritten else []
    again: dict[str, Any] = {"kept": kept, "problems": problems}
    if not form.is_valid() or problems:
        return _letter(request, who, receipt, form, **again, status=422)
    thread = receipt.message.thread
    if thread is None:
        return _letter(request, who, receipt, form, **again, failure=NOT_YET, status=409)
    if receipt.message.state in _OF_MESSAGES:
        raise Http404
    sent = Submission(
        **{"form_id": str(signing.loads(_token(request), salt=write.FORM_SALT)), "kind": "person"},
        **{part: getattr(who.said, part) for part in ("last_name", "first_name", "patronymic")},
        **{"organisation": "", "answer_by": "website", "email": "", "phone": "", "address": ""},
        text=form.cleaned_data["text"],
        files=tuple(one.file for one in kept),
        citizen=str(who.citizen.pk),
        continues=thread.token,
    )
    try:
        limits.count(FormAttempt.Form.WRITE, request)
        intake.take_in(sent, continues=receipt.message)
    except attached.FilesGone as gone:
        again["kept"] = [one for one in kept if one.file.sha256 not in gone.hashes]
        return _letter(request, who, receipt, form, **again, failure=str(gone), status=gone.status)
    except DomainError as refusal:
        return _letter(request, who, receipt, form, **again, failure=str(refusal), status=refusal.status)
    except (DatabaseError, OSError):
        log.exception("an addition could not be stored")
        return _letter(request, who, receipt, form, **again, failure=write.UNAVAILABLE, status=503)
    return redirect(f"{reverse('portal:account_letter', args=[pk])}?sent=1")


@public
@never_cache
@require_safe
def file(request: HttpRequest, pk: int, file_id: int) -> HttpResponseBase:
    """Give a file of an answer to the applicant it was written to."""
    who = signin.who(request)
    if who is None:
        return redirect("portal:account")
    appeal = _appeals_of([_own(who, pk)]).get(pk)
    mine = [one.message_id for one in story.answers_of(appeal)] if appeal else []
    row = OutgoingFile.objects.select_related("stored").filter(pk=file_id, message__in=mine).first()
    if row is None:
        raise Http404
    return files.response(row.stored, row.name)


def _sent_by(who: citizens.SignedIn) -> QuerySet[Receipt]:
    """Return what this account sent, newest first; an addition is told of in what it adds to."""
    alone = Q(continues=None) | Q(message__state=State.REGISTERED)
    return Receipt.objects.filter(alone, citizen=who.citizen).select_related("message").order_by("-message_id")


def _own(who: citizens.SignedIn, pk: int) -> Receipt:
    found = (
        Receipt.objects.filter(citizen=who.citizen, message=min(pk, 2**62)).select_related("message__thread").first()
    )
    if found is None:
        raise Http404
    return found


def _appeals_of(receipts: list[Receipt]) -> Mapping[int, Appeal]:
    """Return the appeals that these messages began, by their ids.

    Not those they were joined to: such an appeal may be somebody else's.
    """
    left = Dispatch.objects.filter(answer__appeal=OuterRef("pk"), message__state=OutgoingMessage.State.SENT)
    begun = Appeal.objects.filter(messages__first=True, messages__message__in=[one.message_id for one in receipts])
    begun = begun.select_related("regime", "invitation")
    rows = begun.annotate(is_answered=Exists(left), begun_by=F("messages__message"))
    return {row.begun_by: row for row in rows}


def _lines(receipts: Any) -> list[Line]:
    rows = list(receipts)
    appeals = _appeals_of(rows)
    return [Line(one, appeals.get(one.message_id), _words(one.message, appeals.get(one.message_id))) for one in rows]


def _words(message: IncomingMessage, appeal: Appeal | None) -> str:
    if appeal is not None:
        if getattr(appeal, "is_answered", False):
            return "Ответ отправлен"
        if appeal.closed_on is not None:
            return "Рассмотрение закончено"
        return "Зарегистрировано" if appeal.status == Appeal.Status.REGISTERED else "Готовится ответ"
    return _OF_MESSAGES.get(State(message.state), "Ждёт регистрации")


def _letter(
    request: HttpRequest,
    who: citizens.SignedIn,
    receipt: Receipt,
    form: TextForm,
    *,
    kept: list[uploads.Kept] | None = None,
    problems: list[str] | None = None,
    failure: str = "",
    status: int = 200,
) -> HttpResponse:
    return render(request, "portal/account_letter.html", {
        "who": who,
        "form": form,
        "kept": kept or [],
        "problems": problems or [],
        "failure": failure,
        "token": _token(request),
        "was_sent": request.GET.get("sent") == "1",
        **_story(receipt),
    }, status=status)  # fmt: skip


def _story(receipt: Receipt) -> dict[str, Any]:
    message, appeal = receipt.message, _appeals_of([receipt]).get(receipt.message_id)
    answers = story.answers_of(appeal) if appeal else []
    waiting = Receipt.objects.filter(continues=message, message__state__in=[State.STORED, State.NEW, State.QUARANTINED])
    return {
        "receipt": receipt,
        "appeal": appeal,
        "message": message,
        "words": _words(message, appeal),
        "events": story.events(appeal, answers) if appeal else [],
        "received_on": timezone.localdate(message.received_at),
        "due_on": appeal.due_on if appeal and not answers and appeal.closed_on is None else None,
        "answers": [{"row": one.message, "files": list(one.message.files.all())} for one in answers],
        "feedback": status.open_invitation(appeal) if appeal and answers else "",
        "waiting": [timezone.localdate(one.message.received_at) for one in waiting.select_related("message")],
        "may_add": message.state not in _OF_MESSAGES,
    }


def _token(request: HttpRequest) -> str:
    """Return the form's one-time id: the one the page came with, else a new one."""
    token = request.POST.get("form", "")
    try:
        signing.loads(token, salt=write.FORM_SALT)
    except signing.BadSignature:
        token = write.new_form_token()
    return token
