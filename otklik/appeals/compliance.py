"""What the appeals' steps fulfil: classification of what is written, materials in answers, messages of the ЕКЦ."""

from __future__ import annotations

from datetime import date
from typing import Final

from django.db.models import CharField, Count, Exists, F, OuterRef, Q, Value
from django.db.models.functions import Cast, Concat

from otklik.appeals.models import Appeal, AppealQuestion, Citation, PosCase
from otklik.appeals.pos.cases import OPEN, in_lane, late
from otklik.appeals.pos.term import FAST_TRACK, REGIMES
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


def _fast_track(on: date) -> Figure:
    """Count the lane today: what is at work and late, what is answered in time, which facts nobody has matched."""
    if not is_today(on):
        return unknown("полоса показывает то, что в работе сейчас")
    of_pos = PosCase.objects.filter(appeal__regime__in=REGIMES)
    in_time = Q(appeal__answered_on__lte=F("appeal__due_on"))
    fast = Q(appeal__regime=FAST_TRACK)
    found = of_pos.aggregate(
        open=Count("pk", filter=fast & Q(appeal__status__in=OPEN)),
        late=Count("pk", filter=late(on)),
        answered=Count("pk", filter=fast & Q(appeal__answered_on__isnull=False)),
        in_time=Count("pk", filter=fast & in_time),
        lane=Count("pk", filter=in_lane(on)),
        unmatched=Count("pk", filter=Q(theme__matched=False)),
    )
    told = f"В полосе «Фаст-трек» в работе: {found['open']}, просрочено: {found['late']}"
    told += f"; с ответом в срок: {found['in_time']} из {found['answered']}"
    return Figure(f"{told}; сообщений с несопоставленным фактом: {found['unmatched']}", found["lane"])


PROMISES: Final = (
    Promise(
        "R10.1",
        "10.1",
        does="Сообщению ПОС даются категория, подкатегория и факт; срок берётся из плана ПОС, иначе из срока факта, "
        "иначе 10 календарных дней. Сообщения с Фаст-треком идут отдельной полосой; из неё выходят только с причиной. "
        "Закрывает сообщение только ответ, внесённый в ПОС; подавшему по 59-ФЗ Фаст-трек не применяют.",
        figure=_fast_track,
        list_name="workplace:pos_lane",
        list_words="Полоса «Фаст-трек»",
    ),
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
