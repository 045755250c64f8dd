"""Sending the signed answer: undo for some seconds, the delivery state, another way where it did not arrive."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import messages
from django.db.models import Exists, OuterRef
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_GET, require_POST

from otklik.appeals import access, answer_ways, dispatch, left_open, signature, ways
from otklik.appeals.errors import WrongDate
from otklik.appeals.models import Appeal, Dispatch
from otklik.appeals.permissions import allows
from otklik.appeals.pos import cases as pos
from otklik.channels.mail import letter, smtp
from otklik.core import typed
from otklik.core.access import by_itself, requires
from otklik.core.forms import DATE_INPUT, TidyForm
from otklik.core.pages import safe_back
from otklik.correspondence import connections, delivery, pace
from otklik.correspondence.models import ChannelCode, OutgoingMessage
from otklik.people import access as people_access
from otklik.workplace import covers, outcomes, queue
from otklik.workplace.requests import StaffRequest

State = OutgoingMessage.State
UNDECIDED = (State.UNCERTAIN, State.FAILED, State.BY_HAND)
SHOWN = 300
CHANGING = (State.QUEUED, State.SENDING)
READERS = ("appeals.dispatch", "appeals.view_all", "appeals.view_unit", "appeals.view_own")
BY_HAND_CHANNELS = (ChannelCode.EMAIL, ChannelCode.POST)


class PostedForm(TidyForm):
    """When the paper letter left, and its number in the register or the track number; of a call only its day."""

    on = forms.DateField(label="Дата отправки", widget=DATE_INPUT)
    number = forms.CharField(label="Номер в реестре или трек-номер", max_length=60, required=False)

    def __init__(self, *args: Any, message: OutgoingMessage | None, **kwargs: Any) -> None:
        super().__init__(*args, prefix="posted", **kwargs)
        if _is_call(message):
            self.fields["on"].label = "Дата звонка"
            del self.fields["number"]
        elif _is_of_pos(message):
            self.fields["on"].label = "Дата, когда ответ внесён в ПОС"
            del self.fields["number"]


class AnotherWayForm(TidyForm):
    """Where else the same signed answer can go."""

    channel = forms.ChoiceField(label="Каким способом")
    address = forms.CharField(label="Куда", max_length=500, error_messages={"required": "Укажите адрес."})

    def __init__(self, *args: Any, appeal: Appeal, **kwargs: Any) -> None:
        """Offer letters, and the network the message came from while it is connected: there, to the person alone."""
        private = dispatch.private_address(appeal)
        network = [ChannelCode(appeal.answer_channel)] if private and connections.sends(appeal.answer_channel) else []
        initial = {"channel": network[0], "address": private} if network else {"channel": ChannelCode.POST}
        super().__init__(*args, prefix="way", initial=initial, **kwargs)
        field = self.fields["channel"]
        assert isinstance(field, forms.ChoiceField)
        field.choices = [(code.value, str(code.label)) for code in (*network, *BY_HAND_CHANNELS)]


class CopyForm(TidyForm):
    """Where a copy goes besides the answer."""

    channel = forms.ChoiceField(label="Каким способом")
    address = forms.CharField(label="Куда", max_length=500, error_messages={"required": "Укажите адрес."})

    def __init__(self, *args: Any, appeal: Appeal, **kwargs: Any) -> None:
        super().__init__(*args, prefix="copy", **kwargs)
        field: Any = self.fields["channel"]
        field.choices = [(code, ways.name(code)) for code in dispatch.copy_ways(appeal, on=timezone.localdate())]


@requires(*READERS)
@require_GET
def show(request: StaffRequest, pk: int) -> HttpResponse:
    """Show how the answer leaves, and the one next step."""
    appeal = access.get_for(request.user, pk)
    return render(request, "workplace/dispatch.html", _context(request, appeal))


@by_itself
@requires(*READERS)
@require_GET
def state(request: StaffRequest, pk: int) -> HttpResponse:
    """Show the delivery state alone: the page asks while it still changes by itself."""
    appeal = access.get_for(request.user, pk)
    return render(request, "workplace/dispatch.html#state", _context(request, appeal))


@requires("appeals.dispatch")
@require_POST
def send(request: StaffRequest, pk: int) -> HttpResponse:
    """Send the answer by the applicant's channel."""
    appeal = access.get_for(request.user, pk)
    private = request.POST.get("privately") == "yes"
    dispatch.send(appeal, by=request.user, privately=private, outcome=outcomes.proposed(request))
    return redirect(queue.step_url(request, "dispatch", pk))


@requires("appeals.dispatch")
@require_POST
def undo(request: StaffRequest, pk: int) -> HttpResponse:
    """Take the letter back while it still waits."""
    appeal = access.get_for(request.user, pk)
    dispatch.undo(appeal, by=request.user)
    messages.success(request, "Отправка отменена. Письмо не ушло.")
    return redirect(queue.step_url(request, "dispatch", pk))


