"""Figures of the consultation line (пп. 24, 27.1–27.4): each is a condition, so what it counts is what its list shows.

Everything is added up by the database; whatever the period, the questions asked are as many.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, fields
from datetime import date, datetime, timedelta
from typing import Any, Final, TypeAlias

from django.db.models import (
    Avg,
    BigIntegerField,
    Count,
    Exists,
    F,
    Func,
    IntegerField,
    OuterRef,
    Q,
    QuerySet,
    Sum,
    Value,
    Window,
)
from django.db.models.functions import Cast, Coalesce, RowNumber, Substr, TruncHour
from django.utils import timezone

from otklik.appeals.models import Need, Topic
from otklik.core import typed
from otklik.core.hours import midnight
from otklik.hotline import missed_figures
from otklik.hotline.missed_figures import IN_TIME, median_wait
from otklik.hotline.models import Call, Consultation, Hold, Line, MissedCall, ScriptUse, Transfer
from otklik.knowledge.models import MaterialUse
from otklik.knowledge.models.script_steps import STAGES
from otklik.people.models import Employee

# Whoever leads the unit of the line sees its figures, and those of each consultant.
READERS: Final = ("hotline.figures",)
FEWEST: Final = missed_figures.FEWEST  # one rule on all pages of the line
DAYS: Final = 30
MOST_DAYS: Final = 45  # beyond, days are shown by weeks, and weeks by months
MOST_WEEKS: Final = 40
NORM: Final = 30  # seconds, for calls of a line nobody knows
OFTEN: Final = 10  # topics and needs shown
ABOUT: Final = "consultation:"  # how the use of a material names the consultation it was for

Rows: TypeAlias = QuerySet[Any, Any]


@dataclass(frozen=True)
class Scope:
    """Which days are looked at; of one line (0: of none known), one consultant, one hour of the day where given."""

    first: date
    last: date
    line: int | None = None
    by: int | None = None
    hour: int | None = None

    def of(self, moment: str) -> Q:
        """Return the condition that a moment lies within."""
        within = Q(**{f"{moment}__gte": midnight(self.first), f"{moment}__lt": midnight(self.last, 1)})
        if self.line is not None:
            within &= Q(line=self.line or None)
        return within & Q(**{f"{moment}__hour": self.hour}) if self.hour is not None else within


def scope_of(first: date | None, last: date | None, **narrowed: int | None) -> Scope:
    """Return the days that are asked for: the last thirty where none are, in their order whichever comes first."""
    today = timezone.localdate()
    last = min(last or today, today)
    first = first or last - timedelta(days=DAYS - 1)
    return Scope(min(first, last), max(first, last), **narrowed)


# --- what is counted -------------------------------------------------------------------------------------------------


def calls(scope: Scope) -> QuerySet[Call]:
    """Return the calls that came in and are over."""
    over = Q(direction=Call.Direction.IN, state__in=(Call.State.ANSWERED, Call.State.MISSED))
    rows = Call.objects.filter(scope.of("came_at"), over)
    return rows.filter(answered_by=scope.by) if scope.by is not None else rows


def duties(scope: Scope) -> QuerySet[MissedCall]:
    """Return the duties to call back; of one consultant: those he settled."""
    rows = MissedCall.objects.filter(scope.of("first_at"))
    return rows.filter(settled_by=scope.by) if scope.by is not None else rows


def consultations(scope: Scope) -> QuerySet[Consultation]:
    """Return the consultations that are over, ours and those of the ЕКЦ."""
    rows = Consultation.objects.filter(scope.of("opened_at"), closed_at__isnull=False)
    return rows.filter(by=scope.by) if scope.by is not None else rows


class Lasted(Func):
    """Whole seconds from the second moment to the first: the two databases count them each in its own way."""

    output_field = IntegerField()

    def as_postgresql(self, compiler: Any, connection: Any, **extra: Any) -> Any:
        """Return it for PostgreSQL."""
        return self.as_sql(
            compiler, connection, template="FLOOR(EXTRACT(EPOCH FROM (%(expressions)s)))::integer", arg_joiner=" - "
        )

    def as_sqlite(self, compiler: Any, connection: Any, **extra: Any) -> Any:
        """Return it for SQLite."""
        return self.as_sql(compiler, connection, template="(django_timestamp_diff(%(expressions)s) / 1000000)")


_ANSWERED: Final = Q(state=Call.State.ANSWERED)
_MISSED: Final = Q(state=Call.State.MISSED)
_SAID: Final = "invitation__response__answers__"


def _answered(within: str) -> Q:
    """Return the condition for calls answered within the norm of their line (`lte`) or later (`gt`).

    Two conditions: a list narrowed by one over the column of a line loses the calls of none, and a sum does not.
    """
    of_line, of_none = Q(**{f"waited__{within}": F("line__answer_seconds")}), Q(**{f"waited__{within}": NORM})
    return _ANSWERED & (of_line | Q(line=None) & of_none)


def _used() -> Rows:
    """Return the consultations for which a material was used, by what each use says of itself."""
    uses = MaterialUse.objects.filter(reference__startswith=ABOUT).exclude(action=MaterialUse.Action.DECLINED)
    return uses.values(about=Cast(Substr("reference", len(ABOUT) + 1), BigIntegerField()))


def _read(**which: str) -> Exists:
    return Exists(ScriptUse.objects.filter(consultation=OuterRef("pk"), **which))


def _handed(where: str) -> Exists:
    return Exists(Transfer.objects.filter(consultation=OuterRef("pk"), where=where))


def _overlong() -> Exists:
    holds = Hold.objects.filter(consultation=OuterRef("pk"), ended_at__isnull=False)
    return Exists(holds.filter(announced__lt=Lasted("ended_at", "began_at")))


def _one_of(known: Iterable[str], condition: Callable[[str], Q]) -> Callable[[str], Q]:
    """Return the condition for a value that is known; what is not, nothing answers."""
    values = frozenset(known)
    return lambda value: condition(value) if value in values else Q(pk__in=[])


def _row(name: str) -> Callable[[str], Q]:
    """Return the condition for an id in a column; without one: nothing stands there."""

    def condition(value: str) -> Q:
        return Q(**{name: typed.number(value) or 0}) if value else Q(**{f"{name}__isnull": True})

    return condition


@dataclass(frozen=True)
class Listed:
    """A figure as what it counts: in words, of which rows, which of them; `value` makes it one of many."""

    words: str
    rows: Callable[[Scope], Rows]
    which: Callable[[str], Q]
    names: Mapping[str, str] = field(default_factory=dict)


def _listed(words: str, rows: Callable[[Scope], Rows], which: Q) -> Listed:
    return Listed(words, rows, lambda value: which)


_OUTCOMES: Final = {code: str(words) for code, words in Consultation.Outcome.choices if code}
_ASKED: Final = {code or "not_yet": str(words) for code, words in Consultation.Asked.choices}
_REASONS: Final = {code: str(words) for code, words in Consultation.NotOffered.choices}
_SETTLED: Final = {code: str(words) for code, words in MissedCall.Outcome.choices if code}
_WHERE: Final = {code: str(words) for code, words in Transfer.Where.choices}
_STAGES: Final = dict(STAGES)
_GOT: Final = {"yes": "да", "no": "нет"}
_GRADES: Final = {
    "satisfied": "удовлетворен",
    "partial": "частично удовлетворен",
    "unsatisfied": "не удовлетворен",
}

LISTS: Final[dict[str, Listed]] = {
    "calls": _listed("поступившие звонки", calls, Q()),
    "answered": _listed("звонки, на которые ответили", calls, _ANSWERED),
    "in_norm": Listed("ответили в пределах нормы", calls, lambda value: _answered("lte")),
    "late": Listed("ответили позже нормы", calls, lambda value: _answered("gt")),
    "held": _listed("звонки с удержанием", calls, _ANSWERED & Q(held__gt=0)),
    "missed": _listed("пропущенные звонки", calls, _MISSED),
    "missed_in": _listed("пропущенные в часы работы", calls, _MISSED & Q(in_hours=True)),
    "missed_out": _listed("пропущенные вне часов работы", calls, _MISSED & Q(in_hours=False)),
    "robot": _listed("ответил только робот", calls, _MISSED & Q(by_robot=True)),
    "duties": _listed("кому перезвонить", duties, Q()),
    "waiting": _listed("ждут звонка", duties, Q(outcome="")),
    "overdue": Listed("ждут дольше срока", duties, lambda value: Q(outcome="", due_at__lt=timezone.now())),
    "in_time": _listed("перезвонили в срок", duties, IN_TIME),
    "settled": Listed("итог", duties, _one_of(_SETTLED, lambda value: Q(outcome=value)), _SETTLED),
    "consultations": _listed("консультации", consultations, Q()),
    "of_ekc": _listed("консультации ЕКЦ", consultations, Q(line__ours=False)),
    "outcome": Listed("итог", consultations, _one_of(_OUTCOMES, lambda value: Q(outcome=value)), _OUTCOMES),
    "asked": Listed(
        "два вопроса",
        consultations,
        _one_of(_ASKED, lambda value: Q(asked="" if value == "not_yet" else value)),
        _ASKED,
    ),
    "reason": Listed(
        "почему не предложено", consultations, _one_of(_REASONS, lambda value: Q(not_offered=value)), _REASONS
    ),
    "got": Listed(
        "получен ли ответ",
        consultations,
        _one_of(_GOT, lambda value: Q(**{f"{_SAID}answered": value})),
        _GOT,
    ),
    "heard": _listed("сказали, получен ли ответ", consultations, Q(**{f"{_SAID}answered__in": tuple(_GOT)})),
    "graded": _listed("оценили работу консультанта", consultations, Q(**{f"{_SAID}quality__in": tuple(_GRADES)})),
    "grade": Listed(
        "качество работы консультанта",
        consultations,
        _one_of(_GRADES, lambda value: Q(**{f"{_SAID}quality": value})),
        _GRADES,
    ),
    "qr": _listed("сказано о QR-коде", consultations, Q(told_of_qr=True)),
    "with_material": Listed("с материалом Базы знаний", consultations, lambda value: Q(pk__in=_used())),
    "with_script": Listed("по сценарию", consultations, lambda value: Q(_read())),
    "stage": Listed(
        "прочитан этап сценария", consultations, _one_of(_STAGES, lambda value: Q(_read(stage=value))), _STAGES
    ),
    "overlong": Listed("удержание дольше обещанного", consultations, lambda value: Q(_overlong())),
    "handed": Listed("перевод", consultations, _one_of(_WHERE, lambda value: Q(_handed(value))), _WHERE),
    "topic": Listed("тема", consultations, _row("topic")),
    "need": Listed("типовая потребность", consultations, _row("need")),
}


def listed(figure: str, value: str, scope: Scope) -> Rows:
    """Return the very rows a figure counts; of a figure nobody knows, all calls."""
    one = LISTS.get(figure, LISTS["calls"])
    return one.rows(scope).filter(one.which(value))


# --- figures ---------------------------------------------------------------------------------------------------------


def percent(part: int, whole: int) -> int | None:
    """Return the share in per cent; None where the group is too small to tell one."""
    return round(100 * part / whole) if whole >= FEWEST else None


@dataclass
class Calls:
    """Calls of an hour, a day or a consultant, added up; seconds are sums."""

    total: int = 0
    in_hours: int = 0
    answered: int = 0
    in_norm: int = 0
    waited: int = 0
    talked: int = 0
    held: int = 0
    on_hold: int = 0
    missed_in: int = 0
    missed_out: int = 0
    robot: int = 0

    def __iadd__(self, other: Calls) -> Calls:
        """Add another hour, day or consultant to this one."""
        for one in fields(self):
            setattr(self, one.name, getattr(self, one.name) + getattr(other, one.name))
        return self

    @property
    def missed(self) -> int:
        """Return how many nobody answered."""
        return self.missed_in + self.missed_out

    @property
    def late(self) -> int:
        """Return how many were answered later than the norm."""
        return self.answered - self.in_norm

    @property
    def answer_speed(self) -> int | None:
        """Return how long callers waited for an answer, seconds on the average (ASA)."""
        return round(self.waited / self.answered) if self.answered else None

    @property
    def talk(self) -> int | None:
        """Return how long a talk takes on the average."""
        return round(self.talked / self.answered) if self.answered else None

    @property
    def hold(self) -> int | None:
        """Return how long those on hold waited on the average."""
        return round(self.on_hold / self.held) if self.held else None

    @property
    def norm_share(self) -> int | None:
        """Return the share answered within the norm of the line."""
        return percent(self.in_norm, self.answered)

    @property
    def missed_share(self) -> int | None:
        """Return the share of calls within hours that nobody answered."""
        return percent(self.missed_in, self.in_hours)


@dataclass
class Duties:
    """Duties to call back, by what became of them; the median is of all that were called back."""

    total: int = 0
    waiting: int = 0
    overdue: int = 0
    in_time: int = 0
    settled: dict[str, int] = field(default_factory=dict)
    median: int | None = None

    @property
    def called_back(self) -> int:
        """Return how many were called back."""
        return self.settled.get("called_back", 0)

    @property
    def share(self) -> int | None:
        """Return the share of duties that were called back."""
        return percent(self.called_back, self.total)


@dataclass
class Talks:
    """Consultations added up: outcomes, the two questions, what was used."""

    total: int = 0
    counts: dict[tuple[str, str], int] = field(default_factory=dict)

    def count(self, figure: str, value: str = "") -> int:
        """Return how many consultations answer to a figure of `LISTS`."""
        return self.counts.get((figure, value), 0)

    def __iadd__(self, other: Talks) -> Talks:
        """Add another consultant's."""
        self.total += other.total
        for one, number in other.counts.items():
            self.counts[one] = self.counts.get(one, 0) + number
        return self

    @property
    def answered(self) -> int:
        """Return how many answered the two questions."""
        return self.count("asked", "answered")

    @property
    def coverage(self) -> int | None:
        """Return the share of consultations whose caller answered."""
        return percent(self.answered, self.total)

    @property
    def yes_share(self) -> int | None:
        """Return the share of «да» among those who said whether they got an answer."""
        return percent(self.yes, self.heard)

    @property
    def yes(self) -> int:
        """Return how many got an answer, by their word."""
        return self.count("got", "yes")

    @property
    def heard(self) -> int:
        """Return how many said whether they got an answer."""
        return sum(self.count("got", one) for one in _GOT)

    @property
    def with_material(self) -> int:
        """Return in how many a material of the Knowledge Base was used."""
        return self.count("with_material")

    @property
    def graded(self) -> int:
        """Return how many gave a grade."""
        return sum(self.count("grade", one) for one in _GRADES)

    @property
    def csi(self) -> int | None:
        """Return the consultant's index: a half for those satisfied in part, of a hundred."""
        good = self.count("grade", "satisfied") + self.count("grade", "partial") / 2
        return round(100 * good / self.graded) if self.graded >= FEWEST else None

    @property
    def material_share(self) -> int | None:
        """Return the share in which a material of the Knowledge Base was used."""
        return percent(self.with_material, self.total)

    @property
    def script_share(self) -> int | None:
        """Return the share led by a script."""
        return percent(self.count("with_script"), self.total)


