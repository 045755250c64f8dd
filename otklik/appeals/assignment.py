"""Assignment: unit, executor, co-executors and the internal date, which never overtakes the legal one."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date, timedelta

from django.db import transaction
from django.db.models import Count
from django.utils import timezone

from otklik.appeals import access, classification, complained, search_feed, transitions
from otklik.appeals.errors import NotYours, WrongDate
from otklik.appeals.models import FINISHED, Appeal, AppealMessage, CoExecutor
from otklik.appeals.permissions import check_power
from otklik.core import calendar
from otklik.core.errors import DomainError
from otklik.people import staff
from otklik.people.models import Employee, Unit

S = Appeal.Status
INTERNAL_RESERVE = timedelta(days=5)  # left for approval, signature and dispatch; our own habit, no law


class NotClassified(DomainError):
    """A written appeal that needs an answer is classified before it is assigned (п. 9.1)."""

    code = "appeal.not_classified"
    text = "Обращение № {number}: сначала подтвердите тему и типовую потребность (п. 9.1 Порядка)."


class UnfitExecutor(DomainError):
    """The employee cannot answer: another unit, no power, dismissed."""

    code = "appeal.unfit_executor"
    text = "{name}: назначить нельзя — {why}. Выберите другого сотрудника."


def check_can_assign(appeal: Appeal, user: Employee) -> None:
    """Raise where the user may not assign this appeal: a head assigns within his units, a clerk everywhere."""
    check_power(user, "appeals.assign", "назначить исполнителя")
    if not user.has_power(access.ALL) and appeal.unit_id not in access.units_of(user):
        raise NotYours(
            number=appeal.number, what="назначить исполнителя", who="делопроизводитель или начальник подразделения"
        )
    _check_ready(appeal)
    transitions.check_can_move(appeal, _next_state(appeal))


def candidates(unit: Unit, *, on: date | None = None) -> list[Employee]:
    """Return who may be the executor: active members of the unit and those below it who may draft answers."""
    on = on or timezone.localdate()
    within = staff.below([unit.pk])
    return [one for one in staff.holders("appeals.draft", on=on) if one.is_active and one.unit_id in within]


def propose_unit(appeal: Appeal) -> Unit | None:
    """Return who should answer: the appeal's unit, whom its topic names, who answered such letters; None in doubt."""
    if appeal.unit:
        return appeal.unit
    question = appeal.questions.select_related("topic__unit").filter(topic__unit__isnull=False).first()
    if question:
        return question.topic.unit
    letter = AppealMessage.objects.filter(appeal=appeal, first=True).values_list("message__text", flat=True).first()
    return classification.propose_unit(f"{appeal.subject}\n{letter or ''}")


def in_work(people: Iterable[Employee]) -> dict[int, int]:
    """Return how many answers each of them is preparing; nothing of who prepares none."""
    mine = Appeal.objects.filter(executor__in=[one.pk for one in people]).exclude(status__in=FINISHED)
    return dict(mine.order_by().values_list("executor").annotate(Count("pk")))


def propose_internal_date(appeal: Appeal, *, on: date | None = None) -> date | None:
    """Return a working day that leaves five days for approval, signature and dispatch; None without a term."""
    if appeal.due_on is None:
        return None
    on = on or timezone.localdate()
    days = calendar.current()
    day = appeal.due_on - INTERNAL_RESERVE
    while day > on and not days.is_working(day):
        day -= timedelta(days=1)
    return min(max(day, on), max(appeal.due_on, on))


@transaction.atomic
def assign(
    appeal: Appeal,
    *,
    unit: Unit,
    executor: Employee,
    co_executors: Sequence[Employee] = (),
    internal_due_on: date | None = None,
    by: Employee,
    on: date | None = None,
    imported: bool = False,
) -> None:
    """Assign or reassign an appeal. Of two who assign at once one succeeds, the other is told."""
    on = on or timezone.localdate()
    if imported:
        _check_ready(appeal)
    else:
        check_can_assign(appeal, by)
        if not by.has_power(access.ALL) and unit.pk not in access.units_of(by):
            raise NotYours(number=appeal.number, what="назначить его в другое подразделение", who="делопроизводитель")
    check_executor(executor, unit, on)
    complained.check_apart(appeal, executor, "назначить его исполнителем")
    for helper in co_executors:
        complained.check_apart(appeal, helper, "назначить его соисполнителем")
        if helper.pk == executor.pk:
            raise UnfitExecutor(name=helper.short_name, why="это исполнитель, соисполнителем он быть не может")
        check_helper(helper, on)
    _check_internal_date(appeal, internal_due_on, on, imported=imported)
    transitions.move(
        appeal,
        _next_state(appeal),
        by=by,
        action="appeal.assigned",
        facts={"unit": unit.pk, "executor": executor.pk, "helpers": sorted(one.pk for one in co_executors)},
        unit=unit,
        executor=executor,
        internal_due_on=internal_due_on,
    )
    appeal.helpers.all().delete()
    CoExecutor.objects.bulk_create(CoExecutor(appeal=appeal, employee=one) for one in co_executors)
    search_feed.put(appeal)


@transaction.atomic
def undo(appeal: Appeal, *, to: str, unit: int | None, by: Employee) -> None:
    """Take a first assignment back before the executor has begun: the appeal is again in the state it had."""
    check_power(by, "appeals.assign", "отменить назначение")
    transitions.move(
        appeal,
        to,
        by=by,
        action="appeal.assignment_undone",
        unit_id=unit,
        executor_id=None,
        internal_due_on=None,
    )
    appeal.helpers.all().delete()
    search_feed.put(appeal)


def _next_state(appeal: Appeal) -> str:
    return S.ASSIGNED if appeal.status in (S.REGISTERED, S.CLASSIFIED) else appeal.status


def _check_ready(appeal: Appeal) -> None:
    if classification.needs_classification(appeal) and appeal.status == S.REGISTERED:
        raise NotClassified(number=appeal.number)
    if appeal.status in (S.SIGNING, S.SIGNED, *FINISHED):
        raise transitions.MoveRefused(number=appeal.number, now=S(appeal.status).label, to=S.ASSIGNED.label)


def check_executor(executor: Employee, unit: Unit, on: date) -> None:
    """Raise where the employee cannot answer for this unit."""
    check_helper(executor, on)
    if executor.unit_id != unit.pk and executor.unit_id not in staff.below([unit.pk]):
        raise UnfitExecutor(name=executor.short_name, why=f"работает не в подразделении «{unit}»")


def check_helper(employee: Employee, on: date) -> None:
    """Raise where the employee cannot work on answers."""
    if not employee.is_active:
        raise UnfitExecutor(name=employee.short_name, why="учётная запись отключена")
    # Today's are read once for one employee in hand: a bulk step assigns a thousand appeals to the same one.
    powers = employee.standing.powers if on == timezone.localdate() else staff.powers_of(employee, on)
    if "appeals.draft" not in powers:
        raise UnfitExecutor(name=employee.short_name, why="нет права готовить ответы")


def _check_internal_date(appeal: Appeal, day: date | None, on: date, *, imported: bool) -> None:
    if day is None:
        return
    if day < on and not imported:
        raise WrongDate(what="Внутренний срок уже прошёл.")
    # An overdue appeal is still assigned: the internal date is then only kept from the past.
    if appeal.due_on and day > max(appeal.due_on, on):
        raise WrongDate(what=f"Внутренний срок позже срока ответа ({appeal.due_on:%d.%m.%Y}).")
