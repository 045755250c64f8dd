"""Appointments that cannot stay where they are: the day is cancelled, the room barred, the power has ended.

They are marked with the reason, and a notice to the applicant waits; what has become possible again is unmarked.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from datetime import date, datetime
from typing import TYPE_CHECKING, Final

from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone

from otklik.core import calendar, journal
from otklik.people.models import Employee
from otklik.reception.models import (
    Appointment,
    AppointmentNotice,
    Authority,
    Person,
    ReceptionException,
    Room,
    Source,
)

if TYPE_CHECKING:
    from otklik.reception.schedule import Reception

MOST: Final = 300
_TO_MOVE: Final = AppointmentNotice.Kind.TO_MOVE


def waiting() -> QuerySet[Appointment]:
    """Return the live appointments that must be moved, the nearest first."""
    return _live(timezone.now()).exclude(to_move="").select_related("official", "room")


def _live(now: datetime) -> QuerySet[Appointment]:
    """Return those who are still to be received; who came without an appointment was promised no time."""
    states = (Appointment.State.BOOKED, Appointment.State.ARRIVED)
    rows = Appointment.objects.filter(state__in=states, ends_at__gt=now).exclude(source=Source.WALK_IN)
    return rows.order_by("starts_at", "pk")


@transaction.atomic
def look(
    *, by: Employee | None, official: Employee | None = None, room: Room | None = None, now: datetime | None = None
) -> list[Appointment]:
    """Mark the appointments that cannot stay, of one official or room or all; return those marked just now.

    `by=None`: time itself did it. Doing it twice does no harm.
    """
    rows = _live(now or timezone.now()).select_for_update(of=("self",)).select_related("official", "room")
    if official is not None:
        rows = rows.filter(official=official)
    if room is not None:
        rows = rows.filter(room=room)
    found = list(rows)
    reasons = why(found)
    hit: list[Appointment] = []
    lifted: list[Appointment] = []
    changed: list[Appointment] = []
    for row in found:
        reason = reasons.get(row.pk, "")[:MOST]
        if reason == row.to_move:
            continue
        (changed if reason and row.to_move else hit if reason else lifted).append(row)
        row.to_move = reason
    Appointment.objects.bulk_update([*hit, *lifted, *changed], ["to_move"])
    _told(hit)
    _drop_dead_offers(official)
    # Who has not been told yet need not hear of it.
    AppointmentNotice.objects.filter(appointment__in=lifted, kind=_TO_MOVE, told_at=None).delete()
    if hit:
        journal.record_each("appointment.to_move", {_chain(row): {"reason": row.to_move} for row in hit}, by=by)
    if lifted:
        journal.record_each("appointment.stays", {_chain(row): {} for row in lifted}, by=by)
    return hit


def _drop_dead_offers(official: Employee | None) -> None:
    """Offer nobody a time that has gone from the schedule: who was told already is told by the link itself."""
    from otklik.reception import schedule

    rows = AppointmentNotice.objects.filter(kind=AppointmentNotice.Kind.FREED, told_at=None, of_time__gt=timezone.now())
    offers = list(rows.filter(official=official) if official else rows)
    if not offers:
        return
    days = [timezone.localdate(one.of_time) for one in offers]
    hours = schedule.receptions(min(days), max(days), {one.official_id for one in offers if one.official_id})
    dead = [
        one.pk
        for one in offers
        if not any(
            part.official_id == one.official_id and one.of_time and part.starts_at <= one.of_time < part.ends_at
            for part in hours
        )
    ]
    AppointmentNotice.objects.filter(pk__in=dead).delete()


def _chain(row: Appointment) -> str:
    return f"appointment:{row.pk}"


def _told(rows: Iterable[Appointment]) -> None:
    """Queue a notice to each; one who was told of this time before is told anew."""
    for row in rows:
        AppointmentNotice.objects.update_or_create(
            appointment=row,
            kind=_TO_MOVE,
            of_time=row.starts_at,
            defaults={"way": _way(row), "told_at": None, "told_by": None, "result": ""},
        )


def _way(row: Appointment) -> str:
    """Return how to tell him; who asked not to be told cannot know of this."""
    if row.notify != Person.Notify.NONE:
        return row.notify
    return Person.Notify.EMAIL if row.email and not row.phone else Person.Notify.PHONE


def why(rows: Iterable[Appointment]) -> dict[int, str]:
    """Return why appointments cannot be held as they stand, by id; nothing of those that can. Few queries for all."""
    from otklik.reception import schedule
    from otklik.reception.rooms import Checks

    rows = list(rows)
    if not rows:
        return {}
    days = [timezone.localdate(row.starts_at) for row in rows]
    first, last, officials = min(days), max(days), {row.official_id for row in rows}
    open_then = defaultdict(list)
    for one in schedule.receptions(first, last, officials):
        open_then[one.official_id, one.day].append(one)
    unlike = ReceptionException.objects.filter(official__in=officials, date__range=(first, last))
    notes = {(row.official_id, row.date): row.why for row in unlike}
    powers = defaultdict(list)
    for power in Authority.objects.filter(official__in=officials).prefetch_related("topics"):
        powers[power.official_id].append(power)
    checks = Checks({row.room for row in rows})
    found = {}
    for row, day in zip(rows, days, strict=True):
        said = (
            _without_power(row, powers[row.official_id], day)
            or _out_of_hours(row, open_then[row.official_id, day], day, notes.get((row.official_id, day), ""))
            or _in_a_barred_room(row, checks.bars(row.room_id, day, needs_access=row.needs_access))
        )
        if said:
            found[row.pk] = said
    return found


def _without_power(row: Appointment, powers: Iterable[Authority], day: date) -> str:
    if not row.official.is_active:
        return f"{row.official.short_name} больше не работает"
    in_force = [one for one in powers if one.valid_from <= day and (one.valid_to is None or day <= one.valid_to)]
    if not in_force:
        ended = sorted((one for one in powers if one.valid_to and one.valid_to < day), key=lambda one: one.valid_from)
        note = f": {ended[-1].ended_why}" if ended and ended[-1].ended_why else ""
        return f"у должностного лица нет полномочия на приём {day:%d.%m.%Y}{note}"
    topics = [{topic.pk for topic in one.topics.all()} for one in in_force]
    if row.topic_id and not any(not one or row.topic_id in one for one in topics):
        return "у должностного лица нет полномочия на приём по этой теме"
    return ""


def _out_of_hours(row: Appointment, hours: list[Reception], day: date, note: str) -> str:
    if not hours:
        if not note and not calendar.current().is_working(day):
            note = "нерабочий день по календарю"
        return f"приёма {day:%d.%m.%Y} нет: {note or 'изменено расписание'}"
    within = [one for one in hours if one.starts_at <= row.starts_at and row.ends_at <= one.ends_at]
    if not within:
        return f"часы приёма {day:%d.%m.%Y} изменены: {', '.join(one.words for one in hours)}"
    if row.state == Appointment.State.BOOKED and all(one.room_id != row.room_id for one in within):
        return f"приём {day:%d.%m.%Y} идёт в другом помещении"
    return ""


def _in_a_barred_room(row: Appointment, bars: list[str]) -> str:
    return f"{row.room}: {'; '.join(bars)}" if bars else ""
