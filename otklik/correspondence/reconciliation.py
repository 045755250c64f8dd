"""The reconciliation of intake: what a channel brought on a day, what became of it, and why the two differ.

What was seen is counted from the journal, what became of it from the rows: a row that vanished would be missed only so.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Final, cast

from django.db.models import Count, Q, QuerySet
from django.db.models.functions import TruncDate
from django.utils import timezone

from otklik.core.models import JournalEntry
from otklik.correspondence.models import MOVED_IN, ChannelCode, IncomingMessage

State = IncomingMessage.State

# The figures of a line, by code; each but the first and the last is a condition on rows.
FIGURES: Final = {
    "seen": "поступило",
    "registered": "зарегистрировано",
    "joined": "присоединено",
    "rejected": "отклонено",
    "waiting": "ждёт",
    "quarantined": "в карантине",
    "redelivered": "доставлено повторно",
    "odd": "расхождение",
}
_CONDITIONS: Final = {
    "registered": Q(state=State.REGISTERED),
    "joined": Q(state=State.JOINED),
    "rejected": Q(state=State.REJECTED),
    "waiting": Q(state__in=[State.STORED, State.NEW]),
    "quarantined": Q(state=State.QUARANTINED),
    "redelivered": Q(redelivered__gt=0),
}
# What was moved in out of another journal came by no channel here.
_CAME: Final = ~Q(origin_imported=True, external_id__startswith=MOVED_IN)


@dataclass(frozen=True)
class Tally:
    """One channel's day. `odd`: messages that stand in the journal or among the rows, not in both."""

    channel: str
    day: date
    seen: int
    waiting: int
    registered: int
    joined: int
    quarantined: int
    rejected: int
    redelivered: int
    odd: int

    @property
    def channel_name(self) -> str:
        """Return the channel's name in Russian."""
        return str(ChannelCode(self.channel).label)

    @property
    def balanced(self) -> bool:
        """Say whether everything seen is accounted for."""
        return not self.odd


@dataclass(frozen=True)
class Difference:
    """A message that stands in one place only, and why. `pk` may name a row that is gone."""

    pk: int
    why: str
    do: str = ""


def tally(day: date, *, days: int = 1) -> list[Tally]:
    """Return what each channel brought in on each of the `days` local days that end with `day`, newest first."""
    zone = timezone.get_default_timezone()
    since, until = _bounds(day - timedelta(days=days - 1), day)
    counts: dict[tuple[date, str], Counter[str]] = {}
    kept: dict[tuple[date, str], set[int]] = {}
    rows = IncomingMessage.objects.filter(_CAME, stored_at__gte=since, stored_at__lt=until)
    # The day is told by the database: a moment read into Python costs more than all else of a row.
    stored = TruncDate("stored_at", tzinfo=zone)
    for pk, channel, on, state, again in rows.values_list("pk", "channel", stored, "state", "redelivered"):
        those = counts.setdefault((on, channel), Counter())
        those[state] += 1
        those["redelivered"] += again
        kept.setdefault((on, channel), set()).add(pk)
    seen: dict[tuple[date, str], set[int]] = {}
    accepted = _entries(since, until).values_list("chain", "data__channel", TruncDate("at", tzinfo=zone))
    for chain, channel, on in accepted:
        seen.setdefault((on, channel), set()).add(_pk(chain))
    keys = sorted({*seen, *kept}, key=lambda key: (-key[0].toordinal(), key[1]))
    return [_tally(*key, counts.get(key, Counter()), seen.get(key, set()), kept.get(key, set())) for key in keys]


def seen_of(day: date, *, days: int) -> Counter[str]:
    """Return how many messages the journal saw of each channel in the `days` local days that end with `day`."""
    entries = _entries(*_bounds(day - timedelta(days=days - 1), day)).order_by()
    told = entries.values_list("data__channel").annotate(number=Count("chain", distinct=True))
    return Counter(dict(told.values_list("data__channel", "number")))


