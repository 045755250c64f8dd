"""How every channel of the order is now, in words, and what an administrator does about it; outages, told of once."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import pairwise
from statistics import median
from typing import Final

from django.conf import settings
from django.db.models import Count, QuerySet
from django.utils import timezone

from otklik.channels import registry
from otklik.channels.handover import handed
from otklik.channels.mail import imap
from otklik.channels.mail.models import MailboxState
from otklik.core import calendar, hours, installation
from otklik.core.workdays import WorkCalendar
from otklik.correspondence import connections
from otklik.correspondence.channel import Connected
from otklik.correspondence.models import ChannelCode, Connection, ConnectionSwitch, IncomingMessage, Outage

WORKING, SILENT, FAILING, OFF, BY_HAND = "working", "silent", "failing", "off", "by_hand"
STATES: Final = {
    WORKING: "работает",
    SILENT: "молчит дольше обычного",
    FAILING: "не работает",
    OFF: "выключен",
    BY_HAND: "вручную",
}
LEVELS: Final = {WORKING: "good", SILENT: "warn", FAILING: "bad", OFF: "", BY_HAND: ""}

ENOUGH: Final = 20  # messages, to say what is usual
LOOKED_AT: Final = 100  # messages, and of how many days
LATELY: Final = timedelta(days=90)
UNUSUAL: Final = 5  # times the median
SHORTEST: Final = 4.0  # working hours: a lunch is no silence
FAILURES: Final = 3  # in a row; a single one is mended by the next visit
LATE: Final = timedelta(minutes=5)  # a visit that should have been made
LONG: Final = timedelta(hours=1)

MEND: Final = (
    "Проверьте параметры канала и нажмите «Проверить связь». Сообщения ждут у источника и не потеряются: связь"
    " восстановится сама."
)
UNVISITED: Final = "Проверьте, что работают обработчики и планировщики: страница «Состояние системы»."
LOCKED: Final = "Секреты зашифрованы прежним ключом системы (OTKLIK_SECRET_KEY). Введите их заново в параметрах канала."
QUIET: Final = (
    "Отправьте через этот канал пробное сообщение. Если не дойдёт, спросите другую сторону; если канал и должен"
    " молчать, увеличьте срок молчания."
)
MAILBOX: Final = (
    "Проверьте имя, пароль и адрес сервера в OTKLIK_MAILBOXES и доступен ли сервер с этой машины."
    " Письма ждут в ящике и не потеряются."
)


@dataclass(frozen=True)
class Mailbox:
    """One mailbox of the department: settings are of the environment, the state is of the last poll."""

    name: str
    polled_at: datetime | None = None
    seen: int = 0
    error: str = ""


@dataclass(frozen=True)
class ChannelState:
    """One channel as it is now. `error` and `do` are plain words; empty where nothing is wrong."""

    code: str
    state: str
    note: str = ""
    error: str = ""
    do: str = ""
    last_message: datetime | None = None
    last_visit: datetime | None = None
    since: datetime | None = None  # of the trouble
    today: int = 0
    share: int = 0  # per cent of today's messages
    is_connected: bool = False  # it has a page to be connected on
    listens: bool = False  # the other side calls us
    silent_after: float | None = None  # working hours
    usual: float | None = None  # median between two messages, in working hours
    mailboxes: Sequence[Mailbox] = ()

    @property
    def name(self) -> str:
        """Return the channel's name in Russian."""
        return str(ChannelCode(self.code).label)

    @property
    def words(self) -> str:
        """Return the state in words."""
        return STATES[self.state]

    @property
    def level(self) -> str:
        """Return how bad that is."""
        return LEVELS[self.state]


@dataclass(frozen=True)
class _Known:
    """What a fixed number of queries tells of all channels at once."""

    now: datetime
    rows: Mapping[str, Connection]
    why_off: Mapping[str, str]
    counts: Mapping[str, tuple[datetime | None, int]]  # when the last message came, how many of today
    gaps: Mapping[str, list[datetime]]
    mailboxes: Mapping[str, MailboxState]
    calendar: WorkCalendar = field(default_factory=WorkCalendar)


