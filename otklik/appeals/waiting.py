"""Messages that wait to be registered: by which day each has to be, and which of them burn.

The term runs from the day of arrival, long before there is an appeal to keep it: it is the one that the proposed
regime sets, counted anew at every look.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from django.db.models import FilteredRelation, OuterRef, Q, QuerySet, Subquery
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
    received_at: datetime
    due_on: date | None
    burns: bool


def messages() -> QuerySet[IncomingMessage]:
    """Return the messages a person has to decide about: new ones and quarantined ones."""
    waiting = [IncomingMessage.State.NEW, IncomingMessage.State.QUARANTINED]
    return IncomingMessage.objects.filter(state__in=waiting)


def lines(user: Employee) -> list[Line]:
    """Return all that waits, the nearest term first; read once per employee object, that is, once per request."""
    known: list[Line] | None = user.__dict__.get("_waiting")
    if known is None:
        known = user.__dict__["_waiting"] = _lines()
    return known


def due_of(message: IncomingMessage) -> Due | None:
    """Return by which day a message has to be registered, with its grounds; None where no term is set or it is."""
    return next((due for *_, due in _counted(_told().filter(pk=message.pk))), None)


def _lines() -> list[Line]:
    later = calendar.current().next_working(timezone.localdate())
    found = [
        Line(pk, channel, at, due.on if due else None, due is not None and due.on < later)
        for pk, channel, at, due in _counted(_told())
    ]
    return sorted(found, key=lambda line: (line.due_on or date.max, line.received_at, line.pk))


@built.once
def _told() -> QuerySet[IncomingMessage, tuple[Any, ...]]:
    """Return what terms are counted from: key, channel, day of arrival, whether the sender is identified."""
    newest = MessageFacts.objects.filter(message=OuterRef("pk")).order_by("-version")
    identified = Subquery(newest.values("data__identified")[:1])
    return messages().annotate(identified=identified).values_list("pk", "channel", "received_at", "identified")


@built.once
def _proposed(on: date) -> QuerySet[ChannelDefault, tuple[Any, ...]]:
    """Return the defaults of channels as of a day, each with the terms of registration under its regime."""
    term = FilteredRelation("regime__terms", condition=Q(regime__terms__step=TermRule.Step.REGISTER))
    told = (f"term__{name}" for name in _RULE)
    rows = ChannelDefault.objects.filter(rules.valid(on)).annotate(term=term)
    return rows.values_list("channel", "identified", "valid_from", *told)


def _counted(waiting: QuerySet[IncomingMessage, tuple[Any, ...]]) -> Iterator[tuple[int, str, datetime, Due | None]]:
    """Yield messages with their terms; each day of a channel is counted once."""
    rows = list(waiting)
    if not rows:
        return
    days, proposed, today = calendar.current(), _Proposed(), timezone.localdate()
    counted: dict[tuple[str, bool, date], Due | None] = {}
    for pk, channel, at, identified in rows:
        key = (channel, bool(identified), min(timezone.localdate(at), today))
        if key not in counted:
            rule = proposed.rule(*key)
            counted[key] = rules.term_of(rule).due(key[2], days) if rule else None
        yield pk, channel, at, counted[key]


class _Proposed:
    """The terms of registration under the regimes that are proposed today, in one query for any number of messages.

    Chooses as `registration.default_for` and `core.terms.rule_for` do for one message; a test holds them together.
    """

    def __init__(self) -> None:
        self._rows: list[tuple[Any, ...]] = list(_proposed(timezone.localdate()))

    def rule(self, channel: str, identified: bool, on: date) -> TermRule | None:
        """Return the rule for what came by a channel on a day."""
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
