"""«Запись на приём» (п. 28): a finder of free times with the form beside it, appointments, requests, whom to call."""

from __future__ import annotations

from datetime import datetime, timedelta
from itertools import groupby
from typing import Any, Final

from django import forms
from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.core.paginator import Paginator
from django.db.models import Count, Q, QuerySet
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.formats import date_format
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from otklik.appeals.models import Appeal, Topic
from otklik.channels.site.models import Receipt
from otklik.core import calendar, hours, journal, terms, typed
from otklik.core.access import requires
from otklik.core.errors import DomainError
from otklik.core.forms import TidyForm
from otklik.core.models import JournalEntry
from otklik.correspondence.models import IncomingMessage
from otklik.hotline.codes import spellings
from otklik.people.models import Employee
from otklik.reception import appointments, authority, finder, links, notices, published, waiting
from otklik.reception.appointments import POWER, READERS
from otklik.reception.models import Appointment, AppointmentNotice, AppointmentRequest, Person, Room, Source
from otklik.reception.schedule import Slot
from otklik.workplace.requests import StaffRequest

PER_PAGE: Final = 50
SHOWN: Final = 36  # times on one page: three days of one official, or tomorrow of all
YEAR: Final = timedelta(days=365)
DESK: Final = "reception.desk"
# What an employee may choose: a request of the portal is confirmed, a walk-in is met at the desk.
SOURCES: Final = [(one.value, one.label.capitalize()) for one in (Source.PHONE, Source.IN_PERSON, Source.WRITTEN)]
State = Appointment.State


class BeginsHere(forms.RadioSelect):
    """Choices of which the first has the cursor when the page opens: by telephone nobody reaches for the mouse."""

    def create_option(self, *args: Any, **kwargs: Any) -> dict[str, Any]:
        """Put the cursor on the first choice."""
        option = super().create_option(*args, **kwargs)
        if option["index"] == "0":
            option["attrs"]["autofocus"] = True
        return option


class BookingForm(TidyForm):
    """Who comes and with what; the time is chosen beside it."""

    source = forms.ChoiceField(
        label="Откуда запись",
        choices=SOURCES,
        widget=BeginsHere,
        error_messages={"required": "Укажите, откуда запись: без этого она не сохраняется (п. 28)."},
    )
    outside_hours_why = forms.CharField(label="Почему записываете не в рабочее время", max_length=300, required=False)
    letter = forms.CharField(
        label="Номер обращения или сообщения",
        max_length=60,
        required=False,
        help_text="Для записи по письменному обращению: О-2026-000123 или С-2026-000123.",
    )
    last_name = forms.CharField(
        label="Фамилия", max_length=150, error_messages={"required": "Напишите фамилию того, кто придёт."}
    )
    first_name = forms.CharField(label="Имя", max_length=150, required=False)
    patronymic = forms.CharField(label="Отчество", max_length=150, required=False)
    phone = forms.CharField(
        label="Телефон", max_length=40, required=False, widget=forms.TextInput(attrs={"type": "tel"})
    )
    email = forms.EmailField(
        label="Электронная почта",
        required=False,
        error_messages={"invalid": "Проверьте адрес почты: он должен выглядеть как имя@сайт.ru."},
    )
    notify = forms.ChoiceField(
        label="Как сообщать",
        choices=[("", "как получится: письмом или по телефону"), *Person.Notify.choices],
        required=False,
    )
    matter = forms.CharField(label="С чем придёт", required=False, widget=forms.Textarea(attrs={"rows": 2}))
    out_of_turn = forms.CharField(
        label="Право на приём вне очереди",
        max_length=300,
        required=False,
        help_text="Чем подтверждается, если оно есть (ст. 13 закона № 59-ФЗ).",
    )


class Asked:
    """What the finder is asked for, read from an address or a form."""

    def __init__(self, given: Any) -> None:
        today = timezone.localdate()
        self.official = typed.number(given.get("official"))
        self.topic = typed.number(given.get("topic"))
        self.needs_access = bool(given.get("needs_access"))
        self.first = max(typed.day(given.get("from")) or today, today)
        self.later = self.first > today

    def topic_row(self) -> Topic | None:
        """Return the topic, if one is asked for."""
        return Topic.objects.filter(pk=self.topic).first() if self.topic else None

    def slots(self) -> list[Slot]:
        """Return the first free times; nothing where the official or the topic is unknown."""
        official = Employee.objects.filter(pk=self.official).first() if self.official else None
        topic = self.topic_row()
        if (self.official and official is None) or (self.topic and topic is None):
            return []
        asked = {"official": official, "topic": topic, "needs_access": self.needs_access}
        return finder.free(self.first, self.first + YEAR, limit=SHOWN, **asked)  # type: ignore[arg-type]


