"""The card of an appeal: one timeline, the context beside it, and the right next action."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from django.contrib import messages
from django.db.models import Q
from django.http import FileResponse, Http404, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.views.decorators.http import require_GET, require_POST

from otklik.appeals import access, notes, registration, steps, terms, timeline
from otklik.appeals.models import Appeal, AppealPause
from otklik.appeals.permissions import allows, check_can_work
from otklik.core import files
from otklik.core.access import requires
from otklik.correspondence.models import IncomingFile, IncomingMessage, OutgoingFile, OutgoingMessage
from otklik.people import access as people_access
from otklik.people import applicants
from otklik.workplace import feedback, queue
from otklik.workplace.requests import StaffRequest

READERS: Final = ("appeals.view_all", "appeals.view_unit", "appeals.view_own")
State = OutgoingMessage.State


@dataclass(frozen=True)
class Action:
    """A step as a button; `step` is what `appeals.steps` calls it. `at_once`: pressing does it, no page comes first."""

    step: str
    label: str
    icon: str
    name: str
    at_once: bool = False


# In the order of the work: the first that is allowed is the primary button.
ACTIONS: Final = (
    Action("decide", "Рассмотреть проект ответа", "checklist", "approval"),
    Action("sign", "Подписать", "signature", "sign"),
    Action("attest", "Внести сведения о подписи", "signature", "sign"),
    Action("approve_dispatch", "Согласовать отправку", "send", "sign"),
    Action("send", "Отправить ответ", "send", "dispatch"),
    Action("undo", "Отменить отправку", "arrow-back-up", "dispatch"),
    Action("classify", "Подтвердить тему и потребность", "tags", "classify"),
    Action("assign", "Назначить исполнителя", "user-plus", "assign"),
    Action("draft", "Готовить ответ", "edit", "draft"),
    Action("ask_approval", "Передать на согласование", "checklist", "approval"),
    Action("freeze", "Передать на подпись", "signature", "sign"),
    Action("withdraw", "Отозвать с подписи", "arrow-back-up", "sign"),
    Action("propose", "Предложить тему и потребность", "tags", "classify"),
    Action("reopen", "Начать новый ответ", "edit", "reopen", at_once=True),
    Action("close", "Закрыть обращение", "archive", "dispatch"),
)
# What the state calls for first, where several steps are allowed.
FIRST: Final = {
    Appeal.Status.REGISTERED: ("classify", "assign", "propose"),
    Appeal.Status.CLASSIFIED: ("assign",),
    Appeal.Status.ASSIGNED: ("draft",),
    Appeal.Status.DRAFTING: ("draft", "ask_approval"),
    Appeal.Status.APPROVAL: ("decide", "freeze", "draft"),
    Appeal.Status.SIGNING: ("sign", "attest", "approve_dispatch"),
    Appeal.Status.SIGNED: ("send",),
    Appeal.Status.SENT: ("undo", "close"),
    Appeal.Status.CLOSED: (),
}


@requires(*READERS)
@require_GET
def card(request: StaffRequest, pk: int) -> HttpResponse:
    """Show an appeal."""
    appeal = access.get_for(request.user, pk)
    allowed = steps.available(appeal, request.user)
    primary, others = buttons(appeal, allowed)
    return render(
        request,
        "workplace/card.html",
        {
            "appeal": appeal,
            "events": timeline.of(appeal),
            "questions": list(appeal.questions.select_related("topic", "need")),
            "applicant_name": people_access.masked_name(appeal.applicant),
            "primary": primary,
            "others": others,
            "can_note": "note" in allowed,
            "can_mark_read": appeal.unseen_reply and allows(check_can_work, appeal, request.user),
            "may_dispatch": request.user.has_power("appeals.dispatch"),
            "undelivered": (State.FAILED, State.UNCERTAIN, State.BY_HAND),
            "back": queue.came_from(request),
            "numbers": {},
            "lazy_menu": True,
        },
    )


def buttons(appeal: Appeal, allowed: frozenset[str]) -> tuple[Action | None, list[Action]]:
    """Return the primary action and the rest; of several steps done on one page only the first is shown."""
    offered: dict[str, Action] = {}
    wanted = FIRST[Appeal.Status(appeal.status)]
    rank = {step: number for number, step in enumerate(wanted)}
    for action in sorted(ACTIONS, key=lambda one: rank.get(one.step, len(wanted))):
        if action.step in allowed:
            offered.setdefault(action.name, action)
    found = list(offered.values())
    primary = next((action for action in found if action.step in wanted), None)
    return primary, [action for action in found if action is not primary]


@requires(*READERS)
@require_GET
def context(request: StaffRequest, pk: int) -> HttpResponse:
    """Show what stands beside the conversation: term and its grounds, applicant, earlier and similar appeals."""
    appeal = access.get_for(request.user, pk)
    first = IncomingMessage.objects.filter(taken__appeal=appeal, taken__first=True).first()
    earlier = (
        access.visible_to(request.user)
        .filter(applicant__in=applicants.group(applicants.main(appeal.applicant)))
        .exclude(pk=appeal.pk)
        .order_by("-registered_on", "-pk")[:6]
    )
    alike = registration.look_alikes(first, limit=4) if first else []
    facts = {
        "appeal": appeal,
        "terms": terms.why(appeal),
        "pauses": list(AppealPause.objects.filter(appeal=appeal)),
        "masked": people_access.masked(appeal.applicant),
        "earlier": list(earlier),
        "said": feedback.said_about(appeal),
        "alike": [one for one in alike if one.appeal.pk != appeal.pk][:3]
        if request.user.has_power("appeals.view_all")
        else [],
        "about": f"appeal:{appeal.pk}",
        "can_reveal": request.user.has_power("applicants.view"),
    }
    return render(request, "workplace/context.html#pane" if request.htmx else "workplace/context.html", facts)


@requires("appeals.note")
@require_POST
def note(request: StaffRequest, pk: int) -> HttpResponse:
    """Add an internal note; an empty one keeps nothing and says so."""
    appeal = access.get_for(request.user, pk)
    notes.add(appeal, request.POST.get("text", ""), by=request.user)
    messages.success(request, "Заметка добавлена. Её видят только сотрудники.")
    return redirect(reverse("workplace:card", args=[pk]) + "#last")


@requires(*READERS)
@require_POST
def read(request: StaffRequest, pk: int) -> HttpResponse:
    """Note that the applicant's new letter has been read."""
    appeal = access.get_for(request.user, pk)
    registration.seen_reply(appeal, by=request.user)
    return redirect("workplace:card", pk=pk)


