"""How fast and when messages leave by a channel: its limits, its quiet hours, and what stops it while it fails.

Two rows stand behind it: what an administrator decided (`SendingRule`), and how the channel is doing (`SendingState`),
shared by all workers. What is counted and decided is in plain functions; the rows only remember.
"""

from __future__ import annotations

from bisect import insort
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime, time, timedelta
from typing import Any, Final

from django.db import transaction
from django.db.models import Count, Q
from django.utils import timezone

from otklik.core import journal
from otklik.core.errors import DomainError
from otklik.correspondence.models import ChannelCode, OutgoingMessage, SendingRule, SendingState
from otklik.correspondence.text import clean, fit
from otklik.people.models import Employee

# Whoever was let through to try a channel that fails, and died, is waited for so long.
PROBE_LEASE: Final = timedelta(minutes=5)
PROBES: Final = tuple(timedelta(minutes=minutes) for minutes in (1, 2, 5, 10, 15))
LONGEST_HOLD: Final = timedelta(hours=24)
MOST_A_SECOND, MOST_A_MINUTE = 100, 600
MANAGE: Final = "people.manage"

_NIGHT: Final = {"quiet_from": time(22), "quiet_to": time(8)}
# What the other sides publish, with something to spare; a messenger also wakes people up.
SHIPPED: Final[Mapping[str, Mapping[str, Any]]] = {
    ChannelCode.VK: {"per_second": 15, **_NIGHT},
    ChannelCode.OK: {"per_second": 10, **_NIGHT},
    ChannelCode.TELEGRAM: {"per_second": 20, **_NIGHT},
    ChannelCode.MAX: {"per_second": 20, **_NIGHT},
}


class BadRule(DomainError):
    """The rule cannot be kept as it was written."""

    code = "sending.bad_rule"
    text = "{what}"


# --- the limiter -----------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Limits:
    """At most so many messages in any second and in any minute; None: as many as there are."""

    per_second: int | None = None
    per_minute: int | None = None

    @property
    def windows(self) -> list[tuple[int, float]]:
        """Return (messages, seconds) of each limit there is."""
        asked = ((self.per_second, 1.0), (self.per_minute, 60.0))
        return [(number, seconds) for number, seconds in asked if number]

    def free_at(self, taken: Sequence[float], now: float) -> float:
        """Return when the next message may leave: now or later. `taken`: when the last ones did, in order."""
        waits = (taken[-number] + seconds for number, seconds in self.windows if len(taken) >= number)
        return max(now, *waits, now)

    def with_one(self, taken: Sequence[float], at: float) -> list[float]:
        """Return what must be remembered after one more has left."""
        new = list(taken)
        insort(new, at)  # clocks of two machines differ
        return new[-max((number for number, _ in self.windows), default=0) :] if self.windows else []


# --- the breaker -----------------------------------------------------------------------------------------------------


PASSED, REFUSED, FAILED = "passed", "refused", "failed"


@dataclass(frozen=True)
class Breaker:
    """A channel that failed so often in a row that nothing but one trial at a time is sent by it."""

    failures: int = 0
    broken_at: datetime | None = None
    probe_at: datetime | None = None
    probes: int = 0

    def admits(self, now: datetime) -> bool:
        """Say whether a message may be tried now."""
        return self.broken_at is None or self.probe_at is None or self.probe_at <= now

    def trying(self, now: datetime) -> Breaker:
        """Return what stands while one message is being tried: no other is, until it is known or taken for dead."""
        return replace(self, probe_at=now + PROBE_LEASE) if self.broken_at else self

    def after(self, outcome: str, now: datetime, *, breaks_after: int) -> Breaker:
        """Return what stands once the outcome of one message is known.

        A refusal for good is about that message: it counts for nothing, but shows that the other side answers.
        """
        if outcome == PASSED or (outcome == REFUSED and self.broken_at):
            return Breaker()
        if outcome == REFUSED:
            return self
        failures = self.failures + 1
        if not breaks_after or failures < breaks_after:
            return replace(self, failures=failures)
        pause = PROBES[min(self.probes, len(PROBES) - 1)]
        return Breaker(failures, self.broken_at or now, now + pause, self.probes + 1)


# --- quiet hours -----------------------------------------------------------------------------------------------------


def is_quiet(since: time | None, until: time | None, at: datetime) -> bool:
    """Say whether the moment lies in the quiet hours, which may go over midnight."""
    if since is None or until is None or since == until:
        return False
    clock = timezone.localtime(at).time()
    return since <= clock < until if since < until else clock >= since or clock < until


