"""Control terms: a higher body names a day; the earlier of it and our own term counts."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING

from django.db import transaction
from django.db.models import F
from django.utils import timezone

from otklik.appeals import terms, transitions
from otklik.appeals.errors import WrongDate
from otklik.appeals.models import FINISHED, Appeal, ControlTerm
from otklik.appeals.permissions import check_power
from otklik.core import journal
from otklik.core.errors import DomainError
from otklik.people.models import Employee

if TYPE_CHECKING:
    from otklik.appeals.cover import Cover

POWER = "intake.decide"


class ControlRefused(DomainError):
    """There is nothing to put under control, nothing to lift, or something was not typed."""

    code = "appeal.control_refused"
    text = "Обращение № {number}: {why}"


def check_can_control(appeal: Appeal, user: Employee) -> None:
    """Raise where the user may not set or lift a control term of this appeal now."""
    check_power(user, POWER, "внести контрольный срок")
    if appeal.status in FINISHED:
        raise ControlRefused(number=appeal.number, why="работа закончена, контрольный срок уже ни на что не влияет.")


def of_cover(cover: Cover | None, *, by: Employee) -> ControlTerm | None:
    """Return the control term a covering letter names, for an appeal that is not kept yet."""
    if cover is None or cover.control_until is None:
        return None
    return ControlTerm(
        until=cover.control_until, body=cover.sender or "орган, приславший обращение", basis=cover.named, by=by
    )


def follow_cover(appeal: Appeal, cover: Cover, *, by: Employee) -> None:
    """Take the day that a covering letter names, written down after the registration; one that is known stays."""
    named = of_cover(cover, by=by)
    if named is None or appeal.status in FINISHED:
        return
    known = current(appeal)
    if known is None or (known.until, known.basis) != (named.until, named.basis):
        put(appeal, until=named.until, body=named.body, basis=named.basis, by=by)


def current(appeal: Appeal) -> ControlTerm | None:
    """Return the control term in force."""
    return ControlTerm.objects.filter(appeal=appeal, lifted_at=None).select_related("by").first()


@transaction.atomic
def put(appeal: Appeal, *, until: date, body: str, basis: str, by: Employee) -> ControlTerm:
    """Set a control term in the place of any there is, and count the case's date anew."""
    check_can_control(appeal, by)
    body = " ".join(body.split())
    if not body:
        raise ControlRefused(number=appeal.number, why="напишите, кто установил контрольный срок.")
    if until < appeal.received_on:
        raise WrongDate(what=f"Контрольный срок раньше дня поступления, {appeal.received_on:%d.%m.%Y}.")
    if (was := current(appeal)) is not None:
        _lift(was, why="установлен другой", by=by)
    row = ControlTerm.objects.create(
        appeal=appeal, until=until, body=body[:300], basis=" ".join(basis.split())[:300], by=by
    )
    becomes = _recount(appeal, reason=f"контрольный срок {until:%d.%m.%Y}")
    journal.record(
        "appeal.control_set", chain=f"appeal:{appeal.pk}", by=by, control=row.pk, until=until, becomes=becomes
    )
    return row


@transaction.atomic
def lift(appeal: Appeal, *, why: str, by: Employee) -> None:
    """Take the control term off, with a reason; our own term counts again."""
    check_can_control(appeal, by)
    row = current(appeal)
    if row is None:
        raise ControlRefused(number=appeal.number, why="контрольного срока нет, снимать нечего.")
    if not why.strip():
        raise ControlRefused(number=appeal.number, why="напишите, почему контрольный срок снят.")
    _lift(row, why=why, by=by)
    becomes = _recount(appeal, reason="контрольный срок снят")
    journal.record("appeal.control_lifted", chain=f"appeal:{appeal.pk}", by=by, control=row.pk, becomes=becomes)


def _lift(row: ControlTerm, *, why: str, by: Employee) -> None:
    ControlTerm.objects.filter(pk=row.pk).update(
        lifted_at=timezone.now(), lifted_by=by, lifted_why=" ".join(why.split())[:300]
    )


def _recount(appeal: Appeal, *, reason: str) -> date:
    """Count the date anew; refuse where somebody changed the appeal since it was read."""
    becomes = terms.recount(appeal, reason=reason)
    kept = Appeal.objects.filter(pk=appeal.pk, version=appeal.version)
    if not kept.update(due_on=becomes, version=F("version") + 1):
        raise transitions.ChangedMeanwhile(number=appeal.number, now=appeal.get_status_display())
    appeal.due_on, appeal.version = becomes, appeal.version + 1
    return becomes
