"""Regimes and their terms: read by all, added, changed from a day on and ended by who keeps the calendar."""

from __future__ import annotations

from itertools import groupby
from typing import Any

from django import forms
from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_GET, require_http_methods

from otklik.core import terms as rules
from otklik.core.access import requires
from otklik.core.forms import DATE_INPUT, TidyForm
from otklik.core.models import Regime, TermRule
from otklik.correspondence.models import ChannelCode
from otklik.workplace import redating
from otklik.workplace.requests import StaffRequest

CHANNELS = dict(ChannelCode.choices)


class RuleForm(TidyForm):
    """A term of a regime that holds from a day on."""

    days = forms.IntegerField(label="Дней", min_value=1, max_value=3650)
    unit = forms.ChoiceField(label="Какие дни", choices=TermRule.Unit.choices)
    roll = forms.ChoiceField(label="Если последний день нерабочий", choices=TermRule.Roll.choices)
    valid_from = forms.DateField(label="Действует с", widget=DATE_INPUT)
    basis = forms.CharField(label="Основание", max_length=300, help_text="Статья закона или пункт приказа.")
    since_arrival = forms.BooleanField(label="считать со дня поступления", required=False)
    notice_within = forms.IntegerField(
        label="Уведомить о продлении в течение, дней со дня регистрации",
        min_value=1,
        max_value=365,
        required=False,
        help_text="Только для продления. Пусто — до окончания первоначального срока.",
    )
    notice_form = forms.CharField(
        label="Как уведомить о продлении", max_length=300, required=False, help_text="Только для продления."
    )

    def narrow(self, step: str) -> None:
        """Leave only what a rule of this step may say."""
        unwanted = ("since_arrival",) if step == TermRule.Step.EXTEND else ("notice_within", "notice_form")
        for name in unwanted:
            del self.fields[name]


class NewRuleForm(RuleForm):
    """A term that was not there: of which step, and for one channel or all."""

    step = forms.ChoiceField(label="Что нужно сделать", choices=TermRule.Step.choices)
    channel = forms.ChoiceField(label="Канал", choices=[("", "все каналы"), *ChannelCode.choices], required=False)
    valid_to = forms.DateField(label="Действует по", required=False, widget=DATE_INPUT, help_text="Пусто — бессрочно.")
    field_order = ("step", "channel", "days", "unit", "roll", "valid_from", "valid_to", "basis")

    def clean(self) -> dict[str, Any]:
        """Keep what is said of a notice with extensions only."""
        typed: dict[str, Any] = super().clean() or {}
        if typed.get("step") != TermRule.Step.EXTEND:
            typed |= {"notice_within": None, "notice_form": ""}
        return typed


class EndForm(TidyForm):
    """Till when a term holds."""

    last_day = forms.DateField(label="Последний день действия", widget=DATE_INPUT)
    basis = forms.CharField(label="Основание", max_length=300, help_text="Чем срок отменён.")


class RegimeForm(TidyForm, forms.ModelForm):  # type: ignore[type-arg]
    """A regime as a dictionary's row; its terms are kept beside."""

    class Meta:
        model = Regime
        fields = (
            *("name", "code", "citizen_word", "law", "statutory", "head_may_approve_dispatch", "pause_basis"),
            *("hints", "hint_why"),
            *("valid_from", "valid_to", "order"),
        )
        widgets = {"valid_from": DATE_INPUT, "valid_to": DATE_INPUT, "hints": forms.Textarea(attrs={"rows": 3})}

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["code"].disabled = not self.instance._state.adding  # another key would be another regime

    def clean(self) -> dict[str, Any]:
        """Refuse an end before the beginning."""
        typed: dict[str, Any] = super().clean() or {}
        if typed.get("valid_to") and typed.get("valid_from") and typed["valid_to"] < typed["valid_from"]:
            self.add_error("valid_to", "Дата окончания раньше даты начала. Исправьте одну из них.")
        return typed


