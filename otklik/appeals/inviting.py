"""«Пригласить оценить»: a one-time code that ties what the applicant says, by QR or short address, to his appeal."""

from __future__ import annotations

from typing import Final

from django.db import transaction
from django.utils import timezone

from otklik.appeals import transitions
from otklik.appeals.models import FINISHED, Appeal
from otklik.appeals.permissions import check_can_work
from otklik.core import journal
from otklik.core.errors import DomainError
from otklik.people.models import Employee
from otklik.surveys import asking, feedback

INVITED: Final = "заявитель приглашён оценить"


class AlreadySaid(DomainError):
    """The applicant has answered."""

    code = "inviting.said"
    text = "Заявитель уже оставил отзыв по обращению № {number}: он на карточке, в сведениях рядом."


def check_can_invite(appeal: Appeal, user: Employee) -> None:
    """Raise where the user may not invite: he works on the appeal or decides about intake, and it has been answered."""
    if appeal.status not in FINISHED:
        raise transitions.MoveRefused(number=appeal.number, now=Appeal.Status(appeal.status).label, to=INVITED)
    check_can_work(appeal, user)


@transaction.atomic
def give_code(appeal: Appeal, *, by: Employee) -> str:
    """Return the code to dictate or print; asked again, it is the same. Refuse where nobody can answer by it now."""
    check_can_invite(appeal, by)
    row = Appeal.objects.select_for_update(of=("self",)).select_related("invitation").get(pk=appeal.pk)
    if row.invitation is None:
        row.invitation = feedback.invite(channel=row.channel, on=timezone.localdate())
        row.save(update_fields=["invitation"])
    asking.check_unanswered(row.invitation, AlreadySaid(number=appeal.number))
    if not row.invitation.code:
        journal.record("appeal.code_given", chain=f"appeal:{row.pk}", by=by)
    appeal.invitation = row.invitation
    return asking.code_for(row.invitation)
