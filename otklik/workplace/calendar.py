"""The production calendar: a year by months, its days and its decree, both editable."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

from django import forms
from django.http import Http404, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_GET, require_http_methods

from otklik.core import calendar, typed
from otklik.core.access import requires
from otklik.core.forms import DATE_INPUT, TidyForm
from otklik.core.models import CalendarDay, CalendarYear
from otklik.workplace import redating
from otklik.workplace.requests import StaffRequest

MONTHS = [
    *("Январь", "Февраль", "Март", "Апрель", "Май", "Июнь"),
    *("Июль", "Август", "Сентябрь", "Октябрь", "Ноябрь", "Декабрь"),
]
WEEKDAYS = ["понедельник", "вторник", "среда", "четверг", "пятница", "суббота", "воскресенье"]
DECREE = "Например: постановление Правительства РФ от … № …"


class DayForm(TidyForm):
    """What a day is and on what ground."""

    kind = forms.ChoiceField(label="Какой это день", choices=CalendarDay.Kind.choices)
    source = forms.CharField(
        label="Основание",
        max_length=300,
        help_text=DECREE,
        error_messages={"required": "Укажите основание: без него день не изменить."},
    )
    title = forms.CharField(label="Название", max_length=200, required=False, help_text="Например: День города.")
    moved_from = forms.DateField(
        label="Выходной перенесён с", required=False, widget=DATE_INPUT, help_text="Только для перенесённого выходного."
    )

    def clean(self) -> dict[str, Any]:
        """Only a day off is moved from another day."""
        typed = super().clean() or {}
        if typed.get("moved_from") and typed.get("kind") != CalendarDay.Kind.OFF:
            self.add_error(
                "moved_from", "Перенести с другой даты можно только выходной. Уберите дату или смените вид дня."
            )
        return typed


class YearForm(TidyForm):
    """The decree that moved the year's days off; without one the year is not approved."""

    approved = forms.TypedChoiceField(
        label="Переносы выходных дней",
        choices=[("yes", "утверждены"), ("no", "ещё не утверждены")],
        coerce=lambda typed: typed == "yes",
    )
    source = forms.CharField(label="Постановление", max_length=300, required=False, help_text=DECREE)

    def clean(self) -> dict[str, Any]:
        """Ask for the decree that approves."""
        typed = super().clean() or {}
        if typed.get("approved") and not typed.get("source"):
            self.add_error("source", "Укажите постановление: без него год не утверждён.")
        return typed


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
    form = DayForm(request.POST or None, initial={"kind": now.kind, "title": now.title, "moved_from": now.moved_from})

    def change() -> None:
        calendar.set_day(on, **form.cleaned_data, by=request.user)

    def ground() -> str:
        return f"изменён календарь: {on:%d.%m.%Y}, {form.cleaned_data['source']}"

    kind = CalendarDay.Kind(now.kind).label
    page = redating.Page(
        title=f"{on:%d.%m.%Y}",
        lead=f"{WEEKDAYS[on.weekday()].capitalize()}. Сейчас: {kind}{f' — {now.title}' if now.title else ''}.",
        back=reverse("workplace:calendar_year", args=[on.year]),
        back_name=f"Календарь {on.year}",
        confirm="Изменить день",
        done=f"{on:%d.%m.%Y} изменён.",
    )
    return redating.respond(request, form, change, page, reason=ground)


@requires("calendar.edit")
@require_http_methods(["GET", "POST"])
def approve_year(request: StaffRequest, of: int) -> HttpResponse:
    """Note the decree of a year, or take the note back; days that come with it re-date what runs, after a preview."""
    known = CalendarYear.objects.filter(year=_year(of), approved=True).first()
    form = YearForm(request.POST or None, initial={"approved": "yes", "source": known.source if known else ""})

    def change() -> None:
        if form.cleaned_data["approved"]:
            calendar.approve_year(of, source=form.cleaned_data["source"], by=request.user)
        else:
            calendar.unapprove_year(of, by=request.user)

    page = redating.Page(
        title=f"{of} год: переносы выходных",
        lead="Сначала сверьте дни с постановлением. Пока год не утверждён, у сроков есть об этом пометка.",
        back=reverse("workplace:calendar_year", args=[of]),
        back_name=f"Календарь {of}",
        confirm="Записать",
        done=f"{of} год: отметка записана.",
    )
    return redating.respond(request, form, change, page, reason=lambda: f"утверждён календарь {of} года")


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
