"""«Помещения для приёма»: what is said of them, what was checked there, whom a lapse moves; telephones."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from django import forms
from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_http_methods, require_safe

from otklik.core import typed
from otklik.core.access import requires
from otklik.core.errors import DomainError
from otklik.core.forms import DATE_INPUT, TidyForm
from otklik.core.models import JournalEntry
from otklik.reception import displaced, published, rooms
from otklik.reception.models import Appointment, ReceptionPhone, Room, RoomCheck
from otklik.reception.models.rooms import MOST_SEATS
from otklik.reception.rooms import POWER
from otklik.workplace.reception_schedule import READERS, Page, respond, told
from otklik.workplace.requests import StaffRequest

HISTORY: Final = 15
CHECKS: Final = 50


@requires(*READERS)
@require_safe
def room_list(request: StaffRequest) -> HttpResponse:
    """Show every room: whether it may be used today, what lapses soon, whom to move."""
    today = timezone.localdate()
    found = list(Room.objects.all())
    checks = rooms.Checks(found)
    context = {
        "rows": [(room, checks.fitness(room.pk, today), checks.bars(room.pk, today)) for room in found],
        "moving": told(displaced.waiting()),
        "may_keep": request.user.has_power(POWER),
    }
    return render(request, "workplace/reception/rooms.html", context)


@requires(*READERS)
@require_safe
def room(request: StaffRequest, pk: int) -> HttpResponse:
    """Show a room: five properties of п. 35.1 with their checks, equipment, whom to move, what was changed."""
    one = get_object_or_404(Room, pk=pk)
    today = timezone.localdate()
    history = JournalEntry.objects.filter(chain=f"room:{pk}").select_related("actor").order_by("-seq")
    context = {
        "room": one,
        "fitness": rooms.fitness(one, today),
        "bars": rooms.bars(one, today),
        "first_bar": rooms.first_bar(one, today),
        "moving": told(displaced.waiting().filter(room=one)),
        "checks": one.checks.select_related("checked_by").order_by("-checked_on", "-pk")[:CHECKS],
        "history": history[:HISTORY],
        "may_keep": request.user.has_power(POWER),
        "today": today,
    }
    return render(request, "workplace/reception/room.html", context)


class RoomForm(TidyForm, forms.ModelForm):  # type: ignore[type-arg]
    """What is said of a room; its checks are kept apart."""

    seats = forms.IntegerField(
        label="Мест для приёма", min_value=1, max_value=MOST_SEATS, initial=1, help_text="Сколько приёмов идут сразу."
    )

    class Meta:
        model = Room
        fields = ("name", "place", "seats", "has_video", "has_audio", "equipment", "valid_from", "valid_to", "order")
        widgets = {"valid_from": DATE_INPUT, "valid_to": DATE_INPUT}
        error_messages = {"name": {"unique": "Помещение с таким названием уже есть. Назовите иначе."}}


@requires(POWER)
@require_http_methods(["GET", "POST"])
def room_edit(request: StaffRequest, pk: int | None = None) -> HttpResponse:
    """Add a room or change what is said of it."""
    row = get_object_or_404(Room, pk=pk) if pk else None
    form = RoomForm(request.POST or None, instance=row, initial={} if row else {"valid_from": timezone.localdate()})

    def change() -> Iterable[Appointment]:
        changed = {name: form.cleaned_data[name] for name in form.changed_data}
        return rooms.keep(form.save(commit=False), changed=changed, by=request.user)

    back = reverse("workplace:reception_room", args=[row.pk]) if row else reverse("workplace:reception_rooms")
    page = Page(
        title=row.name if row else "Новое помещение",
        lead="Проверки вносят отдельно." if row else "После записи внесите пять проверок: без них записывать нельзя.",
        back=back,
        back_name=row.name if row else "Помещения для приёма",
        done="Помещение записано.",
        wide=("name", "place", "equipment"),
        field="seats",
    )
    return respond(request, form, change, page)


class CheckForm(TidyForm):
    """A check of one property."""

    property = forms.ChoiceField(label="Что проверено", choices=RoomCheck.Property.choices)
    passed = forms.TypedChoiceField(
        label="Итог",
        choices=[("yes", "соответствует"), ("no", "не соответствует")],
        coerce=lambda given: given == "yes",
    )
    checked_on = forms.DateField(label="Когда проверено", widget=DATE_INPUT)
    valid_until = forms.DateField(label="Действует по", widget=DATE_INPUT)
    basis = forms.CharField(
        label="Документ",
        max_length=300,
        help_text="Акт или заключение: номер и дата.",
        error_messages={"required": "Укажите документ: без него проверку не внести."},
    )


@requires(POWER)
@require_http_methods(["GET", "POST"])
def room_check(request: StaffRequest, pk: int) -> HttpResponse:
    """Write down a check of a room."""
    one = get_object_or_404(Room, pk=pk)
    asked = {"property": request.GET.get("property"), "checked_on": timezone.localdate(), "passed": "yes"}
    form = CheckForm(request.POST or None, initial=asked)

    def change() -> Iterable[Appointment]:
        return rooms.check(one, **form.cleaned_data, by=request.user)

    page = Page(
        title="Проверка помещения",
        lead=f"{one}: что проверено, когда, по какой день действует (п. 35.1). Внесённая проверка не меняется.",
        back=reverse("workplace:reception_room", args=[pk]),
        back_name=one.name,
        done="Проверка записана.",
        wide=("property", "basis"),
    )
    return respond(request, form, change, page)


class PhoneForm(TidyForm, forms.ModelForm):  # type: ignore[type-arg]
    """A telephone of appointments."""

    class Meta:
        model = ReceptionPhone
        fields = ("number", "note", "valid_from", "valid_to", "order")
        widgets = {"valid_from": DATE_INPUT, "valid_to": DATE_INPUT}

    def clean_number(self) -> str:
        """Ask for a number that a telephone can dial: with the city's code."""
        number: str = self.cleaned_data["number"]
        digits = [one for one in number if one.isdecimal()]
        if len(digits) not in (7, 11):
            raise forms.ValidationError("Укажите номер с кодом города: 8 (383) 238-60-02.")
        return number


@requires(POWER)
@require_http_methods(["GET", "POST"])
def phone(request: StaffRequest, pk: int | None = None) -> HttpResponse:
    """Add a telephone of appointments or change it."""
    row = get_object_or_404(ReceptionPhone, pk=pk) if pk else None
    first = {} if row else {"valid_from": timezone.localdate(), "number": typed.words(request.GET.get("number"), 40)}
    form = PhoneForm(request.POST or None, instance=row, initial=first)
    if request.method == "POST" and form.is_valid():
        changed = {name: form.cleaned_data[name] for name in form.changed_data}
        try:
            published.keep_phone(form.save(commit=False), changed=changed, by=request.user)
        except DomainError as refusal:
            form.add_error("valid_to", str(refusal))
        else:
            messages.success(request, "Телефон записан: его видят на портале и при записи.")
            return redirect("workplace:reception_schedule")
    context = {
        "form": form,
        "title": row.number if row else "Новый телефон записи",
        "lead": "По этим телефонам записывают на личный приём в рабочие часы (п. 28).",
        "back": reverse("workplace:reception_schedule"),
        "back_name": "Расписание приёма",
        "wide": ("number", "note"),
    }
    return render(request, "workplace/row_form.html", context, status=422 if form.errors else 200)
