"""The call screen: script, notes and the closing step on one page, by keyboard, while one talks.

A button sends only its own part and gets that part back: what is being typed elsewhere stays untouched. Without scripts
every button is a form of its own that comes back to the page.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

from django.contrib import messages
from django.db import transaction
from django.http import HttpResponse, JsonResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_http_methods, require_POST

from otklik.appeals import classification
from otklik.core import typed
from otklik.core.access import requires
from otklik.core.errors import DomainError
from otklik.hotline import consultations, promises, scripts
from otklik.hotline.models import Call, Consultation, Transfer
from otklik.surveys import asking, feedback, points
from otklik.surveys.models import Response
from otklik.workplace.call_aside import search_box
from otklik.workplace.call_forms import AboutForm, NewCallForm, PromiseForm, TransferForm, WordsForm
from otklik.workplace.compare import changes
from otklik.workplace.requests import StaffRequest

PAGE: Final = "workplace/call/call.html"
Outcome = Consultation.Outcome
# In the order of their keys; «по скрипту» also stands at the script's last step.
OUTCOMES: Final = [(str(one.value), one.label) for one in Outcome if one != Outcome.OPEN]
NOT_OFFERED: Final = [(str(one.value), one.label) for one in Consultation.NotOffered]


@requires("hotline.consult")
@require_http_methods(["GET", "POST"])
def call_desk(request: StaffRequest) -> HttpResponse:
    """Wait for a call with the search ready; a POST opens a consultation that the exchange has not told of."""
    form = NewCallForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        data = form.cleaned_data
        row = consultations.open_for(None, line=data["line"], number=data["number"], by=request.user)
        return redirect("workplace:call", pk=row.pk)
    now = timezone.now()
    waiting = promises.waiting_for(request.user).order_by("due_at", "id")[:20]
    context = {
        "form": form,
        "open": list(consultations.open_of(request.user).select_related("line")),
        "promises": [(one, one.due_at < now) for one in waiting],
        **search_box(None),
        "view": "",
    }
    return render(request, "workplace/call/desk.html", context, status=422 if form.is_bound else 200)


@requires("hotline.consult")
@require_POST
def call_open(request: StaffRequest, pk: int) -> HttpResponse:
    """Take a call that the exchange has told of: its consultation opens, or goes on."""
    call = get_object_or_404(Call, pk=pk)
    row = consultations.open_for(call, by=request.user)
    return redirect("workplace:call", pk=row.pk)


@requires("hotline.consult")
@require_http_methods(["GET", "POST"])
def call(request: StaffRequest, pk: int) -> HttpResponse:
    """Show the call screen; a POST keeps the notes, where no script does it, and compares two texts."""
    row = consultations.get_for(request.user, pk)
    if not consultations.may_work(row, request.user):
        return redirect("workplace:consultation", pk=pk)
    if request.method == "POST":
        try:
            _keep(request, row)
        except consultations.ConsultationConflict as conflict:
            return render(request, PAGE, _page(request, row) | _compared(request, conflict), status=conflict.status)
        messages.success(request, "Заметки сохранены.")
        return redirect("workplace:call", pk=pk)
    return render(request, PAGE, _page(request, row))


@requires("hotline.consult")
@require_POST
def call_keep(request: StaffRequest, pk: int) -> JsonResponse:
    """Keep the notes as they are typed and say when; tell of another's words without touching either."""
    row = consultations.get_for(request.user, pk)
    try:
        kept = _keep(request, row)
    except consultations.ConsultationConflict as conflict:
        compared = render_to_string(f"{PAGE}#conflict", _compared(request, conflict), request)
        return JsonResponse({"text": str(conflict), "compared": compared}, status=conflict.status)
    except DomainError as refusal:
        return JsonResponse({"text": str(refusal)}, status=refusal.status)
    return JsonResponse({"version": kept.version, "saved": f"{timezone.localtime():%H:%M:%S}", "caller": kept.caller})


@requires("hotline.consult")
@require_http_methods(["GET", "POST"])
def call_script(request: StaffRequest, pk: int) -> HttpResponse:
    """Show a step of a script; a POST notes that one was read and goes on to where the answer leads."""
    row = consultations.get_for(request.user, pk)
    asked = request.POST if request.method == "POST" else request.GET
    found = scripts.talks(request.user, row)
    talk = scripts.chosen(found, typed.number(asked.get("script")))
    shown = typed.number(asked.get("to"))
    if request.method == "POST" and talk is not None:
        step = talk.step(typed.number(asked.get("step")))
        if step is not None:
            consultations.read_step(
                row,
                material=talk.material,
                revision=talk.revision,
                stage=step.stage,
                step=step.name,
                by=request.user,
            )
            shown = step.number if shown is None else shown
        if "end" in asked:
            consultations.close(row, Outcome.ENDED_BY_SCRIPT, by=request.user)
            return _closed(request, row)
    if not request.htmx:
        query = f"?script={talk.material}&to={shown}" if talk and shown is not None else ""
        return redirect(reverse("workplace:call", args=[pk]) + query + "#script")
    return render(request, f"{PAGE}#script", {"consultation": row, **_script(row, found, talk, shown)})


