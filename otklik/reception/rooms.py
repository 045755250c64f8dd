"""May people be received in a room on a day: the properties of п. 35.1."""

from __future__ import annotations

from datetime import date

from otklik.reception.models import Room, RoomCheck


def bars(room: Room, on: date, *, needs_access: bool = False) -> list[str]:
    """Return why the room may not be used on a day, empty where it may: п. 35.1 asks all five of every room."""
    newest: dict[str, RoomCheck] = {}
    for check in room.checks.order_by("-checked_on", "-pk"):
        newest.setdefault(check.property, check)
    told = []
    if on < room.valid_from or (room.valid_to is not None and on > room.valid_to):
        told.append("помещение не действует в этот день")
    for code, words in RoomCheck.Property.choices:
        found = newest.get(code)
        needed = ", а заявителю она нужна" if needs_access and code == RoomCheck.Property.ACCESSIBLE else ""
        if found is None:
            told.append(f"не проверено: {words}{needed}")
        elif not found.passed:
            told.append(f"не соответствует: {words}{needed}")
        elif on > found.valid_until:
            told.append(f"проверка истекла {found.valid_until:%d.%m.%Y}: {words}{needed}")
    return told
