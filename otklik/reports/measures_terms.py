"""Measures of appeals: answered in term, days, extensions, outcomes, repeated ones, materials cited."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, Literal
from urllib.parse import urlencode

from otklik.appeals.measured import LANES, MARKS, repeated_days
from otklik.reports import kept
from otklik.reports.measuring import Amount, Measure, Slice, count, share

LIST: Final = "workplace:queue"
TERMS, OUTCOMES, FLOW, POS = "Сроки", "Исходы", "Поток", "ПОС"


def address(slice_: Slice, event: str, *, mark: str = "", whole: str = "", lane: str = "") -> str:
    """Return the address line of the queue that shows exactly what a figure counts."""
    asked = {
        "view": "all",
        f"{event}_first": slice_.first.isoformat(),
        f"{event}_last": slice_.last.isoformat(),
        "mark": mark or whole,
        "lane": lane,
        "unit": slice_.unit,
        "channel": slice_.channel,
        "topic": slice_.topic,
    }
    return urlencode({name: value for name, value in asked.items() if value})


def _share(
    code: str,
    title: str,
    group: str,
    formula: str,
    mark: str,
    *,
    event: str = "ended",
    whole: str = "",
    lane: str = "",
    better: Literal["more", "less", ""] = "",
) -> Measure:
    def of(slice_: Slice) -> Amount:
        told = kept.tally(slice_, event, lane)
        return share(told.count(mark), told.count(whole))

    return Measure(
        code,
        title,
        group,
        formula,
        "share",
        of,
        LIST,
        lambda slice_: address(slice_, event, mark=mark, lane=lane),
        better=better,
        prepare=kept.prepare,
    )


def _days(code: str, title: str, formula: str, take: Callable[[kept.Tally], float | None], lane: str = "") -> Measure:
    def of(slice_: Slice) -> Amount:
        told = kept.tally(slice_, "ended", lane)
        return Amount(take(told), told.count("answered"), told.count("answered"))

    return Measure(
        code,
        title,
        TERMS,
        formula,
        "days",
        of,
        LIST,
        lambda slice_: address(slice_, "ended", mark="answered", lane=lane),
        better="less",
    )


def _count(code: str, title: str, formula: str, event: str, mark: str = "") -> Measure:
    return Measure(
        code,
        title,
        FLOW,
        formula,
        "count",
        lambda slice_: count(kept.tally(slice_, event).count(mark)),
        LIST,
        lambda slice_: address(slice_, event, mark=mark),
    )


def _fast_share() -> Measure:
    def of(slice_: Slice) -> Amount:
        return share(kept.tally(slice_, "came", "fast").count(), kept.tally(slice_, "came", "pos").count())

    formula = "поступило сообщений по Фаст-треку / поступило сообщений ПОС × 100"
    return Measure(
        "fast_share",
        "Доля Фаст-трека",
        POS,
        formula,
        "share",
        of,
        LIST,
        lambda slice_: address(slice_, "came", lane="fast"),
    )


def _rating() -> Measure:
    def of(slice_: Slice) -> Amount:
        told = kept.tally(slice_, "ended", "pos")
        return Amount(told.rating / told.rated if told.rated else None, told.rated, told.rated)

    return Measure(
        "pos_rating",
        "Оценка ответа в ПОС",
        POS,
        "сумма оценок 1–5 / число оценок",
        "score",
        of,
        LIST,
        lambda slice_: address(slice_, "ended", mark="rated", lane="pos"),
        better="more",
    )


_IN_TERM: Final = "закончено не позже срока / закончено (из тех, чей срок известен) × 100"
_OUTCOMES: Final = ("supported", "explained", "refused", "told", "forwarded", "left")

MEASURES: Final = (
    _count("came", "Поступило обращений", "зарегистрировано в периоде", "came"),
    _count("ended", "Закончено", "ответ отправлен или закрыто без ответа в периоде", "ended"),
    _count("answered", "Дано ответов", "ответ отправлен в периоде", "ended", "answered"),
    _count("late", "С нарушением срока", "закончено в периоде позже срока", "ended", "late"),
    _share("in_term_law", "В срок: обращения по 59-ФЗ", TERMS, _IN_TERM, "in_term", whole="with_term", lane="law",
           better="more"),
    _share("in_term_pos", "В срок: сообщения ПОС", TERMS, _IN_TERM, "in_term", whole="with_term", lane="pos",
           better="more"),
    _share("in_term", "В срок: все режимы", TERMS, _IN_TERM, "in_term", whole="with_term", better="more"),
    _days("days_mean", "Средний срок ответа", "сумма дней от регистрации до ответа / ответов",
          lambda told: told.mean),
    _days("days_median", "Медианный срок ответа", "срок, быстрее которого дана половина ответов",
          lambda told: told.mark(50)),
    _days("days_p90", "90-й перцентиль срока", "срок, быстрее которого даны девять ответов из десяти",
          lambda told: told.mark(90)),
    _days("days_median_law", "Медианный срок ответа: 59-ФЗ", "то же по обращениям 59-ФЗ",
          lambda told: told.mark(50), "law"),
    _days("days_median_pos", "Медианный срок ответа: ПОС", "то же по сообщениям ПОС",
          lambda told: told.mark(50), "pos"),
    _share("extended", "Доля продлений", TERMS, "срок продлён / закончено × 100", "extended", better="less"),
    *(
        _share(f"outcome_{code}", MARKS[code].words[0].upper() + MARKS[code].words[1:], OUTCOMES,
               f"обращений, где хотя бы по одному вопросу «{MARKS[code].words}» / закончено с исходом × 100",
               code, whole="decided")
        for code in _OUTCOMES
    ),
    _share("repeated", "Повторные обращения", OUTCOMES,
           f"отмечены повторными не позже {repeated_days()} дней после прежнего / поступило × 100", "repeated",
           event="came", better="less"),
    _share("cited", "Ответы с материалом Базы знаний", OUTCOMES, "ответов со ссылкой на материал / ответов × 100",
           "cited", whole="answered", better="more"),
    _fast_share(),
    _share("in_term_fast", "В срок: Фаст-трек", POS, _IN_TERM, "in_term", whole="with_term", lane="fast",
           better="more"),
    _rating(),
)  # fmt: skip
LANE_WORDS: Final = {code: words for code, (words, _) in LANES.items()}
