"""Who is told what: notices made from the journal's rows and from terms, each once, never about one's own action.

The rooms below know nothing of this. Every change leaves a row in the journal; a worker reads the new ones
(`journal.read_on`) and writes a notice for each employee it concerns, in the transaction that remembers the reading.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import date, datetime, time, timedelta
from typing import Final, NamedTuple

from django.db import transaction
from django.db.models import Count, Exists, OuterRef, Q, QuerySet, Subquery
from django.urls import reverse
from django.utils import timezone

from otklik.appeals import access, approval, forwarding, queues
from otklik.appeals.models import (
    FINISHED,
    Appeal,
    Approval,
    Forwarding,
    FrozenAnswer,
    HelperPart,
    Inquiry,
    Resolution,
)
from otklik.appeals.sstu import dictionary, selecting
from otklik.appeals.sstu import kept as sstu_kept
from otklik.channels.webhooks import calls
from otklik.channels.webhooks.models import Webhook
from otklik.core import calendar, hours, journal
from otklik.core.actions import NAMES
from otklik.core.errors import is_outage
from otklik.core.models import JournalEntry
from otklik.correspondence.models import IncomingMessage, OutgoingMessage
from otklik.hotline import missed
from otklik.hotline.models import Promise
from otklik.knowledge import agreement, law, quarters, review, votes
from otklik.knowledge.models import Agreement, LawChange, LawWeek, Material, ReviewDuty, ReviewItem, Vote
from otklik.people import staff
from otklik.people.models import Employee, Substitution, Unit
from otklik.reception import instructions
from otklik.reception.models import Instruction
from otklik.reports import channels, head_sheet, kept
from otklik.workplace.models import Attention, Notice, NoticeSettings

log = logging.getLogger("otklik.notices")

Kind = Notice.Kind
Level = Attention.Level
ONCE, DIGEST, NO_MAIL = "once", "digest", ""
DIGEST_AT: Final = time(9)
# Whoever opens the appeal meanwhile needs no letter; several events at once make one.
AT_ONCE: Final = timedelta(minutes=1)
READ_KEPT, UNREAD_KEPT = timedelta(days=90), timedelta(days=365)


class Way(NamedTuple):
    """How an employee is told of one kind of event. `mail`: at once, in the day's digest, or not at all."""

    shown: bool
    mail: str


# What asks for an action is seen at once and comes in the digest; what burns comes by mail at once.
SHIPPED: Final[Mapping[str, Way]] = {
    Kind.ASSIGNED: Way(True, DIGEST),
    Kind.APPROVAL: Way(True, DIGEST),
    Kind.SIGNATURE: Way(True, DIGEST),
    Kind.RETURNED: Way(True, DIGEST),
    Kind.APPROVED: Way(True, DIGEST),
    Kind.REPLY: Way(True, DIGEST),
    Kind.UNDELIVERED: Way(True, ONCE),
    Kind.TERM: Way(True, DIGEST),
    Kind.MENTION: Way(True, ONCE),
    Kind.FOLLOWED: Way(True, NO_MAIL),
    Kind.VOTE: Way(True, DIGEST),
    Kind.REVIEW: Way(True, DIGEST),
    Kind.LAW: Way(True, DIGEST),
    Kind.CALL_BACK: Way(True, ONCE),
    Kind.TO_AGREE: Way(True, DIGEST),
    Kind.AGREED: Way(True, DIGEST),
    Kind.OPINION: Way(True, DIGEST),
    Kind.INSTRUCTION: Way(True, DIGEST),
    Kind.CHANNEL: Way(True, ONCE),
    Kind.SYSTEM: Way(True, ONCE),
    Kind.HEAD_SHEET: Way(True, ONCE),
}
# What waits for this very person comes through «не уведомлять» too: nobody must miss what is his.
NEVER_MUTED: Final = {
    *(Kind.ASSIGNED, Kind.APPROVAL, Kind.SIGNATURE, Kind.RETURNED, Kind.TERM, Kind.REVIEW, Kind.MENTION),
    *(Kind.TO_AGREE, Kind.LAW, Kind.CALL_BACK, Kind.INSTRUCTION),
}
# Days before a term on which it is told of; then on the day itself, and once it has passed.
TERM_STAGES: Final = (1, 3, 7)
PROMISE_SOON: Final = timedelta(minutes=30)
# Days before a review is due on which its unit is reminded.
REMINDED: Final = (1, 7, 14, 30)


@dataclass(frozen=True)
class Wishes:
    """How one employee wants to be told."""

    ways: Mapping[str, Way] = field(default_factory=lambda: SHIPPED)
    digest_at: time = DIGEST_AT
    quiet: bool = True

    def mail_at(self, mail: str, now: datetime) -> datetime | None:
        """Return when an event of now goes into a letter, None where it does not."""
        days = calendar.current()
        if mail == ONCE:
            at = now + AT_ONCE
            return hours.when_at_work(at, days) if self.quiet else at
        return hours.next_time(now, self.digest_at, days if self.quiet else None) if mail == DIGEST else None


@dataclass(frozen=True)
class Told:
    """What one event says to some people. `place`: where on the card it is seen; empty: its top, with the steps.

    What is about no appeal has a `path` of its own, and says what it is about.
    """

    kind: str
    text: str
    people: Collection[int | None]
    place: str = ""
    path: str = ""
    subject: str = ""


# --- the journal -----------------------------------------------------------------------------------------------------


def work_next() -> bool:
    """Read what is new in the journal and tell whom it concerns; return False when there is nothing new.

    Other systems hear of it by the same reading: their calls are written in its transaction.
    """
    return journal.read_on(
        _read, kinds=("appeal", "outgoing", "material", "law", "opinion", "file", "reception", *calls.KINDS)
    )


