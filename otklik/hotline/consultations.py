"""A consultation's life: opened with a call, kept while one talks, held, handed over, asked about, closed.

Whoever gives it works on it; so does a colleague it was handed to. What is closed can be looked at and, for a while,
taken up again. Words are kept with a version: a second tab or a second consultant overwrites nothing unseen.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict
from datetime import datetime, timedelta
from typing import Any, Final

from django.db import IntegrityError, transaction
from django.db.models import Exists, OuterRef, Q, QuerySet
from django.http import Http404
from django.utils import timezone

from otklik.appeals.models import Need, Topic
from otklik.core import journal
from otklik.core.errors import DomainError
from otklik.correspondence import inbox
from otklik.correspondence.models import ChannelCode, ContactPoint, IncomingMessage
from otklik.hotline import promises
from otklik.hotline.models import Call, Consultation, Hold, Line, Promise, ScriptUse, Transfer
from otklik.people.applicants import Typed, phone_key
from otklik.people.models import Employee
from otklik.search import engine as search
from otklik.surveys import asking, feedback, questions
from otklik.surveys.models import Response

Outcome = Consultation.Outcome
Asked = Consultation.Asked

CONSULT: Final = "hotline.consult"
ALL: Final = "hotline.figures"
CALLED_BACK_WITHIN: Final = timedelta(minutes=10)  # a call from the same number sooner goes on with what was begun
TAKEN_UP_WITHIN: Final = timedelta(hours=12)  # a slip of the key is noticed on the same day
ANNOUNCED: Final = (60, 120, 180)  # what a caller is told to wait, in seconds
INDEX: Final = "consultations"
EVERYONE: Final = "all"
_PORTION: Final = 500

# Outcomes after which nobody could be asked, and why, where the consultant has not said so himself.
_NOBODY_TO_ASK: Final = {
    Outcome.DROPPED: Consultation.NotOffered.DROPPED,
    Outcome.ENDED_BY_SCRIPT: Consultation.NotOffered.ABUSIVE,
    Outcome.TRANSFERRED: Consultation.NotOffered.TRANSFERRED,
    Outcome.TO_EKC: Consultation.NotOffered.TRANSFERRED,
    Outcome.WRONG_NUMBER: Consultation.NotOffered.OTHER,
}
ENDING_STAGES: Final = ("conflict", "ending")  # stages of a script that end a conversation gone wrong


class NotYours(DomainError):
    """Somebody else gives this consultation."""

    code = "consultation.not_yours"
    text = "Эту консультацию ведёт другой сотрудник. Попросите его перевести звонок на вас."
    status = 403


class ConsultationOver(DomainError):
    """It is closed already."""

    code = "consultation.over"
    text = "Консультация завершена. Чтобы дописать, откройте её карточку и нажмите «Вернуть в работу»."


class ConsultationConflict(DomainError):
    """Somebody has kept other words since; `theirs` is the row as it is now."""

    code = "consultation.conflict"
    text = "Заметки тем временем изменены: в другой вкладке или коллегой. Ваш текст остался здесь, сравните."
    status = 409

    def __init__(self, theirs: Consultation) -> None:
        self.theirs = theirs
        super().__init__()


class AlreadyHeld(DomainError):
    """The caller waits already."""

    code = "consultation.held"
    text = "Звонящий уже на удержании. Сначала вернитесь к разговору."


class WaitUnclear(DomainError):
    """The announced time is none of those offered."""

    code = "consultation.wait_unclear"
    text = "Выберите, сколько минут обещали звонящему: одну, две или три."


class WhereUnclear(DomainError):
    """Nobody is named to whom the caller is handed over."""

    code = "consultation.where_unclear"
    text = "Укажите, кому переводите: выберите сотрудника или впишите организацию."


class WhyNeeded(DomainError):
    """A transfer has a reason."""

    code = "consultation.why_needed"
    text = "Напишите, почему переводите звонок."


class AlreadyWritten(DomainError):
    """The message of this consultation is written down already."""

    code = "consultation.written"
    text = "Сообщение со слов звонящего уже записано: его зарегистрирует отдел, который ведёт приём."


class QuestionsWaiting(DomainError):
    """The two questions of п. 27.3 have neither an answer nor a reason."""

    code = "consultation.questions_waiting"
    text = "Отметьте два вопроса: ответы, «отказался» или почему не предложено. Затем выберите итог ещё раз."


class AnswersContradict(questions.AnswersUnclear):
    """What was said of the two questions contradicts itself."""

    text = "Отметьте одно: ответы на оба вопроса, «отказался» или «не предложено» с причиной."


class OutcomeUnclear(DomainError):
    """The outcome is none of those there are, or lacks what it says."""

    code = "consultation.outcome_unclear"
    text = "{what}"


class TooLate(DomainError):
    """It was closed too long ago to be taken up again."""

    code = "consultation.too_late"
    text = "Консультацию можно вернуть в работу в день её завершения. Если человек звонит снова, начните новую."


def visible_to(user: Employee) -> QuerySet[Consultation]:
    """Return the consultations an employee may see: all for those who see the line's figures, else his own."""
    rows = Consultation.objects.all()
    if user.has_power(ALL):
        return rows
    return rows.filter(_own(user)) if user.has_power(CONSULT) else rows.none()


