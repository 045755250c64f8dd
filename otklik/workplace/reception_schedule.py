"""«Расписание приёма»: who receives when, a month or a list; an official's authority, hours, special days, calendar.

A change that displaces appointments is first shown with them, and made by the second POST.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from typing import Any, Final

from django import forms
from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.db.models import Q
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from otklik.appeals import classification
from otklik.appeals.models import Topic
from otklik.core import calendar, masking, typed
from otklik.core.access import requires
from otklik.core.errors import DomainError
from otklik.core.forms import DATE_INPUT, TidyForm
from otklik.people.models import Employee
from otklik.people.powers import POWERS
from otklik.reception import authority, displaced, feeds, published, rooms, schedule
from otklik.reception.models import Appointment, Authority, CalendarFeed, ReceptionException, ReceptionRule, Room
from otklik.reception.rooms import POWER
from otklik.reception.schedule import Reception
from otklik.workplace.calendar import MONTHS
from otklik.workplace.requests import StaffRequest
from otklik.workplace.staff import choose, employee_of

READERS: Final = tuple(code for code in POWERS if code.startswith("reception."))
TIME_INPUT: Final = forms.TimeInput(format="%H:%M", attrs={"type": "time", "step": 300})
BOOK: Final = "reception.book"
HISTORY: Final = 15
AHEAD: Final = 60


@dataclass
class Cell:
    """One day of one official: his stretches, how many are booked of how many, what is wrong, why it is unlike."""

    day: date
    kind: str
    parts: list[Reception] = field(default_factory=list)
    booked: int = 0
    wrong: list[str] = field(default_factory=list)
    cancelled: str | None = None
    places: list[str] = field(default_factory=list)

    @property
    def slots(self) -> int:
        """Return how many may be received."""
        return sum(len(part.slots()) for part in self.parts)

    @property
    def why(self) -> str:
        """Return what is unlike the rule."""
        return next((part.why for part in self.parts if part.why), "")


@requires(*READERS)
@require_safe
def reception_schedule(request: StaffRequest) -> HttpResponse:
    """Show who receives in a month: officials by days, or a list of days."""
    first = _month(request.GET.get("month"))
    last = (first + timedelta(days=31)).replace(day=1) - timedelta(days=1)
    today = timezone.localdate()
    rows = _grid(first, last)
    context = {
        "first": first,
        "title": f"{MONTHS[first.month - 1].lower()} {first.year}",
        "before": (first - timedelta(days=1)).strftime("%Y-%m"),
        "after": (last + timedelta(days=1)).strftime("%Y-%m"),
        "rows": rows,
        "days": [(one.day, one.kind) for one in rows[0][1]] if rows else [],
        "as_list": request.GET.get("view") == "list",
        "listed": _listed(rows),
        "moving": told(displaced.waiting()[:50]),
        "unfit": rooms.unfit(today),
        "phones": published.phones(today),
        "phone_hours": published.phone_hours(),
        "may_keep": request.user.has_power(POWER),
        "books": request.user.has_power(BOOK),
        "today": today,
    }
    return render(request, "workplace/reception/schedule.html", context)


def _month(asked: str | None) -> date:
    given = typed.day(f"{asked}-01" if asked else None)
    return given or timezone.localdate().replace(day=1)


def _grid(first: date, last: date) -> list[tuple[Employee, list[Cell]]]:
    """Return the officials who are authorised in the period or receive in it, each with every day of it."""
    parts = defaultdict(list)
    for one in schedule.receptions(first, last):
        parts[one.official_id, one.day].append(one)
    unlike = ReceptionException.objects.filter(date__range=(first, last), opens=None)
    cancelled = {(row.official_id, row.date): row.why for row in unlike}
    powers = defaultdict(list)
    for power in Authority.objects.filter(Q(valid_to=None) | Q(valid_to__gte=first), valid_from__lte=last):
        powers[power.official_id].append((power.valid_from, power.valid_to or last))
    people = Employee.objects.filter(pk__in={pk for pk, _ in parts} | set(powers)).order_by("last_name", "first_name")
    places = {room.pk: room for room in Room.objects.all()}
    checks = rooms.Checks(places.values())
    booked = _booked(first, last)
    work = calendar.current()
    days = [first + timedelta(days=number) for number in range((last - first).days + 1)]
    found = []
    for person in people:
        cells = []
        for day in days:
            cell = Cell(day, work.day(day).kind, parts[person.pk, day], booked.get((person.pk, day), 0))
            cell.cancelled = cancelled.get((person.pk, day))
            used = dict.fromkeys(part.room_id for part in cell.parts)
            cell.places = [places[room].name for room in used]
            if cell.parts and not any(since <= day <= till for since, till in powers[person.pk]):
                cell.wrong.append("нет полномочия на приём")
            cell.wrong += [f"{places[room]}: {said}" for room in used for said in checks.bars(room, day)]
            cells.append(cell)
        found.append((person, cells))
    return found


def _booked(first: date, last: date) -> Counter[tuple[int, date]]:
    begins, ends = (timezone.make_aware(datetime.combine(day, time.min)) for day in (first, last + timedelta(days=1)))
    rows = Appointment.objects.filter(starts_at__gte=begins, starts_at__lt=ends).exclude(
        state__in=(Appointment.State.CANCELLED, Appointment.State.NO_SHOW)
    )
    found = rows.values_list("official", "starts_at")
    return Counter((official, timezone.localdate(starts_at)) for official, starts_at in found)


def _listed(rows: list[tuple[Employee, list[Cell]]]) -> list[tuple[date, list[tuple[Employee, Cell]]]]:
    """Return the days on which somebody receives, or was to receive."""
    by_day = defaultdict(list)
    for person, cells in rows:
        for cell in cells:
            if cell.parts or cell.cancelled is not None:
                by_day[cell.day].append((person, cell))
    return sorted(by_day.items(), key=lambda one: one[0])


def told(rows: Iterable[Appointment]) -> list[tuple[Appointment, str]]:
    """Return appointments with the person as a list may show him."""
    return [(row, masking.person(row.last_name, row.first_name, row.patronymic)) for row in rows]


@requires(*READERS, "hotline.consult", "knowledge.read")
@require_safe
def hours(request: StaffRequest) -> HttpResponse:
    """Show who receives and when as it holds now; a page that opens it in place gets only that part."""
    page = "workplace/reception/hours.html"
    facts = {"phones": published.phone_words(timezone.localdate())}
    return render(request, f"{page}#now" if getattr(request, "htmx", False) else page, facts)


@requires(*READERS)
@require_safe
def official(request: StaffRequest, pk: int) -> HttpResponse:
    """Show an official: by which orders he receives, his hours, days unlike them, whom to move, what was changed."""
    return render(request, "workplace/reception/official.html", _official_page(request, employee_of(pk)))


def _official_page(request: StaffRequest, one: Employee, *, feed: str = "") -> dict[str, Any]:
    today = timezone.localdate()
    running = ReceptionRule.objects.filter(Q(valid_to=None) | Q(valid_to__gte=today), official=one)
    unlike = ReceptionException.objects.filter(official=one)
    coming = schedule.receptions(today, today + timedelta(days=AHEAD), [one.pk])
    places = dict(Room.objects.values_list("pk", "name"))
    powers = Authority.objects.filter(official=one).prefetch_related("topics").order_by("-valid_from")
    return {
        "official": one,
        "powers": powers,
        "in_force": authority.of(one, today),
        "rules": [(rule, schedule.weekly(rule)) for rule in running.select_related("room")],
        "unlike": [
            (row, schedule.said(row)) for row in unlike.filter(date__gte=today).select_related("room").order_by("date")
        ],
        "past": unlike.filter(date__lt=today).order_by("-date")[:HISTORY],
        "coming": [(part, places[part.room_id]) for part in coming[:20]],
        "moving": told(displaced.waiting().filter(official=one)),
        "history": authority.history(one)[:HISTORY],
        "may_keep": request.user.has_power(POWER),
        "books": request.user.has_power(BOOK),
        "may_feed": _may_feed(request.user, one),
        "has_feed": CalendarFeed.objects.filter(official=one).exists(),
        "feed": feed,
        "today": today,
    }


def _may_feed(user: Employee, one: Employee) -> bool:
    return user.pk == one.pk or user.has_power(POWER)


@requires(*READERS)
@require_POST
def official_feed(request: StaffRequest, pk: int) -> HttpResponse:
    """Make the secret address of the official's calendar and show it this once; `end` closes it."""
    one = employee_of(pk)
    if not _may_feed(request.user, one):
        raise PermissionDenied
    if "end" in request.POST:
        feeds.end(one, by=request.user)
        messages.success(request, "Адрес календаря закрыт.")
        return redirect("workplace:reception_official", pk)
    address = request.build_absolute_uri(reverse("portal:reception_feed", args=[feeds.make(one, by=request.user)]))
    return render(request, "workplace/reception/official.html", _official_page(request, one, feed=address))


