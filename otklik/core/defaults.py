"""The starting calendar, regimes and terms, the Procedure, retention periods.

Loading twice changes nothing; what a person edited stays.
"""

from __future__ import annotations

from datetime import date
from typing import Final, TypeVar

from django.db import transaction

from otklik.core import calendar, journal, procedure, retention
from otklik.core.models import Regime, TermRule

Row = TypeVar("Row", Regime, TermRule)

_S = TermRule.Step
_INTERNAL = "внутренний норматив"
_SINCE = date(2006, 11, 2)  # 59-ФЗ came into force 180 days after its publication on 05.05.2006.

REGIMES: Final = [
    Regime(
        code="59fz",
        name="Обращение по 59-ФЗ",
        statutory=True,
        citizen_word="обращение",
        law="Федеральный закон от 02.05.2006 № 59-ФЗ",
        valid_from=_SINCE,
        order=10,
    ),
    Regime(
        code="outside_59fz",
        name="Сообщение вне 59-ФЗ",
        statutory=False,
        citizen_word="сообщение",
        law="Порядок взаимодействия с клиентом; положения 59-ФЗ не применяются",
        head_may_approve_dispatch=True,
        valid_from=_SINCE,
        order=20,
    ),
    # ПОС
    Regime(
        code="pos",
        name="Сообщение ПОС",
        statutory=False,
        citizen_word="сообщение",
        law="Правила ПОС (ПП РФ от 10.11.2020 № 1802); положения 59-ФЗ не применяются",
        head_may_approve_dispatch=True,
        valid_from=_SINCE,
        order=22,
    ),
    Regime(
        code="pos_fast_track",
        name="Сообщение ПОС: Фаст-трек",
        statutory=False,
        citizen_word="сообщение",
        law="Правила ПОС (ПП РФ от 10.11.2020 № 1802); положения 59-ФЗ не применяются",
        head_may_approve_dispatch=True,
        valid_from=_SINCE,
        order=24,
    ),
]

TERMS: Final = [
    TermRule(regime_id="59fz", step=_S.REGISTER, days=3, basis="59-ФЗ, ст. 8 ч. 2", valid_from=_SINCE),
    TermRule(regime_id="59fz", step=_S.ANSWER, days=30, basis="59-ФЗ, ст. 12 ч. 1", valid_from=_SINCE),
    *[
        TermRule(
            regime_id="outside_59fz",
            step=step,
            channel=channel,
            days=days,
            unit=TermRule.Unit.WORKING,
            roll=TermRule.Roll.NONE,
            basis=_INTERNAL,
            valid_from=_SINCE,
        )
        for channel, register, answer in [("", 1, 10), ("email", 1, 10), ("website", 1, 10), ("hotline", 1, 3)]
        for step, days in [(_S.REGISTER, register), (_S.ANSWER, answer)]
    ],
    # ПОС: it registers a message itself; what is counted here is how soon it is taken into work.
    *[
        TermRule(
            regime_id=regime,
            step=_S.REGISTER,
            days=1,
            unit=TermRule.Unit.WORKING,
            roll=TermRule.Roll.NONE,
            basis=_INTERNAL,
            valid_from=_SINCE,
        )
        for regime in ("pos", "pos_fast_track")
    ],
    TermRule(
        regime_id="pos",
        step=_S.ANSWER,
        days=30,
        basis="правила ПОС: сообщение вне Фаст-трека — до 30 дней (не подтверждено)",
        valid_from=_SINCE,
    ),
    TermRule(
        regime_id="pos_fast_track",
        step=_S.ANSWER,
        days=10,
        basis="Фаст-трек ПОС: 10 календарных дней по выгрузкам личного кабинета",
        valid_from=_SINCE,
    ),
]


@transaction.atomic
def load() -> None:
    """Fill the calendar for the years we ship, and add the rows that are not there yet."""
    calendar.load()
    procedure.load()
    retention.load()
    known = set(Regime.objects.values_list("code", flat=True))
    for regime in (_copy(row) for row in REGIMES if row.code not in known):
        regime.save(force_insert=True)
        # A regime somebody already has keeps the terms he gave it; a new one brings its own.
        for rule in (_copy(row) for row in TERMS if row.regime_id == regime.code):
            rule.save(force_insert=True)
        journal.record("regime.loaded", chain="terms", by=None, regime=regime.code)


def _copy(row: Row) -> Row:
    return type(row)(**{field.attname: getattr(row, field.attname) for field in row._meta.concrete_fields})


def rule(regime: str, step: str, channel: str = "") -> TermRule | None:
    """Return a shipped rule, for programs that run without a database."""
    rules = [row for row in TERMS if (row.regime_id, row.step) == (regime, step) and row.channel in {channel, ""}]
    return max(rules, key=lambda row: row.channel, default=None)
