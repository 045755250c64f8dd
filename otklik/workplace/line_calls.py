"""«Звонки»: the log of the line, a call written down by hand, files of the exchange, the month's reconciliation."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime, timedelta
from typing import Any, Final
from urllib.parse import urlencode
from zoneinfo import ZoneInfo

from django import forms
from django.contrib import messages
from django.core import signing
from django.core.paginator import Paginator
from django.db.models import Q
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from otklik.appeals import late
from otklik.core import masking, typed
from otklik.core.access import requires
from otklik.core.errors import DomainError
from otklik.core.forms import DATE_INPUT, TidyForm
from otklik.core.hours import midnight
from otklik.hotline import brought, calls, reconciliation
from otklik.hotline.exchange import cdr
from otklik.hotline.models import Call, Line
from otklik.people.models import Employee
from otklik.workplace.carried import AN_HOUR
from otklik.workplace.requests import StaffRequest

READERS: Final = calls.READERS
KEEPER: Final = calls.KEEPER
PER_PAGE: Final = 50
SALT: Final = "workplace.line-calls"
MONTHS_BACK: Final = 24
HOURS: Final = {"in": "в часы работы", "out": "вне часов работы"}
UTC_NAMES: Final = {"local": "время департамента", "utc": "всемирное время (UTC)"}


class CallForm(TidyForm):
    """A call the exchange did not tell of."""

    line = forms.ModelChoiceField(Line.objects.none(), label="Линия", empty_label=None)
    number = forms.CharField(
        label="Номер",
        max_length=40,
        required=False,
        help_text="Пусто — номер скрыт: перезвонить будет нельзя.",
        widget=forms.TextInput(attrs={"type": "tel", "autocomplete": "off"}),
    )
    came_on = forms.DateField(label="День", widget=DATE_INPUT)
    came_at = forms.TimeField(label="Время", widget=forms.TimeInput(format="%H:%M", attrs={"type": "time"}))
    waited = forms.IntegerField(
        label="Ждал, секунд", min_value=0, max_value=calls.LONGEST_WAIT, initial=0, help_text="Неизвестно — 0."
    )
    answered = forms.BooleanField(label="Человек ответил (звонок не пропущен)", required=False)
    another = forms.BooleanField(label="Это другой звонок, не тот, что уже есть в журнале", required=False)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        today = timezone.localdate()
        valid = Line.objects.filter(ours=True, valid_from__lte=today).exclude(valid_to__lt=today)
        self.fields["line"].queryset = valid  # type: ignore[attr-defined]


class UploadForm(TidyForm):
    """A file of the exchange."""

    file = forms.FileField(
        label="Файл станции",
        widget=forms.ClearableFileInput(attrs={"accept": ".csv,.txt,.log,text/plain,text/csv"}),
        error_messages={"required": "Выберите файл.", "empty": "Файл пустой (0 байт). Выберите другой."},
        help_text="queue_log, Master.csv или таблица с заголовком; до 5 МБ.",
    )
    zone = forms.ChoiceField(
        label="Время в CSV", choices=list(UTC_NAMES.items()), initial="local", help_text="В queue_log не важно."
    )


@requires(*READERS)
@require_GET
def line_calls(request: StaffRequest) -> HttpResponse:
    """Show the log of calls, filtered; numbers are masked."""
    asked = _asked(request)
    rows = Call.objects.filter(_wanted(asked)).select_related("line", "answered_by").defer("number_key")
    page = Paginator(rows.order_by("-came_at", "-pk"), PER_PAGE).get_page(request.GET.get("page"))
    shown = list(page.object_list)
    entered = late.among(late.Kind.CALL, [call.pk for call in shown])
    notes = calls.closed_by_us(shown) | dict.fromkeys(entered, "внесён позже, за время сбоя")
    context = {
        "page": page,
        "rows": [(call, masking.phone(call.number), notes.get(call.pk, "")) for call in shown],
        "asked": asked,
        "lines": Line.objects.all(),
        "states": Call.State.choices,
        "hours": HOURS.items(),
        "query": urlencode({name: value for name, value in asked.items() if value}),
        "may_keep": request.user.has_power(KEEPER),
    }
    return render(request, "workplace/line/calls.html", context)


def write_down(told: Mapping[str, Any], came_at: datetime, *, by: Employee) -> Call:
    """Keep a call as `CallForm` tells it."""
    said = {name: told[name] for name in ("line", "number", "waited", "answered", "another")}
    return calls.write_down(came_at=came_at, by=by, **said)


@requires(KEEPER)
@never_cache
@require_http_methods(["GET", "POST"])
def call_by_hand(request: StaffRequest) -> HttpResponse:
    """Write down a call the exchange did not tell of."""
    now = timezone.localtime()
    form = CallForm(request.POST or None, initial={"came_on": now.date(), "came_at": now.time()})
    if request.method == "POST" and form.is_valid():
        told = form.cleaned_data
        try:
            came_at = timezone.make_aware(datetime.combine(told["came_on"], told["came_at"]))
            call = write_down(told, came_at, by=request.user)
        except DomainError as refusal:
            form.add_error(None, str(refusal))
        else:
            call.refresh_from_db()
            messages.success(request, "Звонок записан.")
            return (
                redirect("workplace:missed_call", call.missed_id)
                if call.missed_id
                else redirect("workplace:line_calls")
            )
    return render(request, "workplace/line/call_by_hand.html", {"form": form}, status=422 if form.errors else 200)


@requires(KEEPER)
@never_cache
@require_http_methods(["GET", "POST"])
def upload(request: StaffRequest) -> HttpResponse:
    """Take a file of the exchange and show what it tells; a confirmed one is kept.

    What was read travels in the page, signed, for an hour: nothing of it is kept before it is agreed.
    """
    if request.method == "POST" and "read" in request.POST:
        return _confirmed(request)
    form = UploadForm(request.POST or None, request.FILES or None)
    if request.method == "POST" and form.is_valid():
        file = form.cleaned_data["file"]
        try:
            text = brought.decoded(file.read(brought.MAX_BYTES + 1))
            told = brought.read(text, zone=_zone(form.cleaned_data["zone"]))
        except DomainError as refusal:
            form.add_error("file", str(refusal))
        else:
            sealed = signing.dumps({"text": text, "zone": form.cleaned_data["zone"]}, salt=SALT, compress=True)
            return render(request, "workplace/line/upload_plan.html", {"told": told, "read": sealed})
    context = {"form": form, "columns": cdr.OURS.items()}
    return render(request, "workplace/line/upload.html", context, status=422 if form.errors else 200)


def _confirmed(request: StaffRequest) -> HttpResponse:
    try:
        kept = signing.loads(request.POST["read"], salt=SALT, max_age=AN_HOUR)
    except signing.BadSignature:
        messages.error(request, "Файл прочитан больше часа назад или повреждён. Выберите его ещё раз.")
        return redirect("workplace:line_upload")
    told = brought.read(kept["text"], zone=_zone(kept["zone"]))
    new = brought.keep(told, by=request.user)
    if told.kind == brought.CDR:
        messages.success(request, f"Учёт станции принят, новых событий: {new}. Ниже — чем он отличается от журнала.")
        month = f"?month={told.first:%Y-%m}" if told.first else ""
        answer = redirect("workplace:line_reconciliation")
        answer["Location"] += month
        return answer
    messages.success(request, f"Журнал очереди принят, новых событий: {new}.")
    return redirect("workplace:line_calls")


@requires(*READERS)
@require_GET
def reconcile(request: StaffRequest) -> HttpResponse:
    """Show how a month of our log differs from the exchange's account, call by call."""
    month = _month(request.GET.get("month"))
    compared = reconciliation.compare(month)
    page = Paginator(compared.differences, PER_PAGE).get_page(request.GET.get("page"))
    lacking = len(compared.of("lacking"))
    context = {
        "month": month,
        "months": [(f"{one:%Y-%m}", one) for one in _months()],
        "compared": compared,
        "tally": [(words, len(compared.of(kind))) for kind, words in reconciliation.KINDS.items()],
        "page": page,
        "rows": [(one, *_both(one)) for one in page.object_list],
        "lacking": lacking,
        "query": f"month={month:%Y-%m}",
        "may_keep": request.user.has_power(KEEPER),
    }
    return render(request, "workplace/line/reconciliation.html", context)


