"""One step over many appeals: tried first, done one after another by workers, taken back as a whole.

Every appeal is an action of its own, with the checks and the journal line it has on its card; one that is refused stops
no other. The trial is the step itself, rolled back: what it promises is what will happen.
"""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, Final

from django.db import transaction
from django.utils import timezone

from otklik.appeals import access, assignment, dispatch, outcomes, registration, search_feed
from otklik.appeals.models import Appeal, BulkItem, BulkRun
from otklik.appeals.permissions import check_power
from otklik.core import calendar, journal
from otklik.core.errors import DomainError
from otklik.people.models import Employee, Unit

log = logging.getLogger("otklik.bulk")

MOST: Final = 2000  # appeals in one run: more is not one decision of one person any more
AT_ONCE: Final = 20  # appeals to a transaction: their progress is seen, and others wait for none of them for long
Run, Item = BulkRun.State, BulkItem.State


class NothingChosen(DomainError):
    """A run over no appeal."""

    code = "bulk.nothing_chosen"
    text = "Не выбрано ни одного обращения. Отметьте строки или возьмите все по условиям списка."


class TooMany(DomainError):
    """More than one run bears."""

    code = "bulk.too_many"
    text = "За один раз можно взять не больше {most} обращений, а здесь больше. Сузьте список условиями."


class NotNow(DomainError):
    """The run is not in the state this press is for, or somebody was quicker."""

    code = "bulk.not_now"
    text = "Сейчас это действие «{now}»: нажатие ничего не изменило. Обновите страницу."


class ChangedSince(DomainError):
    """Somebody has gone on with the appeal since the run."""

    code = "bulk.changed_since"
    text = "Обращение № {number}: с ним уже работали дальше, отменять нельзя."


class OutOfSight(DomainError):
    """The owner of the run does not see the appeal any more."""

    code = "bulk.out_of_sight"
    text = "Обращение вам больше не видно: пока шло действие, его передали другим."


class NothingToRead(DomainError):
    """No letter of the applicant waits."""

    code = "bulk.nothing_to_read"
    text = "Обращение № {number}: непрочитанных ответов заявителя нет."


def _as_given(params: Mapping[str, Any]) -> Mapping[str, Any]:
    return params


@dataclass(frozen=True)
class Action:
    """A step that can be taken over many appeals by holders of any of `powers`, and how it is taken back.

    `read` turns the parameters of a run into what `do` gets, once for all the appeals of a portion.
    """

    powers: tuple[str, ...]
    do: Callable[[Appeal, Mapping[str, Any], Employee], None]
    undo: Callable[[Appeal, Mapping[str, Any], Employee], None]
    read: Callable[[Mapping[str, Any]], Mapping[str, Any]] = _as_given


def _to_whom(params: Mapping[str, Any]) -> dict[str, Any]:
    executor = Employee.objects.get(pk=params["executor"])
    return {"executor": executor, "unit": Unit.objects.get(pk=params["unit"])}


def _assign(appeal: Appeal, given: Mapping[str, Any], by: Employee) -> None:
    executor = given["executor"]
    helpers = [row.employee for row in appeal.helpers.all() if row.employee_id != executor.pk]
    assignment.assign(
        appeal,
        unit=given["unit"],
        executor=executor,
        co_executors=helpers,
        internal_due_on=assignment.propose_internal_date(appeal),
        by=by,
    )


def _unassign(appeal: Appeal, before: Mapping[str, Any], by: Employee) -> None:
    if before["executor"] is None:
        assignment.undo(appeal, to=before["status"], unit=before["unit"], by=by)
        return
    assignment.assign(
        appeal,
        unit=Unit.objects.get(pk=before["unit"]),
        executor=Employee.objects.get(pk=before["executor"]),
        co_executors=list(Employee.objects.filter(pk__in=before["helpers"])),
        internal_due_on=_still_ahead(appeal, before["internal_due_on"]),
        by=by,
    )


def _still_ahead(appeal: Appeal, day: str | None) -> date | None:
    """Return the internal date there was, or a new one where it has passed since."""
    if day is None:
        return None
    kept = date.fromisoformat(day)
    return kept if kept >= timezone.localdate() else assignment.propose_internal_date(appeal)


def _send(appeal: Appeal, params: Mapping[str, Any], by: Employee) -> None:
    dispatch.send(appeal, by=by, outcome=params.get("outcome") or outcomes.ANSWERED)