@dataclass
class Consultant:
    """One consultant: calls answered, how long they took, what callers said."""

    employee: Employee
    calls: Calls = field(default_factory=Calls)
    talks: Talks = field(default_factory=Talks)
    median: int | None = None


@dataclass(frozen=True)
class Period:
    """Some days of the chart: one, a week or a month, as far as they lie in the scope."""

    first: date
    last: date
    calls: Calls


@dataclass
class Report:
    """All figures of a scope."""

    scope: Scope
    step: str
    calls: Calls
    periods: list[Period]
    hours: dict[int, Calls]
    duties: Duties
    talks: Talks
    talk_median: int | None
    talk_p90: int | None
    holds: int
    hold_average: int | None
    consultants: list[Consultant]
    lines: list[tuple[Line | None, int, int]]  # calls, consultations
    topics: list[tuple[str, str, int]]
    needs: list[tuple[str, str, int]]
    stages: list[tuple[str, str, int]]
    handed: list[tuple[str, str, int, int]]  # and how many of them were taken


def report(scope: Scope) -> Report:
    """Return all figures of a scope; a fixed number of queries, whatever the period and however many calls."""
    by_hour = _calls_by(scope, hour=TruncHour("came_at"))
    moments = {timezone.localtime(at): one for at, one in by_hour.items()}
    step, periods = _periods(scope, moments)
    hours: dict[int, Calls] = {}
    for at, one in sorted(moments.items(), key=lambda item: item[0].hour):
        hours.setdefault(at.hour, Calls()).__iadd__(one)
    talk_median, talk_p90 = _marks(calls(scope).filter(_ANSWERED), F("talked")).get(None, (None, None))
    people = _consultants(scope)
    talks = Talks()
    for person in people.values():
        talks += person.talks
    holds = Hold.objects.filter(consultation__in=consultations(scope), ended_at__isnull=False)
    held = holds.aggregate(number=Count("pk"), average=Avg(Lasted("ended_at", "began_at")))
    known = Employee.objects.in_bulk([pk for pk in people if pk])
    for pk, employee in known.items():
        people[pk].employee = employee
    return Report(
        scope=scope,
        step=step,
        calls=_sum(one.calls for one in periods),
        periods=periods,
        hours=hours,
        duties=_duties(scope),
        talks=talks,
        talk_median=talk_median,
        talk_p90=talk_p90,
        holds=held["number"],
        hold_average=round(held["average"]) if held["number"] else None,
        consultants=sorted((people[pk] for pk in known), key=lambda one: one.employee.last_name),
        lines=_lines(scope),
        topics=_often(scope, "topic", Topic),
        needs=_often(scope, "need", Need),
        stages=_stages(scope),
        handed=_transfers(scope),
    )


