"""Terms as data: which rule holds for a regime, a step and a channel on a day; how rules begin, change and end.

A rule that has begun is never rewritten: what was counted by it keeps its ground.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, timedelta
from typing import TYPE_CHECKING, Any, Final, cast

from django.db import transaction
from django.db.models import Q, QuerySet
from django.utils import timezone

from otklik.core import built, journal
from otklik.core.errors import DomainError
from otklik.core.models import Regime, RegimeEdition, TermRule
from otklik.core.workdays import Roll, Term, Unit

if TYPE_CHECKING:
    from otklik.people.models import Employee

SOON_DAYS: Final = 3  # «горит»: three days or fewer are left


class NoRule(DomainError):
    """Nobody has entered a term for this regime and step."""

    code = "terms.no_rule"
    text = "Для режима «{regime}» не задан срок ({step}) на {on:%d.%m.%Y}. Добавьте его на странице «Сроки»."


class Overlap(DomainError):
    """Two rules would hold for one thing on one day."""

    code = "terms.overlap"
    text = "На эти даты такой срок уже задан: он действует с {since:%d.%m.%Y}. Измените или завершите его."


class WrongDates(DomainError):
    """A rule or its end stands on a day it cannot stand on."""

    code = "terms.wrong_dates"
    text = "Выберите дату {why}."


class ChangedMeanwhile(DomainError):
    """Somebody else changed the rule first."""

    code = "terms.changed"
    text = "Этот срок уже изменил другой сотрудник. Откройте страницу «Сроки» заново."


def valid(on: date, *, prefix: str = "") -> Q:
    """Return the condition «this row counts on this day» for a table with validity dates."""
    end = f"{prefix}valid_to"
    return Q(**{f"{prefix}valid_from__lte": on}) & (Q(**{f"{end}__isnull": True}) | Q(**{f"{end}__gte": on}))


def regimes(on: date) -> QuerySet[Regime]:
    """Return the regimes that may be chosen on this day."""
    return Regime.objects.filter(valid(on))


def rule_for(regime: Regime | str, step: str, *, channel: str = "", on: date) -> TermRule:
    """Return the rule that holds; one for the channel goes before one for all, a later one before an earlier."""
    if (rule := rules_for(regime, {step: on}, channel=channel).get(step)) is None:
        raise NoRule(regime=regime, step=TermRule.Step(step).label, on=on)
    return rule


def rules_for(regime: Regime | str, days: Mapping[str, date], *, channel: str = "") -> dict[str, TermRule]:
    """Return the rules that hold for steps, each on its own day: step → rule, as `rule_for` chooses it."""
    code = regime if isinstance(regime, str) else regime.code
    return {rule.step: rule for rule in _rules(code, channel, tuple(days.items()))}


@built.once
def _rules(regime: str, channel: str, days: tuple[tuple[str, date], ...]) -> QuerySet[TermRule]:
    """Return the rules that may hold, the one that does for its step last."""
    wanted = Q(pk__in=[])
    for step, on in days:
        wanted |= Q(step=step) & valid(on)
    rules = TermRule.objects.filter(wanted, regime=regime, channel__in={channel, ""}).select_related("regime")
    return rules.order_by("channel", "valid_from")


def term_of(rule: TermRule, *, days: int | None = None) -> Term:
    """Return the rule as the engine's value; `days`: an extension's own, at most the rule's."""
    return Term(
        days=days or rule.days,
        basis=rule.basis,
        unit=cast("Unit", rule.unit),
        roll=cast("Roll", rule.roll),
        event=_event(rule),
        spares_working_day=rule.step == TermRule.Step.REGISTER,
    )


def _event(rule: TermRule) -> str:
    if rule.step == TermRule.Step.EXTEND:
        return "Первоначальный срок"
    return "Поступление" if starts_at_arrival(rule) else "Регистрация"


def starts_at_arrival(rule: TermRule) -> bool:
    """Tell whether the days run from the arrival of the letter; otherwise from its registration."""
    return rule.step == TermRule.Step.REGISTER or rule.since_arrival


class Rules:
    """Every rule of some steps, read once: for thousands of cases. Chooses as `rule_for` does."""

    def __init__(self, *steps: str) -> None:
        self._known: dict[tuple[str, str], list[TermRule]] = {}
        rows = TermRule.objects.filter(step__in=steps).select_related("regime").order_by("channel", "valid_from")
        for rule in rows:
            self._known.setdefault((rule.regime_id, rule.step), []).append(rule)

    def find(self, regime: str, step: str, *, channel: str, on: date) -> TermRule | None:
        """Return the rule that holds; None where nobody has entered one."""
        holding = [
            rule
            for rule in self._known.get((regime, step), ())
            if rule.channel in {channel, ""} and rule.valid_from <= on <= (rule.valid_to or date.max)
        ]
        return holding[-1] if holding else None


