"""What all events of one call come to. The same events in whatever order, however often, give the same call.

Several sources may tell one call. Times of a call are taken from one of them, the most trusted that knows its end:
another's clock may differ, and a span between two clocks is no span. The others add only what it does not know.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from otklik.hotline.exchange.events import MOST_SECONDS, Event, Kind, Source, extension
from otklik.hotline.models import Call

TRUSTED: Final = (Source.QUEUE_LOG, Source.AMI, Source.WEBHOOK, Source.CDR, Source.HAND, Source.OURS)
_LEFT: Final = {Kind.ABANDONED, Kind.TIMED_OUT}
_OVER: Final = {Kind.COMPLETED, Kind.ABANDONED, Kind.ENDED}
_ROUGH: Final = {Source.CDR, Source.OURS}
# What tells that there is a call at all; a hangup alone may be of any telephone of the house.
_BEGINS: Final = {Kind.ENTERED, Kind.ROBOT, Kind.RINGING, Kind.CONNECTED, Kind.ABANDONED, Kind.TIMED_OUT}


@dataclass(frozen=True)
class Counted:
    """A call as its events tell it; lines and people are still the exchange's names."""

    source: str
    direction: str
    state: str
    came_at: datetime
    answered_at: datetime | None
    ended_at: datetime | None
    waited: int
    talked: int
    held: int
    position: int | None
    by_robot: bool
    number: str
    dialled: str
    names: tuple[str, ...]  # of the line: queues in the order of entering, then what was dialled
    agent: str
    rings: tuple[str, ...]
    line: int | None


class _Told:
    """The events of one call, source by source."""

    def __init__(self, events: Iterable[Event], robots: Collection[str]) -> None:
        self.all = sorted(events, key=lambda one: (one.at, one.kind, one.key))
        self._robots = robots

    def of(self, source: str, *kinds: str) -> list[Event]:
        return [one for one in self.all if one.source == source and self.kind(one) in kinds]

    def any(self, *kinds: str) -> list[Event]:
        return [one for one in self.all if self.kind(one) in kinds]

    def best(self, lead: str, *kinds: str) -> list[Event]:
        """Return events of these kinds as the leading source tells them, else the most trusted that does."""
        return next((found for one in (lead, *TRUSTED) if (found := self.of(one, *kinds))), [])

    def kind(self, one: Event) -> str:
        """Return what happened: who connects as a robot has not answered as a human."""
        is_robot = one.kind == Kind.CONNECTED and extension(one.facts.get("agent", "")) in self._robots
        return Kind.ROBOT if is_robot else one.kind

    def lead(self) -> str:
        known = {one.source for one in self.all}
        told = [one for one in TRUSTED if one in known]
        ends = [one for one in told if self.of(one, *_OVER, *_LEFT, Kind.TRANSFERRED)]
        whole = [one for one in ends if self.of(one, Kind.ENTERED)]
        begun = [one for one in told if self.of(one, Kind.ENTERED)]
        return str(next(iter([*whole, *begun, *ends, *told])))


def count(events: Sequence[Event], *, robots: Collection[str] = ()) -> Counted | None:
    """Return what the events of one call come to; None where they tell of no call. `robots`: agents that are none."""
    told = _Told(events, robots)
    if not told.any(*_BEGINS):
        return None
    lead = told.lead()
    connected, over = _connected(told, lead), _is_over(told)
    answered_at = connected[0].at if connected else None
    ended_at = _ended_at(told, lead) if over else None
    came_at = _came_at(told, lead)
    state = _state(bool(connected), over)
    return Counted(
        source=lead,
        direction=Call.Direction.OUT if _first(told.all, "direction") == "out" else Call.Direction.IN,
        state=state,
        came_at=came_at,
        answered_at=answered_at,
        ended_at=ended_at,
        waited=_waited(told, lead, came_at, answered_at, ended_at),
        talked=_talked(told, lead, answered_at, ended_at) if connected else 0,
        held=_held(told, lead, ended_at),
        position=None if connected else _last(told.best(lead, *_LEFT, Kind.ENDED), "position"),
        by_robot=bool(told.any(Kind.ROBOT)),
        number=_first(told.best(lead, Kind.ENTERED), "number") or _first(told.all, "number") or "",
        dialled=_first(told.all, "dialled") or _first(told.all, "queue") or "",
        names=tuple(dict.fromkeys([*_each(told.all, "queue"), *_each(told.all, "dialled")])),
        agent=extension(_first(connected, "agent") or ""),
        rings=_rings(told, still=state == Call.State.WAITING),
        line=_first(told.all, "line"),
    )


