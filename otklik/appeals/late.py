"""What came while the product could not be worked in: written on paper, entered later with the moment it happened.

The term of such an appeal runs as the law has it, not from the day somebody typed it in: from the day it was registered
on paper, else from the last day the law leaves for registration.
"""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import Final

from django.db import transaction
from django.db.models import OuterRef, Subquery
from django.utils import timezone

from otklik.appeals.models import AppealMessage
from otklik.core import calendar, journal
from otklik.core import terms as rules
from otklik.core.errors import DomainError
from otklik.core.models import Downtime, LateEntry, Regime, TermRule
from otklik.correspondence.models import IncomingMessage
from otklik.people.models import Employee

LONGEST: Final = timedelta(days=31)
LONG_AGO: Final = timedelta(days=366)
BY_HAND: Final = "hand:"  # how keys of messages begin that somebody wrote down

Kind = LateEntry.Kind


class BadDowntime(DomainError):
    """An interval that cannot have been."""

    code = "late.bad_downtime"
    text = "Сбой не записан. {what}"


class NotThen(DomainError):
    """What is entered did not happen while the product was down, or its paper tells another day."""

    code = "late.not_then"
    text = "Не внесено. {what}"


@transaction.atomic
def write(*, began_at: datetime, ended_at: datetime | None, what: str, by: Employee) -> Downtime:
    """Write down a time the product could not be worked in; raise BadDowntime."""
    _check(began_at, ended_at)
    if not what.strip():
        raise BadDowntime(what="Напишите, что случилось: отключили свет, пропала сеть, не отвечал сервер.")
    row = Downtime.objects.create(began_at=began_at, ended_at=ended_at, what=" ".join(what.split())[:300], by=by)
    journal.record("system.downtime_written", chain="system", by=by, downtime=row.pk)
    return row


@transaction.atomic
def end(row: Downtime, at: datetime, *, by: Employee) -> None:
    """Say when it was over; raise BadDowntime."""
    row = Downtime.objects.select_for_update().get(pk=row.pk)
    if row.ended_at is not None:
        raise BadDowntime(what="Конец этого сбоя уже записан.")
    _check(row.began_at, at)
    row.ended_at = at
    row.save(update_fields=["ended_at"])
    journal.record("system.downtime_ended", chain="system", by=by, downtime=row.pk)


def _check(began_at: datetime, ended_at: datetime | None) -> None:
    now = timezone.now()
    if began_at > now or (ended_at or began_at) > now:
        raise BadDowntime(what="Это время ещё не наступило. Проверьте день и час.")
    if began_at < now - LONG_AGO:
        raise BadDowntime(what="Начало больше года назад. Проверьте год.")
    if ended_at is not None and ended_at <= began_at:
        raise BadDowntime(what="Конец раньше начала. Проверьте день и час.")
    if (ended_at or now) - began_at > LONGEST:
        raise BadDowntime(what="Сбой длиннее месяца. Запишите его частями.")


def check_moment(downtime: Downtime, at: datetime) -> None:
    """Raise NotThen where a moment is outside a downtime."""
    if not downtime.began_at <= at <= (downtime.ended_at or timezone.now()):
        begins = f"{timezone.localtime(downtime.began_at):%d.%m.%Y %H:%M}"
        ends = f"{timezone.localtime(downtime.ended_at):%d.%m.%Y %H:%M}" if downtime.ended_at else "сейчас"
        raise NotThen(what=f"Время должно быть внутри сбоя: с {begins} по {ends}.")


@transaction.atomic
def enter(
    downtime: Downtime, kind: Kind, ref: int, *, happened_at: datetime, by: Employee, on_paper: date | None = None
) -> LateEntry:
    """Mark a row that has just been written as entered later; raise NotThen. `on_paper`: when paper registered it."""
    check_moment(downtime, happened_at)
    if on_paper is not None and not timezone.localdate(happened_at) <= on_paper <= timezone.localdate():
        raise NotThen(what="Дата регистрации на бумаге — не раньше поступления и не позже сегодняшнего дня.")
    facts = {"downtime": downtime, "happened_at": happened_at, "on_paper": on_paper, "by": by}
    row, is_new = LateEntry.objects.get_or_create(kind=kind, ref=ref, defaults=facts)
    if not is_new:  # a form pressed twice writes one message, and one mark of it
        return row
    journal.record("system.entered_late", chain="system", by=by, downtime=downtime.pk, kind=str(kind), ref=ref)
    return row


def registered_on(message: IncomingMessage, regime: Regime) -> date:
    """Return the day a message counts as registered on when it is registered now."""
    today = timezone.localdate()
    if not message.external_id.startswith(BY_HAND):
        return today
    row = LateEntry.objects.filter(kind=Kind.MESSAGE, ref=message.pk).first()
    if row is None:
        return today
    if row.on_paper is not None:
        return row.on_paper
    came = timezone.localdate(message.received_at)
    rule = rules.rules_for(regime, {TermRule.Step.REGISTER: came}, channel=message.channel).get(TermRule.Step.REGISTER)
    return min(today, rules.term_of(rule).due(came, calendar.current()).on) if rule else today


def of_appeal() -> Subquery:
    """Return when an appeal was entered later than it came, to be asked inside the query that fetches it."""
    first = AppealMessage.objects.filter(appeal=OuterRef(OuterRef("pk")), first=True).values("message")
    rows = LateEntry.objects.filter(kind=Kind.MESSAGE, ref__in=first)
    return Subquery(rows.values("entered_at")[:1])


def among(kind: Kind, refs: list[int]) -> set[int]:
    """Return which of these rows were entered later."""
    return set(LateEntry.objects.filter(kind=kind, ref__in=refs).values_list("ref", flat=True))
