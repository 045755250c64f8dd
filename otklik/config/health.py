"""For a load balancer and a monitor: is the process alive, can it work, what waits and for how long."""

from __future__ import annotations

from datetime import datetime

from django.db import DatabaseError
from django.db.models import Min, Q
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.utils import timezone

from otklik.channels.registry import all_readers
from otklik.core.access import public
from otklik.correspondence.models import IncomingMessage, OutgoingMessage


@public
def alive(request: HttpRequest) -> HttpResponse:
    """Answer as long as the process does."""
    return HttpResponse("ok", content_type="text/plain")


@public
def ready(request: HttpRequest) -> JsonResponse:
    """Answer 200 once the database answers, with the age in seconds of the oldest waiting row of each channel."""
    try:
        return JsonResponse({"status": "ready", "channels": waiting()})
    except DatabaseError:
        return JsonResponse({"status": "no database"}, status=503)


def waiting() -> dict[str, dict[str, int | None]]:
    """Return for each channel how long its oldest unread and unsent messages have been waiting."""
    now = timezone.now()
    unread = IncomingMessage.objects.filter(state=IncomingMessage.State.STORED)
    unsent = OutgoingMessage.objects.filter(
        Q(state=OutgoingMessage.State.SENDING) | Q(state=OutgoingMessage.State.QUEUED, not_before__lte=now)
    )
    unread_since = dict(unread.values_list("channel").annotate(Min("stored_at")).order_by())
    unsent_since = dict(unsent.values_list("channel").annotate(Min("not_before")).order_by())

    def age(since: dict[str, datetime], channel: str) -> int | None:
        moment = since.get(channel)
        return max(0, int((now - moment).total_seconds())) if moment else None

    return {
        channel: {"unprocessed_seconds": age(unread_since, channel), "unsent_seconds": age(unsent_since, channel)}
        for channel in all_readers()
    }
