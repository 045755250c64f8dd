"""Calls to be made, as the menu and «Сегодня» count them: missed calls for who keeps their log, one's own promises."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.db.models import QuerySet
from django.utils import timezone

from otklik.hotline import missed, promises
from otklik.people.models import Employee


@dataclass(frozen=True)
class Waiting:
    """How many calls wait, and how many are late."""

    number: int = 0
    late: int = 0


def lists(user: Employee) -> dict[str, QuerySet[Any]]:
    """Return what waits for the employee, by the name of its page, and of it what is late: counted with others."""
    waiting: dict[str, QuerySet[Any]] = {}
    if user.has_power(missed.KEEPER):
        waiting["missed"] = missed.waiting()
    if user.has_power(promises.CONSULTANT):
        waiting["promises"] = promises.waiting_for(user)
    late = {f"{name} late": rows.filter(due_at__lt=timezone.now()) for name, rows in waiting.items()}
    return waiting | late


def counted(numbers: Mapping[str, int]) -> dict[str, Waiting]:
    """Return what was counted of `lists`, by the name of its page."""
    return {
        name: Waiting(numbers[name], numbers.get(f"{name} late", 0))
        for name in ("missed", "promises")
        if numbers.get(name)
    }
