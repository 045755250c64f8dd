"""What an employee holds that somebody has to take when he leaves, and its passing to colleagues: all or nothing."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Final

from django.db import transaction
from django.db.models import Exists, F, OuterRef, Q, QuerySet
from django.utils import timezone

from otklik.appeals import approval, assignment, complained, queues, search_feed, signature
from otklik.appeals.models import (
    Appeal,
    Approval,
    AwaitedApproval,
    CaseQuestion,
    CoExecutor,
    FrozenAnswer,
    HelperPart,
    Resolution,
    RouteStop,
)
from otklik.appeals.permissions import check_power
from otklik.core import journal
from otklik.core.errors import DomainError
from otklik.core.models import StoredFile
from otklik.core.terms import valid
from otklik.people import accounts, roles, staff, substitution
from otklik.people.models import Employee, Substitution

# What goes to one colleague together.
WORK, APPROVALS, SIGNATURES, SUBSTITUTIONS = "work", "approvals", "signatures", "substitutions"
RESOLUTIONS, ROUTES = "resolutions", "routes"
KINDS: Final = {
    WORK: "обращения и проекты ответов",
    APPROVALS: "согласования",
    SIGNATURES: "ответы на подписи",
    RESOLUTIONS: "резолюции",
    ROUTES: "места в маршрутах согласования",
    SUBSTITUTIONS: "замещения",
}


class CannotTake(DomainError):
    """A colleague may not take what was chosen for him; nothing at all was handed over."""

    code = "appeals.cannot_take"
    text = "Ничего не передано. {what}"


@dataclass(frozen=True)
class Held:
    """What an employee holds. `drafts`: of his appeals, those whose answer is begun: it goes with them.

    `parts`: asked of him and not handed in; `awaited`: his turn to approve comes later; `stops`: on routes in force.
    """

    appeals: list[Appeal] = field(default_factory=list)
    drafts: list[Appeal] = field(default_factory=list)
    helped: list[Appeal] = field(default_factory=list)
    approvals: list[Approval] = field(default_factory=list)
    answers: list[FrozenAnswer] = field(default_factory=list)
    substitutions: list[Substitution] = field(default_factory=list)
    parts: list[HelperPart] = field(default_factory=list)
    questions: list[CaseQuestion] = field(default_factory=list)
    awaited: list[AwaitedApproval] = field(default_factory=list)
    resolutions: list[Resolution] = field(default_factory=list)
    stops: list[RouteStop] = field(default_factory=list)

    def kinds(self) -> list[str]:
        """Return the kinds of which there is something."""
        there = {
            WORK: self.appeals or self.helped or self.parts or self.questions,
            APPROVALS: self.approvals or self.awaited,
            SIGNATURES: self.answers,
            RESOLUTIONS: self.resolutions,
            ROUTES: self.stops,
            SUBSTITUTIONS: self.substitutions,
        }
        return [kind for kind in KINDS if there[kind]]

    def __bool__(self) -> bool:
        return bool(self.kinds())


def held_by(employee: Employee) -> Held:
    """Return what the employee himself holds now; what he does in others' place stays theirs.

    Answers of personal receptions are not among it: who signs them instead is decided one by one (`releasing`).
    """
    goes_on = Q(status__in=queues.OPEN) | Q(unseen_reply=True)
    mine = Appeal.objects.filter(goes_on).select_related("unit", "draft").order_by("due_on", "pk")
    helps = CoExecutor.objects.filter(appeal=OuterRef("pk"), employee=employee)
    appeals = list(mine.filter(executor=employee))
    of_case = Q(appeal__status__in=queues.OPEN)
    asked = approval.current(Approval.objects.filter(approver=employee, decision=Approval.Decision.WAITING))
    answers = FrozenAnswer.objects.filter(
        signer=employee,
        bound_signer=None,
        withdrawn_at=None,
        followed_at=None,
        signature__isnull=True,
        appeal__status=Appeal.Status.SIGNING,
    )
    return Held(
        appeals=appeals,
        drafts=[one for one in appeals if hasattr(one, "draft") and one.draft.text.strip()],
        helped=list(mine.filter(Exists(helps))),
        approvals=list(asked.select_related("revision__draft__appeal", "asked_by").order_by("pk")),
        answers=list(
            answers.select_related(
                *("appeal__regime", "appeal__applicant", "appeal__executor", "revision__draft", "letter")
            ).order_by("pk")
        ),
        substitutions=list(substitution.intended(employee)),
        parts=list(
            HelperPart.objects.filter(of_case, employee=employee, handed_at=None, taken_at=None).select_related(
                "appeal"
            )
        ),
        questions=list(
            CaseQuestion.objects.filter(executor=employee, question__appeal__status__in=queues.OPEN).select_related(
                "question__appeal"
            )
        ),
        awaited=list(
            AwaitedApproval.objects.filter(approver=employee, revision__draft__appeal__status__in=queues.OPEN)
            .select_related("revision__draft__appeal", "asked_by")
            .order_by("pk")
        ),
        resolutions=list(
            Resolution.objects.filter(of_case, to_person=employee, closed_at=None).select_related("appeal", "author")
        ),
        stops=list(
            RouteStop.objects.filter(valid(timezone.localdate(), prefix="route__"), employee=employee).select_related(
                "route"
            )
        ),
    )


def may_execute(held: Held, colleagues: QuerySet[Employee]) -> QuerySet[Employee]:
    """Return those of the colleagues who answer for every unit whose appeals he executes: what an assignment asks."""
    for unit in {one.unit_id for one in held.appeals if one.unit_id}:
        colleagues = colleagues.filter(unit__in=staff.below([unit]))
    return colleagues


def hand_over(
    employee: Employee, *, to: Mapping[str, Employee], by: Employee, also: Callable[[], bool] | None = None
) -> Held:
    """Pass everything the employee holds to colleagues, kind → who takes it; return what was passed.

    Each taker is asked what an assignment, an approval or a signature asks. One refusal, and nothing is passed.
    `also`: what he holds in rooms this one does not know; it joins the transaction and tells whether it did anything.
    """
    letters = _letters(employee, to)
    with transaction.atomic():
        if also is not None and also() and not held_by(employee):
            return Held()
        return _pass(employee, to, letters, by)


def hand_over_and_block(
    employee: Employee,
    *,
    to: Mapping[str, Employee],
    basis: str,
    by: Employee,
    also: Callable[[], bool] | None = None,
) -> Held:
    """Pass everything and block the account, in one transaction; `also` as in `hand_over`."""
    letters = _letters(employee, to)
    with transaction.atomic():
        if also is not None:
            also()
        passed = _pass(employee, to, letters, by) if held_by(employee) else Held()
        accounts.block(employee, basis=basis, by=by)
    return passed


def _letters(employee: Employee, to: Mapping[str, Employee]) -> dict[int, StoredFile]:
    """Set the letters anew under the new signer's name, outside the transaction: that takes long."""
    if (signer := to.get(SIGNATURES)) is None:
        return {}
    today = timezone.localdate()
    answers = held_by(employee).answers
    for answer in answers:
        signature.check_signer(answer.appeal, signer, today)
        if answer.appeal.executor_id == employee.pk and WORK in to:
            answer.appeal.executor = to[WORK]  # the letter names who can be asked about it
    return {answer.pk: signature.prepare_letter(answer, signer, on=today) for answer in answers}


