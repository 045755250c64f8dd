"""A month of our log against the exchange's own account (CDR), call by call; what we lack is restored from it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from itertools import groupby
from typing import Final

from django.conf import settings
from django.utils import timezone

from otklik.core import journal
from otklik.core.hours import midnight
from otklik.hotline import calls
from otklik.hotline.exchange.counting import Counted, count
from otklik.hotline.exchange.events import Event, Kind, Source
from otklik.hotline.models import Call, CallEvent
from otklik.people.applicants import phone_key
from otklik.people.models import Employee

SAME_MOMENT: Final = timedelta(seconds=60)  # a menu before the queue is counted by the account and not by the queue
KINDS: Final[dict[str, str]] = {
    "lacking": "нет у нас",
    "by_hand": "у нас записан вручную",
    "state": "отвечен или нет — расходится",
    "number": "номер расходится",
    "time": "время расходится",
    "extra": "нет в учёте станции",
}
_FROM_EXCHANGE: Final = (Source.QUEUE_LOG, Source.AMI, Source.WEBHOOK)


@dataclass(frozen=True)
class Difference:
    """One call that the two do not tell alike: ours, the account's, or both."""

    kind: str
    uid: str
    call: Call | None
    told: Counted | None

    @property
    def came_at(self) -> datetime:
        """Return when the call came, as the account tells it."""
        if self.told is not None:
            return self.told.came_at
        assert self.call is not None
        return self.call.came_at

    @property
    def words(self) -> str:
        """Say what differs."""
        return KINDS[self.kind]


@dataclass
class Comparison:
    """What a month comes to. `told`: calls of our lines in the account; `aside`: of lines nobody has named us."""

    month: date
    told: int = 0
    ours: int = 0
    same: int = 0
    aside: int = 0
    strange: list[str] = field(default_factory=list)  # what the exchange calls those lines
    first: date | None = None
    last: date | None = None
    differences: list[Difference] = field(default_factory=list)

    def of(self, kind: str) -> list[Difference]:
        """Return the differences of one kind."""
        return [one for one in self.differences if one.kind == kind]


def compare(month: date) -> Comparison:
    """Compare a month, given by its first day. Only days the account speaks of are looked for in it."""
    starts, ends = _bounds(month)
    result, names = Comparison(month), calls.Names()
    told: dict[str, Counted] = {}
    strange: dict[str, None] = {}
    for uid, one in _of_account(starts, ends):
        if names.line(one.names) is None:
            result.aside += 1
            strange |= dict.fromkeys(one.names)
        elif names.of_call(one)["direction"] == Call.Direction.IN:
            told[uid] = one
    result.told, result.strange = len(told), sorted(strange)
    if not told:
        return result
    days = [timezone.localdate(one.came_at) for one in told.values()]
    result.first, result.last = min(days), max(days)
    ours = {call.uid: call for call in Call.objects.filter(uid__in=told).select_related("line", "answered_by")}
    written = _written_by_hand(starts, ends)
    for uid, one in told.items():
        kind = _difference(ours.get(uid), one, written)
        if kind:
            result.differences.append(Difference(kind, uid, ours.get(uid), one))
        else:
            result.same += 1
    spoken_of = Call.objects.filter(came_at__gte=max(starts, midnight(result.first)), came_at__lt=ends)
    spoken_of = spoken_of.filter(came_at__lt=midnight(result.last, 1), direction=Call.Direction.IN)
    result.ours = spoken_of.count()
    for call in spoken_of.filter(source__in=_FROM_EXCHANGE, line__isnull=False).select_related("line", "answered_by"):
        if call.uid not in told:
            result.differences.append(Difference("extra", call.uid, call, None))
    result.differences.sort(key=lambda one: (list(KINDS).index(one.kind), one.came_at))
    return result


def restore(month: date, *, by: Employee) -> int:
    """Add the calls of a month that the account has and we lack; return how many."""
    lacking = [one.uid for one in compare(month).of("lacking")]
    if lacking:
        with journal.together():
            calls.fold_each(lacking)
            journal.record("calls.restored", chain="calls", by=by, month=f"{month:%Y-%m}", calls=len(lacking))
    return len(lacking)


def _difference(call: Call | None, told: Counted, written: dict[str, list[datetime]]) -> str:
    if call is None:
        near = written.get(phone_key(told.number), [])
        by_hand = any(abs(at - told.came_at) <= calls.SAME_CALL for at in near)
        return "by_hand" if by_hand else "lacking"
    if (told.answered_at is not None) != (call.answered_at is not None):
        return "state"
    if call.number_key and told.number and phone_key(told.number) != call.number_key:
        return "number"
    return "time" if abs(call.came_at - told.came_at) > SAME_MOMENT else ""


def _of_account(starts: datetime, ends: datetime) -> Iterator[tuple[str, Counted]]:
    entered = CallEvent.objects.filter(source=Source.CDR, kind=Kind.ENTERED, at__gte=starts, at__lt=ends)
    rows = CallEvent.objects.filter(source=Source.CDR, uid__in=entered.values("uid")).order_by("uid")
    fields = rows.values_list("uid", "source", "key", "kind", "at", "facts")
    for uid, told in groupby(fields.iterator(), key=lambda row: row[0]):
        of_call = [Event(source, uid, kind, at, facts, said=key) for _, source, key, kind, at, facts in told]
        one = count(of_call, robots=settings.EXCHANGE_ROBOTS)
        if one is not None and starts <= one.came_at < ends:
            yield uid, one


def _written_by_hand(starts: datetime, ends: datetime) -> dict[str, list[datetime]]:
    near = (starts - calls.SAME_CALL, ends + calls.SAME_CALL)
    rows = Call.objects.filter(source=Source.HAND, came_at__range=near).exclude(number_key="")
    found: dict[str, list[datetime]] = {}
    for key, at in rows.values_list("number_key", "came_at"):
        found.setdefault(key, []).append(at)
    return found


def _bounds(month: date) -> tuple[datetime, datetime]:
    following = (month.replace(day=1) + timedelta(days=32)).replace(day=1)
    return midnight(month.replace(day=1)), midnight(following)