@requires("hotline.consult")
@require_POST
def call_act(request: StaffRequest, pk: int, what: str) -> HttpResponse:
    """Do what a button of the call says and show its part of the page anew; a form with a mistake comes back filled."""
    row = consultations.get_for(request.user, pk)
    act = ACTS.get(what)
    if act is None:
        return redirect("workplace:call", pk=pk)
    part, does = act
    wrong = does(request, row)
    row.refresh_from_db()
    context = _page(request, row, wrong=wrong)
    if request.htmx:
        return render(request, f"{PAGE}#{part}", context, status=422 if wrong else 200)
    return render(request, PAGE, context, status=422) if wrong else redirect("workplace:call", pk=pk)


@requires("hotline.consult")
@require_POST
def call_close(request: StaffRequest, pk: int) -> HttpResponse:
    """Take the closing step: topic and need, the two questions, the QR code, the outcome; all of it or nothing."""
    row = consultations.get_for(request.user, pk)
    about = AboutForm(request.POST)
    if not about.is_valid():
        return _not_closed(request, row, about)
    try:
        with transaction.atomic():
            _settle(request, row, about)
    except DomainError as refusal:
        return _not_closed(request, row, about, refusal)
    return _closed(request, row)


def _settle(request: StaffRequest, row: Consultation, about: AboutForm) -> None:
    sent, by = request.POST, request.user
    consultations.classify(row, topic=about.cleaned_data["topic"], need=about.cleaned_data["need"], by=by)
    answers = {name[2:]: str(value) for name, value in sent.items() if name.startswith("q-") and value}
    instead = sent.get("instead", "")
    consultations.ask(
        row,
        answers=answers,
        refused=instead == "refused",
        not_offered=sent.get("not_offered", "") or "?" if instead == "not_offered" else "",
        words=sent.get("not_offered_words", ""),
        told_of_qr="told_of_qr" in sent,
        by=by,
    )
    consultations.close(row, sent.get("outcome", ""), by=by)


def _not_closed(
    request: StaffRequest, row: Consultation, about: AboutForm, refusal: DomainError | None = None
) -> HttpResponse:
    row.refresh_from_db()
    context = _page(request, row) | _closing(row, request.POST) | {"about": about, "refusal_of_closing": refusal}
    template = f"{PAGE}#closing" if request.htmx else PAGE
    return render(request, template, context, status=422)


def _closed(request: StaffRequest, row: Consultation) -> HttpResponse:
    row.refresh_from_db()
    messages.success(request, f"Консультация завершена: {row.get_outcome_display()}.")
    others = consultations.open_of(request.user).first()
    address = reverse("workplace:call", args=[others.pk]) if others else reverse("workplace:call_desk")
    if not request.htmx:
        return redirect(address)
    response = HttpResponse()
    response["HX-Redirect"] = address
    return response


def _keep(request: StaffRequest, row: Consultation) -> Consultation:
    sent = request.POST
    return consultations.keep(
        row,
        question=sent.get("question", ""),
        answer=sent.get("answer", ""),
        caller=sent.get("caller", ""),
        version=typed.number(sent.get("version")) or 0,
        by=request.user,
    )


def _hold(request: StaffRequest, row: Consultation) -> None:
    consultations.hold(row, seconds=typed.number(request.POST.get("seconds")) or 0, by=request.user)


def _resume(request: StaffRequest, row: Consultation) -> None:
    consultations.resume(row, by=request.user)


def _transfer(request: StaffRequest, row: Consultation) -> dict[str, Any] | None:
    form = TransferForm(request.POST, user=request.user, prefix="transfer")
    if form.is_valid():
        try:
            consultations.transfer(row, **form.cleaned_data, by=request.user)
        except (consultations.WhereUnclear, consultations.WhyNeeded) as refusal:
            form.add_error("to", str(refusal))
    return {"transfer": form} if form.errors else None


def _from_ekc(request: StaffRequest, row: Consultation) -> None:
    consultations.came_from_ekc(row, by=request.user)


def _result(request: StaffRequest, row: Consultation) -> None:
    transfer = get_object_or_404(Transfer, pk=typed.number(request.POST.get("transfer")) or 0, consultation=row)
    consultations.transfer_result(transfer, request.POST.get("result", ""), by=request.user)


def _promise(request: StaffRequest, row: Consultation) -> dict[str, Any] | None:
    form = PromiseForm(request.POST, prefix="promise")
    if form.is_valid():
        data = form.cleaned_data
        try:
            consultations.promise(
                row, number=data["number"], due_at=form.moment(), about=data["about"], by=request.user
            )
        except DomainError as refusal:
            form.add_error(None, str(refusal))
    return {"promise": form} if form.errors else None


def _write(request: StaffRequest, row: Consultation) -> dict[str, Any] | None:
    form = WordsForm(request.POST, prefix="words")
    if form.is_valid():
        data = form.cleaned_data
        consultations.write_appeal(row, typed=form.typed(), subject=data["subject"], text=data["text"], by=request.user)
    return {"words": form} if form.errors else None