def totals(scope: Scope) -> tuple[Calls, Duties]:
    """Return the calls and the duties to call back of a scope added up, in a fixed number of queries."""
    return _calls_by(scope, nothing=Value(0)).get(0, Calls()), _duties(scope)


_COUNTED: Final[dict[str, Any]] = {
    "total": Count("pk"),
    "in_hours": Count("pk", filter=Q(in_hours=True)),
    "answered": Count("pk", filter=_ANSWERED),
    "in_norm": Count("pk", filter=LISTS["in_norm"].which("")),
    "waited": Coalesce(Sum("waited", filter=_ANSWERED), 0),
    "talked": Coalesce(Sum("talked", filter=_ANSWERED), 0),
    "held": Count("pk", filter=LISTS["held"].which("")),
    "on_hold": Coalesce(Sum("held", filter=_ANSWERED), 0),
    "missed_in": Count("pk", filter=LISTS["missed_in"].which("")),
    "missed_out": Count("pk", filter=LISTS["missed_out"].which("")),
    "robot": Count("pk", filter=LISTS["robot"].which("")),
}


def _calls_by(scope: Scope, **key: Any) -> dict[Any, Calls]:
    [name] = key
    rows: Rows = calls(scope).order_by().values(**{f"by_{name}": key[name]}).annotate(**_counted())
    return {row[f"by_{name}"]: Calls(**{one.name: row[f"of_{one.name}"] for one in fields(Calls)}) for row in rows}


