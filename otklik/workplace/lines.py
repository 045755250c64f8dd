"""«Линии»: the dictionary of telephone lines, their hours from a day on, days unlike the rule, inner numbers."""

from __future__ import annotations

from datetime import date
from typing import Any, Final

from django import forms
from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from otklik.core.access import requires
from otklik.core.errors import DomainError
from otklik.core.forms import DATE_INPUT, TidyForm
from otklik.core.models import JournalEntry
from otklik.hotline import hours, lines
from otklik.hotline.lines import POWER, Hours
from otklik.hotline.models import Extension, Line, LineException
from otklik.people.models import Employee
from otklik.workplace.requests import StaffRequest
from otklik.workplace.staff import choose, units_today

TIME_INPUT: Final = forms.TimeInput(format="%H:%M", attrs={"type": "time"})
PARTS: Final = {"opens": "с", "closes": "до", "break_from": "перерыв с", "break_to": "перерыв до"}
HISTORY: Final = 15
# Whoever works with calls sees when they are answered; one keeps the dictionary.
READERS: Final = (POWER, "hotline.consult", "hotline.missed", "hotline.figures")


class LineForm(TidyForm, forms.ModelForm):  # type: ignore[type-arg]
    """What is said of a line; its hours are kept apart."""

    class Meta:
        model = Line
        fields = (
            *("name", "code", "phones", "ours", "known_as", "unit", "answer_seconds", "call_back_minutes"),
            *("attempts_enough", "shorter_before_holidays", "open_on_moved_days", "valid_from", "valid_to", "order"),
        )
        widgets = {"valid_from": DATE_INPUT, "valid_to": DATE_INPUT}

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["code"].disabled = not self.instance._state.adding  # programs know the line by it
        choose(self, "unit", units_today())


def _time(label: str) -> forms.TimeField:
    return forms.TimeField(label=label, required=False, widget=TIME_INPUT)


class WeekForm(TidyForm):
    """A week of hours: four times a day; an empty day is closed."""

    valid_from = forms.DateField(label="С какого дня", widget=DATE_INPUT)
    basis = forms.CharField(label="Основание", max_length=300, help_text="Приказ, письмо ЕКЦ или решение.")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for weekday, name in enumerate(lines.WEEKDAYS):
            for part, words in PARTS.items():
                field = _time(f"{name}, {words}")
                field.widget.attrs["class"] = "form-control"
                self.fields[f"{part}_{weekday}"] = field

    def days(self) -> list[tuple[str, list[forms.BoundField]]]:
        """Return the rows of the table: a day's name and its four fields."""
        return [(name, [self[f"{part}_{weekday}"] for part in PARTS]) for weekday, name in enumerate(lines.WEEKDAYS)]

    def week(self) -> list[Hours]:
        """Return what was typed."""
        return [Hours(**{part: self.cleaned_data[f"{part}_{weekday}"] for part in PARTS}) for weekday in range(7)]


class DayForm(TidyForm):
    """One day that is unlike its rule; without hours the line is closed."""

    date = forms.DateField(label="День", widget=DATE_INPUT)
    opens = _time("Работает с")
    closes = _time("до")
    break_from = _time("Перерыв с")
    break_to = _time("до")
    why = forms.CharField(
        label="Почему",
        max_length=300,
        help_text="Например: рабочая суббота по письму ЕКЦ от …; санитарный день.",
        error_messages={"required": "Напишите почему: без причины день не изменить."},
    )


