"""Appeals of another system's journal: many kept at once with their own numbers, dates, terms and answers, none sent.

A row of the journal of changes says of each that it was carried; who works with one leaves another. `drop_each` takes
back those nobody has worked with.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, time
from typing import Final

from django.db import transaction
from django.utils import timezone

from otklik.appeals import numbers, search_feed, terms
from otklik.appeals.models import (
    Appeal,
    AppealMessage,
    AppealQuestion,
    AppealTerm,
    CarriedTerm,
    Need,
    Note,
    OutcomeKind,
    QuestionOutcome,
    Topic,
)
from otklik.core import calendar, examining, files, journal
from otklik.core import terms as rules
from otklik.core.models import Regime, StoredFile, TermRule
from otklik.correspondence import delivery
from otklik.correspondence.models import (
    MOVED_IN,
    ContactPoint,
    IncomingFile,
    IncomingMessage,
    OutgoingFile,
    OutgoingMessage,
    Thread,
)
from otklik.correspondence.text import clean, fit
from otklik.people.models import Applicant, Employee, Unit
from otklik.search import engine as search

S = Appeal.Status
# What the system itself adds to the history of an appeal: no sign that somebody has worked with it.
OF_ITSELF: Final = ("appeal.redated",)
_NO_ANSWER_TEXT: Final = "Текст ответа в журнале не приведён."


@dataclass(frozen=True)
class Carried:
    """One appeal as a journal tells it. `due_on`: the term it had there; none: ours is counted."""

    key: str  # of its row: no two messages of one channel share it
    number: str
    regime: Regime
    channel: str
    contact_point: ContactPoint
    written: bool
    received_on: date
    registered_on: date
    subject: str
    text: str
    applicant: Applicant
    sender: str
    answer_channel: str
    answer_address: str
    source: str
    rule: TermRule
    executor: Employee | None = None
    unit: Unit | None = None
    due_on: date | None = None
    answered_on: date | None = None
    closed_on: date | None = None
    close_reason: str = ""
    answer: str = ""
    answer_number: str = ""
    outcome: OutcomeKind | None = None
    question: tuple[Topic, Need] | None = None
    note: str = ""
    files: Sequence[tuple[str, StoredFile]] = ()
    answer_files: Sequence[tuple[str, StoredFile]] = ()

    @property
    def status(self) -> str:
        """Return where it stands: closed, or where the work on it goes on from."""
        if self.closed_on:
            return S.CLOSED
        if self.executor is not None:
            return S.ASSIGNED
        return S.CLASSIFIED if self.question else S.REGISTERED


@dataclass
class Rules:
    """The rule of the answer for a regime, channel and day, each looked up once."""

    _known: rules.Rules = field(default_factory=lambda: rules.Rules(TermRule.Step.ANSWER))
    _found: dict[tuple[str, str, date], TermRule | None] = field(default_factory=dict)

    def of(self, regime: Regime, channel: str, on: date) -> TermRule | None:
        """Return the rule that held; of days before the first one, the first."""
        key = (regime.code, channel, on)
        if key not in self._found:
            self._found[key] = self._known.find(regime.code, TermRule.Step.ANSWER, channel=channel, on=on) or (
                TermRule.objects.filter(regime=regime, step=TermRule.Step.ANSWER).order_by("valid_from", "pk").first()
            )
        return self._found[key]


def take_each(rows: Sequence[Carried], *, by: Employee) -> list[Appeal]:
    """Keep appeals of a journal, in a number of statements that does not grow with them; call it in `together()`.

    Nothing leaves and nobody is told: what runs on stands in the queue, with the reminders of its term.
    """
    now = timezone.now()
    threads = Thread.objects.bulk_create([Thread() for _ in rows])
    counter = terms.Counter(calendar.current())
    appeals, dates = [], []
    for row, thread in zip(rows, threads, strict=True):
        appeal = _appeal(row, thread, by)
        term, carried = _term(appeal, row, counter)
        appeals.append(appeal)
        dates.append((term, carried))
    Appeal.objects.bulk_create(appeals)
    messages = IncomingMessage.objects.bulk_create(
        [_message(row, appeal, by, now) for row, appeal in zip(rows, appeals, strict=True)]
    )
    AppealMessage.objects.bulk_create(
        [AppealMessage(appeal=one, message=came, first=True) for one, came in zip(appeals, messages, strict=True)]
    )
    AppealTerm.objects.bulk_create([term for term, _ in dates])
    CarriedTerm.objects.bulk_create([carried for _, carried in dates if carried is not None])
    _questions(rows, appeals, by, now)
    _answers(rows, appeals, by)
    came_with = [
        IncomingFile(message=message, stored=stored, name=fit(name, 300))
        for row, message in zip(rows, messages, strict=True)
        for name, stored in row.files
    ]
    IncomingFile.objects.bulk_create(came_with)
    examining.ask([stored for row in rows for _, stored in (*row.files, *row.answer_files)])
    changes = {
        f"appeal:{appeal.pk}": {
            "number": appeal.number,
            "regime": appeal.regime_id,
            "to": appeal.status,
            "executor": appeal.executor_id,
            "received_on": appeal.received_on.isoformat(),
            "registered_on": appeal.registered_on.isoformat(),
        }
        for appeal in appeals
    }
    journal.record_each("appeal.carried", changes, by=by)
    _notes(rows, appeals, by)
    search_feed.put_each(zip(appeals, messages, strict=True))
    return appeals


def _appeal(row: Carried, thread: Thread, by: Employee) -> Appeal:
    return Appeal(
        number=row.number,
        secret=numbers.new_secret(),
        status=row.status,
        origin=Appeal.Origin.IMPORTED,
        regime=row.regime,
        channel=row.channel,
        contact_point=row.contact_point,
        written=row.written,
        needs_answer=True,
        received_on=row.received_on,
        registered_on=row.registered_on,
        registered_by=by,
        subject=fit(" ".join(row.subject.split()), 300),
        applicant=row.applicant,
        thread=thread,
        answer_channel=row.answer_channel,
        answer_address=fit(row.answer_address, 500),
        unit=row.unit,
        executor=row.executor,
        answered_on=row.answered_on,
        closed_on=row.closed_on,
        close_reason=fit(row.close_reason, 300),
    )


def _term(appeal: Appeal, row: Carried, counter: terms.Counter) -> tuple[AppealTerm, CarriedTerm | None]:
    """Set the date of the answer and return its row with the ground, and what keeps the journal's own term."""
    carried = CarriedTerm(appeal=appeal, due_on=row.due_on, source=fit(row.source, 200)) if row.due_on else None
    due = counter.due(appeal, row.rule, terms.Bearing(carried=carried))
    appeal.due_on = due.on
    start = min(terms.start_of(appeal, row.rule), due.on)
    term = AppealTerm(
        appeal=appeal,
        step=TermRule.Step.ANSWER,
        rule=row.rule,
        start_on=start,
        due_on=due.on,
        why=due.why,
        reason="срок перенесён из журнала" if carried else "",
    )
    return term, carried


