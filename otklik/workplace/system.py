"""For administrators: the state of the system in plain words, and what to do."""

from __future__ import annotations

from typing import Any, Final

from django.http import HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_GET

from otklik.core.access import by_itself, requires
from otklik.reports import health
from otklik.workplace.requests import StaffRequest

POWERS: Final = ("system.view", "people.manage")


@requires(*POWERS)
@require_GET
def system(request: StaffRequest) -> HttpResponse:
    """Show every area, those that need a hand first."""
    return render(request, "workplace/system.html", summary())


@by_itself
@requires(*POWERS)
@require_GET
def brief(request: StaffRequest) -> HttpResponse:
    """Show how each area is: «Сегодня» asks for it after itself, the looking takes its time."""
    return render(request, "workplace/system_summary.html", summary())


def summary() -> dict[str, Any]:
    """Return the areas, those that need a hand first, and how many facts are bad or ask for a look."""
    areas = sorted(health.areas(), key=lambda area: -health.WORST.index(area.level))
    troubles = [fact for area in areas for fact in area.facts if fact.level != health.GOOD]
    return {
        "areas": areas,
        "bad": sum(fact.level == health.BAD for fact in troubles),
        "warn": sum(fact.level == health.WARN for fact in troubles),
    }
