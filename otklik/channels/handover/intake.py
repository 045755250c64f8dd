"""Bring in what another system hands over, once; and find again what it has handed over."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django.db.models import QuerySet
from django.utils import timezone

from otklik.channels.handover import handed
from otklik.correspondence import inbox
from otklik.correspondence.channel import Arrived
from otklik.correspondence.inbox import Accepted
from otklik.correspondence.models import IncomingMessage
from otklik.people.models import Employee


def take_in(
    body: bytes,
    content: Mapping[str, Any],
    *,
    channel: str,
    external_id: str,
    by: Employee,
    contact_point: str = "",
    received_at: datetime | None = None,
) -> Accepted:
    """Keep the bytes as they were sent; a repeat of the same message is recognised by its id, whoever repeats it.

    Ids belong to the employee in whose name the system comes: two systems may count from one.
    """
    return inbox.accept(
        Arrived(
            channel=channel,
            external_id=_prefix(by) + external_id,
            digest=handed.digest(content),
            raw=body,
            received_at=received_at or timezone.now(),
            contact_point=contact_point,
        ),
        by=by,
    )


def handed_by(owner: Employee) -> QuerySet[IncomingMessage]:
    """Return the messages that were handed over in somebody's name."""
    return IncomingMessage.objects.filter(channel__in=handed.CHANNELS, external_id__startswith=_prefix(owner))


def find(owner: Employee, external_id: str) -> QuerySet[IncomingMessage]:
    """Return what was handed over under an id: one for each channel."""
    return IncomingMessage.objects.filter(channel__in=handed.CHANNELS, external_id=_prefix(owner) + external_id)


def external_id_of(message: IncomingMessage) -> str:
    """Return the id as the other system wrote it."""
    return message.external_id.split(":", 2)[-1]


def _prefix(owner: Employee) -> str:
    return f"api:{owner.pk}:"
