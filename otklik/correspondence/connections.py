"""How a channel is connected: what an administrator wrote down, its secrets encrypted, and how it has been working."""

from __future__ import annotations

import logging
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, Final

from django.db import transaction
from django.db.models import F
from django.utils import timezone

from otklik.core import journal, sealing
from otklik.core.errors import DomainError, told_of_outage
from otklik.correspondence.channel import Connected, DeliveryError, Setting, SourceError
from otklik.correspondence.models import Connection, ConnectionSwitch
from otklik.correspondence.text import fit
from otklik.people.models import Employee

log = logging.getLogger("otklik.channels")

MANY_FAILURES: Final = 3  # from the third failure on, each visit waits longer
LONGEST_PAUSE: Final = timedelta(minutes=15)


class ReasonNeeded(DomainError):
    """A channel of the order is not switched off without a word."""

    code = "connection.reason_needed"
    text = "Напишите, почему канал {what}: причина останется в истории канала."


class NotReady(DomainError):
    """A channel cannot work without what it asks for."""

    code = "connection.not_ready"
    text = "Канал нельзя включить: не заполнено: {missing}."


class KeyChanged(DomainError):
    """The key of the installation is another one than when the secrets were written down."""

    code = "connection.key_changed"
    text = "Секреты канала зашифрованы другим ключом системы. Введите их заново."


@dataclass(frozen=True)
class Connecting:
    """What a channel works with: values and secrets by name, and where it had read to."""

    channel: str
    values: Mapping[str, Any] = field(default_factory=dict)
    cursor: Mapping[str, Any] = field(default_factory=dict)

    def __getitem__(self, name: str) -> Any:
        return self.values.get(name, "")


def of(channel: str) -> Connecting | None:
    """Return what a channel is connected with, None while it is off. Raise SourceError where the key was changed."""
    row = Connection.objects.filter(channel=channel, on=True).first()
    return None if row is None else _connecting(row)


def sends(channel: str) -> bool:
    """Say whether a program hands messages over by this channel now."""
    return Connection.objects.filter(channel=channel, on=True, sends=True).exists()


def sending(channels: Collection[str]) -> frozenset[str]:
    """Return by which of the channels a program hands messages over now."""
    rows = Connection.objects.filter(channel__in=channels, on=True, sends=True)
    return frozenset(rows.values_list("channel", flat=True))


def needed(channel: str) -> Connecting:
    """Return what a channel is connected with; a message for one that is off waits until it is on."""
    if (there := of(channel)) is None:
        raise DeliveryError("Канал выключен: включите его на странице «Каналы».")
    return there


def drafted(channel: str) -> Connecting:
    """Return what has been written down, also while the channel is off: for the test button."""
    row = Connection.objects.filter(channel=channel).first()
    return Connecting(channel) if row is None else _connecting(row)


def is_locked(row: Connection) -> bool:
    """Say whether the secrets were written down under another key of the installation: they must be typed anew."""
    try:
        return bool(row.secrets) and not isinstance(_opened(row.secrets), dict)
    except KeyChanged:
        return True


def given(row: Connection) -> set[str]:
    """Return the names of the secrets that have been typed in and can be read."""
    return (
        set() if is_locked(row) or not row.secrets else {name for name, value in _opened(row.secrets).items() if value}
    )


def configure(channel: Connected, values: Mapping[str, Any], *, by: Employee | None) -> Connection:
    """Keep what an administrator wrote down; a secret left empty stays what it was."""
    known = {one.name: one for one in channel.settings}
    with transaction.atomic():
        row, _ = Connection.objects.select_for_update().get_or_create(channel=channel.code)
        secrets = {} if is_locked(row) else _opened(row.secrets) if row.secrets else {}
        new = {name: value for name, value in values.items() if _kind(known, name) == "secret" and value}
        row.values = {name: value for name, value in values.items() if name in known and _kind(known, name) != "secret"}
        row.secrets = _sealed({**secrets, **new})
        row.save(update_fields=["values", "secrets"])
        journal.record("connection.changed", chain=f"channel:{channel.code}", by=by, secrets=sorted(new))
    return row


