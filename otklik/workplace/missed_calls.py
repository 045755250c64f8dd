"""«Пропущенные звонки» (п. 27.2): the log, one duty with what was done about it, entry by hand, figures."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import date, datetime, timedelta
from typing import Any, Final
from urllib.parse import urlencode

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.core.paginator import Paginator
from django.db.models import Count, Q, QuerySet
from django.http import HttpResponse, StreamingHttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe

from otklik.core import files, masking, sheets, typed
from otklik.core.access import requires
from otklik.core.errors import DomainError
from otklik.core.models import JournalEntry
from otklik.hotline import apology, calls, missed, missed_figures, returns
from otklik.hotline.missed_figures import WEEKDAYS, Scope
from otklik.hotline.models import Call, Line, MissedCall, ReturnCall
from otklik.workplace import notices
from otklik.workplace.requests import StaffRequest

PER_PAGE: Final = 50
DAYS: Final = 30  # of figures, where no days are asked for
OPEN: Final = Q(outcome=MissedCall.Outcome.OPEN)
HEADINGS: Final = (
    *("№", "Линия", "Номер", "Впервые", "В последний раз", "Звонил раз", "Ждал, с", "Место в очереди", "В часы работы"),
    *("Перезвонить до", "Взял", "Попыток перезвонить", "Итог", "Решено", "Кто решил", "Примечание"),
)


def _states(user_id: int) -> dict[str, tuple[str, Q]]:
    late = OPEN & Q(due_at__lt=timezone.now())
    return {
        "open": ("ждут", OPEN),
        "late": ("просрочены", late),
        "free": ("никто не взял", OPEN & Q(taken_by=None)),
        "mine": ("мои", OPEN & Q(taken_by=user_id)),
        "settled": ("с итогом", ~OPEN),
        "all": ("все", Q()),
    }


@requires(*missed.READERS)
@require_safe
def missed_list(request: StaffRequest) -> HttpResponseBase:
    """Show the log, what is overdue first, narrowed as asked; or hand it out (`?format=`), numbers masked."""
    states = _states(request.user.pk)
    asked = {name: request.GET.get(name, "") for name in ("state", "in", "line", "from", "to", "outcome", "in_time")}
    state = asked["state"] if asked["state"] in states else "open"
    rows = _narrowed(asked)
    numbers = rows.aggregate(
        **{code: Count("pk", filter=Q(pk__isnull=False) & one) for code, (_, one) in states.items()}
    )
    found = rows.filter(states[state][1]).select_related("line", "taken_by", "settled_by")
    found = found.annotate(tried=Count("returns"))
    order = ("due_at", "pk") if state not in ("settled", "all") else ("-last_at", "-pk")
    if (kind := request.GET.get("format")) in ("csv", "xlsx"):
        return _handed_out(found.order_by(*order).iterator(chunk_size=2000), kind)
    page = Paginator(found.order_by(*order), PER_PAGE).get_page(request.GET.get("page"))
    kept = urlencode({name: value for name, value in asked.items() if value and name != "state"})
    context = {
        "page": page,
        "tabs": [(code, words, numbers[code]) for code, (words, _) in states.items()],
        "chosen": state,
        "kept": f"&{kept}" if kept else "",
        "query": f"state={state}&{kept}&" if kept else f"state={state}&",
        "asked": asked,
        "lines": Line.objects.filter(ours=True),
        "outcomes": [one for one in MissedCall.Outcome.choices if one[0]],
        "hours": (("yes", "в часы работы"), ("no", "вне часов")),
        "terms": (("yes", "перезвонили в срок"),),
        "now": timezone.now(),
        "keeps": request.user.has_power(missed.KEEPER),
    }
    return render(request, "workplace/missed/list.html", context)


def _narrowed(asked: dict[str, str]) -> QuerySet[MissedCall]:
    first, last = typed.day(asked["from"]), typed.day(asked["to"])
    scope = Scope(first or date(typed.FIRST_YEAR, 1, 1), last or date(typed.LAST_YEAR, 12, 30))
    rows = missed_figures.duties(scope)
    if asked["line"] == "none":
        rows = rows.filter(line=None)
    elif (line := typed.number(asked["line"])) is not None:
        rows = rows.filter(line=line)
    if asked["in"] in ("yes", "no"):
        rows = rows.filter(in_hours=asked["in"] == "yes")
    if asked["outcome"] in MissedCall.Outcome.values and asked["outcome"]:
        rows = rows.filter(outcome=asked["outcome"])
    return rows.filter(missed_figures.IN_TIME) if asked["in_time"] == "yes" else rows


@requires(*missed.READERS)
@require_safe
@never_cache
def missed_call(request: StaffRequest, pk: int) -> HttpResponse:
    """Show one duty: its calls, attempts, what to say, what can be done; notices of it are read."""
    notices.mark_read(request.user, path=reverse("workplace:missed_call", args=[pk]))
    return _page(request, pk)


@requires(missed.KEEPER, missed.HEAD)
@require_POST
def missed_step(request: StaffRequest, pk: int) -> HttpResponse:
    """Take a duty, give it back, tell of an attempt, or settle it; what was typed stays where a rule says no."""
    row, given, by = get_object_or_404(MissedCall, pk=pk), request.POST, request.user
    step = given.get("step", "")
    if step != "give_back" and not by.has_power(missed.KEEPER):
        raise PermissionDenied
    try:
        if step == "take":
            missed.take(row, by=by)
            messages.success(request, "Запись за вами: перезвоните и отметьте, что вышло.")
        elif step == "give_back":
            missed.give_back(row, by=by)
            messages.success(request, "Запись снова в общем списке.")
        elif step == "attempt":
            missed.attempt(row, given.get("result", ""), by=by)
            messages.success(request, "Попытка записана.")
        else:
            of = typed.number(given.get("duplicate_of"))
            missed.settle(row, given.get("outcome", ""), note=given.get("note", ""), duplicate_of=of, by=by)
            messages.success(request, f"Запись № {pk} закрыта с итогом.")
            return redirect("workplace:missed")
    except DomainError as refusal:
        return _page(request, pk, refusal=refusal, status=refusal.status)
    return redirect("workplace:missed_call", pk=pk)


@requires(missed.KEEPER)
@require_POST
@never_cache
def missed_dial(request: StaffRequest, pk: int) -> HttpResponse:
    """Take a duty and show its number; where the exchange can, it connects. Who looked is written down."""
    row = get_object_or_404(MissedCall, pk=pk)
    try:
        missed.take(row, by=request.user)
        if not row.number:
            raise missed.NothingToDial
    except DomainError as refusal:
        return _page(request, pk, refusal=refusal, status=refusal.status)
    return _page(request, pk, dialled=returns.dial(missed=row, by=request.user))


def _page(
    request: StaffRequest,
    pk: int,
    *,
    refusal: DomainError | None = None,
    status: int = 200,
    dialled: returns.Dialled | None = None,
) -> HttpResponse:
    rows = MissedCall.objects.select_related("line", "taken_by", "settled_by", "duplicate_of")
    row = get_object_or_404(rows, pk=pk)
    keeps, outcome = request.user.has_power(missed.KEEPER), MissedCall.Outcome
    mine = row.taken_by_id in (None, request.user.pk)
    usual = [one for one in missed.BY_HAND if one != outcome.WITHHELD]
    of_row = list(row.calls.select_related("answered_by").order_by("came_at", "pk"))
    closed = calls.closed_by_us(of_row)
    attempts, enough = list(row.returns.select_related("by").order_by("at", "pk")), missed.enough(row)
    context = {
        "row": row,
        "calls": [(one, closed.get(one.pk, "")) for one in of_row],
        "attempts": attempts,
        "enough": enough,
        "chosen": request.POST.get("outcome") or _led_to(attempts, enough),
        "history": JournalEntry.objects.filter(chain=f"missed:{pk}").select_related("actor").order_by("seq"),
        "said": apology.steps_for(request.user) if not row.outcome else [],
        "can_act": keeps and mine and not row.outcome,
        "can_give_back": not row.outcome
        and row.taken_by is not None
        and (row.taken_by_id == request.user.pk or request.user.has_power(missed.HEAD)),
        "outcomes": [(one, one.label) for one in (usual if row.number else (outcome.WITHHELD,))],
        "results": ReturnCall.Result.choices,
        "alike": _alike(row),
        "typed": request.POST,
        "refusal": refusal or (dialled.refusal if dialled else None),
        "dialled": dialled,
        "now": timezone.now(),
    }
    return render(request, "workplace/missed/call.html", context, status=status)


def _led_to(attempts: list[ReturnCall], enough: int) -> str:
    """Return the outcome the attempts have led to, offered to who writes it down; empty while there is none."""
    if any(one.result == ReturnCall.Result.TALKED for one in attempts):
        return str(MissedCall.Outcome.CALLED_BACK)
    return str(MissedCall.Outcome.UNREACHABLE) if len(attempts) >= enough else ""


def _alike(row: MissedCall) -> QuerySet[MissedCall]:
    """Return what this may repeat: other duties of the number, first those that wait."""
    rows = MissedCall.objects.exclude(pk=row.pk).exclude(outcome=MissedCall.Outcome.DUPLICATE)
    return rows.filter(number_key=row.number_key).order_by("-last_at")[:5] if row.number_key else rows.none()


# --- figures ----------------------------------------------------------------------------------------------------------


@requires(*missed.READERS)
@require_safe
def figures(request: StaffRequest) -> HttpResponse:
    """Show the share missed, the time to call back, and each hour of the week with who was there to answer."""
    scope = _scope(request)
    told, cells = missed_figures.figures(scope), missed_figures.by_hour(scope)
    hours = list(missed_figures.hour_range(cells))
    weekdays = range(7) if any(day > 4 for day, _ in cells) else range(5)
    context = {
        **_frame(scope),
        "figures": told,
        "hours": [f"{hour}–{hour + 1}" for hour in hours],
        "rows": [
            (WEEKDAYS[day], [(cells.get((day, hour)), _of(scope, weekday=day, hour=hour)) for hour in hours])
            for day in weekdays
        ],
        "outcomes": [
            (words, told.by_outcome.get(code, 0), _of(scope, state="settled", outcome=code))
            for code, words in MissedCall.Outcome.choices
            if code
        ],
        "lists": {
            "came": _of(scope, **{"in": "yes"}),
            "missed": _of(scope, state="missed", **{"in": "yes"}),
            "out": _of(scope, state="missed", **{"in": "no"}),
            "waiting": _of(scope, state="open"),
            "all": _of(scope, state="all"),
            "called_back": _of(scope, state="settled", outcome="called_back"),
            "in_time": _of(scope, state="settled", outcome="called_back", in_time="yes"),
        },
    }
    return render(request, "workplace/missed/figures.html", context)


@requires(*missed.READERS)
@require_safe
def hour_calls(request: StaffRequest) -> HttpResponse:
    """Show the very calls a figure or an hour counts; numbers are masked."""
    scope, asked = _scope(request), request.GET
    weekday, hour = typed.number(asked.get("weekday")), typed.number(asked.get("hour"))
    rows = missed_figures.calls(scope)
    kept: dict[str, object] = {}
    when = ""
    if weekday is not None and weekday < 7 and hour is not None and hour < 24:
        rows = missed_figures.of_hour(scope, weekday, hour)
        kept |= {"weekday": weekday, "hour": hour}
        when = f"{WEEKDAYS[weekday]}, {hour}–{hour + 1}"
    if asked.get("in") in ("yes", "no"):
        rows = rows.filter(in_hours=asked["in"] == "yes")
        kept["in"] = asked["in"]
    if asked.get("state") == "missed":
        rows = rows.filter(state=Call.State.MISSED)
        kept["state"] = "missed"
    found = rows.select_related("line", "answered_by").order_by("-came_at", "-pk")
    page = Paginator(found, PER_PAGE).get_page(asked.get("page"))
    context = {
        **_frame(scope),
        "page": page,
        "when": when,
        "only_missed": "state" in kept,
        "query": f"{_of(scope, **kept)}&",
        "in_hours": kept.get("in", ""),
    }
    return render(request, "workplace/missed/calls.html", context)


def _scope(request: StaffRequest) -> Scope:
    today = timezone.localdate()
    first, last = typed.day(request.GET.get("from")), typed.day(request.GET.get("to"))
    last = last or today
    first = first or last - timedelta(days=DAYS - 1)
    return Scope(min(first, last), max(first, last), typed.number(request.GET.get("line")))


def _frame(scope: Scope) -> dict[str, Any]:
    return {"scope": scope, "lines": Line.objects.filter(ours=True), "here": _of(scope)}


def _of(scope: Scope, **more: object) -> str:
    """Return the address line that asks for these days, this line, and more."""
    asked = {"from": scope.first, "to": scope.last, "line": scope.line or "", **more}
    return urlencode({name: value for name, value in asked.items() if value != ""})


def _handed_out(rows: Iterable[Any], kind: str) -> HttpResponseBase:
    name = f"propushchennye-{timezone.localdate()}.{kind}"
    if kind == "xlsx":
        content = sheets.xlsx(_table(rows), title="Пропущенные звонки")
        return files.download(HttpResponse(content, content_type=sheets.XLSX), name)
    return files.download(StreamingHttpResponse(sheets.csv_lines(_table(rows)), content_type=sheets.CSV), name)


def _table(rows: Iterable[Any]) -> Iterator[Iterable[object]]:
    yield HEADINGS
    for row in rows:
        yield (
            row.pk,
            str(row.line or "не определена"),
            masking.phone(row.number) or "скрыт",
            _moment(row.first_at),
            _moment(row.last_at),
            row.attempts,
            row.longest_wait,
            row.position if row.position is not None else "",
            "да" if row.in_hours else "нет",
            _moment(row.due_at),
            row.taken_by.short_name if row.taken_by else "",
            row.tried,
            row.get_outcome_display(),
            _moment(row.settled_at),
            (row.settled_by.short_name if row.settled_by else "система") if row.outcome else "",
            masking.words(row.note),
        )


def _moment(value: datetime | None) -> str:
    return timezone.localtime(value).strftime("%d.%m.%Y %H:%M") if value else ""