def _tally(day: date, channel: str, counted: Counter[str], seen: set[int], kept: set[int]) -> Tally:
    return Tally(
        channel=channel,
        day=day,
        seen=len(seen),
        waiting=counted[State.STORED] + counted[State.NEW],
        registered=counted[State.REGISTERED],
        joined=counted[State.JOINED],
        quarantined=counted[State.QUARANTINED],
        rejected=counted[State.REJECTED],
        redelivered=counted["redelivered"],
        odd=len(seen ^ kept),
    )


def counted(channel: str, day: date, figure: str) -> QuerySet[IncomingMessage]:
    """Return the very messages that a figure counts."""
    since, until = _bounds(day, day)
    if figure in ("seen", "odd"):
        seen, kept = _sets(channel, day)
        return IncomingMessage.objects.filter(pk__in=seen if figure == "seen" else seen ^ kept)
    rows = IncomingMessage.objects.filter(_CAME, channel=channel, stored_at__gte=since, stored_at__lt=until)
    return rows.filter(_CONDITIONS[figure])


def differences(channel: str, day: date) -> list[Difference]:
    """Explain each message that stands in the journal of a day and not among its rows, or the other way round."""
    seen, kept = _sets(channel, day)
    rows = IncomingMessage.objects.in_bulk(seen - kept)
    chains = [f"message:{pk}" for pk in kept - seen]
    entries = JournalEntry.objects.filter(chain__in=chains, action="message.accepted")
    told = {_pk(entry.chain): entry for entry in cast("Iterable[JournalEntry]", entries)}
    return [
        *(_of_row(pk, rows.get(pk), channel) for pk in sorted(seen - kept)),
        *(_of_entry(pk, told.get(pk), channel) for pk in sorted(kept - seen)),
    ]


def _of_row(pk: int, row: IncomingMessage | None, channel: str) -> Difference:
    if row is None:
        return Difference(
            pk,
            "В журнале отмечен приём, а самого сообщения в базе нет: его удалили в обход программы.",
            "Проверьте журнал и восстановите сообщение из резервной копии.",
        )
    if row.channel != channel:
        return Difference(pk, f"В журнале этот канал, в базе — «{row.get_channel_display()}»: канал изменили.", _LOOK)
    return Difference(pk, f"Принято около полуночи: в базе записано {timezone.localtime(row.stored_at):%d.%m.%Y}.")


def _of_entry(pk: int, entry: JournalEntry | None, channel: str) -> Difference:
    if entry is None:
        return Difference(pk, "Сообщение в базе есть, а приём в журнале не отмечен: внесено в обход программы.", _LOOK)
    if entry.data["channel"] != channel:
        name = ChannelCode(entry.data["channel"]).label
        return Difference(pk, f"В базе этот канал, в журнале — «{name}»: канал изменили.", _LOOK)
    return Difference(pk, f"Принято около полуночи: в журнале записано {timezone.localtime(entry.at):%d.%m.%Y}.")


_LOOK: Final = "Проверьте журнал: чья это правка, он скажет."


def _sets(channel: str, day: date) -> tuple[set[int], set[int]]:
    """Return which messages the journal saw on a day, and which rows are of that day."""
    since, until = _bounds(day, day)
    rows = IncomingMessage.objects.filter(_CAME, channel=channel, stored_at__gte=since, stored_at__lt=until)
    return set(_seen(channel, since, until)), set(rows.values_list("pk", flat=True))


def _seen(channel: str, since: datetime, until: datetime) -> Iterator[int]:
    for chain, data in _entries(since, until).values_list("chain", "data").iterator():
        if data["channel"] == channel:
            yield _pk(chain)


def _entries(since: datetime, until: datetime) -> QuerySet[JournalEntry]:
    rows = JournalEntry.objects.filter(action="message.accepted", at__gte=since, at__lt=until)
    return cast("QuerySet[JournalEntry]", rows)


def _bounds(first: date, last: date) -> tuple[datetime, datetime]:
    zone = timezone.get_default_timezone()
    return datetime.combine(first, time(), zone), datetime.combine(last + timedelta(days=1), time(), zone)


def _pk(chain: str) -> int:
    return int(chain.partition(":")[2])
