"""«Личный приём»: who receives citizens, when and where, by which telephones one makes an appointment; calendars."""

from __future__ import annotations

from typing import Final

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from otklik.core.access import public
from otklik.reception import feeds, published

MOST_TOKEN: Final = 100


@public
@require_safe
def hours(request: HttpRequest) -> HttpResponse:
    """Show the schedule of the personal reception as it holds today."""
    context = {"open_now": published.in_hours_now(), "today": timezone.localdate()}
    return render(request, "portal/reception.html", context)


@public
@never_cache
@require_safe
def feed(request: HttpRequest, token: str) -> HttpResponse:
    """Give an official's calendar program his receptions; any other address is not there."""
    official = feeds.of(token) if len(token) <= MOST_TOKEN else None
    if official is None:
        raise Http404
    answer = HttpResponse(feeds.text(official), content_type="text/calendar; charset=utf-8")
    answer["Content-Disposition"] = 'attachment; filename="reception.ics"'
    return answer