def _state(answered: bool, over: bool) -> str:
    if answered:
        return Call.State.ANSWERED if over else Call.State.TALKING
    return Call.State.MISSED if over else Call.State.WAITING


def _connected(told: _Told, lead: str) -> list[Event]:
    """Return when a human answered. Who left the queue was not answered, whatever the rough account says."""
    found = told.best(lead, Kind.CONNECTED)
    left = [one for one in told.any(Kind.ABANDONED) if one.source not in _ROUGH]
    return [] if found and found[0].source in _ROUGH and left else found


def _is_over(told: _Told) -> bool:
    if told.any(*_OVER) or told.of(Source.QUEUE_LOG, Kind.TRANSFERRED):
        return True
    left = set(_each(told.any(Kind.TIMED_OUT), "queue"))
    return bool(left) and set(_each(told.any(Kind.ENTERED), "queue")) <= left


def _came_at(told: _Told, lead: str) -> datetime:
    if entered := told.best(lead, Kind.ENTERED):
        return entered[0].at
    first = next((one for one in told.all if one.source == lead), told.all[0])
    return first.at - timedelta(seconds=first.facts.get("waited") or 0)  # the beginning of the log was cut off


def _ended_at(told: _Told, lead: str) -> datetime:
    ends = told.best(lead, *_OVER, *_LEFT, Kind.TRANSFERRED)
    # A transfer or the end of the talk is the end, though the line is put down later: the consultant is free.
    return (told.of(ends[-1].source, Kind.COMPLETED, Kind.ABANDONED) or ends)[-1].at


def _waited(told: _Told, lead: str, came: datetime, answered: datetime | None, ended: datetime | None) -> int:
    queued = [one.at for one in told.of(lead, Kind.ENTERED) if one.facts.get("queue")]
    since = queued[0] if queued else came
    of_lead = told.of(lead, Kind.CONNECTED) if answered else told.of(lead, *_LEFT)
    until = (of_lead[0] if answered else of_lead[-1]).at if of_lead else None
    if until is None:
        said = _last(told.best(lead, Kind.CONNECTED, *_LEFT), "waited")
        if said is not None:
            return int(said)
        until = answered or ended
    return _span(since, until) if until else 0


def _talked(told: _Told, lead: str, answered: datetime | None, ended: datetime | None) -> int:
    if told.of(lead, Kind.CONNECTED) and told.of(lead, *_OVER, Kind.TRANSFERRED):
        return _span(answered, ended)
    said = _last(told.best(lead, Kind.COMPLETED, Kind.TRANSFERRED, Kind.CONNECTED), "talked")
    return int(said) if said is not None else _span(answered, ended)


def _held(told: _Told, lead: str, ended: datetime | None) -> int:
    total, since = 0, None
    holdings = [told.of(one, Kind.HELD, Kind.RESUMED) for one in dict.fromkeys((lead, *TRUSTED))]
    # Of a source that was cut off for a while only the beginning of a holding may be known: the fullest is believed.
    for one in max(holdings, key=len):
        if one.kind == Kind.HELD:
            since = since or one.at
        elif since:
            total, since = total + _span(since, one.at), None
    return min(total + (_span(since, ended) if since and ended else 0), MOST_SECONDS)


def _rings(told: _Told, *, still: bool) -> tuple[str, ...]:
    """Return whom it rings now; after that, whom it has rung."""
    rung: dict[str, bool] = {}
    for one in told.any(Kind.RINGING, Kind.NOT_TAKEN, Kind.CONNECTED):
        if agent := extension(one.facts.get("agent", "")):
            rung[agent] = one.kind == Kind.RINGING
    return tuple(agent for agent, rings in rung.items() if rings or not still)


def _span(since: datetime | None, until: datetime | None) -> int:
    if since is None or until is None:
        return 0
    return min(max(0, round((until - since).total_seconds())), MOST_SECONDS)


def _each(events: Iterable[Event], fact: str) -> list[Any]:
    return [one.facts[fact] for one in events if fact in one.facts]


def _first(events: Iterable[Event], fact: str) -> Any:
    return next(iter(_each(events, fact)), None)


def _last(events: Iterable[Event], fact: str) -> Any:
    return next(reversed(_each(events, fact)), None)
