"""«Написать в департамент»: three short steps and a look over.

The page carries all that was typed, so no step, refusal or failure of ours loses it; of the words nothing is
kept on the server before «Отправить».
"""

from __future__ import annotations

import logging
import secrets
from dataclasses import dataclass, field
from typing import Any, Final

from django.conf import settings
from django.core import signing
from django.core.files.uploadedfile import UploadedFile
from django.db import DatabaseError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_exempt, csrf_protect
from django.views.decorators.http import require_http_methods

from otklik.channels.site import attached, intake, limits
from otklik.channels.site.models import FormAttempt
from otklik.channels.site.submission import Submission
from otklik.core import files
from otklik.core.access import public
from otklik.core.errors import DomainError
from otklik.knowledge import deflection
from otklik.portal import uploads
from otklik.portal.forms import KINDS, WAYS, AnswerForm, Step, TextForm, WhoForm

log = logging.getLogger(__name__)

STEPS: Final[tuple[type[Step], ...]] = (WhoForm, AnswerForm, TextForm)
ORDER: Final = [*(step.name for step in STEPS), "review"]
FORM_SALT: Final = "portal.form-id"
TICKET_COOKIE: Final = f"{settings.PATH_COOKIE_PREFIX}otklik_ticket"
TICKET_SECONDS: Final = 3600
QUICKEST_SECONDS: Final = 3  # nobody reads and types faster


@dataclass
class Filled:
    """What the page carries: three steps, the files kept so far, the form's one-time id."""

    form_token: str
    steps: dict[str, Step]
    kept: list[uploads.Kept] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)

    def first_wrong(self, before: str = "review") -> str | None:
        """Return the first step that has to be put right, of those before this one."""
        for name in ORDER[: ORDER.index(before)]:
            if not self.steps[name].is_valid():
                return name
        return None

    def submission(self) -> Submission:
        """Return the checked form as the channel takes it."""
        typed = {key: value for step in self.steps.values() for key, value in step.cleaned_data.items()}
        return Submission(
            form_id=str(signing.loads(self.form_token, salt=FORM_SALT)),
            files=tuple(kept.file for kept in self.kept),
            **typed,
        )


def new_form_token() -> str:
    """Return a one-time id of a form, signed with the time it was made."""
    return signing.dumps(secrets.token_urlsafe(16), salt=FORM_SALT)


# The handler that bears big files must be in place before anything reads the POST, the CSRF check too.
@public
@never_cache
@csrf_exempt
@require_http_methods(["GET", "POST"])
def write(request: HttpRequest) -> HttpResponse:
    """Show the form, take a step, or send."""
    handler = uploads.CarefulHandler(request)
    request.upload_handlers = [handler]
    return _write(request, handler)


@csrf_protect
def _write(request: HttpRequest, handler: uploads.CarefulHandler) -> HttpResponse:
    if request.method == "GET":
        return _page(request, Filled(new_form_token(), {step.name: step() for step in STEPS}), "who")
    filled = _read(request)
    here = request.POST.get("step", "")
    here = here if here in ORDER else "who"
    go = request.POST.get("go", "next")
    if (broken := _take_files(request, filled, handler, go)) is not None:
        return _page(request, filled, here, failure=broken, status=503)
    if filled.problems:
        return _page(request, filled, "text", status=422)
    if go == "send":
        return _send(request, filled)
    return _move(request, filled, here, go)


def _move(request: HttpRequest, filled: Filled, here: str, go: str) -> HttpResponse:
    """Show the step the pressed button leads to."""
    if go.startswith("remove-"):
        return _page(request, filled, "text")
    if go.startswith("edit-") and go.removeprefix("edit-") in filled.steps:
        return _page(request, filled, go.removeprefix("edit-"))
    if go == "back":
        return _page(request, filled, ORDER[max(ORDER.index(here) - 1, 0)])
    following = ORDER[min(ORDER.index(here) + 1, len(ORDER) - 1)]
    if (wrong := filled.first_wrong(before=following)) is not None:
        return _page(request, filled, wrong, status=422, say_errors=True)
    return _page(request, filled, following)


def _send(request: HttpRequest, filled: Filled) -> HttpResponse:
    """Hand the form over to the channel; whatever goes wrong, the page comes back as it was."""
    if (wrong := filled.first_wrong()) is not None:
        return _page(request, filled, wrong, status=422, say_errors=True)
    if (suspicion := _looks_automatic(request, filled)) is not None:
        return _page(request, filled, "review", failure=suspicion, status=422)
    try:
        limits.count(FormAttempt.Form.WRITE, request)
        ticket = intake.take_in(sent := filled.submission())
    except attached.FilesGone as gone:
        filled.kept = [one for one in filled.kept if one.file.sha256 not in gone.hashes]
        return _page(request, filled, "review", failure=str(gone), status=gone.status)
    except DomainError as refusal:
        return _page(request, filled, "review", failure=str(refusal), status=refusal.status)
    except (DatabaseError, OSError):
        log.exception("the site's form could not be stored")
        return _page(request, filled, "review", failure=_UNAVAILABLE, status=503)
    deflection.sent(sent.form_id)
    response = redirect("portal:write_done")
    response.set_cookie(
        TICKET_COOKIE,
        signing.dumps([ticket.number, ticket.code], salt=TICKET_COOKIE),
        max_age=TICKET_SECONDS,
        path="/write/",
        httponly=True,
        samesite="Lax",
        secure=settings.SESSION_COOKIE_SECURE,
    )
    return response