@requires()
@require_GET
def terms(request: StaffRequest) -> HttpResponse:
    """Show regimes with their terms as sentences, the past and the coming ones too."""
    rows = TermRule.objects.select_related("regime").order_by(
        "regime__order", "regime", "step", "channel", "-valid_from"
    )
    by_regime = {regime: list(its) for regime, its in groupby(rows, key=lambda row: row.regime)}
    context = {
        "regimes": [(regime, by_regime.get(regime, [])) for regime in Regime.objects.all()],
        "channels": CHANNELS,
        "can_edit": request.user.has_power("calendar.edit"),
        "today": timezone.localdate(),
    }
    return render(request, "workplace/terms.html", context)


@requires("calendar.edit")
@require_http_methods(["GET", "POST"])
def add(request: StaffRequest, code: str) -> HttpResponse:
    """Add a term to a regime."""
    regime = get_object_or_404(Regime, pk=code)
    form = NewRuleForm(request.POST or None, initial={"valid_from": timezone.localdate()})

    def change() -> None:
        rules.add(regime, **form.cleaned_data, by=request.user)

    page = _page(f"{regime.name}: новый срок", "Срок для канала сильнее срока для всех каналов.", "Добавить срок")
    return redating.respond(request, form, change, page, reason=lambda: f"добавлен срок: {form.cleaned_data['basis']}")


@requires("calendar.edit")
@require_http_methods(["GET", "POST"])
def term(request: StaffRequest, pk: int) -> HttpResponse:
    """Give a term a new value from a day on."""
    old = _rule(pk)
    kept = ("days", "unit", "roll", "basis", "since_arrival", "notice_within", "notice_form")
    initial = {name: getattr(old, name) for name in kept}
    form = RuleForm(request.POST or None, initial={**initial, "valid_from": timezone.localdate()})
    form.narrow(old.step)

    def change() -> None:
        rules.replace(old, **form.cleaned_data, by=request.user)

    lead = f"Сейчас: {_words(old)}. Прежний срок останется у того, что началось до новой даты."
    page = _page(_title(old), lead, "Записать новый срок")
    return redating.respond(request, form, change, page, reason=lambda: f"изменён срок: {form.cleaned_data['basis']}")


@requires("calendar.edit")
@require_http_methods(["GET", "POST"])
def end(request: StaffRequest, pk: int) -> HttpResponse:
    """Let a term end on a day."""
    old = _rule(pk)
    form = EndForm(request.POST or None, initial={"last_day": timezone.localdate()})

    def change() -> None:
        rules.end(old, **form.cleaned_data, by=request.user)

    lead = f"Сейчас: {_words(old)}. У того, что началось до последнего дня включительно, срок останется."
    page = _page(f"{_title(old)} — завершить", lead, "Завершить срок")
    return redating.respond(request, form, change, page, reason=lambda: f"срок завершён: {form.cleaned_data['basis']}")


@requires("calendar.edit")
@require_http_methods(["GET", "POST"])
def regime(request: StaffRequest, code: str = "") -> HttpResponse:
    """Add a regime or change what is said of it; dates of appeals stand on its terms, so none moves."""
    row = get_object_or_404(Regime, pk=code) if code else None
    form = RegimeForm(request.POST or None, instance=row, initial={} if row else {"valid_from": timezone.localdate()})
    if request.method == "POST" and form.is_valid():
        changed = {name: form.cleaned_data[name] for name in form.changed_data}
        rules.keep_regime(form.save(commit=False), changed=changed, by=request.user)
        messages.success(request, f"Режим «{form.instance.name}» записан.")
        return redirect("workplace:terms")
    context = {"form": form, "regime": row}
    return render(request, "workplace/regime.html", context, status=422 if form.errors else 200)


def _rule(pk: int) -> TermRule:
    return get_object_or_404(TermRule.objects.select_related("regime"), pk=pk)


def _title(rule: TermRule) -> str:
    return f"{rule.regime.name}: {rule.get_step_display()}"


def _words(rule: TermRule) -> str:
    channel = f", {CHANNELS.get(rule.channel, rule.channel)}" if rule.channel else ""
    return f"{rule.days} — {rule.get_unit_display()}{channel}, {rule.basis}"


def _page(title: str, lead: str, confirm: str) -> redating.Page:
    back = reverse("workplace:terms")
    return redating.Page(title, lead, back, "Режимы и сроки", confirm, "Записано.")
