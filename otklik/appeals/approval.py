"""Approval of one revision by another pair of eyes; an edit afterwards asks again."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from django.db import transaction
from django.db.models import Exists, F, OuterRef, QuerySet
from django.utils import timezone

from otklik.appeals import access, checklist, complained, drafting, routes, search_feed, transitions
from otklik.appeals.errors import NotYours
from otklik.appeals.models import Appeal, Approval, ApprovalRoute, AwaitedApproval, DraftRevision, MarginRemark
from otklik.appeals.permissions import check_can_write, check_power
from otklik.core import journal
from otklik.core.errors import DomainError
from otklik.people import staff
from otklik.people.models import Employee

S = Appeal.Status
Decision = Approval.Decision
CHANGED = "после передачи текст изменили или отозвали"


class NothingToApprove(DomainError):
    """The draft is empty, or nobody is asked."""

    code = "appeal.nothing_to_approve"
    text = "{what}"


class UnfilledPlaceholders(DomainError):
    """A template's place is still in braces: nobody has filled it in."""

    code = "appeal.unfilled_placeholders"
    text = "В ответе остались незаполненные места: {names}. Впишите нужное вместо скобок или уберите их."


class UnfitApprover(DomainError):
    """The employee may not approve this answer."""

    code = "appeal.unfit_approver"
    text = "{name}: согласовать нельзя — {why}."


class ApprovalOutdated(DomainError):
    """The text has changed since, or the decision is made already."""

    code = "appeal.approval_outdated"
    text = "Решение не записано: {why}. Обновите карточку."


class RemarkNeeded(DomainError):
    """A return without a word helps nobody."""

    code = "appeal.remark_needed"
    text = "Напишите, что исправить: без замечания исполнитель не поймёт, почему ответ вернулся."


def check_can_ask(appeal: Appeal, user: Employee) -> None:
    """Raise where the user may not hand the draft over for approval."""
    check_can_write(appeal, user)
    transitions.check_can_move(appeal, S.APPROVAL)
    if appeal.status != S.DRAFTING:
        raise transitions.MoveRefused(number=appeal.number, now=S(appeal.status).label, to=S.APPROVAL.label)


def check_can_decide(approval: Approval, user: Employee) -> None:
    """Raise where the user may not approve or give back: not asked, his own text, an old revision."""
    check_power(user, "appeals.approve", "согласовать ответ")
    appeal = approval.revision.draft.appeal
    if not access.stands_for(user, approval.approver):
        raise NotYours(number=appeal.number, what="согласовать ответ", who=approval.approver.short_name)
    complained.check_apart(appeal, user, "согласовать ответ ему")
    if user.pk in (approval.asked_by_id, approval.revision.author_id):
        raise UnfitApprover(name=user.short_name, why="это ваш текст; нужен другой сотрудник")
    if approval.decision != Decision.WAITING:
        raise ApprovalOutdated(why="решение уже принято")
    if appeal.status != S.APPROVAL or approval.revision.version != approval.revision.draft.version:
        raise ApprovalOutdated(why=CHANGED)


def check_can_decide_now(appeal: Appeal, user: Employee) -> None:
    """Raise where no decision about this appeal waits for the user."""
    check_power(user, "appeals.approve", "согласовать ответ")
    transitions.check_can_move(appeal, S.SIGNING)
    if appeal.status != S.APPROVAL or (row := decision_of(appeal, user)) is None:
        raise ApprovalOutdated(why="ваше решение по этому обращению не ждут")
    check_can_decide(row, user)


def decision_of(appeal: Appeal, user: Employee) -> Approval | None:
    """Return the decision about this appeal that waits for the user, if there is one."""
    rows = waiting_for(user).filter(revision__draft__appeal=appeal)
    return rows.select_related("approver", "asked_by", "revision__author", "revision__draft__appeal").first()


def candidates(appeal: Appeal, user: Employee) -> list[Employee]:
    """Return who may be asked: holders of the power, first those above the appeal's unit, never the author."""
    today = timezone.localdate()
    holders = [one for one in staff.holders("appeals.approve", on=today) if one.is_active and one.pk != user.pk]
    holders = complained.apart(appeal, holders)
    return sorted(holders, key=lambda one: (one.unit_id != appeal.unit_id, one.full_name))


def likely(appeal: Appeal, user: Employee, people: Sequence[Employee]) -> Employee | None:
    """Return whom the page proposes of those who may be asked: the first of the appeal's unit, else who was last."""
    if people and people[0].unit_id == appeal.unit_id:
        return people[0]
    last = Approval.objects.filter(asked_by=user).order_by("-pk").values_list("approver", flat=True).first()
    return next((one for one in people if one.pk == last), None)


