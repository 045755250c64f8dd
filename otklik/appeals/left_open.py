"""What others still owe a case when it is to be closed: resolutions, parts of helpers, requests to other bodies."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from django.db import transaction
from django.db.models import F, QuerySet
from django.utils import timezone

from otklik.appeals import inquiries
from otklik.appeals.models import Appeal, HelperPart, Inquiry, Resolution
from otklik.appeals.permissions import check_power
from otklik.core import journal
from otklik.core.errors import DomainError
from otklik.people.models import Employee

_NAMED: Final = 3


class LeftOpen(DomainError):
    """Somebody is still asked for something in this case."""

    code = "appeal.left_open"
    text = (
        "Обращение № {number}: закрыть пока нельзя — не завершено: {what}. Дождитесь или завершите это в ходе "
        "рассмотрения; если больше не нужно, напишите причину и нажмите «Снять и закрыть»."
    )


class NoReason(DomainError):
    """What is asked of others is dropped with a reason only."""

    code = "appeal.left_open_no_reason"
    text = "Напишите, почему незавершённое больше не нужно: причину увидят те, кого просили."


@dataclass(frozen=True)
class Open:
    """One thing that is asked of somebody: in words, and the name of its page with its key."""

    words: str
    page: str
    pk: int


def of(appeal: Appeal) -> list[Open]:
    """Return all that is still asked in a case, in three queries."""
    asked = Inquiry.objects.filter(inquiries.WAITING, appeal=appeal)
    orders = _resolutions(appeal).select_related("to_person", "to_unit")
    return [
        *(Open(f"резолюция — {row.addressee}", "resolution", row.pk) for row in orders),
        *(
            Open(f"часть ответа — {part.employee.short_name}", "helper_part", part.pk)
            for part in _parts(appeal).select_related("employee")
        ),
        *(Open(f"запрос сведений — {one.body}", "inquiry", one.pk) for one in asked),
    ]


def check(appeal: Appeal) -> None:
    """Raise where the case cannot be closed yet, naming what is open."""
    if found := of(appeal):
        more = f" и ещё {len(found) - _NAMED}" if len(found) > _NAMED else ""
        raise LeftOpen(number=appeal.number, what="; ".join(one.words for one in found[:_NAMED]) + more)


@transaction.atomic
def drop(appeal: Appeal, *, reason: str, by: Employee) -> int:
    """Ask nobody any more, with a reason; return of how many. Called by who closes, in the transaction of closing."""
    check_power(by, "appeals.close", "снять незавершённое и закрыть обращение")
    reason, now = " ".join(reason.split())[:300], timezone.now()
    if not reason:
        raise NoReason
    closed = _resolutions(appeal).update(closed_at=now, closed_by=by, remark=reason, version=F("version") + 1)
    parts = list(_parts(appeal).values_list("pk", flat=True))
    HelperPart.objects.filter(pk__in=parts, handed_at=None).delete()
    asked = list(Inquiry.objects.filter(inquiries.WAITING, appeal=appeal))
    for row in asked:
        inquiries.drop(row, reason, by=by)
    done = closed + len(parts) + len(asked)
    if done:
        journal.record(
            "appeal.left_open_dropped", chain=f"appeal:{appeal.pk}", by=by, resolutions=closed, parts=len(parts),
            inquiries=len(asked),
        )  # fmt: skip
    return done


def _resolutions(appeal: Appeal) -> QuerySet[Resolution]:
    return Resolution.objects.filter(appeal=appeal, closed_at=None)


def _parts(appeal: Appeal) -> QuerySet[HelperPart]:
    return HelperPart.objects.filter(appeal=appeal, handed_at=None)