def _counted() -> dict[str, Any]:
    """Return the sums under names no column bears."""
    return {f"of_{name}": expression for name, expression in _COUNTED.items()}


def _sum(parts: Iterable[Calls]) -> Calls:
    whole = Calls()
    for one in parts:
        whole += one
    return whole


def _periods(scope: Scope, moments: Mapping[datetime, Calls]) -> tuple[str, list[Period]]:
    """Return the days of the scope, by days, weeks or months, those without a call included."""
    days = (scope.last - scope.first).days + 1
    step = "day" if days <= MOST_DAYS else "week" if days <= 7 * MOST_WEEKS else "month"
    found: dict[date, Calls] = {}
    for at, one in moments.items():
        found.setdefault(_begins(at.date(), step), Calls()).__iadd__(one)
    periods, day = [], scope.first
    while day <= scope.last:
        begins = _begins(day, step)
        after = _begins(begins + {"day": timedelta(1), "week": timedelta(7), "month": timedelta(31)}[step], step)
        last = min(after - timedelta(days=1), scope.last)
        periods.append(Period(day, last, found.get(begins, Calls())))
        day = after
    return step, periods


def _begins(day: date, step: str) -> date:
    if step == "week":
        return day - timedelta(days=day.weekday())
    return day.replace(day=1) if step == "month" else day