@requires("appeals.dispatch")
@require_POST
def resend(request: StaffRequest, pk: int) -> HttpResponse:
    """Try a letter of any kind once more."""
    delivery.resend(_letter(request, pk), by=request.user)
    messages.success(request, "Письмо снова поставлено в очередь.")
    return _back(request)


@requires("appeals.dispatch")
@require_POST
def settle(request: StaffRequest, pk: int) -> HttpResponse:
    """Write down what the clerk found out about a letter whose fate was unknown."""
    arrived = request.POST.get("arrived") == "yes"
    delivery.settle(_letter(request, pk), arrived=arrived, by=request.user)
    messages.success(request, "Отмечено: дошло." if arrived else "Отмечено: не дошло. Отправьте ещё раз.")
    return _back(request)


@requires("appeals.dispatch")
@require_POST
def set_aside(request: StaffRequest, pk: int) -> HttpResponse:
    """Decide, with a reason, that a letter which did not arrive needs nothing more."""
    delivery.set_aside(_letter(request, pk), reason=request.POST.get("reason", ""), by=request.user)
    messages.success(request, "Письмо снято с отправки. Причина сохранена.")
    return _back(request)


@requires("appeals.dispatch")
@require_POST
def posted(request: StaffRequest, pk: int) -> HttpResponse:
    """Write down that the paper letter was handed to the post, or that the applicant was called."""
    appeal = access.get_for(request.user, pk)
    message = _message(appeal)
    form = PostedForm(request.POST, message=message)
    if not form.is_valid():
        return _again(request, appeal, posted_form=form)
    if _is_of_pos(message) and appeal.channel == ChannelCode.POS:
        try:
            pos.enter_answer(appeal, on=form.cleaned_data["on"], by=request.user)
        except WrongDate as refusal:
            form.add_error("on", str(refusal))
            return _again(request, appeal, posted_form=form)
    else:
        delivery.posted(message, **form.cleaned_data, by=request.user)
    done = "ответ сообщён по телефону" if _is_call(message) else "письмо сдано на почту"
    done = "ответ внесён в ПОС" if _is_of_pos(message) else done
    messages.success(request, f"Отмечено: {done}.")
    return redirect(queue.step_url(request, "dispatch", pk))


@requires("appeals.dispatch")
@require_POST
def another_way(request: StaffRequest, pk: int) -> HttpResponse:
    """Send the same signed answer by another channel or to another address."""
    appeal = access.get_for(request.user, pk)
    form = AnotherWayForm(request.POST, appeal=appeal)
    if not form.is_valid():
        return _again(request, appeal, way_form=form)
    try:
        dispatch.send_another_way(appeal, **form.cleaned_data, by=request.user)
    except (ways.WrongAddress, answer_ways.WayRefused, answer_ways.ForeignAddress) as refusal:
        form.add_error("address", str(refusal))
        return _again(request, appeal, way_form=form)
    messages.success(request, "Ответ отправлен другим способом.")
    return redirect(queue.step_url(request, "dispatch", pk))


@requires("appeals.dispatch")
@require_POST
def copy(request: StaffRequest, pk: int) -> HttpResponse:
    """Send a copy besides the answer."""
    appeal = access.get_for(request.user, pk)
    form = CopyForm(request.POST, appeal=appeal)
    if not form.is_valid():
        return _again(request, appeal, copy_form=form)
    try:
        dispatch.send_copy(appeal, **form.cleaned_data, by=request.user)
    except (ways.WrongAddress, answer_ways.WayRefused, answer_ways.ForeignAddress) as refusal:
        form.add_error("address", str(refusal))
        return _again(request, appeal, copy_form=form)
    messages.success(request, "Копия ответа отправлена. Сам ответ идёт своим путём.")
    return redirect(queue.step_url(request, "dispatch", pk))


@requires("appeals.close")
@require_POST
def close(request: StaffRequest, pk: int) -> HttpResponse:
    """End the work on an appeal."""
    appeal, reason = access.get_for(request.user, pk), request.POST.get("reason", "")
    if "why_dropped" in request.POST:
        dispatch.drop_and_close(appeal, why_dropped=request.POST["why_dropped"], reason=reason, by=request.user)
    else:
        dispatch.close(appeal, reason=reason, by=request.user)
    messages.success(request, f"Обращение № {appeal.number} закрыто.")
    return redirect(queue.step_url(request, "card", pk))


@requires("appeals.dispatch")
@require_POST
def resend_many(request: StaffRequest) -> HttpResponse:
    """Try the chosen letters once more, each with its line in the journal."""
    chosen = {pk for pk in map(typed.number, request.POST.getlist("letters")[:SHOWN]) if pk is not None}
    if not chosen:
        messages.warning(request, "Отметьте письма, которые нужно отправить ещё раз.")
        return _back(request)
    rows = OutgoingMessage.objects.filter(
        pk__in=chosen, state=State.FAILED, thread__appeal__in=access.visible_to(request.user)
    )
    done = delivery.resend_each(rows.order_by("pk"), by=request.user)
    messages.success(request, f"Снова поставлено в очередь писем: {done}.")
    return _back(request)


