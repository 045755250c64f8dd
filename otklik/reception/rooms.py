"""Whether a room may be used for receptions (п. 35.1)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from otklik.reception.models import Room, RoomCheck

Property = RoomCheck.Property


@dataclass(frozen=True)
class Fitness:
    """One property of a room on a day, in words."""

    property: str
    ok: bool
    words: str


def fitness(room: Room, on: date) -> list[Fitness]:
    """Return what is known of each property of п. 35.1 on a day."""
    newest: dict[str, RoomCheck] = {}
    for row in room.checks.filter(checked_on__lte=on).order_by("checked_on", "pk"):
        newest[row.property] = row
    return [_judged(one, newest.get(one), on) for one in Property]


def bars(room: Room, on: date, *, needs_access: bool = False) -> list[str]:
    """Return why a room may not be used on a day, empty where it may; accessibility counts where it is needed."""
    asked = [one for one in fitness(room, on) if needs_access or one.property != Property.ACCESSIBLE]
    found = [one.words for one in asked if not one.ok]
    if room.valid_from > on or (room.valid_to is not None and room.valid_to < on):
        found.insert(0, "помещение в этот день не используется")
    return found


def _judged(code: Property, row: RoomCheck | None, on: date) -> Fitness:
    if row is None:
        return Fitness(code, False, f"{code.label}: не проверено")
    if not row.passed:
        return Fitness(code, False, f"{code.label}: не соответствует, проверено {row.checked_on:%d.%m.%Y}")
    if row.valid_until < on:
        return Fitness(code, False, f"{code.label}: проверка действовала по {row.valid_until:%d.%m.%Y}")
    return Fitness(code, True, f"{code.label}: соответствует, проверено {row.checked_on:%d.%m.%Y}")
