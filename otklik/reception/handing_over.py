"""Handing a reception over: only to one with an authority of his own for that day, with the ground (п. 35.1)."""

from __future__ import annotations

from datetime import date
from typing import Final, NoReturn

from django.db import IntegrityError, transaction
from django.db.models import F, QuerySet
from django.utils import timezone

from otklik.core import journal
from otklik.core.errors import DomainError
from otklik.people.models import Employee, Substitution
from otklik.reception import authority, moves
from otklik.reception.holding import MayNotHold, day_of
from otklik.reception.models import Appointment, CardHandover, ReceptionCard, SlotCell

DECIDE: Final = "reception.decide"
S = ReceptionCard.State


class HandOverRefused(DomainError):
    """Перепоручение лицам, не имеющим полномочий, не допускается."""

    code = "reception.hand_over_refused"
    text = "Карточка {number}: {what} Попытка записана в журнал."


def takers(card: ReceptionCard) -> list[Employee]:
    """Return who may take the reception over: with an authority for its day, and not away."""
    on = _on(card)
    away = _away(on).values_list("absent", flat=True)
    people = {one.official_id: one.official for one in authority.valid_on(on).exclude(official__in=away)}
    return [one for pk, one in people.items() if pk != card.official_id]


def hand_over(card: ReceptionCard, to: Employee, *, ground: str, by: Employee) -> CardHandover:
    """Give the card to another official; he introduces himself anew. A refused attempt stays in the journal."""
    if card.official_id != by.pk and not by.has_power(DECIDE):
        _note(card, to, by, "not_his")
        why = "Передаёт приём тот, кто его ведёт, или руководитель."
        raise MayNotHold(number=card.number, who=card.official.short_name, why=why)
    on = _on(card)
    found = authority.of(to, on)
    if found is None or not to.is_active:
        _refuse(card, to, by, "no_authority", f"у {to.short_name} нет полномочий на приём {on:%d.%m.%Y} (п. 35.1).")
    if to.pk == card.official_id:
        _refuse(card, to, by, "same", f"приём уже ведёт {to.short_name}.")
    if _away(on).filter(absent=to).exists():
        _refuse(card, to, by, "away", f"{to.short_name} сегодня отсутствует. Выберите другого.")
    if not ground.strip():
        raise HandOverRefused(number=card.number, what="укажите основание передачи.")
    was = card.official
    try:
        with transaction.atomic():
            moves.move(
                card,
                card.state,
                by=by,
                action="reception.handed_over",
                facts={"was_official": was.pk, "official": to.pk},
                official=to,
                authority=found,
                introduced_at=None,
            )
            held = SlotCell.objects.filter(appointment=card.appointment_id, resource=f"official:{was.pk}")
            held.update(resource=f"official:{to.pk}")
            rows = Appointment.objects.filter(pk=card.appointment_id)
            rows.update(official=to, version=F("version") + 1)
            row = CardHandover.objects.create(
                card=card, was=was, to=to, authority=found, ground=ground.strip()[:300], by=by
            )
    except IntegrityError:  # his five minutes are another's
        card.refresh_from_db()
        _refuse(card, to, by, "busy", f"в это время {to.short_name} принимает другого заявителя.")
    return row


def _on(card: ReceptionCard) -> date:
    return day_of(card) if card.from_paper else timezone.localdate()


def _away(on: date) -> QuerySet[Substitution]:
    return Substitution.objects.filter(starts_on__lte=on, ends_on__gte=on)


def _note(card: ReceptionCard, to: Employee, by: Employee, code: str) -> None:
    with transaction.atomic():
        journal.record(
            "reception.hand_over_refused", chain=moves.chain_of(card), by=by, asked_of=to.pk, refused_why=code
        )


def _refuse(card: ReceptionCard, to: Employee, by: Employee, code: str, what: str) -> NoReturn:
    _note(card, to, by, code)
    raise HandOverRefused(number=card.number, what=what)