_UNAVAILABLE: Final = (
    "Сейчас мы не смогли сохранить сообщение. Всё, что вы ввели, осталось на этой странице: "
    "подождите минуту и нажмите «Отправить» ещё раз."
)
_FILES_UNAVAILABLE: Final = (
    "Сейчас мы не смогли сохранить файлы. Текст остался на странице: подождите минуту и приложите файлы ещё раз."
)


@public
@never_cache
@require_http_methods(["GET"])
def done(request: HttpRequest) -> HttpResponse:
    """Show the number and the code, for an hour after sending."""
    try:
        number, code = signing.loads(request.COOKIES.get(TICKET_COOKIE, ""), salt=TICKET_COOKIE, max_age=TICKET_SECONDS)
    except (signing.BadSignature, ValueError, TypeError):
        return redirect("portal:status")
    return render(request, "portal/write_done.html", {"number": number, "code": code})


def _read(request: HttpRequest) -> Filled:
    token = request.POST.get("form", "")
    try:
        signing.loads(token, salt=FORM_SALT)
    except signing.BadSignature:
        token = new_form_token()
    kept = uploads.kept_from(request.POST.getlist("kept"))
    if (go := request.POST.get("go", "")).startswith("remove-"):
        kept = [one for one in kept if one.file.sha256 != go.removeprefix("remove-")]
    return Filled(token, {step.name: step(_cleaned(request)) for step in STEPS}, kept)


def _cleaned(request: HttpRequest) -> dict[str, str]:
    """Return what was typed without NUL characters, which no database keeps."""
    return {key: value.replace("\x00", "") for key, value in request.POST.items() if isinstance(value, str)}


def _take_files(request: HttpRequest, filled: Filled, handler: uploads.CarefulHandler, go: str) -> str | None:
    """Store what was uploaded with this press; return a failure of ours in words, if there was one."""
    most = settings.UPLOAD_MAX_BYTES // (1024 * 1024)
    filled.problems += [
        f"Файл «{files.safe_name(name)}» больше {most} МБ. Уменьшите его или приложите по частям."
        for name in handler.too_large
    ]
    uploaded = [one for one in request.FILES.getlist("files") if isinstance(one, UploadedFile)]
    if handler.unwritten:
        return _FILES_UNAVAILABLE
    try:
        filled.kept, problems = uploads.take(uploaded, filled.kept)
    except (DatabaseError, OSError):
        log.exception("files of the site's form could not be stored")
        return _FILES_UNAVAILABLE
    filled.problems += problems
    return None


def _looks_automatic(request: HttpRequest, filled: Filled) -> str | None:
    """Say what looks like a program; a person puts it right by pressing once more."""
    if request.POST.get("homepage"):
        return "Похоже, форму заполнила программа. Если вы человек, нажмите «Отправить» ещё раз."
    try:
        signing.loads(filled.form_token, salt=FORM_SALT, max_age=QUICKEST_SECONDS)
    except signing.SignatureExpired:
        return None
    return "Форма заполнена очень быстро. Проверьте, всё ли верно, и нажмите «Отправить» ещё раз."


def _summary(filled: Filled) -> dict[str, str]:
    """Return what the person is about to send, in words."""
    filled.first_wrong()
    sent = filled.submission()
    return {
        "name": sent.name,
        "kind": dict(KINDS)[sent.kind],
        "way": dict(WAYS)[sent.answer_by],
        "address": sent.answer_address,
        "text": sent.text,
    }


def _page(
    request: HttpRequest,
    filled: Filled,
    here: str,
    *,
    failure: str = "",
    status: int = 200,
    say_errors: bool = False,
) -> HttpResponse:
    form = filled.steps.get(here)
    if form is not None and form.is_bound and not say_errors:
        form.errors.clear()
    context: dict[str, Any] = {
        "filled": filled,
        "here": here,
        "form": form,
        "others": [step for name, step in filled.steps.items() if name != here],
        "position": ORDER.index(here) + 1,
        "failure": failure,
        "say_errors": say_errors,
        "max_files": settings.UPLOAD_MAX_FILES,
        "max_mb": settings.UPLOAD_MAX_BYTES // (1024 * 1024),
    }
    if here == "review":
        context["summary"] = _summary(filled)
    if status == 503:
        # Nothing on this page may ask the database again.
        context |= {"unavailable": True, "is_demo": False, "user": None}
    response = render(request, "portal/write.html", context, status=status)
    if status == 503:
        response["Retry-After"] = "60"
    return response