@requires("appeals.dispatch", "appeals.view_all")
@require_GET
def deliveries(request: StaffRequest) -> HttpResponse:
    """List what did not arrive, what may have arrived, and what waits to be sent by hand."""
    state, channel = request.GET.get("state", ""), request.GET.get("channel", "")
    asked = {"state": state} if state in UNDECIDED else {}
    asked |= {"channel": channel} if channel in ChannelCode.values else {}
    seen = access.visible_to(request.user)
    waiting = (
        OutgoingMessage.objects.filter(state__in=UNDECIDED, thread__appeal__in=seen)
        .filter(**asked)
        .annotate(answers=Exists(dispatch.current().filter(message=OuterRef("pk"))))
        .select_related("thread__appeal")
        .order_by("created_at")
    )
    groups = [
        (State.UNCERTAIN, "Неизвестно, дошло ли", "Узнайте у заявителя или у другой стороны и отметьте."),
        (State.FAILED, "Не доставлено", "Проверьте адрес и отправьте ещё раз или другим способом."),
        (State.BY_HAND, "Отправить вручную", "Распечатайте и отправьте или позвоните, потом отметьте дату."),
    ]
    rows = list(waiting[:SHOWN])
    context = {
        "groups": [(code, title, hint, [row for row in rows if row.state == code]) for code, title, hint in groups],
        "total": len(rows),
        "asked": asked,
        "states": [(code.value, code.label) for code in UNDECIDED],
        "channels": ChannelCode.choices,
        "held": [one for one in pace.all_conditions() if one.level != "good" and one.waiting],
        "may_dispatch": request.user.has_power("appeals.dispatch"),
    }
    return render(request, "workplace/deliveries.html", context)


def _letter(request: StaffRequest, pk: int) -> OutgoingMessage:
    """Return a letter of an appeal the user may see: an answer, a receipt or an explanation."""
    return access.get_of_appeal(request.user, OutgoingMessage.objects.all(), "thread__appeal", pk=pk)


def _back(request: StaffRequest) -> HttpResponse:
    """Go back to the page the button stood on: that of an answer, else the list."""
    return redirect(safe_back(request, reverse("workplace:deliveries")))


def _message(appeal: Appeal) -> OutgoingMessage:
    row = _dispatch_of(appeal)
    if row is None:
        raise Http404
    return row.message


def _is_call(message: OutgoingMessage | None) -> bool:
    """Tell whether the answer is told by telephone: no letter leaves, an employee calls."""
    return message is not None and message.channel == ChannelCode.HOTLINE


def _is_of_pos(message: OutgoingMessage | None) -> bool:
    """Tell whether an employee carries the answer into the personal cabinet of ПОС."""
    return message is not None and message.channel == ChannelCode.POS


def _dispatch_of(appeal: Appeal) -> Dispatch | None:
    return dispatch.current().filter(answer__appeal=appeal).select_related("message", "by").first()


def _again(request: StaffRequest, appeal: Appeal, **typed: forms.Form) -> HttpResponse:
    """Show the page with a form as it was typed and what is wrong in it."""
    return render(request, "workplace/dispatch.html", _context(request, appeal) | typed, status=422)


def _too_heavy(appeal: Appeal) -> str:
    """Say before the letter leaves that it is too large to arrive."""
    sizes = dispatch.by_mail(appeal)
    return smtp.too_heavy(letter.weight("", sizes)) if sizes else ""


def _context(request: StaffRequest, appeal: Appeal) -> dict[str, object]:
    row = _dispatch_of(appeal)
    message = row.message if row else None
    answer = signature.frozen_of(appeal)
    can_send = allows(dispatch.check_can_send, appeal, request.user)
    can_close = allows(dispatch.check_can_close, appeal, request.user)
    left = int((message.not_before - timezone.now()).total_seconds()) if message else 0
    return {
        "appeal": appeal,
        "answer": answer,
        "for_all": dispatch.seen_by_all(appeal, answer) if answer and can_send else None,
        "dispatch": row,
        "message": message,
        "too_heavy": _too_heavy(appeal) if can_send else "",
        "reports": list(message.reports.all()) if message else [],
        "undo_left": max(left, 0) if message and message.state == State.QUEUED else 0,
        "by_telephone": _is_call(message),
        "into_pos": _is_of_pos(message),
        "why_waits": delivery.why_waits(message) if message else "",
        "changing": message is not None and message.state in CHANGING,
        "addressee": people_access.masked(appeal.applicant),
        "can_send": can_send,
        "can_undo": allows(dispatch.check_can_undo, appeal, request.user),
        "can_close": can_close,
        "left_open": left_open.of(appeal) if can_close else [],
        "may_dispatch": request.user.has_power("appeals.dispatch"),
        **covers.of_dispatch(request, appeal),
        **(outcomes.of_dispatch(appeal) if can_send else {}),
        "posted_form": PostedForm(message=message, initial={"on": timezone.localdate()}),
        "way_form": AnotherWayForm(appeal=appeal),
        "copy_form": CopyForm(appeal=appeal) if message else None,
        "copies": list(answer.copies.select_related("message", "by")) if answer and message else [],
    }
