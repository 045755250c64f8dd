"""«Сбои и бланки»: blanks for the day nothing works, and what was written on them entered later with its true time."""

from __future__ import annotations

from datetime import date, datetime, time
from pathlib import Path
from typing import Any, Final

from django import forms
from django.contrib import messages
from django.core.exceptions import PermissionDenied, ValidationError
from django.db import transaction
from django.http import Http404, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_http_methods

from otklik.appeals import late
from otklik.appeals.journals import PRINTS
from otklik.core import calendar, files, journal, typed, typeset
from otklik.core.access import requires
from otklik.core.errors import DomainError
from otklik.core.forms import DATE_INPUT, TidyForm
from otklik.core.models import Downtime, LateEntry
from otklik.correspondence.models import ChannelCode
from otklik.hotline import calls
from otklik.people import staff
from otklik.people.models import Employee
from otklik.reception import front_office
from otklik.reception.front_office import DESK
from otklik.reception.models import Appointment, ReceptionCard
from otklik.workplace import intake, line_calls
from otklik.workplace.forms import BY_HAND, WriteDownForm, new_once
from otklik.workplace.requests import StaffRequest

SOURCE: Final = Path(__file__).parent / "data" / "outage_blank.typ"
CLERK: Final = "intake.decide"
WRITERS: Final = (CLERK, calls.KEEPER, DESK, "people.manage")
READERS: Final = (*WRITERS, "intake.view", "system.view")
SHOWN: Final = 50
GUARDED: Final = (Appointment.State.BOOKED, Appointment.State.ARRIVED)
TIME_INPUT: Final = forms.TimeInput(format="%H:%M", attrs={"type": "time"})

_LOG: Final = (("№", 0.5), ("День, час и минута", 1.4), ("Номер телефона", 1.5), ("Как зовут", 1.8))
BLANKS: Final[dict[str, dict[str, Any]]] = {
    "appeal": {
        "name": "Обращение",
        "title": "Обращение, принятое во время сбоя",
        "lead": "Заполняют, пока Отклик недоступен; вносят в него, как только он заработает. Время — настоящее.",
        "rows": 0,
        "columns": (),
    },
    "call": {
        "name": "Звонки",
        "title": "Журнал звонков во время сбоя",
        "lead": "Отвеченные звонки. Каждую строку потом вносят в Отклик с её временем.",
        "rows": 11,
        "columns": (*_LOG, ("О чём спросил", 3.2), ("Что ответили, кому передали", 2.6), ("Внесено", 0.9)),
    },
    "missed": {
        "name": "Пропущенные звонки",
        "title": "Журнал пропущенных звонков во время сбоя",
        "lead": "Звонки, на которые не ответили: по каждому нужно перезвонить в течение рабочего дня.",
        "rows": 11,
        "columns": (*_LOG, ("Перезвонили: когда, кто", 2.4), ("Чем кончилось", 2.4), ("Внесено", 0.9)),
    },
}


class DowntimeForm(TidyForm):
    """From when to when nothing worked, and why."""

    began_on = forms.DateField(label="Начался: день", widget=DATE_INPUT)
    began_at = forms.TimeField(label="час и минута", widget=TIME_INPUT)
    ended_on = forms.DateField(label="Кончился: день", widget=DATE_INPUT, required=False)
    ended_at = forms.TimeField(
        label="час и минута", widget=TIME_INPUT, required=False, help_text="Пусто — сбой ещё идёт."
    )
    what = forms.CharField(label="Что случилось", max_length=300, help_text="Основание поздних записей.")

    def clean(self) -> dict[str, Any]:
        """Ask for both parts of the end, or for none."""
        data = super().clean() or {}
        if bool(data.get("ended_on")) != bool(data.get("ended_at") is not None) and not self.errors:
            self.add_error("ended_on", "Укажите и день, и время конца или оставьте оба пустыми.")
        return data


class EndForm(TidyForm):
    """When it was over."""

    ended_on = forms.DateField(label="Кончился: день", widget=DATE_INPUT)
    ended_at = forms.TimeField(label="час и минута", widget=TIME_INPUT)


