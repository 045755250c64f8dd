"""«Пригласить оценить» after a reception (п. 36): a one-time code that ties what the applicant says to his card."""

from __future__ import annotations

from typing import Final

from django.db import transaction
from django.utils import timezone

from otklik.core import journal
from otklik.core.errors import DomainError
from otklik.correspondence.models import ChannelCode
from otklik.people.models import Employee
from otklik.reception import moves
from otklik.reception.models import ReceptionCard
from otklik.surveys import asking, feedback

POWERS: Final = ("reception.desk", "reception.hold")


class TooEarly(DomainError):
    """Nobody judges what is not over."""

    code = "reception.invite_too_early"
    text = "Оценить приём можно, когда он завершён: карточка в состоянии «{now}»."


class AlreadySaid(DomainError):
    """The applicant has answered."""

    code = "reception.said"
    text = "Заявитель уже оставил отзыв о приёме по карточке № {number}."


@transaction.atomic
def give_code(card: ReceptionCard, *, by: Employee) -> str:
    """Return the code to dictate or print; asked again, it is the same. Refuse where nobody can answer by it now."""
    row = ReceptionCard.objects.select_for_update(of=("self",)).select_related("invitation").get(pk=card.pk)
    if row.state != ReceptionCard.State.FINISHED:
        raise TooEarly(now=row.get_state_display())
    if row.invitation is None:
        row.invitation = feedback.invite(channel=ChannelCode.RECEPTION, on=timezone.localdate())
        row.save(update_fields=["invitation"])
    asking.check_unanswered(row.invitation, AlreadySaid(number=row.number))
    if not row.invitation.code:
        journal.record("reception.code_given", chain=moves.chain_of(row), by=by)
    card.invitation = row.invitation
    return asking.code_for(row.invitation)
