"""Sending by channels: how each one does, how fast and when it is used; administrators change that."""

from __future__ import annotations

from typing import Final

from django import forms
from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from otklik.channels.registry import all_channels
from otklik.core.access import requires
from otklik.core.errors import DomainError
from otklik.core.forms import TidyForm
from otklik.correspondence import pace
from otklik.correspondence.models import ChannelCode, SendingRule
from otklik.workplace import system
from otklik.workplace.requests import StaffRequest

TIME: Final = forms.TimeInput(format="%H:%M", attrs={"type": "time"})


class RuleForm(TidyForm, forms.ModelForm):  # type: ignore[type-arg]
    """How many messages at most, when they wait for the morning, when the channel is left alone."""

    class Meta:
        model = SendingRule
        fields = ("per_second", "per_minute", "quiet_from", "quiet_to", "quiet_for_answers", "breaks_after")
        widgets = {"quiet_from": TIME, "quiet_to": TIME}


@requires(*system.POWERS)
@require_GET
def channels(request: StaffRequest) -> HttpResponse:
    """Show how sending goes by each channel that sends by itself."""
    rows = pace.all_conditions(all_channels())
    facts = {"rows": rows, "may_edit": request.user.has_power(pace.MANAGE)}
    return render(request, "workplace/outside/sending.html", facts)


@requires(pace.MANAGE)
@require_http_methods(["GET", "POST"])
def rule(request: StaffRequest, channel: str) -> HttpResponse:
    """Change how a channel is used."""
    name = _name(channel)
    form = RuleForm(request.POST or None, instance=pace.rule_of(channel))
    status = 200
    if request.method == "POST":
        status = 422
        if form.is_valid():
            try:
                pace.keep(channel, form.cleaned_data, by=request.user)
            except DomainError as refusal:
                form.add_error(None, str(refusal))
            else:
                messages.success(request, f"Порядок отправки записан: {name}.")
                return redirect("workplace:sending")
    facts = {
        "form": form,
        "title": f"Порядок отправки: {name}",
        "lead": "Пустое поле — без ограничения. Тихие часы — по времени департамента, можно через полночь.",
        "back": reverse("workplace:sending"),
        "back_name": "Отправка по каналам",
        "wide": ("quiet_for_answers", "breaks_after"),
    }
    return render(request, "workplace/row_form.html", facts, status=status)


@requires(pace.MANAGE)
@require_POST
def try_now(request: StaffRequest, channel: str) -> HttpResponse:
    """Let one message be tried at once by a channel that is stopped or was asked to wait."""
    name = _name(channel)
    pace.try_now(channel, by=request.user)
    messages.success(request, f"Проба назначена: {name}. Уйдёт одно письмо; если дойдёт, уйдут и остальные.")
    return redirect("workplace:sending")


def _name(channel: str) -> str:
    if channel not in ChannelCode.values:
        raise Http404
    return str(ChannelCode(channel).label)
