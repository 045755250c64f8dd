"""п. 10.1: messages of ПОС in their lane. What п. 9.1 and п. 14.1 ask is told from kept counts (`reports.handled`)."""

from __future__ import annotations

from datetime import date
from typing import Final

from django.db.models import Count, F, Q

from otklik.appeals.models import PosCase
from otklik.appeals.pos.cases import OPEN, in_lane, late
from otklik.appeals.pos.term import FAST_TRACK, REGIMES
from otklik.core.compliance import Figure, Promise, is_today, unknown


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
)