def waiting_for(user: Employee) -> QuerySet[Approval]:
    """Return the decisions that wait for the user, or for whom he stands in; only of texts that still count."""
    people = [person.pk for person in access.people_behind(user)]
    return current(Approval.objects.filter(approver__in=people, decision=Decision.WAITING))


def current(approvals: QuerySet[Approval]) -> QuerySet[Approval]:
    """Narrow to approvals whose revision is still the draft as it stands, on appeals «на согласовании»."""
    return approvals.filter(revision__version=F("revision__draft__version"), revision__draft__appeal__status=S.APPROVAL)


def approved_revision(appeal: Appeal) -> DraftRevision | None:
    """Return the revision that may go to signature: the draft as it stands, approved by everyone asked."""
    asked = Approval.objects.filter(revision=OuterRef("pk"))
    later = AwaitedApproval.objects.filter(revision=OuterRef("pk"))
    everyone = Exists(asked) & ~Exists(asked.exclude(decision=Decision.APPROVED)) & ~Exists(later)
    newest = DraftRevision.objects.filter(draft__appeal=appeal, version=F("draft__version")).order_by("-seq")
    revision = newest.annotate(approved=everyone).first()
    return revision if revision is not None and revision.approved else None


@transaction.atomic
def ask(
    appeal: Appeal,
    *,
    approvers: Sequence[Employee] = (),
    route: ApprovalRoute | None = None,
    by: Employee,
    at: datetime | None = None,
    imported: bool = False,
) -> list[Approval]:
    """Keep the draft as a revision and ask for decisions about exactly that revision.

    By a route the first turn is asked at once, every next one when all before it have approved. What the checks stop
    is handed to nobody.
    """
    if not imported:
        check_can_ask(appeal, by)
    at = at or timezone.now()
    draft = drafting.draft_of(appeal)
    if not draft.text.strip():
        raise NothingToApprove(what="Проект ответа пуст. Напишите текст и передайте его на согласование.")
    if not imported and (empty := checklist.placeholders(draft.text)):
        raise UnfilledPlaceholders(names=", ".join(empty))
    if not imported:
        checklist.stop(checklist.of_answer(appeal, draft.text, drafting.files_of(draft), drafting.facts(appeal)))
    on = timezone.localdate(at)
    turns = [(1, list(dict.fromkeys(approvers)))] if approvers else []
    if route is not None:
        turns = routes.turns(route, appeal, on=on, apart_from=(by.pk, draft.saved_by_id))
    if not turns:
        raise NothingToApprove(what="Выберите, кто согласует ответ.")
    for person in (one for _, people in turns for one in people):
        check_approver(person, draft.saved_by_id, by, at)
        complained.check_apart(appeal, person, "отправить ему ответ на согласование")
    drafting.hold(draft, by=by)
    revision = drafting.keep(draft, by=by)
    if revision.approvals.exists():
        # Asked again without an edit: decisions once made stay with the old revision.
        drafting.renew(draft)
        revision = drafting.keep(draft, by=by)
    rows = [Approval.objects.create(revision=revision, approver=one, asked_by=by, asked_at=at) for one in turns[0][1]]
    AwaitedApproval.objects.bulk_create(
        AwaitedApproval(revision=revision, turn=turn, approver=person, asked_by=by)
        for turn, people in turns[1:]
        for person in people
    )
    transitions.move(
        appeal,
        S.APPROVAL,
        by=by,
        action="appeal.approval_asked",
        facts={"revision": revision.seq, "approvers": [one.pk for _, people in turns for one in people]},
    )
    search_feed.put(appeal)
    return rows


@transaction.atomic
def approve(approval: Approval, *, by: Employee, at: datetime | None = None, imported: bool = False) -> Approval:
    """Approve the revision that was shown; where the route goes on, ask whose turn is next."""
    approval = _decide(approval, Decision.APPROVED, remark="", by=by, at=at, imported=imported)
    _ask_next(approval.revision, by=by, at=at or timezone.now())
    return approval


@transaction.atomic
def give_back(
    approval: Approval, *, remark: str, by: Employee, at: datetime | None = None, imported: bool = False
) -> Approval:
    """Return the draft for rework with a remark, or with those in the margin; «готовится ответ» again."""
    beside = approval.remarks.filter(done_at=None).count()
    if not remark.strip() and not beside:
        raise RemarkNeeded
    remark = remark.strip() or f"Замечания рядом с текстом: {beside}."
    approval = _decide(approval, Decision.RETURNED, remark=remark.strip(), by=by, at=at, imported=imported)
    transitions.move(approval.revision.draft.appeal, S.DRAFTING, by=by, action="appeal.given_back")
    return approval


