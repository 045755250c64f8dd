"""п. 28: who was booked for a reception, and from what, as the rows of reception tell it."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta
from typing import Final

from django.db.models import Count, Q
from django.utils import timezone

from otklik.core.compliance import Figure, Promise, end_of
from otklik.reception.models import Appointment, Source

DAYS: Final = 30


def _booked(on: date) -> Figure:
    """Count the appointments made in the thirty days that end with this one, by what they were made from."""
    first = timezone.make_aware(datetime.combine(on - timedelta(days=DAYS - 1), time.min))
    told = Appointment.objects.filter(made_at__gte=first, made_at__lt=end_of(on)).aggregate(
        total=Count("pk", filter=~Q(source=Source.WALK_IN)),
        written=Count("pk", filter=Q(source__in=(Source.WRITTEN, Source.PORTAL))),
        spoken=Count("pk", filter=Q(source__in=(Source.PHONE, Source.IN_PERSON))),
    )
    return Figure(
        f"За 30 дней записано на приём: {told['total']}, из них по письменному обращению или просьбе на портале "
        f"{told['written']}, по устному {told['spoken']}",
        told["total"],
    )


PROMISES: Final = (
    Promise(
        "R28",
        "28",
        does="Запись оформляет сотрудник: по письменному обращению, лично или по телефону в рабочие часы; откуда она, "
        "указано всегда. На портале о записи просят, время назначает сотрудник. Двоих на одно время не записать.",
        figure=_booked,
        list_name="workplace:appointments",
        list_words="Записи на приём",
    ),
)
