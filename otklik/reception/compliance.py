"""пп. 35.1, 35.2 and the schedule of п. 40, as the rows of reception tell them."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Final

from django.db.models import Count, Q

from otklik.core.compliance import Figure, Promise, end_of
from otklik.core.terms import valid
from otklik.reception import rooms
from otklik.reception.models import Authority, NoCard, ReceptionCard, ReceptionRule


def _lawful(on: date) -> Figure:
    """Count the rooms in use, of them the fit ones; the receptions of the day, of them those without a power."""
    used = rooms.in_use(on)
    checks = rooms.Checks(used)
    fit = sum(not checks.bars(room.pk, on) for room in used)
    officials = Authority.objects.filter(valid(on)).aggregate(number=Count("official", distinct=True))["number"]
    within = Q(authority__valid_from__lte=on) & (Q(authority__valid_to=None) | Q(authority__valid_to__gte=on))
    held = ReceptionCard.objects.filter(
        started_at__gte=end_of(on - timedelta(days=1)), started_at__lt=end_of(on)
    ).aggregate(total=Count("pk"), without=Count("pk", filter=~within))
    return Figure(
        f"Помещений, в которых можно вести приём: {fit} из {len(used)}; уполномочено должностных лиц: {officials}. "
        f"Приёмов за день: {held['total']}, из них без полномочия: {held['without']}",
        len(used),
    )


def _published(on: date) -> Figure:
    told = ReceptionRule.objects.filter(valid(on)).aggregate(
        hours=Count("pk"), officials=Count("official", distinct=True)
    )
    return Figure(
        f"В действующем расписании личного приёма должностных лиц: {told['officials']}, часов приёма: {told['hours']}",
        told["officials"],
    )


def _met(on: date) -> Figure:
    """Count who came on the day, whose document was compared, who refused video, who was not received and why."""
    within = {"at__gte": end_of(on - timedelta(days=1)), "at__lt": end_of(on)}
    cards = ReceptionCard.objects.filter(
        opened_at__gte=end_of(on - timedelta(days=1)), opened_at__lt=end_of(on)
    ).aggregate(
        total=Count("pk"),
        compared=Count("pk", filter=Q(document_matches=True)),
        refused=Count("pk", filter=Q(video__in=("refused", "withdrawn"))),
    )
    away = NoCard.objects.filter(**within).count()
    return Figure(
        f"Встречено за день: {cards['total']}, документ сверен: {cards['compared']}, от видео отказались: "
        f"{cards['refused']}; без документа, приём не проводился: {away}",
        cards["total"],
    )


PROMISES: Final = (
    Promise(
        "R35.2",
        "35.2",
        does="В приёмной сверяют документ с карточкой и дополняют её, сообщают о видео- и аудиозаписи и спрашивают о "
        "каждой отдельно. При отказе от видео приём не начать, пока не выбрано помещение без видеосистемы: не даст ни "
        "страница, ни таблица базы.",
        figure=_met,
        list_name="workplace:front_office",
        list_words="Приём сегодня",
    ),
    Promise(
        "R35.1",
        "35.1",
        does="Приём ведёт только тот, у кого на этот день есть полномочие по приказу. Помещение закрыто для записи, "
        "пока все пять свойств не проверены и не действуют; просроченное само отмечает записи, которые надо перенести.",
        figure=_lawful,
        list_name="workplace:reception_rooms",
        list_words="Помещения для приёма",
    ),
    Promise(
        "R40.7",
        "40",
        does="График личного приёма один: портал, материал Базы знаний «график приёма» и экран звонка показывают то, "
        "что действует в расписании сейчас.",
        figure=_published,
        list_name="workplace:reception_schedule",
        list_words="Расписание приёма",
    ),
)