def times(slots: list[Slot], chosen: str = "") -> dict[str, Any]:
    """Return free times as the pages draw them: by day, each with its name for the form, whom and where."""
    people = Employee.objects.in_bulk({slot.official_id for slot in slots})
    places = Room.objects.in_bulk({slot.room_id for slot in slots})
    lines: list[dict[str, Any]] = [
        {
            "name": appointments.named(slot),
            "at": timezone.localtime(slot.starts_at),
            "official": people[slot.official_id],
            "room": places[slot.room_id],
        }
        for slot in slots
    ]
    names = [line["name"] for line in lines]
    picked = chosen if chosen in names else (names[0] if names else "")
    days = [(day, list(rows)) for day, rows in groupby(lines, key=lambda line: line["at"].date())]
    return {"days": days, "picked": picked, "more_from": days[-1][0] if len(slots) >= SHOWN else None}


@requires(POWER)
@require_safe
@never_cache
def appointment_times(request: StaffRequest) -> HttpResponse:
    """Show free times anew when what is asked for has changed: names never go into this address."""
    asked = Asked(request.GET)
    return render(request, "workplace/visits/_times.html", times(asked.slots()))


@requires(POWER)
@require_http_methods(["GET", "POST"])
@never_cache
def appointment_new(request: StaffRequest) -> HttpResponse:
    """Find a time and book it, on one page; whatever is refused, what was typed stays and other times are shown."""
    of = _request_of(request)
    if request.method == "GET":
        asked = Asked(_wished(of) if of else request.GET)
        return _booking(request, BookingForm(initial=_initial(request, of)), asked, of)
    form, asked = BookingForm(request.POST), Asked(request.POST)
    if of is not None:
        form.fields["source"].required = False
    if "find" in request.POST:
        form.is_valid()
        form.errors.clear()
        return _booking(request, form, asked, of)
    if not form.is_valid():
        return _booking(request, form, asked, of, status=422)
    try:
        made = _book(request, form, asked, of)
    except DomainError as refusal:
        return _booking(request, form, asked, of, refusal=refusal, status=refusal.status)
    at = timezone.localtime(made.starts_at)
    on = date_format(at, "j E, l").lower()
    words = f"Записан на {on}, {at:%H:%M}. Приём ведёт {made.official.short_name}, {made.room}."
    messages.success(request, f"{words} Ссылка для заявителя, показывается один раз: {links.address_of(made)}")
    return redirect("workplace:appointment", pk=made.pk)


class OutsideHours(DomainError):
    """п. 28: appointments by telephone are made in working hours."""

    code = "appointment.outside_hours"
    text = (
        "Сейчас не рабочее время: по телефону записывают в рабочие часы (п. 28). Напишите, почему записываете сейчас."
    )


class NoSuchLetter(DomainError):
    """The number is of nothing we have."""

    code = "appointment.no_such_letter"
    text = "Обращения или сообщения с номером «{number}» нет. Проверьте номер: например, О-2026-000123."


class NoTime(DomainError):
    """A time is chosen."""

    code = "appointment.no_time"
    text = "Выберите время приёма."


def _book(request: StaffRequest, form: BookingForm, asked: Asked, of: AppointmentRequest | None) -> Appointment:
    given = form.cleaned_data
    source = given["source"]
    if of is None and source == Source.PHONE and not at_work() and not given["outside_hours_why"].strip():
        raise OutsideHours
    if not request.POST.get("slot"):
        raise NoTime
    slot = appointments.chosen(request.POST["slot"])
    if of is not None:
        return waiting.confirm(of, slot, by=request.user)
    message, appeal = _letter(given["letter"]) if source == Source.WRITTEN else (None, None)
    person = {name: given[name] for name in given if name not in ("source", "letter")}
    person |= {"needs_access": asked.needs_access, "topic": asked.topic_row()}
    if appeal is not None:
        person["applicant"] = appeal.applicant
    return appointments.book(slot, person, source=source, by=request.user, message=message, appeal=appeal)