def _read(entries: list[JournalEntry]) -> None:
    calls.take(entries)
    kept.touch(entries)
    for entry in entries:
        try:
            with transaction.atomic():
                _tell_of(entry)
        except Exception as exc:
            if is_outage(exc):
                raise  # nothing of this reading is kept; it is done anew
            # One row that we cannot read must not keep everybody from hearing of the others.
            log.exception("journal row %s: nobody was told", entry.pk)


def _tell_of(entry: JournalEntry) -> None:
    if tell := _OF_PAGES.get(entry.action):
        tell(entry)
        return
    events = _EVENTS.get(entry.action)
    if events is None and entry.action not in FOLLOWED:
        return
    if (appeal := _appeal_of(entry)) is None:
        return
    source = f"{entry.chain}:{entry.seq}"
    heard: set[int] = set()
    for told in events(entry, appeal) if events else ():
        heard |= _tell(appeal, told, source=source, actor=entry.actor, at=entry.at)
    if entry.action in FOLLOWED:
        words = NAMES[entry.action]
        place = f"event-{entry.seq}" if entry.chain.startswith("appeal:") else ""
        told = Told(Kind.FOLLOWED, words[:1].upper() + words[1:], _followers_seeing(appeal) - heard, place)
        _tell(appeal, told, source=source, actor=entry.actor, at=entry.at)


def _tell_of_vote(entry: JournalEntry) -> None:
    """Tell a unit that its material has not helped somebody."""
    row = Vote.objects.filter(pk=entry.data["vote"], helped=False).first()
    material = Material.objects.filter(pk=row.page_id).first() if row else None
    if row is None or material is None:
        return
    told = Told(
        Kind.VOTE,
        f"Материал не помог: {row.get_reason_display()}",
        votes.whom_to_tell(material, timezone.localdate(entry.at)),
        path=votes_path(material.pk),
        subject=f"Материал «{material.title}»"[:200],
    )
    _tell(None, told, source=f"{entry.chain}:{entry.seq}", actor=entry.actor, at=entry.at)


def _tell_of_opinion(entry: JournalEntry) -> None:
    """Tell those who read opinions in a unit that one was handed to it."""
    unit = Unit.objects.filter(pk=entry.data["unit"]).first()
    if unit is None:
        return
    pk = int(entry.chain.partition(":")[2])
    people = staff.holders("surveys.read", unit=unit, on=timezone.localdate(entry.at)).values_list("pk", flat=True)
    path = reverse("workplace:opinion", args=[pk])
    told = Told(
        Kind.OPINION, f"Отзыв передан: {unit.short_name}"[:200], set(people), path=path, subject=f"Отзыв № {pk}"
    )
    _tell(None, told, source=f"{entry.chain}:{entry.seq}", actor=entry.actor, at=entry.at)


def _tell_of_system(entry: JournalEntry) -> None:
    """Tell the administrators of what waits for one of them."""
    kind, _, pk = entry.chain.partition(":")
    if kind == "webhook":
        name = Webhook.objects.filter(pk=pk).values_list("name", flat=True).first() or pk
        text, subject = "Сообщения другой системе приостановлены: она не отвечает", f"Система «{name}»"
        path = reverse("workplace:webhook", args=[pk])
    else:
        text, subject = "Файл отложен: решите, что с ним делать", f"Файл № {pk}"
        path = reverse("workplace:files_aside")
    told = Told(Kind.SYSTEM, text, _holders("people.manage"), path=path, subject=subject[:200])
    _tell(None, told, source=f"{entry.chain}:{entry.seq}", actor=entry.actor, at=entry.at)


def _tell_of_agreement(entry: JournalEntry) -> None:
    """Tell those who decide that a version waits, and its author what was decided."""
    row = Agreement.objects.select_related("page", "revision").filter(pk=entry.data["agreement"]).first()
    if row is None:
        return
    kind, text = _OF_AGREEMENT[entry.action]
    people: set[int | None] = {row.asked_by_id}
    if kind == Kind.TO_AGREE:
        people = {*agreement.whom_to_tell(row.page, timezone.localdate(entry.at))}
    told = Told(
        kind,
        f"{text}{row.remark}" if row.remark else text,
        people,
        path=reverse("workplace:agreement", args=[row.pk]),
        subject=f"Материал «{row.revision.object_str}»"[:200],
    )
    _tell(None, told, source=f"{entry.chain}:{entry.seq}", actor=entry.actor, at=entry.at)


_OF_AGREEMENT: Final[Mapping[str, tuple[Kind, str]]] = {
    "material.agreement_asked": (Kind.TO_AGREE, "Материал ждёт вашего согласования"),
    "material.agreed": (Kind.AGREED, "Материал согласован"),
    "material.returned": (Kind.AGREED, "Материал возвращён: "),
}


def _tell_of_instruction(entry: JournalEntry) -> None:
    """Tell the executor what he is asked for or what is to be mended, and who gave it that it was reported."""
    row = Instruction.objects.filter(pk=entry.data["instruction"]).first()
    if row is None:
        return
    text = _OF_INSTRUCTION[entry.action].format(until=f"{row.due_on:%d.%m.%Y}")
    person = row.by_id if entry.action == "reception.instruction_reported" else row.executor_id
    told = _of_instruction(row, text, {person})
    _tell(None, told, source=f"{entry.chain}:{entry.seq}", actor=entry.actor, at=entry.at)


def _of_instruction(row: Instruction, text: str, people: Collection[int]) -> Told:
    path = reverse("workplace:instruction", args=[row.pk])
    return Told(Kind.INSTRUCTION, text, people, path=path, subject=f"Поручение с приёма № {row.pk}")


