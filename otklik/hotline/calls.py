"""Calls: what the exchange tells is kept once and never changed, and every call touched is counted anew from all of it.

How long events are kept is a rule of `core/retention.py`; until a job goes by it they stay.

Counting anew makes repetition, disorder and several tellers of one call harmless. Who folds waits for who folds before:
two workers never count one call from half of its events.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cached_property
from itertools import groupby, islice
from statistics import median
from typing import Any, Final, TypeVar
from uuid import uuid4

from django.conf import settings
from django.db.models import Max, QuerySet
from django.utils import timezone

from otklik.core import journal, locks
from otklik.core.errors import DomainError
from otklik.hotline import hours, missed
from otklik.hotline.exchange.counting import Counted, count
from otklik.hotline.exchange.events import LONGEST_NUMBER, Event, Kind, Source, extension, facts
from otklik.hotline.models import Call, CallEvent, Extension, Line
from otklik.people.applicants import phone_key
from otklik.people.models import Employee

T = TypeVar("T")
KEEPER: Final = "hotline.missed"
READERS: Final = (KEEPER, "hotline.figures")
BATCH: Final = 500  # events kept and folded in one commit
LONGEST_WAIT: Final = 4 * 3600  # seconds a person may say somebody waited
SAME_CALL: Final = timedelta(minutes=5)
CLOCK_OFF: Final = 120.0  # seconds two clocks may differ before it is told
# AMI tells of every telephone of the house: of calls that have not begun with us nothing is kept.
_FOLLOWS: Final = {Kind.ENDED, Kind.HELD, Kind.RESUMED, Kind.TRANSFERRED, Kind.RINGING, Kind.NOT_TAKEN, Kind.CONNECTED}
_COUNTED: Final = (
    *("source", "direction", "line", "dialled", "number", "number_key", "state", "in_hours", "came_at", "answered_at"),
    *("ended_at", "waited", "talked", "held", "position", "by_robot", "rings", "answered_by"),
)


class BadCall(DomainError):
    """What a person writes down is no call that can have been."""

    code = "calls.bad"
    text = "{what}"


class KnownCall(DomainError):
    """The exchange has told of this call already."""

    code = "calls.known"
    text = "Звонок с этого номера в {at} уже есть в журнале ({state}). Если был ещё один, отметьте «это другой звонок»."
    status = 409


def take(events: Iterable[Event]) -> int:
    """Keep events that are not known yet and count the calls they touch; return how many were new."""
    return sum(_take(part) for part in _parts(events, BATCH))


def keep(events: Iterable[Event]) -> int:
    """Keep events without counting their calls: what is to be compared first. Return how many were new."""
    total = 0
    for part in _parts(events, BATCH):
        with journal.together():
            _hold()
            total += len(_kept(part))
    return total


def fold(uid: str) -> Call:
    """Count one call anew from all its events; raises Call.DoesNotExist where they tell of none."""
    with journal.together():
        _hold()
        _fold([uid])
    return Call.objects.get(uid=uid)


def fold_each(uids: Collection[str]) -> int:
    """Count these calls anew; return how many there are."""
    total = 0
    for part in _parts(sorted(uids), BATCH):
        with journal.together():
            _hold()
            total += len(_fold(part))
    return total


def write_down(
    *,
    line: Line,
    number: str,
    came_at: datetime,
    waited: int,
    by: Employee,
    answered: bool = False,
    another: bool = False,
) -> Call:
    """Write down a call the exchange did not tell of; raises BadCall or KnownCall.

    Nobody answered, unless `answered`. `another`: not the call of the same number at about the same time.
    """
    now = timezone.now()
    if came_at > now:
        raise BadCall(what="Время звонка ещё не наступило. Проверьте день и час.")
    if came_at < now - timedelta(days=366):
        raise BadCall(what="Звонок больше года назад. Проверьте день.")
    if not 0 <= waited <= LONGEST_WAIT:
        raise BadCall(what=f"Ждал — от 0 до {LONGEST_WAIT} секунд.")
    key = phone_key(number)
    if number.strip() and not key:
        raise BadCall(what="Номер не прочитан. Напишите его с кодом города или оставьте пустым, если он скрыт.")
    with journal.together():
        _hold()
        near = Call.objects.filter(came_at__range=(came_at - SAME_CALL, came_at + SAME_CALL), number_key=key)
        if key and not another and (known := near.first()):
            local = timezone.localtime(known.came_at)
            raise KnownCall(at=f"{local:%H:%M}", state=known.get_state_display())
        uid = f"hand-{uuid4().hex}"
        told = facts(line=line.pk, number=number.strip()[:40], by=by.pk)
        ends = came_at + timedelta(seconds=waited)
        last = Kind.CONNECTED if answered else Kind.ABANDONED
        events = [
            Event(Source.HAND, uid, Kind.ENTERED, came_at, told),
            Event(Source.HAND, uid, last, ends, {"waited": waited}),
            Event(Source.HAND, uid, Kind.ENDED, ends, {}),
        ]
        _kept(events)
        [call] = _fold([uid])
        journal.record("call.written_down", chain=f"call:{call.pk}", by=by, line=line.pk, answered=answered)
    return call


def in_hours(call: Call) -> bool:
    """Tell whether a call came in the hours of its line; on a line nobody knows, in those of any of ours."""
    return Names().in_hours(call.line_id, call.came_at)


def close_endless() -> int:
    """Close calls whose end the exchange has not told for hours; each says that it was we who closed it."""
    long_ago = timezone.now() - timedelta(hours=settings.EXCHANGE_LONGEST_HOURS)
    going_on = Call.objects.filter(state__in=(Call.State.WAITING, Call.State.TALKING), came_at__lt=long_ago)
    return _close(going_on, before=long_ago, why="endless")


def closed_by_us(shown: Iterable[Call]) -> dict[int, str]:
    """Say in words why we have closed calls ourselves, by their ids; of whose end the exchange told there is none."""
    ends = {(call.uid, call.ended_at): call.pk for call in shown if call.ended_at is not None}
    rows = CallEvent.objects.filter(source=Source.OURS, uid__in={uid for uid, _ in ends}) if ends else ()
    told = [(ends.get((row.uid, row.at)), CLOSED.get(row.facts.get("why", ""), "")) for row in rows]
    return {pk: words for pk, words in told if pk is not None and words}


CLOSED: Final[dict[str, str]] = {
    "endless": "закрыт нами: станция не сообщила об окончании",
    "restart": "закрыт нами: станция перезапускалась",
}


@dataclass(frozen=True)
class ClockOff:
    """A source whose clock differs from another: by so many seconds it is ahead."""

    source: str
    seconds: float
    of_whom: str  # «часов Отклика», «часов: журнал очереди»


def clocks(now: datetime | None = None) -> list[ClockOff]:
    """Return the sources whose clocks were wrong in the last day: by when they were heard, and by each other."""
    since = (now or timezone.now()) - timedelta(days=1)
    rows = CallEvent.objects.filter(received_at__gte=since).exclude(source__in=(Source.HAND, Source.OURS))
    told = list(rows.order_by("-received_at").values_list("source", "uid", "kind", "at", "received_at")[:20_000])
    return [*_by_arrival(told), *_by_each_other(told)]


def _by_arrival(told: Sequence[tuple[str, str, str, datetime, datetime]]) -> Iterator[ClockOff]:
    """A live source is heard at once: what comes earlier than it happened, or never sooner than minutes later."""
    for source in (Source.AMI, Source.WEBHOOK, Source.QUEUE_LOG):
        late = [(heard - at).total_seconds() for one, _, _, at, heard in told if one == source]
        if not late:
            continue
        # Events that were late once (an outage) say nothing; events that come before they happen always do. A log
        # may have been read long after, so only its future counts.
        soonest = min(late)
        if soonest < -CLOCK_OFF or (soonest > CLOCK_OFF and source != Source.QUEUE_LOG and len(late) > 3):
            yield ClockOff(source, -soonest, "часов Отклика")


def _by_each_other(told: Sequence[tuple[str, str, str, datetime, datetime]]) -> Iterator[ClockOff]:
    """Compare what two sources say of one event of one call."""
    at: dict[tuple[str, str], dict[str, datetime]] = {}
    for source, uid, kind, moment, _ in told:
        if kind in (Kind.CONNECTED, Kind.ABANDONED, Kind.ENTERED):
            of_call = at.setdefault((uid, kind), {})
            of_call[source] = max(moment, of_call.get(source, moment))  # of several queues the last
    pairs: dict[tuple[str, str], list[float]] = {}
    for known in at.values():
        for one, moment in known.items():
            for other, that in known.items():
                if one < other:
                    pairs.setdefault((one, other), []).append((moment - that).total_seconds())
    for (one, other), spans in pairs.items():
        if abs(off := median(spans)) > CLOCK_OFF:
            yield ClockOff(one, off, f"часов: {Source(other).label}")


# --- keeping and counting ---------------------------------------------------------------------------------------------


def _parts(items: Iterable[T], size: int) -> Iterator[list[T]]:
    rest = iter(items)
    while part := list(islice(rest, size)):
        yield part


def _hold() -> None:
    locks.hold("calls", ["fold"])


def _take(events: Sequence[Event]) -> int:
    with journal.together():
        _hold()
        new = _kept(_of_ours(events))
        _fold({one.uid for one in new if one.uid})
        restarts = [one.at for one in new if not one.uid]
    for at in restarts:
        going_on = Call.objects.filter(state__in=(Call.State.WAITING, Call.State.TALKING), came_at__lt=at)
        _close(going_on.filter(source__in=(Source.QUEUE_LOG, Source.AMI)), before=at, why="restart")
    return len(new)


def _of_ours(events: Sequence[Event]) -> list[Event]:
    """Leave out what AMI tells of telephones that are none of our business."""
    begun = {one.uid for one in events if not _follows(one)}
    asked = {one.uid for one in events if _follows(one)} - begun
    if asked:
        begun |= set(Call.objects.filter(uid__in=asked).values_list("uid", flat=True))
    return [one for one in events if not _follows(one) or one.uid in begun]


def _follows(one: Event) -> bool:
    return one.source == Source.AMI and one.kind in _FOLLOWS and "queue" not in one.facts


def _kept(events: Iterable[Event]) -> list[Event]:
    """Keep the events that are new, and return them."""
    by_key = {(str(one.source), one.key): one for one in events}
    known = CallEvent.objects.filter(key__in={key for _, key in by_key}).values_list("source", "key")
    for one in known:
        by_key.pop(one, None)
    rows = [
        CallEvent(source=one.source, key=key, uid=one.uid, kind=one.kind, at=one.at, facts=dict(one.facts))
        for (_, key), one in by_key.items()
    ]
    CallEvent.objects.bulk_create(rows, ignore_conflicts=True)
    return list(by_key.values())


def _fold(uids: Iterable[str]) -> list[Call]:
    """Count these calls anew, write those that have changed, and tell the duties of them."""
    uids = sorted(set(uids))
    if not uids:
        return []
    events = CallEvent.objects.filter(uid__in=uids).order_by("uid")
    rows = events.values_list("uid", "source", "key", "kind", "at", "facts")
    counted: dict[str, Counted] = {}
    names = Names()
    for uid, told in groupby(rows, key=lambda row: row[0]):
        of_call = [Event(source, uid, kind, at, known, said=key) for _, source, key, kind, at, known in told]
        if found := count(of_call, robots=settings.EXCHANGE_ROBOTS):
            counted[uid] = found
    before = {call.uid: call for call in Call.objects.filter(uid__in=counted).select_related("line")}
    changed = {}
    for uid, one in counted.items():
        now = names.of_call(one)
        call = before.get(uid)
        if call is None or any(getattr(call, name) != value for name, value in _by_id(now).items()):
            changed[uid] = now
    if changed:
        _write(changed, before, names)
    return list(Call.objects.filter(uid__in=uids).select_related("line")) if len(uids) == 1 else list(before.values())


def _by_id(known: Mapping[str, Any]) -> dict[str, Any]:
    return {
        ("answered_by_id" if name == "answered_by" else "line_id" if name == "line" else name): value
        for name, value in known.items()
    }


def _write(changed: Mapping[str, Mapping[str, Any]], before: dict[str, Call], names: Names) -> None:
    # Before the rows themselves: settling a duty takes them in this order too.
    locks.hold("missed", [one["number_key"] or f"uid {uid}" for uid, one in changed.items()])
    rows = [Call(uid=uid, **_by_id(known)) for uid, known in changed.items()]
    Call.objects.bulk_create(rows, update_conflicts=True, unique_fields=["uid"], update_fields=_COUNTED)
    if lacking := [uid for uid in changed if uid not in before]:
        before |= {call.uid: call for call in Call.objects.filter(uid__in=lacking)}
    told = []
    for uid in sorted(changed, key=lambda one: (changed[one]["came_at"], one)):
        call = before[uid]
        for name, value in _by_id(changed[uid]).items():
            setattr(call, name, value)
        call.line = names.lines.get(call.line_id) if call.line_id else None
        told.append(call)
    missed.after_each(told, names.schedules)


def _close(going_on: QuerySet[Call], *, before: datetime, why: str) -> int:
    """Close calls of which nothing was told since: at the moment of the last thing told."""
    with journal.together():
        _hold()
        last = dict(
            CallEvent.objects.filter(uid__in=going_on.values("uid")).values_list("uid").annotate(Max("at")).order_by()
        )
        ends = [Event(Source.OURS, uid, Kind.ENDED, at, {"why": why}) for uid, at in last.items() if at < before]
        if new := _kept(ends):
            calls = _fold({one.uid for one in new})
            journal.record("calls.closed", chain="calls", by=None, calls=sorted(call.pk for call in calls), reason=why)
    return len(ends)


class Names:
    """What the exchange's names mean to us, read once for many calls."""

    def __init__(self) -> None:
        """Read lines and inner numbers."""
        self.lines = {line.pk: line for line in Line.objects.all()}
        self._known: dict[str, int] = {}
        for line in self.lines.values():
            for name in (*line.known_as.split(","), *line.phones.split(",")):
                for told in {name.strip().lower(), phone_key(name)} - {""}:
                    self._known.setdefault(told, line.pk)
        self._people: dict[str, list[Extension]] = {}
        for row in Extension.objects.order_by("valid_from"):
            self._people.setdefault(row.name.lower(), []).append(row)

    def of_call(self, one: Counted) -> dict[str, Any]:
        """Return the fields of a call."""
        direction, number, dialled = one.direction, one.number, one.dialled
        if self._person(extension(number), one.came_at) is not None:
            direction = Call.Direction.OUT  # an inner number calls: outside is whom it has dialled
        if direction == Call.Direction.OUT:
            number, dialled = dialled[:LONGEST_NUMBER], number
        line = one.line or self.line(one.names)
        return {
            "source": one.source,
            "direction": str(direction),
            "line": line,
            "dialled": dialled,
            "number": number,
            "number_key": phone_key(number),
            "state": str(one.state),
            "in_hours": self.in_hours(line, one.came_at),
            "came_at": one.came_at,
            "answered_at": one.answered_at,
            "ended_at": one.ended_at,
            "waited": one.waited,
            "talked": one.talked,
            "held": one.held,
            "position": None if one.position is None else min(one.position, 30_000),
            "by_robot": one.by_robot,
            "rings": list(one.rings),
            "answered_by": self._person(one.agent, one.came_at),
        }

    @cached_property
    def schedules(self) -> dict[int, hours.Schedule]:
        """Return the hours of all lines."""
        return hours.schedules(self.lines.values())

    def in_hours(self, line: int | None, at: datetime) -> bool:
        """Tell whether the line is answered at a moment."""
        asked = [line] if line else [pk for pk, one in self.lines.items() if one.ours]
        return any(self.schedules[pk].is_open(at) for pk in asked)

    def line(self, names: Iterable[str]) -> int | None:
        """Return the line the exchange means by any of these names."""
        for name in names:
            if (found := self._known.get(name.lower()) or self._known.get(phone_key(name))) is not None:
                return found
        return None

    def _person(self, name: str, at: datetime) -> int | None:
        day = timezone.localdate(at)
        valid = [
            row.employee_id
            for row in self._people.get(name.lower(), [])
            if row.valid_from <= day and (row.valid_to is None or day <= row.valid_to)
        ]
        return valid[-1] if valid else None