def _unsend(appeal: Appeal, before: Mapping[str, Any], by: Employee) -> None:
    dispatch.undo(appeal, by=by)


def _close(appeal: Appeal, params: Mapping[str, Any], by: Employee) -> None:
    dispatch.close(appeal, reason=params.get("reason", ""), by=by)


def _reopen(appeal: Appeal, before: Mapping[str, Any], by: Employee) -> None:
    dispatch.undo_close(appeal, to=before["status"], by=by)


def _read(appeal: Appeal, params: Mapping[str, Any], by: Employee) -> None:
    if not appeal.unseen_reply:
        raise NothingToRead(number=appeal.number)
    registration.seen_reply(appeal, by=by)


def _unread(appeal: Appeal, before: Mapping[str, Any], by: Employee) -> None:
    registration.unsee_reply(appeal, by=by)


ACTIONS: Final[dict[str, Action]] = {
    BulkRun.Action.ASSIGN: Action(("appeals.assign",), _assign, _unassign, _to_whom),
    BulkRun.Action.SEND: Action(("appeals.dispatch",), _send, _unsend),
    BulkRun.Action.CLOSE: Action(("appeals.close",), _close, _reopen),
    BulkRun.Action.READ: Action(("appeals.view_own", "intake.decide"), _read, _unread),
}


def offered_to(user: Employee, *, first: str = "") -> list[tuple[str, str]]:
    """Return the actions the user may take over many appeals, with their names; the one a list is for comes first."""
    named = dict(BulkRun.Action.choices)
    codes = [code for code, action in ACTIONS.items() if _may(action, user)]
    return [(code, named[code]) for code in sorted(codes, key=lambda one: one != first)]


def _may(action: Action, user: Employee) -> bool:
    return user.has_any(action.powers)


@transaction.atomic
def prepare(action: str, appeals: Iterable[int], *, by: Employee, back: str = "") -> BulkRun:
    """Take these of the appeals that the employee sees for a run; nothing is done yet."""
    if not _may(ACTIONS[action], by):
        check_power(by, ACTIONS[action].powers[0], dict(BulkRun.Action.choices)[BulkRun.Action(action)])
    chosen = list(access.visible_to(by).filter(pk__in=list(appeals)[: MOST + 1]).values_list("pk", flat=True))
    if not chosen:
        raise NothingChosen
    if len(chosen) > MOST:
        raise TooMany(most=MOST)
    run = BulkRun.objects.create(owner=by, action=action, back=back[:1000])
    BulkItem.objects.bulk_create([BulkItem(run=run, appeal_id=pk) for pk in chosen])
    return run


def check(run: BulkRun, params: Mapping[str, Any]) -> None:
    """Have the run tried with these parameters; a run that was tried before is tried anew."""
    _move(run, (Run.NEW, Run.CHECKED), Run.CHECKING, params=dict(params))
    run.items.update(state=Item.NEW, why="")


@transaction.atomic
def begin(run: BulkRun) -> None:
    """Have done what the trial promised."""
    _move(run, (Run.CHECKED,), Run.RUNNING)
    count = run.items.filter(state=Item.FITS).count()
    journal.record("bulk.begun", chain=f"employee:{run.owner_id}", by=run.owner, step=run.action, appeals=count)


@transaction.atomic
def at_once(action: str, appeals: Iterable[int], params: Mapping[str, Any], *, by: Employee) -> BulkRun:
    """Have a step done over these appeals without a trial first; what is refused says why, and it can be undone."""
    run = prepare(action, appeals, by=by)
    run.items.update(state=Item.FITS)
    _move(run, (Run.NEW,), Run.CHECKED, params=dict(params))
    begin(run)
    return run


def stop(run: BulkRun) -> None:
    """Do no more; what is done stays, and can be taken back."""
    _move(run, (Run.RUNNING,), Run.DONE)


@transaction.atomic
def undo(run: BulkRun) -> None:
    """Have everything taken back that nobody has touched since."""
    _move(run, (Run.DONE,), Run.UNDOING)
    journal.record("bulk.undone", chain=f"employee:{run.owner_id}", by=run.owner, step=run.action)


def numbers(run: BulkRun) -> Counter[str]:
    """Return how many appeals of the run are in each state."""
    return Counter(run.items.values_list("state", flat=True))


