"""One answer for several appeals: it names every copy, closes each, and tells every covering letter; groups alike."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from django.db import transaction
from django.utils import timezone

from otklik.appeals import cover, dispatch, drafting, kinship, outcomes, transitions
from otklik.appeals.models import FINISHED, Appeal, Dispatch, Kinship, QuestionOutcome
from otklik.appeals.permissions import allows, check_power
from otklik.core import journal
from otklik.core.errors import DomainError
from otklik.correspondence.models import ChannelCode, OutgoingMessage
from otklik.people.models import Employee

S = Appeal.Status


class NothingToCover(DomainError):
    """The answer has not left, or a copy cannot take it."""

    code = "covered.nothing"
    text = "Обращение № {number}: {what}"


@dataclass(frozen=True)
class Spread:
    """What became of putting one text into the appeals of a group: numbers that took it, and why others did not."""

    done: list[str]
    refused: dict[str, str]


def check_can_cover(main: Appeal, user: Employee) -> Dispatch:
    """Return the answer that covers the copies; raise where it has not arrived yet or there are no copies."""
    check_power(user, "appeals.dispatch", "закрыть копии этим ответом")
    sent = dispatch.current().filter(answer__appeal=main).select_related("answer__signature", "message").first()
    if main.status not in FINISHED or sent is None or sent.message.state != OutgoingMessage.State.SENT:
        raise NothingToCover(number=main.number, what="сначала общий ответ должен уйти заявителю.")
    return sent


@transaction.atomic
def cover_all(main: Appeal, *, reports: Mapping[int, str], by: Employee) -> list[Appeal]:
    """Close every copy by the answer that was sent, and queue the reports owed: copy → where its report goes.

    All of them or none: where one copy is refused, its number is named and nothing has changed.
    """
    sent = check_can_cover(main, by)
    waiting = [one for one in kinship.copies(main) if one.status != S.CLOSED]
    owes = main.channel == ChannelCode.GOVERNOR and cover.report_of(main) is None
    if not waiting and not owes:
        raise NothingToCover(number=main.number, what="все копии уже закрыты этим ответом.")
    if owes:
        cover.report(main, to=reports.get(main.pk, ""), by=by)
    outcome = QuestionOutcome.objects.filter(appeal=main, replaced_at=None).select_related("kind").first()
    for copy in waiting:
        if copy.unseen_reply:
            raise NothingToCover(number=copy.number, what="заявитель написал ещё. Прочитайте и отметьте прочитанным.")
        _cover(main, copy, sent, outcome, to=reports.get(copy.pk, ""), by=by)
    return waiting


def _cover(
    main: Appeal, copy: Appeal, sent: Dispatch, outcome: QuestionOutcome | None, *, to: str, by: Employee
) -> None:
    needs = outcome.kind.needs if outcome else ""
    plain = needs in (outcomes.Needs.ANSWER, outcomes.Needs.LETTER)
    outcomes.settle(copy, code=outcome.kind.code if outcome and plain else outcomes.ANSWERED, by=by)
    transitions.move(
        copy,
        S.CLOSED,
        by=by,
        action="appeal.covered",
        facts={"main": main.pk, "message": sent.message_id},
        answered_on=main.answered_on,
        closed_on=timezone.localdate(),
        close_reason=f"ответ дан одним письмом с № {main.number}"[:300],
    )
    if copy.channel == ChannelCode.GOVERNOR:
        cover.report_copy(copy, sent.answer, to=to, by=by)


@transaction.atomic
def spread(main: Appeal, *, by: Employee) -> Spread:
    """Put the text of the answer into every appeal of the group that has none yet and may be written by this person.

    Each applicant gets a letter of his own: it is approved, signed and sent under its own number.
    """
    drafting.check_can_draft(main, by)
    text = drafting.draft_of(main).text
    if not text.strip():
        raise NothingToCover(number=main.number, what="сначала напишите текст ответа и сохраните его.")
    done, refused = list[str](), dict[str, str]()
    for one in kinship.copies(main, Kinship.Kind.GROUP):
        draft = drafting.draft_of(one)
        if draft.text.strip():
            refused[one.number] = "там уже есть свой текст"
        elif not allows(drafting.check_can_draft, one, by):
            refused[one.number] = "назначьте исполнителя: сейчас вы не можете готовить там ответ"
        else:
            drafting.save(one, text=text, base_version=draft.version, by=by)
            done.append(one.number)
    if done:
        journal.record("appeal.spread", chain=f"appeal:{main.pk}", by=by, appeals=len(done))
    return Spread(done, refused)
