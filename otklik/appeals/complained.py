"""Whom an appeal complains of: he neither answers, approves, signs nor reads the draft, at every door (59-ФЗ, ст. 8).

Who is barred comes with the appeal where a page reads it (`barred`), so the checks of a card ask nothing more.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import Any, Final

from django.db import IntegrityError, transaction
from django.db.models import Exists, OuterRef, Q

from otklik.appeals import bodies, transitions
from otklik.appeals.errors import NotAllowed
from otklik.appeals.models import FINISHED, Appeal, Approval, CoExecutor, Complained
from otklik.core import journal
from otklik.core.errors import DomainError
from otklik.people import staff
from otklik.people.models import Employee, Unit
from otklik.people.powers import POWERS

DECIDE: Final = ("intake.decide", "appeals.assign")
_LEVELS: Final = 6  # of units above somebody; the tree of a department has three or four


class IsComplainedOf(DomainError):
    """The one an appeal complains of would work on it."""

    code = "appeal.is_complained_of"
    text = (
        "Обращение № {number}: на решения или действия сотрудника {name} в нём жалуются, поэтому {what} нельзя "
        "(ст. 8 ч. 6 59-ФЗ). Выберите другого сотрудника, а если жалобы нет — "
        "уберите запись на странице «На кого жалуются»."
    )
    status = 403


class WrongComplained(DomainError):
    """What was typed names nobody, two at once, or somebody named already."""

    code = "appeal.wrong_complained"
    text = "{what}"


class BodyIsComplainedOf(DomainError):
    """An appeal would be sent to the body it complains of."""

    code = "appeal.body_is_complained_of"
    text = (
        "Обращение № {number}: «{body}» — тот, на кого жалуются, пересылать ему нельзя (ст. 8 ч. 6 59-ФЗ). Выберите "
        "другой орган, а если переслать некому — верните жалобу с разъяснением (ст. 8 ч. 7)."
    )


def barred(user: Employee) -> Exists:
    """Return whether an appeal complains of this employee or of a unit he works in, asked with the appeal itself."""
    return _barred(user.pk, user.unit_id)


@lru_cache(maxsize=256)
def _barred(employee: int, unit: int | None) -> Exists:
    above = "parent__" * _LEVELS
    his = Q(employee=employee)
    if unit is not None:
        for path in (above[: 8 * level] + "pk" for level in range(_LEVELS)):
            his |= Q(unit__in=Unit.objects.filter(pk=unit).values(path))
    return Exists(Complained.objects.filter(his, appeal=OuterRef("pk")))


def is_of(appeal: Appeal, person: Employee) -> bool:
    """Tell whether the appeal complains of this employee or of a unit he works in. Asked once per appeal in hand."""
    known: dict[int, bool] = appeal.__dict__.setdefault("_complained_of", {})
    if person.pk not in known:
        rows = list(_rows(appeal))
        units = {row.unit_id for row in rows if row.unit_id}
        above = staff.above(person.unit_id) if units and person.unit_id else set()
        known[person.pk] = any(row.employee_id == person.pk for row in rows) or bool(units & above)
    return known[person.pk]


def told(appeal: Appeal, user: Employee, *, is_so: bool) -> None:
    """Keep what the query of a page has said of its reader."""
    appeal.__dict__.setdefault("_complained_of", {})[user.pk] = is_so


def check_apart(appeal: Appeal, person: Employee, what: str) -> None:
    """Raise where the appeal complains of this person; `what`: what he would do, «назначить его»."""
    if is_of(appeal, person):
        raise IsComplainedOf(number=appeal.number, name=person.short_name, what=what)


def check_reader(appeal: Appeal, user: Employee) -> None:
    """Raise where the appeal complains of the user: he does not read its draft."""
    check_apart(appeal, user, "открыть проект ответа")


def apart(appeal: Appeal, people: Sequence[Employee]) -> list[Employee]:
    """Return those the appeal does not complain of: whom a page may offer."""
    if not list(_rows(appeal)):
        return list(people)
    return [one for one in people if not is_of(appeal, one)]


def check_body(appeal: Appeal, body: str) -> None:
    """Raise where an appeal would be sent on to the body it complains of."""
    if any(bodies.same(name, body) for name in names(appeal)):
        raise BodyIsComplainedOf(number=appeal.number, body=" ".join(body.split()))


def names(appeal: Appeal) -> list[str]:
    """Return whom the appeal complains of, as names of people and bodies."""
    return [row.body or str(row) for row in _rows(appeal)]


def of(appeal: Appeal) -> list[Complained]:
    """Return whom the appeal complains of, in the order they were written down."""
    return list(Complained.objects.filter(appeal=appeal).select_related("employee", "unit", "by"))


def check_can_change(appeal: Appeal, user: Employee) -> None:
    """Raise where the user may not say whom the appeal complains of."""
    if not user.has_any(DECIDE):
        raise NotAllowed(what="указать, на кого жалуются", power=POWERS[DECIDE[0]])
    if is_of(appeal, user):
        raise IsComplainedOf(number=appeal.number, name=user.short_name, what="менять эту запись ему самому")


@transaction.atomic
def add(
    appeal: Appeal, *, employee: Employee | None = None, unit: Unit | None = None, body: str = "", by: Employee
) -> Complained:
    """Write down whom the appeal complains of. What waits for his decision waits no more, and he helps no more.

    Where he is the executor, somebody else has to be assigned: until then nobody works on the text.
    """
    check_can_change(appeal, by)
    body = " ".join(body.split())[:300]
    if sum(bool(one) for one in (employee, unit, body)) != 1:
        raise WrongComplained(
            what="Укажите одно: сотрудника, подразделение или другой орган. Остальное добавьте отдельно."
        )
    if appeal.status == Appeal.Status.CLOSED:
        raise WrongComplained(
            what=f"Обращение № {appeal.number} закрыто. Отмените закрытие, потом укажите, на кого жалуются."
        )
    same = Complained.objects.filter(appeal=appeal)
    if (employee and same.filter(employee=employee).exists()) or (unit and same.filter(unit=unit).exists()):
        raise WrongComplained(what=f"«{employee.short_name if employee else unit}» уже указан в этом обращении.")
    transitions.hold(appeal)  # nobody is assigned, asked or frozen meanwhile by what was true before
    try:
        with transaction.atomic():
            row = Complained.objects.create(appeal=appeal, employee=employee, unit=unit, body=body, by=by)
    except IntegrityError:
        raise WrongComplained(what="Это только что указал другой сотрудник. Обновите страницу.") from None
    _forget(appeal)
    gone = _put_aside(appeal) if appeal.status not in FINISHED else {}
    facts: dict[str, Any] = {"employee": employee.pk if employee else None, "unit": unit.pk if unit else None}
    journal.record("appeal.complained_added", chain=f"appeal:{appeal.pk}", by=by, row=row.pk, **facts, **gone)
    return row


@transaction.atomic
def remove(row: Complained, *, by: Employee) -> None:
    """Take a record back that was a mistake; the journal keeps that it was there."""
    appeal = row.appeal
    check_can_change(appeal, by)
    transitions.hold(appeal)
    facts: dict[str, Any] = {"employee": row.employee_id, "unit": row.unit_id}
    if not Complained.objects.filter(pk=row.pk).delete()[0]:
        raise WrongComplained(what="Эту запись уже убрали. Обновите страницу.")
    _forget(appeal)
    journal.record("appeal.complained_removed", chain=f"appeal:{appeal.pk}", by=by, **facts)


def must_leave(appeal: Appeal) -> Employee | None:
    """Return the executor where the appeal complains of him: somebody else has to be assigned."""
    return appeal.executor if appeal.executor and is_of(appeal, appeal.executor) else None


def _put_aside(appeal: Appeal) -> dict[str, Any]:
    """Ask no decision of whom the appeal complains of, and no help; return whom this was."""
    helpers = list(CoExecutor.objects.filter(appeal=appeal).select_related("employee"))
    helping = [row for row in helpers if is_of(appeal, row.employee)]
    waiting = Approval.objects.filter(revision__draft__appeal=appeal, decision=Approval.Decision.WAITING)
    asked = [row for row in waiting.select_related("approver") if is_of(appeal, row.approver)]
    CoExecutor.objects.filter(pk__in=[row.pk for row in helping]).delete()
    Approval.objects.filter(pk__in=[row.pk for row in asked], decision=Approval.Decision.WAITING).delete()
    facts: dict[str, Any] = {}
    if helping:
        facts["helpers"] = [row.employee_id for row in helping]
    if asked:
        facts["approvers"] = [row.approver_id for row in asked]
    return facts


def _rows(appeal: Appeal) -> list[Complained]:
    known: list[Complained] | None = appeal.__dict__.get("_complained_rows")
    if known is None:
        known = list(Complained.objects.filter(appeal=appeal).select_related("employee", "unit")) if appeal.pk else []
        appeal.__dict__["_complained_rows"] = known
    return known


def _forget(appeal: Appeal) -> None:
    appeal.__dict__.pop("_complained_rows", None)
    appeal.__dict__.pop("_complained_of", None)