def get_for(user: Employee, pk: int) -> Consultation:
    """Return a consultation the employee may see, or 404; the look is logged once a day."""
    seen = journal.looked_today("consultation.seen", by=user, consultation=OuterRef("pk"))
    rows = visible_to(user).select_related("line", "by", "topic", "need", "appeal", "message", "applicant")
    consultation = rows.annotate(seen_today=seen).filter(pk=pk).first()
    if consultation is None:
        raise Http404
    if not consultation.seen_today:
        journal.looked("consultation.seen", by=user, consultation=pk)
    return consultation


def open_of(user: Employee) -> QuerySet[Consultation]:
    """Return the consultations this employee has open, the oldest first: the order of their keys on the desk."""
    return Consultation.objects.filter(_own(user), outcome="", line__ours=True).order_by("opened_at", "id")


def may_work(consultation: Consultation, user: Employee) -> bool:
    """Tell whether the employee may write in it now."""
    return not consultation.outcome and _is_own(consultation, user)


def may_take_up(consultation: Consultation, user: Employee) -> bool:
    """Tell whether the employee may open it again."""
    closed = consultation.closed_at
    return closed is not None and timezone.now() - closed < TAKEN_UP_WITHIN and _is_own(consultation, user)


@transaction.atomic
def open_for(call: Call | None, *, line: Line | None = None, number: str = "", by: Employee) -> Consultation:
    """Return the consultation of a call, opening one where there is none; by hand with no call, a line and a number.

    A call back within ten minutes after a dropped one, from the same number, goes on with the same consultation.
    """
    if not by.has_power(CONSULT):
        raise NotYours
    if call is not None:
        call = Call.objects.select_for_update(of=("self",)).get(pk=call.pk)
        if call.consultation_id:
            return Consultation.objects.get(pk=call.consultation_id)
        line, number = call.line or line, call.number or number
    number = number.strip()[:40]
    key = phone_key(number) if number else ""
    line = line or _usual_line()
    if (begun := _begun(line, key, call, by)) is not None:
        return _joined(begun, call, by=by)
    consultation = Consultation.objects.create(
        line=line, by=by, opened_at=timezone.now(), number=number, number_key=key
    )
    _attach(call, consultation)
    journal.record("consultation.opened", chain=_chain(consultation), by=by, call=call.pk if call else None)
    return consultation


@transaction.atomic
def keep(
    consultation: Consultation, *, question: str, answer: str, caller: str, version: int, by: Employee
) -> Consultation:
    """Keep what is noted if `version` is still the newest, else raise ConsultationConflict with what is there."""
    row = _mine(consultation, by)
    typed = {"question": question.strip(), "answer": answer.strip(), "caller": " ".join(caller.split())[:200]}
    if all(getattr(row, name) == value for name, value in typed.items()):
        return row  # the same words twice, as from a page whose last save had not answered yet
    if row.version != version:
        raise ConsultationConflict(row)
    for name, value in typed.items():
        setattr(row, name, value)
    row.version = version + 1
    row.save(update_fields=[*typed, "version"])
    size = len(row.question) + len(row.answer)
    journal.record("consultation.kept", chain=_chain(row), by=by, version=row.version, size=size)
    return row