def _message(row: Carried, appeal: Appeal, by: Employee, now: datetime) -> IncomingMessage:
    return IncomingMessage(
        channel=row.channel,
        external_id=f"{MOVED_IN}{row.key}",
        digest="",
        contact_point=row.contact_point,
        received_at=_noon(row.received_on),
        origin_imported=True,
        state=IncomingMessage.State.REGISTERED,
        decided_by=by,
        decided_at=now,
        sender_name=fit(row.sender, 300),
        sender_address=fit(row.answer_address, 320),
        subject=appeal.subject,
        text=clean(row.text) or appeal.subject,
        thread=appeal.thread,
    )


def _questions(rows: Sequence[Carried], appeals: Sequence[Appeal], by: Employee, now: datetime) -> None:
    """Keep topic and need as confirmed, so that proposals learn of them, and how the matter ended."""
    asked: dict[int, AppealQuestion] = {}
    for row, appeal in zip(rows, appeals, strict=True):
        if row.question is not None:
            topic, need = row.question
            asked[appeal.pk] = AppealQuestion(
                appeal=appeal, topic=topic, need=need, proposed_by=by, confirmed_by=by, confirmed_at=now
            )
    AppealQuestion.objects.bulk_create(asked.values())
    QuestionOutcome.objects.bulk_create(
        [
            QuestionOutcome(
                appeal=appeal,
                question=asked.get(appeal.pk),
                kind=row.outcome,
                on=row.closed_on,
                by=by,
                note="из журнала",
            )
            for row, appeal in zip(rows, appeals, strict=True)
            if row.outcome is not None and row.closed_on is not None
        ]
    )