def states() -> list[ChannelState]:
    """Return every channel in the order of the order, by a fixed number of queries."""
    now = timezone.now()
    connected, by_program = registry.all_connected(), registry.all_channels()
    known = _Known(
        now=now,
        rows={row.channel: row for row in Connection.objects.all()},
        why_off=_why_off(),
        counts=_counts(now),
        gaps=_times(now, by_program),
        mailboxes=MailboxState.objects.in_bulk() if settings.MAILBOXES else {},
        calendar=calendar.current(),
    )
    total = sum(today for _, today in known.counts.values()) or 1
    return [_state(code.value, known, connected.get(code), total, code in by_program) for code in ChannelCode]


def state_of(code: str) -> ChannelState:
    """Return one channel as it is now."""
    return next(one for one in states() if one.code == code)


def _why_off() -> dict[str, str]:
    """Return why each channel was switched off last."""
    rows = ConnectionSwitch.objects.order_by("at", "id").values_list("connection__channel", "on", "reason")
    return {channel: "" if on else reason for channel, on, reason in rows}


def _counts(now: datetime) -> dict[str, tuple[datetime | None, int]]:
    """Return when the last message of each channel was stored, and how many came today, without those moved in."""
    since = timezone.localtime(now).replace(hour=0, minute=0, second=0, microsecond=0)
    codes, rows = ChannelCode.values, IncomingMessage.objects.all()
    came = rows.filter(channel__in=codes, stored_at__gte=since, origin_imported=False).order_by()
    today = dict(came.values_list("channel").annotate(of=Count("pk")))
    last = {channel: at for channel, (at, *_) in _newest(rows, codes, 1).items()}
    return {code: (last.get(code), today.get(code, 0)) for code in codes}


def _times(now: datetime, codes: Iterable[str]) -> dict[str, list[datetime]]:
    """Return when the last messages of each channel came, the newest first."""
    rows = IncomingMessage.objects.filter(stored_at__gte=now - LATELY, origin_imported=False)
    return _newest(rows, codes, LOOKED_AT)


def _newest(rows: QuerySet[IncomingMessage], codes: Iterable[str], many: int) -> dict[str, list[datetime]]:
    """Return when the newest `many` of the rows of each channel came, in one query.

    Channel by channel within it: each is the end of an index, a greatest or a place among all would read every message.
    """
    found: dict[str, list[datetime]] = {}
    newest = rows.order_by("-stored_at").values("pk")
    each = [IncomingMessage.objects.filter(pk__in=newest.filter(channel=code)[:many]).order_by() for code in codes]
    told = [one.values_list("channel", "stored_at") for one in each]
    for channel, at in told[0].union(*told[1:], all=True) if told else ():
        found.setdefault(channel, []).append(at)
    return {channel: sorted(times, reverse=True) for channel, times in found.items()}


def _state(code: str, known: _Known, channel: Connected | None, total: int, by_program: bool) -> ChannelState:
    row, (last, today) = known.rows.get(code), known.counts.get(code, (None, 0))
    usual = _usual(known.gaps.get(code, []), known.calendar)
    asked = row.silent_after if row else None
    state = ChannelState(
        code=code,
        state=WORKING,
        last_message=last,
        last_visit=row.visited_at if row else None,
        today=today,
        share=round(100 * today / total),
        is_connected=channel is not None,
        listens=code in registry.all_listeners(),
        silent_after=asked or (max(SHORTEST, UNUSUAL * usual) if usual is not None else None),
        usual=usual,
    )
    if code == ChannelCode.EMAIL:
        state = _of_mail(state, known)
    elif channel is not None:
        state = _of_connected(state, channel, row, known)
    elif not by_program:
        way = "Сотрудник записывает сообщения сам"
        return _with(
            state, BY_HAND, note=f"{way}; другие системы передают их по API." if code in handed.CHANNELS else way
        )
    return _or_silent(state, known)


def _of_connected(state: ChannelState, channel: Connected, row: Connection | None, known: _Known) -> ChannelState:
    if row is None or not row.on:
        why = known.why_off.get(state.code, "")
        by_hand = ". Сотрудник записывает сообщения сам" if state.code in handed.CHANNELS else ""
        return _with(state, OFF, note=f"{f'Причина: {why}' if why else 'Ещё не подключён'}{by_hand}")
    if connections.is_locked(row):
        return _with(state, FAILING, error="Секреты канала не читаются.", do=LOCKED, since=row.worked_at)
    long_ago = row.worked_at is None or known.now - row.worked_at > LONG
    if row.error and (row.failures >= FAILURES or long_ago):
        return _with(state, FAILING, error=row.error, do=MEND, since=row.worked_at or row.error_at)
    late = max(LATE, timedelta(seconds=5 * channel.every))
    waits = row.not_before is not None and row.not_before > known.now
    if channel.every and not waits and row.visited_at and known.now - row.visited_at > late:
        error = f"Источник не опрашивался с {timezone.localtime(row.visited_at):%d.%m.%Y %H:%M}."
        return _with(state, FAILING, error=error, do=UNVISITED, since=row.visited_at)
    return _with(state, WORKING, error=row.error, do="Ошибка одиночная: связь проверится сама." if row.error else "")


