"""Поручения с приёма: what an executor is told to do by a day, his report, and the control."""

from __future__ import annotations

from datetime import date
from typing import Final

from django.db import transaction
from django.db.models import Q, QuerySet
from django.utils import timezone

from otklik.appeals.permissions import check_power
from otklik.core import journal
from otklik.core.errors import DomainError
from otklik.people import roles
from otklik.people.models import Employee
from otklik.reception import moves
from otklik.reception.holding import check_holds
from otklik.reception.models import Instruction, ReceptionCard

DECIDE: Final = "reception.decide"
OPEN: Final = Q(accepted_at=None)
S = ReceptionCard.State


class BadInstruction(DomainError):
    """Something is missing, or it is not his to do."""

    code = "reception.bad_instruction"
    text = "{what}"


def instruct(card: ReceptionCard, text: str, *, executor: Employee, due_on: date, by: Employee) -> Instruction:
    """Order something to an executor with a day; given by who holds the reception, during it or after."""
    check_holds(card, by)
    if card.state not in (S.OPEN, S.FINISHED):
        raise BadInstruction(what="Поручение дают во время приёма или после него.")
    if not text.strip():
        raise BadInstruction(what="Напишите, что сделать.")
    if not executor.is_active:
        raise BadInstruction(what=f"{executor.short_name} заблокирован. Выберите другого исполнителя.")
    if due_on < timezone.localdate():
        raise BadInstruction(what="Срок поручения уже прошёл. Укажите сегодняшний день или позже.")
    with transaction.atomic():
        row = Instruction.objects.create(card=card, text=text.strip(), executor=executor, due_on=due_on, by=by)
        journal.record(
            "reception.instructed",
            chain=moves.chain_of(card),
            by=by,
            instruction=row.pk,
            asked_of=executor.pk,
            due_on=due_on.isoformat(),
        )
    return row


def report(row: Instruction, text: str, *, by: Employee) -> None:
    """Say what was done; then it waits for control."""
    if row.executor_id != by.pk:
        raise BadInstruction(what=f"Отчитывается исполнитель: {row.executor.short_name}.")
    if not text.strip():
        raise BadInstruction(what="Напишите, что сделано.")
    waiting = Instruction.objects.filter(pk=row.pk, done_at=None, accepted_at=None)
    _change(row, waiting, "reception.instruction_reported", by, report=text.strip(), done_at=timezone.now())


def accept(row: Instruction, *, by: Employee) -> None:
    """Take off control what was reported."""
    _check_controls(row, by)
    if row.done_at is None:
        raise BadInstruction(what="Исполнитель ещё не отчитался: снимать с контроля нечего.")
    done = Instruction.objects.filter(pk=row.pk, done_at__isnull=False, accepted_at=None)
    _change(row, done, "reception.instruction_accepted", by, accepted_at=timezone.now(), remark="")


def give_back(row: Instruction, remark: str, *, by: Employee) -> None:
    """Give a reported instruction back with a remark; the day stays."""
    _check_controls(row, by)
    if not remark.strip():
        raise BadInstruction(what="Напишите, что нужно доделать.")
    done = Instruction.objects.filter(pk=row.pk, done_at__isnull=False, accepted_at=None)
    _change(row, done, "reception.instruction_returned", by, done_at=None, remark=remark.strip()[:500])


def owed_by(executor: Employee) -> QuerySet[Instruction]:
    """Return what an employee was told to do at receptions and has not reported."""
    return Instruction.objects.filter(OPEN, executor=executor, done_at=None).select_related("card", "by")


def pass_on(row: Instruction, to: Employee, *, by: Employee) -> None:
    """Give an instruction that is not reported to another executor; its day stays."""
    check_power(by, roles.MANAGE, "передать дела сотрудника")
    if not to.is_active:
        raise BadInstruction(what=f"{to.short_name} заблокирован. Выберите другого исполнителя.")
    with transaction.atomic():
        mine = Instruction.objects.filter(OPEN, pk=row.pk, executor=row.executor_id, done_at=None)
        if not mine.update(executor=to):
            raise BadInstruction(what="Поручение только что изменили. Обновите страницу.")
        journal.record(
            "reception.instruction_passed",
            chain=f"reception:{row.card_id}",
            by=by,
            instruction=row.pk,
            was=row.executor_id,
            asked_of=to.pk,
        )


def may_control(row: Instruction, user: Employee) -> bool:
    """Tell whether the user takes it off control: who gave it, or who decides for officials."""
    return row.by_id == user.pk or (row.executor_id != user.pk and user.has_power(DECIDE))


def seen_by(user: Employee) -> QuerySet[Instruction]:
    """Return the instructions an employee may see: given to him, given by him; all for who decides."""
    rows = Instruction.objects.select_related("card", "executor", "by")
    return rows if user.has_power(DECIDE) else rows.filter(Q(executor=user) | Q(by=user))


def overdue(on: date) -> QuerySet[Instruction]:
    """Return what was to be done before a day and is not reported."""
    return Instruction.objects.filter(OPEN, done_at=None, due_on__lt=on)


def _check_controls(row: Instruction, by: Employee) -> None:
    if not may_control(row, by):
        raise BadInstruction(what=f"С контроля снимает тот, кто поручил: {row.by.short_name}.")


def _change(row: Instruction, rows: QuerySet[Instruction], action: str, by: Employee, **changes: object) -> None:
    with transaction.atomic():
        if not rows.update(**changes):
            raise BadInstruction(what="Поручение только что изменили. Обновите страницу.")
        journal.record(action, chain=f"reception:{row.card_id}", by=by, instruction=row.pk)
    row.refresh_from_db()