def _marks(rows: Rows, value: Any, group: str = "") -> dict[Any, tuple[Any, Any]]:
    """Return the median and the ninth tenth of a value, of each group or of all under None; one query."""
    parted: Any = {"partition_by": [F(group)]} if group else {}
    numbered = rows.order_by().annotate(
        measured=value,
        place=Window(RowNumber(), order_by=[F("measured"), F("pk")], **parted) * 10,  # tenths: no fractions
        of_all=Window(Count("pk"), **parted),
    )
    half = Q(place__gte=F("of_all") * 5, place__lt=F("of_all") * 5 + 10)
    most = Q(place__gte=F("of_all") * 9, place__lt=F("of_all") * 9 + 10)
    found: dict[Any, tuple[Any, Any]] = {}
    for row in numbered.filter(half | most).order_by("place").values_list("measured", *([group] if group else [])):
        key = row[1] if group else None
        found[key] = (found[key][0] if key in found else row[0], row[0])
    return found


def _duties(scope: Scope) -> Duties:
    rows = duties(scope)
    told = rows.aggregate(
        total=Count("pk"),
        **{name: Count("pk", filter=LISTS[name].which("")) for name in ("waiting", "overdue", "in_time")},
        **{f"to_{one}": Count("pk", filter=Q(outcome=one)) for one in _SETTLED},
    )
    return Duties(
        **{name: told[name] for name in ("total", "waiting", "overdue", "in_time")},
        settled={one: told[f"to_{one}"] for one in _SETTLED},
        median=median_wait(rows),
    )


