"""«Каналы»: how each channel works, what it is connected with, where people reach the department by it."""

from __future__ import annotations

import logging
from typing import Any, Final

from django import forms
from django.conf import settings
from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from otklik.channels import registry
from otklik.core.access import requires
from otklik.core.errors import DomainError
from otklik.core.forms import DATE_INPUT, TidyForm
from otklik.correspondence import connections, points
from otklik.correspondence.channel import Connected, DeliveryError, Setting, SourceError
from otklik.correspondence.models import ChannelCode, Connection, ConnectionSwitch, ContactPoint, Outage
from otklik.reports import channels as reports
from otklik.workplace import guides
from otklik.workplace.requests import StaffRequest

log = logging.getLogger("otklik.channels")

POWER: Final = "channels.connect"
READERS: Final = ("system.view", POWER)
HISTORY: Final = 15
GUIDES: Final = {ChannelCode.EMAIL: "mail", ChannelCode.GOVERNOR: "governor"}
TYPED: Final = "Введён. Пустое поле оставит прежний."


class ConnectForm(TidyForm):
    """What one channel asks for; secrets are never shown."""

    def __init__(self, channel: Connected, row: Connection | None, data: Any = None) -> None:
        self.there = connections.given(row) if row else set()
        known = dict(row.values) if row else {}
        initial = {one.name: known.get(one.name, one.default) for one in channel.settings if one.kind != "secret"}
        super().__init__(data, prefix="set", initial=initial)
        for one in channel.settings:
            self.fields[one.name] = self._field(one)
        self._init_widgets()

    def _init_widgets(self) -> None:
        for one in self.fields.values():
            css = "form-check-input" if isinstance(one.widget, forms.CheckboxInput) else "form-control"
            one.widget.attrs["class"] = css

    def _field(self, one: Setting) -> forms.Field:
        told: dict[str, Any] = {"label": one.label, "help_text": one.hint, "required": one.required}
        if one.kind == "secret":
            widget = forms.PasswordInput(attrs={"autocomplete": "new-password", "spellcheck": "false"})
            if one.name in self.there:
                told |= {"required": False, "help_text": f"{one.hint} {TYPED}".strip()}
            return forms.CharField(widget=widget, max_length=4000, **told)
        if one.kind == "yes":
            return forms.BooleanField(**{**told, "required": False})
        if one.kind == "number":
            return forms.IntegerField(min_value=0, max_value=10**9, **told)
        if one.kind == "long":
            return forms.CharField(widget=forms.Textarea(attrs={"rows": 5}), max_length=20_000, **told)
        if one.kind == "folder":
            return forms.RegexField(
                r"^/",
                max_length=500,
                error_messages={"invalid": "Напишите путь целиком, от косой черты: /srv/…"},
                **told,
            )
        return forms.CharField(max_length=500, **told)