def _answers(rows: Sequence[Carried], appeals: Sequence[Appeal], by: Employee) -> None:
    """Keep the answers as letters that left long ago."""
    told = [
        (row, appeal)
        for row, appeal in zip(rows, appeals, strict=True)
        if row.answer or row.answer_number or row.answer_files
    ]
    letters = OutgoingMessage.objects.bulk_create(
        [
            OutgoingMessage(
                thread=appeal.thread,
                channel=row.answer_channel,
                kind=OutgoingMessage.Kind.ANSWER,
                recipient=fit(row.answer_address, 500),
                recipient_name=fit(row.sender, 300),
                subject=f"Ответ № {row.answer_number}"[:500] if row.answer_number else "Ответ",
                text=clean(row.answer) or _NO_ANSWER_TEXT,
                message_id=delivery.new_message_id(appeal.thread.token, ""),
                origin_imported=True,
                state=OutgoingMessage.State.SENT,
                not_before=_noon(row.answered_on or row.closed_on or row.registered_on),
                sent_at=_noon(row.answered_on or row.closed_on or row.registered_on),
            )
            for row, appeal in told
        ]
    )
    OutgoingFile.objects.bulk_create(
        [
            OutgoingFile(message=letter, stored=stored, name=fit(name, 300))
            for letter, (row, _) in zip(letters, told, strict=True)
            for name, stored in row.answer_files
        ]
    )


def _notes(rows: Sequence[Carried], appeals: Sequence[Appeal], by: Employee) -> None:
    """Keep what the journal says beside all that as notes: nothing of a row is lost."""
    notes = Note.objects.bulk_create(
        [
            Note(appeal=appeal, author=by, text=clean(row.note))
            for row, appeal in zip(rows, appeals, strict=True)
            if row.note
        ]
    )
    journal.record_each("appeal.noted", {f"appeal:{note.appeal_id}": {"note": note.pk} for note in notes}, by=by)


def _noon(day: date) -> datetime:
    return timezone.make_aware(datetime.combine(day, time(12)))


@transaction.atomic
def drop_each(keys: Collection[int], *, by: Employee) -> set[int]:
    """Take carried appeals back with everything that came with them; return the applicants they were of.

    Raises ProtectedError where something of another room holds one of them.
    """
    appeals = list(Appeal.objects.filter(pk__in=keys, origin=Appeal.Origin.IMPORTED))
    pks = [one.pk for one in appeals]
    threads = [one.thread_id for one in appeals]
    came = list(IncomingMessage.objects.filter(taken__appeal__in=pks).values_list("pk", flat=True))
    stored = {
        *IncomingFile.objects.filter(message__in=came).values_list("stored", flat=True),
        *OutgoingFile.objects.filter(message__thread__in=threads).values_list("stored", flat=True),
    }
    AppealMessage.objects.filter(appeal__in=pks).delete()
    Appeal.objects.filter(pk__in=pks).delete()
    IncomingMessage.objects.filter(pk__in=came).delete()
    OutgoingMessage.objects.filter(thread__in=threads).delete()
    Thread.objects.filter(pk__in=threads).delete()
    search.drop_each(search_feed.INDEX, [str(pk) for pk in pks])
    journal.record_each("appeal.carried_back", {f"appeal:{pk}": {} for pk in pks}, by=by)
    _forget(stored)
    return {one.applicant_id for one in appeals}


def _forget(stored: Iterable[int]) -> None:
    for row in StoredFile.objects.filter(pk__in=list(stored)):
        files.forget(row)
