"""Measures of the consultation line, put together from `reports/line.py`: missed and returned calls, speed, length."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, Literal
from urllib.parse import urlencode

from otklik.reports import line
from otklik.reports.measuring import Amount, Kind, Measure, Slice, count, once, share

GROUP: Final = "Консультационная линия"
LIST: Final = "workplace:line_counted"


def _told(slice_: Slice) -> tuple[line.Calls, line.Duties]:
    scope = line.Scope(slice_.first, slice_.last)
    return once(("line", scope), lambda: line.totals(scope))


def _query(figure: str, value: str = "") -> Callable[[Slice], str]:
    def query(slice_: Slice) -> str:
        days = {"first": slice_.first.isoformat(), "last": slice_.last.isoformat()}
        return urlencode(days | {"figure": figure} | ({"value": value} if value else {}))

    return query


def _minutes(seconds: int | None, of: int) -> Amount:
    return Amount(None if seconds is None else seconds / 60, of, of)


def _measure(
    code: str,
    title: str,
    formula: str,
    kind: Kind,
    of: Callable[[line.Calls, line.Duties], Amount],
    *,
    figure: str,
    value: str = "",
    better: Literal["more", "less", ""] = "",
) -> Measure:
    return Measure(
        code, title, GROUP, formula, kind, lambda slice_: of(*_told(slice_)), LIST, _query(figure, value),
        frozenset(), better,
    )  # fmt: skip


MEASURES: Final = (
    _measure("calls", "Поступило звонков", "звонков за период", "count", lambda calls, _: count(calls.total),
             figure="calls"),
    _measure("missed", "Пропущенные звонки", "пропущено в часы работы / поступило в часы работы × 100", "share",
             lambda calls, _: share(calls.missed_in, calls.in_hours), figure="missed_in", better="less"),
    _measure("called_back", "Перезвонили", "перезвонили / надо было перезвонить × 100", "share",
             lambda _, duties: share(duties.called_back, duties.total), figure="settled", value="called_back",
             better="more"),
    _measure("return_median", "Медиана времени до перезвона",
             "рабочее время линии от звонка до разговора: у половины тех, кому перезвонили, не больше", "minutes",
             lambda _, duties: _minutes(duties.median, duties.called_back), figure="settled", value="called_back",
             better="less"),
    _measure("answer_speed", "Скорость ответа (ASA)", "сумма ожидания / отвеченных", "minutes",
             lambda calls, _: _minutes(calls.answer_speed, calls.answered), figure="answered", better="less"),
    _measure("in_norm", "Ответили в пределах нормы", "ответили в норме линии / отвеченных × 100", "share",
             lambda calls, _: share(calls.in_norm, calls.answered), figure="in_norm", better="more"),
    _measure("hold", "Удержание", "сумма удержания / звонков с удержанием", "minutes",
             lambda calls, _: _minutes(calls.hold, calls.held), figure="held", better="less"),
    _measure("talk", "Длительность разговора (AHT)", "сумма разговоров / отвеченных", "minutes",
             lambda calls, _: _minutes(calls.talk, calls.answered), figure="answered"),
)  # fmt: skip