@transaction.atomic
def classify(consultation: Consultation, *, topic: Topic | None, need: Need | None, by: Employee) -> Consultation:
    """Set what the consultation was about; either half may be unknown."""
    row = _mine(consultation, by)
    if (row.topic_id, row.need_id) != (topic and topic.pk, need and need.pk):
        row.topic, row.need = topic, need
        row.save(update_fields=["topic", "need"])
        facts: dict[str, Any] = {"topic": topic.code if topic else None, "need": need.code if need else None}
        journal.record("consultation.classified", chain=_chain(row), by=by, **facts)
    return row


@transaction.atomic
def read_step(
    consultation: Consultation, *, material: int, revision: int | None, stage: str, step: str, by: Employee
) -> ScriptUse:
    """Note that a step of a script was read, with the script's version; the same step pressed twice is read once."""
    row = _mine(consultation, by)
    last = row.scripts.last()
    if last is not None and (last.material, last.step) == (material, step):
        return last
    use = ScriptUse.objects.create(
        consultation=row, material=material, revision=revision, stage=stage[:12], step=step[:100]
    )
    facts: dict[str, Any] = {"material": material, "revision": revision, "stage": use.stage, "step": use.pk}
    journal.record("consultation.step_read", chain=_chain(row), by=by, **facts)
    return use


@transaction.atomic
def hold(consultation: Consultation, *, seconds: int, by: Employee) -> Hold:
    """Let the caller wait for an announced time."""
    row = _mine(consultation, by)
    if seconds not in ANNOUNCED:
        raise WaitUnclear
    try:
        with transaction.atomic():
            begun = Hold.objects.create(consultation=row, began_at=timezone.now(), announced=seconds)
    except IntegrityError:
        raise AlreadyHeld from None
    journal.record("consultation.held", chain=_chain(row), by=by, seconds=seconds)
    return begun


@transaction.atomic
def resume(consultation: Consultation, *, by: Employee) -> None:
    """Return to a caller who waits; where nobody waits nothing happens."""
    row = _mine(consultation, by)
    if row.holds.filter(ended_at=None).update(ended_at=timezone.now()):
        journal.record("consultation.resumed", chain=_chain(row), by=by)


@transaction.atomic
def transfer(
    consultation: Consultation, *, where: str, to: Employee | None = None, to_words: str = "", why: str, by: Employee
) -> Transfer:
    """Begin to hand the caller over: to whom and why; the result is told by `transfer_result`."""
    row = _mine(consultation, by)
    where = Transfer.Where(where) if where in Transfer.Where.values else ""
    named = to is not None if where == Transfer.Where.EMPLOYEE else bool(to_words.strip())
    if not where or (where in (Transfer.Where.EMPLOYEE, Transfer.Where.OUTSIDE) and not named) or to == by:
        raise WhereUnclear
    if not why.strip():
        raise WhyNeeded
    begun = Transfer.objects.create(
        consultation=row,
        where=where,
        to=to if where == Transfer.Where.EMPLOYEE else None,
        to_words=to_words.strip()[:200] if where != Transfer.Where.EMPLOYEE else "",
        why=why.strip()[:300],
    )
    facts: dict[str, Any] = {"transfer": begun.pk, "where": where, "employee": begun.to_id}
    journal.record("consultation.transferred", chain=_chain(row), by=by, **facts)
    return begun


@transaction.atomic
def came_from_ekc(consultation: Consultation, *, by: Employee) -> None:
    """Note that an operator of the ЕКЦ has put the caller through to us; said twice, it is noted once."""
    row = _mine(consultation, by)
    came = Transfer.Where.FROM_EKC
    if row.transfers.filter(where=came).exists():
        return
    taken = Transfer.Result.TAKEN
    begun = Transfer.objects.create(consultation=row, where=came, why="соединил оператор ЕКЦ", result=taken)
    journal.record("consultation.transferred", chain=_chain(row), by=by, transfer=begun.pk, where=came, employee=None)