@transaction.atomic
def add(
    regime: Regime, step: str, *, channel: str, valid_from: date, valid_to: date | None, by: Employee, **what: Any
) -> TermRule:
    """Add a term (`days`, `unit`, `roll`, `basis`) where none holds yet, and write it down."""
    if valid_to and valid_to < valid_from:
        raise WrongDates(why=f"окончания не раньше {valid_from:%d.%m.%Y}")
    Regime.objects.select_for_update().get(pk=regime.pk)  # of two who add at once the second sees the first
    same = TermRule.objects.filter(regime=regime, step=step, channel=channel)
    until = Q(valid_from__lte=valid_to) if valid_to else Q()
    if known := same.filter(until, Q(valid_to__isnull=True) | Q(valid_to__gte=valid_from)).first():
        raise Overlap(since=known.valid_from)
    rule = TermRule.objects.create(
        regime=regime, step=step, channel=channel, valid_from=valid_from, valid_to=valid_to, **what
    )
    journal.record(
        "terms.rule_added", chain=_chain(regime.pk), by=by, new=rule.pk, days=rule.days, on=valid_from, till=valid_to
    )
    return rule


@transaction.atomic
def replace(old: TermRule, *, valid_from: date, by: Employee, **what: Any) -> TermRule:
    """Give a term another value from a day on; the old row ends the day before and stays for what began under it."""
    if valid_from <= old.valid_from:
        raise WrongDates(why=f"позже начала прежнего срока, {old.valid_from:%d.%m.%Y}")
    if old.valid_to and valid_from > old.valid_to:
        raise WrongDates(why=f"не позже окончания прежнего срока, {old.valid_to:%d.%m.%Y}")
    _end(old, valid_from - timedelta(days=1))
    new = TermRule.objects.create(
        regime=old.regime, step=old.step, channel=old.channel, valid_from=valid_from, valid_to=old.valid_to, **what
    )
    journal.record(
        "terms.rule_replaced", chain=_chain(old.regime_id), by=by, old=old.pk, new=new.pk, days=new.days, on=valid_from
    )
    return new


@transaction.atomic
def end(rule: TermRule, *, last_day: date, basis: str, by: Employee) -> None:
    """Let a term hold till a day, that day included, and write down the ground."""
    if last_day < rule.valid_from:
        raise WrongDates(why=f"не раньше начала срока, {rule.valid_from:%d.%m.%Y}")
    if rule.valid_to and last_day > rule.valid_to:
        raise WrongDates(why=f"не позже нынешнего окончания, {rule.valid_to:%d.%m.%Y}")
    _end(rule, last_day)
    journal.record("terms.rule_ended", chain=_chain(rule.regime_id), by=by, old=rule.pk, on=last_day, basis=basis)


def _end(rule: TermRule, last_day: date) -> None:
    """Set the last day of a rule that is still as the person saw it."""
    if not TermRule.objects.filter(pk=rule.pk, valid_to=rule.valid_to).update(valid_to=last_day):
        raise ChangedMeanwhile


@transaction.atomic
def keep_regime(regime: Regime, *, changed: Mapping[str, object], by: Employee) -> None:
    """Save a regime and write down what changed in it; the dates of appeals stand on its terms and stay.

    What was said of it before stays as an edition with its day.
    """
    is_new = regime._state.adding
    today = timezone.localdate()
    if not is_new and not regime.editions.exists():  # it was loaded, and this is its first change
        was = Regime.objects.get(pk=regime.pk)
        RegimeEdition.objects.create(regime=regime, valid_from=was.valid_from, facts=facts_of(was))
    regime.save()
    since = regime.valid_from if is_new else today
    RegimeEdition.objects.create(regime=regime, valid_from=since, facts=facts_of(regime), by=by)
    journal.record("regime.added" if is_new else "regime.changed", chain=_chain(regime.pk), by=by, now=dict(changed))


def facts_of(regime: Regime) -> dict[str, object]:
    """Return all that is said of a regime, by the names of its fields."""
    names = [field.name for field in regime._meta.concrete_fields if not field.primary_key]
    return {name: getattr(regime, name) for name in names}


def _chain(regime: str) -> str:
    return f"regime:{regime}"