def _ask_next(revision: DraftRevision, *, by: Employee, at: datetime) -> None:
    """Ask the next turn of the route where everybody so far has approved. The draft's row is held: one does it."""
    if revision.approvals.exclude(decision=Decision.APPROVED).exists():
        return
    waiting = list(revision.awaited.select_related("approver", "asked_by"))
    now = [row for row in waiting if row.turn == waiting[0].turn]
    if not now:
        return
    for row in now:
        Approval.objects.get_or_create(
            revision=revision, approver=row.approver, defaults={"asked_by": row.asked_by, "asked_at": at}
        )
    AwaitedApproval.objects.filter(pk__in=[row.pk for row in now]).delete()
    journal.record(
        "appeal.next_asked",
        chain=f"appeal:{revision.draft.appeal_id}",
        by=by,
        revision=revision.seq,
        approvers=[row.approver_id for row in now],
    )
    search_feed.put(revision.draft.appeal)


# --- remarks in the margin -------------------------------------------------------------------------------------------


class PassageNotFound(DomainError):
    """A remark stands beside words that are not in the text."""

    code = "appeal.passage_not_found"
    text = "Этих слов в редакции нет: {passage}. Выделите место в тексте или скопируйте его дословно."


@transaction.atomic
def remark(approval: Approval, *, passage: str, text: str, by: Employee) -> MarginRemark:
    """Put a remark beside a passage of the revision that is being decided about."""
    check_can_decide(approval, by)
    passage, text = " ".join(passage.split()), text.strip()
    if not text:
        raise RemarkNeeded
    if not passage or passage not in " ".join(approval.revision.text.split()):
        raise PassageNotFound(passage=f"«{passage[:80]}»" if passage else "место не указано")
    row = MarginRemark.objects.create(
        revision=approval.revision,
        approval=approval,
        passage=passage[:2000],
        text=text[:2000],
        by=by,
        at=timezone.now(),
    )
    journal.record(
        "appeal.remarked",
        chain=f"appeal:{approval.revision.draft.appeal_id}",
        by=by,
        remark=row.pk,
        revision=approval.revision.seq,
    )
    return row


@transaction.atomic
def done(appeal: Appeal, pk: int, *, answer: str, by: Employee) -> MarginRemark:
    """Say that a remark has been met, or why it is not; only who writes the answer may."""
    drafting.check_can_draft(appeal, by)
    now = timezone.now()
    open_ = MarginRemark.objects.filter(pk=pk, revision__draft__appeal=appeal, done_at=None)
    if not open_.update(done_by=by, done_at=now, answer=" ".join(answer.split())[:500]):
        raise ApprovalOutdated(why="замечание уже учтено или его нет")
    journal.record("appeal.remark_done", chain=f"appeal:{appeal.pk}", by=by, remark=pk)
    return MarginRemark.objects.get(pk=pk)


def remarks_of(appeal: Appeal, text: str) -> list[MarginRemark]:
    """Return the remarks about this answer, those not met first, each with `stands`: are its words still there."""
    rows = list(
        MarginRemark.objects.filter(revision__draft__appeal=appeal)
        .select_related("by", "done_by", "revision")
        .order_by("-pk")[:100]
    )
    plain = " ".join(text.split())
    for row in rows:
        row.stands = row.passage in plain
    return sorted(rows, key=lambda one: (one.done_at is not None, -one.pk))


def _decide(
    approval: Approval, decision: str, *, remark: str, by: Employee, at: datetime | None, imported: bool
) -> Approval:
    if not imported:
        check_can_decide(approval, by)
    try:
        drafting.hold(approval.revision.draft, by=by)
    except drafting.DraftConflict as conflict:
        raise ApprovalOutdated(why=CHANGED) from conflict
    decided = Approval.objects.filter(pk=approval.pk, decision=Decision.WAITING).update(
        decision=decision, remark=remark, decided_by=by, decided_at=at or timezone.now()
    )
    if not decided:
        raise ApprovalOutdated(why="решение уже принято")
    approval.refresh_from_db()
    appeal = approval.revision.draft.appeal
    journal.record(
        f"appeal.{decision}",
        chain=f"appeal:{appeal.pk}",
        by=by,
        on_behalf_of=approval.approver if approval.approver_id != by.pk else None,
        revision=approval.revision.seq,
    )
    return approval


def check_approver(person: Employee, author: int | None, by: Employee, at: datetime) -> None:
    """Raise where the employee may not be asked about a text of this author by this colleague."""
    if person.pk in (by.pk, author):
        raise UnfitApprover(name=person.short_name, why="это автор текста; нужен другой сотрудник")
    if not person.is_active or "appeals.approve" not in staff.powers_of(person, timezone.localdate(at)):
        raise UnfitApprover(name=person.short_name, why="нет права согласовывать ответы")