@transaction.atomic
def transfer_result(row: Transfer, result: str, *, by: Employee) -> None:
    """Note what became of a transfer; an outcome that is there already is not overwritten by another."""
    consultation = _mine(row.consultation, by)
    if result not in Transfer.Result.values or not result:
        raise OutcomeUnclear(what="Выберите, что вышло из перевода: принят, не ответили или назван номер.")
    if Transfer.objects.filter(pk=row.pk, consultation=consultation, result="").update(result=result):
        journal.record("consultation.transfer_ended", chain=_chain(consultation), by=by, transfer=row.pk, result=result)


@transaction.atomic
def promise(consultation: Consultation, *, number: str, due_at: datetime, about: str, by: Employee) -> Promise:
    """Promise the caller to call back by a moment that was named to him."""
    return promises.give(_mine(consultation, by), number=number, due_at=due_at, about=about, by=by)


@transaction.atomic
def write_appeal(consultation: Consultation, *, typed: Typed, subject: str, text: str, by: Employee) -> IncomingMessage:
    """Write a message down in the caller's words: the clerk registers it as any other. Once in a consultation."""
    row = _mine(consultation, by)
    if row.message_id:
        raise AlreadyWritten
    channel = _channel(row)
    points = list(ContactPoint.objects.filter(channel=channel)[:2])
    name = typed.organisation or f"{typed.last_name} {typed.first_name} {typed.patronymic}".strip()
    message = inbox.write_down(
        channel=channel,
        contact_point=points[0] if len(points) == 1 else None,
        sender_name=name,
        sender_address=typed.email or typed.address or typed.phone,
        subject=subject,
        text=text,
        received_at=timezone.now(),
        by=by,
    )
    inbox.add_facts(message, schema="hand", data={"applicant": asdict(typed)})
    row.message = message
    row.save(update_fields=["message"])
    journal.record("consultation.written_down", chain=_chain(row), by=by, message=message.pk)
    return message


@transaction.atomic
def ask(
    consultation: Consultation,
    *,
    answers: Mapping[str, str] | None = None,
    refused: bool = False,
    not_offered: str = "",
    words: str = "",
    told_of_qr: bool = False,
    by: Employee,
) -> Consultation:
    """Keep what became of the two questions: the answers, a refusal, or why they were not offered.

    Answers are kept once, as every opinion; a refusal is none of them. Who answered one question and refused the other
    has answered: what he said is kept, the rest stays empty.
    """
    row = _mine(consultation, by)
    if not_offered and (answers or refused):
        raise AnswersContradict
    if not_offered and not_offered not in Consultation.NotOffered.values:
        raise AnswersContradict
    if not_offered == Consultation.NotOffered.OTHER and not words.strip():
        raise OutcomeUnclear(what="Напишите, почему два вопроса не предложены.")
    row.told_of_qr = told_of_qr or row.told_of_qr
    if row.asked != Asked.ANSWERED and (answers or refused or not_offered):
        row.asked = Asked.ANSWERED if answers else Asked.REFUSED if refused else Asked.NOT_OFFERED
        row.not_offered = not_offered
        row.not_offered_words = words.strip()[:200] if not_offered else ""
        if answers:
            today = timezone.localdate()
            row.invitation = feedback.invite(channel=_channel(row), on=today)
            if refused and answers.keys() >= {one["code"] for one in row.invitation.questionnaire.questions}:
                raise AnswersContradict
            source = Response.Source.PHONE
            feedback.answer(row.invitation.token, answers, on=today, source=source, in_part=refused)
        journal.record("consultation.asked", chain=_chain(row), by=by, asked=row.asked, reason=not_offered)
    row.save(update_fields=["told_of_qr", "asked", "not_offered", "not_offered_words", "invitation"])
    return row


