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

_INSIDE: Final = {"roll": TermRule.Roll.NONE, "unit": TermRule.Unit.WORKING}


def _regime(code: str, order: int, name: str, law: str, *, word: str = "обращение", **more: object) -> Regime:
    return Regime(
        code=code, name=name, law=law, citizen_word=word, order=order, valid_from=_SINCE, **{"statutory": True, **more}
    )


REGIMES: Final = [
    _regime("59fz", 10, "Обращение по 59-ФЗ", "Федеральный закон от 02.05.2006 № 59-ФЗ"),
    _regime(
        "outside_59fz",
        20,
        "Сообщение вне 59-ФЗ",
        "Порядок взаимодействия с клиентом; положения 59-ФЗ не применяются",
        word="сообщение",
        statutory=False,
        head_may_approve_dispatch=True,
    ),
    _regime(
        "pos",
        30,
        "Сообщение ПОС",
        "Правила ПОС (ПП РФ от 10.11.2020 № 1802); положения 59-ФЗ не применяются",
        word="сообщение",
        statutory=False,
        head_may_approve_dispatch=True,
    ),
    _regime(
        "pos_fast_track",
        40,
        "Сообщение ПОС, Фаст-трек",
        "Правила ПОС (ПП РФ от 10.11.2020 № 1802), ускоренное рассмотрение; п. 10.1 Порядка",
        word="сообщение",
        statutory=False,
        head_may_approve_dispatch=True,
    ),
    _regime(
        "information_request",
        50,
        "Запрос информации (8-ФЗ)",
        "Федеральный закон от 09.02.2009 № 8-ФЗ",
        word="запрос",
        hints="прошу предоставить информацию, прошу представить информацию, запрос информации, запрашиваю информацию, "
        "информацию о деятельности, 8-ФЗ, № 8-ФЗ, доступ к информации",
        hint_why="В тексте просят информацию о деятельности органа: 8-ФЗ, ст. 18.",
    ),
    _regime(
        "service_request",
        60,
        "Запрос о предоставлении услуги (210-ФЗ)",
        "Федеральный закон от 27.07.2010 № 210-ФЗ, административный регламент услуги",
        word="запрос",
        hints="заявление о предоставлении услуги, прошу предоставить государственную услугу, "
        "заявление о предоставлении государственной услуги",
        hint_why="В тексте просят государственную услугу: её срок — в регламенте (210-ФЗ), а не в 59-ФЗ.",
    ),
    _regime(
        "service_complaint",
        70,
        "Жалоба на предоставление услуги (210-ФЗ)",
        "Федеральный закон от 27.07.2010 № 210-ФЗ, гл. 2.1",
        word="жалоба",
        hints="жалоба на предоставление услуги, жалоба на предоставление государственной услуги, "
        "нарушен срок предоставления услуги, нарушение срока предоставления услуги, отказ в предоставлении услуги",
        hint_why="Жалуются на предоставление услуги: досудебное обжалование по 210-ФЗ, гл. 2.1.",
    ),
    _regime(
        "service_complaint_short",
        71,
        "Жалоба на отказ в приёме документов или исправлении опечаток (210-ФЗ)",
        "Федеральный закон от 27.07.2010 № 210-ФЗ, гл. 2.1",
        word="жалоба",
        hints="жалоба на отказ в приёме документов, отказали в приёме документов на услугу, "
        "отказ в исправлении опечаток, отказ в исправлении опечатки",
        hint_why="Жалуются на отказ в приёме документов или исправлении опечаток: 210-ФЗ, ст. 11.2, короткий срок.",
    ),
    _regime(
        "personal_data",
        80,
        "Запрос субъекта персональных данных (152-ФЗ)",
        "Федеральный закон от 27.07.2006 № 152-ФЗ",
        word="запрос",
        # «Согласен на обработку моих персональных данных» stands under half of all letters and asks for nothing.
        hints="обрабатывать мои персональные данные, прекратить обработку персональных данных, "
        "прекратить обработку моих персональных данных, удалить мои персональные данные, "
        "уничтожить мои персональные данные, отзываю согласие на обработку, какие персональные данные, "
        "запрос субъекта персональных данных, 152-ФЗ",
        hint_why="Речь о персональных данных заявителя: 152-ФЗ, ст. 14 и 20.",
    ),
    _regime(
        "lawyer_request",
        90,
        "Адвокатский запрос",
        "Федеральный закон от 31.05.2002 № 63-ФЗ, ст. 6.1",
        word="запрос",
        hints="адвокатский запрос, адвокатского запроса, от: адвокат, от: коллегия адвокатов, от: адвокатский кабинет, "
        "от: адвокатское бюро",
        hint_why="Пишет адвокат в порядке ст. 6.1 закона 63-ФЗ. Проверьте ордер.",
    ),
    _regime(
        "deputy_request",
        100,
        "Запрос депутата",
        "Законы о статусе депутата: Федеральный закон от 08.05.1994 № 3-ФЗ и закон области",
        word="запрос",
        hints="депутатский запрос, депутатского запроса, запрос депутата, от: депутат",
        hint_why="Пишет депутат. Проверьте бланк и срок, который назван в письме.",
    ),
    _regime(
        "prosecutor_request",
        110,
        "Запрос, требование или представление прокурора",
        "Федеральный закон от 17.01.1992 № 2202-1; срок называет документ",
        word="запрос",
        hints="представление прокурора, требование прокурора, от: прокуратура, от: прокурор",
        hint_why="Пишет прокуратура. Срок, названный в документе, внесите как контрольный.",
    ),
]


