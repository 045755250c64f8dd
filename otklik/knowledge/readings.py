"""How often materials are read: whoever opened one and stayed, from a list, a search or a link alike; nobody is named.

A page tells of itself a few seconds after it was opened, by a request of its own: reading never waits for a write.
"""

from __future__ import annotations

from datetime import date

from django.db import transaction
from django.db.models import F, Sum
from django.utils import timezone

from otklik.knowledge.models import Audience, ReadingDay


@transaction.atomic
def note(page_id: int, audience: Audience) -> None:
    """Count one reading of a material today."""
    day = {"page_id": page_id, "audience": audience, "on": timezone.localdate()}
    ReadingDay.objects.bulk_create([ReadingDay(**day)], ignore_conflicts=True)
    ReadingDay.objects.filter(**day).update(times=F("times") + 1)


def since(page_id: int, day: date) -> tuple[int, int]:
    """Return how often a material was read from a day on: by employees, by citizens on the site."""
    rows = ReadingDay.objects.filter(page=page_id, on__gte=day).values_list("audience").annotate(of=Sum("times"))
    times = dict(rows.order_by())
    return times.get(Audience.STAFF, 0), times.get(Audience.PUBLIC, 0)
