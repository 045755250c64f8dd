"""Measures of personal reception, put together from `reports/receptions.py`: who came, how long, answered in term."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, Literal
from urllib.parse import urlencode

from otklik.reports import receptions
from otklik.reports.measuring import Amount, Measure, Slice, count, once, share

GROUP: Final = "Личный приём"
LIST: Final = "workplace:reception_counted"
PARTS: Final = frozenset({"topic"})


def _scope(slice_: Slice) -> receptions.Scope:
    return receptions.Scope(slice_.first, slice_.last, topic=slice_.topic)


def _told(slice_: Slice) -> dict[str, int]:
    scope = _scope(slice_)
    return once(("receptions", scope), lambda: receptions.totals(scope))


def _times(slice_: Slice) -> tuple[int | None, int | None]:
    scope = _scope(slice_)
    return once(("reception times", scope), lambda: receptions.times(scope))


def _query(figure: str) -> Callable[[Slice], str]:
    def query(slice_: Slice) -> str:
        asked = {
            "first": slice_.first.isoformat(),
            "last": slice_.last.isoformat(),
            "topic": slice_.topic,
            "figure": figure,
        }
        return urlencode({name: value for name, value in asked.items() if value})

    return query


def _count(code: str, title: str, formula: str, figure: str) -> Measure:
    return Measure(
        code, title, GROUP, formula, "count", lambda slice_: count(_told(slice_)[figure]), LIST, _query(figure), PARTS
    )  # fmt: skip


def _share(
    code: str, title: str, formula: str, part: str, *whole: str, better: Literal["more", "less", ""] = "more"
) -> Measure:
    def of(slice_: Slice) -> Amount:
        told = _told(slice_)
        return share(told[part], sum(told[one] for one in whole))

    return Measure(code, title, GROUP, formula, "share", of, LIST, _query(part), PARTS, better)


def _minutes(code: str, title: str, formula: str, place: int) -> Measure:
    def of(slice_: Slice) -> Amount:
        seconds, number = _times(slice_)[place], _told(slice_)["received"]
        return Amount(None if seconds is None else seconds / 60, number, number)

    return Measure(code, title, GROUP, formula, "minutes", of, LIST, _query("received"), PARTS, "less")


MEASURES: Final = (
    _count("booked", "Записаны на приём", "записей, не отменённых", "booked"),
    _share("came_to_reception", "Явка", "пришли / записаны × 100", "came", "booked"),
    _count("received", "Приняты", "приёмов проведено", "received"),
    _minutes("reception_waited", "Ожидание на приёме", "сумма ожидания / приёмов", 0),
    _minutes("reception_lasted", "Длительность приёма", "сумма длительности / приёмов", 1),
    _count("oral", "Дан устный ответ", "вопросов с устным ответом", "oral"),
    _count("written", "Обещан письменный ответ", "вопросов с письменным ответом", "written"),
    _share("reception_in_term", "Письменный ответ с приёма дан в срок", "дан в срок / дан × 100", "in_term", "in_term",
           "late"),
)  # fmt: skip
