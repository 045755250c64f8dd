"""Personal reception for citizens: ask for an appointment; by the secret link look, confirm, move, cancel.

A request is no booking: an employee appoints the time (п. 28). The link needs no account and tells no name.
"""

from __future__ import annotations

from datetime import timedelta
from itertools import groupby
from typing import Any, Final

from django import forms
from django.conf import settings
from django.core import signing
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_safe

from otklik.appeals.models import Topic
from otklik.channels.site import limits
from otklik.channels.site.models import FormAttempt
from otklik.core import terms
from otklik.core.access import public
from otklik.core.errors import DomainError
from otklik.people.models import Employee
from otklik.portal import cookies
from otklik.reception import appointments, authority, finder, links, waiting
from otklik.reception.models import Appointment, AppointmentRequest, Person, Room, Source
from otklik.reception.schedule import Slot

VISIT: Final = FormAttempt.Form.VISIT
SHOWN: Final = 24
AHEAD: Final = timedelta(days=92)
KEPT_FOR: Final = timedelta(days=30)  # after the day the link opens nothing
ASKED_COOKIE: Final = f"{settings.PATH_COOKIE_PREFIX}otklik_visit"
ASKED_SECONDS: Final = 3600
MATTER_MAX: Final = 2000
State = Appointment.State


