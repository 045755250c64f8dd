"""«Сегодня»: each role's home."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from otklik.core.access import requires


@requires()
def today(request: HttpRequest) -> HttpResponse:
    """Show what burns and what waits for this employee."""
    return render(request, "workplace/today.html")