_OF_INSTRUCTION: Final[Mapping[str, str]] = {
    "reception.instructed": "Вам дано поручение, срок {until}",
    "reception.instruction_returned": "Поручение вернули: нужно доделать до {until}",
    "reception.instruction_reported": "По поручению отчитались: снимите с контроля или верните",
}


def _tell_of_change(entry: JournalEntry) -> None:
    """Tell the units that keep what stands on a changed act, each of its own materials."""
    change = LawChange.objects.filter(pk=entry.chain.partition(":")[2]).first()
    if change is not None:
        on = timezone.localdate(entry.at)
        for unit, items in _by_unit(change.items.all()).items():
            until = f"{items[0].due_on:%d.%m.%Y}"
            text = f"Основание изменилось: проверьте материалы до {until}, их {len(items)}"
            told = _of_change(change, text, law.whom_to_tell(unit, on))
            _tell(None, told, source=f"{entry.chain}:{entry.seq}", actor=entry.actor, at=entry.at)


_OF_PAGES: Final[Mapping[str, Callable[[JournalEntry], None]]] = {
    "material.voted": _tell_of_vote,
    "law.changed": _tell_of_change,
    "opinion.handed": _tell_of_opinion,
    "webhook.disabled": _tell_of_system,
    "file.kept_aside": _tell_of_system,
    **dict.fromkeys(_OF_AGREEMENT, _tell_of_agreement),
    **dict.fromkeys(_OF_INSTRUCTION, _tell_of_instruction),
}


def _of_change(change: LawChange, text: str, people: Collection[int]) -> Told:
    path = reverse("workplace:law_change", args=[change.pk])
    return Told(Kind.LAW, text, people, path=path, subject=str(change)[:200])


def _by_unit(items: Iterable[ReviewItem]) -> dict[int, list[ReviewItem]]:
    found: dict[int, list[ReviewItem]] = {}
    for one in items:
        found.setdefault(one.unit_id, []).append(one)
    return found


def votes_path(material: int) -> str:
    """Return the page of what readers say of a material."""
    return f"{reverse('workplace:votes')}?material={material}"


def _appeal_of(entry: JournalEntry) -> Appeal | None:
    kind, _, pk = entry.chain.partition(":")
    rows = Appeal.objects.filter(pk=pk) if kind == "appeal" else Appeal.objects.filter(thread__outgoing=int(pk))
    return rows.first()


def _assigned(entry: JournalEntry, appeal: Appeal) -> Iterator[Told]:
    """Tell those who have not had the appeal until now."""
    before, executor = _held_before(entry), entry.data["executor"]
    if executor not in before:
        yield Told(Kind.ASSIGNED, "Вас назначили исполнителем", [executor])
    yield Told(Kind.ASSIGNED, "Вас назначили соисполнителем", set(entry.data["helpers"]) - before - {executor})


def _held_before(entry: JournalEntry) -> set[int]:
    """Return who had the appeal before this row of its journal: executor and helpers."""
    earlier = JournalEntry.objects.filter(
        chain=entry.chain,
        seq__lt=entry.seq,
        action__in=("appeal.assigned", "appeal.handed_over", "appeal.assignment_undone"),
    )
    held: set[int] = set()
    for action, data in earlier.order_by("seq").values_list("action", "data"):
        if action == "appeal.handed_over":
            taken = {data[name] for name in ("executor", "helper") if name in data}
            held = held - {data["was"]} | taken if taken else held
        else:
            held = {data["executor"], *data["helpers"]} if action == "appeal.assigned" else set()
    return held


def _handed_over(entry: JournalEntry, appeal: Appeal) -> Iterator[Told]:
    data = entry.data
    yield Told(Kind.ASSIGNED, "Вам передали обращение", [data.get("executor")])
    yield Told(Kind.ASSIGNED, "Вам передали обращение: вы соисполнитель", [data.get("helper")])
    yield Told(Kind.APPROVAL, "Ждёт вашего согласования: вам передали", [data.get("approver")])


def _to_approve(entry: JournalEntry, appeal: Appeal) -> Iterator[Told]:
    yield Told(Kind.APPROVAL, "Ждёт вашего согласования", entry.data["approvers"])


def _to_sign(entry: JournalEntry, appeal: Appeal) -> Iterator[Told]:
    yield Told(Kind.SIGNATURE, "Ждёт вашей подписи", [entry.data["signer"]])


def _approved(entry: JournalEntry, appeal: Appeal) -> Iterator[Told]:
    yield Told(Kind.APPROVED, "Ваш проект ответа согласован", _authors(entry, appeal), f"event-{entry.seq}")


def _returned(entry: JournalEntry, appeal: Appeal) -> Iterator[Told]:
    text = "Ваш проект ответа вернули на доработку"
    if entry.action == "appeal.withdrawn":
        text = "Ваш ответ отозвали с подписи"
    yield Told(Kind.RETURNED, text, _authors(entry, appeal), f"event-{entry.seq}")


def _authors(entry: JournalEntry, appeal: Appeal) -> set[int | None]:
    """Return whose draft it is: the executor's, and of whoever asked for the decision."""
    asked = JournalEntry.objects.filter(chain=entry.chain, seq__lt=entry.seq, action="appeal.approval_asked")
    return {appeal.executor_id, asked.order_by("-seq").values_list("actor", flat=True).first()}


def _joined(entry: JournalEntry, appeal: Appeal) -> Iterator[Told]:
    message = IncomingMessage.objects.filter(pk=entry.data["message"], machine="").first()
    if message is not None:  # a delivery report or «я в отпуске» is no word of the applicant
        yield Told(Kind.REPLY, "Заявитель написал ещё", [appeal.executor_id], f"in-{message.pk}")


