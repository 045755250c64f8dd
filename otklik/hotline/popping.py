"""Calls that ring now: which of them a consultant is shown, a second after the exchange has told of them."""

from __future__ import annotations

from datetime import timedelta
from typing import Final

from django.db.models import Q
from django.utils import timezone

from otklik.hotline.models import Call, Extension
from otklik.people.models import Employee

# A call whose end was never told does not ring for ever; one from a clock an hour off rings all the same.
RINGS_FOR: Final = timedelta(hours=2)
TALKS_FOR: Final = timedelta(hours=4)
POWER: Final = "hotline.consult"


def incoming_for(employee: Employee) -> list[Call]:
    """Return the calls for this consultant that have no consultation yet, the one that waits longest first.

    Those that ring at one of his inner numbers, or at nobody's that is known; and those he has already answered at the
    telephone. Whoever has no inner number is shown all that wait on our lines. One query while nobody calls.
    """
    if not employee.has_power(POWER):
        return []
    now = timezone.now()
    waiting = Q(state=Call.State.WAITING, came_at__gte=now - RINGS_FOR) & (Q(line__ours=True) | Q(line=None))
    talking = Q(state=Call.State.TALKING, came_at__gte=now - TALKS_FOR, answered_by=employee)
    going = Call.objects.filter(waiting | talking, direction=Call.Direction.IN, consultation=None)
    calls = list(going.select_related("line").order_by("came_at", "pk"))
    if not any(call.state == Call.State.WAITING for call in calls):
        return calls
    own = numbers_of(employee)
    return [call for call in calls if call.state == Call.State.TALKING or _rings(call, own)]


def numbers_of(employee: Employee) -> set[str]:
    """Return the inner numbers of an employee today."""
    today = timezone.localdate()
    valid = Q(valid_from__lte=today) & (Q(valid_to=None) | Q(valid_to__gte=today))
    names = Extension.objects.filter(valid, employee=employee).values_list("name", flat=True)
    return {name.lower() for name in names}


def _rings(call: Call, own: set[str]) -> bool:
    here = not own.isdisjoint(one.lower() for one in call.rings)
    if call.line is None:  # a number nobody has entered: only where it rings
        return here
    return here or not own or not call.rings
