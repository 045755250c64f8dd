"""The appointments of an official who leaves: another one receives the same people the same day, or they are told.

Перепоручение не допускается (п. 35.1): who takes them has an authority of his own for the day and the topic, and hours.
"""

from __future__ import annotations

from dataclasses import dataclass

from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone

from otklik.core.errors import DomainError
from otklik.people.models import Employee
from otklik.reception import appointments, authority, finder
from otklik.reception.models import Appointment, Source
from otklik.reception.schedule import Slot

MOST_NAMED = 5
_DAY_OF_TIMES = 400  # free times of one official on one day: all of them


class NotPassed(DomainError):
    """Appointments that cannot go to another official as asked."""

    code = "reception.not_passed"
    text = "Записи не переданы: {why}"


@dataclass(frozen=True)
class Passed:
    """What became of the appointments: received by the other official, called off."""

    moved: int
    cancelled: int


def of(official: Employee) -> QuerySet[Appointment]:
    """Return who is still to be received by an official, the nearest first."""
    rows = Appointment.objects.filter(official=official, state=Appointment.State.BOOKED, starts_at__gt=timezone.now())
    return rows.exclude(source=Source.WALK_IN).select_related("room", "topic").order_by("starts_at", "pk")


def takers(official: Employee) -> QuerySet[Employee]:
    """Return who has an authority of his own on one of the days his appointments are on."""
    days = sorted({timezone.localdate(row.starts_at) for row in of(official)})
    found = {power.official_id for day in days for power in authority.valid_on(day)}
    return Employee.objects.filter(pk__in=found, is_active=True).exclude(pk=official.pk).select_related("unit")


@transaction.atomic
def pass_on(official: Employee, to: Employee | None, *, why: str, cancel_rest: bool = False, by: Employee) -> Passed:
    """Let another official receive them, at the same time or the nearest that day; each applicant is told.

    Whom he cannot receive that day is called off with a notice where `cancel_rest` says so, else nothing changes.
    Without `to` all are called off.
    """
    rows = list(of(official).select_for_update(of=("self",)))
    if not rows:
        raise NotPassed(why="к сотруднику больше никто не записан. Обновите страницу.")
    if to is None and not cancel_rest:
        raise NotPassed(why="выберите, кто примет записанных, или отметьте, что записи отменяются.")
    refused, moved = list[str](), 0
    for row in rows:
        at = timezone.localtime(row.starts_at)
        slot, reason = _place(row, to) if to else (None, "")
        if slot is not None:
            appointments.move(row, slot, by=by, why=why)
            moved += 1
        elif cancel_rest:
            appointments.cancel(row, by=by, why=why)
        else:
            refused.append(f"{at:%d.%m.%Y %H:%M} — {reason}")
    if refused:
        more = f"; и ещё записей: {len(refused) - MOST_NAMED}" if len(refused) > MOST_NAMED else ""
        do = "Выберите другого или отметьте, что таких записанных предупредят об отмене."
        raise NotPassed(why=f"{'; '.join(refused[:MOST_NAMED])}{more}. {do}")
    return Passed(moved, len(rows) - moved)


def _place(row: Appointment, to: Employee) -> tuple[Slot | None, str]:
    """Return when an official can receive somebody on the day he was promised, or why he cannot."""
    day = timezone.localdate(row.starts_at)
    if authority.of(to, day, topic=row.topic) is None:
        about = " по этой теме" if row.topic and authority.of(to, day) else ""
        return None, f"{to.short_name}: нет полномочия на приём в этот день{about}"
    if why := appointments.away(to, day):
        return None, f"{to.short_name}: в этот день не принимает, {why}"
    free = finder.free(day, day, official=to, topic=row.topic, needs_access=row.needs_access, limit=_DAY_OF_TIMES)
    if not free:
        return None, f"{to.short_name}: в этот день нет свободного времени приёма"
    # The same time if he has it, else the nearest: a person comes the day he has arranged his life for.
    return min(free, key=lambda slot: (abs(slot.starts_at - row.starts_at), slot.starts_at)), ""
