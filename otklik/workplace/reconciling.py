"""«Сверка приёма»: per channel and day what came and what became of it; every figure opens what it counts."""

from __future__ import annotations

from datetime import timedelta
from itertools import groupby
from typing import Final

from django.core.paginator import Paginator
from django.http import Http404, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_GET

from otklik.appeals import access, queues
from otklik.core import typed
from otklik.core.access import requires
from otklik.correspondence import reconciliation as counts
from otklik.correspondence.models import ChannelCode
from otklik.workplace.requests import StaffRequest

DAYS: Final = 14
PER_PAGE: Final = 50


@requires("intake.view")
@require_GET
def reconciliation(request: StaffRequest) -> HttpResponse:
    """Show per channel and day: what came, and what became of it. What is left over is explained."""
    last = typed.day(request.GET.get("last")) or timezone.localdate()
    channel = request.GET.get("channel", "")
    rows = [row for row in counts.tally(last, days=DAYS) if channel in ("", row.channel)]
    context = {
        "days": [(day, list(its)) for day, its in groupby(rows, key=lambda row: row.day)],
        "odd": sum(row.odd for row in rows),
        "last": last,
        "first": last - timedelta(days=DAYS - 1),
        "earlier": last - timedelta(days=DAYS),
        "later": min(last + timedelta(days=DAYS), timezone.localdate()),
        "channel": channel if channel in ChannelCode.values else "",
        "channels": ChannelCode.choices,
    }
    return render(request, "workplace/reconciliation.html", context)


@requires("intake.view")
@require_GET
def counted(request: StaffRequest) -> HttpResponse:
    """List the messages one figure of the reconciliation counts; differences say why they are."""
    day, channel, figure = typed.day(request.GET.get("day")), request.GET.get("channel"), request.GET.get("figure")
    if day is None or channel not in ChannelCode.values or figure not in counts.FIGURES:
        raise Http404
    rows = counts.counted(channel, day, figure).select_related("contact_point", "taken__appeal", "decided_by")
    page = Paginator(rows.order_by("stored_at", "pk"), PER_PAGE).get_page(request.GET.get("page"))
    # Others' appeals are counted, not opened: who wrote is shown where the page behind it opens.
    open_to_him = access.messages_of(request.user).filter(pk__in=[row.pk for row in page])
    opens = set(open_to_him.values_list("pk", flat=True))
    differences = counts.differences(channel, day) if figure == "odd" else []
    context = {
        "page": page,
        "total": len(differences) or page.paginator.count,
        "lines": [(row, queues.sender_label(row) if row.pk in opens else "") for row in page],
        "differences": differences,
        "day": day,
        "channel": ChannelCode(channel),
        "figure": counts.FIGURES[figure],
        "query": f"day={day}&channel={channel}&figure={figure}",
        "back": min(day + timedelta(days=DAYS - 1), timezone.localdate()),
    }
    return render(request, "workplace/reconciliation_list.html", context)
