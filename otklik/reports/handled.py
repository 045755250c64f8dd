"""пп. 9.1 and 14.1: what is classified and what is answered with materials, from the counts kept for figures."""

from __future__ import annotations

from datetime import date
from typing import Final

from django.db.models import CharField, Count, Exists, OuterRef, Q, Value
from django.db.models.functions import Cast, Concat

from otklik.appeals.classification import TO_CLASSIFY
from otklik.appeals.models import Appeal
from otklik.core.compliance import Figure, Promise, end_of, is_today, unknown
from otklik.core.models import JournalEntry
from otklik.knowledge import confirmed, quality
from otklik.reports import kept
from otklik.reports.measuring import once


def _counting() -> str:
    """Tell how far the counts have come where they are being counted anew; nothing where they are whole."""
    now = once("condition", kept.condition)
    return "" if now.whole else f"Пересчитывается, готово {now.percent} %."


def _classified(on: date) -> Figure:
    """Count today by the questions, for a past day by the journal: a later confirmation leaves no earlier date."""
    if not is_today(on):
        return _classified_then(on)
    if counting := _counting():
        return Figure(counting)
    came = kept.until(on)[kept.CAME]
    waiting = Appeal.objects.filter(status=Appeal.Status.REGISTERED, registered_on__lte=on).count()
    return Figure(f"{_of(came.count('classified'), came.count('to_classify'))}; ждут классификации: {waiting}", waiting)


def _classified_then(on: date) -> Figure:
    chain = Concat(Value("appeal:"), Cast(OuterRef("pk"), CharField()))
    steps = JournalEntry.objects.filter(chain=chain, action="appeal.classified", at__lt=end_of(on))
    live = Appeal.objects.filter(TO_CLASSIFY, registered_on__lte=on, origin=Appeal.Origin.LIVE)
    found = live.annotate(is_done=Exists(steps)).aggregate(all=Count("pk"), done=Count("pk", filter=Q(is_done=True)))
    if not found["all"]:
        return unknown("обращений, заведённых в Отклике, к этому дню не было; о перенесённых даты нет")
    words = f"{_of(found['done'], found['all'])} (без перенесённых из прежней системы)"
    return Figure(words, found["all"] - found["done"])


def _of(done: int, number: int) -> str:
    return f"Классифицировано {done} из {number} письменных, требующих ответа по существу"


def _with_materials(on: date) -> Figure:
    if counting := _counting():
        return Figure(counting)
    ended = kept.until(on)[kept.OVER]
    cited, answered = ended.count("cited"), ended.count("answered")
    share = f" ({round(100 * cited / answered)} %)" if answered else ""
    told = f"С материалами Базы знаний подготовлено ответов: {cited} из {answered}{share}"
    return Figure(f"{told}{_night(on)}", cited)


def _night(on: date) -> str:
    """Return how search did with letters in the last night up to a day; nothing where it was asked none."""
    run = quality.last_night(on)
    three = quality.tally(run, "source", confirmed.Asked.LETTER).three if run is not None else None
    if run is None or three is None:
        return ""
    return f". Ночью {run.day:%d.%m.%Y} нужный материал среди первых трёх к письмам: {three} %"


PROMISES: Final = (
    Promise(
        "R9.1",
        "9.1",
        does="Письменное обращение, требующее ответа по существу, не получит исполнителя, пока отдел организационной "
        "и кадровой работы не подтвердит тему и типовую потребность. И то и другое предлагает система.",
        figure=_classified,
        list_name="workplace:queue",
        list_words="Очередь «На классификацию»",
        query="view=classification",
    ),
    Promise(
        "R14.1",
        "14.1",
        does="Рядом с ответом предлагаются подходящие материалы Базы знаний, вставляются одним нажатием, и вставленное "
        "запоминается с версией; устаревшее — только с пояснением, внутреннее — никогда. Ответить без материала можно, "
        "и это видно в доле по подразделениям.",
        figure=_with_materials,
        list_name="workplace:answers_share",
        list_words="Ответы с материалами",
    ),
)