def _pass(employee: Employee, to: Mapping[str, Employee], letters: Mapping[int, StoredFile], by: Employee) -> Held:
    check_power(by, roles.MANAGE, "передать дела сотрудника")
    held = held_by(employee)
    if not held:
        raise CannotTake(what=f"За сотрудником {employee.short_name} ничего не осталось. Обновите страницу.")
    if missing := [KINDS[kind] for kind in held.kinds() if kind not in to]:
        raise CannotTake(what=f"Выберите, кому передать: {', '.join(missing)}.")
    if refusals := list(_refusals(employee, held, to)):
        raise CannotTake(what=" ".join(refusals))
    changes: dict[int, dict[str, object]] = {}
    for answer in held.answers:
        if answer.pk not in letters:
            raise CannotTake(what=f"Обращение № {answer.appeal.number} только что передали на подпись. Повторите.")
        signature.pass_on(answer, signer=to[SIGNATURES], letter=letters[answer.pk], by=by)
    for row in held.approvals:
        _pass_approval(row, to[APPROVALS])
        changes.setdefault(row.revision.draft.appeal_id, {})["approver"] = to[APPROVALS].pk
    for later in held.awaited:
        _pass_awaited(later, to[APPROVALS])
        changes.setdefault(later.revision.draft.appeal_id, {})["approver"] = to[APPROVALS].pk
    if WORK in to:
        _pass_work(employee, held, to[WORK], changes)
        _pass_parts(held, to[WORK], changes, by)
    for resolution in held.resolutions:
        mine = Resolution.objects.filter(pk=resolution.pk, to_person=employee, closed_at=None)
        if not mine.update(to_person=to[RESOLUTIONS], version=F("version") + 1):
            raise CannotTake(what=f"Обращение № {resolution.appeal.number}: резолюцию только что закрыли. Повторите.")
        changes.setdefault(resolution.appeal_id, {})["asked_of"] = to[RESOLUTIONS].pk
    for stop in held.stops:
        _pass_stop(stop, to[ROUTES])
    for row_of_days in held.substitutions:
        substitution.pass_on(row_of_days, to[SUBSTITUTIONS], by=by)
    _write_down(employee, held, to, changes, by)
    return held


