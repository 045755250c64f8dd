"""Letters of a group with one text beside the one on the page: what is ticked, and what became of one press."""

from __future__ import annotations

from typing import Final

from django.contrib import messages

from otklik.appeals.signing_groups import Pressed
from otklik.core import typed
from otklik.workplace.requests import StaffRequest

MOST_TOLD: Final = 10  # refusals a page lists by their numbers


def chosen(request: StaffRequest) -> list[int]:
    """Return the appeals ticked beside the letter on the page."""
    return [pk for pk in map(typed.number, request.POST.getlist("same")) if pk is not None]


def told(request: StaffRequest, words: str, pressed: Pressed) -> None:
    """Say how many letters took the step, and of each other by its number why it did not."""
    if pressed.done:
        messages.success(request, f"{words}: {len(pressed.done)}.")
    for number, why in list(pressed.refused.items())[:MOST_TOLD]:
        messages.error(request, f"№ {number}: {why}")
    if (more := len(pressed.refused) - MOST_TOLD) > 0:
        messages.error(request, f"И ещё отказов: {more}.")
