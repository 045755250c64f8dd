"""Measures of what people say, put together from `reports/opinions.py`: CSI, CSAT, answer got, coverage, FCR."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final
from urllib.parse import urlencode

from otklik.reports import opinions
from otklik.reports.measuring import Amount, Measure, Slice, once

GROUP: Final = "Обратная связь"
SAID, TALKS = "workplace:feedback", "workplace:opinion_talks"
OF_OPINIONS: Final = frozenset({"unit", "channel", "topic"})


def _scope(slice_: Slice) -> opinions.Scope:
    return opinions.Scope(
        slice_.first, slice_.last, channel=slice_.channel, unit=slice_.unit, topic=slice_.topic
    )  # fmt: skip


def _figures(slice_: Slice) -> opinions.Figures:
    return once(("opinions", slice_), lambda: opinions.figures(None, _scope(slice_)))


def _talks(slice_: Slice) -> opinions.Talks:
    return once(("talks", slice_), lambda: opinions.talks(None, _scope(slice_)))


def _query(view: str) -> Callable[[Slice], str]:
    def query(slice_: Slice) -> str:
        asked = {
            "first": slice_.first.isoformat(),
            "last": slice_.last.isoformat(),
            "channel": slice_.channel,
            "unit": slice_.unit,
            "topic": slice_.topic,
            "view": view,
        }
        return urlencode({name: value for name, value in asked.items() if value})

    return query


def _amount(told: opinions.Share) -> Amount:
    return Amount(100 * told.part / told.of if told.of else None, int(told.part), told.of)


def _said(code: str, title: str, formula: str, of: Callable[[opinions.Figures], opinions.Share], view: str) -> Measure:
    return Measure(
        code, title, GROUP, formula, "share", lambda slice_: _amount(of(_figures(slice_))), SAID, _query(view),
        OF_OPINIONS, "more",
    )  # fmt: skip


def _talked(code: str, title: str, formula: str, of: Callable[[opinions.Talks], opinions.Share], view: str) -> Measure:
    return Measure(
        code, title, GROUP, formula, "share", lambda slice_: _amount(of(_talks(slice_))), TALKS, _query(view),
        OF_OPINIONS, "more",
    )  # fmt: skip


def _csi(slice_: Slice) -> Amount:
    told = _figures(slice_).csi
    return Amount(100 * told.part / told.of if told.of else None, told.of, told.of)


MEASURES: Final = (
    Measure("csi", "CSI — индекс удовлетворённости, из 100", GROUP,
            "(удовлетворён + ½ × частично) / оценивших × 100", "score", _csi, SAID, _query("graded"), OF_OPINIONS,
            "more"),
    _said("csat", "CSAT — удовлетворены", "удовлетворён / оценивших × 100", lambda told: told.csat, "satisfied"),
    _said("got_answer", "Ответ получен", "«да» / («да» + «нет») × 100", lambda told: told.answered, "yes"),
    _said("loop_closed", "Отзывы разобраны", "разобрано отзывов со словами / отзывов со словами × 100",
          lambda told: told.loop, "closed"),
    _talked("fcr", "FCR — решено с первого обращения",
            f"консультаций без повторной за {opinions.CAME_BACK.days} дней / консультаций с известным номером × 100",
            lambda told: told.fcr, "solved"),
    _talked("coverage", "Охват опросом", "ответили на вопросы / консультаций × 100", lambda told: told.coverage,
            "answered"),
    _talked("offered", "Предложено оценить", "вопросы предложены / консультаций × 100", lambda told: told.offered,
            "offered"),
)  # fmt: skip