@transaction.atomic
def give_code(consultation: Consultation, *, by: Employee) -> str:
    """Return the one-time code to name to the caller: what he says by it is seen here. Asked again, it is the same."""
    row = _mine(consultation, by)
    if row.code_invitation is None:
        row.code_invitation = feedback.invite(channel=_channel(row), on=timezone.localdate())
        row.save(update_fields=["code_invitation"])
        journal.record("consultation.code_given", chain=_chain(row), by=by)
    return asking.code_for(row.code_invitation)


@transaction.atomic
def close(consultation: Consultation, outcome: str, *, by: Employee) -> Consultation:
    """Close with an outcome. Whoever could be asked the two questions must have been, or it is said why not."""
    row = _mine(consultation, by)
    if outcome not in Outcome.values or not outcome:
        raise OutcomeUnclear(what="Выберите итог консультации.")
    if (missing := _missing(row, outcome)) is not None:
        raise OutcomeUnclear(what=missing)
    if not row.asked:
        if (reason := _NOBODY_TO_ASK.get(Outcome(outcome))) is None:
            raise QuestionsWaiting
        words = Outcome(outcome).label if reason == Consultation.NotOffered.OTHER else ""
        row = ask(row, not_offered=reason, words=words, by=by)
    resume(row, by=by)
    row.outcome, row.closed_at = Outcome(outcome), timezone.now()
    row.save(update_fields=["outcome", "closed_at"])
    journal.record("consultation.closed", chain=_chain(row), by=by, outcome=outcome)
    put(row)
    return row


@transaction.atomic
def take_up(consultation: Consultation, *, by: Employee) -> Consultation:
    """Open a closed consultation again: a slip of the key, or the caller is back. Answers given stay given."""
    row = _locked(consultation)
    if not row.outcome:
        return row
    if not _is_own(row, by):
        raise NotYours
    if not may_take_up(row, by):
        raise TooLate
    return _reopened(row, by=by)


def put(consultation: Consultation) -> None:
    """Put a consultation's words into the search index; call it in the transaction that changed them."""
    search.put(
        INDEX,
        str(consultation.pk),
        title=consultation.question[:200],
        body="\n".join(part for part in (consultation.question, consultation.answer) if part),
        scopes=[EVERYONE, *([f"person:{consultation.by_id}"] if consultation.by_id else [])],
    )


def put_all(*, lost_only: bool, say: Callable[[int, int], object] = lambda done, total: None) -> int:
    """Put every closed consultation into the index, or only those it does not know; return how many."""
    rows = Consultation.objects.exclude(outcome="").order_by("pk")
    known = search.known(INDEX) if lost_only else set()
    lost = [pk for pk in rows.values_list("pk", flat=True) if str(pk) not in known]
    for start in range(0, len(lost), _PORTION):
        with transaction.atomic():
            for row in rows.select_for_update(of=("self",)).filter(pk__in=lost[start : start + _PORTION]):
                put(row)
        say(min(start + _PORTION, len(lost)), len(lost))
    return len(lost)


def keys_for(user: Employee, query: str) -> list[int]:
    """Return the ids of consultations open to the user that fit a query."""
    scopes = [EVERYONE] if user.has_power(ALL) else [f"person:{user.pk}"]
    return [int(key) for key in search.keys(INDEX, query, scopes=scopes)]


def _own(user: Employee) -> Q:
    handed = Transfer.objects.filter(consultation=OuterRef("pk"), to=user).exclude(result="not_taken")
    answered = Call.objects.filter(consultation=OuterRef("pk"), answered_by=user)
    return Q(by=user) | Exists(handed) | Exists(answered)


def _is_own(consultation: Consultation, user: Employee) -> bool:
    if not user.has_power(CONSULT):
        return False
    return consultation.by_id == user.pk or Consultation.objects.filter(_own(user), pk=consultation.pk).exists()


def _locked(consultation: Consultation) -> Consultation:
    return Consultation.objects.select_for_update(of=("self",)).select_related("line").get(pk=consultation.pk)