class SwitchForm(TidyForm):
    """Why a channel is switched on or off."""

    reason = forms.CharField(label="Причина", max_length=300, help_text="Останется в истории канала.")

    def __init__(self, *args: Any, is_needed: bool, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["reason"].required = is_needed


class SilenceForm(TidyForm):
    """After how many working hours without a message a channel is called silent."""

    silent_after = forms.IntegerField(
        label="Молчит дольше, рабочих часов",
        required=False,
        min_value=1,
        max_value=2000,
        help_text="Пусто — по обычному.",
    )


class PointForm(TidyForm, forms.ModelForm):  # type: ignore[type-arg]
    """One точка взаимодействия of a channel."""

    class Meta:
        model = ContactPoint
        fields = ("name", "code", "address", "valid_from", "valid_to", "order")
        widgets = {"valid_from": DATE_INPUT, "valid_to": DATE_INPUT}

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["code"].disabled = not self.instance._state.adding  # programs know the point by it


class EndForm(TidyForm):
    """The last day of a point."""

    last_day = forms.DateField(label="Последний день", widget=DATE_INPUT)


@requires(*READERS)
@require_safe
def channel_list(request: StaffRequest) -> HttpResponse:
    """Show every channel of the order on a line: how it is, what came, what went wrong and what to do."""
    return render(request, "workplace/channels/list.html", {"rows": reports.states()})


@requires(*READERS)
@require_safe
def channel(request: StaffRequest, code: str) -> HttpResponse:
    """Show one channel: its state, what it is connected with, its contact points and its history."""
    return _page(request, code)


def _page(request: StaffRequest, code: str, silence: SilenceForm | None = None) -> HttpResponse:
    channel, row = _known(code), Connection.objects.filter(channel=code).first()
    state = reports.state_of(code)
    silence = silence or SilenceForm(initial={"silent_after": row.silent_after if row else None})
    context = {
        "state": state,
        "row": row,
        "channel": channel,
        "values": _values(channel, row) if channel else [],
        "hook": f"{settings.BASE_URL}{reverse('hook', args=[code])}" if state.listens else "",
        "guide": bool(guides.find(_guide_of(code))),
        "silence": silence,
        "points": ContactPoint.objects.filter(channel=code),
        "today": timezone.localdate(),
        "switches": ConnectionSwitch.objects.filter(connection__channel=code).select_related("by")[:HISTORY],
        "outages": Outage.objects.filter(channel=code)[:HISTORY],
        "may_connect": request.user.has_power(POWER),
    }
    return render(request, "workplace/channels/channel.html", context, status=422 if silence.errors else 200)


@requires(POWER)
@require_http_methods(["GET", "POST"])
def configure(request: StaffRequest, code: str) -> HttpResponse:
    """Write down what a channel is connected with; a secret left empty stays."""
    channel = _connected(code)
    row = Connection.objects.filter(channel=code).first()
    form = ConnectForm(channel, row, request.POST or None)
    if request.method == "POST" and form.is_valid():
        connections.configure(channel, form.cleaned_data, by=request.user)
        messages.success(request, "Параметры записаны. Проверьте связь.")
        return redirect("workplace:channel", code)
    context = {
        "form": form,
        "title": f"Параметры: {ChannelCode(code).label}",
        "lead": "Секреты хранятся зашифрованными и больше не показываются.",
        "back": reverse("workplace:channel", args=[code]),
        "back_name": ChannelCode(code).label,
        "wide": [one.name for one in channel.settings if one.kind in ("long", "folder")],
    }
    return render(request, "workplace/row_form.html", context, status=422 if form.errors else 200)


@requires(POWER)
@require_POST
def try_out(request: StaffRequest, code: str) -> HttpResponse:
    """Ask the other side who we are, now, also while the channel is off."""
    channel = _connected(code)
    try:
        said = channel.try_out()
    except (SourceError, DeliveryError, DomainError) as failure:
        connections.tried(code, well=False, by=request.user)
        messages.error(request, f"Связи нет. {failure}")
    except Exception as failure:
        log.exception("channel %s: try_out", code)
        connections.tried(code, well=False, by=request.user)
        messages.error(request, f"Ошибка программы ({type(failure).__name__}). Сообщите разработчикам.")
    else:
        connections.tried(code, well=True, by=request.user)
        messages.success(request, f"Связь есть. {said}")
    return redirect("workplace:channel", code)


@requires(POWER)
@require_http_methods(["GET", "POST"])
def switch(request: StaffRequest, code: str) -> HttpResponse:
    """Switch a channel on or off; switched off, it says why."""
    channel = _connected(code)
    is_on = Connection.objects.filter(channel=code, on=True).exists()
    form = SwitchForm(request.POST or None, is_needed=is_on)
    if request.method == "POST" and form.is_valid():
        try:
            connections.switch(channel, not is_on, reason=form.cleaned_data["reason"], by=request.user)
        except DomainError as refusal:
            form.add_error(None, str(refusal))
        else:
            messages.success(request, "Канал выключен." if is_on else "Канал включён.")
            return redirect("workplace:channel", code)
    lead = "Сообщения останутся у источника. Ответы по этому каналу будут ждать, пока его не включат."
    context = {
        "form": form,
        "title": f"{'Выключить' if is_on else 'Включить'}: {ChannelCode(code).label}",
        "lead": lead if is_on else "Канал начнёт принимать сообщения сразу. Связь лучше проверить заранее.",
        "back": reverse("workplace:channel", args=[code]),
        "back_name": ChannelCode(code).label,
        "wide": ("reason",),
        "done": "Выключить" if is_on else "Включить",
    }
    return render(request, "workplace/row_form.html", context, status=422 if form.errors else 200)


@requires(POWER)
@require_POST
def silence(request: StaffRequest, code: str) -> HttpResponse:
    """Say after how long a channel is called silent."""
    _known(code)
    form = SilenceForm(request.POST)
    if not form.is_valid():
        return _page(request, code, form)
    connections.expect(code, form.cleaned_data["silent_after"], by=request.user)
    messages.success(request, "Срок молчания записан.")
    return redirect("workplace:channel", code)


@requires(*READERS)
@require_safe
def guide(request: StaffRequest, code: str) -> HttpResponse:
    """Show how to connect a channel: what to ask the other side for, how to test it, what goes wrong."""
    _known(code)
    if not (blocks := guides.find(_guide_of(code))):
        raise Http404
    return render(request, "workplace/channels/guide.html", {"blocks": blocks, "state": reports.state_of(code)})


@requires(POWER)
@require_http_methods(["GET", "POST"])
def point_new(request: StaffRequest, code: str) -> HttpResponse:
    """Add a точка взаимодействия to a channel."""
    _known(code)
    return _point(request, ContactPoint(channel=code), {"valid_from": timezone.localdate()})


@requires(POWER)
@require_http_methods(["GET", "POST"])
def point_edit(request: StaffRequest, pk: int) -> HttpResponse:
    """Change a точка взаимодействия."""
    return _point(request, get_object_or_404(ContactPoint, pk=pk), {})


def _point(request: StaffRequest, row: ContactPoint, initial: dict[str, Any]) -> HttpResponse:
    is_new, name = row._state.adding, row.name
    form = PointForm(request.POST or None, instance=row, initial=initial)
    if request.method == "POST" and form.is_valid():
        try:
            points.keep(form.save(commit=False), changed=form.changed_data, by=request.user)
        except DomainError as refusal:
            form.add_error("valid_to", str(refusal))
        else:
            messages.success(request, f"Точка взаимодействия «{row.name}» записана.")
            return redirect("workplace:channel", row.channel)
    context = {
        "form": form,
        "title": "Новая точка взаимодействия" if is_new else name,
        "lead": "Ящик, форма, окно, телефон или страница, по которым к нам обращаются.",
        "back": reverse("workplace:channel", args=[row.channel]),
        "back_name": row.get_channel_display(),
        "wide": ("name", "address"),
    }
    return render(request, "workplace/row_form.html", context, status=422 if form.errors else 200)


@requires(POWER)
@require_http_methods(["GET", "POST"])
def point_end(request: StaffRequest, pk: int) -> HttpResponse:
    """Name the last day of a точка взаимодействия."""
    row = get_object_or_404(ContactPoint, pk=pk)
    form = EndForm(request.POST or None, initial={"last_day": timezone.localdate()})
    if request.method == "POST" and form.is_valid():
        try:
            points.end(row, last_day=form.cleaned_data["last_day"], by=request.user)
        except DomainError as refusal:
            form.add_error("last_day", str(refusal))
        else:
            messages.success(request, f"«{row.name}»: последний день записан.")
            return redirect("workplace:channel", row.channel)
    context = {
        "form": form,
        "title": f"Завершить: {row.name}",
        "lead": "Принятое через неё останется как есть; новое через неё записывать перестанут.",
        "back": reverse("workplace:channel", args=[row.channel]),
        "back_name": row.get_channel_display(),
        "done": "Завершить",
    }
    return render(request, "workplace/row_form.html", context, status=422 if form.errors else 200)


def _known(code: str) -> Connected | None:
    if code not in ChannelCode.values:
        raise Http404
    return registry.all_connected().get(code)


def _connected(code: str) -> Connected:
    channel = _known(code)
    if channel is None:
        raise Http404
    return channel


def _guide_of(code: str) -> str:
    channel = registry.all_connected().get(code)
    return (channel.guide if channel else "") or GUIDES.get(ChannelCode(code), code)


def _values(channel: Connected, row: Connection | None) -> list[tuple[str, str]]:
    """Return what is written down, as it may be shown: of a secret only whether it is."""
    there = connections.given(row) if row else set()
    known = row.values if row else {}

    def shown(one: Setting) -> str:
        if one.kind == "secret":
            return "введён" if one.name in there else "не введён"
        value = known.get(one.name, one.default)
        if isinstance(value, bool):
            return "да" if value else "нет"
        return str(value) if value not in (None, "") else "не указано"

    return [(one.label, shown(one)) for one in channel.settings]
