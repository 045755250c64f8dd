"""What becomes of what somebody said: tagged, handed to a unit or to the Knowledge Base, ended with words."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final

from django.db import transaction
from django.db.models import Q
from django.utils import timezone

from otklik.core import journal
from otklik.core.errors import DomainError
from otklik.knowledge import proposals
from otklik.knowledge.models import Proposal
from otklik.people.models import Employee, Unit
from otklik.surveys.models import OpinionTag, OpinionWork, Response

State = OpinionWork.State
OPEN: Final = (State.NEW, State.HANDED)
# The loop is closed by words of ours, or by the end of the proposal that was made of it.
CLOSED: Final = Q(work__state__in=[State.DONE, State.DECLINED]) | Q(
    work__proposal__state__in=[Proposal.State.DONE, Proposal.State.DECLINED]
)


class OpinionEnded(DomainError):
    """A colleague was quicker."""

    code = "opinion.ended"
    text = "Отзыв уже в состоянии «{now}». Обновите страницу."
    status = 409


class NoUnit(DomainError):
    """A task is somebody's."""

    code = "opinion.no_unit"
    text = "Выберите подразделение, которому передать отзыв."


class NoTask(DomainError):
    """What is handed over is to be done."""

    code = "opinion.no_task"
    text = "Напишите, что сделать: подразделение увидит эти слова рядом с отзывом."


class NoWords(DomainError):
    """An opinion ends with words."""

    code = "opinion.no_words"
    text = "Напишите, что сделано или почему делать нечего: без этого отзыв не закрыть."


@transaction.atomic
def tag(response: Response, tags: Iterable[OpinionTag], *, by: Employee) -> None:
    """Say in a word or several what an opinion is about; what was said before gives way."""
    work = _work(response)
    chosen = list(tags)
    work.tags.set(chosen)
    journal.record("opinion.tagged", chain=_chain(response), by=by, tags=sorted(one.pk for one in chosen))


@transaction.atomic
def hand_over(response: Response, *, unit: Unit | None, task: str, by: Employee) -> None:
    """Hand an opinion to a unit as a task; handed again it passes on."""
    if unit is None:
        raise NoUnit
    if not (task := task.strip()[:500]):
        raise NoTask
    facts = {"unit": unit, "task": task, "handed_at": timezone.now(), "handed_by": by}
    _move(response, State.HANDED, **facts)
    journal.record("opinion.handed", chain=_chain(response), by=by, unit=unit.pk)


@transaction.atomic
def propose(response: Response, *, question: str, unit: Unit | None, by: Employee) -> Proposal:
    """Make a proposal for the Knowledge Base of an opinion: when it ends, the loop is closed."""
    if not (question := question.strip()):
        raise NoTask
    proposal = proposals.ask(question, unit=unit, by=by)
    _move(response, State.HANDED, proposal=proposal, handed_at=timezone.now(), handed_by=by)
    journal.record("opinion.proposed", chain=_chain(response), by=by, proposal=proposal.pk)
    return proposal


@transaction.atomic
def done(response: Response, *, outcome: str, by: Employee) -> None:
    """End an opinion with what was done."""
    _end(response, State.DONE, outcome, by)
    journal.record("opinion.done", chain=_chain(response), by=by)


@transaction.atomic
def decline(response: Response, *, outcome: str, by: Employee) -> None:
    """End an opinion with why there is nothing to do."""
    _end(response, State.DECLINED, outcome, by)
    journal.record("opinion.declined", chain=_chain(response), by=by)


def _end(response: Response, state: str, outcome: str, by: Employee) -> None:
    if not (outcome := outcome.strip()[:500]):
        raise NoWords
    _move(response, state, outcome=outcome, ended_at=timezone.now(), ended_by=by)


def _work(response: Response) -> OpinionWork:
    return OpinionWork.objects.get_or_create(response=response)[0]


def _move(response: Response, state: str, **facts: Any) -> None:
    work = _work(response)
    if not OpinionWork.objects.filter(pk=work.pk, state__in=OPEN).update(state=state, **facts):
        work.refresh_from_db()
        raise OpinionEnded(now=work.get_state_display())


def _chain(response: Response) -> str:
    return f"opinion:{response.pk}"