# --- rules and states ------------------------------------------------------------------------------------------------


def rule_of(channel: str) -> SendingRule:
    """Return the rule a channel is sent by: what was decided, else as shipped (a row that is not kept)."""
    return rules([channel])[channel]


def rules(channels: Collection[str]) -> dict[str, SendingRule]:
    """Return the rule of each channel, by one query."""
    kept = {row.channel: row for row in SendingRule.objects.filter(channel__in=channels)}
    return {code: kept.get(code) or SendingRule(channel=code, **SHIPPED.get(code, {})) for code in channels}


def states(channels: Collection[str]) -> dict[str, SendingState]:
    """Return how each channel is doing, by one query."""
    kept = {row.channel: row for row in SendingState.objects.filter(channel__in=channels)}
    return {code: kept.get(code) or SendingState(channel=code) for code in channels}


def keep(channel: str, changed: Mapping[str, Any], *, by: Employee) -> SendingRule:
    """Keep what was decided about sending by a channel."""
    new = SendingRule(channel=channel, **changed)
    if (new.quiet_from is None) != (new.quiet_to is None):
        raise BadRule(what="Тихие часы: укажите и начало, и конец или оставьте оба поля пустыми.")
    for number, most, of in ((new.per_second, MOST_A_SECOND, "секунду"), (new.per_minute, MOST_A_MINUTE, "минуту")):
        if number is not None and not 1 <= number <= most:
            raise BadRule(what=f"Сообщений в {of}: от 1 до {most}. Без ограничения — оставьте пустым.")
    with transaction.atomic():
        SendingRule.objects.update_or_create(channel=channel, defaults=dict(changed))
        journal.record("channel.sending_changed", chain=f"channel:{channel}", by=by, fields=sorted(changed))
    return rule_of(channel)


def waits_for_morning(rule: SendingRule, now: datetime) -> Q | None:
    """Return which messages wait for the end of the channel's quiet hours; None while nothing does."""
    if not is_quiet(rule.quiet_from, rule.quiet_to, now):
        return None
    if rule.quiet_for_answers:
        return Q()
    return Q(automatic=True) | ~Q(kind=OutgoingMessage.Kind.ANSWER)


def may_leave(rule: SendingRule, state: SendingState, now: datetime) -> bool:
    """Say whether the channel takes a message at this moment."""
    if state.not_before and state.not_before > now:
        return False
    if not _breaker(state).admits(now):
        return False
    return _limits(rule).free_at(state.taken, now.timestamp()) <= now.timestamp()


@dataclass
class Turn:
    """The right to send one message; `used` once a message has been taken by it."""

    used: bool = False


@contextmanager
def turn(rule: SendingRule, now: datetime) -> Iterator[Turn | None]:
    """Give a turn in a transaction that holds the channel: of all workers together no more than its rule allows.

    None where the channel takes nothing now. What the caller writes inside is committed with the turn, or neither.
    """
    with transaction.atomic():
        state, _ = SendingState.objects.select_for_update().get_or_create(channel=rule.channel)
        if not may_leave(rule, state, now):
            yield None
            return
        yield (given := Turn())
        if given.used:
            state.tried_at, state.taken = now, _limits(rule).with_one(state.taken, now.timestamp())
            state.probe_at = _breaker(state).trying(now).probe_at
            state.save(update_fields=["tried_at", "taken", "probe_at"])


def note(channel: str, outcome: str, *, error: str = "", retry_after: float | None = None) -> None:
    """Remember how sending went; who asked to wait is not troubled before that by any message."""
    now = timezone.now()
    if outcome == PASSED and not retry_after:
        # Mostly there is nothing to change: no lock is taken for that.
        if not SendingState.objects.filter(Q(failures__gt=0) | ~Q(broken_at=None), channel=channel).exists():
            return
    elif outcome == REFUSED and not SendingState.objects.exclude(broken_at=None).filter(channel=channel).exists():
        return
    with transaction.atomic():
        state, _ = SendingState.objects.select_for_update().get_or_create(channel=channel)
        if retry_after:
            hold = now + min(timedelta(seconds=retry_after), LONGEST_HOLD)
            state.not_before = max(hold, state.not_before or hold)
            state.probe_at = state.not_before if state.broken_at else None
        else:
            was = _breaker(state)
            new = was.after(outcome, now, breaks_after=rule_of(channel).breaks_after)
            for name in ("failures", "broken_at", "probe_at", "probes"):
                setattr(state, name, getattr(new, name))
            if (was.broken_at is None) != (new.broken_at is None):
                journal.record(
                    "channel.sending_stopped" if new.broken_at else "channel.sending_resumed",
                    chain=f"channel:{channel}",
                    by=None,
                )
        if outcome != PASSED:
            state.error, state.error_at = fit(clean(error), 500), now
        state.save()