@requires(KEEPER)
@require_POST
def restore(request: StaffRequest) -> HttpResponse:
    """Add the calls of a month that the exchange has counted and we lack."""
    month = _month(request.POST.get("month"))
    number = reconciliation.restore(month, by=request.user)
    messages.success(request, f"Восстановлено звонков: {number}." if number else "Восстанавливать нечего.")
    answer = redirect("workplace:line_reconciliation")
    answer["Location"] += f"?month={month:%Y-%m}"
    return answer


def _asked(request: StaffRequest) -> dict[str, str]:
    """Return the filters that make sense."""
    get = request.GET
    line, state, hours = typed.number(get.get("line")), get.get("state", ""), get.get("hours", "")
    first, last = typed.day(get.get("from")), typed.day(get.get("to"))
    return {
        "line": "none" if get.get("line") == "none" else str(line) if line else "",
        "state": state if state in Call.State.values else "",
        "hours": hours if hours in HOURS else "",
        "from": first.isoformat() if first else "",
        "to": last.isoformat() if last else "",
    }


def _wanted(asked: dict[str, str]) -> Q:
    wanted = Q()
    if asked["line"]:
        wanted &= Q(line=None) if asked["line"] == "none" else Q(line=int(asked["line"]))
    if asked["state"]:
        wanted &= Q(state=asked["state"], direction=Call.Direction.IN)
    if asked["hours"]:
        wanted &= Q(in_hours=asked["hours"] == "in")
    if asked["from"]:
        wanted &= Q(came_at__gte=midnight(date.fromisoformat(asked["from"])))
    if asked["to"]:
        wanted &= Q(came_at__lt=midnight(date.fromisoformat(asked["to"]), 1))
    return wanted


def _both(one: reconciliation.Difference) -> tuple[str, str, str]:
    """Return the number, and how each of the two tells the call."""
    call, told = one.call, one.told
    number = (call.number if call else "") or (told.number if told else "")
    ours = f"{_moment(call.came_at)}, {call.get_state_display()}" if call else "—"
    theirs = f"{_moment(told.came_at)}, {Call.State(told.state).label}" if told else "—"
    return masking.phone(number) or "скрыт", ours, theirs


def _moment(at: datetime) -> str:
    return f"{timezone.localtime(at):%d.%m %H:%M:%S}"


def _month(text: str | None) -> date:
    return typed.day(f"{text}-01") or timezone.localdate().replace(day=1)


def _months() -> list[date]:
    """Return the months one may choose, the newest first."""
    found, month = [], timezone.localdate().replace(day=1)
    for _ in range(MONTHS_BACK):
        found.append(month)
        month = (month - timedelta(days=1)).replace(day=1)
    return found


def _zone(name: str) -> Any:
    return ZoneInfo("UTC") if name == "utc" else timezone.get_current_timezone()
