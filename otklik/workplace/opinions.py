"""The analysis of what people say: figures with their numbers, every one of which opens its list."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import date, timedelta
from typing import Any, Final
from urllib.parse import urlencode

from django.core.paginator import Paginator
from django.http import HttpResponse, StreamingHttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.utils.formats import date_format
from django.views.decorators.http import require_GET

from otklik.appeals import access
from otklik.appeals.models import Topic
from otklik.core import files, sheets, typed
from otklik.core.access import requires
from otklik.core.masking import phone
from otklik.correspondence.models import ChannelCode
from otklik.people.models import Employee, Unit
from otklik.reports import measures, opinions
from otklik.reports.measuring import Amount, Slice
from otklik.reports.opinions import DIMENSIONS, HEADS, NOBODY, TALKS, Figures, Scope, Share
from otklik.surveys.models import OpinionTarget, Response
from otklik.workplace.requests import StaffRequest

MONTHS: Final = 12
PER_PAGE: Final = 50
EVER: Final = date(2000, 1, 1)
HEADINGS: Final = (
    *("Разрез", "Группа", "Отзывов", "Оценили", "CSI, %", "CSAT, %", "Сказали про ответ", "Ответ получен, %"),
    *("Со словами", "Отзывы разобраны, %"),
)
TALK_HEADINGS: Final = ("Начата", "Линия", "Консультант", "Тема", "Итог", "Два вопроса", "Почему не предложено")
# The chart, in units of its own: it is drawn as wide as the page lets it.
WIDTH, HEIGHT, FOOT, HEAD = 720, 200, 24, 24


@dataclass(frozen=True)
class Tile:
    """One figure of the page: what it is, of how many, what it ought to be, and the list it counts."""

    code: str
    name: str
    share: Share
    part: str
    list_url: str
    of: str
    of_url: str
    target: OpinionTarget | None

    @property
    def kept(self) -> bool | None:
        """Tell whether the target is reached; None where there is none, or too few to speak of it."""
        if self.target is None or self.share.percent is None:
            return None
        return self.share.percent >= self.target.percent


@dataclass(frozen=True)
class Bar:
    """One month of the chart; of too few opinions there is no bar."""

    words: str
    x: int
    width: int
    y: int
    height: int
    label: str

    @property
    def middle(self) -> int:
        """Return where its words stand."""
        return self.x + self.width // 2


@requires(opinions.READ)
@require_GET
def analysis(request: StaffRequest) -> HttpResponseBase:
    """Show the figures of a scope, month by month and by every dimension, or hand them out as a table (`?format=`)."""
    scope, user = asked(request), request.user
    shown = [one for one in DIMENSIONS if one != "consultant" or user.has_power(HEADS)]
    groups = [(one, DIMENSIONS[one], opinions.by(user, scope, one)) for one in shown]
    whole, talks = opinions.figures(user, scope), opinions.talks(user, scope)
    of_pos = _of_pos(user, scope)
    if (kind := request.GET.get("format")) in ("csv", "xlsx"):
        return handed_out(_table(whole, groups, of_pos), kind, "analiz-otzyvov", "Анализ отзывов")
    months, goals = _from_the_first(opinions.by_month(user, scope)), opinions.targets(scope.last)
    goal = goals.get(OpinionTarget.Figure.CSI)
    context = {
        "scope": scope,
        "whole": whole,
        "tiles": list(_tiles(whole, talks, scope, goals)),
        "of_pos": of_pos,
        "talks": talks,
        "talk_lists": {what: query(scope, view=what) for what in TALKS},
        "groups": [
            (code, name, [(words, one, _narrow(scope, code, value)) for value, words, one in rows])
            for code, name, rows in groups
            if rows
        ],
        "months": [(month, one, _of_month(scope, month)) for month, one in months.items()],
        "bars": list(_bars(months)),
        "chart": {
            "width": WIDTH,
            "height": HEIGHT,
            "base": HEIGHT - FOOT,
            "goal_y": _y(goal.percent) if goal else None,
        },
        "goal": goal,
        "narrowed": narrowed(scope),
        "sources": Response.Source.choices,
        "channels": ChannelCode.choices,
        "query": query(scope),
        "fewest": opinions.FEWEST,
        "ready": opinions.CAME_BACK.days,
    }
    return render(request, "workplace/opinions.html", context)


@requires(opinions.READ)
@require_GET
def consultations(request: StaffRequest) -> HttpResponseBase:
    """Show the very consultations a figure counts, or hand them out as a table (`?format=`)."""
    scope = asked(request)
    what = request.GET.get("view", "")
    what = what if what in TALKS else "all"
    rows = opinions.consultations(request.user, scope, what).select_related("line", "by", "topic")
    rows = rows.order_by("-opened_at", "-pk")
    heads = request.user.has_power(HEADS)
    if (kind := request.GET.get("format")) in ("csv", "xlsx"):
        return handed_out(_talk_table(rows.iterator(chunk_size=2000), heads), kind, "konsultacii", "Консультации")
    page = Paginator(rows, PER_PAGE).get_page(request.GET.get("page"))
    context = {
        "page": page,
        "rows": [(one, phone(one.number) if one.number else "") for one in page],
        "words": TALKS[what],
        "lists": [(code, words, query(scope, view=code)) for code, words in TALKS.items()],
        "chosen": what,
        "scope": scope,
        "heads": heads,
        "query": query(scope, view=what),
        "back": query(scope),
        "narrowed": narrowed(scope, view=what),
    }
    return render(request, "workplace/opinions_talks.html", context)


def asked(request: StaffRequest, *, since_ever: bool = False) -> Scope:
    """Return the scope an address asks for: a year by itself, everything for a plain list; a consultant for heads."""
    today, get = timezone.localdate(), request.GET
    first, last = typed.day(get.get("first")), typed.day(get.get("last"))
    month = today.year * 12 + today.month - MONTHS
    usual = EVER if since_ever else date(month // 12, month % 12 + 1, 1)
    last = min(last or today, today)
    first = min(first or usual, last)
    source, channel = get.get("source", ""), get.get("channel", "")
    return Scope(
        first=first,
        last=last,
        source=source if source in Response.Source.values else "",
        channel=channel if channel in ChannelCode.values else "",
        unit=typed.number(get.get("unit")),
        topic=typed.number(get.get("topic")),
        consultant=typed.number(get.get("consultant")) if request.user.has_power(HEADS) else None,
    )


def query(scope: Scope, **more: object) -> str:
    """Return the address line that asks for exactly this."""
    said: dict[str, object] = {
        "first": "" if scope.first == EVER else scope.first.isoformat(),
        "last": "" if scope.first == EVER and scope.last == timezone.localdate() else scope.last.isoformat(),
        "source": scope.source,
        "channel": scope.channel,
        "unit": "" if scope.unit is None else str(scope.unit),
        "topic": "" if scope.topic is None else str(scope.topic),
        "consultant": scope.consultant or "",
    }
    return urlencode({name: value for name, value in (said | more).items() if value})


def narrowed(scope: Scope, **more: object) -> list[tuple[str, str]]:
    """Return what a scope is narrowed to, in words, each with the address line without it."""
    found: list[tuple[str, str]] = []
    if scope.source:
        found.append((str(Response.Source(scope.source).label), query(replace(scope, source=""), **more)))
    if scope.channel:
        found.append((channel_name(scope.channel), query(replace(scope, channel=""), **more)))
    if scope.unit is not None:
        unit = Unit.objects.filter(pk=scope.unit).first()
        found.append((unit.short_name if unit else NOBODY["unit"], query(replace(scope, unit=None), **more)))
    if scope.topic is not None:
        topic = Topic.objects.filter(pk=scope.topic).first()
        found.append((topic.name if topic else NOBODY["topic"], query(replace(scope, topic=None), **more)))
    if scope.consultant and (who := Employee.objects.filter(pk=scope.consultant).first()):
        found.append((who.short_name, query(replace(scope, consultant=None), **more)))
    return found


def channel_name(code: str) -> str:
    """Return what a channel is called; an opinion from a place of ours may have none."""
    return str(dict(ChannelCode.choices).get(code, ""))


def handed_out(rows: Iterable[Iterable[object]], kind: str, name: str, title: str) -> HttpResponseBase:
    """Return a table as a file of the kind asked for."""
    name = f"{name}-{timezone.localdate()}.{kind}"
    if kind == "xlsx":
        return files.download(HttpResponse(sheets.xlsx(rows, title=title), content_type=sheets.XLSX), name)
    return files.download(StreamingHttpResponse(sheets.csv_lines(rows), content_type=sheets.CSV), name)


def _tiles(whole: Figures, talks: opinions.Talks, scope: Scope, goals: dict[str, OpinionTarget]) -> Iterator[Tile]:
    said, spoken = reverse("workplace:feedback"), reverse("workplace:opinion_talks")

    def of(view: str) -> str:
        return f"{said}?{query(scope, view=view)}"

    def talk(view: str) -> str:
        return f"{spoken}?{query(scope, view=view)}"

    halves = f"{whole.satisfied} + ½ × {whole.partial}"
    shapes = (
        ("csi", "CSI — индекс удовлетворённости", whole.csi, halves, "satisfied", "graded"),
        ("csat", "CSAT — удовлетворены", whole.csat, str(whole.satisfied), "satisfied", "graded"),
        ("answered", "Ответ получен", whole.answered, str(whole.yes), "yes", "told"),
        ("closed", "Отзывы разобраны", whole.loop, str(whole.closed), "closed", "texts"),
    )
    for code, name, share, part, view, among in shapes:
        yield Tile(code, name, share, part, of(view), opinions.SAID[among][0], of(among), goals.get(code))
    solved = str(talks.judged - talks.again)
    first_time = "FCR — решено с первого обращения"
    yield Tile("fcr", first_time, talks.fcr, solved, talk("solved"), TALKS["judged"], talk("judged"), goals.get("fcr"))
    yield Tile(
        "coverage",
        "Охват",
        talks.coverage,
        str(talks.answered),
        talk("answered"),
        TALKS["all"],
        talk("all"),
        goals.get("coverage"),
    )


@dataclass(frozen=True)
class PosMarks:
    """The marks from 1 to 5 given in ПОС to what ended in the days of a scope, and the list of these cases."""

    amount: Amount
    list_url: str

    @property
    def words(self) -> str:
        """Return the average as it is read."""
        return measures.spoken("score", self.amount.value)


def _of_pos(user: Employee, scope: Scope) -> PosMarks | None:
    """Return the marks of ПОС; None where there are none, or a scope asks for others or for cases he may not see."""
    sees = user.has_power(access.ALL) or scope.unit in opinions.units_of(user)
    if (
        0 in (scope.unit, scope.topic)
        or scope.source
        or scope.consultant
        or scope.channel not in ("", ChannelCode.POS)
        or not sees
    ):
        return None
    one, slice_ = measures.measure("pos_rating"), Slice(scope.first, scope.last, unit=scope.unit, topic=scope.topic)
    amount = one.of(slice_)
    return PosMarks(amount, f"{reverse(one.list_name)}?{one.query(slice_)}") if amount.whole else None


def _narrow(scope: Scope, dimension: str, value: Any) -> str:
    """Return the address line of one group; those without a unit or a topic are asked for by 0."""
    if not value and dimension not in ("unit", "topic"):
        return ""
    asked: dict[str, Any] = {dimension: value or 0}
    return query(replace(scope, **asked))


def _from_the_first(months: dict[date, Figures]) -> dict[date, Figures]:
    """Return the months from the first in which somebody said something; where nobody did, the last one."""
    first = next((month for month, one in months.items() if one.total), max(months))
    return {month: one for month, one in months.items() if month >= first}


def _of_month(scope: Scope, month: date) -> str:
    end = (month + timedelta(days=32)).replace(day=1) - timedelta(days=1)
    return query(replace(scope, first=max(month, scope.first), last=min(end, scope.last)))


def _y(percent: int) -> int:
    return round(HEIGHT - FOOT - (HEIGHT - FOOT - HEAD) * percent / 100)


def _bars(months: dict[date, Figures]) -> Iterator[Bar]:
    step = WIDTH / max(len(months), 1)
    for number, (month, one) in enumerate(months.items()):
        percent = one.csi.percent
        y = _y(percent or 0)
        yield Bar(
            words=date_format(month, "M").lower(),
            x=round(number * step + step * 0.2),
            width=round(step * 0.6),
            y=y,
            height=HEIGHT - FOOT - y,
            label=f"{percent} %" if percent is not None else "",
        )


def _table(
    whole: Figures, groups: Iterable[tuple[str, str, list[tuple[Any, str, Figures]]]], of_pos: PosMarks | None
) -> Iterator[Iterable[object]]:
    yield HEADINGS
    yield _line("Всего", "", whole)
    for _, name, rows in groups:
        for _, words, one in rows:
            yield _line(name, words, one)
    if of_pos:
        yield ()
        yield ("Оценки в ПОС", "Оценок", "Средняя, от 1 до 5")
        yield ("Всего", of_pos.amount.whole, of_pos.words)


def _line(dimension: str, group: str, one: Figures) -> tuple[object, ...]:
    csi, csat, answered, loop = (
        "" if share.percent is None else share.percent for share in (one.csi, one.csat, one.answered, one.loop)
    )
    return (dimension, group, one.total, one.graded, csi, csat, one.told, answered, one.texts, loop)


def _talk_table(rows: Iterable[Any], heads: bool) -> Iterator[Iterable[object]]:
    yield TALK_HEADINGS
    for row in rows:
        yield (
            timezone.localtime(row.opened_at).strftime("%d.%m.%Y %H:%M"),
            row.line.name,
            row.by.short_name if heads and row.by else "",
            row.topic.name if row.topic else "",
            row.get_outcome_display(),
            row.get_asked_display(),
            row.get_not_offered_display() if row.not_offered else "",
        )