def at_work(now: datetime | None = None) -> bool:
    """Tell whether people are at work now, by the production calendar."""
    now = now or timezone.now()
    return hours.when_at_work(now, calendar.current()) == now


def _letter(number: str) -> tuple[IncomingMessage | None, Appeal | None]:
    if not number.strip():
        raise appointments.NoLetter
    written = spellings(number)
    if (appeal := Appeal.objects.filter(number__in=written).select_related("applicant").first()) is not None:
        return None, appeal
    if (receipt := Receipt.objects.filter(number__in=written).select_related("message").first()) is not None:
        return receipt.message, None
    raise NoSuchLetter(number=number.strip())


def _request_of(request: StaffRequest) -> AppointmentRequest | None:
    pk = typed.number(request.POST.get("request") or request.GET.get("request"))
    rows = AppointmentRequest.objects.select_related("official", "topic")
    return get_object_or_404(rows, pk=pk) if pk is not None else None


def _wished(of: AppointmentRequest) -> dict[str, str]:
    return {
        "official": str(of.official_id or ""),
        "topic": str(of.topic_id or ""),
        "needs_access": "1" if of.needs_access else "",
        "from": of.wanted_from.isoformat() if of.wanted_from else "",
    }


def _initial(request: StaffRequest, of: AppointmentRequest | None) -> dict[str, Any]:
    """Return what is known already: of a request everything, of an appeal its number."""
    if of is not None:
        return {name: getattr(of, name) for name in BookingForm.base_fields if hasattr(of, name)}
    appeal = typed.number(request.GET.get("appeal"))
    number = Appeal.objects.filter(pk=appeal).values_list("number", flat=True).first() if appeal is not None else None
    if number:
        return {"source": Source.WRITTEN, "letter": number}
    source = request.GET.get("source", "")
    return {"source": source} if source in dict(SOURCES) else {}


def _booking(
    request: StaffRequest,
    form: BookingForm,
    asked: Asked,
    of: AppointmentRequest | None,
    *,
    refusal: DomainError | None = None,
    status: int = 200,
) -> HttpResponse:
    others = refusal.facts.get("alternatives") if refusal else None
    context = {
        "form": form,
        "of": of,
        "asked": asked,
        "refusal": refusal,
        "others": times(others)["days"] if isinstance(others, list) else [],
        "at_work": at_work(),
        "phones": published.phone_words(timezone.localdate()),
        "officials": officials(),
        "topics": _topics(),
        **times(asked.slots(), request.POST.get("slot", "")),
    }
    return render(request, "workplace/visits/new.html", context, status=status)


def officials() -> list[tuple[int, str]]:
    """Return who may receive today or later, by name."""
    today = timezone.localdate()
    rows = authority.valid_on(today).order_by("official__last_name", "official__first_name")
    return list({row.official_id: row.official.short_name for row in rows}.items())


def _topics() -> list[tuple[int, str]]:
    return [(one.pk, str(one)) for one in Topic.objects.filter(terms.valid(timezone.localdate()))]


# --- appointments -----------------------------------------------------------------------------------------------------


def _states() -> dict[str, tuple[str, Q]]:
    now = timezone.now()
    ahead = Q(state=State.BOOKED, starts_at__gte=now)
    return {
        "ahead": ("предстоят", ahead),
        "to_move": ("надо перенести", Q(state=State.BOOKED) & ~Q(to_move="")),
        "unmarked": ("не отмечены", Q(state=State.BOOKED, starts_at__lt=now)),
        "past": ("завершены", Q(state__in=(State.DONE, State.NO_CARD, State.NO_SHOW))),
        "cancelled": ("отменены", Q(state=State.CANCELLED)),
    }