class AskForm(forms.Form):
    """A wish to be received, as a person writes it."""

    last_name = forms.CharField(
        label="Фамилия", max_length=150, error_messages={"required": "Напишите фамилию: по ней вас встретят."}
    )
    first_name = forms.CharField(label="Имя", max_length=150, error_messages={"required": "Напишите имя."})
    patronymic = forms.CharField(label="Отчество, если есть", max_length=150, required=False)
    notify = forms.ChoiceField(
        label="Как вам сообщить",
        choices=[("phone", "Позвонить"), ("email", "Написать на электронную почту")],
        widget=forms.RadioSelect,
        error_messages={"required": "Выберите, как вам сообщить о времени."},
    )
    phone = forms.CharField(
        label="Телефон",
        max_length=40,
        required=False,
        widget=forms.TextInput(attrs={"type": "tel", "autocomplete": "tel"}),
    )
    email = forms.EmailField(
        label="Адрес электронной почты",
        max_length=254,
        required=False,
        error_messages={"invalid": "Проверьте адрес почты: он должен выглядеть как имя@сайт.ru."},
        widget=forms.EmailInput(attrs={"autocomplete": "email"}),
    )
    official = forms.ChoiceField(label="К кому, если знаете", required=False)
    topic = forms.ChoiceField(label="О чём", required=False)
    wanted_from = forms.DateField(
        label="Удобно с",
        required=False,
        widget=forms.DateInput(format="%Y-%m-%d", attrs={"type": "date"}),
        error_messages={"invalid": "Выберите день."},
    )
    wanted_to = forms.DateField(
        label="Удобно по",
        required=False,
        widget=forms.DateInput(format="%Y-%m-%d", attrs={"type": "date"}),
        error_messages={"invalid": "Выберите день."},
    )
    matter = forms.CharField(
        label="С каким вопросом придёте",
        max_length=MATTER_MAX,
        widget=forms.Textarea(attrs={"rows": 4}),
        error_messages={"required": "Напишите, с каким вопросом придёте: так вас запишут к тому, кто его решает."},
    )
    needs_access = forms.BooleanField(label="Мне нужно доступное помещение", required=False)
    out_of_turn = forms.CharField(
        label="Право на приём вне очереди, если оно есть",
        max_length=300,
        required=False,
        help_text="Чем подтверждается.",
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        today = timezone.localdate()
        who = {row.official_id: row.official.full_name for row in authority.valid_on(today)}
        topics = [(str(one.pk), str(one)) for one in Topic.objects.filter(terms.valid(today))]
        self.fields["official"].choices = [("", "не знаю"), *((str(pk), name) for pk, name in who.items())]  # type: ignore[attr-defined]
        self.fields["topic"].choices = [("", "не знаю"), *topics]  # type: ignore[attr-defined]

    def clean(self) -> dict[str, Any]:
        """Ask for the contact that is needed; keep days in their order."""
        given = self.cleaned_data
        if given.get("notify") == Person.Notify.PHONE and not given.get("phone"):
            self.add_error("phone", "Напишите номер телефона, чтобы вам позвонить.")
        if given.get("notify") == Person.Notify.EMAIL and not given.get("email") and "email" not in self.errors:
            self.add_error("email", "Напишите адрес электронной почты.")
        if given.get("wanted_from") and given.get("wanted_to") and given["wanted_to"] < given["wanted_from"]:
            self.add_error("wanted_to", "«По» раньше, чем «с»: проверьте дни.")
        return given


@public
@never_cache
@require_http_methods(["GET", "POST"])
def ask(request: HttpRequest) -> HttpResponse:
    """Take a request for an appointment; what was typed stays where something is missing."""
    if request.method == "GET":
        return render(request, "portal/visit_ask.html", {"form": AskForm(initial={"notify": "phone"})})
    form = AskForm(request.POST)
    if not form.is_valid():
        return render(request, "portal/visit_ask.html", {"form": form}, status=422)
    if request.POST.get("homepage"):
        words = "Похоже, форму заполнила программа. Если вы человек, нажмите «Отправить» ещё раз."
        return render(request, "portal/visit_ask.html", {"form": form, "refusal": words}, status=422)
    given = form.cleaned_data
    try:
        limits.count(VISIT, request)
        made = waiting.ask(
            {name: given[name] for name in given if name not in ("official", "topic", "wanted_from", "wanted_to")}
            | {"topic": Topic.objects.filter(pk=given["topic"]).first() if given["topic"] else None},
            source=Source.PORTAL,
            official=Employee.objects.filter(pk=given["official"]).first() if given["official"] else None,
            wanted_from=given["wanted_from"],
            wanted_to=given["wanted_to"],
        )
    except DomainError as refusal:
        return render(request, "portal/visit_ask.html", {"form": form, "refusal": str(refusal)}, status=refusal.status)
    response = redirect("portal:visit_asked")
    cookies.keep(response, ASKED_COOKIE, made.pk, seconds=ASKED_SECONDS, path="/reception/")
    return response


@public
@never_cache
@require_safe
def asked(request: HttpRequest) -> HttpResponse:
    """Say what happens next and give the link, for an hour after sending."""
    try:
        pk = signing.loads(request.COOKIES.get(ASKED_COOKIE, ""), salt=ASKED_COOKIE, max_age=ASKED_SECONDS)
    except (signing.BadSignature, ValueError, TypeError):
        return redirect("portal:visit_ask")
    row = AppointmentRequest.objects.filter(pk=pk).first()
    if row is None:
        return redirect("portal:visit_ask")
    return render(request, "portal/visit_asked.html", {"row": row, "link": links.address_of(row)})


@public
@never_cache
@require_http_methods(["GET", "POST"])
def own(request: HttpRequest, token: str) -> HttpResponse:
    """Open what the link is of; a wrong one finds nothing, and cannot be tried for long."""
    row = links.find(token)
    if row is None or _is_over(row):
        try:
            limits.count(VISIT, request)
        except DomainError as refusal:
            context = {"refusal": refusal}
            return render(request, "portal/visit_closed.html", context, status=refusal.status)
        raise Http404
    if isinstance(row, Appointment):
        return _appointment(request, row, token)
    return _request(request, row, token)


def _is_over(row: Appointment | AppointmentRequest) -> bool:
    last = row.ends_at if isinstance(row, Appointment) else None
    if last is None and isinstance(row, AppointmentRequest) and row.state not in waiting.OPEN:
        last = row.decided_at
    return last is not None and last + KEPT_FOR < timezone.now()


def _appointment(request: HttpRequest, row: Appointment, token: str) -> HttpResponse:
    """Show an appointment; confirm it, give it another free time of the same official, call it off."""
    refusal: DomainError | None = None
    if request.method == "POST":
        step = request.POST.get("step", "")
        try:
            if step == "confirm":
                appointments.confirm(row)
            elif step == "move":
                slot = appointments.chosen(request.POST.get("slot", ""))
                if slot not in _times(row):  # only what the page offers: the same official, the topic he may decide
                    raise appointments.NotInSchedule
                appointments.move(row, slot, by=None, why="")
            elif step == "cancel":
                appointments.cancel(row, by=None, why="отменил(а) заявитель")
            return redirect("portal:visit_own", token=token)
        except DomainError as said:
            refusal = said
            row.refresh_from_db()
    can_change = row.state == State.BOOKED and row.starts_at > timezone.now()
    moving = can_change and ("move" in request.GET or request.POST.get("step") == "move" or bool(row.to_move))
    context = {
        "row": row,
        "can_change": can_change,
        "moving": moving,
        "days": _days(_times(row)) if moving else [],
        "refusal": refusal,
        "here": f"/reception/{token}/",
    }
    return render(request, "portal/visit_own.html", context, status=refusal.status if refusal else 200)


def _request(request: HttpRequest, row: AppointmentRequest, token: str) -> HttpResponse:
    """Show what became of a request; take a time that was offered, or take the request back."""
    refusal: DomainError | None = None
    if request.method == "POST":
        try:
            if request.POST.get("step") == "withdraw":
                waiting.withdraw(row)
            elif (offer := request.POST.get("offer", "")).isdecimal() and len(offer) < 19:
                waiting.accept(row, int(offer))
            return redirect("portal:visit_own", token=token)
        except DomainError as said:
            refusal = said
            row.refresh_from_db()
    context = {
        "row": row,
        "open": row.state in waiting.OPEN,
        "offers": waiting.offers_of(row).select_related("official"),
        "refusal": refusal,
        "here": f"/reception/{token}/",
    }
    return render(request, "portal/visit_request.html", context, status=refusal.status if refusal else 200)


def _times(row: Appointment) -> list[Slot]:
    today = timezone.localdate()
    asked = {"official": row.official, "topic": row.topic, "needs_access": row.needs_access}
    return finder.free(today, today + AHEAD, limit=SHOWN, **asked)  # type: ignore[arg-type]


def _days(slots: list[Slot]) -> list[tuple[Any, list[dict[str, Any]]]]:
    rooms = Room.objects.in_bulk({slot.room_id for slot in slots})
    lines: list[dict[str, Any]] = [
        {
            "name": appointments.named(slot),
            "at": timezone.localtime(slot.starts_at),
            "room": rooms[slot.room_id],
        }
        for slot in slots
    ]
    return [(day, list(rows)) for day, rows in groupby(lines, key=lambda line: line["at"].date())]