class ExtensionForm(TidyForm):
    """By which inner number the exchange knows an employee, between which days."""

    employee = forms.ModelChoiceField(Employee.objects.none(), label="Сотрудник", empty_label="Выберите сотрудника")
    name = forms.CharField(
        label="Внутренний номер", max_length=60, help_text="Как его называет станция: 101 или SIP/101."
    )
    valid_from = forms.DateField(label="С какого дня", widget=DATE_INPUT)
    valid_to = forms.DateField(
        label="По какой день", required=False, widget=DATE_INPUT, help_text="Пусто — пока не завершат."
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        choose(self, "employee", Employee.objects.filter(is_active=True))


class EndForm(TidyForm):
    """The last day an inner number means its employee."""

    last_day = forms.DateField(label="Последний день", widget=DATE_INPUT)


@requires(*READERS)
@require_safe
def line_list(request: StaffRequest) -> HttpResponse:
    """Show every line: open or closed now, its telephones, what it is held to."""
    now = timezone.localtime()
    told = {one.line.pk: one for one in hours.openings(now)}
    rows = [(line, told.get(line.pk)) for line in Line.objects.select_related("unit")]
    context = {"rows": rows, "may_keep": request.user.has_power(POWER)}
    return render(request, "workplace/line/lines.html", context)


@requires(*READERS)
@require_safe
def line(request: StaffRequest, pk: int) -> HttpResponse:
    """Show a line: its week, days unlike the rule, the next fourteen days, what was changed and by whom."""
    one = _line(pk)
    today = timezone.localdate()
    schedule = hours.schedules([one])[one.pk]
    history = JournalEntry.objects.filter(chain=f"line:{pk}").select_related("actor").order_by("-seq")
    coming = lines.changes_of(one, today)
    context = {
        "line": one,
        "opening": schedule.opening(timezone.now()),
        "week": list(zip(lines.WEEKDAYS, lines.week_of(one, today), strict=True)),
        "coming": [(day, list(zip(lines.WEEKDAYS, lines.week_of(one, day), strict=True))) for day in coming],
        "exceptions": [(row, _hours(row)) for row in one.exceptions.filter(date__gte=today)],
        "past": one.exceptions.filter(date__lt=today).order_by("-date")[:HISTORY],
        "ahead": lines.ahead(schedule, today),
        "history": history[:HISTORY],
        "may_keep": request.user.has_power(POWER),
        "today": today,
    }
    return render(request, "workplace/line/line.html", context)


@requires(POWER)
@require_http_methods(["GET", "POST"])
def edit(request: StaffRequest, pk: int | None = None) -> HttpResponse:
    """Add a line or change what is said of it."""
    row = _line(pk) if pk else None
    form = LineForm(request.POST or None, instance=row, initial={} if row else {"valid_from": timezone.localdate()})
    if request.method == "POST" and form.is_valid():
        changed = {name: form.cleaned_data[name] for name in form.changed_data}
        try:
            kept = lines.keep(form.save(commit=False), changed=changed, by=request.user)
        except DomainError as refusal:
            form.add_error("valid_to", str(refusal))
        else:
            messages.success(request, f"Линия «{kept.name}» записана.")
            return redirect("workplace:line", kept.pk)
    context = {
        "form": form,
        "title": row.name if row else "Новая линия",
        "lead": "Часы работы меняют отдельно." if row else "После записи внесите часы: без них линия закрыта.",
        "back": reverse("workplace:line", args=[row.pk]) if row else reverse("workplace:lines"),
        "back_name": row.name if row else "Линии",
        "wide": ("name", "phones", "known_as"),
    }
    return render(request, "workplace/row_form.html", context, status=422 if form.errors else 200)


@requires(POWER)
@require_http_methods(["GET", "POST"])
def week(request: StaffRequest, pk: int) -> HttpResponse:
    """Give a line another week of hours from a day on; «посмотреть» shows what it comes to and keeps nothing."""
    one = _line(pk)
    today = timezone.localdate()
    now = lines.week_of(one, today)
    initial = {f"{part}_{day}": getattr(hours_, part) for day, hours_ in enumerate(now) for part in PARTS}
    form = WeekForm(request.POST or None, initial={**initial, "valid_from": today})
    shown: list[lines.DayAhead] = []
    if request.method == "POST" and form.is_valid():
        from_day: date = form.cleaned_data["valid_from"]

        def change() -> None:
            lines.set_week(one, form.week(), valid_from=from_day, basis=form.cleaned_data["basis"], by=request.user)

        try:
            if "look" in request.POST:
                shown = lines.preview(one, from_day, change)
            else:
                change()
                messages.success(request, f"Часы линии «{one.name}» записаны: действуют с {from_day:%d.%m.%Y}.")
                return redirect("workplace:line", one.pk)
        except DomainError as refusal:
            form.add_error("valid_from" if isinstance(refusal, lines.TooEarly) else None, str(refusal))
    context = {"line": one, "form": form, "ahead": shown, "now": list(zip(lines.WEEKDAYS, now, strict=True))}
    return render(request, "workplace/line/week.html", context, status=422 if form.errors else 200)


@requires(POWER)
@require_http_methods(["GET", "POST"])
def day(request: StaffRequest, pk: int) -> HttpResponse:
    """Enter a day unlike the rule: a working Saturday, a closed day; «посмотреть» keeps nothing."""
    one = _line(pk)
    form = DayForm(request.POST or None)
    shown: list[lines.DayAhead] = []
    if request.method == "POST" and form.is_valid():
        given = dict(form.cleaned_data)
        on, why = given.pop("date"), given.pop("why")

        def change() -> None:
            lines.except_day(one, on, Hours(**given), why=why, by=request.user)

        try:
            if "look" in request.POST:
                shown = lines.preview(one, on, change)
            else:
                change()
                messages.success(request, f"{on:%d.%m.%Y} у линии «{one.name}»: {Hours(**given).words}.")
                return redirect("workplace:line", one.pk)
        except DomainError as refusal:
            form.add_error(None, str(refusal))
    context = {"line": one, "form": form, "ahead": shown}
    return render(request, "workplace/line/day.html", context, status=422 if form.errors else 200)


@requires(POWER)
@require_POST
def day_remove(request: StaffRequest, pk: int) -> HttpResponse:
    """Let a day follow its rule again."""
    row = get_object_or_404(LineException.objects.select_related("line"), pk=pk)
    lines.drop_exception(row, by=request.user)
    messages.success(request, f"{row.date:%d.%m.%Y} снова по обычным часам линии «{row.line.name}».")
    return redirect("workplace:line", row.line_id)


@requires(POWER)
@require_http_methods(["GET", "POST"])
def extensions(request: StaffRequest) -> HttpResponse:
    """Show by which inner numbers the exchange knows employees, and add one."""
    today = timezone.localdate()
    asked = {"employee": request.GET.get("employee"), "valid_from": today}
    form = ExtensionForm(request.POST or None, initial=asked)
    if request.method == "POST" and form.is_valid():
        given = form.cleaned_data
        try:
            lines.give_extension(
                given["employee"],
                given["name"],
                valid_from=given["valid_from"],
                valid_to=given["valid_to"],
                by=request.user,
            )
        except DomainError as refusal:
            form.add_error("valid_to" if isinstance(refusal, lines.WrongDays) else "name", str(refusal))
        else:
            messages.success(request, f"Внутренний номер {given['name']} записан за {given['employee'].short_name}.")
            return redirect("workplace:line_extensions")
    rows = Extension.objects.select_related("employee", "employee__unit")
    context = {"form": form, "rows": rows, "today": today}
    return render(request, "workplace/line/extensions.html", context, status=422 if form.errors else 200)


@requires(POWER)
@require_http_methods(["GET", "POST"])
def extension_end(request: StaffRequest, pk: int) -> HttpResponse:
    """Let an inner number mean its employee till a day."""
    row = get_object_or_404(Extension.objects.select_related("employee"), pk=pk)
    form = EndForm(request.POST or None, initial={"last_day": timezone.localdate()})
    if request.method == "POST" and form.is_valid():
        try:
            lines.end_extension(row, last_day=form.cleaned_data["last_day"], by=request.user)
        except DomainError as refusal:
            form.add_error("last_day", str(refusal))
        else:
            messages.success(request, f"Внутренний номер {row.name}: последний день записан.")
            return redirect("workplace:line_extensions")
    context = {
        "form": form,
        "title": f"Внутренний номер {row.name}",
        "lead": f"{row.employee.short_name}, с {row.valid_from:%d.%m.%Y}. Звонки прежних дней останутся за ним.",
        "back": reverse("workplace:line_extensions"),
        "back_name": "Внутренние номера",
    }
    return render(request, "workplace/row_form.html", context, status=422 if form.errors else 200)


def _line(pk: int) -> Line:
    return get_object_or_404(Line.objects.select_related("unit"), pk=pk)


def _hours(row: LineException) -> Hours:
    return Hours(row.opens, row.closes, row.break_from, row.break_to)
