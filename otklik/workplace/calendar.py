"""The production calendar and the terms, both editable: first what would change, then the change itself."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, timedelta
from itertools import groupby
from typing import Any

from django import forms
from django.contrib import messages
from django.db import transaction
from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from otklik.appeals import terms as appeal_terms
from otklik.appeals.terms import Redating
from otklik.core import calendar, journal, typed
from otklik.core.access import requires
from otklik.core.forms import TidyForm
from otklik.core.models import CalendarDay, CalendarYear, Regime, TermRule
from otklik.correspondence.models import ChannelCode
from otklik.people.models import Employee
from otklik.workplace.requests import StaffRequest

MONTHS = [
    *("Январь", "Февраль", "Март", "Апрель", "Май", "Июнь"),
    *("Июль", "Август", "Сентябрь", "Октябрь", "Ноябрь", "Декабрь"),
]
DATE_INPUT = {"type": "date"}


class DayForm(TidyForm):
    """What a day is and on what ground."""

    kind = forms.ChoiceField(label="Какой это день", choices=CalendarDay.Kind.choices)
    source = forms.CharField(
        label="Основание",
        max_length=300,
        help_text="Например: постановление Правительства РФ от … № …",
        error_messages={"required": "Укажите основание: без него день не изменить."},
    )


class RuleForm(TidyForm):
    """A term of a regime that holds from a day on."""

    days = forms.IntegerField(label="Дней", min_value=1, max_value=3650)
    unit = forms.ChoiceField(label="Какие дни", choices=TermRule.Unit.choices)
    roll = forms.ChoiceField(label="Если последний день нерабочий", choices=TermRule.Roll.choices)
    valid_from = forms.DateField(label="Действует с", widget=forms.DateInput(format="%Y-%m-%d", attrs=DATE_INPUT))
    basis = forms.CharField(label="Основание", max_length=300, help_text="Статья закона или пункт приказа.")


@requires()
@require_GET
def year(request: StaffRequest, of: int | None = None) -> HttpResponse:
    """Show a year by months: each day's kind in letters as well as in colour."""
    shown = _year(of or timezone.localdate().year)
    days = calendar.current()
    known = CalendarYear.objects.filter(year=shown).first()
    context = {
        "year": shown,
        "months": [(MONTHS[number - 1], _weeks(shown, number)) for number in range(1, 13)],
        "approved": days.is_approved(shown),
        "source": known.source if known else "",
        "working_days": days.working_between(date(shown, 1, 1), date(shown, 12, 31)),
        "moved": CalendarDay.objects.filter(date__year=shown, moved_from__isnull=False).order_by("date"),
        "by_hand": CalendarDay.objects.filter(date__year=shown, edited_by_hand=True).order_by("date"),
        "can_edit": request.user.has_power("calendar.edit"),
        "today": timezone.localdate(),
    }
    return render(request, "workplace/calendar.html", context)


@requires("calendar.edit")
@require_http_methods(["GET", "POST"])
def day(request: StaffRequest, on: date) -> HttpResponse:
    """Change one day: the first POST shows which appeals would get another date, the second one does it."""
    now = calendar.current().day(on)
    form = DayForm(request.POST or None, initial={"kind": now.kind})
    changed: list[Redating] | None = None
    if request.method == "POST" and form.is_valid():
        kind, source = form.cleaned_data["kind"], form.cleaned_data["source"]

        def change() -> None:
            calendar.set_day(on, kind, source=source, by=request.user)

        if "confirm" in request.POST:
            changed = _apply(change, reason=f"изменён календарь: {on:%d.%m.%Y}, {source}", by=request.user)
            messages.success(request, f"{on:%d.%m.%Y} изменён. Пересчитано обращений: {len(changed)}.")
            return redirect("workplace:calendar_year", of=on.year)
        changed = _preview(change)
    context = {"on": on, "now": now, "now_label": CalendarDay.Kind(now.kind).label, "form": form, "changed": changed}
    return render(request, "workplace/calendar_day.html", context, status=422 if form.errors else 200)


