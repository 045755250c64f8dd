"""«Запросы в другие органы»: the letter, its control date, a reminder, and the reply that came."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.http import require_http_methods, require_safe

from otklik.appeals import access, inquiries
from otklik.appeals.models import Appeal, Inquiry, InquiryRule
from otklik.appeals.permissions import allows, check_can_work
from otklik.core.access import requires
from otklik.core.errors import DomainError, why_not
from otklik.core.forms import TidyForm
from otklik.core.typed import number
from otklik.correspondence.models import ChannelCode, OutgoingMessage
from otklik.people.models import Employee
from otklik.workplace.card import READERS
from otklik.workplace.matter_part import Part, Step, is_there
from otklik.workplace.requests import StaffRequest

WAYS = [(ChannelCode.EMAIL.value, "электронной почтой"), (ChannelCode.POST.value, "на бумаге")]
ASKING = ("appeals.draft", "intake.decide")


class InquiryForm(TidyForm):
    """To whom, by which article, by what way, and the text."""

    rule = forms.ModelChoiceField(InquiryRule.objects.none(), label="На каком основании", empty_label=None)
    body = forms.CharField(
        label="Какому органу",
        max_length=300,
        widget=forms.TextInput(attrs={"list": "bodies", "autocomplete": "off"}),
        error_messages={"required": "Напишите, какому органу запрос."},
    )
    channel = forms.ChoiceField(label="Чем отправить", choices=WAYS)
    address = forms.CharField(
        label="Адрес",
        max_length=500,
        help_text="Электронный адрес или почтовый, по выбранному способу.",
        error_messages={"required": "Укажите, куда отправить."},
    )
    sed_number = forms.CharField(
        label="Номер из СЭД",
        max_length=60,
        required=False,
        help_text="Если номер дала СЭД. Пусто — номер по обращению.",
    )
    text = forms.CharField(
        label="Текст запроса",
        widget=forms.Textarea(attrs={"rows": 12}),
        help_text="Замените многоточие тем, что нужно узнать. Сведения о заявителе — только необходимые.",
        error_messages={"required": "Напишите, что нужно узнать."},
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        field: Any = self.fields["rule"]
        field.queryset = inquiries.rules(timezone.localdate())
        field.label_from_instance = lambda one: f"{one.name} — {one.days} дн. ({one.basis})"


def part(appeal: Appeal, user: Employee) -> Part | None:
    """Return «Запросы в другие органы» of an appeal."""
    rows = inquiries.of(appeal) if is_there(appeal, "inquiries") else []
    may_ask = allows(inquiries.check_can_ask, appeal, user)
    if not rows and not may_ask:
        return None
    facts = {"rows": rows, "appeal": appeal, "today": timezone.localdate()}
    steps = (Step("Запросить сведения", "inquiry_new", "send"),) if may_ask else ()
    return Part(
        "Запросы в другие органы", "building-bank", "workplace/law/inquiries_part.html", facts, steps, len(rows)
    )


@requires(*ASKING)
@require_http_methods(["GET", "HEAD", "POST"])
def inquiry_new(request: StaffRequest, pk: int) -> HttpResponse:
    """Show the letter of the template, then send what was made of it."""
    appeal = access.get_for(request.user, pk)
    rule = inquiries.rules(timezone.localdate()).first()
    initial: dict[str, Any] = {"rule": rule}
    if rule is not None:
        initial["text"] = inquiries.proposed_text(appeal, rule, by=request.user)
    form = InquiryForm(request.POST if request.method == "POST" else None, initial=initial)
    status = 200
    if request.method == "POST":
        status = 422
        if form.is_valid():
            try:
                row = inquiries.send(appeal, **form.cleaned_data, by=request.user)
            except DomainError as refusal:
                form.add_error(None, str(refusal))
                status = refusal.status
            else:
                said = "уйдёт электронной почтой" if row.channel == ChannelCode.EMAIL else "ждёт отправки на бумаге"
                messages.success(request, f"Запрос № {row.number} {said}. Контрольный срок — {row.due_on:%d.%m.%Y}.")
                return redirect("workplace:inquiry", row.pk)
    refused = why_not(inquiries.check_can_ask, appeal, request.user)
    known = Inquiry.objects.order_by().values_list("body", flat=True).distinct()[:100]
    facts = {"appeal": appeal, "form": form, "why_not": refused, "bodies": sorted(known), "has_rule": rule is not None}
    return render(request, "workplace/law/inquiry_new.html", facts, status=status)


@requires(*READERS)
@require_http_methods(["GET", "HEAD", "POST"])
def inquiry(request: StaffRequest, pk: int) -> HttpResponse:
    """Show one request; a POST reminds, marks the reply or takes it back."""
    beside = ("appeal__regime", "appeal__thread", "rule", "message", "thread", "made_by")
    row = access.get_of_appeal(request.user, Inquiry.objects.select_related(*beside), "appeal", pk=pk)
    refusal: DomainError | None = None
    if request.method == "POST":
        try:
            messages.success(request, _step(request, row))
            return redirect("workplace:inquiry", pk)
        except DomainError as exc:
            refusal = exc
    waits = row.answered_on is None and row.withdrawn_on is None
    may_work = allows(check_can_work, row.appeal, request.user)
    facts = {
        "row": row,
        "appeal": row.appeal,
        "waits": waits,
        "late": waits and row.due_on < timezone.localdate(),
        "replies": list(row.replies.select_related("message", "linked_by")),
        "candidates": inquiries.may_be_replies(row, request.user) if may_work and row.withdrawn_on is None else [],
        "can_ask": waits and allows(inquiries.check_can_ask, row.appeal, request.user),
        "letters": list(OutgoingMessage.objects.filter(thread=row.thread_id).order_by("pk")),
        "typed": request.POST.get("reason", "") if refusal else "",
        "refusal": refusal,
    }
    return render(request, "workplace/law/inquiry.html", facts, status=refusal.status if refusal else 200)


@requires(*READERS)
@require_safe
def inquiry_list(request: StaffRequest) -> HttpResponse:
    """Show the requests that wait, the soonest first."""
    rows = list(inquiries.waiting(request.user)[:300])
    return render(request, "workplace/law/inquiry_list.html", {"rows": rows, "today": timezone.localdate()})


def _step(request: StaffRequest, row: Inquiry) -> str:
    step, user = request.POST.get("step"), request.user
    if step == "remind":
        inquiries.remind(row, by=user)
        return "Напоминание подготовлено."
    if step == "withdraw":
        inquiries.withdraw(row, request.POST.get("reason", ""), by=user)
        return "Запрос отозван."
    message = access.messages_of(user).filter(pk=number(request.POST.get("message")) or 0).first()
    if message is None:
        raise inquiries.NoSuchReply(why="такого сообщения нет. Выберите его из списка.")
    inquiries.link_reply(row, message, by=user)
    return "Ответ отмечен: ожидание снято с контроля."
