"""Requests for a reception: asked for on the portal or in writing, decided by an employee; the waiting list.

A request is no booking (п. 28: an employee makes the appointment). Who waits is offered a time that became free.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime, timedelta
from secrets import token_hex
from typing import Any, Final

from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone

from otklik.core import journal
from otklik.core.errors import DomainError
from otklik.correspondence.models import IncomingMessage
from otklik.people.models import Employee
from otklik.reception import appointments, finder, links, notices
from otklik.reception.models import Appointment, AppointmentNotice, AppointmentRequest, Source
from otklik.reception.schedule import Slot

State = AppointmentRequest.State
OPEN: Final = (State.NEW, State.WAITING)
AHEAD: Final = timedelta(days=60)  # as far as people who wait are looked for a time
HELD_FOR: Final = timedelta(days=1)  # an offer nobody answers leaves the time to the next in the list


class NotOpen(DomainError):
    """A colleague, or the applicant, was quicker."""

    code = "reception.request_decided"
    text = "По этой заявке уже решено: {now}. Обновите страницу."
    status = 409


class NoReason(DomainError):
    """A refusal is told to the applicant, with its reason."""

    code = "reception.no_reason"
    text = "Напишите, почему записать нельзя и что делать заявителю: эти слова он прочтёт."


class DaysTurned(DomainError):
    """«From» is after «till»."""

    code = "reception.days_turned"
    text = "Проверьте дни: «по» раньше, чем «с»."


class OfferGone(DomainError):
    """What was offered is taken, or nothing was offered."""

    code = "reception.offer_gone"
    text = "Это время уже заняли. Вы остались в листе ожидания: когда освободится другое, мы сообщим."
    status = 409


@transaction.atomic
def ask(
    person: Mapping[str, Any],
    *,
    source: str,
    by: Employee | None = None,
    official: Employee | None = None,
    wanted_from: date | None = None,
    wanted_to: date | None = None,
    message: IncomingMessage | None = None,
    at_once: bool = False,
) -> AppointmentRequest:
    """Keep a wish to be received; `at_once`: an employee puts it on the waiting list. Its link: `links.address_of`."""
    facts = appointments.checked(person)
    facts.pop("outside_hours_why", None)
    if source not in Source.values or not source:
        raise appointments.NoSource
    if source == Source.WRITTEN and message is None:
        raise appointments.NoLetter
    if wanted_from and wanted_to and wanted_to < wanted_from:
        raise DaysTurned
    row = AppointmentRequest(
        source=source,
        official=official,
        wanted_from=wanted_from,
        wanted_to=wanted_to,
        message=message,
        token_hash=token_hex(32),
        **facts,
    )
    row.save(force_insert=True)
    row.token_hash = links.hash_of(links.token_of(row))
    row.save(update_fields=["token_hash"])
    journal.record("reception.request_made", chain=_chain(row), by=by, source=str(source))
    return put_on_list(row, by=by) if at_once and by is not None else row


def confirm(
    request: AppointmentRequest, slot: Slot, *, by: Employee | None, now: datetime | None = None
) -> Appointment:
    """Make an appointment of a request; raise as `appointments.book` does, the request stays open then.

    `by=None`: who waits takes the time he was offered; the appointment is that of the employee who put him on the list.
    """
    maker = by or request.decided_by
    if maker is None:
        raise OfferGone
    with transaction.atomic():
        row = _open(request)
        made = appointments.book(
            slot,
            _person_of(row),
            source=row.source,
            by=maker,
            request=row,
            message=row.message,
            now=now,
        )
        _decide(row, State.BOOKED, by=by or maker)
        journal.record("reception.request_booked", chain=_chain(row), by=by, appointment=made.pk, by_link=by is None)
        _drop_untold(row)
    return made


@transaction.atomic
def decline(request: AppointmentRequest, reason: str, *, by: Employee) -> AppointmentRequest:
    """Refuse a request with a reason the applicant is told."""
    reason = " ".join(reason.split())[: appointments.WHY_MAX]
    if not reason:
        raise NoReason
    row = _open(request)
    _decide(row, State.DECLINED, by=by, reason=reason)
    journal.record("reception.request_declined", chain=_chain(row), by=by)
    _drop_untold(row)
    notices.tell_of_request(row, AppointmentNotice.Kind.DECLINED)
    return row


@transaction.atomic
def put_on_list(request: AppointmentRequest, *, by: Employee) -> AppointmentRequest:
    """Let a request wait for a time that becomes free; twice is once."""
    row = _open(request)
    if row.state == State.WAITING:
        return row
    _decide(row, State.WAITING, by=by)
    journal.record("reception.request_waiting", chain=_chain(row), by=by)
    notices.tell_of_request(row, AppointmentNotice.Kind.WAITING)
    return row


@transaction.atomic
def withdraw(request: AppointmentRequest, *, by: Employee | None = None) -> AppointmentRequest:
    """Take a request back, as the applicant wishes."""
    row = _open(request)
    _decide(row, State.WITHDRAWN, by=by)
    journal.record("reception.request_withdrawn", chain=_chain(row), by=by, by_link=by is None)
    _drop_untold(row)
    return row


# --- what became free -------------------------------------------------------------------------------------------------


def offer_free(now: datetime | None = None) -> int:
    """Offer who waits the first free time he could come at, the longest waiting first; return how many were offered.

    A time is offered to one person at a time: for a day it is his to answer.
    """
    now = now or timezone.now()
    fresh = _offers().filter(made_at__gt=now - HELD_FOR)
    taken = set(fresh.values_list("official", "of_time"))
    busy = set(fresh.values_list("request", flat=True))
    made = 0
    for row in AppointmentRequest.objects.filter(state=State.WAITING).select_related("official", "topic"):
        if row.pk in busy:
            continue
        before = set(row.notices.filter(kind=AppointmentNotice.Kind.FREED).values_list("official", "of_time"))
        for slot in times_for(row, now=now, limit=finder.LIMIT):
            which = (slot.official_id, slot.starts_at)
            if which not in taken and which not in before:
                made += _offer(row, slot)
                taken.add(which)
                break
    return made


def times_for(request: AppointmentRequest, *, now: datetime | None = None, limit: int = 5) -> list[Slot]:
    """Return free times somebody who waits could come at, the soonest first."""
    today = timezone.localdate(now)
    first, last = max(request.wanted_from or today, today), request.wanted_to or today + AHEAD
    return finder.free(
        first,
        last,
        official=request.official,
        topic=request.topic,
        needs_access=request.needs_access,
        limit=limit,
        now=now,
    )


def offers_of(request: AppointmentRequest) -> QuerySet[AppointmentNotice]:
    """Return the times a request was offered and that have not passed, the newest first."""
    return _offers().filter(request=request, of_time__gt=timezone.now()).order_by("-made_at", "-pk")


def accept(request: AppointmentRequest, offer: int, *, now: datetime | None = None) -> Appointment:
    """Let who waits take a time he was offered; raise where it is taken by now."""
    told = offers_of(request).filter(pk=offer).first()
    if told is None or told.of_time is None:
        raise OfferGone
    found = [
        slot
        for slot in times_for(request, now=now, limit=finder.LIMIT)
        if (slot.official_id, slot.starts_at) == (told.official_id, told.of_time)
    ]
    if not found:
        raise OfferGone
    try:
        return confirm(request, found[0], by=None, now=now)
    except appointments.SlotTaken:
        raise OfferGone from None


@transaction.atomic
def _offer(row: AppointmentRequest, slot: Slot) -> bool:
    held = AppointmentRequest.objects.select_for_update(of=("self",)).get(pk=row.pk)
    if held.state != State.WAITING:
        return False
    kind = AppointmentNotice.Kind.FREED
    if notices.tell_of_request(held, kind, of_time=slot.starts_at, official=slot.official_id) is None:
        return False
    journal.record(
        "reception.request_offered", chain=_chain(row), by=None, official=slot.official_id, starts_at=slot.starts_at
    )
    return True


def _offers() -> QuerySet[AppointmentNotice]:
    return AppointmentNotice.objects.filter(kind=AppointmentNotice.Kind.FREED, request__state=State.WAITING)


def _drop_untold(row: AppointmentRequest) -> None:
    AppointmentNotice.objects.filter(request=row, told_at=None).delete()


def _person_of(row: AppointmentRequest) -> dict[str, Any]:
    names = ("last_name", "first_name", "patronymic", "phone", "email", "notify", "applicant", "matter", "topic")
    return {name: getattr(row, name) for name in (*names, "need", "needs_access", "out_of_turn")}


def _open(request: AppointmentRequest) -> AppointmentRequest:
    """Return the request as it is now, held until the transaction ends; raise where it is decided."""
    rows = AppointmentRequest.objects.select_for_update(of=("self",)).select_related("official", "topic", "message")
    row = rows.get(pk=request.pk)
    if row.state not in OPEN:
        raise NotOpen(now=row.get_state_display())
    return row


def _decide(row: AppointmentRequest, state: str, *, by: Employee | None, reason: str = "") -> None:
    row.state, row.decided_by, row.decided_at, row.reason = State(state), by, timezone.now(), reason
    row.save(update_fields=["state", "decided_by", "decided_at", "reason"])


def _chain(row: AppointmentRequest) -> str:
    return f"visit_request:{row.pk}"