def switch(channel: Connected, on: bool, *, reason: str, by: Employee | None) -> None:
    """Switch a channel on or off, with the reason; switched on, it must have what it asks for."""
    if not reason.strip() and not on:
        raise ReasonNeeded(what="выключается")
    with transaction.atomic():
        row, _ = Connection.objects.select_for_update().get_or_create(channel=channel.code)
        if on and (missing := _missing(channel.settings, _connecting(row))):
            raise NotReady(missing=", ".join(f"«{one.label}»" for one in missing))
        if row.on == on:
            return
        Connection.objects.filter(pk=row.pk).update(on=on, sends=channel.sends, error="", failures=0, not_before=None)
        ConnectionSwitch.objects.create(connection=row, on=on, reason=fit(reason, 300), at=timezone.now(), by=by)
        journal.record("connection.switched", chain=f"channel:{channel.code}", by=by, on=on)


def expect(channel: str, hours: int | None, *, by: Employee | None) -> None:
    """Say after how many working hours without a message a channel is silent; None: as it usually is."""
    with transaction.atomic():
        row, _ = Connection.objects.select_for_update().get_or_create(channel=channel)
        if row.silent_after != hours:
            Connection.objects.filter(pk=row.pk).update(silent_after=hours)
            journal.record("connection.silence_set", chain=f"channel:{channel}", by=by, hours=hours)


def tried(channel: str, *, well: bool, by: Employee | None) -> None:
    """Note that somebody asked the other side by hand; where it answered, nothing waits for the next visit."""
    with transaction.atomic():
        if well:
            Connection.objects.filter(channel=channel).update(not_before=None)
        journal.record("connection.tried", chain=f"channel:{channel}", by=by, well=well)


def remember(channel: str, **cursor: Any) -> None:
    """Keep how far the source has been read: called after what was read has been kept."""
    with transaction.atomic():
        row = Connection.objects.select_for_update().get(channel=channel)
        row.cursor = {**row.cursor, **cursor}
        row.save(update_fields=["cursor"])


def visit(channel: Connected) -> int:
    """Ask a connected channel for what waits; return how many messages were looked at. A failure is written down."""
    row = Connection.objects.filter(channel=channel.code, on=True).first()
    if row is None or (row.not_before and row.not_before > timezone.now()):
        return 0
    seen = 0
    with noted(channel.code):
        for _ in channel.fetch():
            seen += 1
    return seen


@contextmanager
def noted(channel: str) -> Iterator[None]:
    """Write down whether the other side answered; what it says no with becomes the channel's last error."""
    try:
        yield
    except (SourceError, DomainError) as failure:
        _failed(channel, str(failure), getattr(failure, "retry_after", None))
    except Exception as failure:  # a defect of ours stops one channel, not the worker
        log.exception("channel %s", channel)
        outage = told_of_outage(failure)
        words = f"{outage} Сообщения ждут у источника и придут сами." if outage else ""
        _failed(channel, words or f"Ошибка программы ({type(failure).__name__}). Сообщите разработчикам.", None)
    else:
        now = timezone.now()
        Connection.objects.filter(channel=channel).update(
            visited_at=now, worked_at=now, error="", failures=0, not_before=None
        )


def _failed(channel: str, error: str, retry_after: float | None) -> None:
    now = timezone.now()
    rows = Connection.objects.filter(channel=channel)
    failures = (rows.values_list("failures", flat=True).first() or 0) + 1
    pause = timedelta(seconds=retry_after) if retry_after else _pause(failures)
    rows.update(visited_at=now, error=fit(error, 500), error_at=now, failures=F("failures") + 1, not_before=now + pause)


def _pause(failures: int) -> timedelta:
    if failures < MANY_FAILURES:
        return timedelta()
    return min(LONGEST_PAUSE, timedelta(seconds=30 * 2 ** min(failures - MANY_FAILURES, 10)))


def _kind(known: Mapping[str, Setting], name: str) -> str:
    return known[name].kind if name in known else ""


def _missing(asked: Sequence[Setting], there: Connecting) -> list[Setting]:
    return [one for one in asked if one.required and there.values.get(one.name) in (None, "")]


def _connecting(row: Connection) -> Connecting:
    return Connecting(row.channel, {**row.values, **(_opened(row.secrets) if row.secrets else {})}, row.cursor)


def _sealed(secrets: Mapping[str, Any]) -> str:
    return sealing.seal(secrets, purpose="connections") if secrets else ""


def _opened(sealed: str) -> dict[str, Any]:
    try:
        return sealing.unseal(sealed, purpose="connections")
    except sealing.OtherKey:
        raise KeyChanged from None