@requires(*READERS)
@require_http_methods(["GET", "POST"])
def appointment_list(request: StaffRequest) -> HttpResponse:
    """Show appointments, masked, the nearest first; a name or a telephone is searched by POST, never in the address."""
    states = _states()
    chosen = request.GET.get("state", "")
    chosen = chosen if chosen in states else "ahead"
    rows = Appointment.objects.select_related("official", "room")
    what = typed.words(request.POST.get("what"), 150)
    counted = {code: Count("pk", filter=one) for code, (_, one) in states.items()}
    numbers = Appointment.objects.order_by().aggregate(**counted)
    found = _found(rows, what) if what else rows.filter(states[chosen][1])
    order = ("starts_at", "pk") if chosen in ("ahead", "to_move") and not what else ("-starts_at", "-pk")
    context = {
        "page": Paginator(found.order_by(*order), PER_PAGE).get_page(request.GET.get("page")),
        "tabs": [(code, words, numbers[code]) for code, (words, _) in states.items()],
        "chosen": chosen,
        "what": what,
        "query": f"state={chosen}&",
        "may_book": request.user.has_power(POWER),
    }
    return render(request, "workplace/visits/list.html", context)


def _found(rows: QuerySet[Appointment], what: str) -> QuerySet[Appointment]:
    digits = "".join(sign for sign in what if sign.isdecimal())
    condition = typed.within("last_name", what)
    if len(digits) >= 4:
        condition |= Q(phone__contains=digits[-4:])
    return rows.filter(condition)


@requires(*READERS)
@require_safe
@never_cache
def appointment(request: StaffRequest, pk: int) -> HttpResponse:
    """Show one appointment with its moves, notices and history; who opened it is written down, once a day."""
    return _page(request, pk)


@requires(POWER, DESK)
@require_POST
@never_cache
def appointment_step(request: StaffRequest, pk: int) -> HttpResponse:
    """Confirm, cancel, note an arrival or a no-show; what was typed stays where a rule says no."""
    row = get_object_or_404(Appointment, pk=pk)
    given, by = request.POST, request.user
    step = given.get("step", "")
    if step in ("confirm", "cancel") and not by.has_power(POWER):
        raise PermissionDenied
    try:
        if step == "confirm":
            appointments.confirm(row, by=by)
            messages.success(request, "Отмечено: заявитель подтвердил, что придёт.")
        elif step == "arrive":
            appointments.arrive(row, by=by)
            messages.success(request, "Отмечено: заявитель пришёл.")
        elif step == "no_show":
            appointments.no_show(row, by=by)
            messages.success(request, "Отмечено: заявитель не пришёл.")
        elif step == "cancel":
            appointments.cancel(row, by=by, why=given.get("why", ""), asked=bool(given.get("asked")))
            messages.success(request, "Запись отменена, время свободно.")
    except DomainError as refusal:
        return _page(request, pk, refusal=refusal, status=refusal.status)
    return redirect("workplace:appointment", pk=pk)


@requires(POWER)
@require_http_methods(["GET", "POST"])
@never_cache
def appointment_move(request: StaffRequest, pk: int) -> HttpResponse:
    """Choose another time; the old one is freed in the same step, the reason is kept."""
    row = get_object_or_404(Appointment.objects.select_related("official", "room", "topic"), pk=pk)
    given = request.POST if request.method == "POST" else request.GET
    own = {"official": row.official_id, "topic": row.topic_id or "", "needs_access": row.needs_access or ""}
    asked = Asked(given if "from" in given else {name: str(value) for name, value in own.items()})
    refusal: DomainError | None = None
    if request.method == "POST" and "find" not in request.POST:
        try:
            if not given.get("slot"):
                raise NoTime
            slot = appointments.chosen(given["slot"])
            appointments.move(row, slot, by=request.user, why=given.get("why", ""))
            messages.success(request, "Запись перенесена. Заявителю сообщат о новом времени.")
            return redirect("workplace:appointment", pk=pk)
        except DomainError as said:
            refusal = said
    context = {
        "row": row,
        "asked": asked,
        "why": given.get("why", "") or row.to_move,
        "refusal": refusal,
        "officials": officials(),
        **times(asked.slots(), given.get("slot", "")),
    }
    return render(request, "workplace/visits/move.html", context, status=refusal.status if refusal else 200)