def _noted(entry: JournalEntry, appeal: Appeal) -> Iterator[Told]:
    """Tell those who were mentioned; from now on they follow."""
    people = entry.data.get("mentioned", [])
    Attention.objects.bulk_create(
        [Attention(appeal=appeal, employee_id=one, level=Level.FOLLOWS) for one in people], ignore_conflicts=True
    )
    yield Told(Kind.MENTION, "Вас упомянули в заметке", people, f"event-{entry.seq}")


def _not_delivered(entry: JournalEntry, appeal: Appeal) -> Iterator[Told]:
    """Tell the executor and the clerk who sent the answer; where he has left, all who send."""
    letter = OutgoingMessage.objects.select_related("created_by").get(pk=entry.chain.partition(":")[2])
    stuck = letter.state in (OutgoingMessage.State.FAILED, OutgoingMessage.State.UNCERTAIN)
    if letter.kind != OutgoingMessage.Kind.ANSWER or not stuck:
        return  # a receipt, or it will be tried again
    text = "Ответ не доставлен" if letter.state == OutgoingMessage.State.FAILED else "Неизвестно, дошёл ли ответ"
    clerk = letter.created_by
    senders = {clerk.pk} if clerk and clerk.has_power("appeals.dispatch") else _holders("appeals.dispatch")
    yield Told(Kind.UNDELIVERED, text, {appeal.executor_id, *senders}, f"out-{letter.pk}")


def _resolved(entry: JournalEntry, appeal: Appeal) -> Iterator[Told]:
    """Tell to whom a resolution is: a person, or the heads of a unit; its author that it was reported."""
    row = Resolution.objects.filter(pk=entry.data["resolution"]).first()
    if row is None:
        return
    if entry.action == "appeal.resolution_done":
        if row.control:
            yield Told(Kind.INSTRUCTION, "По резолюции отчитались: снимите с контроля или верните", [row.author_id])
        return
    until = f", срок {row.due_on:%d.%m.%Y}" if row.due_on else ""
    text = "Резолюцию вернули: нужно доделать" if entry.action == "appeal.resolution_returned" else "Вам резолюция"
    yield Told(Kind.INSTRUCTION, text + until, _addressees(row), "matter")


def _addressees(row: Resolution) -> set[int | None]:
    if row.to_unit is None:
        return {row.to_person_id}
    heads = staff.holders(access.UNIT, unit=row.to_unit, on=timezone.localdate())
    return set(heads.values_list("pk", flat=True))


def _of_part(entry: JournalEntry, appeal: Appeal) -> Iterator[Told]:
    """Tell who is asked for a part, and the executor that one was handed in."""
    row = HelperPart.objects.filter(pk=entry.data["part"]).first()
    if row is None:
        return
    if entry.action == "appeal.part_asked":
        yield Told(
            Kind.ASSIGNED, f"Вас просят сдать часть ответа до {row.due_on:%d.%m.%Y}", [row.employee_id], "matter"
        )
    else:
        yield Told(
            Kind.APPROVED, "Соисполнитель сдал свою часть ответа", {appeal.executor_id, row.asked_by_id}, "matter"
        )


def _body_answered(entry: JournalEntry, appeal: Appeal) -> Iterator[Told]:
    """Tell the executor and who asked that another body has answered."""
    row = Inquiry.objects.filter(pk=entry.data["inquiry"]).first()
    if row is not None:
        yield Told(Kind.REPLY, "Пришёл ответ на запрос сведений", {appeal.executor_id, row.made_by_id}, "matter")


def _holders(power: str) -> set[int]:
    return set(staff.holders(power, on=timezone.localdate()).values_list("pk", flat=True))


_EVENTS: Final[Mapping[str, Callable[[JournalEntry, Appeal], Iterable[Told]]]] = {
    "appeal.assigned": _assigned,
    "appeal.handed_over": _handed_over,
    "appeal.approval_asked": _to_approve,
    "appeal.approved": _approved,
    "appeal.returned": _returned,
    "appeal.withdrawn": _returned,
    "appeal.frozen": _to_sign,
    "appeal.signer_changed": _to_sign,
    "appeal.joined": _joined,
    "appeal.noted": _noted,
    "appeal.resolution_written": _resolved,
    "appeal.resolution_done": _resolved,
    "appeal.resolution_returned": _resolved,
    "appeal.part_asked": _of_part,
    "appeal.part_handed": _of_part,
    "appeal.inquiry_answered": _body_answered,
    "outgoing.failed": _not_delivered,
    "outgoing.bounced": _not_delivered,
    "outgoing.unknown": _not_delivered,
}
# What those who follow hear of: steps and words, not every saving of a draft.
FOLLOWED: Final = {
    "appeal.classified",
    "appeal.assigned",
    "appeal.assignment_undone",
    "appeal.handed_over",
    "appeal.approval_asked",
    "appeal.approved",
    "appeal.returned",
    "appeal.frozen",
    "appeal.signer_changed",
    "appeal.withdrawn",
    "appeal.signed",
    "appeal.sent",
    "appeal.sent_another_way",
    "appeal.send_undone",
    "appeal.reopened",
    "appeal.closed",
    "appeal.close_undone",
    "appeal.joined",
    "appeal.noted",
    "appeal.redated",
    "appeal.paused",
    "appeal.resumed",
    "appeal.extended",
    "appeal.regime_changed",
    "appeal.control_set",
    "appeal.control_lifted",
    "appeal.forwarded",
    "appeal.forwarded_in_part",
    "outgoing.bounced",
    "outgoing.failed",
}


# --- terms -----------------------------------------------------------------------------------------------------------


