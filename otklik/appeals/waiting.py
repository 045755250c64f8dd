"""Messages that wait to be registered: by which day each has to be, and which of them burn.

The term runs from the day of arrival, long before there is an appeal to keep it: it is the one that the proposed
regime sets, counted anew at every look.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from functools import cached_property
from typing import Any

from django.db.models import Count, FilteredRelation, OuterRef, Q, QuerySet, Subquery
from django.db.models.functions import TruncDate
from django.utils import timezone

from otklik.appeals.models import ChannelDefault
from otklik.core import built, calendar
from otklik.core import terms as rules
from otklik.core.models import TermRule
from otklik.core.workdays import Due
from otklik.correspondence.models import IncomingMessage, MessageFacts
from otklik.people.models import Employee

_RULE = ("days", "unit", "roll", "basis", "channel", "valid_from", "valid_to")


@dataclass(frozen=True)
class Line:
    """One waiting message. No `due_on`: the dictionaries set no term. `burns`: no working day is left after today."""

    pk: int
    channel: str
    due_on: date | None
    burns: bool


@dataclass(frozen=True)
class Heap:
    """How many messages wait that came by one channel on one day and have the same term."""

    channel: str
    due_on: date | None
    burns: bool
    number: int


def messages() -> QuerySet[IncomingMessage]:
    """Return the messages a person has to decide about: new ones and quarantined ones."""
    waiting = [IncomingMessage.State.NEW, IncomingMessage.State.QUARANTINED]
    return IncomingMessage.objects.filter(state__in=waiting)


def lines(user: Employee) -> list[Line]:
    """Return all that waits, the nearest term first; read once per employee object, that is, once per request."""
    return _of(user).lines


def heaps(user: Employee) -> list[Heap]:
    """Return how much waits: for the counters of every page, which need no message of its own; read as `lines`."""
    return _of(user).heaps


def due_of(message: IncomingMessage) -> Due | None:
    """Return by which day a message has to be registered, with its grounds; None where no term is set or it is."""
    rows = list(_told().filter(pk=message.pk))
    return _Terms().due(*rows[0][1:]) if rows else None


def _of(user: Employee) -> _Waiting:
    known: _Waiting | None = user.__dict__.get("_waiting")
    if known is None:
        known = user.__dict__["_waiting"] = _Waiting()
    return known


class _Waiting:
    """What waits, as one request sees it."""

    @cached_property
    def lines(self) -> list[Line]:
        told = _told().order_by("received_at", "pk")
        found = [Line(pk, channel, *self._terms.ends(channel, *rest)) for pk, channel, *rest in told]
        return sorted(found, key=lambda line: line.due_on or date.max)

    @cached_property
    def heaps(self) -> list[Heap]:
        if "lines" in self.__dict__:  # a page that lists them asks no second time
            return [Heap(line.channel, line.due_on, line.burns, 1) for line in self.lines]
        return [Heap(channel, *self._terms.ends(channel, *rest), number) for channel, *rest, number in _heaped()]

    @cached_property
    def _terms(self) -> _Terms:
        return _Terms()


@built.once
def _told() -> QuerySet[IncomingMessage, tuple[Any, ...]]:
    """Return messages with what terms are counted from: channel, whether the sender is identified, day of arrival."""
    newest = MessageFacts.objects.filter(message=OuterRef("pk")).order_by("-version")
    identified = Subquery(newest.values("data__identified")[:1])
    told = messages().annotate(identified=identified, came_on=TruncDate("received_at"))
    return told.values_list("pk", "channel", "identified", "came_on")


@built.asked
def _heaped() -> QuerySet[IncomingMessage, tuple[Any, ...]]:
    """Return the same without the messages, and how many there are of each."""
    each: Any = _told()
    return each.values_list("channel", "identified", "came_on").annotate(number=Count("pk")).order_by()  # type: ignore[no-any-return]


@built.asked
def _proposed(on: date) -> QuerySet[ChannelDefault, tuple[Any, ...]]:
    """Return the defaults of channels as of a day, each with the terms of registration under its regime."""
    term = FilteredRelation("regime__terms", condition=Q(regime__terms__step=TermRule.Step.REGISTER))
    told = (f"term__{name}" for name in _RULE)
    rows = ChannelDefault.objects.filter(rules.valid(on)).annotate(term=term)
    return rows.values_list("channel", "identified", "valid_from", *told)


class _Terms:
    """The terms of registration under the regimes proposed today, in one query for any number of messages.

    Chooses as `registration.default_for` and `core.terms.rule_for` do for one message; a test holds them together.
    """

    def __init__(self) -> None:
        self._today, self._days = timezone.localdate(), calendar.current()
        self._later = self._days.next_working(self._today)
        self._rows = _proposed(self._today)
        self._known: dict[tuple[str, bool, date], Due | None] = {}

    def due(self, channel: str, identified: object, came_on: date) -> Due | None:
        """Return by which day what came by a channel has to be registered; each day of a channel is counted once."""
        key = (channel, bool(identified), min(came_on, self._today))
        if key not in self._known:
            rule = self._rule(*key)
            self._known[key] = rules.term_of(rule).due(key[2], self._days) if rule else None
        return self._known[key]

    def ends(self, channel: str, identified: object, came_on: date) -> tuple[date | None, bool]:
        """Return that day and whether no working day is left after today."""
        due = self.due(channel, identified, came_on)
        return (due.on, due.on < self._later) if due else (None, False)

    def _rule(self, channel: str, identified: bool, on: date) -> TermRule | None:
        defaults = [row for row in self._rows if row[0] == channel and row[1] <= identified]
        best = max((row[:3] for row in defaults), key=lambda row: row[1:], default=None)
        found = [
            TermRule(step=TermRule.Step.REGISTER, **dict(zip(_RULE, row[3:], strict=True)))
            for row in defaults
            if row[:3] == best and row[3] is not None
        ]
        holding = [rule for rule in found if rule.channel in {channel, ""} and _holds(rule, on)]
        return max(holding, key=lambda rule: (rule.channel, rule.valid_from), default=None)


def _holds(rule: TermRule, on: date) -> bool:
    return rule.valid_from <= on and (rule.valid_to is None or rule.valid_to >= on)
