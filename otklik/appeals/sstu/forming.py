"""One appeal as ССТУ takes it: what its questions came to by the end of the month, dates, the answer, the JSON.

Nothing is typed for it: outcomes, forwardings, extensions and covering letters say everything.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from typing import Any, Final

from otklik.appeals.models import AppealQuestion, OutcomeKind, QuestionOutcome, SstuRule
from otklik.appeals.sstu.dictionary import Bodies
from otklik.appeals.sstu.selecting import Facts, Letter, Month
from otklik.core import files
from otklik.core.models import StoredFile
from otklik.correspondence.models import ChannelCode
from otklik.people import access, applicants

NOT_REGISTERED: Final = "NotRegistered"
IN_WORK, EXTENDED = "InWork", "InWorkExtended"
TRANSFERRED: Final = "Transferred"
LEFT: Final = "LeftWithoutAnswer"
ANSWERED: Final = frozenset({"Explained", "Supported", "NotSupported", "Answered"})  # an answer is attached to these
# What comes from another body, under its covering letter; all else comes from the applicant himself.
FROM_BODIES: Final[dict[str, str]] = {ChannelCode.MEDO: "Electronic", ChannelCode.GOVERNOR: "Other"}


@dataclass(frozen=True)
class Transfer:
    """To whom a question went on: the body by its name and, where it is entered, by its identifier in ССТУ."""

    body: str
    department: str
    on: date | None
    number: str


@dataclass(frozen=True)
class Question:
    """A question as it stood at the end of the month; `status` is empty where nobody has said how it ended."""

    code: str
    status: str
    incoming: date
    registered: date | None = None
    responded: date | None = None
    letter: Letter | None = None
    actions_taken: bool | None = None
    marked_extended: bool = False
    transfer: Transfer | None = None
    confirmed: bool = True


@dataclass(frozen=True)
class Request:
    """An appeal as ССТУ takes it. `created`: the day of the covering letter, None where it came from the applicant."""

    department: str
    direct: bool
    format: str
    number: str
    created: date | None
    name: str
    address: str
    email: str
    questions: tuple[Question, ...]

    @property
    def statuses(self) -> list[str]:
        """Return the statuses of the questions in their order."""
        return [one.status for one in self.questions]


def shape(facts: Facts, month: Month, rule: SstuRule, bodies: Bodies) -> Request:
    """Return the appeal as it stood on the last day of the month."""
    appeal = facts.appeal
    # No row of a covering letter: its number is asked for by the check list, nothing is made up.
    form = FROM_BODIES.get(appeal.channel)
    letter = facts.cover if form else None
    who = access.reported(applicants.main(appeal.applicant))
    questions: list[Question] = []
    for one in facts.questions:
        questions += _question(one, facts, month, rule, bodies)
    return Request(
        department=rule.department_id,
        direct=form is None,
        format=form or "Other",
        number=(letter.number if letter else "") if form else appeal.number,
        created=letter.on if letter else None,
        name=" ".join((who.name or rule.nameless).split()),
        address=" ".join(who.address.split()),
        email=who.email.strip(),
        questions=tuple(questions),
    )


def _question(question: AppealQuestion, facts: Facts, month: Month, rule: SstuRule, bodies: Bodies) -> list[Question]:
    """Return what one question came to: to several bodies it goes as often as there are bodies."""
    appeal, last = facts.appeal, month.last
    confirmed = question.confirmed_at is not None

    def made(status: str, registered: date | None = appeal.registered_on, **more: Any) -> Question:
        return Question(
            code=question.topic.code,
            status=status,
            incoming=appeal.received_on,
            registered=registered,
            confirmed=confirmed,
            **more,
        )

    if appeal.registered_on > last:
        return [made(NOT_REGISTERED, registered=None)]
    outcome = facts.outcomes.get(question.pk) or facts.outcomes.get(None)
    if outcome is not None and outcome.on > last:
        outcome = None
    whole, bodies_asked = _sent_on(question, facts, last)
    # What forwarding itself says of a question names all bodies at once; ССТУ is told of each.
    said_sent = outcome is not None and outcome.kind.needs == OutcomeKind.Needs.TRANSFER
    if bodies_asked and (whole or outcome is None or outcome.proposed or said_sent):
        known = [
            Transfer(copy, bodies.find(copy), on, appeal.number) for copy, on in bodies_asked
        ]  # the letter to a body bears the number of the appeal
        return [made(TRANSFERRED, transfer=one) for one in known]
    if outcome is not None and (ended := _ended(outcome, facts, last, bodies, made)):
        return [ended]
    finished = appeal.answered_on or appeal.closed_on
    if outcome is None and finished and finished <= last:
        return [made("")]
    if facts.extended_on and facts.extended_on <= last:
        marked = rule.extended == SstuRule.Extended.MARK
        return [made(IN_WORK if marked else EXTENDED, marked_extended=marked)]
    return [made(IN_WORK)]


def _sent_on(question: AppealQuestion, facts: Facts, last: date) -> tuple[bool, list[tuple[str, date]]]:
    """Return whether the case as a whole went on, and the bodies that were asked this question."""
    is_whole, asked = False, list[tuple[str, date]]()
    for row in facts.forwardings:
        if row.forwarded_on > last:
            continue
        copies = facts.copies.get(row.pk, [])
        named = [copy for copy, questions in copies if question.pk in questions]
        if row.whole:
            # One that no body is named for goes with the case: to all of them.
            is_whole = True
            named = named or [copy for copy, questions in copies if not questions] or [copy for copy, _ in copies]
        asked += [(copy.body, row.forwarded_on) for copy in named]
    return is_whole, asked


def _ended(
    outcome: QuestionOutcome, facts: Facts, last: date, bodies: Bodies, made: Callable[..., Question]
) -> Question | None:
    """Return a question that has ended; None where its letter had not left by the end of the month."""
    kind, appeal = outcome.kind, facts.appeal
    if kind.needs == OutcomeKind.Needs.TRANSFER:
        where = Transfer(outcome.where, bodies.find(outcome.where), outcome.dated, outcome.number)
        return made(TRANSFERRED, transfer=where) if outcome.dated is None or outcome.dated <= last else None
    responded = outcome.on
    if kind.letter_due:
        if appeal.answered_on is None or appeal.answered_on > last:
            return None
        responded = appeal.answered_on
    if kind.sstu not in ANSWERED:
        return made(kind.sstu, responded=responded)
    # An outcome without a letter has its proof: the paper of a reception, a withdrawal.
    letter = facts.letter or (("Документ.pdf", outcome.file) if outcome.file else None)
    return made(kind.sstu, responded=responded, letter=letter, actions_taken=kind.actions_taken)


# --- JSON ------------------------------------------------------------------------------------------------------------


def document(request: Request, read: Callable[[StoredFile], bytes] | None = None) -> dict[str, Any]:
    """Return the object ССТУ takes; what is empty is left out. `read`: how the bytes of an answer are got."""
    read = read or _bytes_of
    said = {
        "departmentId": request.department,
        "isDirect": request.direct,
        "format": request.format,
        "number": request.number,
        "createDate": _day(request.created),
        "name": request.name,
        "address": request.address,
        "email": request.email,
        "questions": [_question_object(one, read) for one in request.questions],
    }
    return _filled(said)


def _question_object(question: Question, read: Callable[[StoredFile], bytes]) -> dict[str, Any]:
    said: dict[str, Any] = {
        "code": question.code,
        "status": question.status,
        "incomingDate": _day(question.incoming),
        "registrationDate": _day(question.registered),
        "responseDate": _day(question.responded),
        "isExtend": True if question.marked_extended else None,
    }
    if question.status == "Supported":
        said["actionsTaken"] = bool(question.actions_taken)
    if question.letter is not None:
        name, stored = question.letter
        said["attachment"] = {"name": name, "content": base64.b64encode(read(stored)).decode("ascii")}
    if question.transfer is not None:
        one = question.transfer
        said["transfer"] = _filled(
            {"departmentId": one.department, "transferDate": _day(one.on), "transferNumber": one.number}
        )
    return _filled(said)


def dumped(document: dict[str, Any]) -> bytes:
    """Return an object as the bytes of its file."""
    return json.dumps(document, ensure_ascii=False, separators=(",", ":")).encode()


def base64_size(size: int) -> int:
    """Return how many bytes a file takes in base64."""
    return 4 * ((size + 2) // 3)


def _filled(said: dict[str, Any]) -> dict[str, Any]:
    """Leave out what is empty; False is not."""
    return {name: value for name, value in said.items() if value not in (None, "", [], {})}


def _day(on: date | None) -> str | None:
    return on.isoformat() if on else None


def _bytes_of(stored: StoredFile) -> bytes:
    with files.open_file(stored) as file:
        return bytes(file.read())