def _page(request: StaffRequest, pk: int, *, refusal: DomainError | None = None, status: int = 200) -> HttpResponse:
    rows = Appointment.objects.select_related("official", "room", "topic", "appeal", "message", "request", "made_by")
    row = get_object_or_404(rows, pk=pk)
    if not journal.has_looked_today("appointment.person_revealed", by=request.user, appointment=pk):
        journal.looked("appointment.person_revealed", by=request.user, appointment=pk)
    may = request.user.has_power(POWER)
    context = {
        "row": row,
        "moves": list(row.moved.select_related("by")),
        "told": list(row.notices.select_related("told_by", "letter").order_by("made_at", "pk")),
        "history": JournalEntry.objects.filter(chain=f"appointment:{pk}").select_related("actor").order_by("seq"),
        "may_book": may,
        "open": row.state in (State.BOOKED, State.ARRIVED),
        "may_meet": (may or request.user.has_power(DESK)) and row.state == State.BOOKED,
        "begun": row.starts_at <= timezone.now(),
        "today": timezone.localdate(row.starts_at) == timezone.localdate(),
        "typed": request.POST,
        "refusal": refusal,
    }
    return render(request, "workplace/visits/one.html", context, status=status)


# --- requests and the waiting list ------------------------------------------------------------------------------------

REQUESTS: Final = {
    "new": ("ждут решения", Q(state=AppointmentRequest.State.NEW)),
    "waiting": ("лист ожидания", Q(state=AppointmentRequest.State.WAITING)),
    "decided": ("решены", ~Q(state__in=waiting.OPEN)),
}


@requires(POWER)
@require_safe
def visit_requests(request: StaffRequest) -> HttpResponse:
    """Show requests that wait for a decision, the waiting list, and what was decided; names masked."""
    chosen = request.GET.get("state", "")
    chosen = chosen if chosen in REQUESTS else "new"
    counted = {code: Count("pk", filter=one) for code, (_, one) in REQUESTS.items()}
    numbers = AppointmentRequest.objects.order_by().aggregate(**counted)
    freed = Count("notices", filter=Q(notices__kind=AppointmentNotice.Kind.FREED, notices__of_time__gt=timezone.now()))
    rows = AppointmentRequest.objects.filter(REQUESTS[chosen][1]).select_related("official", "topic")
    order = ("-made_at", "-pk") if chosen == "decided" else ("made_at", "pk")
    context = {
        "page": Paginator(rows.annotate(offered=freed).order_by(*order), PER_PAGE).get_page(request.GET.get("page")),
        "tabs": [(code, words, numbers[code]) for code, (words, _) in REQUESTS.items()],
        "chosen": chosen,
        "query": f"state={chosen}&",
    }
    return render(request, "workplace/visits/requests.html", context)


@requires(POWER)
@require_http_methods(["GET", "POST"])
@never_cache
def visit_wait(request: StaffRequest) -> HttpResponse:
    """Put somebody on the waiting list who asks by telephone, in person or by letter, while no time is free."""
    form, asked = BookingForm(request.POST or None), Asked(request.POST)
    refusal: DomainError | None = None
    if request.method == "POST" and form.is_valid():
        try:
            row = _put_on_list(request, form.cleaned_data, asked)
            messages.success(request, "Внесён в лист ожидания. Когда время освободится, оно будет предложено.")
            return redirect("workplace:visit_request", pk=row.pk)
        except DomainError as said:
            refusal = said
    context = {
        "form": form,
        "asked": asked,
        "refusal": refusal,
        "officials": officials(),
        "topics": _topics(),
        "wanted": {name: request.POST.get(name, "") for name in ("wanted_from", "wanted_to")},
    }
    bad = request.method == "POST"
    return render(request, "workplace/visits/wait.html", context, status=422 if bad else 200)


def _put_on_list(request: StaffRequest, given: dict[str, Any], asked: Asked) -> AppointmentRequest:
    message = None
    if given["source"] == Source.WRITTEN:
        message, appeal = _letter(given["letter"])
        if appeal is not None:
            message = IncomingMessage.objects.filter(taken__appeal=appeal, taken__first=True).first()
    person = {name: given[name] for name in given if name not in ("source", "letter", "outside_hours_why")}
    person |= {"needs_access": asked.needs_access, "topic": asked.topic_row()}
    return waiting.ask(
        person,
        source=given["source"],
        by=request.user,
        official=Employee.objects.filter(pk=asked.official).first() if asked.official else None,
        wanted_from=typed.day(request.POST.get("wanted_from")),
        wanted_to=typed.day(request.POST.get("wanted_to")),
        message=message,
        at_once=True,
    )


