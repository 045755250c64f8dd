"""The card of an appeal: one timeline, the context beside it, and the right next action."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

from django.contrib import messages
from django.db.models import prefetch_related_objects
from django.http import FileResponse, Http404, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.views.decorators.http import require_GET, require_POST

from otklik.appeals import access, cover, drafting, keeping, notes, registration, steps, terms, timeline
from otklik.appeals import alike as appeals_alike
from otklik.appeals.models import Appeal, AppealMessage, AppealPause
from otklik.appeals.permissions import allows, check_can_work
from otklik.core import files
from otklik.core.access import requires
from otklik.core.errors import DomainError
from otklik.correspondence.models import IncomingFile, OutgoingFile, OutgoingMessage
from otklik.people import access as people_access
from otklik.people import applicants
from otklik.workplace import feedback, notices, parties, queue
from otklik.workplace.models import Attention
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
    Action("invite", "Пригласить оценить", "message-check", "invite"),
    Action("keep", "Стоит сохранить", "bookmark-plus", "keep"),
    Action("write_material", "Создать материал", "file-plus", "material_of_answer"),
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
    return _card(request, pk)


def _card(request: StaffRequest, pk: int, *, status: int = 200, **typed: object) -> HttpResponse:
    """Show an appeal; `typed` is the note that was refused, and why."""
    appeal: Any = access.get_for(request.user, pk, notices.on_card, parties.on_card)
    if appeal.has_news:
        notices.mark_read(request.user, pk)
    allowed = steps.available(appeal, request.user)
    primary, others = buttons(appeal, allowed)
    events = timeline.of(appeal)
    return render(
        request,
        "workplace/card.html",
        {
            **typed,
            "appeal": appeal,
            "events": events,
            **_undo(events, allowed),
            "questions": list(appeal.questions.select_related("topic", "need")),
            "cover": cover.of_appeal(appeal),
            "applicant_name": people_access.masked_name(appeal.applicant),
            "primary": primary,
            "others": others,
            "can_note": "note" in allowed,
            "can_mark_read": appeal.unseen_reply and allows(check_can_work, appeal, request.user),
            "may_dispatch": request.user.has_power("appeals.dispatch"),
            "undelivered": (State.FAILED, State.UNCERTAIN, State.BY_HAND),
            "numbers": {},
            "lazy_menu": True,
            "reads_knowledge": request.user.has_power("knowledge.read"),
        },
        status=status,
    )


def _undo(events: list[timeline.Event], allowed: frozenset[str]) -> dict[str, int]:
    """Return which letter can still be taken back, and for how many seconds."""
    waiting = [one.source for one in events if isinstance(one.source, OutgoingMessage) and one.state == State.QUEUED]
    letter = next((one for one in reversed(waiting) if one.kind == OutgoingMessage.Kind.ANSWER), None)
    if letter is None or "undo" not in allowed:
        return {}
    left = max(int((letter.not_before - timezone.now()).total_seconds()), 0)
    return {"undoable": letter.pk, "undo_left": left, "undo_until": int(letter.not_before.timestamp())}


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
    """Show the facts beside the conversation: term and its grounds, applicant, earlier appeals, what was said after."""
    appeal: Any = access.get_for(request.user, pk, notices.on_card)
    prefetch_related_objects([appeal.applicant], "contacts")
    earlier = (
        access.visible_to(request.user)
        .filter(applicant__in=applicants.group(applicants.main(appeal.applicant)))
        .exclude(pk=appeal.pk)
        .order_by("-registered_on", "-pk")[:6]
    )
    facts = {
        "appeal": appeal,
        "terms": terms.why(appeal),
        "pauses": list(AppealPause.objects.filter(appeal=appeal)),
        "masked": people_access.masked(appeal.applicant),
        "earlier": list(earlier),
        "said": feedback.said_about(appeal),
        "written": keeping.materials_of(appeal),
        "followers": list(notices.followers(appeal)),
        "muted": appeal.attention == Attention.Level.MUTED,
        "about": f"appeal:{appeal.pk}",
        "can_reveal": request.user.has_power("applicants.view"),
    }
    return render(request, "workplace/context.html#pane" if request.htmx else "workplace/context.html", facts)


# What needs a search comes by itself, after the facts: nobody waits for it.


@requires(*READERS)
@require_GET
def suggested(request: StaffRequest, pk: int) -> HttpResponse:
    """Show the materials of the Knowledge Base that may answer the letter, then those for each question in it."""
    taken = _letter_of(request, pk)
    appeal = taken.appeal
    found = drafting.suggest_materials(appeal, taken.message.text, user=request.user, limit=5)
    facts = {"appeal": appeal, "suggested": found, "can_insert": steps.can("draft", appeal, request.user)}
    return render(request, "workplace/suggested.html#pane" if request.htmx else "workplace/suggested.html", facts)


@requires(*READERS)
@require_GET
def alike(request: StaffRequest, pk: int) -> HttpResponse:
    """Show the appeals this letter repeats and those about the same, of what he may see, each with the reason."""
    taken = _letter_of(request, pk)
    letter = f"{taken.message.subject}\n{taken.message.text}"
    found = appeals_alike.to_letter(letter, user=request.user, of=taken.appeal)
    facts = {
        "appeal": taken.appeal,
        "repeats": [one for one in found if one.repeats],
        "alike": [one for one in found if not one.repeats],
    }
    return render(request, "workplace/alike.html#pane" if request.htmx else "workplace/alike.html", facts)


def _letter_of(request: StaffRequest, pk: int) -> AppealMessage:
    """Return the letter an appeal began with, and the appeal, in one query."""
    letters = AppealMessage.objects.select_related("appeal__regime", "appeal__applicant", "message")
    return access.get_of_appeal(request.user, letters, "appeal", appeal=pk, first=True)


@requires("appeals.note")
@require_POST
def note(request: StaffRequest, pk: int) -> HttpResponse:
    """Add an internal note; a refused one stays in its field."""
    appeal, text = access.get_for(request.user, pk), request.POST.get("text", "")
    try:
        notes.add(appeal, text, by=request.user)
    except DomainError as refusal:
        return _card(request, pk, status=refusal.status, note_text=text, note_error=str(refusal))
    messages.success(request, "Заметка добавлена. Её видят только сотрудники.")
    return redirect(queue.card_url(request, pk) + "#last")


@requires(*READERS)
@require_POST
def read(request: StaffRequest, pk: int) -> HttpResponse:
    """Note that the applicant's new letter has been read."""
    appeal = access.get_for(request.user, pk)
    registration.seen_reply(appeal, by=request.user)
    return redirect(queue.card_url(request, pk))