# Changes: a form, what it displaces, the change itself


@dataclass(frozen=True, kw_only=True)
class Page:
    """What a page of a change says."""

    title: str
    lead: str
    back: str
    back_name: str
    done: str
    button: str = "Записать"
    wide: tuple[str, ...] = ()
    field: str | None = None


def respond(
    request: StaffRequest, form: forms.Form, change: Callable[[], Iterable[Appointment]], page: Page
) -> HttpResponse:
    """Make a change; where it displaces appointments, show them first and make it only when they were seen."""
    hit: list[Appointment] = []
    if request.method == "POST" and form.is_valid():
        try:
            with transaction.atomic():
                hit = list(change())
                if hit and "seen" not in request.POST:
                    transaction.set_rollback(True)
        except DomainError as refusal:
            hit = []
            form.add_error(page.field if page.field in form.fields else None, str(refusal))
        else:
            if not hit or "seen" in request.POST:
                messages.success(request, page.done)
                if hit:
                    messages.warning(request, f"Надо перенести записей: {len(hit)}. Заявителям готовятся извещения.")
                return redirect(page.back)
    context = {"form": form, "page": page, "hit": told(hit)}
    return render(request, "workplace/reception/change.html", context, status=422 if form.errors or hit else 200)


def _page_of(one: Employee, **said: Any) -> Page:
    back = reverse("workplace:reception_official", args=[one.pk])
    return Page(**{"lead": one.short_name, "back": back, "back_name": one.short_name, **said})


