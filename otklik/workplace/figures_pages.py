"""«Показатели»: every figure with its formula, the period before, its target and the list it counts; by any slice."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import date, timedelta
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlencode

from django.contrib import messages
from django.db.models import Count, Q
from django.http import HttpResponse, StreamingHttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.formats import date_format
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from otklik.appeals import access, queues
from otklik.appeals.models import Appeal, Need, Topic
from otklik.core import files, sheets, typed, typeset
from otklik.core.access import requires
from otklik.core.errors import DomainError
from otklik.core.terms import valid
from otklik.correspondence.models import ChannelCode
from otklik.people import staff
from otklik.people.models import Employee, Unit
from otklik.reports import (
    kept,
    line,
    measures,
    measures_knowledge,
    measures_line,
    measures_opinions,
    measures_receptions,
    measures_terms,
    opinions,
    receptions,
    targets,
)
from otklik.reports.measures import Line, Measure, Slice
from otklik.reports.measuring import FEWEST, months_on, share, together
from otklik.reports.models import MeasureTarget
from otklik.workplace import asked, bars, feedback, kb_votes
from otklik.workplace.bars import Bar
from otklik.workplace.requests import StaffRequest

READERS: Final = (access.ALL, access.UNIT)
HEADS: Final = "appeals.approve"  # who sees the load of single employees
PRINTS: Final = Path(__file__).parent / "prints"
# Who may open the list behind a figure; to others the figure is plain.
LISTS: Final[dict[str, tuple[str, ...]]] = {
    measures_terms.LIST: asked.APPEALS,
    measures_line.LIST: line.READERS,
    measures_opinions.SAID: feedback.READERS,
    measures_opinions.TALKS: (opinions.READ,),
    measures_knowledge.LIST: kb_votes.READERS,
    measures_knowledge.REVIEWS: READERS,
    measures_receptions.LIST: receptions.READERS,
}
SECTIONS: Final[dict[str, tuple[str, tuple[Measure, ...]]]] = {
    "appeals": ("Обращения", measures_terms.MEASURES),
    "topics": ("Темы и потребности", ()),
    "opinions": ("Обратная связь", measures_opinions.MEASURES),
    "line": ("Линия", measures_line.MEASURES),
    "knowledge": ("База знаний", measures_knowledge.MEASURES),
    "reception": ("Приём", measures_receptions.MEASURES),
    "load": ("Нагрузка", ()),
}
BY: Final = {"unit": "подразделениям", "channel": "каналам", "topic": "темам"}
MOST_TOPICS: Final = 60  # lines of a table on the page; the tables handed out have all
MOST_BARS: Final = 24


@dataclass(frozen=True)
class Asked:
    """What the address asks for."""

    section: str
    slice: Slice
    by: str

    def query(self, **changes: object) -> str:
        """Return the address line that asks for exactly this, but for what is changed."""
        said: dict[str, object] = {
            "section": self.section,
            "first": self.slice.first.isoformat(),
            "last": self.slice.last.isoformat(),
            "unit": self.slice.unit or "",
            "channel": self.slice.channel,
            "topic": self.slice.topic or "",
            "by": self.by,
        }
        return urlencode({name: value for name, value in (said | changes).items() if value})


@dataclass(frozen=True)
class Shown:
    """A figure as the page shows it: in words, with the way to its list where the reader may go there."""

    line: Line
    address: str
    number: str  # of how many: «45 из 60»
    change: str
    target: str


@requires(*READERS)
@require_GET
def figures(request: StaffRequest) -> HttpResponseBase:
    """Show one section of the figures for a slice, or hand it out as a table or for printing (`?format=`)."""
    wanted = _asked(request)
    made = _made(request.user, wanted)
    kind = request.GET.get("format")
    name = f"pokazateli-{wanted.slice.first}-{wanted.slice.last}"
    if kind == "csv":
        answer = StreamingHttpResponse(sheets.csv_lines(_table(made)), content_type=sheets.CSV)
        return files.download(answer, f"{name}.csv")
    if kind == "xlsx":
        content = sheets.xlsx(_table(made), title="Показатели")
        return files.download(HttpResponse(content, content_type=sheets.XLSX), f"{name}.xlsx")
    if kind == "pdf":
        return files.download(HttpResponse(_pdf(made, request.user), content_type="application/pdf"), f"{name}.pdf")
    return render(request, "workplace/figures.html", vars(made) | _frame(request, made))


@dataclass
class Made:
    """A section made for a reader: its figures, and its tables of groups."""

    wanted: Asked
    title: str
    groups: list[tuple[str, list[Shown]]]
    tables: list[Table]
    bars: list[Bar]
    months: list[tuple[str, int, int]]
    condition: kept.Condition
    words: str


@dataclass(frozen=True)
class Table:
    """A table of groups: each cell is its words and the address of what it counts, empty where there is none."""

    title: str
    heads: tuple[str, ...]
    rows: list[list[tuple[str, str]]]
    left: int = 0  # lines the page leaves out


# --- what is asked ---------------------------------------------------------------------------------------------------


def presets(today: date) -> list[tuple[str, date, date]]:
    """Return the periods one link leads to: this and the last month, quarter and year."""
    month = today.replace(day=1)
    quarter = date(today.year, (today.month - 1) // 3 * 3 + 1, 1)
    day = timedelta(days=1)
    return [
        ("этот месяц", month, today),
        ("прошлый месяц", months_on(month, -1), month - day),
        ("этот квартал", quarter, today),
        ("прошлый квартал", months_on(quarter, -3), quarter - day),
        ("этот год", date(today.year, 1, 1), today),
        ("прошлый год", date(today.year - 1, 1, 1), date(today.year - 1, 12, 31)),
    ]


def _asked(request: StaffRequest) -> Asked:
    get, today = request.GET, timezone.localdate()
    first, last = typed.day(get.get("first")), typed.day(get.get("last"))
    usual = today.replace(day=1)
    last = last or (today if first is None or first <= today else first)
    first = first or min(usual, last)
    section = get.get("section", "")
    if section not in SECTIONS or (section == "load" and not request.user.has_power(HEADS)):
        section = "appeals"
    channel, by = get.get("channel", ""), get.get("by", "")
    slice_ = Slice(
        min(first, last),
        max(first, last),
        unit=_unit(request.user, typed.number(get.get("unit"))),
        channel=channel if channel in ChannelCode.values else "",
        topic=typed.number(get.get("topic")),
    )
    return Asked(section, slice_, by if by in BY else "unit")


def _unit(user: Employee, wanted: int | None) -> int | None:
    """Return the unit to look at: any or all for who sees all appeals, else one of his own."""
    if user.has_power(access.ALL):
        return wanted
    mine = access.units_of(user)
    if wanted in mine:
        return wanted
    return user.unit_id if user.unit_id in mine else min(mine, default=0) or -1


# --- what is made ----------------------------------------------------------------------------------------------------


def _made(user: Employee, wanted: Asked) -> Made:
    title, own = SECTIONS[wanted.section]
    # Only appeals are kept added up; all others are counted as they are.
    of_appeals = wanted.section in ("appeals", "topics", "load")
    condition = kept.condition() if of_appeals else kept.Condition(None, 100)
    with together():
        found = [_shown(user, one) for one in measures.shown(own, wanted.slice, compared=True)]
        groups: dict[str, list[Shown]] = {}
        for one in found:
            groups.setdefault(one.line.measure.group, []).append(one)
        made = Made(wanted, title, list(groups.items()), [], [], [], condition, _words(wanted.slice))
        if wanted.section == "appeals":
            made.tables = [_groups(wanted)]
            made.months = _months(wanted.slice)
            made.bars = list(_bars(made.months[-MOST_BARS:]))
        elif wanted.section == "topics":
            made.tables = [_topics(wanted)]
        elif wanted.section == "load":
            made.tables = [_load(wanted)]
    return made


def _shown(user: Employee, one: Line) -> Shown:
    powers = LISTS.get(one.measure.list_name, ())
    may = bool(one.address) and user.has_any(powers)
    now, kind = one.now, one.measure.kind
    number = f"{now.part} из {now.whole}" if kind == "share" else "" if kind == "count" else f"по {now.whole}"
    return Shown(one, one.address if may else "", number, _change(one), _target(one))


def _change(one: Line) -> str:
    """Say how a figure changed since the period before: an arrow, by how much, whether it is for the better."""
    change = one.change
    if change is None:
        return ""
    rounded = round(change, 1)
    if not rounded:
        return "→ без изменений"
    said = measures.spoken("score", abs(rounded))
    unit = {"share": " п. п.", "days": " дн.", "minutes": " мин"}.get(one.measure.kind, "")
    words = ""
    if one.measure.better:
        words = ", лучше" if (rounded > 0) == (one.measure.better == "more") else ", хуже"
    return f"{'↑' if rounded > 0 else '↓'} на {said}{unit}{words}"


def _target(one: Line) -> str:
    if one.target is None:
        return ""
    sign = "не больше" if one.measure.better == "less" else "не меньше"
    goal = f"{sign} {measures.spoken(one.measure.kind, one.target)}"
    if one.reached is None:
        return f"{goal}: сказать нельзя"
    return f"{goal}: {'достигнуто' if one.reached else 'не достигнуто'}"


def _names(dimension: str, values: Iterable[Any]) -> dict[Any, str]:
    known = [value for value in values if value]
    if dimension == "channel":
        return dict(ChannelCode.choices)
    if dimension == "unit":
        return {row.pk: row.short_name for row in Unit.objects.filter(pk__in=known)}
    return {row.pk: f"{row.code} {row.name}" for row in Topic.objects.filter(pk__in=known)}


def _percent(part: int, whole: int) -> str:
    return measures.spoken("share", share(part, whole).value) if whole >= FEWEST else "—"


def _groups(wanted: Asked) -> Table:
    """Return the table of appeals apart by unit, channel or topic."""
    came, over = (kept.by(wanted.slice, event, wanted.by) for event in (kept.CAME, kept.OVER))
    values = came.keys() | over.keys()
    names = _names(wanted.by, values)
    nobody = {"unit": "подразделение не назначено", "channel": "не указан", "topic": "без темы"}
    none = kept.Tally()
    rows: list[list[tuple[str, str]]] = []
    for value in sorted(values, key=lambda one: (-came.get(one, none).count(), str(names.get(one, "")))):
        arrived, ended = came.get(value, none), over.get(value, none)
        own = replace(wanted.slice, **{wanted.by: value}) if value else None

        def of(event: str, mark: str = "", of: Slice | None = own) -> str:
            return f"{reverse('workplace:queue')}?{measures_terms.address(of, event, mark=mark)}" if of else ""

        known, in_term = ended.count("with_term"), ended.count("in_term")
        rows.append(
            [
                (names.get(value) or nobody[wanted.by], f"?{wanted.query(**{wanted.by: value})}" if own else ""),
                (str(arrived.count()), of(kept.CAME)),
                (str(ended.count()), of(kept.OVER)),
                (str(in_term), of(kept.OVER, "in_term")),
                (_percent(in_term, known), ""),
                (str(ended.count("late")), of(kept.OVER, "late")),
                (measures.spoken("days", ended.mean), ""),
                (measures.spoken("days", ended.mark(50)), ""),
                (str(ended.count("extended")), of(kept.OVER, "extended")),
                (str(arrived.count("repeated")), of(kept.CAME, "repeated")),
            ]
        )
    heads = (
        *("Группа", "Поступило", "Закончено", "В срок", "В срок, %", "Позже срока", "Средний срок", "Медиана"),
        *("Продлено", "Повторных"),
    )
    return Table(f"По {BY[wanted.by]}", heads, rows)


def _topics(wanted: Asked) -> Table:
    """Return what people asked about: each topic with each need by each channel, the most first."""
    told = kept.pairs(wanted.slice)
    together_: dict[tuple[int, int], dict[str, int]] = {}
    for topic, need, channel, number in told:
        together_.setdefault((topic, need), {})[channel] = number
    channels = [code for code in ChannelCode.values if any(code in one for one in together_.values())]
    topics = Topic.objects.in_bulk({topic for topic, _ in together_})
    needs = Need.objects.in_bulk({need for _, need in together_})
    queue, rows = reverse("workplace:queue"), []
    for (topic, need), by_channel in sorted(together_.items(), key=lambda one: -sum(one[1].values())):
        own = replace(wanted.slice, topic=topic)
        address = f"{queue}?{measures_terms.address(own, kept.CAME)}&need={need}"
        cells = [
            (str(topics[topic]) if topic in topics else "тема удалена", ""),
            (needs[need].name if need in needs else "потребность удалена", ""),
            (str(sum(by_channel.values())), address),
        ]
        for code in channels:
            narrowed = measures_terms.address(replace(own, channel=code), kept.CAME)
            number = by_channel.get(code, 0)
            cells.append((str(number), f"{queue}?{narrowed}&need={need}" if number else ""))
        rows.append(cells)
    names = dict(ChannelCode.choices)
    heads = ("Тема", "Типовая потребность", "Всего", *(str(names[code]) for code in channels))
    return Table("Темы × потребности × каналы", heads, rows)


def _load(wanted: Asked) -> Table:
    """Return what each executor has in work and has ended: shown to heads only."""
    today = timezone.localdate()
    opened: Any = Appeal.objects.filter(status__in=queues.OPEN, executor__isnull=False)
    opened = opened.filter(unit=wanted.slice.unit) if wanted.slice.unit else opened
    opened = opened.filter(channel=wanted.slice.channel) if wanted.slice.channel else opened
    counted = opened.order_by().values("executor").annotate(n=Count("pk"), late=Count("pk", filter=Q(due_on__lt=today)))
    has = {row["executor"]: (row["n"], row["late"]) for row in counted}
    over = {pk: one for pk, one in kept.by_executor(replace(wanted.slice, topic=None)).items() if pk}
    people = Employee.objects.in_bulk(has.keys() | over.keys())
    queue, rows, none = reverse("workplace:queue"), [], kept.Tally()
    beside = {"unit": wanted.slice.unit, "channel": wanted.slice.channel}
    for pk in sorted(people, key=lambda one: (-has.get(one, (0, 0))[0], people[one].last_name)):
        number, late = has.get(pk, (0, 0))
        ended = over.get(pk, none)
        own = urlencode({"view": "all", "executor": pk} | {name: one for name, one in beside.items() if one})
        period = f"{queue}?{measures_terms.address(replace(wanted.slice, topic=None), kept.OVER)}&executor={pk}"
        rows.append(
            [
                (people[pk].short_name, ""),
                (str(number), f"{queue}?{own}&mark=open"),
                (str(late), f"{queue}?{own}&term=overdue"),
                (str(ended.count()), period),
                (str(ended.count("in_term")), f"{period}&mark=in_term"),
                (_percent(ended.count("in_term"), ended.count("with_term")), ""),
                (measures.spoken("days", ended.mark(50)), ""),
            ]
        )
    heads = ("Сотрудник", "В работе сейчас", "Просрочено", "Закончил", "В срок", "В срок, %", "Медиана")
    return Table("Нагрузка по сотрудникам", heads, rows)


def _months(slice_: Slice) -> list[tuple[str, int, int]]:
    """Return each whole month of a slice: its name, what ended in term, what ended late."""
    found = kept.by_month(slice_, kept.OVER)
    many = len({month.year for month in found}) > 1
    name = "b y" if many else "F"
    return [
        (date_format(month, name).lower(), one.count() - one.count("late"), one.count("late"))
        for month, one in found.items()
    ]


def _bars(months: list[tuple[str, int, int]]) -> Iterator[Bar]:
    """Yield a bar a month: what ended in term, and above it what was late; one month alone is no chart."""
    if len(months) > 1:
        yield from bars.stacked([(words, good + late, good, late) for words, good, late in months])


# --- how it is shown and handed out ----------------------------------------------------------------------------------


def _words(slice_: Slice) -> str:
    """Say in words what a slice is narrowed to, besides its days."""
    parts = [f"{slice_.first:%d.%m.%Y} — {slice_.last:%d.%m.%Y}"]
    if slice_.unit and (unit := Unit.objects.filter(pk=slice_.unit).first()):
        parts.append(unit.short_name)
    if slice_.channel:
        parts.append(str(ChannelCode(slice_.channel).label))
    if slice_.topic and (topic := Topic.objects.filter(pk=slice_.topic).first()):
        parts.append(topic.name)
    return ", ".join(parts)


def _frame(request: StaffRequest, made: Made) -> dict[str, Any]:
    wanted, user, today = made.wanted, request.user, timezone.localdate()
    everything = user.has_power(access.ALL)
    units = Unit.objects.filter(valid(today)).order_by("short_name")
    mine = units if everything else units.filter(pk__in=access.units_of(user))
    before = wanted.slice.before
    return {
        "slice": wanted.slice,
        "before": f"{before.first:%d.%m.%Y} — {before.last:%d.%m.%Y}",
        "sections": [
            (code, title, wanted.query(section=code), code == wanted.section)
            for code, (title, _) in SECTIONS.items()
            if code != "load" or user.has_power(HEADS)
        ],
        "presets": [
            (words, wanted.query(first=first, last=last), (first, last) == (wanted.slice.first, wanted.slice.last))
            for words, first, last in presets(today)
        ],
        "bys": [(code, words, wanted.query(by=code), code == wanted.by) for code, words in BY.items()],
        "units": list(mine.values_list("pk", "short_name")),
        "any_unit": everything,
        "channels": ChannelCode.choices,
        "query": wanted.query(),
        "without_topic": wanted.query(topic="") if wanted.slice.topic else "",
        "chart": bars.CHART,
        "shown_tables": [
            replace(one, rows=one.rows[:MOST_TOPICS], left=max(len(one.rows) - MOST_TOPICS, 0)) for one in made.tables
        ],
        "fewest": FEWEST,
        "targets_too": user.has_power(targets.KEEPS),
        "numbers": {},
        "lazy_menu": True,
    }


def _table(made: Made) -> Iterator[Iterable[object]]:
    yield ("Показатели", made.title, made.words)
    if made.groups:
        yield ("Показатель", "Значение", "По скольким", "Период до", "Изменение", "Цель", "Формула")
    for group, rows in made.groups:
        yield (group,)
        for one in rows:
            line_ = one.line
            yield (
                line_.measure.title, line_.words, one.number, line_.before_words, one.change, one.target,
                line_.measure.formula,
            )  # fmt: skip
    for table in made.tables:
        yield (table.title,)
        yield table.heads
        for cells in table.rows:
            yield tuple(int(words) if words.isdecimal() else words for words, _ in cells)


def _pdf(made: Made, user: Employee) -> bytes:
    """Return the section for printing: the same words as on the page."""
    today = timezone.localdate()
    highest = max([1, *(good + late for _, good, late in made.months)])
    words: dict[str, object] = {
        "title": f"Показатели: {made.title}",
        "department": staff.department().name,
        "lead": f"{made.words}. Сравнение с периодом до: {_frame_before(made)}. На {today:%d.%m.%Y}.",
        "foot": f"Показатели · {made.words} · {user.short_name}",
        "groups": [
            {
                "title": group,
                "rows": [
                    [one.line.measure.title, one.line.words, one.number, one.line.before_words, one.change, one.target,
                     one.line.measure.formula]
                    for one in rows
                ],
            }
            for group, rows in made.groups
        ],
        "tables": [
            {"title": one.title, "heads": one.heads, "rows": [[words for words, _ in cells] for cells in one.rows]}
            for one in made.tables
        ],
        "months": [
            {"words": name, "good": good, "late": late, "good_part": good / highest, "late_part": late / highest}
            for name, good, late in made.months
        ],
    }  # fmt: skip
    return typeset.pdf(PRINTS / "figures.typ", {"it": words}, on=today)


def _frame_before(made: Made) -> str:
    before = made.wanted.slice.before
    return f"{before.first:%d.%m.%Y} — {before.last:%d.%m.%Y}"


@requires(*READERS)
@require_GET
def figure_reviews(request: StaffRequest) -> HttpResponse:
    """Show the sections of units that «Свежесть Базы знаний» counts: those checked, or all to be checked."""
    slice_ = _asked(request).slice
    closed = request.GET.get("closed") == "1"
    rows = measures_knowledge.duties(slice_, closed=closed).select_related("unit", "closed_by")
    context = {
        "rows": rows.order_by("-year", "-quarter", "unit__short_name"),
        "closed": closed,
        "words": _words(slice_),
        "other": urlencode(
            {"first": slice_.first, "last": slice_.last}
            | ({"unit": slice_.unit} if slice_.unit else {})
            | ({} if closed else {"closed": 1})
        ),
    }
    return render(request, "workplace/figure_reviews.html", context)


# --- targets ---------------------------------------------------------------------------------------------------------


class WrongTarget(DomainError):
    """What was typed is no number or no day."""

    code = "figures.wrong_target"
    text = "{why} Остальное осталось на странице."


@requires(*READERS)
@require_http_methods(["GET", "POST"])
def figure_targets(request: StaffRequest) -> HttpResponse:
    """Show what figures ought to be; who keeps dictionaries sets a new target."""
    wrong, given = (
        "",
        {name: request.POST.get(name, "")[:300] for name in ("measure", "value", "basis", "first", "last")},
    )
    if request.method == "POST":
        try:
            _put(request.user, given)
        except DomainError as exc:
            wrong = str(exc)
        else:
            messages.success(request, "Целевое значение задано.")
            return redirect("workplace:figure_targets")
    today = timezone.localdate()
    titles = {one.code: one for one in measures.MEASURES}
    rows = [
        (row, titles[row.measure].title if row.measure in titles else row.measure, _goal(row, titles))
        for row in targets.all_targets()
    ]
    context = {
        "rows": rows,
        "today": today,
        "choices": [(one.code, f"{one.group}: {one.title}") for one in measures.MEASURES if one.better],
        "given": given | ({} if request.method == "POST" else {"first": today.isoformat()}),
        "wrong": wrong,
        "may": request.user.has_power(targets.KEEPS),
    }
    return render(request, "workplace/figure_targets.html", context, status=422 if wrong else 200)


def _goal(row: MeasureTarget, known: dict[str, Measure]) -> str:
    one = known.get(row.measure)
    if one is None:
        return str(row.value)
    sign = "не больше" if one.better == "less" else "не меньше"
    return f"{sign} {measures.spoken(one.kind, float(row.value))}"


def _put(user: Employee, given: dict[str, str]) -> None:
    first, last = typed.day(given["first"]), typed.day(given["last"])
    if first is None:
        raise WrongTarget(why="Укажите, с какого дня действует значение.")
    if given["last"] and last is None:
        raise WrongTarget(why="Последний день не прочитан: выберите его в календаре или оставьте пустым.")
    try:
        value = Decimal(given["value"].strip().replace(",", "."))
    except InvalidOperation:
        raise WrongTarget(why=f"«{given['value']}» — не число. Напишите, например, 95 или 12,5.") from None
    if not value.is_finite() or abs(value) >= 10**8:
        raise WrongTarget(why="Слишком большое число.")
    one = measures.measure(given["measure"])
    targets.put(one, value, valid_from=first, valid_to=last, basis=given["basis"].strip(), by=user)


@requires(targets.KEEPS)
@require_POST
def figure_target_end(request: StaffRequest, pk: int) -> HttpResponse:
    """Let a target end today."""
    row = get_object_or_404(MeasureTarget, pk=pk)
    today = timezone.localdate()
    targets.end(row, last_day=max(today, row.valid_from), by=request.user)
    messages.success(request, "Целевое значение закончено: сегодня оно действует последний день.")
    return redirect("workplace:figure_targets")