def try_now(channel: str, *, by: Employee) -> None:
    """Let one message be tried at once, whatever the channel was waiting for."""
    with transaction.atomic():
        SendingState.objects.filter(channel=channel).update(not_before=None)
        SendingState.objects.filter(channel=channel).exclude(broken_at=None).update(probe_at=timezone.now())
        journal.record("channel.sending_tried", chain=f"channel:{channel}", by=by)


def why_waits(message: OutgoingMessage, now: datetime) -> str:
    """Return what about its channel holds a message back, in words; empty where nothing does."""
    rule, state = rule_of(message.channel), states([message.channel])[message.channel]
    if state.broken_at or (state.not_before and state.not_before > now):
        return f"канал: {_words(rule, state, now)[1]}"
    if not is_quiet(rule.quiet_from, rule.quiet_to, now):
        return ""
    calm = rule.quiet_for_answers or message.automatic or message.kind != OutgoingMessage.Kind.ANSWER
    return f"тихие часы канала до {rule.quiet_to:%H:%M}" if calm else ""


@dataclass(frozen=True)
class Condition:
    """How sending by a channel is, in words. `level`: good, warn or bad."""

    channel: str
    rule: SendingRule
    state: SendingState
    waiting: int
    failed: int
    level: str
    text: str

    @property
    def name(self) -> str:
        """Return what the channel is called."""
        return str(ChannelCode(self.channel).label)


def all_conditions(channels: Collection[str] = ()) -> list[Condition]:
    """Return how sending goes by each of the channels, and by any other that has letters waiting."""
    counts = _counts()
    codes = [code for code in ChannelCode.values if code in channels or code in counts]
    now, rule, state = timezone.now(), rules(codes), states(codes)
    found = []
    for code in codes:
        level, text = _words(rule[code], state[code], now)
        found.append(Condition(code, rule[code], state[code], *counts.get(code, (0, 0)), level, text))
    return found


def _counts() -> dict[str, tuple[int, int]]:
    """Return for each channel how many messages wait to be sent, and how many were not delivered."""
    going = Q(state__in=[OutgoingMessage.State.QUEUED, OutgoingMessage.State.SENDING])
    dead = Q(state__in=[OutgoingMessage.State.FAILED, OutgoingMessage.State.UNCERTAIN])
    rows = OutgoingMessage.objects.filter(going | dead).order_by().values("channel")
    counted = rows.annotate(waits=Count("pk", filter=going), stuck=Count("pk", filter=dead))
    return {one["channel"]: (one["waits"], one["stuck"]) for one in counted}


def _words(rule: SendingRule, state: SendingState, now: datetime) -> tuple[str, str]:
    if state.broken_at:
        trial = (
            f"следующая проба в {_clock(state.probe_at)}" if state.probe_at and state.probe_at > now else "проба идёт"
        )
        return "bad", f"остановлен с {_clock(state.broken_at)}: неудач подряд {state.failures}; {trial}"
    if state.not_before and state.not_before > now:
        return "warn", f"другая сторона просила подождать до {_clock(state.not_before)}"
    if is_quiet(rule.quiet_from, rule.quiet_to, now):
        who = "все сообщения" if rule.quiet_for_answers else "автоматические сообщения и уведомления"
        return "good", f"тихие часы до {rule.quiet_to:%H:%M}: {who} ждут"
    if state.failures:
        return "warn", f"неудач подряд: {state.failures}"
    return "good", "работает"


def _clock(at: datetime | None) -> str:
    if at is None:
        return "—"
    local = timezone.localtime(at)
    return f"{local:%H:%M}" if local.date() == timezone.localdate() else f"{local:%d.%m.%Y %H:%M}"


def _limits(rule: SendingRule) -> Limits:
    return Limits(rule.per_second, rule.per_minute)


def _breaker(state: SendingState) -> Breaker:
    return Breaker(state.failures, state.broken_at, state.probe_at, state.probes)