def tell_of_terms(*, at_work_only: bool = True) -> int:
    """Remind of terms 7, 3 and 1 days ahead, on the last day and once it has passed; return how many were told.

    Whose step it is hears it, and who heads the unit or stands above it; each stage once, in working time only: what
    falls on a day off is told on the next working morning, as of that day.
    """
    now = timezone.now()
    if at_work_only and hours.when_at_work(now, calendar.current()) != now:
        return 0
    today = timezone.localdate(now)
    burning = Appeal.objects.filter(status__in=queues.OPEN, due_on__lte=today + timedelta(days=TERM_STAGES[-1]))
    known = Notice.objects.filter(kind=Kind.TERM, appeal__in=burning)
    heard = set(known.values_list("source", "employee"))
    asked = approval.current(Approval.objects.filter(decision=Approval.Decision.WAITING))
    approvers = _gathered(asked.values_list("revision__draft__appeal", "approver"))
    signing = FrozenAnswer.objects.filter(withdrawn_at=None, followed_at=None, appeal__status=Appeal.Status.SIGNING)
    signers = _gathered(signing.values_list("appeal", "signer"))
    heads: dict[int, set[int]] = {}
    told = 0
    for appeal in list(burning.select_related("unit").order_by("due_on", "pk")):
        assert appeal.due_on is not None
        stage, text = _term_stage(appeal.due_on, today)
        source = f"term:{appeal.pk}:{stage}:{appeal.due_on}"
        people = {appeal.executor_id or appeal.registered_by_id, *approvers.get(appeal.pk, ())}
        people |= signers.get(appeal.pk, set())
        if appeal.status == Appeal.Status.SIGNED:  # the executor has done his part
            people = {appeal.registered_by_id}
        elif appeal.unit is not None:
            if appeal.unit.pk not in heads:
                above = staff.holders("appeals.approve", unit=appeal.unit, on=today)
                heads[appeal.unit.pk] = set(above.values_list("pk", flat=True))
            people |= heads[appeal.unit.pk]
        people = {one for one in people if (source, one) not in heard}
        if people:
            with transaction.atomic():
                told += len(_tell(appeal, Told(Kind.TERM, text, people), source=source, actor=None, at=now))
    return told


def _term_stage(due_on: date, today: date) -> tuple[str, str]:
    left = (due_on - today).days
    if left < 0:
        return "passed", f"Срок прошёл {due_on:%d.%m}"
    if left == 0:
        return "today", "Срок сегодня"
    stage = next(days for days in TERM_STAGES if left <= days)
    return str(stage), f"Срок близок: {due_on:%d.%m}, осталось дней: {left}"


def _gathered(pairs: Iterable[tuple[int, int]]) -> dict[int, set[int]]:
    found: dict[int, set[int]] = {}
    for appeal, person in pairs:
        found.setdefault(appeal, set()).add(person)
    return found


# --- reviews of the Knowledge Base -----------------------------------------------------------------------------------


def tell_of_reviews() -> int:
    """Remind the units of reviews that are not closed, once a stage; return how many were told.

    Authors of the unit and its head hear that it is open, that 30, 14, 7 and 1 days are left, and that it is overdue;
    then those who oversee all units hear it too. Where a unit has nobody left, the chief editors hear in its place.
    """
    today, told = timezone.localdate(), 0
    known = Notice.objects.filter(kind=Kind.REVIEW)
    for duty in list(ReviewDuty.objects.filter(closed_at=None).select_related("unit")):
        left = quarters.days_left(duty, today)
        stage = "passed" if left < 0 else str(next((days for days in REMINDED if left <= days), "open"))
        source = f"review:{duty.pk}:{stage}:{duty.due_on}"
        authors, heads = review.keepers(duty.unit_id, today)
        people = authors | heads
        if not people or (duty.unit.valid_to and duty.unit.valid_to < today):
            people = people | _holders(review.CHIEF)
        if stage == "passed":
            people = people | _holders(review.OVERSEER)
        people -= set(known.filter(source=source).values_list("employee", flat=True))
        if people:
            with transaction.atomic():
                path = reverse("workplace:review", args=[duty.pk])
                subject = f"Актуализация, {duty.unit}, {duty.period}"
                news = Told(Kind.REVIEW, _said_of(duty, left), people, path=path, subject=subject[:200])
                told += len(_tell(None, news, source=source, actor=None, at=timezone.now()))
    return told


def _said_of(duty: ReviewDuty, left: int) -> str:
    if left < 0:
        return f"Проверка материалов просрочена: срок был {duty.due_on:%d.%m.%Y}"
    until = f"до {duty.due_on:%d.%m.%Y}"
    return f"Проверьте материалы {until}" if left > max(REMINDED) else f"Проверьте материалы {until}, дней: {left}"


# --- what was ordered at receptions ---------------------------------------------------------------------------------


def tell_of_instructions() -> int:
    """Remind executors on the last day of a поручение, and once more with who gave it when the day has passed."""
    today, told = timezone.localdate(), 0
    for row in Instruction.objects.filter(instructions.OPEN, done_at=None, due_on__lte=today):
        stage, said = _stage(row.due_on, today)
        people = {row.executor_id, row.by_id} if stage == "passed" else {row.executor_id}
        news = _of_instruction(row, f"Поручение не исполнено: {said}", people)
        told += remind(news, f"instruction:{row.pk}:{stage}:{row.due_on}")
    return told


# --- resolutions, parts of co-executors, requests to other bodies ----------------------------------------------------


