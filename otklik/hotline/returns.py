"""Attempts to call back: told by the employee, or known from the exchange; because of a missed call or of a promise."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from django.db.models import Q
from django.utils import timezone

from otklik.core import journal
from otklik.core.errors import DomainError
from otklik.hotline import dialling
from otklik.hotline.models import Call, MissedCall, Promise, ReturnCall
from otklik.people.models import Employee

Result = ReturnCall.Result
# A button pressed twice is one attempt; what an employee tells and what the exchange saw of the same ring, too.
TWICE: Final = timedelta(seconds=30)
SAME_RING: Final = timedelta(minutes=10)


@dataclass(frozen=True)
class Dialled:
    """What came of pressing «Перезвонить»: the telephone that rings, or why none does; the number is shown anyway."""

    number: str
    rings: str | None = None
    refusal: DomainError | None = None


def dial(*, by: Employee, missed: MissedCall | None = None, promise: Promise | None = None) -> Dialled:
    """Give the number of a duty and let the exchange connect, where it can; who looked is written down."""
    number = ""
    if missed is not None:
        number = missed.number
        journal.looked("missed.number_revealed", by=by, missed=missed.pk)
    if promise is not None:
        number = promise.number
        journal.looked("promise.number_revealed", by=by, promise=promise.pk)
    try:
        rings = dialling.connect(number, by=by)
    except DomainError as refusal:
        return Dialled(number, refusal=refusal)
    if rings and missed is not None:
        journal.record("missed.dialled", chain=f"missed:{missed.pk}", by=by)
    if rings and promise is not None:
        journal.record("promise.dialled", chain=f"promise:{promise.pk}", by=by)
    return Dialled(number, rings)


def tell(result: str, *, by: Employee, missed: MissedCall | None = None, promise: Promise | None = None) -> ReturnCall:
    """Keep what came of an attempt; where the exchange has already seen it, the employee's word corrects it."""
    now = timezone.now()
    mine = ReturnCall.objects.filter(missed=missed, promise=promise, by=by)
    seen = mine.filter(told=False, at__gte=now - SAME_RING).order_by("-at").first()
    if seen is not None:
        seen.result, seen.told = Result(result), True
        seen.save(update_fields=["result", "told"])
    elif (twice := mine.filter(result=result, at__gte=now - TWICE).order_by("-at").first()) is not None:
        return twice
    else:
        seen = ReturnCall.objects.create(missed=missed, promise=promise, by=by, at=now, result=result)
    _record(seen)
    return seen


def heard(call: Call) -> None:
    """Count an outgoing call as an attempt for every open duty to its number; told again, it changes nothing."""
    if not call.number_key or (call.answered_at is None and call.ended_at is None):
        return
    result = Result.TALKED if call.answered_at else Result.NO_ANSWER
    known = ReturnCall.objects.filter(call=call)
    known.filter(told=False).exclude(result=result).update(result=result)
    duties: list[dict[str, Any]] = [
        *({"missed": one} for one in _missed(call)),
        *({"promise": one} for one in _promised(call)),
    ]
    for duty in duties:
        if known.filter(**duty).exists() or _joined(call, duty):
            continue
        at = call.answered_at or call.came_at
        _record(ReturnCall.objects.create(**duty, at=at, by=call.answered_by, result=result, told=False, call=call))


def _missed(call: Call) -> list[MissedCall]:
    """Return the duties this call may be about: open, or told of as called back by hand before the exchange said so."""
    told = Q(returns__call=None, returns__at__range=_ring(call), returns__by=call.answered_by)
    rows = MissedCall.objects.filter(number_key=call.number_key, first_at__lte=call.came_at)
    return list(rows.filter(Q(outcome="") | told).distinct())


def _promised(call: Call) -> list[Promise]:
    told = Q(returns__call=None, returns__at__range=_ring(call), returns__by=call.answered_by)
    rows = Promise.objects.filter(number_key=call.number_key, consultation__opened_at__lte=call.came_at)
    return list(rows.filter(Q(outcome="") | told).distinct())


def _ring(call: Call) -> tuple[datetime, datetime]:
    return call.came_at - timedelta(minutes=1), (call.ended_at or call.came_at) + SAME_RING


def _joined(call: Call, duty: dict[str, Any]) -> bool:
    """Tell whether an employee has told of this ring himself; then the call is only put beside his word."""
    told = ReturnCall.objects.filter(**duty, call=None, by=call.answered_by, at__range=_ring(call)).order_by("at")
    row = told.first() if call.answered_by_id else None
    if row is None:
        return False
    row.call = call
    row.save(update_fields=["call"])
    return True


def _record(row: ReturnCall) -> None:
    chain = f"missed:{row.missed_id}" if row.missed_id else f"promise:{row.promise_id}"
    journal.record("missed.attempted", chain=chain, by=row.by, attempt=row.pk, result=row.result)
