"""Dates of an appeal: computed from regime, calendar and pauses, kept with their grounds, never typed."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date

from django.db import transaction
from django.db.models import F, QuerySet
from django.utils import timezone

from otklik.appeals.models import FINISHED, Appeal, AppealPause, AppealTerm
from otklik.appeals.permissions import check_power
from otklik.appeals.pos import term as pos
from otklik.core import calendar, journal
from otklik.core import terms as rules
from otklik.core.errors import DomainError
from otklik.core.models import TermRule
from otklik.core.workdays import Due, Pause, WorkCalendar
from otklik.people.models import Employee

Step = TermRule.Step


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


def compute(appeal: Appeal, *, reason: str = "") -> date:
    """Compute both terms of an appeal, keep them with their grounds, and return the date of the answer."""
    AppealTerm.objects.bulk_create(computed(appeal, reason=reason))
    Appeal.objects.filter(pk=appeal.pk).update(due_on=appeal.due_on)
    assert appeal.due_on is not None  # `computed` has set it
    return appeal.due_on


def computed(appeal: Appeal, *, reason: str = "") -> list[AppealTerm]:
    """Set the date of the answer of an appeal in hand, kept or not yet, and return the rows of its terms to be kept.

    Outside the statutory regimes nothing may be set for registration; then there is no such row.
    """
    days = calendar.current()
    starts: dict[str, date] = {Step.REGISTER: appeal.received_on, Step.ANSWER: pos.start_of(appeal)}
    known = rules.rules_for(appeal.regime, starts, channel=appeal.channel)
    if Step.ANSWER not in known:
        raise rules.NoRule(regime=appeal.regime, step=Step.ANSWER.label, on=appeal.registered_on)
    dues = {step: _due(appeal, known[step], start, days) for step, start in starts.items() if step in known}
    appeal.due_on = dues[Step.ANSWER].on
    return [_row(appeal, known[step], starts[step], due, reason) for step, due in dues.items()]


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

    Each appeal gets a new term row with the reason and a journal line; the old rows stay.
    """
    check_power(by, "calendar.edit", "пересчитать сроки")
    changed = list(_redatings())
    for item in changed:
        _row(item.appeal, item.rule, pos.start_of(item.appeal), item.due, reason).save()
        Appeal.objects.filter(pk=item.appeal.pk).update(due_on=item.becomes, version=F("version") + 1)
        journal.record(
            "appeal.redated",
            chain=f"appeal:{item.appeal.pk}",
            by=by,
            was=item.was.isoformat() if item.was else None,
            becomes=item.becomes.isoformat(),
            rule=item.rule.pk,
        )
    return changed


@transaction.atomic
def pause(appeal: Appeal, *, starts_on: date, by: Employee) -> AppealPause:
    """Let the term stand still from a day on; only where the regime names the article that allows it."""
    check_power(by, "intake.decide", "приостановить срок")
    if not appeal.regime.pause_basis:
        raise PauseRefused(regime=appeal.regime.name)
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
    check_power(by, "intake.decide", "возобновить срок")
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
    days = calendar.current()
    for appeal in (
        running().select_related("regime", "pos_case__theme").prefetch_related("pauses").iterator(chunk_size=500)
    ):
        rule = rules.rule_for(appeal.regime, Step.ANSWER, channel=appeal.channel, on=pos.start_of(appeal))
        due = _due(appeal, rule, pos.start_of(appeal), days)
        if due.on != appeal.due_on:
            yield Redating(appeal, appeal.due_on, due.on, due, rule)


def _due(appeal: Appeal, rule: TermRule, start: date, days: WorkCalendar) -> Due:
    if (of_pos := pos.due(appeal, rule, days)) is not None:
        return of_pos
    known = appeal.pauses.all() if appeal.pk and rule.step == Step.ANSWER else ()
    pauses = [Pause(row.starts_on, row.ends_on, row.basis) for row in known if row.ends_on]
    return rules.term_of(rule).due(start, days, pauses)


def _row(appeal: Appeal, rule: TermRule, start: date, due: Due, reason: str) -> AppealTerm:
    return AppealTerm(
        appeal=appeal, step=rule.step, rule=rule, start_on=start, due_on=due.on, why=due.why, reason=reason[:300]
    )
