"""For a load balancer and a monitor: is the process alive, can it work, what waits and for how long."""

from __future__ import annotations

from django.db import DatabaseError
from django.http import HttpRequest, HttpResponse, JsonResponse

from otklik.core import beats
from otklik.core.access import public
from otklik.reports import health


@public
def alive(request: HttpRequest) -> HttpResponse:
    """Answer as long as the process does."""
    return HttpResponse("ok", content_type="text/plain")


@public
def ready(request: HttpRequest) -> JsonResponse:
    """Answer 200 once the database answers, with who works and how long each channel's oldest rows have waited."""
    try:
        working = sorted(beats.living().values_list("kind", flat=True))
        return JsonResponse({"status": "ready", "channels": health.waiting(), "working": working})
    except DatabaseError:
        return JsonResponse({"status": "no database"}, status=503)
