"""Calls written down by hand: what no exchange has told of."""

from __future__ import annotations

import uuid
from datetime import datetime, timedelta

from django.db import transaction
from django.utils import timezone

from otklik.core import journal
from otklik.core.errors import DomainError
from otklik.hotline import hours, missed
from otklik.hotline.models import Call, CallEvent, Line
from otklik.people.applicants import phone_key
from otklik.people.models import Employee


class NotYet(DomainError):
    """A call that is written down has been."""

    code = "calls.not_yet"
    text = "Этот звонок ещё не поступил: проверьте день и время."


class NotANumber(DomainError):
    """A number somebody can be called by, or none."""

    code = "calls.not_a_number"
    text = "Проверьте номер: запишите его так, чтобы по нему можно было позвонить, или оставьте пустым, если он скрыт."


def in_hours(call: Call) -> bool:
    """Tell whether a call came while its line was answered; of a line nobody knows, the hours of our first one hold."""
    line = call.line or Line.objects.filter(ours=True).first()
    return line is None or hours.schedules([line])[line.pk].is_open(call.came_at)


@transaction.atomic
def write_down(*, line: Line, number: str, came_at: datetime, waited: int, by: Employee) -> Call:
    """Keep a call nobody answered that the exchange has not told of, with its event; it is a duty as any other."""
    number = number.strip()[:40]
    if came_at > timezone.now():
        raise NotYet
    if number and not phone_key(number):
        raise NotANumber
    uid = f"hand.{uuid.uuid4().hex}"
    ended = came_at + timedelta(seconds=waited)
    for kind, at in ((CallEvent.Kind.ENTERED, came_at), (CallEvent.Kind.ABANDONED, ended)):
        CallEvent.objects.create(
            source=CallEvent.Source.HAND,
            key=f"{uid}.{kind}",
            uid=uid,
            kind=kind,
            at=at,
            facts={"line": line.code, "number": number, "waited": waited, "by": by.pk},
        )
    call = Call(
        uid=uid,
        source=CallEvent.Source.HAND,
        line=line,
        number=number,
        number_key=phone_key(number),
        state=Call.State.MISSED,
        came_at=came_at,
        ended_at=ended,
        waited=waited,
    )
    call.in_hours = in_hours(call)
    call.save()
    journal.record("call.written_down", chain=f"call:{call.pk}", by=by, line=line.code)
    missed.after(call)
    return call
