"""«Написать в департамент»: three short steps and a look over.

The page carries all that was typed, so no step, refusal or failure of ours loses it; of the words nothing is
kept on the server before «Отправить».
"""

from __future__ import annotations

import logging
import secrets
from dataclasses import asdict, dataclass, field
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
from otklik.people import citizen_openid, citizens
from otklik.portal import cookies, signin, uploads
from otklik.portal.forms import IN_ACCOUNT, KINDS, WAYS, AnswerForm, Step, TextForm, WhoForm

log = logging.getLogger(__name__)

STEPS: Final[tuple[type[Step], ...]] = (WhoForm, AnswerForm, TextForm)
STEP_NAMES: Final = [step.name for step in STEPS]
ORDER: Final = [*STEP_NAMES, "review"]
FORM_SALT: Final = "portal.form-id"
TICKET_COOKIE: Final = f"{settings.PATH_COOKIE_PREFIX}otklik_ticket"
TICKET_SECONDS: Final = 3600
SIGN_IN: Final = "/account/sign-in/?next=/write/"
QUICKEST_SECONDS: Final = 3  # nobody reads and types faster


@dataclass(frozen=True)
class Door:
    """Where the form stands: on our own page, for who is signed in or not, or in a frame of another site.

    In a frame browsers keep our cookies away: nobody is signed in there, and the number is told by the answer itself.
    """

    address: str = "/write/"
    who: citizens.SignedIn | None = None
    in_frame: bool = False

    @property
    def base(self) -> str:
        """Return the page around the form."""
        return "portal/embed_base.html" if self.in_frame else "portal/base.html"

    @property
    def sign_in(self) -> str:
        """Return where to sign in, empty where that is not possible or has been done."""
        return "" if self.who or citizen_openid.provider() is None else SIGN_IN

    @property
    def mark(self) -> str:
        """Return what the page carries to tell whether it was shown to somebody signed in, and to whom."""
        return str(self.who.citizen.pk) if self.who else ""

    @property
    def names(self) -> dict[str, str]:
        """Return the name the provider vouches for: nobody types another in its place."""
        said = self.who.said if self.who else citizens.Said()
        parts = ("last_name", "first_name", "patronymic")
        return {part: getattr(said, part) for part in parts} if said.is_named else {}

    @property
    def ways(self) -> list[tuple[str, str]]:
        """Return how an answer may come, in the words of this page."""
        return [(code, IN_ACCOUNT if self.who and code == "website" else words) for code, words in WAYS]

    @property
    def known(self) -> dict[str, str]:
        """Return what the form begins with."""
        said = asdict(self.who.said) if self.who else {}
        return {"kind": "person", **{name: value for name, value in said.items() if value}} if said else {}