def _code(request: StaffRequest, row: Consultation) -> None:
    consultations.give_code(row, by=request.user)


# What a button's address ends with → the part of the page it belongs to, what it does; None: nothing was wrong.
ACTS: Final[Mapping[str, tuple[str, Callable[[StaffRequest, Consultation], dict[str, Any] | None]]]] = {
    "hold": ("held", _hold),
    "resume": ("held", _resume),
    "transfer": ("steps", _transfer),
    "from-ekc": ("steps", _from_ekc),
    "result": ("steps", _result),
    "promise": ("steps", _promise),
    "write": ("steps", _write),
    "code": ("code", _code),
}


def _page(request: StaffRequest, row: Consultation, *, wrong: dict[str, Any] | None = None) -> dict[str, Any]:
    found = scripts.talks(request.user, row)
    talk = scripts.chosen(found, typed.number(request.GET.get("script")))
    opened = list(consultations.open_of(request.user))
    return {
        "consultation": row,
        "open": opened,
        "next_call": _next(opened, row),
        "hold": row.holds.filter(ended_at=None).first(),
        "announced": [(number, seconds) for number, seconds in enumerate(consultations.ANNOUNCED, start=1)],
        "transfers": list(row.transfers.select_related("to")),
        "results": [(one.value, one.label) for one in Transfer.Result if one != Transfer.Result.WAITING],
        "promises": list(row.promises.all()),
        "transfer": TransferForm(user=request.user, prefix="transfer"),
        "promise": PromiseForm(initial=PromiseForm.offered(row), prefix="promise"),
        "words": WordsForm(initial=WordsForm.offered(row), prefix="words"),
        "lines": {stage: talk.first_of(stage) for stage in ("holding", "transfer", "farewell")} if talk else {},
        **search_box(row),
        "view": "",
        **_script(row, found, talk, typed.number(request.GET.get("to"))),
        **_closing(row, {}),
        **(wrong or {}),
    }


def _script(
    row: Consultation, found: list[scripts.Talk], talk: scripts.Talk | None, shown: int | None
) -> dict[str, Any]:
    """Return the step to show: the one asked for, else the last that was read, else the first."""
    uses = list(row.scripts.all())
    read = {(use.material, use.step) for use in uses}
    if talk is not None and shown is None and uses and uses[-1].material == talk.material:
        shown = talk.named(uses[-1].step)
    step = talk.step(shown) if talk else None
    return {
        "talks": found,
        "talk": talk,
        "step": step,
        "targets": [(one, talk.steps[one.go_to].name) for one in step.branches] if talk and step else [],
        "read": {number for number, one in enumerate(talk.steps) if (talk.material, one.name) in read} if talk else (),
        "conflict_step": talk.first_of(scripts.CONFLICT) if talk else None,
    }


def _closing(row: Consultation, sent: Mapping[str, Any]) -> dict[str, Any]:
    said = None
    if row.invitation_id:
        said = Response.objects.filter(invitation_id=row.invitation_id).select_related("invitation__questionnaire")
    edition = feedback.in_force("consultation", on=timezone.localdate())
    questions = edition.questions if edition and not said else []
    return {
        "about": AboutForm(initial={"topic": row.topic, "need": row.need}),
        "topics": classification.valid_topics(),
        "questions": [
            {**one, "name": f"q-{one['code']}", "chosen": sent.get(f"q-{one['code']}", "")}
            for one in questions
            if one["kind"] == "choice"
        ],
        "said": feedback.spoken(said.get()) if said else [],
        "not_offered": NOT_OFFERED,
        "outcomes": OUTCOMES,
        "point": _point(),
        "code": asking.code_for(row.code_invitation) if row.code_invitation else "",
        "sent": sent,
    }


def _point() -> dict[str, str] | None:
    """Return where the caller may leave an opinion: as it is dictated and as it is pressed; None without a place."""
    point = points.for_line()
    return {"url": points.url(point), "said": points.said(point)} if point else None


def _next(opened: list[Consultation], row: Consultation) -> Consultation | None:
    """Return the other open consultation that comes after this one, round and round."""
    later = [one for one in opened if (one.opened_at, one.pk) > (row.opened_at, row.pk)]
    others = [one for one in opened if one.pk != row.pk]
    return later[0] if later else others[0] if others else None


def _compared(request: StaffRequest, conflict: consultations.ConsultationConflict) -> dict[str, Any]:
    sent, theirs = request.POST, conflict.theirs
    pairs = [
        ("О чём спросили", theirs.question, sent.get("question", "")),
        ("Что ответили", theirs.answer, sent.get("answer", "")),
        ("Как обращаться", theirs.caller, sent.get("caller", "")),
    ]
    compared = [(name, changes(mine.strip(), kept)) for name, kept, mine in pairs if mine.strip() != kept]
    return {"conflict": conflict, "theirs": theirs, "compared": compared, "typed": sent}