def _rule(regime: str, step: str, days: int, basis: str, **more: object) -> TermRule:
    return TermRule(regime_id=regime, step=step, days=days, basis=basis, valid_from=_SINCE, **more)


# A question of a message of ПОС that is another body's goes there; by which day, the rules of ПОС do not say to us.
_POS_FORWARD: Final = "правила ПОС: срок направления — внутренний норматив"
_WRITTEN: Final = "письменно, тем же способом, что и ответ"
TERMS: Final = [
    _rule("59fz", _S.REGISTER, 3, "59-ФЗ, ст. 8 ч. 2"),
    _rule("59fz", _S.FORWARD, 7, "59-ФЗ, ст. 8 ч. 3"),
    _rule("59fz", _S.ANSWER, 30, "59-ФЗ, ст. 12 ч. 1"),
    _rule("59fz", _S.EXTEND, 30, "59-ФЗ, ст. 12 ч. 2", notice_form=_WRITTEN),
    *[
        _rule("outside_59fz", step, days, _INTERNAL, channel=channel, **_INSIDE)
        for channel, register, answer in [("", 1, 10), ("email", 1, 10), ("website", 1, 10), ("hotline", 1, 3)]
        for step, days in [(_S.REGISTER, register), (_S.ANSWER, answer)]
    ],
    _rule("pos", _S.REGISTER, 1, "правила ПОС: учёт у нас — внутренний норматив", **_INSIDE),
    _rule(
        "pos", _S.ANSWER, 30, "правила ПОС: сообщение вне Фаст-трека — до 30 дней (не подтверждено)", since_arrival=True
    ),
    _rule("pos", _S.FORWARD, 7, _POS_FORWARD, since_arrival=True),
    _rule("pos_fast_track", _S.REGISTER, 1, "правила ПОС: учёт у нас — внутренний норматив", **_INSIDE),
    _rule(
        "pos_fast_track",
        _S.ANSWER,
        10,
        "Фаст-трек ПОС: 10 календарных дней по выгрузкам личного кабинета",
        since_arrival=True,
    ),
    _rule("pos_fast_track", _S.FORWARD, 3, _POS_FORWARD, since_arrival=True),
    _rule("information_request", _S.REGISTER, 3, "8-ФЗ, ст. 18 ч. 4"),
    _rule("information_request", _S.FORWARD, 7, "8-ФЗ, ст. 18 ч. 7"),
    _rule("information_request", _S.ANSWER, 30, "8-ФЗ, ст. 18 ч. 6"),
    _rule("information_request", _S.EXTEND, 15, "8-ФЗ, ст. 18 ч. 6", notice_within=7, notice_form=_WRITTEN),
    _rule("service_request", _S.REGISTER, 1, "административный регламент услуги", **_INSIDE),
    _rule("service_request", _S.ANSWER, 10, "административный регламент услуги: впишите её срок", **_INSIDE),
    *[
        rule
        for code, days in [("service_complaint", 15), ("service_complaint_short", 5)]
        for rule in (
            _rule(code, _S.REGISTER, 1, "210-ФЗ, ст. 11.2 ч. 6", **_INSIDE),
            _rule(code, _S.ANSWER, days, "210-ФЗ, ст. 11.2 ч. 6", **_INSIDE),
        )
    ],
    _rule("personal_data", _S.REGISTER, 1, _INTERNAL, **_INSIDE),
    _rule("personal_data", _S.ANSWER, 10, "152-ФЗ, ст. 20 ч. 1", since_arrival=True, **_INSIDE),
    _rule("personal_data", _S.EXTEND, 5, "152-ФЗ, ст. 20 ч. 1", notice_form=f"мотивированное, {_WRITTEN}", **_INSIDE),
    _rule("lawyer_request", _S.REGISTER, 1, _INTERNAL, **_INSIDE),
    _rule("lawyer_request", _S.ANSWER, 30, "63-ФЗ об адвокатуре, ст. 6.1 ч. 2", since_arrival=True),
    _rule("lawyer_request", _S.EXTEND, 30, "63-ФЗ об адвокатуре, ст. 6.1 ч. 2", notice_form=_WRITTEN),
    _rule("deputy_request", _S.REGISTER, 1, _INTERNAL, **_INSIDE),
    _rule("deputy_request", _S.ANSWER, 30, "3-ФЗ, ст. 14; закон области о статусе депутата", since_arrival=True),
    _rule("prosecutor_request", _S.REGISTER, 1, _INTERNAL, **_INSIDE),
    _rule("prosecutor_request", _S.ANSWER, 10, "2202-1, ст. 22; срок в документе сильнее", since_arrival=True),
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
    _add_new_steps(known)


def _add_new_steps(known: set[str]) -> None:
    """Give a regime of an older installation the terms of steps that rules did not have then."""
    has = set(TermRule.objects.values_list("regime", "step"))
    for rule in TERMS:
        if rule.step in (_S.FORWARD, _S.EXTEND) and rule.regime_id in known and (rule.regime_id, rule.step) not in has:
            _copy(rule).save(force_insert=True)
            journal.record("regime.loaded", chain="terms", by=None, regime=rule.regime_id, step=rule.step)


def _copy(row: Row) -> Row:
    return type(row)(**{field.attname: getattr(row, field.attname) for field in row._meta.concrete_fields})


def rule(regime: str, step: str, channel: str = "") -> TermRule | None:
    """Return a shipped rule, for programs that run without a database."""
    rules = [row for row in TERMS if (row.regime_id, row.step) == (regime, step) and row.channel in {channel, ""}]
    return max(rules, key=lambda row: row.channel, default=None)
