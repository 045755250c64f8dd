"""Several questions in one letter: each has its words, its topic and need, who answers it, and its own outcome."""

from __future__ import annotations

from django.db import IntegrityError, transaction
from django.utils import timezone

from otklik.appeals import assignment, classification, complained, search_feed, transitions
from otklik.appeals.models import (
    FINISHED,
    Appeal,
    AppealQuestion,
    CaseQuestion,
    CoExecutor,
    Need,
    QuestionOutcome,
    Topic,
)
from otklik.appeals.permissions import allows, check_can_write
from otklik.core import journal
from otklik.core.errors import DomainError
from otklik.people.models import Employee

S = Appeal.Status
LONGEST = 1000


class WrongQuestion(DomainError):
    """The question cannot be split, joined or written so."""

    code = "case_question.wrong"
    text = "{what}"


def check_can_change(appeal: Appeal, user: Employee) -> None:
    """Raise where the user may not split or join the questions: who proposes topics may, until the answer is signed."""
    if not user.has_power("appeals.propose") and not user.has_power("appeals.classify"):
        check_can_write(appeal, user)
    complained.check_apart(appeal, user, "делить обращение на вопросы ему")
    if appeal.status in FINISHED or appeal.status in (S.SIGNING, S.SIGNED):
        raise WrongQuestion(what=f"Обращение № {appeal.number} уже отвечено или на подписи: вопросы не меняются.")


@transaction.atomic
def split(appeal: Appeal, topic: Topic, need: Need, *, text: str = "", by: Employee) -> AppealQuestion:
    """Make one more question of the letter; confirmed at once where this person confirms, else proposed."""
    check_can_change(appeal, by)
    for row in (topic, need):
        if not classification.fits(row):
            raise classification.UnfitQuestion(name=str(row))
    transitions.hold(appeal)
    confirms = allows(classification.check_can_classify, appeal, by)
    sure = {"confirmed_by": by, "confirmed_at": timezone.now()} if confirms else {"proposed_by": by}
    try:
        with transaction.atomic():
            question = AppealQuestion.objects.create(appeal=appeal, topic=topic, need=need, **sure)
    except IntegrityError:
        raise WrongQuestion(
            what=f"Вопрос с темой «{topic.name}» и потребностью «{need.name}» в обращении уже есть. "
            "Допишите к его словам или выберите другую потребность."
        ) from None
    CaseQuestion.objects.create(question=question, text=_tidy(text))
    _whole_becomes_parts(appeal)
    journal.record("appeal.question_split", chain=f"appeal:{appeal.pk}", by=by, question=question.pk)
    return question


@transaction.atomic
def join(kept: AppealQuestion, gone: AppealQuestion, *, by: Employee) -> None:
    """Make one question of two: the words of both stay with the first, the second one's outcome goes."""
    appeal = kept.appeal
    check_can_change(appeal, by)
    if kept.pk == gone.pk or kept.appeal_id != gone.appeal_id:
        raise WrongQuestion(what="Выберите два разных вопроса одного обращения.")
    transitions.hold(appeal)
    words = " ".join(filter(None, (_text_of(kept), _text_of(gone))))
    if not AppealQuestion.objects.filter(pk=gone.pk).delete()[0]:
        raise WrongQuestion(what="Этого вопроса уже нет. Обновите страницу.")
    CaseQuestion.objects.update_or_create(question=kept, defaults={"text": words[:LONGEST]})
    journal.record("appeal.questions_joined", chain=f"appeal:{appeal.pk}", by=by, question=kept.pk, merged=gone.pk)


@transaction.atomic
def describe(question: AppealQuestion, *, text: str, executor: Employee | None, by: Employee) -> CaseQuestion:
    """Write down what a question asks and who answers this part; he becomes a co-executor, so that he sees the case."""
    appeal = question.appeal
    check_can_change(appeal, by)
    if executor is not None:
        assignment.check_helper(executor, timezone.localdate())
        complained.check_apart(appeal, executor, "поручить ему вопрос")
        if appeal.executor_id is None:
            raise WrongQuestion(what="Сначала назначьте исполнителя обращения: он отвечает за весь ответ.")
    transitions.hold(appeal)
    row, _ = CaseQuestion.objects.update_or_create(
        question=question, defaults={"text": _tidy(text), "executor": executor}
    )
    if executor is not None and executor.pk != appeal.executor_id:
        CoExecutor.objects.get_or_create(appeal=appeal, employee=executor)
        search_feed.put(appeal)
    journal.record(
        "appeal.question_described",
        chain=f"appeal:{appeal.pk}",
        by=by,
        question=question.pk,
        executor=executor.pk if executor else None,
    )
    return row


def _whole_becomes_parts(appeal: Appeal) -> None:
    """An outcome of the case as a whole says nothing of a question that was found since."""
    QuestionOutcome.objects.filter(appeal=appeal, question=None, replaced_at=None).update(replaced_at=timezone.now())


def _text_of(question: AppealQuestion) -> str:
    part = CaseQuestion.objects.filter(question=question).first()
    return part.text if part else ""


def _tidy(text: str) -> str:
    text = " ".join(text.replace("\x00", "").split())
    if len(text) > LONGEST:
        raise WrongQuestion(
            what=f"Слова вопроса длиннее {LONGEST} знаков. Сократите их: полный текст остаётся в письме."
        )
    return text
