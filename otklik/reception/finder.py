"""Free times to be received, over a year: by official, topic, need of an accessible room."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Final

from django.db.models import Q
from django.utils import timezone

from otklik.appeals.models import Topic
from otklik.core import calendar
from otklik.people.models import Employee, Substitution
from otklik.reception import schedule
from otklik.reception.models import CELL_MINUTES, Authority, Room, RoomCheck, SlotCell
from otklik.reception.schedule import Slot

LIMIT: Final = 60
FARTHEST: Final = timedelta(days=366)
# Most who ask want the nearest time: a year is only looked through where the next weeks are full.
STRIDES: Final = (timedelta(days=6), timedelta(days=20), timedelta(days=62))
FEW: Final = 12  # resources asked for by name; of more, everything of these days is read
Days = list[tuple[date, date]]


def cells_of(starts_at: datetime, ends_at: datetime) -> range:
    """Return the numbers of the five minutes a time touches, counted since 1970."""
    length = CELL_MINUTES * 60
    return range(int(starts_at.timestamp()) // length, -(-int(ends_at.timestamp()) // length))


def moment_of(cell: int) -> datetime:
    """Return when the five minutes of this number begin."""
    return datetime.fromtimestamp(cell * CELL_MINUTES * 60, UTC)


def free(
    first: date,
    last: date,
    *,
    official: Employee | None = None,
    topic: Topic | None = None,
    needs_access: bool = False,
    limit: int = LIMIT,
    now: datetime | None = None,
) -> list[Slot]:
    """Return free times of the days asked for, both included, the soonest first: each may be booked as it is.

    The official has an authority (on the topic, if one is named) and is not away, the room is fit, a seat is free.
    п. 35.1 wants every room accessible, so `needs_access` leaves the same times: what bars a room says who needs it.
    """
    now = now or timezone.now()
    first = max(first, timezone.localdate(now))
    last = min(last, first + FARTHEST)
    powers = _powers(first, last, official, topic)
    if first > last or not powers:
        return []
    away, fit, work = _away(first, last, powers), _fit(first), calendar.current()
    found: list[Slot] = []
    for begin, end in _strides(first, last):
        slots = schedule.slots(begin, end, officials=powers, work=work)
        held = held_in(begin, end, _resources(slots, fit))
        for slot in slots:
            room, day = fit.get(slot.room_id), slot.starts_at.date()
            if slot.starts_at <= now or room is None or not room.is_fit(day):
                continue
            if not _within(day, powers[slot.official_id]):
                continue
            if _within(day, away.get(slot.official_id, ())) or not _is_free(slot, held, room.seats):
                continue
            found.append(slot)
            if len(found) >= limit:
                return found
    return found


def _strides(first: date, last: date) -> Iterable[tuple[date, date]]:
    for stride in (*STRIDES, FARTHEST):
        if first > last:
            return
        end = min(first + stride, last)
        yield first, end
        first = end + timedelta(days=1)


def _powers(first: date, last: date, official: Employee | None, topic: Topic | None) -> dict[int, Days]:
    """Return who may receive in these days, and on which of them."""
    rows = Authority.objects.filter(valid_from__lte=last, official__is_active=True)
    rows = rows.filter(Q(valid_to=None) | Q(valid_to__gte=first))
    if official is not None:
        rows = rows.filter(official=official)
    if topic is not None:
        rows = rows.filter(Q(topics=None) | Q(topics=topic))
    days: dict[int, Days] = defaultdict(list)
    for who, begins, ends in rows.values_list("official", "valid_from", "valid_to").distinct():
        days[who].append((begins, ends or date.max))
    return dict(days)


def _away(first: date, last: date, officials: Iterable[int]) -> dict[int, Days]:
    days: dict[int, Days] = defaultdict(list)
    rows = Substitution.objects.filter(absent__in=list(officials), starts_on__lte=last, ends_on__gte=first)
    for who, begins, ends in rows.values_list("absent", "starts_on", "ends_on"):
        days[who].append((begins, ends))
    return dict(days)


@dataclass(frozen=True)
class Fit:
    """Between which days a room has everything п. 35.1 asks of it, and how many it takes at once."""

    seats: int
    begins: date
    ends: date

    def is_fit(self, on: date) -> bool:
        """Tell whether people may be received there on a day."""
        return self.begins <= on <= self.ends


def _fit(today: date) -> dict[int, Fit]:
    """Say of all rooms at once what `rooms.bars` says of one on a day: a year of days is not asked one by one."""
    asked = set(RoomCheck.Property.values)
    newest: dict[tuple[int, str], RoomCheck] = {}
    rows = RoomCheck.objects.filter(checked_on__lte=today).select_related("room")
    for check in rows.order_by("-checked_on", "-pk"):
        newest.setdefault((check.room_id, check.property), check)
    rooms: dict[int, list[RoomCheck]] = defaultdict(list)
    for (room, _), check in newest.items():
        if check.passed:
            rooms[room].append(check)
    return {pk: _fit_of(checks[0].room, checks) for pk, checks in rooms.items() if len(checks) == len(asked)}


def _fit_of(room: Room, checks: list[RoomCheck]) -> Fit:
    ends = min(check.valid_until for check in checks)
    return Fit(room.seats, room.valid_from, min(ends, room.valid_to or date.max))


def _resources(slots: list[Slot], fit: dict[int, Fit]) -> set[str]:
    """Return whose five minutes decide whether these times are free."""
    rooms = {slot.room_id for slot in slots} & set(fit)
    seats = {f"room:{room}:{seat}" for room in rooms for seat in range(1, fit[room].seats + 1)}
    return seats | {f"official:{pk}" for pk in {slot.official_id for slot in slots}}


def held_in(first: date, last: date, resources: set[str]) -> dict[str, set[int]]:
    """Return the numbers of the five minutes that are taken in these days, by resource: one question to the base."""
    begin = timezone.make_aware(datetime.combine(first, time()))
    end = timezone.make_aware(datetime.combine(last + timedelta(days=1), time()))
    rows = SlotCell.objects.filter(cell__gte=begin, cell__lt=end).values_list("resource", "cell")
    rows = rows.filter(resource__in=sorted(resources)) if len(resources) <= FEW else rows
    held: dict[str, set[int]] = defaultdict(set)
    length = CELL_MINUTES * 60
    for resource, at in rows.iterator(chunk_size=20_000):
        held[resource].add(int(at.timestamp()) // length)
    return held


def _is_free(slot: Slot, held: dict[str, set[int]], seats: int) -> bool:
    """Tell whether the official and one and the same seat are free all the time."""
    cells = cells_of(slot.starts_at, slot.ends_at)
    return _has_none(held.get(f"official:{slot.official_id}"), cells) and any(
        _has_none(held.get(f"room:{slot.room_id}:{seat}"), cells) for seat in range(1, seats + 1)
    )


def _has_none(taken: set[int] | None, cells: range) -> bool:
    return taken is None or taken.isdisjoint(cells)


def _within(day: date, periods: Iterable[tuple[date, date]]) -> bool:
    return any(begins <= day <= ends for begins, ends in periods)