class LateAppealForm(WriteDownForm):
    """A message written on paper: with the hour it came, and the day paper registered it."""

    came_at = forms.TimeField(label="Час и минута поступления", widget=TIME_INPUT)
    on_paper = forms.DateField(
        label="Зарегистрировано на бумаге",
        widget=DATE_INPUT,
        required=False,
        help_text="С этого дня пойдёт срок. Пусто — с последнего дня, который закон даёт на регистрацию.",
    )

    def __init__(self, *args: Any, downtime: Downtime, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._downtime = downtime

    def clean(self) -> dict[str, Any]:
        """Keep the moment within the downtime, and the paper's day after it."""
        data = super().clean() or {}
        if data.get("received_on") and data.get("came_at") is not None:
            try:
                late.check_moment(self._downtime, self.received_at())
            except late.NotThen as refusal:
                self.add_error("came_at", str(refusal))
        if (on := data.get("on_paper")) and data.get("received_on"):
            _check_paper(self, on, data["received_on"])
        return data

    def received_at(self) -> datetime:
        """Return the moment it really came."""
        return _moment(self.cleaned_data["received_on"], self.cleaned_data["came_at"])


def _check_paper(form: forms.Form, on: date, came: date) -> None:
    if not came <= on <= timezone.localdate():
        wrong = "Дата регистрации на бумаге — не раньше поступления и не позже сегодняшнего дня."
        form.add_error("on_paper", ValidationError(wrong))


def _moment(day: date, at: time) -> datetime:
    return timezone.make_aware(datetime.combine(day, at))


@requires(*READERS)
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def outages(request: StaffRequest) -> HttpResponse:
    """List downtimes and blanks; a POST writes a downtime down."""
    may_write = _writes(request.user)
    if request.method == "POST" and not may_write:
        raise PermissionDenied
    now = timezone.localtime()
    form = DowntimeForm(request.POST or None, initial={"began_on": now.date()})
    if request.method == "POST" and form.is_valid():
        told = form.cleaned_data
        ended = _moment(told["ended_on"], told["ended_at"]) if told["ended_on"] else None
        try:
            began = _moment(told["began_on"], told["began_at"])
            row = late.write(began_at=began, ended_at=ended, what=told["what"], by=request.user)
        except DomainError as refusal:
            form.add_error(None, str(refusal))
        else:
            messages.success(request, "Сбой записан. Внесите то, что приняли на бумаге.")
            return redirect("workplace:outage", row.pk)
    facts = {
        "form": form,
        "rows": Downtime.objects.select_related("by").prefetch_related("entries")[:SHOWN],
        "blanks": [(code, one["name"]) for code, one in BLANKS.items()],
        "receives": request.user.has_any((DESK, "reception.hold")),
        "may_write": may_write,
    }
    return render(request, "workplace/safe/outages.html", facts, status=422 if form.errors else 200)


@requires(DESK, "reception.hold")
@require_GET
def guard_list(request: StaffRequest) -> HttpResponseBase:
    """Hand out who comes to the reception of a day, the next working day if none is asked for, for the guard."""
    on = typed.day(request.GET.get("on")) or calendar.current().next_working(timezone.localdate())
    rows = [one for one in front_office.board(on) if one.state in GUARDED]
    journal.looked("visitors.printed", by=request.user, day=on.isoformat(), rows=len(rows))
    today = timezone.localdate()
    words = {
        "title": f"Посетители личного приёма {on:%d.%m.%Y}",
        "department": staff.department().name,
        "lead": f"Для охраны. Человек: {len(rows)}.",
        "foot": f"Посетители на {on:%d.%m.%Y} · {today:%d.%m.%Y} · {request.user.short_name}",
        "headed": True,
        "first_page": 1,
        "columns": ["Время", "Фамилия, имя, отчество", "К кому", "Кабинет", "Пришёл"],
        "widths": [0.8, 3, 2.4, 1.6, 1],
        "rows": [
            [f"{timezone.localtime(one.starts_at):%H:%M}", one.full_name, one.official.short_name, _room(one), ""]
            for one in sorted(rows, key=lambda one: one.starts_at)
        ]
        or [["Никто не записан"]],
    }
    content = typeset.pdf(PRINTS / "table.typ", {"table": words}, on=today)
    return files.download(HttpResponse(content, content_type="application/pdf"), f"posetiteli-{on:%Y-%m-%d}.pdf")


def _room(one: Appointment) -> str:
    return one.room.name if one.room else ""


def _writes(user: Employee) -> bool:
    return user.has_any(WRITERS)


@requires(*READERS)
@require_GET
def outage_blank(request: StaffRequest, kind: str) -> HttpResponseBase:
    """Hand out a blank as PDF."""
    if kind not in BLANKS:
        raise Http404
    told = BLANKS[kind]
    data = {
        "department": staff.department().name,
        "title": told["title"],
        "lead": told["lead"],
        "rows": told["rows"],
        "columns": [{"title": title, "width": width} for title, width in told["columns"]],
        "channels": [str(ChannelCode(code).label) for code in BY_HAND],
    }
    content = typeset.pdf(SOURCE, {"blank": data}, on=timezone.localdate())
    return files.download(HttpResponse(content, content_type="application/pdf"), f"blank-{kind}.pdf")


@requires(*READERS)
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def outage(request: StaffRequest, pk: int) -> HttpResponse:
    """Show a downtime with what has been entered for it; a POST says when it was over."""
    row = get_object_or_404(Downtime.objects.select_related("by"), pk=pk)
    if request.method == "POST" and not _writes(request.user):
        raise PermissionDenied
    now = timezone.localtime()
    form = EndForm(request.POST or None, initial={"ended_on": now.date(), "ended_at": now.time()})
    if request.method == "POST" and form.is_valid():
        try:
            late.end(row, _moment(form.cleaned_data["ended_on"], form.cleaned_data["ended_at"]), by=request.user)
        except DomainError as refusal:
            form.add_error(None, str(refusal))
        else:
            messages.success(request, "Конец сбоя записан.")
            return redirect("workplace:outage", pk)
    until = row.ended_at or timezone.now()
    cards = ReceptionCard.objects.filter(from_paper=True, appointment__starts_at__range=(row.began_at, until))
    facts = {
        "row": row,
        "form": form,
        "entries": row.entries.select_related("by"),
        "cards": cards.select_related("opened_by").order_by("opened_at"),
        "day": timezone.localdate(row.began_at),
        "enters_appeals": request.user.has_power(CLERK),
        "enters_calls": request.user.has_power(calls.KEEPER),
        "receives": request.user.has_power(DESK),
        "may_write": _writes(request.user),
    }
    return render(request, "workplace/safe/outage.html", facts, status=422 if form.errors else 200)


@requires(CLERK)
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def late_appeal(request: StaffRequest, pk: int) -> HttpResponse:
    """Enter what came on paper during a downtime; it is registered like any message, its term runs by the law."""
    row = get_object_or_404(Downtime, pk=pk)
    if request.method == "POST":
        form = LateAppealForm(request.POST, request.FILES, downtime=row)
        if form.is_valid():
            message = _entered(request, row, form)
            messages.success(request, "Внесено с отметкой «внесено позже». Зарегистрируйте обращение.")
            return redirect("workplace:inbox", pk=message)
    else:
        began = timezone.localtime(row.began_at)
        first = {"channel": "post", "received_on": began.date(), "once": new_once()}
        form = LateAppealForm(initial=first, downtime=row)
    facts = {"row": row, "form": form}
    return render(request, "workplace/safe/late_appeal.html", facts, status=422 if form.is_bound else 200)


@transaction.atomic
def _entered(request: StaffRequest, row: Downtime, form: LateAppealForm) -> int:
    message = intake.write_down(request, form)
    late.enter(
        row,
        LateEntry.Kind.MESSAGE,
        message.pk,
        happened_at=form.received_at(),
        on_paper=form.cleaned_data["on_paper"],
        by=request.user,
    )
    return message.pk


@requires(calls.KEEPER)
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def late_call(request: StaffRequest, pk: int) -> HttpResponse:
    """Enter a call of a downtime; one nobody answered comes into the log of missed calls."""
    row = get_object_or_404(Downtime, pk=pk)
    began = timezone.localtime(row.began_at)
    form = line_calls.CallForm(request.POST or None, initial={"came_on": began.date(), "came_at": began.time()})
    if request.method == "POST" and form.is_valid():
        told = form.cleaned_data
        try:
            came_at = _moment(told["came_on"], told["came_at"])
            late.check_moment(row, came_at)
            with transaction.atomic():
                call = line_calls.write_down(told, came_at, by=request.user)
                late.enter(row, LateEntry.Kind.CALL, call.pk, happened_at=came_at, by=request.user)
        except DomainError as refusal:
            form.add_error(None, str(refusal))
        else:
            messages.success(request, "Звонок внесён с отметкой «внесён позже».")
            return redirect("workplace:outage", pk)
    facts = {"row": row, "form": form}
    return render(request, "workplace/safe/late_call.html", facts, status=422 if form.errors else 200)