def _refusals(employee: Employee, held: Held, to: Mapping[str, Employee]) -> Iterable[str]:
    """Return why colleagues cannot take something, each reason once."""
    return dict.fromkeys(words for kind in held.kinds() for words in _asked(employee, held, kind, to[kind]))


def _asked(employee: Employee, held: Held, kind: str, taker: Employee) -> Iterable[str]:
    today = timezone.localdate()
    if taker.pk == employee.pk or not taker.is_active:
        yield f"{taker.short_name}: дела передают другому, работающему сотруднику."
        return
    try:
        yield from _ASKED[kind](held, taker, today)
    except DomainError as refusal:
        yield str(refusal)


def _asked_work(held: Held, taker: Employee, today: date) -> Iterable[str]:
    assignment.check_helper(taker, today)
    for unit in {one.unit for one in held.appeals if one.unit}:
        assignment.check_executor(taker, unit, today)
    cases = [*held.appeals, *held.helped, *(one.appeal for one in held.parts)]
    for appeal in [*cases, *(one.question.appeal for one in held.questions)]:
        complained.check_apart(appeal, taker, "передать его ему")
    asked = HelperPart.objects.filter(appeal__in=[one.appeal_id for one in held.parts], employee=taker)
    for part in asked.filter(taken_at=None).select_related("appeal"):
        yield f"{taker.short_name}: по № {part.appeal.number} у него уже просили часть. Пусть её сначала соберут."


def _asked_approvals(held: Held, taker: Employee, today: date) -> Iterable[str]:
    asked: list[Approval | AwaitedApproval] = [*held.approvals, *held.awaited]
    for row in asked:
        approval.check_approver(taker, row.revision.author_id, row.asked_by, timezone.now())
        complained.check_apart(row.revision.draft.appeal, taker, "передать ему согласование")
    return ()


def _asked_signatures(held: Held, taker: Employee, today: date) -> Iterable[str]:
    for answer in held.answers:
        signature.check_signer(answer.appeal, taker, today)
    return ()


def _asked_resolutions(held: Held, taker: Employee, today: date) -> Iterable[str]:
    for resolution in held.resolutions:
        complained.check_apart(resolution.appeal, taker, "передать ему резолюцию")
    if any(one.author_id == taker.pk for one in held.resolutions):
        yield f"{taker.short_name}: резолюцию себе не пишут, а среди них есть его. Выберите другого."


def _asked_routes(held: Held, taker: Employee, today: date) -> Iterable[str]:
    if "appeals.approve" not in staff.powers_of(taker, today):
        yield f"{taker.short_name}: нет права согласовывать ответы."


def _asked_nothing(held: Held, taker: Employee, today: date) -> Iterable[str]:
    return ()  # a substitution asks by itself


_ASKED: Final[dict[str, Callable[[Held, Employee, date], Iterable[str]]]] = {
    WORK: _asked_work,
    APPROVALS: _asked_approvals,
    SIGNATURES: _asked_signatures,
    RESOLUTIONS: _asked_resolutions,
    ROUTES: _asked_routes,
    SUBSTITUTIONS: _asked_nothing,
}


def _pass_approval(row: Approval, taker: Employee) -> None:
    """Ask another colleague; where he was asked about this very text already, his word is enough."""
    waiting = Approval.objects.filter(pk=row.pk, decision=Approval.Decision.WAITING)
    asked = Approval.objects.filter(revision=row.revision_id, approver=taker).exists()
    if not (waiting.delete()[0] if asked else waiting.update(approver=taker)):
        number = row.revision.draft.appeal.number
        raise CannotTake(what=f"Обращение № {number}: решение только что приняли. Повторите.")


