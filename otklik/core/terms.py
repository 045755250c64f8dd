"""Terms as data: which rule holds for a regime, a step and a channel on a day."""

from __future__ import annotations

from datetime import date
from typing import cast

from django.db.models import Q, QuerySet

from otklik.core.errors import DomainError
from otklik.core.models import Regime, TermRule
from otklik.core.workdays import Roll, Term, Unit


class NoRule(DomainError):
    """Nobody has entered a term for this regime and step."""

    code = "terms.no_rule"
    text = "Для режима «{regime}» не задан срок ({step}) на {on:%d.%m.%Y}. Добавьте его в справочнике сроков."


def valid(on: date, *, prefix: str = "") -> Q:
    """Return the condition «this row counts on this day» for a table with validity dates."""
    end = f"{prefix}valid_to"
    return Q(**{f"{prefix}valid_from__lte": on}) & (Q(**{f"{end}__isnull": True}) | Q(**{f"{end}__gte": on}))


def regimes(on: date) -> QuerySet[Regime]:
    """Return the regimes that may be chosen on this day."""
    return Regime.objects.filter(valid(on))


def rule_for(regime: Regime | str, step: str, *, channel: str = "", on: date) -> TermRule:
    """Return the rule that holds; one for the channel goes before one for all, a later one before an earlier."""
    code = regime if isinstance(regime, str) else regime.code
    rules = TermRule.objects.filter(valid(on), regime=code, step=step, channel__in={channel, ""})
    rule = rules.select_related("regime").order_by("-channel", "-valid_from").first()
    if rule is None:
        raise NoRule(regime=regime, step=TermRule.Step(step).label, on=on)
    return rule


def term_of(rule: TermRule) -> Term:
    """Return the rule as the engine's value."""
    return Term(
        days=rule.days,
        basis=rule.basis,
        unit=cast("Unit", rule.unit),
        roll=cast("Roll", rule.roll),
        event="Поступление" if rule.step == TermRule.Step.REGISTER else "Регистрация",
        spares_working_day=rule.step == TermRule.Step.REGISTER,
    )