# ---------- Originals and files: served to those who may see the matter, never run, never guessed ----------


@requires(*READERS, "intake.view")
@require_GET
def original(request: StaffRequest, pk: int) -> FileResponse:
    """Download a message as it came."""
    message = access.get_message(request.user, pk)
    if message.raw is None:
        raise Http404
    return files.response(message.raw, message.original_name)


@requires(*READERS, "intake.view")
@require_GET
def styled(request: StaffRequest, pk: int) -> HttpResponse:
    """Show a message's cleaned markup alone, in a frame that may do nothing."""
    message = access.get_message(request.user, pk)
    response = render(request, "workplace/styled.html", {"message": message})
    response["Content-Security-Policy"] = "default-src 'none'; img-src data:; sandbox; frame-ancestors 'self'"
    response["Cache-Control"] = "private, no-store"
    return response


@requires(*READERS, "intake.view")
@require_GET
def incoming_file(request: StaffRequest, pk: int) -> FileResponse:
    """Download a file that came with a message."""
    file = get_object_or_404(IncomingFile.objects.select_related("stored"), pk=pk)
    access.get_message(request.user, file.message_id)
    return files.response(file.stored, file.name)


@requires(*READERS)
@require_GET
def outgoing_file(request: StaffRequest, pk: int) -> FileResponse:
    """Download a file that went out with a letter."""
    rows = OutgoingFile.objects.select_related("stored")
    file = access.get_of_appeal(request.user, rows, "message__thread__appeal", pk=pk)
    return files.response(file.stored, file.name)