@dataclass
class Filled:
    """What the page carries: three steps, the files kept so far, the form's one-time id."""

    form_token: str
    steps: dict[str, Step]
    kept: list[uploads.Kept] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)
    shown_to: str = ""

    def first_wrong(self, before: str = "review") -> str | None:
        """Return the first step that has to be put right, of those before this one."""
        for name in ORDER[: ORDER.index(before)]:
            if not self.steps[name].is_valid():
                return name
        return None

    def submission(self, door: Door) -> Submission:
        """Return the checked form as the channel takes it."""
        typed = {key: value for step in self.steps.values() for key, value in step.cleaned_data.items()}
        return Submission(
            form_id=str(signing.loads(self.form_token, salt=FORM_SALT)),
            files=tuple(kept.file for kept in self.kept),
            citizen=door.mark,
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
    try:
        door = Door(who=signin.who(request))
    except DatabaseError:
        log.exception("nobody can tell who writes")
        if request.method == "GET":
            raise
        here = request.POST.get("step", "")
        here = here if here in STEP_NAMES else "text"
        return _page(request, Door(), _read(request, Door()), here, failure=UNAVAILABLE, status=503)
    return fill(request, handler, door)


def fill(request: HttpRequest, handler: uploads.CarefulHandler, door: Door) -> HttpResponse:
    """Show the form that stands behind this door, take a step of it, or send."""
    if request.method == "GET":
        steps = {step.name: step(initial=door.known) for step in STEPS}
        return _page(request, door, Filled(new_form_token(), steps, shown_to=door.mark), "who")
    filled = _read(request, door)
    here = request.POST.get("step", "")
    here = here if here in ORDER else "who"
    go = request.POST.get("go", "next")
    if (broken := _take_files(request, filled, handler, go)) is not None:
        return _page(request, door, filled, here, failure=broken, status=503)
    if filled.problems:
        return _page(request, door, filled, "text", status=422)
    if filled.shown_to != door.mark:
        filled.shown_to = door.mark
        here = filled.first_wrong(before=here) or here
        return _page(request, door, filled, here, failure=CAME_IN if door.who else WENT_OUT, status=422)
    if go == "send":
        return _send(request, door, filled)
    return _move(request, door, filled, here, go)


def _move(request: HttpRequest, door: Door, filled: Filled, here: str, go: str) -> HttpResponse:
    """Show the step the pressed button leads to."""
    if go.startswith("remove-"):
        return _page(request, door, filled, "text")
    if go.startswith("edit-") and go.removeprefix("edit-") in filled.steps:
        return _page(request, door, filled, go.removeprefix("edit-"))
    if go == "back":
        return _page(request, door, filled, ORDER[max(ORDER.index(here) - 1, 0)])
    following = ORDER[min(ORDER.index(here) + 1, len(ORDER) - 1)]
    if (wrong := filled.first_wrong(before=following)) is not None:
        return _page(request, door, filled, wrong, status=422, say_errors=True)
    return _page(request, door, filled, following)


def _send(request: HttpRequest, door: Door, filled: Filled) -> HttpResponse:
    """Hand the form over to the channel; whatever goes wrong, the page comes back as it was."""
    if (wrong := filled.first_wrong()) is not None:
        return _page(request, door, filled, wrong, status=422, say_errors=True)
    if (suspicion := _looks_automatic(request, filled)) is not None:
        return _page(request, door, filled, "review", failure=suspicion, status=422)
    try:
        limits.count(FormAttempt.Form.WRITE, request)
        ticket = intake.take_in(sent := filled.submission(door))
    except attached.FilesGone as gone:
        filled.kept = [one for one in filled.kept if one.file.sha256 not in gone.hashes]
        return _page(request, door, filled, "review", failure=str(gone), status=gone.status)
    except DomainError as refusal:
        return _page(request, door, filled, "review", failure=str(refusal), status=refusal.status)
    except (DatabaseError, OSError):
        log.exception("the site's form could not be stored")
        return _page(request, door, filled, "review", failure=UNAVAILABLE, status=503)
    deflection.sent(sent.form_id)
    if door.in_frame:
        return render(request, "portal/write_done.html", _done(ticket.number, ticket.code, False) | {"door": door})
    response = redirect("portal:write_done")
    cookies.keep(
        response,
        TICKET_COOKIE,
        [ticket.number, ticket.code, door.who is not None],
        seconds=TICKET_SECONDS,
        path="/write/",
    )
    return response


WENT_OUT: Final = (
    "Вход в личный кабинет закончился. Всё, что вы ввели, осталось на странице. Войдите снова в соседней вкладке и "
    "вернитесь сюда или продолжайте без входа: тогда по закону № 59-ФЗ сообщение не считается обращением."
)
CAME_IN: Final = (
    "Вы вошли в личный кабинет. Проверьте имя и контакты: теперь сообщение считается обращением по закону № 59-ФЗ."
)
UNAVAILABLE: Final = (
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
        kept = request.COOKIES.get(TICKET_COOKIE, "")
        number, code, is_appeal = signing.loads(kept, salt=TICKET_COOKIE, max_age=TICKET_SECONDS)
    except (signing.BadSignature, ValueError, TypeError):
        return redirect("portal:status")
    return render(request, "portal/write_done.html", _done(number, code, is_appeal))


def _done(number: str, code: str, is_appeal: bool) -> dict[str, Any]:
    return {"number": number, "code": code, "is_appeal": is_appeal, "door": Door()}


def _read(request: HttpRequest, door: Door) -> Filled:
    token = request.POST.get("form", "")
    try:
        signing.loads(token, salt=FORM_SALT)
    except signing.BadSignature:
        token = new_form_token()
    kept = uploads.kept_from(request.POST.getlist("kept"))
    if (go := request.POST.get("go", "")).startswith("remove-"):
        kept = [one for one in kept if one.file.sha256 != go.removeprefix("remove-")]
    typed = _cleaned(request) | door.names
    return Filled(token, {step.name: step(typed) for step in STEPS}, kept, shown_to=request.POST.get("shown_to", ""))


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


def _summary(door: Door, filled: Filled) -> dict[str, str]:
    """Return what the person is about to send, in words."""
    filled.first_wrong()
    sent = filled.submission(door)
    return {
        "name": sent.name,
        "kind": dict(KINDS)[sent.kind],
        "way": dict(door.ways)[sent.answer_by],
        "address": sent.answer_address,
        "text": sent.text,
    }


def _page(
    request: HttpRequest,
    door: Door,
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
    if isinstance(form, AnswerForm):
        form.fields["answer_by"].choices = door.ways  # type: ignore[attr-defined]
    context: dict[str, Any] = {
        "door": door,
        "filled": filled,
        "here": here,
        "form": form,
        "others": [step for name, step in filled.steps.items() if name != here],
        "position": ORDER.index(here) + 1,
        "steps": len(ORDER),
        "failure": failure,
        "say_errors": say_errors,
        "max_files": settings.UPLOAD_MAX_FILES,
        "max_mb": settings.UPLOAD_MAX_BYTES // (1024 * 1024),
    }
    if here == "review":
        context["summary"] = _summary(door, filled)
    if status == 503:
        # Nothing on this page may ask the database again.
        context |= {"unavailable": True, "is_demo": False, "user": None}
    response = render(request, "portal/write.html", context, status=status)
    if status == 503:
        response["Retry-After"] = "60"
    return response