def _move(run: BulkRun, expected: tuple[str, ...], to: str, **changes: Any) -> None:
    if not BulkRun.objects.filter(pk=run.pk, state__in=expected).update(state=to, **changes):
        run.refresh_from_db()
        raise NotNow(now=run.get_state_display())
    run.refresh_from_db()


@dataclass(frozen=True)
class Phase:
    """What a worker does with an item: from which state, to which when it went well or was refused, and what after."""

    act: Callable[[BulkRun, BulkItem, Appeal, Mapping[str, Any]], None]
    takes: str
    good: str
    bad: str
    then: str


def work_next() -> bool:
    """Do a portion of the oldest run; return False when no run has anything to do."""
    run = BulkRun.objects.filter(state__in=PHASES).select_related("owner").order_by("pk").first()
    if run is None:
        return False
    phase = PHASES[run.state]
    with journal.together(), search_feed.together(), calendar.asked_once():
        # Taken and done in one transaction: a killed worker leaves its items as they were; another passes them by.
        free = run.items.select_for_update(skip_locked=True).filter(state=phase.takes)
        items = list(free.order_by("pk")[:AT_ONCE])
        _work(run, items, phase)
    if not items and not run.items.filter(state=phase.takes).exists():
        BulkRun.objects.filter(pk=run.pk, state=run.state).update(state=phase.then)
        return True
    return bool(items)


def _work(run: BulkRun, items: Sequence[BulkItem], phase: Phase) -> None:
    given = ACTIONS[run.action].read(run.params) if items and phase.takes != Item.DONE else {}
    appeals, good = _appeals(run, items), list[BulkItem]()
    for item in items:
        try:
            if (appeal := appeals.get(item.appeal_id)) is None:
                raise OutOfSight
            with journal.together(), search_feed.together():
                phase.act(run, item, appeal, given)
        except _Tried:
            good.append(item)
        except DomainError as refusal:
            _refused(item, phase, str(refusal))
        except Exception:
            log.exception("bulk run %s, item %s", run.pk, item.pk)
            _refused(item, phase, "Не получилось из-за ошибки системы. Она записана; остальные обращения не задеты.")
        else:
            good.append(item)
    for item in good:
        item.state = phase.good
    BulkItem.objects.bulk_update(good, ["state", "before", "version"])


def _refused(item: BulkItem, phase: Phase, why: str) -> None:
    BulkItem.objects.filter(pk=item.pk).update(state=phase.bad, why=why[:500])


def _appeals(run: BulkRun, items: Sequence[BulkItem]) -> dict[int, Appeal]:
    """Return the appeals of a portion that the owner sees; one that goes on meanwhile is refused by its version."""
    rows = access.visible_to(run.owner).select_related("regime", "applicant", "unit", "executor")
    return rows.prefetch_related("helpers__employee").in_bulk([item.appeal_id for item in items])


class _Tried(Exception):
    """The step went well, and nothing of it is to stay: neither its changes nor what is told of them."""


def _try(run: BulkRun, item: BulkItem, appeal: Appeal, given: Mapping[str, Any]) -> None:
    ACTIONS[run.action].do(appeal, given, run.owner)
    raise _Tried


def _do(run: BulkRun, item: BulkItem, appeal: Appeal, given: Mapping[str, Any]) -> None:
    item.before = {
        "status": appeal.status,
        "unit": appeal.unit_id,
        "executor": appeal.executor_id,
        "helpers": [row.employee_id for row in appeal.helpers.all()],
        "internal_due_on": appeal.internal_due_on.isoformat() if appeal.internal_due_on else None,
    }
    ACTIONS[run.action].do(appeal, given, run.owner)
    item.version = appeal.version


def _undo(run: BulkRun, item: BulkItem, appeal: Appeal, _: Mapping[str, Any]) -> None:
    if appeal.version != item.version:
        raise ChangedSince(number=appeal.number)
    ACTIONS[run.action].undo(appeal, item.before, run.owner)


PHASES: Final[dict[str, Phase]] = {
    Run.CHECKING: Phase(_try, Item.NEW, Item.FITS, Item.UNFIT, Run.CHECKED),
    Run.RUNNING: Phase(_do, Item.FITS, Item.DONE, Item.REFUSED, Run.DONE),
    Run.UNDOING: Phase(_undo, Item.DONE, Item.UNDONE, Item.KEPT, Run.UNDONE),
}
