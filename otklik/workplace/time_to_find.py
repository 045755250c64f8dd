"""«Время поиска» (п. 37): how long finding takes, month by month and unit by unit; each figure opens its list."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any, Final
from urllib.parse import urlencode

from django import forms
from django.contrib import messages
from django.core.exceptions import ValidationError
from django.core.paginator import Paginator
from django.http import HttpResponse, StreamingHttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.formats import date_format
from django.views.decorators.http import require_GET, require_http_methods

from otklik.core import files, sheets, typed
from otklik.core.access import requires
from otklik.core.forms import DATE_INPUT, TidyForm
from otklik.knowledge import deflection, finding
from otklik.knowledge.finding import OUTCOMES, Figures, Scope
from otklik.knowledge.models import Audience, Baseline, SearchSession
from otklik.people.models import Unit
from otklik.workplace import kb_votes
from otklik.workplace.requests import StaffRequest

READERS: Final = kb_votes.READERS
MONTHS: Final = 12
PER_PAGE: Final = 50
WORDS: Final = 10  # of a list on the first page
SECOND: Final = 1000  # milliseconds
HEADINGS: Final = (
    *("Начат", "Кто искал", "Подразделение", "Слова", "Нашлось"),
    *("Чем кончился", "Материал", "Место", "Секунд"),
)
# The chart, in units of its own: it is drawn as wide as the page lets it.
WIDTH, HEIGHT, FOOT, LINE = 720, 220, 24, 22


@dataclass(frozen=True)
class Bar:
    """One month of the chart: a bar to the median, a mark at nine of ten."""

    words: str
    x: int
    width: int
    y: int
    height: int
    p90_y: int | None
    label: str

    @property
    def middle(self) -> int:
        """Return where its words stand."""
        return self.x + self.width // 2

    @property
    def above(self) -> int:
        """Return where its figure stands: on the bar, or above the mark where there is no room between them."""
        crowded = self.p90_y is not None and self.y - self.p90_y < LINE
        return (self.p90_y if crowded and self.p90_y is not None else self.y) - 6


@requires(*READERS)
@require_GET
def time_to_find(request: StaffRequest) -> HttpResponse:
    """Show the figures of a month or of a year, the chart of a year, units, and words that led nowhere."""
    scope, month = _asked(request)
    year = Scope(scope.audience, _months_before(timezone.localdate()), timezone.localdate(), scope.unit)
    months = _from_the_first(finding.by_month(year))
    known = finding.baseline(scope.audience)
    units = finding.by_unit(scope) if scope.audience == Audience.STAFF and scope.unit is None else {}
    context = {
        **_frame(scope, month),
        "figures": finding.figures(scope),
        "prompted": deflection.figures(scope) if scope.audience == Audience.PUBLIC else None,
        "months": [(one, figures, _query(scope, one, "")) for one, figures in months.items()],
        "bars": list(_bars(months, known)),
        "chart": {"width": WIDTH, "height": HEIGHT, "base": HEIGHT - FOOT, "known_y": _known_y(months, known)},
        "known": known,
        "known_took": finding.spoken(known.seconds * SECOND) if known else "",
        "units": [(unit, one, _query(scope, month, "", unit=unit.pk)) for unit, one in units.items()],
        "lists": [
            (code, OUTCOMES[code][0], _lines(scope, month, code, WORDS), _query(scope, month, code))
            for code in ("no_result", "no_click")
        ],
        "may_set": request.user.has_power("knowledge.manage"),
    }
    return render(request, "workplace/kb/time_to_find.html", context)


@requires(*READERS)
@require_GET
def words(request: StaffRequest) -> HttpResponse:
    """Show all the words of searches with one outcome, the most frequent first."""
    scope, month = _asked(request)
    outcome = _outcome(request) or "no_result"
    page = Paginator(finding.words(scope, outcome), PER_PAGE).get_page(request.GET.get("page"))
    context = {
        **_frame(scope, month),
        "page": page,
        "lines": list(_linked(page.object_list, scope, month, outcome)),
        "title": OUTCOMES[outcome][0],
        "query": _query(scope, month, outcome),
    }
    return render(request, "workplace/kb/words.html", context)


@requires(*READERS)
@require_GET
def searches(request: StaffRequest) -> HttpResponseBase:
    """Show the very searches a figure counts, or hand them out as a table (`?format=`); nobody is named."""
    scope, month = _asked(request)
    outcome, said = _outcome(request), request.GET.get("q", "").replace("\x00", "")[: finding.QUERY_MAX]
    rows = finding.searches(scope, outcome).select_related("page", "unit").order_by("-began_at", "-pk")
    if said:
        rows = rows.filter(query=said)
    if request.GET.get("by") == "time":
        rows = rows.order_by("opened_ms", "-pk")
    if (kind := request.GET.get("format")) in ("csv", "xlsx"):
        return _handed_out(rows.iterator(chunk_size=2000), kind)
    page = Paginator(rows, PER_PAGE).get_page(request.GET.get("page"))
    context = {
        **_frame(scope, month),
        "page": page,
        "outcome": OUTCOMES[outcome][0] if outcome else "",
        "said": said,
        "query": _query(scope, month, outcome, q=said) + ("&by=time" if request.GET.get("by") == "time" else ""),
    }
    return render(request, "workplace/kb/searches.html", context)


class BaselineForm(TidyForm, forms.ModelForm):  # type: ignore[type-arg]
    """How long finding took before: a value with its day and source."""

    class Meta:
        model = Baseline
        fields = ("audience", "seconds", "measured_on", "source")
        widgets = {"measured_on": DATE_INPUT}
        help_texts = {"source": "Например: хронометраж, 20 запросов, отдел земельных отношений."}

    def clean_seconds(self) -> int:
        """Ask for a time somebody can have measured."""
        seconds: int = self.cleaned_data["seconds"]
        if not 1 <= seconds <= 24 * 3600:
            raise ValidationError("Укажите от 1 секунды до суток (86400).")
        return seconds

    def clean_measured_on(self) -> date:
        """Refuse a day that has not come."""
        day: date = self.cleaned_data["measured_on"]
        if day > timezone.localdate():
            raise ValidationError("Этот день ещё не наступил. Укажите день, когда измеряли.")
        return day


@requires("knowledge.manage")
@require_http_methods(["GET", "POST"])
def baseline(request: StaffRequest) -> HttpResponse:
    """Enter how long finding took before, to be seen beside today's figures."""
    form = BaselineForm(request.POST or None, initial={"measured_on": timezone.localdate()})
    if request.method == "POST" and form.is_valid():
        row = form.save(commit=False)
        finding.set_baseline(row, by=request.user)
        messages.success(request, "Исходное время записано.")
        return redirect(f"{reverse('workplace:time_to_find')}?audience={row.audience}")
    context = {
        "form": form,
        "title": "Исходное время поиска",
        "lead": "Сколько искали раньше, до Отклика или до изменений: с этим сравниваются показатели.",
        "back": reverse("workplace:time_to_find"),
        "back_name": "Время поиска",
        "wide": ("source",),
    }
    return render(request, "workplace/row_form.html", context, status=422 if form.errors else 200)


