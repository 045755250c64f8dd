"""Calls to be made, as the menu and «Сегодня» count them: missed calls for who keeps their log, one's own promises."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from django.db.models import Q

from otklik.appeals import queues
from otklik.hotline import missed, promises
from otklik.people.models import Employee


@dataclass(frozen=True)
class Waiting:
    """How many calls wait, and how many are late."""

    number: int = 0
    late: int = 0


def lists(user: Employee, now: datetime) -> dict[str, queues.Beside]:
    """Return what waits for the employee, by the name of its page, and of it what is late: counted with others."""
    late = Q(due_at__lt=now)
    found: dict[str, queues.Beside] = {}
    if user.has_power(missed.KEEPER):
        found["missed"] = queues.Beside(missed.waiting(), late)
    if user.has_power(promises.CONSULTANT):
        found["promises"] = queues.Beside(promises.waiting_for(user), late)
    return found


def counted(numbers: Mapping[str, int]) -> dict[str, Waiting]:
    """Return what was counted of `lists`, by the name of its page."""
    return {
        name: Waiting(numbers[name], numbers.get(f"{name} late", 0))
        for name in ("missed", "promises")
        if numbers.get(name)
    }
