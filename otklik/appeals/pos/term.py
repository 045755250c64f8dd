"""The term of a message of ПОС: what ПОС planned goes first, then the fact's own days, then the regime's."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from typing import Final, cast

from otklik.appeals.models import Appeal, PosCase
from otklik.core import terms as rules
from otklik.core.models import Regime, TermRule
from otklik.core.workdays import Due, Term, Unit, WorkCalendar
from otklik.correspondence.models import ChannelCode

ORDINARY: Final = "pos"
FAST_TRACK: Final = "pos_fast_track"
LAW: Final = "59fz"
REGIMES: Final = frozenset({ORDINARY, FAST_TRACK})
EVENT: Final = "Поступление в ПОС"


def holds(channel: str, regime: Regime) -> bool:
    """Tell whether a message is considered by the rules of ПОС: one sent by 59-ФЗ through ПОС is not."""
    return regime.code in REGIMES or (channel == ChannelCode.POS and not regime.statutory)


def case_of(appeal: Appeal) -> PosCase | None:
    """Return what ПОС says of an appeal, kept or just made with it; None for an appeal of another channel."""
    return getattr(appeal, "pos_case", None)


def start_of(appeal: Appeal) -> date:
    """Return the day the term of the answer runs from: ПОС registers a message the moment it is sent."""
    return appeal.received_on if appeal.regime_id in REGIMES else appeal.registered_on


def own(case: PosCase | None, rule: TermRule) -> Term:
    """Return the term as we would count it without a plan of ПОС."""
    term = replace(rules.term_of(rule), event=EVENT)
    theme = case.theme if case else None
    if rule.regime_id != FAST_TRACK or theme is None or theme.days is None:
        return term
    unit = cast("Unit", theme.unit)
    roll = term.roll if unit == "calendar" else "none"
    return replace(term, days=theme.days, unit=unit, roll=roll, basis=f"факт ПОС «{theme.fact}»: {theme.basis}")


def due(appeal: Appeal, rule: TermRule, days: WorkCalendar) -> Due | None:
    """Return the last day to answer and why it is this one; None where the rules of ПОС do not hold."""
    if appeal.regime_id not in REGIMES or rule.step != TermRule.Step.ANSWER:
        return None
    case = case_of(appeal)
    counted = own(case, rule).due(appeal.received_on, days)
    on, why = counted.on, list(counted.why)
    if case is not None and case.planned_on is not None:
        on = case.planned_on
        agrees = "собственный расчёт тот же" if on == counted.on else f"собственный расчёт — {counted.on:%d.%m.%Y}"
        text = f"Срок ПОС («Дата планируемого завершения работ») идёт первым: {on:%d.%m.%Y}; {agrees}."
        why.append({"date": on.isoformat(), "number": None, "text": text})
    if on < appeal.registered_on:
        text = f"Срок ПОС {on:%d.%m.%Y} прошёл раньше, чем сообщение зарегистрировали здесь: отвечать сразу."
        on = appeal.registered_on
        why.append({"date": on.isoformat(), "number": None, "text": text})
    return Due(on, why)
