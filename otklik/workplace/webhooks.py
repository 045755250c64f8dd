"""Other systems that are told what happens here: the administrator connects them, sees their answers, sends again."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django import forms
from django.contrib import messages
from django.db.models import Count, Q
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from otklik.channels.webhooks import calls, subscriptions
from otklik.channels.webhooks.models import Webhook, WebhookCall
from otklik.channels.webhooks.subscriptions import EVENTS, MANAGE
from otklik.core import typed
from otklik.core.access import requires
from otklik.core.errors import DomainError
from otklik.core.forms import DATE_INPUT, TidyForm
from otklik.people.models import Employee
from otklik.workplace.requests import StaffRequest

State = WebhookCall.State
SHOWN = 100
YEAR = timedelta(days=365)


class WebhookForm(TidyForm):
    """Which system is told, where, of what, until when, and who answers for it."""

    name = forms.CharField(label="Какая система", max_length=200, help_text="Например «Портал губернатора».")
    url = forms.CharField(label="Адрес", max_length=500, help_text="Начинается с https://. Туда уходят вызовы POST.")
    events = forms.MultipleChoiceField(
        label="О чём сообщать",
        choices=[(code, f"{name[:1].upper()}{name[1:]} ({code})") for code, name in EVENTS.items()],
        widget=forms.CheckboxSelectMultiple,
        help_text="Уходят только номера и состояния, без персональных данных.",
    )
    owner = forms.ModelChoiceField(
        Employee.objects.none(), label="Кто отвечает за подключение", empty_label="Выберите сотрудника"
    )
    valid_from = forms.DateField(label="С какого дня", widget=DATE_INPUT)
    valid_to = forms.DateField(label="По какой день включительно", widget=DATE_INPUT)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        owner = self.fields["owner"]
        assert isinstance(owner, forms.ModelChoiceField)
        owner.queryset = Employee.objects.filter(is_active=True)


@requires(MANAGE)
@require_http_methods(["GET", "POST"])
def webhooks(request: StaffRequest) -> HttpResponse:
    """List the connected systems; a POST connects one and shows its secret, this once."""
    today = timezone.localdate()
    initial = {"valid_from": today, "valid_to": today + YEAR}
    form = WebhookForm(request.POST or None, initial=initial)
    made, status = None, 200
    if request.method == "POST":
        status = 422
        if form.is_valid():
            try:
                made, status = subscriptions.create(**form.cleaned_data, by=request.user), 200
            except DomainError as refusal:
                form.add_error("url" if refusal.code == "webhooks.bad_address" else None, str(refusal))
    waiting = Count("calls", filter=Q(calls__state__in=[State.WAITING, State.SENDING]))
    failed = Count("calls", filter=Q(calls__state=State.FAILED))
    rows = Webhook.objects.select_related("owner").annotate(waits=waiting, failed=failed).order_by("name", "pk")
    now = timezone.now()
    facts = {
        "form": WebhookForm(initial=initial) if made else form,
        "made": made,
        "rows": [(row, *subscriptions.state_of(row, now)) for row in rows[:SHOWN]],
    }
    return _unkept(render(request, "workplace/outside/webhooks.html", facts, status=status))


@requires(MANAGE)
@require_GET
def webhook(request: StaffRequest, pk: int) -> HttpResponse:
    """Show one system: how it does, what it was told, what it answered."""
    row = get_object_or_404(Webhook.objects.select_related("owner", "created_by"), pk=pk)
    return _unkept(render(request, "workplace/outside/webhook.html", _facts(request, row)))


@requires(MANAGE)
@require_POST
def step(request: StaffRequest, pk: int) -> HttpResponse:
    """Do what a button asks: a new secret, a trial, going on, telling again, the end."""
    row = get_object_or_404(Webhook, pk=pk)
    asked = request.POST.get("do", "")
    if asked == "rotate":
        made = subscriptions.rotate(row, by=request.user)
        return _unkept(render(request, "workplace/outside/webhook.html", _facts(request, made.webhook, made)))
    if asked == "end":
        subscriptions.end(row, by=request.user)
        messages.success(request, f"Подключение «{row.name}» завершено: ей больше ничего не сообщается.")
        return redirect("workplace:webhooks")
    if asked == "resume":
        subscriptions.resume(row, by=request.user)
        messages.success(request, "Подключение возобновлено: уйдёт и то, что ждало.")
    elif asked == "try":
        calls.try_out(row)
        messages.success(request, "Пробный вызов поставлен в очередь. Ответ появится в списке.")
    elif asked in {"replay", "replay_failed"}:
        done = subscriptions.replay(row, _chosen(request, asked), by=request.user)
        messages.success(request, f"Поставлено в очередь ещё раз: {done}.")
    return redirect("workplace:webhook", pk=pk)


def _chosen(request: StaffRequest, asked: str) -> Any:
    if asked == "replay_failed":
        return WebhookCall.objects.filter(state=State.FAILED)
    return WebhookCall.objects.filter(pk=typed.number(request.POST.get("call", "")) or 0)


def _facts(request: StaffRequest, row: Webhook, made: subscriptions.Made | None = None) -> dict[str, Any]:
    state = request.GET.get("state", "")
    listed = row.calls.order_by("-pk")
    if state in State.values:
        listed = listed.filter(state=state)
    level, words = subscriptions.state_of(row, timezone.now())
    return {
        "row": row,
        "made": made,
        "level": level,
        "words": words,
        "events": [(code, EVENTS[code]) for code in row.events if code in EVENTS],
        "both_until": row.old_until if row.old_until and row.old_until > timezone.now() else None,
        "calls": list(listed[:SHOWN]),
        "failed": row.calls.filter(state=State.FAILED).count(),
        "states": State.choices,
        "state": state,
    }


def _unkept(answer: HttpResponse) -> HttpResponse:
    answer["Cache-Control"] = "private, no-store"  # a secret may stand on it
    return answer
