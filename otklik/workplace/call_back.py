"""Calls to be made, as the menu and «Сегодня» count them: missed calls for who keeps their log, one's own promises."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.db.models import Count, Q, QuerySet, Value
from django.utils import timezone

from otklik.hotline import missed, promises
from otklik.people.models import Employee


@dataclass(frozen=True)
class Waiting:
    """How many calls wait, and how many are late."""

    number: int = 0
    late: int = 0


def counters(user: Employee) -> dict[str, Waiting]:
    """Return what waits for the employee by the name of its page; one query, asked once per request."""
    known: dict[str, Waiting] | None = user.__dict__.get("_call_back")
    if known is None:
        late = Count("pk", filter=Q(due_at__lt=timezone.now()))
        lists: dict[str, QuerySet[Any]] = {}
        if user.has_power(missed.KEEPER):
            lists["missed"] = missed.waiting()
        if user.has_power(promises.CONSULTANT):
            lists["promises"] = promises.waiting_for(user)
        rows = [
            row.order_by().annotate(of=Value(name)).values("of").annotate(number=Count("pk"), late=late)
            for name, row in lists.items()
        ]
        found = rows[0].union(*rows[1:], all=True).values_list("of", "number", "late") if rows else []
        known = {of: Waiting(number, late) for of, number, late in found}
        user.__dict__["_call_back"] = known
    return known