def _of_mail(state: ChannelState, known: _Known) -> ChannelState:
    boxes = [_mailbox(name, known.mailboxes.get(name)) for name in map(imap.name_of, settings.MAILBOXES)]
    visits = [one.polled_at for one in boxes if one.polled_at]
    state = _with(state, WORKING, mailboxes=boxes, last_visit=max(visits, default=None))
    if not boxes:
        if installation.is_demo():
            return _with(state, WORKING, note="Учебный стенд: письма приносит страница «Почта учебного стенда»")
        if state.last_message and known.now - state.last_message < LATELY:
            return _with(state, WORKING, note="Письма приносит почтовый сервер командой mail-in")
        return _with(state, OFF, note="Не настроен ни один ящик: впишите их в OTKLIK_MAILBOXES")
    late = max(LATE, timedelta(seconds=5 * settings.MAIL_SECONDS))
    for one in boxes:
        if one.error:
            return _with(state, FAILING, error=f"{one.name}: {one.error}", do=MAILBOX, since=one.polled_at)
        if one.polled_at and known.now - one.polled_at > late:
            error = f"{one.name} не опрашивался с {timezone.localtime(one.polled_at):%d.%m.%Y %H:%M}."
            return _with(state, FAILING, error=error, do=UNVISITED, since=one.polled_at)
    return state


def _mailbox(name: str, row: MailboxState | None) -> Mailbox:
    return Mailbox(name, row.polled_at, row.seen, row.error) if row else Mailbox(name)


def _or_silent(state: ChannelState, known: _Known) -> ChannelState:
    if state.state != WORKING or state.silent_after is None or state.last_message is None:
        return state
    silence = _working_hours(state.last_message, known.now, known.calendar)
    if silence <= state.silent_after:
        return state
    said = f"Нет сообщений {_hours(silence)} рабочего времени, обычно не дольше {_hours(state.silent_after)}."
    return _with(state, SILENT, error=said, do=QUIET, since=state.last_message)


def _usual(times: Sequence[datetime], days: WorkCalendar) -> float | None:
    if len(times) < ENOUGH:
        return None
    return median(_working_hours(earlier, later, days) for later, earlier in pairwise(times))


def _working_hours(since: datetime, until: datetime, days: WorkCalendar) -> float:
    return hours.at_work_between(since, until, days) / timedelta(hours=1)


def _hours(number: float) -> str:
    return f"{number:.0f} ч" if number >= 10 else f"{number:.1f} ч".replace(".", ",").replace(",0", "")


def _with(state: ChannelState, now: str, **changes: object) -> ChannelState:
    return ChannelState(**{**vars(state), "state": now, **changes})


# --- outages ---------------------------------------------------------------------------------------------------------


def watch() -> list[Outage]:
    """Write down which channels have begun or ceased to fail or to be silent; return the outages under way."""
    now = timezone.now()
    troubled = {(one.code, one.state): one for one in states() if one.state in Outage.Kind.values}
    under_way = {(row.channel, row.kind): row for row in Outage.objects.filter(ended_at=None)}
    over = [row.pk for key, row in under_way.items() if key not in troubled]
    Outage.objects.filter(pk__in=over, ended_at=None).update(ended_at=now)
    begun = [
        Outage(channel=one.code, kind=one.state, error=one.error[:500], began_at=one.since or now)
        for key, one in troubled.items()
        if key not in under_way
    ]
    Outage.objects.bulk_create(begun, ignore_conflicts=True)
    return list(Outage.objects.filter(ended_at=None))


def under_way() -> dict[str, str]:
    """Return the channels in trouble at the last look, with its kind: one query, for monitors that ask all the time."""
    return dict(Outage.objects.filter(ended_at=None).order_by("kind").values_list("channel", "kind"))