class TopicsField(forms.ModelMultipleChoiceField):  # type: ignore[type-arg]
    """Several topics; a number no database holds is none of them."""

    def clean(self, value: Any) -> Any:
        """Return the topics chosen."""
        return super().clean([one for one in value or () if typed.number(one) is not None])


class AuthorityForm(TidyForm):
    """An order that lets an official receive."""

    official = forms.ModelChoiceField(Employee.objects.none(), label="Должностное лицо", empty_label="Выберите")
    basis = forms.CharField(
        label="Приказ",
        max_length=300,
        help_text="Номер и дата приказа.",
        error_messages={"required": "Укажите приказ: без него вести приём нельзя (п. 35.1)."},
    )
    valid_from = forms.DateField(label="Действует с", widget=DATE_INPUT)
    valid_to = forms.DateField(
        label="Действует по", required=False, widget=DATE_INPUT, help_text="Пусто — пока не прекратят."
    )
    powers = forms.CharField(
        label="Что вправе решать",
        required=False,
        max_length=2000,
        widget=forms.Textarea(attrs={"rows": 3}),
        help_text="Видно при записи.",
    )
    topics = TopicsField(
        Topic.objects.none(),
        label="Темы",
        required=False,
        widget=forms.SelectMultiple(attrs={"size": 8}),
        help_text="Ничего не выбрано — любые темы. Несколько — с клавишей Ctrl.",
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        choose(self, "official", Employee.objects.filter(is_active=True).order_by("last_name", "first_name"))
        choose(self, "topics", classification.valid_topics())


@requires(POWER)
@require_http_methods(["GET", "POST"])
def authority_new(request: StaffRequest) -> HttpResponse:
    """Let an official receive by an order."""
    asked = {"official": typed.number(request.GET.get("official")), "valid_from": timezone.localdate()}
    form = AuthorityForm(request.POST or None, initial=asked)

    def change() -> Iterable[Appointment]:
        given = form.cleaned_data
        authority.give(
            given["official"],
            **{name: given[name] for name in ("basis", "valid_from", "valid_to", "powers", "topics")},
            by=request.user,
        )
        return ()

    page = Page(
        title="Полномочие на приём",
        lead="Приём ведут руководитель и те, кого уполномочил приказ; перепоручение не допускается (п. 35.1).",
        back=reverse("workplace:reception_schedule"),
        back_name="Расписание приёма",
        done="Полномочие записано. Теперь внесите часы приёма.",
        wide=("official", "basis", "powers", "topics"),
    )
    return respond(request, form, change, page)


class EndForm(TidyForm):
    """The last day of an authority, and why."""

    last_day = forms.DateField(label="Последний день", widget=DATE_INPUT)
    why = forms.CharField(
        label="Почему прекращается",
        max_length=300,
        help_text="Например: приказ № … о прекращении; увольнение.",
        error_messages={"required": "Напишите почему: это увидят те, кто переносит записи."},
    )


@requires(POWER)
@require_http_methods(["GET", "POST"])
def authority_end(request: StaffRequest, pk: int) -> HttpResponse:
    """End an authority on a day."""
    row = get_object_or_404(Authority.objects.select_related("official"), pk=pk)
    form = EndForm(request.POST or None, initial={"last_day": row.valid_to or timezone.localdate()})
    page = _page_of(
        row.official,
        title="Прекратить полномочие",
        lead=f"{row.official.short_name}: {row.basis}, с {row.valid_from:%d.%m.%Y}.",
        done="Последний день полномочия записан.",
        field="last_day",
    )

    def change() -> Iterable[Appointment]:
        return authority.end(row, last_day=form.cleaned_data["last_day"], why=form.cleaned_data["why"], by=request.user)

    return respond(request, form, change, page)


class HoursForm(TidyForm):
    """From when till when, how long each, where."""

    opens = forms.TimeField(label="Приём с", widget=TIME_INPUT)
    closes = forms.TimeField(label="до", widget=TIME_INPUT)
    break_from = forms.TimeField(label="Перерыв с", required=False, widget=TIME_INPUT)
    break_to = forms.TimeField(label="до", required=False, widget=TIME_INPUT)
    slot_minutes = forms.IntegerField(label="На одного человека, минут", min_value=5, max_value=240, initial=20)
    pause_minutes = forms.IntegerField(label="Между людьми, минут", min_value=0, max_value=120, initial=0)
    room = forms.ModelChoiceField(Room.objects.none(), label="Помещение", empty_label="Выберите помещение")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        today = timezone.localdate()
        choose(self, "room", Room.objects.filter(Q(valid_to=None) | Q(valid_to__gte=today)))


class RuleForm(HoursForm):
    """Hours of a day of the week."""

    weekday = forms.TypedChoiceField(
        label="День недели", coerce=int, choices=[(number, name) for number, name in enumerate(schedule.WEEKDAYS[:6])]
    )
    week = forms.TypedChoiceField(label="В какие недели", coerce=int, choices=ReceptionRule.Week.choices)
    valid_from = forms.DateField(label="С какого дня", widget=DATE_INPUT)
    valid_to = forms.DateField(
        label="По какой день", required=False, widget=DATE_INPUT, help_text="Пусто — пока не изменят."
    )
    field_order = ["weekday", "week"]


HOURS: Final = ("opens", "closes", "break_from", "break_to", "slot_minutes", "pause_minutes", "room")
RULE: Final = (*HOURS, "weekday", "week", "valid_from", "valid_to")


@requires(POWER)
@require_http_methods(["GET", "POST"])
def rule_new(request: StaffRequest, pk: int) -> HttpResponse:
    """Give an official hours of reception."""
    one = employee_of(pk)
    form = RuleForm(request.POST or None, initial={"valid_from": timezone.localdate()})

    def change() -> Iterable[Appointment]:
        return schedule.keep_rule(ReceptionRule(official=one, **form.cleaned_data), by=request.user)

    page = _page_of(one, title="Новые часы приёма", done="Часы приёма записаны.")
    return respond(request, form, change, page)


@requires(POWER)
@require_http_methods(["GET", "POST"])
def rule(request: StaffRequest, pk: int) -> HttpResponse:
    """Change hours of reception from a day on."""
    row = get_object_or_404(ReceptionRule.objects.select_related("official", "room"), pk=pk)
    today = timezone.localdate()
    first = {name: getattr(row, name) for name in RULE} | {"valid_from": max(row.valid_from, today)}
    form = RuleForm(request.POST or None, initial=first)

    def change() -> Iterable[Appointment]:
        kept = ReceptionRule.objects.get(pk=row.pk)
        for name in RULE:
            setattr(kept, name, form.cleaned_data[name])
        return schedule.keep_rule(kept, by=request.user)

    page = _page_of(
        row.official,
        title="Изменить часы приёма",
        lead=f"Сейчас: {schedule.weekly(row)}, {row.room}. Прежние дни останутся как были.",
        done="Часы приёма изменены.",
    )
    return respond(request, form, change, page)


class LastDayForm(TidyForm):
    """The last day hours hold."""

    last_day = forms.DateField(label="Последний день", widget=DATE_INPUT)


@requires(POWER)
@require_http_methods(["GET", "POST"])
def rule_end(request: StaffRequest, pk: int) -> HttpResponse:
    """Let hours of reception hold till a day."""
    row = get_object_or_404(ReceptionRule.objects.select_related("official", "room"), pk=pk)
    form = LastDayForm(request.POST or None, initial={"last_day": timezone.localdate()})
    page = _page_of(
        row.official,
        title="Завершить часы приёма",
        lead=f"{row.official.short_name}: {schedule.weekly(row)}, {row.room}.",
        done="Последний день часов приёма записан.",
        field="last_day",
    )

    def change() -> Iterable[Appointment]:
        return schedule.end_rule(row, last_day=form.cleaned_data["last_day"], by=request.user)

    return respond(request, form, change, page)


class DayForm(HoursForm):
    """One day that is unlike the rule."""

    date = forms.DateField(label="День", widget=DATE_INPUT)
    why = forms.CharField(
        label="Почему",
        max_length=300,
        help_text="Например: общероссийский день приёма граждан.",
        error_messages={"required": "Напишите почему: без причины день не изменить."},
    )
    field_order = ["date"]


@requires(POWER)
@require_http_methods(["GET", "POST"])
def day(request: StaffRequest, pk: int) -> HttpResponse:
    """Enter a day with hours of its own."""
    one = employee_of(pk)
    form = DayForm(request.POST or None, initial={"date": typed.day(request.GET.get("on"))})

    def change() -> Iterable[Appointment]:
        return schedule.set_day(ReceptionException(official=one, **form.cleaned_data), by=request.user)

    page = _page_of(
        one,
        title="Особый день приёма",
        lead=f"{one.short_name}: один день не по обычным часам; то, что было на этот день, заменяется.",
        done="Особый день записан.",
        wide=("why",),
    )
    return respond(request, form, change, page)


class CancelForm(TidyForm):
    """Days on which there will be no reception."""

    date = forms.DateField(label="Отменить приём", widget=DATE_INPUT)
    until = forms.DateField(
        label="По какой день", required=False, widget=DATE_INPUT, help_text="Пусто — один день. Отпуск — весь срок."
    )
    why = forms.CharField(
        label="Почему",
        max_length=200,
        help_text="Например: отпуск, командировка. Причину увидят сотрудники и граждане в расписании.",
        error_messages={"required": "Напишите почему: без причины приём не отменить."},
    )


@requires(POWER)
@require_http_methods(["GET", "POST"])
def day_cancel(request: StaffRequest, pk: int) -> HttpResponse:
    """Cancel a day of reception, or every one till another day."""
    one = employee_of(pk)
    form = CancelForm(request.POST or None, initial={"date": typed.day(request.GET.get("on"))})

    def change() -> Iterable[Appointment]:
        given = form.cleaned_data
        return schedule.cancel_day(one, given["date"], until=given["until"], why=given["why"], by=request.user)

    page = _page_of(
        one,
        title="Отменить приём",
        lead=f"{one.short_name}: записанных надо будет перенести, им готовятся извещения.",
        done="Приём отменён.",
        button="Отменить приём",
        wide=("why",),
        field="date",
    )
    return respond(request, form, change, page)


class MoveForm(TidyForm):
    """From which day to which."""

    date = forms.DateField(label="С какого дня", widget=DATE_INPUT)
    to = forms.DateField(label="На какой день", widget=DATE_INPUT)
    why = forms.CharField(
        label="Почему", max_length=200, error_messages={"required": "Напишите почему: без причины день не перенести."}
    )


@requires(POWER)
@require_http_methods(["GET", "POST"])
def day_move(request: StaffRequest, pk: int) -> HttpResponse:
    """Move a day of reception to another, hours and room unchanged."""
    one = employee_of(pk)
    form = MoveForm(request.POST or None, initial={"date": typed.day(request.GET.get("on"))})

    def change() -> Iterable[Appointment]:
        given = form.cleaned_data
        return schedule.move_day(one, given["date"], given["to"], why=given["why"], by=request.user)

    page = _page_of(
        one,
        title="Перенести день приёма",
        lead=f"{one.short_name}: часы и помещение те же. Записанным надо будет выбрать новое время.",
        done="День приёма перенесён.",
        button="Перенести",
        wide=("why",),
        field="to",
    )
    return respond(request, form, change, page)


@requires(POWER)
@require_http_methods(["GET", "POST"])
def day_remove(request: StaffRequest, pk: int) -> HttpResponse:
    """Let a day follow its rules again."""
    row = get_object_or_404(ReceptionException.objects.select_related("official"), pk=pk)
    page = _page_of(
        row.official,
        title="Вернуть обычные часы",
        lead=f"{row.official.short_name}, {row.date:%d.%m.%Y}: сейчас {schedule.said(row)} ({row.why}).",
        done=f"{row.date:%d.%m.%Y} снова по обычным часам.",
        button="Вернуть обычные часы",
    )
    # A form without fields is bound by whatever was sent.
    form = TidyForm(request.POST if request.method == "POST" else None)
    return respond(request, form, lambda: schedule.drop_day(row, by=request.user), page)