def _mine(consultation: Consultation, by: Employee) -> Consultation:
    """Return the consultation as it is now, nobody else changing it; refuse a stranger's and what is closed."""
    row = _locked(consultation)
    if not _is_own(row, by):
        raise NotYours
    if row.outcome:
        raise ConsultationOver
    return row


def _begun(line: Line, key: str, call: Call | None, by: Employee) -> Consultation | None:
    """Return what a call goes on with: dropped just now, or written down by hand before the exchange told of it."""
    if not key:
        return None
    since = timezone.now() - CALLED_BACK_WITHIN
    rows = Consultation.objects.select_for_update(of=("self",)).filter(line=line, number_key=key)
    dropped = rows.filter(outcome=Outcome.DROPPED, closed_at__gte=since).order_by("-closed_at").first()
    if dropped is not None:
        return dropped
    of_calls = Call.objects.filter(consultation=OuterRef("pk"))
    still = rows.filter(outcome="", opened_at__gte=timezone.now() - TAKEN_UP_WITHIN).annotate(
        has_calls=Exists(of_calls),
        goes_on=Exists(of_calls.filter(ended_at=None)),
        ended_now=Exists(of_calls.filter(ended_at__gte=since)),
    )
    fits = Q(has_calls=True, goes_on=False, ended_now=True)
    if call is not None:
        fits |= Q(has_calls=False, by=by, opened_at__gte=since)
    return still.filter(fits).order_by("-opened_at").first()


def _joined(row: Consultation, call: Call | None, *, by: Employee) -> Consultation:
    if row.outcome:
        _reopened(row, by=by)
    was = row.by_id
    if was != by.pk:
        row.by = by
        row.save(update_fields=["by"])
    _attach(call, row)
    facts: dict[str, Any] = {"call": call.pk if call else None, "was": was, "now": by.pk}
    journal.record("consultation.joined", chain=_chain(row), by=by, **facts)
    return row


def _reopened(row: Consultation, *, by: Employee) -> Consultation:
    row.outcome, row.closed_at = Outcome.OPEN, None
    if row.asked == Asked.NOT_OFFERED:  # now there is somebody to ask
        row.asked, row.not_offered, row.not_offered_words = Asked.NOT_YET, "", ""
    row.save(update_fields=["outcome", "closed_at", "asked", "not_offered", "not_offered_words"])
    journal.record("consultation.taken_up", chain=_chain(row), by=by)
    return row


def _attach(call: Call | None, consultation: Consultation) -> None:
    if call is not None:
        Call.objects.filter(pk=call.pk).update(consultation=consultation)


def _channel(row: Consultation) -> ChannelCode:
    return ChannelCode.HOTLINE if row.line.ours else ChannelCode.EKC


def _usual_line() -> Line:
    today = timezone.localdate()
    valid = Q(valid_from__lte=today) & (Q(valid_to=None) | Q(valid_to__gte=today))
    line = Line.objects.filter(valid, ours=True).first()
    if line is None:
        raise OutcomeUnclear(what="Нет действующей линии департамента. Заведите её в справочнике линий.")
    return line


def _missing(row: Consultation, outcome: str) -> str | None:
    """Return what an outcome says that has not been done."""
    if outcome == Outcome.WRITTEN and not row.message_id:
        return "Сначала запишите сообщение со слов звонящего: «Письменное обращение»."
    if outcome == Outcome.PROMISED and not row.promises.exists():
        return "Сначала отметьте, когда перезвоните: «Перезвоню»."
    if outcome == Outcome.TO_EKC and not row.transfers.filter(where=Transfer.Where.EKC).exists():
        return "Сначала отметьте перевод в ЕКЦ: «Перевести»."
    if outcome == Outcome.TRANSFERRED and not row.transfers.exclude(where=Transfer.Where.FROM_EKC).exists():
        return "Сначала отметьте, кому и почему переводите: «Перевести»."
    if outcome == Outcome.ENDED_BY_SCRIPT and not row.scripts.filter(stage__in=ENDING_STAGES).exists():
        return "Сначала прочитайте шаг сценария, которым завершаете разговор: он сохранится в записи."
    return None


def _chain(consultation: Consultation) -> str:
    return f"consultation:{consultation.pk}"
