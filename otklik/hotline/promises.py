"""«Перезвоню»: what a caller was promised on the line, by whom and by when, until it is kept or called off in words."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final

from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone

from otklik.core import journal
from otklik.core.errors import DomainError
from otklik.hotline import returns
from otklik.hotline.models import Consultation, Promise, ReturnCall
from otklik.people import staff
from otklik.people.applicants import phone_key
from otklik.people.models import Employee

CONSULTANT: Final = "hotline.consult"
HEAD: Final = "hotline.figures"
READERS: Final = (CONSULTANT, HEAD, "journal.view")
FARTHEST: Final = timedelta(days=60)
ABOUT_MAX: Final = 300
NOTE_MAX: Final = 500
Outcome = Promise.Outcome


class NoNumber(DomainError):
    """Nobody can be called back without a number."""

    code = "promise.no_number"
    text = "Проверьте номер: запишите его так, чтобы по нему можно было позвонить, например +7 913 000-00-00."


class NotAhead(DomainError):
    """A promise is for a time to come."""

    code = "promise.not_ahead"
    text = "Назначьте время, которое ещё не прошло и не дальше двух месяцев: его называют звонящему."


class NotAbout(DomainError):
    """Whoever calls back must know what about."""

    code = "promise.no_subject"
    text = "Напишите, о чём перезвонить: по этим словам разговор продолжит любой коллега."


class Kept(DomainError):
    """A colleague was quicker."""

    code = "promise.settled"
    text = "Обещание уже закрыто: {outcome}. Обновите страницу."
    status = 409


class NoTalk(DomainError):
    """A promise is kept by a talk."""

    code = "promise.no_talk"
    text = "Сначала отметьте попытку «поговорили»: без разговора обещание не исполнено."


class TooFewAttempts(DomainError):
    """One unanswered call is no ground to give up."""

    code = "promise.too_few"
    text = "Недоступным признают после {enough} попыток без ответа, сделано {made}. Перезвоните ещё раз позже."


class NoWords(DomainError):
    """Why a promise needs no keeping is told in words."""

    code = "promise.no_words"
    text = "Напишите, почему перезванивать не нужно: например, человек позвонил сам и получил ответ."


class NoOutcome(DomainError):
    """A promise leaves the list with an outcome only."""

    code = "promise.no_outcome"
    text = "Выберите итог: без него обещание остаётся в списке."


class NotOfTheLine(DomainError):
    """Calling back is for those who work on the line."""

    code = "promise.not_of_the_line"
    text = "{who}: не работает на линии, перезванивать не может. Выберите другого."


class NoSuchResult(DomainError):
    """An attempt has a result."""

    code = "promise.no_result"
    text = "Выберите, что вышло: поговорили, не ответил, занято или ответил другой человек."


@transaction.atomic
def give(consultation: Consultation, *, number: str, due_at: datetime, about: str, by: Employee) -> Promise:
    """Keep what the caller was promised; raise where the number, the time or the subject is missing."""
    number, about = number.strip()[:40], about.strip()[:ABOUT_MAX]
    key = phone_key(number)
    if not key:
        raise NoNumber
    if not timezone.now() < due_at <= timezone.now() + FARTHEST:
        raise NotAhead
    if not about:
        raise NotAbout
    row = Promise.objects.create(
        consultation=consultation, by=by, number=number, number_key=key, due_at=due_at, about=about
    )
    journal.record("promise.given", chain=f"promise:{row.pk}", by=by, consultation=consultation.pk, till=due_at)
    return row


@transaction.atomic
def attempt(promise: Promise, result: str, *, by: Employee) -> ReturnCall:
    """Keep what came of calling back."""
    if result not in ReturnCall.Result.values:
        raise NoSuchResult
    return returns.tell(result, by=by, promise=_open(promise))


@transaction.atomic
def settle(promise: Promise, outcome: str, *, note: str = "", by: Employee) -> Promise:
    """Give a promise its outcome; raise where the attempts or the words it needs are missing."""
    if not outcome or outcome not in Outcome.values:
        raise NoOutcome
    row, note = _open(promise), note.strip()[:NOTE_MAX]
    results = list(row.returns.values_list("result", flat=True))
    talked = results.count(ReturnCall.Result.TALKED)
    enough = row.consultation.line.attempts_enough
    if outcome == Outcome.KEPT and not talked:
        raise NoTalk
    if outcome == Outcome.UNREACHABLE and len(results) - talked < enough:
        raise TooFewAttempts(enough=enough, made=len(results) - talked)
    if outcome == Outcome.CALLED_OFF and not note:
        raise NoWords
    row.outcome, row.settled_at, row.note = Outcome(outcome), timezone.now(), note
    row.save(update_fields=["outcome", "settled_at", "note"])
    journal.record("promise.settled", chain=f"promise:{row.pk}", by=by, outcome=str(outcome))
    return row


def seen_by(employee: Employee) -> QuerySet[Promise]:
    """Return the promises an employee sees: every consultant those of all, a colleague must be able to keep them."""
    rows = Promise.objects.select_related("by", "consultation", "consultation__line")
    return rows if employee.has_any(READERS) else rows.none()


def waiting_for(employee: Employee) -> QuerySet[Promise]:
    """Return the open promises an employee has given, and those of whom he stands in for; the soonest first."""
    return Promise.objects.filter(
        outcome=Outcome.OPEN, by__in=Employee.objects.filter(staff.in_person(employee, timezone.localdate()))
    )


def owed_by(employee: Employee) -> QuerySet[Promise]:
    """Return the open promises an employee has given himself."""
    return Promise.objects.filter(outcome=Outcome.OPEN, by=employee).select_related("consultation")


@transaction.atomic
def pass_on(promise: Promise, to: Employee, *, by: Employee) -> None:
    """Give an open promise to a colleague of the line, who keeps it: the applicant was promised by the department."""
    row = _open(promise)
    if not to.is_active or not to.has_any((CONSULTANT, HEAD)):
        raise NotOfTheLine(who=to.short_name)
    was, row.by = row.by_id, to
    row.save(update_fields=["by"])
    journal.record("promise.passed_on", chain=f"promise:{row.pk}", by=by, was=was, asked_of=to.pk)


def _open(promise: Promise) -> Promise:
    """Return the promise as it is now, held until the transaction ends; raise where it is settled."""
    rows = Promise.objects.select_for_update(of=("self",)).select_related("consultation", "consultation__line")
    row = rows.get(pk=promise.pk)
    if row.outcome != Outcome.OPEN:
        raise Kept(outcome=row.get_outcome_display())
    return row
