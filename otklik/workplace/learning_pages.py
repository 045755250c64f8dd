"""«Качество предложений»: how often the right topic and need stood first, on cases nothing was learned from."""

from __future__ import annotations

from typing import Any, Final

from django.http import HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from otklik.appeals import learning
from otklik.appeals.models import ProposalModel
from otklik.core.access import requires
from otklik.workplace.classifier_pages import READERS
from otklik.workplace.requests import StaffRequest

ATTEMPTS: Final = 30
AXES: Final = {"topic": "Тема", "need": "Потребность"}


@requires(*READERS)
@require_safe
def quality(request: StaffRequest) -> HttpResponse:
    """Show the figures of the version in use by size of class, beside the dictionaries alone, and every attempt."""
    rows = list(ProposalModel.objects.all()[:ATTEMPTS])
    used = next((row for row in rows if row.state == ProposalModel.State.USED), None)
    used = used or ProposalModel.objects.filter(state=ProposalModel.State.USED).first()
    context = {
        "used": used,
        "axes": [_axis(used.figures, code, words) for code, words in AXES.items()] if used else (),
        "attempts": [
            (row, [(words, _shares(row.figures["mine"][code])) for code, words in AXES.items()]) for row in rows
        ],
        "fewest": learning.FEWEST,
        "fewest_held": learning.FEWEST_HELD,
    }
    return render(request, "workplace/classifier/quality.html", context)


def _axis(figures: dict[str, Any], code: str, words: str) -> dict[str, Any]:
    """Return one axis as its table shows it."""
    mine = figures["mine"][code]
    lines = [(_size(one["from"], one["to"]), one["cases"], _shares(one)) for one in mine["sizes"] if one["cases"]]
    return {
        "words": words,
        "classes": figures["classes"][code],
        "cases": mine["cases"],
        "whole": _shares(mine),
        "cold": _shares(figures["cold"][code]),
        "lines": lines,
    }


def _shares(figures: dict[str, Any]) -> tuple[int, int] | None:
    """Return first and first three in per cent."""
    cases = figures["cases"]
    return (round(100 * figures["first"] / cases), round(100 * figures["three"] / cases)) if cases else None


def _size(first: int, last: int | None) -> str:
    return f"{first}–{last}" if last else f"{first} и больше"