def tell_of_help() -> int:
    """Remind on the last day of a resolution, a part, a request or a forwarding, and once more when it has passed."""
    today, told = timezone.localdate(), 0
    goes_on = Q(appeal__status__in=queues.OPEN)
    open_ = Resolution.objects.filter(goes_on, closed_at=None, done_at=None, due_on__lte=today)
    for row in open_.select_related("appeal", "to_unit"):
        stage, said = _stage(row.due_on or today, today)
        people = _addressees(row) | ({row.author_id} if stage == "passed" and row.control else set())
        news = Told(Kind.INSTRUCTION, f"Резолюция не исполнена: {said}", people, "matter")
        told += remind(news, f"resolution:{row.pk}:{stage}:{row.due_on}", row.appeal)
    late = HelperPart.objects.filter(goes_on, handed_at=None, due_on__lte=today)
    for part in late.select_related("appeal"):
        stage, said = _stage(part.due_on, today)
        asked = {part.employee_id, part.appeal.executor_id if stage == "passed" else None}
        news = Told(Kind.TERM, f"Часть ответа не сдана: {said}", asked, "matter")
        told += remind(news, f"part:{part.pk}:{stage}:{part.due_on}", part.appeal)
    waiting = Inquiry.objects.filter(goes_on, answered_on=None, withdrawn_on=None, due_on__lte=today)
    for inquiry in waiting.select_related("appeal"):
        stage, said = _stage(inquiry.due_on, today)
        news = Told(
            Kind.TERM, f"Ответа на запрос нет: {said}", {inquiry.made_by_id, inquiry.appeal.executor_id}, "matter"
        )
        told += remind(news, f"inquiry:{inquiry.pk}:{stage}:{inquiry.due_on}", inquiry.appeal)
    # Sent on as a whole, the case is closed here, and the results are still waited for.
    sent_on = Forwarding.objects.filter(forwarding.WAITING, control_on__lte=today)
    for sent in sent_on.select_related("appeal"):
        stage, said = _stage(sent.control_on or today, today)
        people = {sent.by_id, sent.appeal.executor_id}
        news = Told(Kind.TERM, f"Сведений по пересланному нет: {said}", people, "matter")
        told += remind(news, f"forwarding:{sent.pk}:{stage}:{sent.control_on}", sent.appeal)
    return told


# --- changes of the law ----------------------------------------------------------------------------------------------


def tell_of_law() -> int:
    """Remind of the week's look at the law, and of materials whose ground has changed; return how many were told.

    The legal unit hears that a week is open, that its last day has come, and that it is overdue; the chief editors
    where nobody is of that unit. Keepers of materials hear on the last day and when it has passed.
    """
    today, told = timezone.localdate(), 0
    chiefs = _holders(review.CHIEF)
    lawyers = _holders(law.POWER) - chiefs or chiefs
    for week in LawWeek.objects.filter(closed_at=None):
        stage, said = _stage(week.due_on, today)
        text = f"Изменения законодательства, {week}: {said or f'ответьте до {week.due_on:%d.%m.%Y}'}"
        people = lawyers | (_holders(review.OVERSEER) if stage == "passed" else set())
        path = reverse("workplace:law_week", args=[week.pk])
        news = Told(Kind.LAW, text, people, path=path, subject="Изменения законодательства РФ и НСО")
        told += remind(news, f"law_week:{week.pk}:{stage}")
    waiting = ReviewItem.objects.filter(state=ReviewItem.State.WAITING, change__isnull=False)
    for change in LawChange.objects.filter(pk__in=waiting.values("change")):
        for unit, items in _by_unit(waiting.filter(change=change).order_by("due_on")).items():
            stage, said = _stage(items[0].due_on, today)
            if said:
                text = f"Основание изменилось, ждут проверки: {len(items)}; {said}"
                news = _of_change(change, text, law.whom_to_tell(unit, today))
                told += remind(news, f"law:{change.pk}:{unit}:{stage}:{items[0].due_on}")
    return told


# --- ССТУ -------------------------------------------------------------------------------------------------------------


def tell_of_sstu() -> int:
    """Remind clerks, a day at a time, that last month is to be reported to ССТУ; return how many were told."""
    rule, today = dictionary.rule(), timezone.localdate()
    month = selecting.of(today).previous
    due_on = month.due_on(rule)
    if not due_on - timedelta(days=rule.remind_days) <= today <= due_on:
        return 0
    counted = sstu_kept.standing(month).counted()
    waits = sum(number for state, number in counted.items() if state not in ("sent", "mended", "aside"))
    if not waits:
        return 0
    bad = counted["mend"] + counted["refused"]
    text = f"Выгрузить в ССТУ до {due_on:%d.%m.%Y}: осталось {waits}" + (f", исправить {bad}" if bad else "")
    path = reverse("workplace:sstu_month", args=[month.first])
    news = Told(Kind.TERM, text, _holders(dictionary.POWER), path=path, subject=f"ССТУ за {month.first:%m.%Y}")
    return remind(news, f"sstu:{month.first:%Y-%m}:{today}")


def _stage(due_on: date, today: date) -> tuple[str, str]:
    if due_on < today:
        return "passed", f"срок прошёл {due_on:%d.%m.%Y}"
    return ("last", "последний день сегодня") if due_on == today else ("open", "")


def remind(told: Told, source: str, appeal: Appeal | None = None) -> int:
    """Tell those of `told.people` who have not heard it yet; return how many."""
    heard = Notice.objects.filter(kind=told.kind, source=source).values_list("employee", flat=True)
    if not (people := set(told.people) - set(heard)):
        return 0
    with transaction.atomic():
        return len(_tell(appeal, replace(told, people=people), source=source, actor=None, at=timezone.now()))


# --- calls to be made ------------------------------------------------------------------------------------------------


