"""What the appeals' steps fulfil: classification of what is written, materials in answers, messages of the ЕКЦ."""

from __future__ import annotations

from datetime import date
from typing import Final

from django.db.models import CharField, Count, Exists, OuterRef, Q, Value
from django.db.models.functions import Cast, Concat

from otklik.appeals.models import Appeal, AppealQuestion, Citation
from otklik.core.compliance import Figure, Promise, end_of, is_today, unknown
from otklik.core.models import JournalEntry
from otklik.knowledge import confirmed, quality


def _classified(on: date) -> Figure:
    """Count today by the questions, for a past day by the journal: a later confirmation leaves no earlier date."""
    asked = Appeal.objects.filter(registered_on__lte=on)
    if is_today(on):
        confirmed = AppealQuestion.objects.filter(appeal=OuterRef("pk"), confirmed_by__isnull=False)
        found = asked.annotate(is_done=Exists(confirmed)).aggregate(
            all=Count("pk", filter=Q(written=True, needs_answer=True)),
            done=Count("pk", filter=Q(written=True, needs_answer=True, is_done=True)),
            waiting=Count("pk", filter=Q(status=Appeal.Status.REGISTERED)),
        )
        words = f"Классифицировано {found['done']} из {found['all']} письменных, требующих ответа по существу"
        return Figure(f"{words}; ждут классификации: {found['waiting']}", found["waiting"])
    chain = Concat(Value("appeal:"), Cast(OuterRef("pk"), CharField()))
    steps = JournalEntry.objects.filter(chain=chain, action="appeal.classified", at__lt=end_of(on))
    live = asked.filter(origin=Appeal.Origin.LIVE, written=True, needs_answer=True)
    found = live.annotate(is_done=Exists(steps)).aggregate(all=Count("pk"), done=Count("pk", filter=Q(is_done=True)))
    if not found["all"]:
        return unknown("обращений, заведённых в Отклике, к этому дню не было; о перенесённых даты нет")
    words = f"Классифицировано {found['done']} из {found['all']} письменных, требующих ответа по существу"
    return Figure(f"{words} (без перенесённых из прежней системы)", found["all"] - found["done"])


def _with_materials(on: date) -> Figure:
    cited = Citation.objects.filter(draft__appeal=OuterRef("pk"), at__lt=end_of(on))
    answered = Appeal.objects.filter(answered_on__lte=on).annotate(is_cited=Exists(cited))
    found = answered.aggregate(all=Count("pk"), cited=Count("pk", filter=Q(is_cited=True)))
    told = f"С материалами Базы знаний подготовлено ответов: {found['cited']} из {found['all']}"
    share = f" ({round(100 * found['cited'] / found['all'])} %)" if found["all"] else ""
    return Figure(f"{told}{share}{_night(on)}", found["cited"])


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