def _pass_awaited(row: AwaitedApproval, taker: Employee) -> None:
    """Put another colleague into the turn; where he is in one about this very text already, once is enough."""
    rows = AwaitedApproval.objects.filter(pk=row.pk)
    same = AwaitedApproval.objects.filter(revision=row.revision_id, approver=taker).exists()
    asked = Approval.objects.filter(revision=row.revision_id, approver=taker).exists()
    if not (rows.delete()[0] if same or asked else rows.update(approver=taker)):
        raise CannotTake(
            what=f"Обращение № {row.revision.draft.appeal.number}: очередь согласования сдвинулась. Повторите."
        )


def _pass_stop(stop: RouteStop, taker: Employee) -> None:
    """Put another colleague on the route; one who stands there already stands there once."""
    rows = RouteStop.objects.filter(pk=stop.pk)
    if RouteStop.objects.filter(route=stop.route_id, employee=taker).exists():
        rows.delete()
    else:
        rows.update(employee=taker)


def _pass_parts(held: Held, taker: Employee, changes: dict[int, dict[str, object]], by: Employee) -> None:
    """Ask another colleague for the parts; an executor assembles parts and owes none."""
    for part in held.parts:
        waiting = HelperPart.objects.filter(pk=part.pk, handed_at=None, taken_at=None)
        if part.appeal.executor_id == taker.pk:
            done = waiting.delete()[0]
            journal.record("appeal.part_withdrawn", chain=f"appeal:{part.appeal_id}", by=by, part=part.pk)
        else:
            done = waiting.update(employee=taker)
            CoExecutor.objects.get_or_create(appeal=part.appeal, employee=taker)
            changes.setdefault(part.appeal_id, {})["helper"] = taker.pk
        if not done:
            raise CannotTake(what=f"Обращение № {part.appeal.number}: часть только что сдали. Повторите.")
    for question in held.questions:
        CaseQuestion.objects.filter(pk=question.pk).update(executor=taker)
        appeal = question.question.appeal
        if appeal.executor_id != taker.pk and appeal.pk not in {one.pk for one in held.appeals}:
            CoExecutor.objects.get_or_create(appeal=appeal, employee=taker)
        changes.setdefault(appeal.pk, {})["helper"] = taker.pk


def _pass_work(employee: Employee, held: Held, taker: Employee, changes: dict[int, dict[str, object]]) -> None:
    """Give the appeals another executor or helper; the version grows, so a step begun by somebody else is refused."""
    executed = Appeal.objects.filter(pk__in=[one.pk for one in held.appeals], executor=employee)
    if executed.update(executor=taker, version=F("version") + 1) != len(held.appeals):
        raise CannotTake(what="Одно из обращений только что переназначили. Повторите.")
    ids = {one.pk for one in held.appeals}
    helped = {one.pk for one in held.helped}
    CoExecutor.objects.filter(appeal__in=ids | helped, employee__in=[employee, taker]).delete()
    free = Appeal.objects.filter(pk__in=helped).exclude(executor=taker)
    CoExecutor.objects.bulk_create(CoExecutor(appeal=one, employee=taker) for one in free)
    for pk in ids:
        changes.setdefault(pk, {})["executor"] = taker.pk
    for pk in helped:
        changes.setdefault(pk, {})["helper"] = taker.pk


def _write_down(
    employee: Employee,
    held: Held,
    to: Mapping[str, Employee],
    changes: Mapping[int, dict[str, object]],
    by: Employee,
) -> None:
    told = {f"appeal:{pk}": {"was": employee.pk, **what} for pk, what in changes.items()}
    journal.record_each("appeal.handed_over", told, by=by)
    journal.record(
        "employee.handed_over",
        chain=f"employee:{employee.pk}",
        by=by,
        to={kind: to[kind].pk for kind in held.kinds()},
        appeals=len(held.appeals),
        helped=len(held.helped),
        approvals=len(held.approvals),
        answers=len(held.answers),
        substitutions=len(held.substitutions),
        parts=len(held.parts),
        resolutions=len(held.resolutions),
        stops=len(held.stops),
    )
    for appeal in Appeal.objects.filter(pk__in=changes):
        search_feed.put(appeal)