def tell_of_calls() -> int:
    """Remind of missed calls that are overdue and of promises coming due; return how many were told.

    An overdue missed call: who has taken it, otherwise those who keep the log of its line, and the heads there. A
    promise: who has given it half an hour before, and once more when its time has passed, then the heads hear it too.
    """
    now, told = timezone.now(), 0
    overdue = missed.waiting().filter(due_at__lt=now).select_related("line__unit")
    soon = Promise.objects.filter(outcome=Promise.Outcome.OPEN, due_at__lt=now + PROMISE_SOON)
    heard = set(Notice.objects.filter(kind=Kind.CALL_BACK).values_list("source", flat=True))
    for row in overdue:
        source = f"missed:{row.pk}:{row.taken_by_id or 0}:{row.due_at:%Y%m%d%H%M}"
        if source not in heard:
            unit = row.line.unit if row.line else None
            people = (
                {row.taken_by_id} if row.taken_by_id else _on_line(missed.KEEPER, unit) | _on_line(missed.HEAD, unit)
            )
            text = f"Перезвоните: срок был {timezone.localtime(row.due_at):%d.%m в %H:%M}"
            path = reverse("workplace:missed_call", args=[row.pk])
            news = Told(Kind.CALL_BACK, text, people, path=path, subject=f"Пропущенный звонок № {row.pk}")
            told += remind(news, source)
    for one in soon.select_related("consultation__line__unit"):
        passed = one.due_at < now
        source = f"promise:{one.pk}:{'passed' if passed else 'soon'}:{one.due_at:%Y%m%d%H%M}"
        if source not in heard:
            when = f"{timezone.localtime(one.due_at):%d.%m %H:%M}"
            text = f"Обещали перезвонить до {when}: время прошло" if passed else f"Обещали перезвонить до {when}"
            people = {one.by_id} | (_on_line(missed.HEAD, one.consultation.line.unit) if passed else set())
            path = reverse("workplace:promise", args=[one.pk])
            told += remind(Told(Kind.CALL_BACK, text, people, path=path, subject=f"Обещание № {one.pk}"), source)
    return told


def _on_line(power: str, unit: Unit | None) -> set[int]:
    """Return who has a power in the unit that keeps a line's log; everywhere, where it has none or nobody there."""
    here = set(staff.holders(power, unit=unit, on=timezone.localdate()).values_list("pk", flat=True))
    return here or _holders(power)


# --- channels --------------------------------------------------------------------------------------------------------


def tell_of_channels() -> int:
    """Tell those who connect channels that one has begun to fail or has fallen silent, once an outage."""
    people, told = _holders("channels.connect"), 0
    for row in channels.watch():
        path = reverse("workplace:channel", args=[row.channel])
        name = row.get_channel_display()
        # What the other side answered stands on the page: it may be long.
        news = Told(Kind.CHANNEL, f"Канал {row.get_kind_display()}", people, path=path, subject=f"Канал «{name}»")
        told += remind(news, f"outage:{row.pk}")
    return told


# --- control lists ---------------------------------------------------------------------------------------------------


def tell_of_control(today: date | None = None) -> int:
    """Give the heads of each unit the control list of their week, on its first working day, once."""
    today = today or timezone.localdate()
    days = calendar.current()
    monday = today - timedelta(days=today.weekday())
    if days.next_working(monday - timedelta(days=1)) != today:
        return 0
    open_ones = Appeal.objects.exclude(status__in=FINISHED).exclude(unit=None).filter(due_on__isnull=False)
    soon = Count("pk", filter=Q(due_on__lte=monday + timedelta(days=6), due_on__gte=today))
    late = Count("pk", filter=Q(due_on__lt=today))
    counted = open_ones.order_by().values("unit").annotate(all=Count("pk"), soon=soon, late=late)
    units, told = Unit.objects.in_bulk([row["unit"] for row in counted]), 0
    for row in counted:
        unit = units[row["unit"]]
        heads = staff.holders("appeals.approve", unit=unit, on=today).filter(unit=unit).values_list("pk", flat=True)
        path = f"{reverse('workplace:journal_of_list', args=['control', 'pdf'])}?view=all&term=open&unit={unit.pk}"
        text = f"Контрольный лист недели: на контроле {row['all']}, срок на этой неделе {row['soon']}"
        text += f", просрочено {row['late']}" if row["late"] else ""
        news = Told(Kind.TERM, text, set(heads), path=path, subject=f"Контрольный лист: {unit.short_name}"[:200])
        told += remind(news, f"control:{unit.pk}:{monday:%Y-%m-%d}")
    return told


# --- the head's sheet -----------------------------------------------------------------------------------------------


def tell_heads() -> int:
    """Tell every head on a working morning what his sheet says, once a day; return how many were told.

    It is for the beginning of the day: a letter that is to come at once does not wait for the working hours.
    """
    today, told = timezone.localdate(), 0
    if not calendar.current().is_working(today):
        return 0
    path = reverse("workplace:head_sheet")
    source = f"head_sheet:{today}"
    for head in staff.holders(head_sheet.POWER, on=today):
        news = Told(
            Kind.HEAD_SHEET, head_sheet.sheet(head, today).words, {head.pk}, path=path, subject=f"На {today:%d.%m.%Y}"
        )
        told += remind(news, f"{source}:{head.pk}")
    at_once = [one for one, wishes in _wishes_of(set(_holders(head_sheet.POWER))).items()
               if wishes.ways[Kind.HEAD_SHEET].mail == ONCE]  # fmt: skip
    rows = Notice.objects.filter(kind=Kind.HEAD_SHEET, source__startswith=source, employee__in=at_once)
    rows.filter(mail_at__isnull=False).update(mail_at=timezone.now())
    return told


# --- telling ---------------------------------------------------------------------------------------------------------


