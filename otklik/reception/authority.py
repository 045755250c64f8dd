"""Who may hold a personal reception on a day: only those an order has authorised (п. 35.1)."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date
from typing import Any, Final

from django.db import transaction
from django.db.models import Q, QuerySet
from django.utils import timezone

from otklik.appeals.models import Topic
from otklik.core import journal
from otklik.core.errors import DomainError
from otklik.core.models import JournalEntry
from otklik.core.terms import valid
from otklik.people.models import Employee
from otklik.reception.models import Appointment, Authority
from otklik.reception.rooms import WrongDays

# What is told of an official's schedule; before it had a chain of its own, it stood in that of a card of this number.
OF_OFFICIALS: Final = (
    *("reception.authority_given", "reception.authority_ended"),
    *("reception.rule_added", "reception.rule_changed", "reception.rule_ended"),
    *("reception.day_set", "reception.day_unset", "reception.feed_made", "reception.feed_ended"),
)


class SameOrder(DomainError):
    """The order has given him the power already."""

    code = "reception.same_order"
    text = "Это полномочие уже внесено: {basis}, с {since:%d.%m.%Y}. Завершите его или исправьте даты."


class HasReceived(DomainError):
    """What was done by an authority stays lawful: it cannot end before."""

    code = "reception.has_received"
    text = "По этому полномочию {last:%d.%m.%Y} уже вели приём: последний день не может быть раньше."


def chain_of(official: Employee) -> str:
    """Return the journal's chain of an official's schedule; the card of the same number has another."""
    return f"receives:{official.pk}"


def history(official: Employee) -> QuerySet[Any]:
    """Return what was changed in an official's schedule, the newest first; of what others did at receptions nothing."""
    earlier = Q(chain=f"reception:{official.pk}", action__in=OF_OFFICIALS)
    rows = JournalEntry.objects.filter(Q(chain=chain_of(official)) | earlier)
    return rows.select_related("actor").order_by("-pk")


def valid_on(on: date) -> QuerySet[Authority]:
    """Return the authorities that count on a day, of people who still work here, with the person fetched."""
    return Authority.objects.filter(valid(on), official__is_active=True).select_related("official")


def of(official: Employee, on: date, topic: Topic | None = None) -> Authority | None:
    """Return by which order the official receives on a day, on this topic if one is named; None where he may not.

    A deputy of an absent official has no power of his: перепоручение не допускается.
    """
    found = valid_on(on).filter(official=official)
    if topic is not None:
        found = found.filter(Q(topics=None) | Q(topics=topic))
    return found.order_by("-valid_from").first()


def officials(on: date) -> QuerySet[Employee]:
    """Return the people who are authorised on a day or will be later, by name."""
    rows = Authority.objects.filter(Q(valid_to=None) | Q(valid_to__gte=on))
    return Employee.objects.filter(is_active=True, pk__in=rows.values("official")).order_by("last_name", "first_name")


@transaction.atomic
def give(
    official: Employee,
    *,
    basis: str,
    valid_from: date,
    valid_to: date | None = None,
    powers: str = "",
    topics: Iterable[Topic] = (),
    by: Employee,
) -> Authority:
    """Let an official receive by an order, on these topics only or on any. Raises WrongDays, SameOrder."""
    from otklik.reception import displaced

    if valid_to and valid_to < valid_from:
        raise WrongDays(since=valid_from)
    Employee.objects.select_for_update().get(pk=official.pk)  # of two who enter it at once the second sees the first
    same = Authority.objects.filter(Q(valid_to=None) | Q(valid_to__gte=valid_from), official=official, basis=basis)
    if valid_to:
        same = same.filter(valid_from__lte=valid_to)
    if known := same.first():
        raise SameOrder(basis=basis, since=known.valid_from)
    row = Authority.objects.create(
        official=official, basis=basis, powers=powers, valid_from=valid_from, valid_to=valid_to
    )
    row.topics.set(topics)
    journal.record(
        "reception.authority_given",
        chain=chain_of(official),
        by=by,
        row=row.pk,
        valid_from=valid_from,
        valid_to=valid_to,
    )
    displaced.look(by=by, official=official)
    return row


@transaction.atomic
def end(row: Authority, *, last_day: date, why: str, by: Employee) -> list[Appointment]:
    """End an authority on a day; return those nobody may hold. Raises WrongDays, HasReceived."""
    from otklik.reception import displaced

    Employee.objects.select_for_update().get(pk=row.official_id)
    if last_day < row.valid_from:
        raise WrongDays(since=row.valid_from)
    last = row.cards.exclude(started_at=None).order_by("-started_at").first()
    if last and last.started_at and last_day < timezone.localdate(last.started_at):
        raise HasReceived(last=timezone.localdate(last.started_at))
    Authority.objects.filter(pk=row.pk).update(valid_to=last_day, ended_why=why)
    row.valid_to, row.ended_why = last_day, why
    journal.record(
        "reception.authority_ended",
        chain=chain_of(row.official),
        by=by,
        row=row.pk,
        on=last_day,
        reason=why,
    )
    return displaced.look(by=by, official=row.official)
