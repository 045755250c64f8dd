"""Dates of an appeal: computed from regime, calendar, pauses, extension and control term, kept with their grounds."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Final

from django.db import connection, transaction
from django.db.models import F, Prefetch, QuerySet
from django.utils import timezone

from otklik.appeals.models import FINISHED, Appeal, AppealPause, AppealTerm, CarriedTerm, ControlTerm, TermExtension
from otklik.appeals.permissions import check_power
from otklik.appeals.pos import term as pos
from otklik.core import calendar, journal
from otklik.core import terms as rules
from otklik.core.errors import DomainError
from otklik.core.models import TermRule
from otklik.core.workdays import DayLine, Due, Pause, WorkCalendar
from otklik.people.models import Employee

Step = TermRule.Step
CHUNK: Final = 500  # rows of one statement: what both databases take
PAUSES: Final = "intake.decide"  # who lets a term stand still
FEW: Final = 20  # cases of one day that are not worth a statement of their own


class PauseRefused(DomainError):
    """No article of the regime allows the term to stand still."""

    code = "appeal.pause_refused"
    text = "Срок по режиму «{regime}» не приостанавливается: в справочнике нет статьи, которая это позволяет."


class PauseDates(DomainError):
    """The pause overlaps another one, or ends before it starts."""

    code = "appeal.pause_dates"
    text = "{what}"


@dataclass(frozen=True)
class Redating:
    """One running appeal whose date would change, or has changed."""

    appeal: Appeal
    was: date | None
    becomes: date
    due: Due
    rule: TermRule


@dataclass(frozen=True)
class Bearing:
    """What bears on the term of an answer besides its rule: all of it as rows that are there."""

    pauses: Sequence[AppealPause] = ()
    extension: TermExtension | None = None
    control: ControlTerm | None = None
    carried: CarriedTerm | None = None


@dataclass
class Counter:
    """Counts terms of answers; one count serves all cases that began on one day under one rule."""

    days: WorkCalendar
    _counted: dict[tuple[object, ...], Due] = field(default_factory=dict)

    def due(self, appeal: Appeal, rule: TermRule, bearing: Bearing) -> Due:
        """Return the day of the answer, and day by day why it is this one."""
        start = start_of(appeal, rule)
        pauses = tuple(Pause(row.starts_on, row.ends_on, row.basis) for row in bearing.pauses if row.ends_on)
        if bearing.carried:
            due = Due(bearing.carried.due_on, carried_why(bearing.carried.due_on, bearing.carried.source))
        else:
            due = pos.due(appeal, rule, self.days) or self._once(
                (rule.pk, start, pauses), lambda: rules.term_of(rule).due(start, self.days, pauses)
            )
        if bearing.extension:
            due = self._extended(due, bearing.extension, pauses)
        if bearing.control:
            due = _controlled(due, bearing.control)
        if due.on < appeal.registered_on:  # counted from arrival, or set by others
            line = _line(appeal.registered_on, f"Срок {due.on:%d.%m.%Y} прошёл до регистрации: ответить нужно сразу.")
            return Due(appeal.registered_on, [*due.why, line])
        return due

    def _extended(self, first: Due, row: TermExtension, pauses: tuple[Pause, ...]) -> Due:
        more = self._once(
            (row.rule_id, row.days, first.on, pauses, "more"),
            lambda: rules.term_of(row.rule, days=row.days).due(first.on, self.days, pauses),
        )
        return Due(more.on, [*first.why, *more.why])

    def _once(self, key: tuple[object, ...], count: Callable[[], Due]) -> Due:
        if key not in self._counted:
            self._counted[key] = count()
        return self._counted[key]


def start_of(appeal: Appeal, rule: TermRule) -> date:
    """Return the day a term of this appeal is counted from."""
    return appeal.received_on if rules.starts_at_arrival(rule) else pos.start_of(appeal)


def compute(appeal: Appeal, *, reason: str = "") -> date:
    """Compute both terms of an appeal, keep them with their grounds, and return the date of the answer."""
    AppealTerm.objects.bulk_create(computed(appeal, reason=reason))
    Appeal.objects.filter(pk=appeal.pk).update(due_on=appeal.due_on)
    assert appeal.due_on is not None  # `computed` has set it
    return appeal.due_on


def computed(appeal: Appeal, *, reason: str = "", control: ControlTerm | None = None) -> list[AppealTerm]:
    """Set the date of the answer of an appeal in hand, kept or not yet, and return the rows of its terms to be kept.

    Outside the statutory regimes nothing may be set for registration; then there is no such row. `control`: of an
    appeal that is not kept yet.
    """
    days = calendar.current()
    on: dict[str, date] = {Step.REGISTER: appeal.received_on, Step.ANSWER: appeal.registered_on}
    known = rules.rules_for(appeal.regime, on, channel=appeal.channel)
    if Step.ANSWER not in known:
        raise rules.NoRule(regime=appeal.regime, step=Step.ANSWER.label, on=appeal.registered_on)
    answer = known.pop(Step.ANSWER)
    rows = [
        _row(appeal, rule, rules.term_of(rule).due(start_of(appeal, rule), days), reason) for rule in known.values()
    ]
    bearing = bearing_on(appeal) if appeal.pk else Bearing(control=control)
    due = Counter(days).due(appeal, answer, bearing)
    appeal.due_on = due.on
    return [*rows, _row(appeal, answer, due, reason)]


def recount(appeal: Appeal, *, reason: str) -> date:
    """Count the answer's term anew, keep the new row, and return the date; the registration's stays as it was."""
    rule = rules.rule_for(appeal.regime, Step.ANSWER, channel=appeal.channel, on=appeal.registered_on)
    due = Counter(calendar.current()).due(appeal, rule, bearing_on(appeal))
    _row(appeal, rule, due, reason).save()
    return due.on


def own(appeal: Appeal) -> Due:
    """Return the term the law gives, as if nobody had set a control term."""
    rule = rules.rule_for(appeal.regime, Step.ANSWER, channel=appeal.channel, on=appeal.registered_on)
    known = bearing_on(appeal)
    return Counter(calendar.current()).due(appeal, rule, Bearing(known.pauses, known.extension, carried=known.carried))


def due_of(appeal: Appeal, rule: TermRule) -> Due:
    """Return the end of a term that is only looked at, not kept: of forwarding."""
    return rules.term_of(rule).due(start_of(appeal, rule), calendar.current())


def bearing_on(appeal: Appeal) -> Bearing:
    """Return what bears on the term of a kept appeal."""
    return Bearing(
        pauses=list(AppealPause.objects.filter(appeal=appeal)),
        extension=TermExtension.objects.filter(appeal=appeal).select_related("rule").first(),
        control=ControlTerm.objects.filter(appeal=appeal, lifted_at=None).first(),
        # Only what was brought in may have such a row: nobody else pays for asking.
        carried=CarriedTerm.objects.filter(appeal=appeal).first() if appeal.origin == Appeal.Origin.IMPORTED else None,
    )


def why(appeal: Appeal) -> list[AppealTerm]:
    """Return the newest row of each step, with «почему эта дата» day by day."""
    newest: dict[str, AppealTerm] = {}
    for row in appeal.term_rows.select_related("rule").order_by("id"):
        newest[row.step] = row
    return [newest[step] for step in Step.values if step in newest]


def running() -> QuerySet[Appeal]:
    """Return the appeals whose term still runs."""
    return Appeal.objects.exclude(status__in=FINISHED).filter(due_on__isnull=False).order_by("pk")


def preview() -> list[Redating]:
    """Return what `redate` would change now, without changing anything."""
    return list(_redatings())


@transaction.atomic
def redate(*, by: Employee, reason: str) -> list[Redating]:
    """Move the dates of running appeals to today's calendar and rules; return what changed.

    Each appeal gets a new term row with the reason and a journal line; the old rows stay. A number of statements that
    grows with the number of different dates, not of appeals.
    """
    check_power(by, "calendar.edit", "пересчитать сроки")
    changed = list(_redatings())
    _keep(changed, reason)
    by_date: dict[date, list[int]] = {}
    for item in changed:
        by_date.setdefault(item.becomes, []).append(item.appeal.pk)
    for becomes, keys in by_date.items():
        for start in range(0, len(keys), CHUNK):
            some = Appeal.objects.filter(pk__in=keys[start : start + CHUNK])
            some.update(due_on=becomes, version=F("version") + 1)
    for start in range(0, len(changed), CHUNK):
        told = {
            f"appeal:{item.appeal.pk}": {
                "was": item.was.isoformat() if item.was else None,
                "becomes": item.becomes.isoformat(),
                "rule": item.rule.pk,
            }
            for item in changed[start : start + CHUNK]
        }
        journal.record_each("appeal.redated", told, by=by)
    return changed


def check_can_pause(appeal: Appeal, user: Employee) -> None:
    """Raise where the user may not let the term stand still: the regime names no article, or it has been answered."""
    check_power(user, PAUSES, "приостановить срок")
    if not appeal.regime.pause_basis:
        raise PauseRefused(regime=appeal.regime.name)
    if appeal.status in FINISHED:
        raise PauseDates(what=f"Обращение № {appeal.number}: ответ уже дан, приостанавливать нечего.")


@transaction.atomic
def pause(appeal: Appeal, *, starts_on: date, by: Employee) -> AppealPause:
    """Let the term stand still from a day on; only where the regime names the article that allows it."""
    check_can_pause(appeal, by)
    if appeal.pauses.filter(ends_on__isnull=True).exists():
        raise PauseDates(what="Срок уже приостановлен.")
    if starts_on < appeal.registered_on or starts_on > timezone.localdate():
        raise PauseDates(what="Приостановить срок можно со дня не раньше регистрации и не позже сегодняшнего.")
    row = AppealPause.objects.create(appeal=appeal, starts_on=starts_on, basis=appeal.regime.pause_basis, by=by)
    journal.record("appeal.paused", chain=f"appeal:{appeal.pk}", by=by, starts_on=starts_on.isoformat(), pause=row.pk)
    return row


@transaction.atomic
def resume(appeal: Appeal, *, ends_on: date, by: Employee) -> date:
    """End the running pause, last day included, and return the new date of the answer."""
    check_power(by, PAUSES, "возобновить срок")
    row = appeal.pauses.filter(ends_on__isnull=True).first()
    if row is None:
        raise PauseDates(what="Срок не приостановлен.")
    if ends_on < row.starts_on or ends_on > timezone.localdate():
        raise PauseDates(what="Последний день паузы — не раньше её начала и не позже сегодняшнего дня.")
    if not AppealPause.objects.filter(pk=row.pk, ends_on__isnull=True).update(ends_on=ends_on):
        raise PauseDates(what="Срок уже возобновил другой сотрудник.")
    journal.record("appeal.resumed", chain=f"appeal:{appeal.pk}", by=by, ends_on=ends_on.isoformat(), pause=row.pk)
    return compute(appeal, reason="срок возобновлён")


def _redatings() -> Iterator[Redating]:
    """Yield what a count of today finds changed: every rule and the calendar are read once."""
    counter, known = Counter(calendar.current()), rules.Rules(Step.ANSWER)
    in_force = Prefetch("control_terms", ControlTerm.objects.filter(lifted_at=None), to_attr="controls")
    rows = (
        running()
        .select_related("regime", "extension__rule", "pos_case__theme", "carried_term")
        .prefetch_related(Prefetch("pauses", to_attr="breaks"), in_force)
    )
    for appeal in rows.iterator(chunk_size=CHUNK):
        rule = known.find(appeal.regime_id, Step.ANSWER, channel=appeal.channel, on=appeal.registered_on)
        if rule is None:
            raise rules.NoRule(regime=appeal.regime, step=Step.ANSWER.label, on=appeal.registered_on)
        controls: list[ControlTerm] = getattr(appeal, "controls", [])
        bearing = Bearing(
            pauses=getattr(appeal, "breaks", ()),
            extension=getattr(appeal, "extension", None),
            control=controls[0] if controls else None,
            carried=getattr(appeal, "carried_term", None),
        )
        due = counter.due(appeal, rule, bearing)
        if due.on != appeal.due_on:
            yield Redating(appeal, appeal.due_on, due.on, due, rule)


def _controlled(own: Due, control: ControlTerm) -> Due:
    """Return the earlier of our term and a control term, and why it is the one that counts."""
    set_by = f"{control.body}{f', {control.basis}' if control.basis else ''}"
    named = f"Контрольный срок {control.until:%d.%m.%Y} ({set_by})"
    if control.until >= own.on:
        return Due(own.on, [*own.why, _line(own.on, f"{named} не раньше нашего: действует наш.")])
    text = f"{named} раньше нашего {own.on:%d.%m.%Y}: действует он."
    return Due(control.until, [*own.why, _line(control.until, text)])


def carried_why(day: date, source: str) -> list[DayLine]:
    """Return the ground of a term that another system had counted."""
    return [_line(day, f"Срок перенесён из журнала: {source}. Он действует таким, каким был там.")]


def _line(day: date, text: str) -> DayLine:
    return {"date": day.isoformat(), "number": None, "text": text}


def _keep(changed: Sequence[Redating], reason: str) -> None:
    """Keep the new rows. The grounds that many cases share go to the database once a statement, not once a case."""
    shared: dict[tuple[int, date, int], list[Redating]] = {}
    for item in changed:  # one count serves all cases of a day and a rule: the same object
        shared.setdefault((item.rule.pk, start_of(item.appeal, item.rule), id(item.due)), []).append(item)
    alone: list[AppealTerm] = []
    for same in shared.values():
        if len(same) < FEW:
            alone += [_row(item.appeal, item.rule, item.due, reason) for item in same]
        else:
            _copy(_row(same[0].appeal, same[0].rule, same[0].due, reason), [item.appeal.pk for item in same])
    AppealTerm.objects.bulk_create(alone, batch_size=CHUNK)


def _copy(row: AppealTerm, appeals: Sequence[int]) -> None:
    """Insert a row for each of many appeals."""
    fields = [field for field in AppealTerm._meta.concrete_fields if not field.primary_key and field.name != "appeal"]
    name = connection.ops.quote_name
    into = ", ".join(name(column) for column in ("appeal_id", *(str(field.column) for field in fields)))
    placeholders = ", ".join("%s" for _ in fields)
    values = [field.get_db_prep_save(field.pre_save(row, add=True), connection) for field in fields]
    table, source = name(AppealTerm._meta.db_table), name(Appeal._meta.db_table)
    with connection.cursor() as cursor:
        for start in range(0, len(appeals), CHUNK):
            some = list(appeals[start : start + CHUNK])
            keys = ", ".join("%s" for _ in some)
            # Names of our own tables and columns; every value is a parameter.
            sql = f"INSERT INTO {table} ({into}) SELECT id, {placeholders} FROM {source} WHERE id IN ({keys})"  # noqa: S608
            cursor.execute(sql, [*values, *some])


def _row(appeal: Appeal, rule: TermRule, due: Due, reason: str) -> AppealTerm:
    start = start_of(appeal, rule)
    return AppealTerm(
        appeal=appeal, step=rule.step, rule=rule, start_on=start, due_on=due.on, why=due.why, reason=reason[:300]
    )