@requires("calendar.edit")
@require_POST
def approve_year(request: StaffRequest, of: int) -> HttpResponse:
    """Note the decree of a year, once its days are checked."""
    source = request.POST.get("source", "").strip()
    if not source:
        messages.error(request, "Укажите постановление, которым перенесены выходные дни.")
    else:
        calendar.approve_year(_year(of), source=source[:300], by=request.user)
        messages.success(request, f"{of} год отмечен как утверждённый.")
    return redirect("workplace:calendar_year", of=of)


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
        "channels": dict(ChannelCode.choices),
        "can_edit": request.user.has_power("calendar.edit"),
        "today": timezone.localdate(),
    }
    return render(request, "workplace/terms.html", context)


@requires("calendar.edit")
@require_http_methods(["GET", "POST"])
def term(request: StaffRequest, pk: int) -> HttpResponse:
    """Give a term a new value from a day on. The old row ends the day before and stays for what began under it."""
    old = get_object_or_404(TermRule.objects.select_related("regime"), pk=pk)
    initial = {"days": old.days, "unit": old.unit, "roll": old.roll, "basis": old.basis}
    form = RuleForm(request.POST or None, initial={**initial, "valid_from": timezone.localdate()})
    changed: list[Redating] | None = None
    if request.method == "POST" and form.is_valid():
        if form.cleaned_data["valid_from"] <= old.valid_from:
            form.add_error("valid_from", f"Новый срок начинается позже прежнего ({old.valid_from:%d.%m.%Y}).")
        else:

            def change() -> None:
                _replace(old, form, by=request.user)

            if "confirm" in request.POST:
                changed = _apply(change, reason=f"изменён срок: {form.cleaned_data['basis']}", by=request.user)
                messages.success(request, f"Новый срок записан. Пересчитано обращений: {len(changed)}.")
                return redirect("workplace:terms")
            changed = _preview(change)
    context = {"rule": old, "form": form, "changed": changed, "channel": dict(ChannelCode.choices).get(old.channel, "")}
    return render(request, "workplace/term.html", context, status=422 if form.errors else 200)


def _preview(change: Callable[[], None]) -> list[Redating]:
    """Return which running appeals would get another date; nothing is left of the attempt."""
    with transaction.atomic():
        change()
        changed = appeal_terms.preview()
        transaction.set_rollback(True)
    calendar.forget()
    return changed


@transaction.atomic
def _apply(change: Callable[[], None], *, reason: str, by: Employee) -> list[Redating]:
    change()
    return appeal_terms.redate(by=by, reason=reason)


def _replace(old: TermRule, form: RuleForm, *, by: Employee) -> None:
    """End the old row the day before and write the new one, each in the journal."""
    starts = form.cleaned_data["valid_from"]
    later_end = old.valid_to if old.valid_to and old.valid_to >= starts else None
    TermRule.objects.filter(pk=old.pk).update(valid_to=starts - timedelta(days=1))
    new = TermRule.objects.create(
        regime=old.regime, step=old.step, channel=old.channel, valid_to=later_end, **form.cleaned_data
    )
    journal.record(
        "terms.rule_replaced", chain=f"regime:{old.regime_id}", by=by, old=old.pk, new=new.pk, days=new.days, on=starts
    )


def _year(of: int) -> int:
    if not typed.FIRST_YEAR <= of <= typed.LAST_YEAR:
        raise Http404
    return of


def _weeks(of: int, month: int) -> list[list[tuple[date, Any] | None]]:
    """Return a month as weeks of seven, Monday first; None beside the month."""
    days = calendar.current()
    first = date(of, month, 1)
    cells: list[tuple[date, Any] | None] = [None] * first.weekday()
    on = first
    while on.month == month:
        cells.append((on, days.day(on)))
        on += timedelta(days=1)
    cells += [None] * (-len(cells) % 7)
    return [cells[start : start + 7] for start in range(0, len(cells), 7)]
