"""Messages nobody has decided about: register with what is proposed, join, reject; and «Новое обращение» by hand."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from django.contrib import messages
from django.db import transaction
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_http_methods, require_POST

from otklik.appeals import access, alike, classification, cover, registration, waiting, ways
from otklik.appeals.models import Appeal
from otklik.appeals.permissions import allows
from otklik.core.access import requires
from otklik.core.errors import DomainError
from otklik.correspondence import inbox
from otklik.correspondence.models import ContactPoint, IncomingMessage
from otklik.people import access as people_access
from otklik.workplace import medo, merging, queue
from otklik.workplace.forms import EntryForm, WriteDownForm, initial_of, new_once
from otklik.workplace.requests import StaffRequest


@requires("intake.view", "intake.decide")
@require_http_methods(["GET", "POST"])
def message(request: StaffRequest, pk: int) -> HttpResponse:
    """Show a message with everything proposed; a POST registers it and confirms its topic and need."""
    row = access.get_message(request.user, pk)
    decides = request.user.has_power("intake.decide")
    if request.method != "POST" and not (decides and row.state in inbox.UNDECIDED):
        return render(request, "workplace/message.html", _shown(request, row))
    proposal = registration.propose(row)
    known = [
        (str(one.applicant.pk), f"{people_access.masked_name(one.applicant)} — {one.why}")
        for one in proposal.candidates[:8]
    ]
    options: dict[str, Any] = {
        "on": timezone.localdate(),
        "channel": row.channel,
        "asked": proposal.entry.answer_channel,
        "known": known,
    }
    if request.method == "POST":
        form = EntryForm(request.POST, **options)
        try:
            appeal = registered(request, row, form)
        except inbox.AlreadyTaken as refusal:
            return _refused(request, pk, refusal, form.lines())
        if appeal is not None:
            messages.success(request, f"Зарегистрировано: № {appeal.number}.")
            return redirect(queue.card_url(request, appeal.pk))
    else:
        form = EntryForm(initial=initial_of(proposal), **options)
    like = alike.to_letter(f"{row.subject}\n{row.text}", user=request.user, limit=3)
    context = _shown(request, row) | {"form": form, "proposal": proposal, "decides": True, "alike": like}
    context |= merging.asked_kin(request)
    return render(request, "workplace/message.html", context, status=422 if form.is_bound else 200)


def registered(request: StaffRequest, row: IncomingMessage, form: EntryForm) -> Appeal | None:
    """Return the appeal made of a filled-in form; None where the form now says what is wrong in it."""
    registration.check_can_register(row, request.user)
    if not form.is_valid():
        return None
    try:
        return _register(request, row, form)
    except inbox.AlreadyTaken:
        raise
    except DomainError as exc:
        form.add_error("answer_address" if isinstance(exc, ways.WrongAddress) else None, str(exc))
        return None


@transaction.atomic
def _register(request: StaffRequest, row: IncomingMessage, form: EntryForm) -> Appeal:
    """Register, and in one go confirm the questions where this employee may."""
    entry = form.entry()
    appeal = registration.register(row, entry, by=request.user)
    if entry.questions and allows(classification.check_can_classify, appeal, request.user):
        classification.classify(appeal, list(entry.questions), kinds=form.kinds(), by=request.user)
    merging.relate_new(request, appeal)
    return appeal


def _refused(request: StaffRequest, pk: int, refusal: inbox.AlreadyTaken, typed: list[tuple[str, str]]) -> HttpResponse:
    """Show the message as it is now, who decided, and what this employee typed in vain: it can be copied."""
    context = _shown(request, access.get_message(request.user, pk)) | {"refusal": refusal, "typed": typed}
    return render(request, "workplace/message.html", context, status=refusal.status)


def _shown(request: StaffRequest, row: IncomingMessage) -> dict[str, Any]:
    taken = getattr(row, "taken", None)
    return {
        **_cover(request, row),
        "message": row,
        "files": list(row.files.select_related("stored__examination")),
        "package": medo.package(row),
        "taken": taken.appeal if taken else None,
        "register_by": waiting.due_of(row),
        "back": queue.came_from(request),
        "view": "registration",
        "lazy_menu": True,
        "numbers": {},
    }


def _cover(request: StaffRequest, row: IncomingMessage) -> dict[str, Any]:
    """Return the covering letter a message came under, and where the same one came before."""
    if not cover.may_have(row):
        return {}
    there = cover.of(row)
    return {
        "has_cover": True,
        "cover": there,
        "may_cover": request.user.has_power("intake.decide"),
        "same_cover": cover.same(there, row, user=request.user) if there else [],
        "short_control": there is not None and there.is_short(timezone.localdate(row.received_at)),
    }


@requires("intake.decide")
@require_POST
def join(request: StaffRequest, pk: int) -> HttpResponse:
    """Add a message to an appeal of the same sender."""
    row = get_object_or_404(IncomingMessage, pk=pk)
    number, given = request.POST.get("number", "").strip(), request.POST.get("appeal", "")
    appeals = access.visible_to(request.user)
    wanted = appeals.filter(pk=given) if given.isdecimal() else appeals.filter(number__iexact=number)
    chosen = wanted.first()
    if chosen is None:
        messages.error(request, f"Обращения с номером «{number}» нет или оно вам не видно. Проверьте номер.")
        return redirect("workplace:inbox", pk=pk)
    registration.join(row, access.get_for(request.user, chosen.pk), by=request.user)
    messages.success(request, f"Присоединено к № {chosen.number}. Исполнитель увидит новое письмо.")
    return redirect("workplace:card", pk=chosen.pk)


@requires("intake.decide")
@require_POST
def reject(request: StaffRequest, pk: int) -> HttpResponse:
    """Close a message without an appeal, with a reason."""
    row = get_object_or_404(IncomingMessage, pk=pk)
    reason = request.POST.get("reason", "")
    try:
        inbox.reject(row, reason=reason, by=request.user)
    except inbox.AlreadyTaken as refusal:
        return _refused(request, pk, refusal, [("Почему сообщение отклоняется", reason)])
    messages.success(request, "Сообщение отклонено. Причина сохранена.")
    return redirect(f"{reverse('workplace:queue')}?view=registration")


@requires("intake.decide")
@require_http_methods(["GET", "POST"])
def new_appeal(request: StaffRequest) -> HttpResponse:
    """Write down what came on paper, in person or by telephone, then register it like any message."""
    if request.method == "POST":
        form = WriteDownForm(request.POST, request.FILES)
        if form.is_valid():
            row = write_down(request, form)
            return redirect("workplace:inbox", pk=row.pk)
        return render(request, "workplace/new_appeal.html", {"form": form}, status=422)
    form = WriteDownForm(initial={"channel": "post", "received_on": timezone.localdate(), "once": new_once()})
    return render(request, "workplace/new_appeal.html", {"form": form})


@transaction.atomic
def write_down(request: StaffRequest, form: WriteDownForm) -> IncomingMessage:
    """Keep what a clerk typed as a message that waits to be registered."""
    data, typed = form.cleaned_data, form.typed()
    points = list(ContactPoint.objects.filter(channel=data["channel"])[:2])
    person = f"{typed.last_name} {typed.first_name} {typed.patronymic}".strip()
    row = inbox.write_down(
        channel=data["channel"],
        contact_point=points[0] if len(points) == 1 else None,
        sender_name=typed.organisation or person,
        sender_address=typed.email or typed.address,
        subject=data["subject"],
        text=data["text"],
        received_at=form.received_at(),
        files=[(one.name or "файл", one.file) for one in data["scans"]],
        once=data["once"],
        by=request.user,
    )
    inbox.add_facts(row, schema="hand", data={"applicant": asdict(typed)})
    return row