def _asked(request: StaffRequest) -> tuple[Scope, date | None]:
    """Return whose searches of which days the address asks for, and the month where it names one."""
    today = timezone.localdate()
    audience = request.GET.get("audience")
    public = audience == Audience.PUBLIC
    unit = None if public else typed.number(request.GET.get("unit"))
    month = typed.day(f"{request.GET.get('month', '')}-01")
    first, last = typed.day(request.GET.get("first")), typed.day(request.GET.get("last"))
    if first and last and first <= last:  # a figure asks for its own days
        return Scope(Audience.PUBLIC if public else Audience.STAFF, first, last, unit), None
    if month is None or month > today:
        return Scope(Audience.PUBLIC if public else Audience.STAFF, _months_before(today), today, unit), None
    last = (month + timedelta(days=32)).replace(day=1) - timedelta(days=1)
    return Scope(Audience.PUBLIC if public else Audience.STAFF, month, last, unit), month


def _months_before(today: date) -> date:
    """Return the first day of the year of months that ends with this one."""
    month = today.month - MONTHS
    return date(today.year + month // 12, month % 12 + 1, 1)


def _outcome(request: StaffRequest) -> str:
    outcome = request.GET.get("outcome", "")
    return outcome if outcome in OUTCOMES else ""


def _frame(scope: Scope, month: date | None) -> dict[str, Any]:
    """Return what every page of these says of itself: whose searches, when, and the ways on from here."""
    unit = Unit.objects.filter(pk=scope.unit).first() if scope.unit is not None else None
    return {
        "scope": scope,
        "month": month,
        "unit": unit,
        "when": _when(scope, month),
        "audiences": [(code, words, f"audience={code}{_of(month)}") for code, words in Audience.choices],
        "every": _query(scope, month, ""),
        "all": {code: _query(scope, month, code) for code in OUTCOMES},
    }


def _own_days(scope: Scope, month: date | None) -> bool:
    """Tell whether the address named days of its own: no month, no year of months."""
    today = timezone.localdate()
    return month is None and (scope.first, scope.last) != (_months_before(today), today)


def _when(scope: Scope, month: date | None) -> str:
    if month:
        return date_format(month, "F Y").lower()
    if _own_days(scope, month):
        return f"{scope.first:%d.%m.%Y} — {scope.last:%d.%m.%Y}"
    return f"за {MONTHS} месяцев"


def _from_the_first(months: dict[date, Figures]) -> dict[date, Figures]:
    """Return the months from the first in which somebody searched; where nobody did, the last one."""
    first = next((month for month, figures in months.items() if figures.total), max(months))
    return {month: figures for month, figures in months.items() if month >= first}


def _of(month: date | None) -> str:
    return f"&month={month:%Y-%m}" if month else ""


def _query(scope: Scope, month: date | None, outcome: str, *, unit: int | None = None, q: str = "") -> str:
    """Return the address line that asks for exactly these searches."""
    asked: dict[str, object] = {
        "audience": scope.audience.value,
        "unit": unit or scope.unit or "",
        "month": f"{month:%Y-%m}" if month else "",
        "outcome": outcome,
        "q": q,
    }
    if _own_days(scope, month):
        asked |= {"first": scope.first.isoformat(), "last": scope.last.isoformat()}
    return urlencode({name: value for name, value in asked.items() if value})


def _lines(scope: Scope, month: date | None, outcome: str, most: int) -> list[tuple[dict[str, Any], str]]:
    return list(_linked(finding.words(scope, outcome)[:most], scope, month, outcome))


def _linked(
    lines: Iterable[Any], scope: Scope, month: date | None, outcome: str
) -> Iterator[tuple[dict[str, Any], str]]:
    for line in lines:
        yield line, _query(scope, month, outcome, q=line["query"])


def _highest(months: dict[date, Figures], known: Baseline | None) -> int:
    times = [figures.p90 or 0 for figures in months.values()]
    return max([*times, known.seconds * SECOND if known else 0, SECOND])


def _y(ms: int, highest: int) -> int:
    room = HEIGHT - FOOT - 24  # above the highest stands its figure
    return round(HEIGHT - FOOT - room * ms / highest)


def _known_y(months: dict[date, Figures], known: Baseline | None) -> int | None:
    return _y(known.seconds * SECOND, _highest(months, known)) if known else None


def _bars(months: dict[date, Figures], known: Baseline | None) -> Iterator[Bar]:
    step, highest = WIDTH / len(months), _highest(months, known)
    for number, (month, figures) in enumerate(months.items()):
        median = figures.median or 0
        y = _y(median, highest)
        yield Bar(
            words=date_format(month, "M").lower(),
            x=round(number * step + step * 0.2),
            width=round(step * 0.6),
            y=y,
            height=HEIGHT - FOOT - y,
            p90_y=_y(figures.p90, highest) if figures.p90 is not None else None,
            label=finding.spoken(figures.median) if figures.median is not None else "",
        )


def _handed_out(rows: Iterable[SearchSession], kind: str) -> HttpResponseBase:
    name = f"poisk-{timezone.localdate()}.{kind}"
    if kind == "xlsx":
        content = sheets.xlsx(_table(rows), title="Поиск материалов")
        return files.download(HttpResponse(content, content_type=sheets.XLSX), name)
    return files.download(StreamingHttpResponse(sheets.csv_lines(_table(rows)), content_type=sheets.CSV), name)


def _table(rows: Iterable[SearchSession]) -> Iterator[Iterable[object]]:
    yield HEADINGS
    for row in rows:
        yield (
            timezone.localtime(row.began_at).strftime("%d.%m.%Y %H:%M"),
            row.get_audience_display(),
            row.unit.short_name if row.unit else "",
            row.query,
            row.found,
            finding.ending(row),
            row.page.title if row.page else "",
            row.rank or "",
            round(row.opened_ms / SECOND) if row.opened_ms is not None else "",
        )
