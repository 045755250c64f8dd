"""For a load balancer and a monitor: is the process alive, can it work, what waits and for how long."""

from __future__ import annotations

from typing import Any

from django.db import DatabaseError
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.utils import timezone

from otklik.core import beats
from otklik.core.access import public
from otklik.reports import channels, health
from otklik.search import reading


@public
def alive(request: HttpRequest) -> HttpResponse:
    """Answer as long as the process does."""
    return HttpResponse("ok", content_type="text/plain")


@public
def ready(request: HttpRequest) -> JsonResponse:
    """Answer 200 once the database answers, with who works, what waits and for how long, and how search is answered."""
    try:
        working = sorted(beats.living().values_list("kind", flat=True))
        told = {"status": "ready", "channels": health.waiting(), "working": working, "search": _search()}
        told["outages"] = channels.under_way()
        return JsonResponse(told)
    except DatabaseError:
        return JsonResponse({"status": "no database"}, status=503)


def _search() -> dict[str, Any]:
    now = reading.condition()
    return {
        "kept": now.is_kept,
        "building": now.building[0] if now.building else None,
        "by_table": now.by_table,
        "waiting": now.waiting,
        "oldest_seconds": int((timezone.now() - now.oldest).total_seconds()) if now.oldest else None,
    }
