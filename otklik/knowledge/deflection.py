"""«Возможно, ответ уже есть»: who writes on the site is offered answers; how many find them and need not send.

One row for one visit to the form, under a trace of its one-time number: neither who it was nor what he wrote is kept.
"""

from __future__ import annotations

import hmac
from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Final

from django.conf import settings
from django.db.models import Count, Q
from django.utils import timezone

from otklik.core.hours import midnight
from otklik.knowledge.finding import SILENCE, Scope, never_in_the_way
from otklik.knowledge.models import Prompted

# New visits within a minute, of everybody together: beyond that a program writes, and fills our table.
MOST_A_MINUTE: Final = 120
_MINUTE: Final = timedelta(minutes=1)


@dataclass(frozen=True)
class Figures:
    """Visits that have ended: answers were offered, one was opened, and nothing was sent after that."""

    shown: int
    opened: int
    not_sent: int

    @property
    def share(self) -> int | None:
        """Return the share of those who opened and did not write, in per cent of all who were offered answers."""
        return round(100 * self.not_sent / self.shown) if self.shown else None


@never_in_the_way
def shown(form_id: str) -> None:
    """Note that answers were offered in this visit to the form."""
    now, visit = timezone.now(), _trace(form_id)
    if Prompted.objects.filter(visit=visit).update(last_at=now):
        return
    if Prompted.objects.filter(shown_at__gt=now - _MINUTE).count() < MOST_A_MINUTE:
        row = Prompted(visit=visit, shown_at=now, last_at=now)
        Prompted.objects.bulk_create([row], ignore_conflicts=True)


@never_in_the_way
def opened(form_id: str) -> None:
    """Note that one of the answers offered was opened; what was never offered is not opened."""
    now = timezone.now()
    Prompted.objects.filter(visit=_trace(form_id), opened_at=None, sent_at=None).update(opened_at=now, last_at=now)


@never_in_the_way
def sent(form_id: str) -> None:
    """Note that the person wrote after all."""
    now = timezone.now()
    Prompted.objects.filter(visit=_trace(form_id), sent_at=None).update(sent_at=now, last_at=now)


def figures(scope: Scope) -> Figures:
    """Return the figures of the days of a scope: visits that were sent or lie untouched for half an hour."""
    over = Q(sent_at__isnull=False) | Q(last_at__lte=timezone.now() - SILENCE)
    first: datetime = midnight(scope.first)
    rows = Prompted.objects.filter(over, shown_at__gte=first, shown_at__lt=midnight(scope.last, 1))
    was_opened = Q(opened_at__isnull=False)
    return Figures(
        **rows.aggregate(
            shown=Count("pk"),
            opened=Count("pk", filter=was_opened),
            not_sent=Count("pk", filter=was_opened & Q(sent_at=None)),
        )
    )


def _trace(form_id: str) -> str:
    """Return what the visit is known by: the form's number itself also stands beside the letter it became."""
    return hmac.new(f"prompted:{settings.SECRET_KEY}".encode(), form_id.encode(), sha256).hexdigest()