def _told() -> dict[str, tuple[str, str]]:
    """Return every figure of consultations that is counted with the others, under a name no column bears."""
    alone = [(figure, "") for figure in ("qr", "with_material", "with_script", "overlong")]
    many = [
        (figure, value) for figure in ("outcome", "asked", "reason", "got", "grade") for value in LISTS[figure].names
    ]
    return {f"told_{number}": one for number, one in enumerate(alone + many)}


def _consultants(scope: Scope) -> dict[int | None, Consultant]:
    """Return what each consultant did; under None, consultations of the ЕКЦ's operators."""
    names = _told()
    counted = {name: Count("pk", filter=LISTS[figure].which(value)) for name, (figure, value) in names.items()}
    people: dict[int | None, Consultant] = {}
    rows: Rows = consultations(scope).order_by().values("by").annotate(told_all=Count("pk"), **counted)
    for row in rows:
        talks = Talks(row["told_all"], {one: row[name] for name, one in names.items()})
        people[row["by"]] = Consultant(Employee(), talks=talks)
    for pk, of_calls in _calls_by(scope, answerer=F("answered_by")).items():
        if pk is not None:
            people.setdefault(pk, Consultant(Employee())).calls = of_calls
    for pk, (median, _) in _marks(calls(scope).filter(_ANSWERED), F("talked"), "answered_by").items():
        if pk in people:
            people[pk].median = median
    return people