def _tell(appeal: Appeal | None, told: Told, *, source: str, actor: Employee | None, at: datetime) -> set[int]:
    """Write the notices of one event, for those it concerns and their deputies of the day; return who was told."""
    people = {one for one in told.people if one is not None} - {actor.pk if actor else None}
    if not people:
        return set()
    places = _with_deputies(people, timezone.localdate(at), actor)
    wishes = _wishes_of(places)
    deaf = _muted(appeal, places) if appeal and told.kind not in NEVER_MUTED else set()
    away, now = {absent for absent in places.values() if absent}, timezone.now()
    rows = []
    for employee, absent in places.items():
        way = wishes[employee].ways[told.kind]
        # While somebody stands in for him, letters go to the deputy; on return he finds it all in the product.
        mail_at = None if employee in away else wishes[employee].mail_at(way.mail, now)
        if employee not in deaf and (way.shown or mail_at):
            rows.append(
                Notice(
                    employee_id=employee,
                    in_place_of_id=absent,
                    appeal=appeal,
                    path=told.path,
                    subject=told.subject,
                    kind=told.kind,
                    source=source,
                    text=told.text[:200],
                    place=told.place,
                    actor=actor,
                    at=at,
                    shown=way.shown,
                    mail_at=mail_at,
                )
            )
    Notice.objects.bulk_create(rows, ignore_conflicts=True)
    return set(places)


def _with_deputies(people: Collection[int], on: date, actor: Employee | None) -> dict[int, int | None]:
    """Return whom to tell, with the one each stands in for; what is one's own goes first."""
    active = set(Employee.objects.filter(pk__in=people, is_active=True).values_list("pk", flat=True))
    places: dict[int, int | None] = dict.fromkeys(active)
    running = Substitution.objects.filter(absent__in=people, starts_on__lte=on, ends_on__gte=on)
    for deputy, absent in running.filter(deputy__is_active=True).values_list("deputy", "absent"):
        if actor is None or deputy != actor.pk:
            places.setdefault(deputy, absent)
    return places


def _muted(appeal: Appeal, people: Collection[int]) -> set[int]:
    rows = Attention.objects.filter(appeal=appeal, employee__in=people, level=Level.MUTED)
    return set(rows.values_list("employee", flat=True))


def _followers_seeing(appeal: Appeal) -> set[int]:
    """Return who follows and may still see the appeal: following gives no right."""
    return {one.pk for one in followers(appeal) if access.visible_to(one).filter(pk=appeal.pk).exists()}


# --- what an employee wishes -----------------------------------------------------------------------------------------


def wishes(user: Employee) -> Wishes:
    """Return how the employee wants to be told."""
    return _wishes_of([user.pk])[user.pk]


def _wishes_of(people: Collection[int]) -> dict[int, Wishes]:
    said = {row.employee_id: row for row in NoticeSettings.objects.filter(employee__in=people)}
    return {one: _wishes(said[one]) if one in said else Wishes() for one in people}


def _wishes(row: NoticeSettings) -> Wishes:
    ways = {kind: Way(*row.ways[kind]) if kind in row.ways else shipped for kind, shipped in SHIPPED.items()}
    return Wishes(ways, row.digest_at, row.quiet)


def wish(user: Employee, given: Wishes) -> None:
    """Keep how the employee wants to be told from now on."""
    ways = {str(kind): list(way) for kind, way in given.ways.items() if way != SHIPPED[kind]}
    facts = {"ways": ways, "digest_at": given.digest_at, "quiet": given.quiet}
    NoticeSettings.objects.update_or_create(employee=user, defaults=facts)


def attend(user: Employee, appeal: Appeal, level: str) -> None:
    """Follow an appeal, mute it, or (an empty level) hear what concerns one and no more."""
    if level:
        Attention.objects.update_or_create(appeal=appeal, employee=user, defaults={"level": Level(level)})
    else:
        Attention.objects.filter(appeal=appeal, employee=user).delete()


def followers(appeal: Appeal) -> QuerySet[Employee]:
    """Return who follows an appeal."""
    rows = Attention.objects.filter(appeal=appeal, level=Level.FOLLOWS)
    return Employee.objects.filter(pk__in=rows.values("employee"), is_active=True)


# --- reading ---------------------------------------------------------------------------------------------------------


def seen_by(user: Employee) -> QuerySet[Notice]:
    """Return the employee's notices, those of appeals only while he may see them."""
    return Notice.objects.filter(open_to(user), employee=user, shown=True)


def open_to(user: Employee) -> Q:
    """Return which notices he may read: of appeals he sees; what is about none shows no citizen's data."""
    # Asked of each notice: a list of all he sees would be made anew each time a bell is looked at.
    return Q(Exists(access.visible_to(user).filter(pk=OuterRef("appeal")))) | Q(appeal=None)


def unread(user: Employee) -> QuerySet[Notice]:
    """Return those of `seen_by` he has not read."""
    return seen_by(user).filter(read_at=None)


def mark_read(user: Employee, appeal: int | None = None, *, path: str = "", kind: str = "") -> int:
    """Note that the employee has read his notices: of one appeal, page or kind, or all; return how many."""
    rows = Notice.objects.filter(employee=user, read_at=None)
    if appeal is not None:
        rows = rows.filter(appeal=appeal)
    if path:
        rows = rows.filter(path=path)
    if kind:
        rows = rows.filter(kind=kind)
    return rows.update(read_at=timezone.now())


def on_card(user: Employee) -> dict[str, Exists | Subquery]:
    """Return what a card asks in the query that fetches its appeal: anything unread, and how he attends to it."""
    mine = Attention.objects.filter(appeal=OuterRef("pk"), employee=user)
    news = Notice.objects.filter(appeal=OuterRef("pk"), employee=user, read_at=None)
    return {"has_news": Exists(news), "attention": Subquery(mine.values("level")[:1])}


def forget_old() -> int:
    """Remove what was read long ago, and what nobody will read any more."""
    now = timezone.now()
    old = Notice.objects.filter(read_at__lt=now - READ_KEPT) | Notice.objects.filter(at__lt=now - UNREAD_KEPT)
    return old.delete()[0]
