"""«Обзор обращений» of a year or a quarter, for the department's site: counts and plain words, nothing of people.

Whatever counts fewer than ten is put together with the next smallest into «иное», so that no line and no difference of
lines tells of a few people; of the period and of the one a year before alike.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Final

from django.db.models import Count, F, Q, QuerySet
from django.template.loader import render_to_string
from django.utils import timezone

from otklik.appeals import journals
from otklik.appeals.models import Appeal, AppealQuestion, QuestionOutcome
from otklik.core.templatetags.otklik import count
from otklik.correspondence.models import ChannelCode
from otklik.people import personal_data, staff

FEWEST: Final = 10
OTHER: Final = "иное"
IN_TERM: Final = "в срок"
FIRST_YEAR: Final = 2000
APPEALS: Final = "обращение,обращения,обращений"
QUARTERS: Final = {1: "I квартал", 2: "II квартал", 3: "III квартал", 4: "IV квартал"}


@dataclass(frozen=True)
class Period:
    """A year, or one of its quarters."""

    year: int
    quarter: int | None = None

    @property
    def first(self) -> date:
        """Return its first day."""
        return date(self.year, 3 * self.quarter - 2 if self.quarter else 1, 1)

    @property
    def last(self) -> date:
        """Return its last day."""
        if not self.quarter or self.quarter == 4:
            return date(self.year, 12, 31)
        return date(self.year, 3 * self.quarter + 1, 1) - timedelta(days=1)

    @property
    def before(self) -> Period:
        """Return the same a year before."""
        return Period(self.year - 1, self.quarter)

    @property
    def words(self) -> str:
        """Return it as people say it: «2025 год», «II квартал 2026 года»."""
        return f"{QUARTERS[self.quarter]} {self.year} года" if self.quarter else f"{self.year} год"

    @property
    def over(self) -> bool:
        """Tell whether all of it has passed."""
        return self.last < timezone.localdate()


@dataclass(frozen=True)
class Line:
    """One line of a table: now and a year before."""

    name: str
    now: int
    before: int


@dataclass(frozen=True)
class Table:
    """What is told apart by something. Without lines there is too little of it to be told apart."""

    title: str
    what: str
    lines: tuple[Line, ...]
    compared: bool

    @property
    def named(self) -> list[Line]:
        """Return its lines without «иное»."""
        return [one for one in self.lines if one.name != OTHER]


@dataclass(frozen=True)
class Overview:
    """The overview as it is published."""

    period: Period
    department: str
    paragraphs: tuple[str, ...]
    tables: tuple[Table, ...]

    @property
    def title(self) -> str:
        """Return what it is called."""
        return f"Обзор обращений граждан и организаций за {self.period.words}"

    @property
    def text(self) -> str:
        """Return all its words, to be looked through."""
        lines = (f"{table.title}. {one.name}." for table in self.tables for one in table.lines)
        return "\n".join((self.title, *self.paragraphs, *lines))

    @property
    def of_people(self) -> list[str]:
        """Return what in it looks like personal data: a name in a topic of the dictionary, say."""
        text = self.text
        return sorted({text[one.start : one.end] for one in personal_data.found(text)})


def overview(period: Period) -> Overview:
    """Count the appeals registered in a period and a year before it, and say in words what they come to."""
    now, before = _of(period), _of(period.before)
    sums, sums_before = _sums(now), _sums(before)
    tables = (
        _table("Как обращались", "Способ", _by_channel(now), _by_channel(before)),
        _table("О чём спрашивали", "Тема вопроса", _by_topic(period), _by_topic(period.before)),
        _table("Чем закончилось рассмотрение", "Исход", _by_outcome(period), _by_outcome(period.before)),
        _table("Сроки ответа", "Когда дан ответ", _by_term(sums), _by_term(sums_before)),
    )
    return Overview(
        period,
        staff.department().name,
        tuple(_paragraphs(period, sums["all"], sums_before["all"], tables)),
        tuple(one for one in tables if one.lines),
    )


def _table(title: str, what: str, now: Mapping[str, int], before: Mapping[str, int]) -> Table:
    """Return a table; of a year before with next to nothing there is no column."""
    compared = sum(before.values()) >= FEWEST
    return Table(title, what, tidied(now, before if compared else {}), compared)


def _of(period: Period) -> QuerySet[Appeal]:
    return Appeal.objects.filter(registered_on__range=(period.first, period.last)).order_by()


def _sums(rows: QuerySet[Appeal]) -> Mapping[str, int]:
    found: Mapping[str, int] = rows.aggregate(
        all=Count("pk"),
        in_term=Count("pk", filter=Q(answered_on__lte=F("due_on"))),
        late=Count("pk", filter=Q(answered_on__gt=F("due_on"))),
    )
    return found


def _by_channel(rows: QuerySet[Appeal]) -> dict[str, int]:
    names = dict(ChannelCode.choices)
    return _named((names.get(code, code), number) for code, number in rows.values_list("channel").annotate(Count("pk")))


def _by_topic(period: Period) -> dict[str, int]:
    asked = AppealQuestion.objects.filter(appeal__in=_of(period), confirmed_by__isnull=False).order_by()
    return _named(asked.values_list("topic__name").annotate(Count("pk")))


def _by_outcome(period: Period) -> dict[str, int]:
    ended = QuestionOutcome.objects.filter(appeal__in=_of(period), replaced_at=None).order_by()
    return _named(ended.values_list("kind__name").annotate(Count("pk")))


def _by_term(sums: Mapping[str, int]) -> dict[str, int]:
    rest = sums["all"] - sums["in_term"] - sums["late"]
    return {IN_TERM: sums["in_term"], "позже срока": sums["late"], "на рассмотрении или без ответа по существу": rest}


def _named(pairs: Iterable[tuple[str, int]]) -> dict[str, int]:
    """Add up what is called the same: two codes of one name are one line."""
    found: Counter[str] = Counter()
    for name, number in pairs:
        found[name] += number
    return dict(found)


def tidied(now: Mapping[str, int], before: Mapping[str, int]) -> tuple[Line, ...]:
    """Return the lines, largest first, with everything small in «иное»; none where nothing else would be left.

    A line stands alone only where both its numbers are nought or at least ten; «иное» takes the next smallest line in
    until that holds of its own numbers too: otherwise the total less the others would tell what was hidden.
    """
    lines = [Line(name, now.get(name, 0), before.get(name, 0)) for name in {**now, **before}]
    lines.sort(key=lambda one: (-one.now, -one.before, one.name))
    kept = [one for one in lines if _fit(one.now) and _fit(one.before)]
    rest = [one for one in lines if one not in kept]
    while rest and kept and not (_fit(sum(one.now for one in rest)) and _fit(sum(one.before for one in rest))):
        rest.append(kept.pop())
    if not kept or all(one.now == one.before == 0 for one in kept):
        return ()
    shown = [one for one in kept if one.now or one.before]
    other = Line(OTHER, sum(one.now for one in rest), sum(one.before for one in rest))
    return (*shown, *([other] if other.now or other.before else []))


def _fit(number: int) -> bool:
    return number == 0 or number >= FEWEST


def _paragraphs(period: Period, now: int, before: int, tables: tuple[Table, Table, Table, Table]) -> Iterable[str]:
    """Say in words what the tables show: no number that no table shows, so that nothing hidden can be told from it."""
    channels, topics, outcomes, terms = tables
    over = "" if period.over else f" (по {timezone.localdate():%d.%m.%Y})"
    if now < FEWEST:
        yield f"За {period.words}{over} зарегистрировано меньше {FEWEST} обращений. Распределение не публикуется."
        return
    yield f"За {period.words}{over} поступило {count(now, APPEALS)}{_compared(period, now, before)}."
    if first := next(iter(channels.named), None):
        share = _percent(first.now, now)
        yield f"Самый частый способ — «{first.name}»: {count(first.now, APPEALS)}, {share} от всех."
    if asked := topics.named[:3]:
        named = "; ".join(f"«{one.name}» — {count(one.now, 'вопрос,вопроса,вопросов')}" for one in asked)
        yield f"Больше всего спрашивали о следующем: {named}."
    if ended := outcomes.named[:3]:
        named = "; ".join(f"«{one.name}» — {count(one.now, 'вопрос,вопроса,вопросов')}" for one in ended)
        yield f"Чаще всего рассмотрение заканчивалось так: {named}."
    if in_term := next((one for one in terms.named if one.name == IN_TERM), None):
        said = count(in_term.now, "обращению,обращениям,обращениям")
        yield f"В срок ответ дан по {said}, это {_percent(in_term.now, now)} от всех поступивших."


def _compared(period: Period, now: int, before: int) -> str:
    if before < FEWEST:
        return ""
    if now == before:
        return f" — столько же, сколько за {period.before.words}"
    more = "больше" if now > before else "меньше"
    share = _percent(abs(now - before), before)
    return f" — на {abs(now - before)} ({share}) {more}, чем за {period.before.words} ({before})"


def _percent(part: int, whole: int) -> str:
    share = f"{100 * part / whole:.1f}".rstrip("0").rstrip(".").replace(".", ",")
    return f"{share} %"


def printed(found: Overview) -> bytes:
    """Return the overview as PDF."""
    sections = [journals.section("Коротко", text="\n\n".join(found.paragraphs))]
    for table in found.tables:
        columns = [(table.what, 5), (found.period.words, 1.4)]
        lines = [[one.name, str(one.now)] for one in table.lines]
        if table.compared:
            columns.append((found.period.before.words, 1.4))
            lines = [[one.name, str(one.now), str(one.before)] for one in table.lines]
        sections.append(journals.section(table.title, columns=columns, table=lines))
    return journals.sheet(found.title, sections, foot=found.title)


def page(found: Overview) -> str:
    """Return the overview as a page for the site: plain HTML that takes the site's own look."""
    return render_to_string("reports/overview_page.html", {"found": found})


def quarter_of(day: date) -> Period:
    """Return the quarter a day lies in."""
    return Period(day.year, (day.month + 2) // 3)