def _lines(scope: Scope) -> list[tuple[Line | None, int, int]]:
    of_lines: Rows = calls(scope).order_by().values("line").annotate(n=Count("pk"))
    came = {row["line"]: row["n"] for row in of_lines}
    rows = consultations(scope).order_by().values("line").annotate(n=Count("pk"))
    talked = {row["line"]: row["n"] for row in rows}
    found: list[tuple[Line | None, int, int]] = [
        (line, came.get(line.pk, 0), talked.get(line.pk, 0))
        for line in Line.objects.all()
        if line.pk in came or line.pk in talked
    ]
    return [*found, (None, came[None], 0)] if None in came else found


def _often(scope: Scope, name: str, model: Any) -> list[tuple[str, str, int]]:
    """Return the commonest values of a column with their words, and last those where nothing was chosen."""
    rows = consultations(scope).order_by().values(name).annotate(n=Count("pk")).order_by("-n", name)
    counts = {row[name]: row["n"] for row in rows}
    often = [pk for pk in counts if pk is not None][:OFTEN]
    known = model.objects.in_bulk(often)
    found = [(str(pk), str(known[pk].name), counts[pk]) for pk in often]
    return [*found, ("", "не указана", counts[None])] if counts.get(None) else found


def _stages(scope: Scope) -> list[tuple[str, str, int]]:
    rows = ScriptUse.objects.filter(consultation__in=consultations(scope)).order_by().values("stage")
    counts = {row["stage"]: row["n"] for row in rows.annotate(n=Count("consultation", distinct=True))}
    return [(stage, words, counts[stage]) for stage, words in _STAGES.items() if stage in counts]


def _transfers(scope: Scope) -> list[tuple[str, str, int, int]]:
    rows = Transfer.objects.filter(consultation__in=consultations(scope)).order_by().values("where")
    taken = Count("consultation", distinct=True, filter=Q(result=Transfer.Result.TAKEN))
    counts = {
        row["where"]: (row["n"], row["taken"])
        for row in rows.annotate(n=Count("consultation", distinct=True), taken=taken)
    }
    return [(where, words, *counts[where]) for where, words in _WHERE.items() if where in counts]


def spoken(seconds: int | None) -> str:
    """Return a length as people say it: «40 с», «3 мин 20 с», «2 ч 5 мин»; a dash where there is none."""
    if seconds is None:
        return "—"
    minutes, rest = divmod(seconds, 60)
    hours, minutes = divmod(minutes, 60)
    if hours:
        return f"{hours} ч {minutes} мин" if minutes else f"{hours} ч"
    if minutes:
        return f"{minutes} мин {rest} с" if rest else f"{minutes} мин"
    return f"{rest} с"