@requires(POWER)
@require_safe
@never_cache
def visit_request(request: StaffRequest, pk: int) -> HttpResponse:
    """Show one request: who asks, what is free for him now, what he was offered; who opened it is written down."""
    return _request_page(request, pk)


@requires(POWER)
@require_POST
@never_cache
def visit_request_step(request: StaffRequest, pk: int) -> HttpResponse:
    """Book a free time, decline with a reason, put on the waiting list, or take back as the applicant asks."""
    row = get_object_or_404(AppointmentRequest, pk=pk)
    step, by = request.POST.get("step", ""), request.user
    try:
        if step == "book":
            if not request.POST.get("slot"):
                raise NoTime
            made = waiting.confirm(row, appointments.chosen(request.POST["slot"]), by=by)
            messages.success(request, "Записан. Заявителю сообщат о времени.")
            return redirect("workplace:appointment", pk=made.pk)
        if step == "decline":
            waiting.decline(row, request.POST.get("reason", ""), by=by)
            messages.success(request, "Отказано. Заявителю сообщат причину.")
        elif step == "wait":
            waiting.put_on_list(row, by=by)
            messages.success(request, "Внесён в лист ожидания.")
        elif step == "withdraw":
            waiting.withdraw(row, by=by)
            messages.success(request, "Отмечено: заявитель отозвал просьбу.")
    except DomainError as refusal:
        return _request_page(request, pk, refusal=refusal, status=refusal.status)
    return redirect("workplace:visit_request", pk=pk)


def _request_page(
    request: StaffRequest, pk: int, *, refusal: DomainError | None = None, status: int = 200
) -> HttpResponse:
    rows = AppointmentRequest.objects.select_related("official", "topic", "message", "decided_by", "appointment")
    row = get_object_or_404(rows, pk=pk)
    if not journal.has_looked_today("reception.request_revealed", by=request.user, visit_request=pk):
        journal.looked("reception.request_revealed", by=request.user, visit_request=pk)
    is_open = row.state in waiting.OPEN
    context = {
        "row": row,
        "open": is_open,
        "made": getattr(row, "appointment", None),
        "offers": waiting.offers_of(row).select_related("official"),
        "told": list(row.notices.select_related("told_by", "letter").order_by("made_at", "pk")),
        "history": JournalEntry.objects.filter(chain=f"visit_request:{pk}").select_related("actor").order_by("seq"),
        "typed": request.POST,
        "refusal": refusal,
        **times(waiting.times_for(row, limit=12) if is_open else [], request.POST.get("slot", "")),
    }
    return render(request, "workplace/visits/request.html", context, status=status)


# --- whom to call -----------------------------------------------------------------------------------------------------


@requires(POWER)
@require_safe
def visit_notices(request: StaffRequest) -> HttpResponse:
    """Show whom to call about a reception, the nearest first; names and numbers masked."""
    page = Paginator(notices.to_call(), PER_PAGE).get_page(request.GET.get("page"))
    return render(request, "workplace/visits/notices.html", {"page": page, "query": ""})


@requires(POWER)
@require_http_methods(["GET", "POST"])
@never_cache
def visit_notice(request: StaffRequest, pk: int) -> HttpResponse:
    """Show what to say and the number to press; keep what came of the call. Who looked is written down."""
    rows = AppointmentNotice.objects.select_related(
        "appointment__official", "appointment__room", "request", "official", "told_by", "letter"
    )
    row = get_object_or_404(rows, pk=pk)
    about = row.appointment or row.request
    refusal: DomainError | None = None
    if request.method == "POST":
        try:
            done = notices.told(row, request.POST.get("result", ""), note=request.POST.get("note", ""), by=request.user)
            words = "Сообщено." if done.told_at else "Отмечено: не ответил. Запись осталась в списке."
            messages.success(request, words)
            return redirect("workplace:visit_notices")
        except DomainError as said:
            refusal = said
    if row.appointment_id:
        journal.looked("appointment.person_revealed", by=request.user, appointment=row.appointment_id)
    else:
        journal.looked("reception.request_revealed", by=request.user, visit_request=row.request_id)
    context = {
        "row": row,
        "about": about,
        "results": list(notices.RESULTS.items()),
        "typed": request.POST,
        "refusal": refusal,
        "is_open": row.told_by_id is None,
    }
    return render(request, "workplace/visits/notice.html", context, status=refusal.status if refusal else 200)