# ---------- Originals and files: served to those who may see the matter, never run, never guessed ----------


@requires(*READERS, "intake.view")
@require_GET
def original(request: StaffRequest, pk: int) -> FileResponse:
    """Download a message as it came."""
    message = _message_for(request, pk)
    if message.raw is None:
        raise Http404
    return files.response(message.raw, f"message-{message.pk}.{'eml' if message.channel == 'email' else 'txt'}")


@requires(*READERS, "intake.view")
@require_GET
def styled(request: StaffRequest, pk: int) -> HttpResponse:
    """Show a message's cleaned markup alone, in a frame that may do nothing."""
    message = _message_for(request, pk)
    response = render(request, "workplace/styled.html", {"message": message})
    response["Content-Security-Policy"] = "default-src 'none'; img-src data:; sandbox; frame-ancestors 'self'"
    response["Cache-Control"] = "private, no-store"
    return response


@requires(*READERS, "intake.view")
@require_GET
def incoming_file(request: StaffRequest, pk: int) -> FileResponse:
    """Download a file that came with a message."""
    file = get_object_or_404(IncomingFile.objects.select_related("stored"), pk=pk)
    _message_for(request, file.message_id)
    return files.response(file.stored, file.name)


@requires(*READERS)
@require_GET
def outgoing_file(request: StaffRequest, pk: int) -> FileResponse:
    """Download a file that went out with a letter."""
    visible = access.visible_to(request.user)
    rows = OutgoingFile.objects.filter(message__thread__appeal__in=visible).select_related("stored")
    file = get_object_or_404(rows, pk=pk)
    return files.response(file.stored, file.name)


def _message_for(request: StaffRequest, pk: int) -> IncomingMessage:
    """Return a message of an appeal the employee sees; untaken ones are for those who see the intake."""
    allowed = Q(taken__appeal__in=access.visible_to(request.user))
    if request.user.has_power("intake.view"):
        allowed |= Q(taken__isnull=True)
    return get_object_or_404(IncomingMessage.objects.filter(allowed).select_related("raw"), pk=pk)