def table(told: Report) -> Iterator[tuple[object, ...]]:
    """Yield the figures as a table for a spreadsheet: where from, what, how many, of how many, per cent."""
    yield ("Раздел", "Показатель", "Значение", "Из", "%")
    of_calls, of_duties, talks = told.calls, told.duties, told.talks
    yield ("Звонки", "Поступило", of_calls.total, "", "")
    yield ("Звонки", "Отвечено", of_calls.answered, of_calls.total, _cell(of_calls.answered, of_calls.total))
    yield ("Звонки", "Отвечено в пределах нормы", of_calls.in_norm, of_calls.answered, _or(of_calls.norm_share))
    yield ("Звонки", "Скорость ответа в среднем, с", _or(of_calls.answer_speed), of_calls.answered, "")
    yield ("Звонки", "Разговор: половина не дольше, с", _or(told.talk_median), of_calls.answered, "")
    yield ("Звонки", "Разговор: девять из десяти не дольше, с", _or(told.talk_p90), of_calls.answered, "")
    yield ("Звонки", "С удержанием", of_calls.held, of_calls.answered, _cell(of_calls.held, of_calls.answered))
    yield ("Звонки", "Удержание в среднем, с", _or(of_calls.hold), of_calls.held, "")
    yield ("Звонки", "Пропущено в часы работы", of_calls.missed_in, of_calls.in_hours, _or(of_calls.missed_share))
    yield ("Звонки", "Пропущено вне часов работы", of_calls.missed_out, "", "")
    yield ("Звонки", "Ответил только робот", of_calls.robot, "", "")
    yield ("Перезвон", "Кому перезвонить", of_duties.total, "", "")
    yield ("Перезвон", "Ждут", of_duties.waiting, of_duties.total, "")
    yield ("Перезвон", "Ждут дольше срока", of_duties.overdue, of_duties.total, "")
    for code, words in _SETTLED.items():
        yield ("Перезвон", words, of_duties.settled[code], of_duties.total, "")
    yield (
        "Перезвон",
        "В срок",
        of_duties.in_time,
        of_duties.called_back,
        _cell(of_duties.in_time, of_duties.called_back),
    )
    yield (
        "Перезвон",
        "Половине перезвонили за, с рабочего времени линии",
        _or(of_duties.median),
        of_duties.called_back,
        "",
    )
    yield ("Консультации", "Всего", talks.total, "", "")
    for figure, value in _told().values():
        one = LISTS[figure]
        words = f"{one.words}: {one.names[value]}" if value else one.words
        number = talks.count(figure, value)
        whole = {"got": talks.heard, "grade": talks.graded}.get(figure, talks.total)
        yield ("Консультации", words, number, whole, _cell(number, whole))
    yield ("Консультации", "Индекс удовлетворённости (CSI)", _or(talks.csi), talks.graded, "")
    for part, rows in (("Темы", told.topics), ("Потребности", told.needs), ("Этапы сценариев", told.stages)):
        for _, words, number in rows:
            yield (part, words, number, talks.total, _cell(number, talks.total))
    for _, words, number, taken in told.handed:
        yield ("Переводы", words, number, talks.total, "")
        yield ("Переводы", f"{words}: приняты", taken, number, _cell(taken, number))
    yield ()
    yield ("Дни", "Поступило", "Отвечено", "В норме", "Пропущено в часы работы", "Вне часов")
    for period in told.periods:
        one_ = period.calls
        day = f"{period.first:%d.%m.%Y}" + (f"–{period.last:%d.%m.%Y}" if period.last != period.first else "")
        yield (day, one_.total, one_.answered, one_.in_norm, one_.missed_in, one_.missed_out)
    yield ()
    yield ("Час", "Поступило", "Отвечено", "В норме", "Пропущено в часы работы", "Вне часов")
    for hour, one_ in told.hours.items():
        yield (f"{hour:02}:00", one_.total, one_.answered, one_.in_norm, one_.missed_in, one_.missed_out)
    yield ()
    yield ("Консультант", "Отвечено", "Скорость ответа, с", "Половина разговоров не дольше, с", "Консультаций", "CSI")
    for who in told.consultants:
        yield (
            who.employee.short_name,
            who.calls.answered,
            _or(who.calls.answer_speed),
            _or(who.median),
            who.talks.total,
            _or(who.talks.csi),
        )


def _cell(part: int, whole: int) -> object:
    return _or(percent(part, whole))


def _or(value: int | None) -> object:
    return "" if value is None else value
