"""Counts of appeals kept for figures, so that a page over a million of them asks a few hundred rows.

Each appeal has a row of what it adds (`KeptCase`); whole months are their sums (`KeptMonth`), days at the edges of a
period are counted from the rows themselves. What happens to an appeal is heard from the journal (`touch`), and a worker
counts it anew (`work_next`): it takes away what the case added before and adds what it adds now.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from functools import partial
from typing import Any, Final, NamedTuple, TypeAlias

from django.db import transaction
from django.db.models import BooleanField, Count, Exists, ExpressionWrapper, F, OuterRef, Q, QuerySet, Sum, Value
from django.utils import timezone

from otklik.appeals import measured
from otklik.appeals.measured import MARKS, DaysBetween
from otklik.appeals.models import FINISHED, Appeal, AppealQuestion
from otklik.appeals.models.spine import ENDED
from otklik.core.models import JournalEntry
from otklik.reports.measuring import Slice, months_on, once
from otklik.reports.models import KeptCase, KeptMonth, KeptQuestion, KeptState, KeptTouched

AT_ONCE: Final = 500  # cases counted anew in one transaction
FILLED_AT_ONCE: Final = 2000
SAID_ANEW: Final = timedelta(seconds=30)
BITS: Final = {code: 1 << place for place, code in enumerate(MARKS)}
# Changed whenever the order or the meaning of the bits does: everything is counted anew then.
LAYOUT: Final = 2
CAME, OVER = "came", "ended"
Level = KeptMonth.Level


class Facts(NamedTuple):
    """What one appeal adds to figures."""

    came_on: date
    ended_on: date | None
    unit: int
    executor: int
    channel: str
    regime: str
    days: int | None
    rating: int
    marks: int
    questions: tuple[tuple[int, int], ...]


# --- keeping ---------------------------------------------------------------------------------------------------------


def touch(entries: Iterable[JournalEntry]) -> None:
    """Note which appeals these rows of the journal are about, in the transaction that reads them."""
    chains = {entry.chain for entry in entries if entry.chain.startswith("appeal:")}
    touch_each({int(chain.partition(":")[2]) for chain in chains})


def touch_each(appeals: Iterable[int]) -> None:
    """Note that these appeals are to be counted anew."""
    KeptTouched.objects.bulk_create([KeptTouched(appeal=pk) for pk in sorted(appeals)], batch_size=1000)


def work_next() -> bool:
    """Count anew some of what was touched, then some of what was never counted; return False when all is counted."""
    if _is_idle():
        return False
    with transaction.atomic():
        state = _hold()
        if state is None:
            return False
        if (state.repeated_days, state.layout) != (measured.repeated_days(), LAYOUT):
            _begin_anew(state)
        done = _count_touched() or _fill(state)
        state.fresh_at = timezone.now()
        state.save()
    return done


def look_again() -> None:
    """Count anew all that is open or has ended of late, whatever the journal said: every night, to be sure."""
    since = timezone.localdate() - timedelta(days=40)
    touch_each(
        Appeal.objects.filter(~Q(status__in=FINISHED) | measured.ended(since, None)).values_list("pk", flat=True)
    )


def work_all() -> None:
    """Count everything there is to count: for commands and tests."""
    while work_next():
        pass


def begin_anew() -> None:
    """Forget everything that is kept; the worker counts it again from the first appeal on."""
    with transaction.atomic():
        KeptState.objects.get_or_create(pk=1)
        _begin_anew(KeptState.objects.select_for_update().get(pk=1))


@dataclass(frozen=True)
class Condition:
    """As of when figures are, and how much of a hundred has been counted since counting began anew."""

    fresh_at: datetime | None
    percent: int

    @property
    def whole(self) -> bool:
        """Tell whether every appeal has been counted at least once."""
        return self.percent >= 100 and self.fresh_at is not None


def condition() -> Condition:
    """Return how fresh the counts are, in one query."""
    row = _state().first()
    if row is None:
        return Condition(None, 0)
    # Those registered a moment ago are counted by the next portion: figures are not «being counted anew» for them.
    if row.fresh_at is not None and (row.last or 0) - row.filled_to <= FILLED_AT_ONCE:
        return Condition(row.fresh_at, 100)
    return Condition(row.fresh_at, min(99, 100 * row.filled_to // row.last) if row.last else 0)


def _is_idle() -> bool:
    """Tell without a lock that there is nothing to count and that it has been said of late."""
    row = _state().annotate(waits=Exists(KeptTouched.objects.all())).first()
    return (
        row is not None
        and not row.waits
        and (row.last or 0) <= row.filled_to
        and (row.repeated_days, row.layout) == (measured.repeated_days(), LAYOUT)
        and row.fresh_at is not None
        and timezone.now() - row.fresh_at < SAID_ANEW
    )


def _state() -> Any:
    """Return the state with the number of the last appeal beside it."""
    # The last number is looked up in the index; «is there any greater» would read all of them when there is none.
    return KeptState.objects.filter(pk=1).annotate(last=Appeal.objects.order_by("-pk").values("pk")[:1])


def _hold() -> KeptState | None:
    """Return the state, locked; None where another worker counts."""
    rows = KeptState.objects.select_for_update(skip_locked=True)
    if state := rows.filter(pk=1).first():
        return state
    if KeptState.objects.filter(pk=1).exists():
        return None
    KeptState.objects.get_or_create(pk=1)
    return rows.filter(pk=1).first()


def _begin_anew(state: KeptState) -> None:
    for rows in (KeptQuestion.objects.all(), KeptCase.objects.all(), KeptMonth.objects.all()):
        rows._raw_delete(rows.db)
    state.filled_to, state.fresh_at = 0, None
    state.repeated_days, state.layout = measured.repeated_days(), LAYOUT
    state.save()


def _count_touched() -> bool:
    taken = list(KeptTouched.objects.order_by("pk").values_list("pk", "appeal")[:AT_ONCE])
    if taken:
        _count({appeal for _, appeal in taken})
        KeptTouched.objects.filter(pk__in=[pk for pk, _ in taken]).delete()
    return bool(taken)


def _fill(state: KeptState) -> bool:
    """Count appeals nobody has counted yet; those whose number is given out late are touched by their journal."""
    rows = Appeal.objects.filter(pk__gt=state.filled_to).order_by("pk").values_list("pk", flat=True)
    found = list(rows[:FILLED_AT_ONCE])
    if found:
        _count(set(found))
        state.filled_to = found[-1]
    return bool(found)


def _count(appeals: set[int]) -> None:
    """Take away what these cases added and add what they add now."""
    before = _kept(appeals)
    now = _facts(appeals)
    changes: defaultdict[tuple[Any, ...], Change] = defaultdict(Change)
    changed = {pk for pk in appeals if before.get(pk) != now.get(pk)}
    for sign, told in ((-1, before), (1, now)):
        for pk in changed & told.keys():
            for cell, facts in _cells(told[pk]):
                changes[cell].add(facts, sign, over=cell[1] == OVER)
    _apply({cell: change for cell, change in changes.items() if change.counts})
    KeptQuestion.objects.filter(case__in=changed).delete()
    gone = KeptCase.objects.filter(pk__in=changed - now.keys())
    gone._raw_delete(gone.db)
    rows = [
        KeptCase(pk=pk, **{name: value for name, value in now[pk]._asdict().items() if name != "questions"})
        for pk in sorted(changed & now.keys())
    ]
    KeptCase.objects.bulk_create(
        rows,
        batch_size=500,
        update_conflicts=True,
        unique_fields=["appeal"],
        update_fields=[name for name in Facts._fields if name != "questions"],
    )
    KeptQuestion.objects.bulk_create(
        [KeptQuestion(case_id=row.pk, topic=topic, need=need) for row in rows for topic, need in now[row.pk].questions],
        batch_size=1000,
    )


@dataclass
class Change:
    """What is added to one cell: how many cases of which bits, of how many days, what they were graded."""

    counts: Counter[int] = field(default_factory=Counter)
    days: Counter[int] = field(default_factory=Counter)
    rated: int = 0
    rating: int = 0

    def add(self, facts: Facts, sign: int, *, over: bool) -> None:
        """Add a case, or take it away."""
        self.counts[facts.marks] += sign
        if over and facts.days is not None:
            self.days[facts.days] += sign
        if facts.rating:
            self.rated += sign
            self.rating += sign * facts.rating


def _cells(facts: Facts) -> Iterator[tuple[tuple[Any, ...], Facts]]:
    """Return the cells a case is counted in: level, event, month, unit, channel, regime, topic, need."""
    topics = {topic for topic, _ in facts.questions}
    for event, day in ((CAME, facts.came_on), (OVER, facts.ended_on)):
        if day is None:
            continue
        month = day.replace(day=1)
        of = (facts.unit, facts.channel, facts.regime)
        yield (Level.EVERY.value, event, month, 0, "", "", 0, 0), facts
        yield (Level.ALL.value, event, month, *of, 0, 0), facts
        for topic in topics:
            yield (Level.TOPIC.value, event, month, *of, topic, 0), facts
            yield (Level.TOPICS.value, event, month, 0, "", "", topic, 0), facts
        if event == CAME:
            for topic, need in facts.questions:
                yield (Level.PAIR.value, event, month, facts.unit, facts.channel, "", topic, need), facts


def _apply(changes: dict[tuple[Any, ...], Change]) -> None:
    keys = {"|".join(map(str, cell)): cell for cell in changes}
    known = KeptMonth.objects.in_bulk(list(keys))
    full: list[KeptMonth] = []
    empty: list[KeptMonth] = []
    for key, cell in keys.items():
        level, event, month, unit, channel, regime, topic, need = cell
        row = known.get(key) or KeptMonth(
            key=key, level=level, event=event, month=month, unit=unit, channel=channel, regime=regime,
            topic=topic, need=need,
        )  # fmt: skip
        change = changes[cell]
        row.number += sum(change.counts.values())
        row.marks = _added(row.marks, change.counts)
        row.days = _added(row.days, change.days)
        row.rated += change.rated
        row.rating += change.rating
        (full if row.marks else empty).append(row)
    # One INSERT … ON CONFLICT a portion; the CASE WHEN of `bulk_update` was most of the first count of a million.
    KeptMonth.objects.bulk_create(
        full,
        batch_size=500,
        update_conflicts=True,
        unique_fields=["key"],
        update_fields=["number", "marks", "days", "rated", "rating"],
    )
    KeptMonth.objects.filter(pk__in=[row.pk for row in empty]).delete()


def _added(kept: dict[str, int], change: Counter[int]) -> dict[str, int]:
    found = Counter({int(one): number for one, number in kept.items()})
    found.update(change)
    return {str(one): number for one, number in sorted(found.items()) if number}


def _kept(appeals: set[int]) -> dict[int, Facts]:
    questions: defaultdict[int, list[tuple[int, int]]] = defaultdict(list)
    asked = KeptQuestion.objects.filter(case__in=appeals).values_list("case", "topic", "need")
    for case, topic, need in asked:
        questions[case].append((topic, need))
    names = [name for name in Facts._fields if name != "questions"]
    rows: Any = KeptCase.objects.filter(pk__in=appeals).values("pk", *names)
    return {
        row["pk"]: Facts(**{name: row[name] for name in names}, questions=tuple(sorted(questions[row["pk"]])))
        for row in rows
    }


def _facts(appeals: set[int]) -> dict[int, Facts]:
    questions: defaultdict[int, list[tuple[int, int]]] = defaultdict(list)
    asked = AppealQuestion.objects.filter(appeal__in=appeals).values_list("appeal", "topic", "need")
    for case, topic, need in asked.order_by():
        questions[case].append((topic, need))
    told = {f"is_{code}": ExpressionWrapper(one.of(), output_field=BooleanField()) for code, one in MARKS.items()}
    rows: Any = Appeal.objects.filter(pk__in=appeals).annotate(
        over_on=ENDED, lasted=DaysBetween("answered_on", "registered_on"), rated=F("pos_case__rating"), **told
    )
    names = ("pk", "registered_on", "over_on", "unit", "executor", "channel", "regime", "lasted", "rated", *told)
    return {
        row["pk"]: Facts(
            came_on=row["registered_on"],
            ended_on=row["over_on"],
            unit=row["unit"] or 0,
            executor=row["executor"] or 0,
            channel=row["channel"],
            regime=row["regime"],
            days=None if row["lasted"] is None else max(row["lasted"], 0),
            rating=row["rated"] or 0,
            marks=sum(bit for code, bit in BITS.items() if row[f"is_{code}"]),
            questions=tuple(sorted(questions[row["pk"]])),
        )
        for row in rows.values(*names)
    }


# --- reading ---------------------------------------------------------------------------------------------------------


@dataclass
class Tally:
    """Appeals added up: of which bits how many, of how many days their answers were, how they were graded."""

    marks: Counter[int] = field(default_factory=Counter)
    days: Counter[int] = field(default_factory=Counter)
    rated: int = 0
    rating: int = 0

    def count(self, *marks: str) -> int:
        """Return how many have all these marks; without one, all."""
        wanted = sum(BITS[mark] for mark in marks if mark)
        return sum(number for bits, number in self.marks.items() if bits & wanted == wanted)

    def add(self, other: Tally) -> None:
        """Add another group to this one."""
        self.marks.update(other.marks)
        self.days.update(other.days)
        self.rated += other.rated
        self.rating += other.rating

    @property
    def mean(self) -> float | None:
        """Return how many days an answer took on the average."""
        number = self.days.total()
        return sum(days * one for days, one in self.days.items()) / number if number else None

    def mark(self, percent: int) -> float | None:
        """Return within how many days so many answers of a hundred were given."""
        number, passed = self.days.total(), 0
        for days, one in sorted(self.days.items()):
            passed += one
            if passed * 100 >= number * percent:
                return float(days)
        return None


class Group(NamedTuple):
    """Which cases are added up together."""

    event: str
    unit: int
    channel: str
    regime: str


Read: TypeAlias = tuple[date | None, Group, Tally]


def tally(slice_: Slice, event: str, lane: str = "") -> Tally:
    """Return the appeals that came or ended in a slice, added up; `lane` narrows them to some regimes."""
    return once(("tally", slice_, event, lane), lambda: _added_up(slice_, event, lane))


def _added_up(slice_: Slice, event: str, lane: str) -> Tally:
    regimes = measured.LANES[lane][1] if lane else ()
    found = Tally()
    for group, one in ledger(slice_).items():
        if group.event == event and (not lane or group.regime in regimes):
            found.add(one)
    return found


def until(last: date) -> dict[str, Tally]:
    """Return all appeals that ever came, and all that ended, up to a day: a query for whole months, one for days."""
    return once(("until", last), lambda: _until(last))


def _until(last: date) -> dict[str, Tally]:
    begun = last.replace(day=1)
    found = {CAME: Tally(), OVER: Tally()}
    months = KeptMonth.objects.filter(level=Level.EVERY, month__lt=begun)
    for event, marks, days, rated, rating in months.values_list("event", "marks", "days", "rated", "rating"):
        found[event].add(Tally(_numbers(marks), _numbers(days), rated, rating))
    for (_, group), one in _of_days(Slice(begun, last), [(begun, last)]).items():
        found[group.event].add(one)
    return found


def by(slice_: Slice, event: str, dimension: str) -> dict[Any, Tally]:
    """Return the same apart by `unit`, `channel`, `regime` or `topic`; a case of two topics is in both."""
    if dimension == "topic":
        return once(("topics", slice_), lambda: _topics(slice_))[event]
    found: defaultdict[Any, Tally] = defaultdict(Tally)
    for group, one in ledger(slice_).items():
        if group.event == event:
            found[getattr(group, dimension)].add(one)
    return dict(found)


def by_month(slice_: Slice, event: str, lane: str = "") -> dict[date, Tally]:
    """Return the whole months of a slice apart, those without a case among them."""
    whole, _ = _months(slice_)
    regimes = measured.LANES[lane][1] if lane else ()
    found = {month: Tally() for month in whole}
    for month, group, one in _rows(slice_):
        if month is not None and group.event == event and (not lane or group.regime in regimes):
            found[month].add(one)
    return found


def pairs(slice_: Slice) -> list[tuple[int, int, str, int]]:
    """Return how many of those that came asked about each topic with each need by each channel, the most first."""
    whole, edges = _months(slice_)
    found: Counter[tuple[int, int, str]] = Counter()
    if whole:
        rows = _narrowed(KeptMonth.objects.filter(level=Level.PAIR, month__in=whole), slice_)
        rows = rows.filter(topic=slice_.topic) if slice_.topic else rows
        told: Any = rows.values_list("topic", "need", "channel").annotate(n=Sum("number")).order_by()
        for topic, need, channel, number in told:
            found[topic, need, channel] += number
    if edges:
        asked = _asked(slice_).filter(_within("case__came_on", edges))
        told = asked.values_list("topic", "need", "case__channel").annotate(n=Count("pk")).order_by()
        for topic, need, channel, number in told:
            found[topic, need, channel] += number
    return [(*key, number) for key, number in sorted(found.items(), key=lambda one: (-one[1], one[0]))]


def by_executor(slice_: Slice) -> dict[int, Tally]:
    """Return the cases each executor ended in a slice."""
    rows = _cases(slice_).filter(ended_on__range=(slice_.first, slice_.last))
    found: defaultdict[int, Tally] = defaultdict(Tally)
    for executor, marks, days, number in rows.values_list("executor", "marks", "days").annotate(n=Count("pk")):
        found[executor].marks[marks] += number
        if days is not None:
            found[executor].days[days] += number
    return dict(found)


def prepare(*slices: Slice) -> None:
    """Read what these slices ask for at once, inside `together`; they differ by their days only."""
    read = _read(slices)
    for slice_ in slices:
        once(("read", slice_), partial(read.__getitem__, slice_))


def ledger(slice_: Slice) -> dict[Group, Tally]:
    """Return all groups of a slice: one query for its whole months, one for days at its edges."""
    return once(("ledger", slice_), lambda: _ledger(slice_))


def _ledger(slice_: Slice) -> dict[Group, Tally]:
    found: defaultdict[Group, Tally] = defaultdict(Tally)
    for _, group, one in _rows(slice_):
        found[group].add(one)
    return dict(found)


def _rows(slice_: Slice) -> list[Read]:
    """Return what a slice is the sum of: of each whole month, and of the days at its edges without one."""
    return once(("read", slice_), lambda: _read([slice_])[slice_])


def _read(slices: Sequence[Slice]) -> dict[Slice, list[Read]]:
    whole = {slice_: _months(slice_) for slice_ in slices}
    asked = sorted({month for months, _ in whole.values() for month in months})
    of_months = list(_of_months(slices[0], asked)) if asked else []
    edges = [(slice_, edge) for slice_, (_, edges) in whole.items() for edge in edges]
    found: dict[Slice, list[Read]] = {}
    for slice_, (months, _) in whole.items():
        wanted = set(months)
        found[slice_] = [row for row in of_months if row[0] in wanted]
    of_days = _of_days(slices[0], [edge for _, edge in edges])
    for (place, group), one in of_days.items():
        found[edges[place][0]].append((None, group, one))
    return found


def _months(slice_: Slice) -> tuple[list[date], list[tuple[date, date]]]:
    """Return the whole months of a slice and the days that are left at its edges."""
    first, after = slice_.first, slice_.last + timedelta(days=1)
    begin = first if first.day == 1 else months_on(first, 1)
    end = after.replace(day=1)
    if begin >= end:
        return [], [(slice_.first, slice_.last)]
    whole = [begin]
    while (month := months_on(whole[-1], 1)) < end:
        whole.append(month)
    day = timedelta(days=1)
    edges = [(first, begin - day)] if first < begin else []
    return whole, edges + ([(end, slice_.last)] if end < after else [])


def _of_months(slice_: Slice, months: list[date]) -> Iterator[Read]:
    rows = KeptMonth.objects.filter(level=Level.TOPIC if slice_.topic else Level.ALL, month__in=months)
    rows = _narrowed(rows.filter(topic=slice_.topic or 0), slice_)
    names = ("month", "event", "unit", "channel", "regime", "marks", "days", "rated", "rating")
    for month, *of, marks, days, rated, rating in rows.values_list(*names):
        yield month, Group(*of), Tally(_numbers(marks), _numbers(days), rated, rating)


def _of_days(slice_: Slice, edges: list[tuple[date, date]]) -> dict[tuple[int, Group], Tally]:
    """Return what was counted at each edge, by its place; one query for all of them and both events."""
    arms: list[Any] = []
    for place, edge in enumerate(edges):
        for event, name in ((CAME, "came_on"), (OVER, "ended_on")):
            rows = _cases(slice_).filter(**{f"{name}__range": edge})
            named = rows.annotate(place=Value(place), event=Value(event)).values(*_OF_DAYS)
            arms.append(named.annotate(n=Count("pk")).values_list(*_OF_DAYS, "n"))
    found: defaultdict[tuple[int, Group], Tally] = defaultdict(Tally)
    # Tens of thousands of rows in a busy month: each is added where it belongs, nothing is made of it.
    for place, event, unit, channel, regime, marks, days, rating, number in (
        arms[0].union(*arms[1:], all=True) if arms else ()
    ):
        one = found[place, Group(event, unit, channel, regime)]
        one.marks[marks] += number
        if days is not None and event == OVER:
            one.days[days] += number
        if rating:
            one.rated += number
            one.rating += number * rating
    return dict(found)


_OF_DAYS: Final = ("place", "event", "unit", "channel", "regime", "marks", "days", "rating")


def _tallied(event: str, marks: int, days: int | None, rating: int, number: int) -> Tally:
    lasted = Counter({days: number}) if event == OVER and days is not None else Counter[int]()
    rated = number if rating else 0
    return Tally(Counter({marks: number}), lasted, rated, rated * rating)


def _topics(slice_: Slice) -> dict[str, dict[Any, Tally]]:
    """Return both events of a slice by topic: one query for whole months, one for edges."""
    whole, edges = _months(slice_)
    found: dict[str, defaultdict[Any, Tally]] = {CAME: defaultdict(Tally), OVER: defaultdict(Tally)}
    apart = bool(slice_.unit or slice_.channel)
    if whole:
        rows = KeptMonth.objects.filter(level=Level.TOPIC if apart else Level.TOPICS, month__in=whole)
        rows = _narrowed(rows.filter(topic=slice_.topic) if slice_.topic else rows, slice_)
        for event, topic, marks, days, rated, rating in rows.values_list(
            "event", "topic", "marks", "days", "rated", "rating"
        ):
            found[event][topic].add(Tally(_numbers(marks), _numbers(days), rated, rating))
    if edges:
        names = ("event", "topic", "case__marks", "case__days", "case__rating")
        arms: list[Any] = []
        for event, name in ((CAME, "came_on"), (OVER, "ended_on")):
            asked: Any = _asked(slice_).filter(_within(f"case__{name}", edges))
            told = asked.annotate(event=Value(event)).values(*names).annotate(n=Count("case", distinct=True))
            arms.append(told.order_by().values_list(*names, "n"))
        for event, topic, marks, days, rating, number in arms[0].union(arms[1], all=True):
            found[event][topic].add(_tallied(event, marks, days, rating, number))
    return {event: dict(one) for event, one in found.items()}


def _asked(slice_: Slice) -> QuerySet[KeptQuestion]:
    rows = KeptQuestion.objects.order_by()
    rows = rows.filter(case__unit=slice_.unit) if slice_.unit else rows
    rows = rows.filter(case__channel=slice_.channel) if slice_.channel else rows
    return rows.filter(topic=slice_.topic) if slice_.topic else rows


def _cases(slice_: Slice) -> QuerySet[KeptCase]:
    rows = KeptCase.objects.order_by()
    rows = rows.filter(unit=slice_.unit) if slice_.unit else rows
    rows = rows.filter(channel=slice_.channel) if slice_.channel else rows
    if slice_.topic:
        rows = rows.filter(Exists(KeptQuestion.objects.filter(case=OuterRef("pk"), topic=slice_.topic)))
    return rows


def _narrowed(rows: QuerySet[KeptMonth], slice_: Slice) -> QuerySet[KeptMonth]:
    rows = rows.filter(unit=slice_.unit) if slice_.unit else rows
    return rows.filter(channel=slice_.channel) if slice_.channel else rows


def _within(name: str, edges: list[tuple[date, date]]) -> Q:
    found = Q(pk__in=[])
    for edge in edges:
        found |= Q(**{f"{name}__range": edge})
    return found


def _numbers(kept: dict[str, int]) -> Counter[int]:
    return Counter({int(one): number for one, number in kept.items()})
