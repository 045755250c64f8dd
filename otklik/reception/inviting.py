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
from otklik.surveys.models import Invitation, Response

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
    if _said(row.invitation):
        raise AlreadySaid(number=row.number)
    if not feedback.is_open(row.invitation):
        raise feedback.InvitationExpired(on=f"{row.invitation.expires_on:%d.%m.%Y}")
    if not row.invitation.code:
        journal.record("reception.code_given", chain=moves.chain_of(row), by=by)
    card.invitation = row.invitation
    return asking.code_for(row.invitation)


def given_code(card: ReceptionCard) -> str:
    """Return the code the applicant was given, while it can be used; empty where there is none."""
    invitation = card.invitation
    if invitation is None or not invitation.code or not feedback.is_open(invitation) or _said(invitation):
        return ""
    return asking.code_for(invitation)


def said(card: ReceptionCard) -> Response | None:
    """Return what the applicant said of the reception, if he did."""
    if card.invitation_id is None:
        return None
    rows = Response.objects.select_related("invitation__questionnaire")
    return rows.filter(invitation=card.invitation_id).first()


def _said(invitation: Invitation) -> bool:
    return Response.objects.filter(invitation=invitation).exists()
