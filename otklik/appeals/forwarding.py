"""Forwarding: what others decide goes to them within 7 days, as a whole or in part, and the applicant is told.

Never to oneself, never to whom the applicant complains of. A whole one ends the case with the day of the notice.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any, Final

from django.db import transaction
from django.db.models import Q
from django.utils import timezone

from otklik.appeals import bodies as bodies_of
from otklik.appeals import complained as complaints
from otklik.appeals import outcomes, terms, transitions, ways
from otklik.appeals.errors import NotAllowed, WrongDate
from otklik.appeals.letters import by_law
from otklik.appeals.models import Appeal, AppealMessage, AppealQuestion, ForwardedCopy, Forwarding
from otklik.appeals.permissions import check_power
from otklik.core import journal
from otklik.core import terms as rules
from otklik.core.errors import DomainError
from otklik.core.models import StoredFile, TermRule
from otklik.core.workdays import Due
from otklik.correspondence.models import ChannelCode, IncomingFile
from otklik.people import staff
from otklik.people.models import Department, Employee

S = Appeal.Status
POWER: Final = "appeals.dispatch"
SIGNS: Final = "appeals.sign"
# Before a text is asked to be approved: what is on its way to signature is taken back first.
FROM: Final = (S.REGISTERED, S.CLASSIFIED, S.ASSIGNED, S.DRAFTING)
WAYS: Final = (ChannelCode.EMAIL, ChannelCode.POST, ChannelCode.MEDO)
MOST_BODIES: Final = 20


class ForwardingRefused(DomainError):
    """The law does not let it go there, or something was not typed."""

    code = "appeal.forwarding_refused"
    text = "Обращение № {number}: не переслано. {why}"


class ToWhomComplainedOf(ForwardingRefused):
    """An appeal is never sent to the one it complains of."""

    code = "appeal.forwarded_to_complained"


class ToOneself(ForwardingRefused):
    """The department is no other body."""

    code = "appeal.forwarded_to_oneself"


class NothingTold(DomainError):
    """What another body has told is not written down."""

    code = "appeal.forwarding_not_told"
    text = "Обращение № {number}: не отмечено. {why}"


@dataclass(frozen=True)
class Addressed:
    """One body an appeal is sent to, and the questions it is to answer; none: all of them."""

    body: str
    channel: str
    address: str
    questions: Sequence[AppealQuestion] = field(default=())


def check_can_forward(appeal: Appeal, user: Employee) -> None:
    """Raise where the user may not forward this appeal now; asks no query."""
    check_power(user, POWER, "переслать обращение")
    if appeal.status not in FROM:
        state = S(appeal.status).label
        raise ForwardingRefused(
            number=appeal.number, why=f"Оно в состоянии «{state}»: сначала верните проект ответа исполнителю."
        )


def rule_of(appeal: Appeal) -> TermRule | None:
    """Return the rule of forwarding of the case's regime; None where the regime knows none."""
    on: dict[str, date] = {TermRule.Step.FORWARD: appeal.registered_on}
    return rules.rules_for(appeal.regime_id, on, channel=appeal.channel).get(TermRule.Step.FORWARD)


def due_of(appeal: Appeal) -> Due | None:
    """Return by which day a case is to be forwarded, day by day; None where its regime knows no forwarding."""
    rule = rule_of(appeal)
    return terms.due_of(appeal, rule) if rule else None


def of(appeal: Appeal) -> list[Forwarding]:
    """Return what was sent on, with the bodies, their letters and questions."""
    rows = Forwarding.objects.filter(appeal=appeal).select_related("notice", "signer")
    return list(rows.prefetch_related("copies__letter", "copies__questions__topic"))


@transaction.atomic
def forward(
    appeal: Appeal,
    bodies: Sequence[Addressed],
    *,
    whole: bool,
    signer: Employee,
    by: Employee,
    complained: Iterable[str] = (),
    control_on: date | None = None,
    late_why: str = "",
) -> Forwarding:
    """Send an appeal on, a copy to each body, and tell the applicant; a whole one closes the case.

    `complained`: whom it complains of, as typed; what the case itself says is compared too. After the term it takes
    a reason, which stays with it.
    """
    check_can_forward(appeal, by)
    today, late_why = timezone.localdate(), " ".join(late_why.split())
    rule = rule_of(appeal)
    if rule is None:
        why = f"Режим «{appeal.regime.name}» переадресации не знает: срока для неё нет в справочнике."
        raise ForwardingRefused(number=appeal.number, why=why)
    due = terms.due_of(appeal, rule)
    complained = [*complained, *complaints.names(appeal)]
    _check(appeal, bodies, whole=whole, complained=complained, rule=rule)
    if not signer.has_power(SIGNS):
        raise NotAllowed(what="подписать письмо о переадресации", power="подписывать ответ")
    if control_on is not None and control_on < today:
        raise WrongDate(what="День, до которого ждём ответа, уже прошёл.")
    if today > due.on and not late_why:
        why = f"Срок переадресации истёк {due.on:%d.%m.%Y} ({rule.basis}). Напишите, почему пересылаете позже."
        raise ForwardingRefused(number=appeal.number, why=why)
    topics = [", ".join(str(one.topic.name) for one in body.questions) for body in bodies]
    told = [{"body": body.body, "topics": said} for body, said in zip(bodies, topics, strict=True)]
    row = Forwarding(
        appeal=appeal,
        whole=whole,
        due_on=due.on,
        basis=rule.basis,
        late_why=late_why[:300] if today > due.on else "",
        complained_of=", ".join(complained)[:300],
        control_on=control_on,
        signer=signer,
        forwarded_on=today,
        by=by,
    )
    row.notice = by_law.to_applicant(
        appeal,
        "forwarded",
        {"whole": whole, "basis": rule.basis, "copies": told},
        subject=f"О переадресации обращения № {appeal.number}",
        signer=signer,
        by=by,
    )
    row.save(force_insert=True)
    papers = _papers(appeal)
    for body, said in zip(bodies, topics, strict=True):
        letter = by_law.to_body(
            appeal,
            "forwarding",
            {"topics": said, "basis": rule.basis, "control_on": control_on},
            body=body.body,
            channel=body.channel,
            address=body.address,
            files=papers,
            subject=f"О направлении обращения № {appeal.number} по принадлежности",
            signer=signer,
            by=by,
        )
        copy = ForwardedCopy.objects.create(
            forwarding=row, body=body.body[:300], channel=body.channel, address=body.address[:500], letter=letter
        )
        copy.questions.set(body.questions)
    outcomes.sent_on(appeal, {body.body: body.questions for body in bodies}, whole=whole, by=by)
    facts: dict[str, Any] = {
        "forwarding": row.pk,
        "message": row.notice_id,
        "copies": len(bodies),
        "late": bool(row.late_why),
    }
    if whole:
        to = ", ".join(body.body for body in bodies)
        transitions.move(
            appeal,
            S.CLOSED,
            by=by,
            action="appeal.forwarded",
            facts=facts,
            closed_on=today,
            close_reason=f"переслано по принадлежности: {to}"[:300],
        )
    else:
        journal.record("appeal.forwarded_in_part", chain=f"appeal:{appeal.pk}", by=by, **facts)
    return row


WAITING: Final = Q(control_on__isnull=False, told_on=None)


@transaction.atomic
def told(row: Forwarding, *, on: date, what: str, by: Employee) -> None:
    """Write down what another body has told of the results: its control day is waited for no more."""
    check_power(by, POWER, "отметить сведения о результатах")
    what = " ".join(what.split())[:500]
    if on < row.forwarded_on or on > timezone.localdate():
        raise WrongDate(what=f"Сведения получают не раньше пересылки ({row.forwarded_on:%d.%m.%Y}) и не позже сегодня.")
    if not what:
        raise NothingTold(number=row.appeal.number, why="Напишите, что сообщили.")
    if not Forwarding.objects.filter(WAITING, pk=row.pk).update(told_on=on, told_what=what):
        raise NothingTold(number=row.appeal.number, why="Сведения уже отмечены. Обновите страницу.")
    journal.record("appeal.forwarding_told", chain=f"appeal:{row.appeal_id}", by=by, forwarding=row.pk, on=on)


def _check(
    appeal: Appeal, bodies: Sequence[Addressed], *, whole: bool, complained: Sequence[str], rule: TermRule
) -> None:
    """Raise where the list of bodies is not one the law allows."""
    number = appeal.number
    if not bodies:
        raise ForwardingRefused(number=number, why="Напишите, куда: хотя бы один орган.")
    if len(bodies) > MOST_BODIES:
        raise ForwardingRefused(number=number, why=f"За один раз — не больше {MOST_BODIES} адресатов.")
    ours = staff.department()
    seen: list[str] = []
    for body in bodies:
        if not body.body.strip() or not body.address.strip():
            raise ForwardingRefused(number=number, why="У каждого адресата нужны и название, и адрес.")
        if body.channel not in WAYS:
            raise ForwardingRefused(number=number, why="Органу пишут по почте, электронной почте или МЭДО.")
        ways.check_address(body.channel, body.address)
        if _is_ours(body, ours):
            raise ToOneself(number=number, why=f"«{body.body}» — это мы сами. Укажите другой орган.")
        for one in complained:
            if bodies_of.same(one, body.body):
                why = (
                    f"«{body.body}» — тот, на кого жалуются («{one}»): жалобу нельзя направлять тому, чьи действия "
                    "обжалуют (59-ФЗ, ст. 8 ч. 6). Укажите вышестоящий орган; если его нет, верните обращение "
                    "с разъяснением (ч. 7)."
                )
                raise ToWhomComplainedOf(number=number, why=why)
        if any(bodies_of.same(body.body, other) for other in seen):
            raise ForwardingRefused(number=number, why=f"«{body.body}» указан дважды. Оставьте один раз.")
        seen.append(body.body)
    if not whole and AppealQuestion.objects.filter(appeal=appeal).count() > 1:
        sent = {question.pk for body in bodies for question in body.questions}
        if not sent:
            why = f"Отметьте, какие вопросы кому направляете, или перешлите целиком ({rule.basis})."
            raise ForwardingRefused(number=number, why=why)


def _is_ours(body: Addressed, ours: Department) -> bool:
    return (bool(ours.email) and body.address.strip().lower() == ours.email.lower()) or bodies_of.is_ours(body.body)


def _papers(appeal: Appeal) -> list[tuple[str, StoredFile | bytes]]:
    """Return the letter as the applicant wrote it, with its files."""
    first = AppealMessage.objects.filter(appeal=appeal, first=True).select_related("message").first()
    if first is None:
        return []
    message = first.message
    text = f"{message.subject}\n\n{message.text}".strip()
    papers: list[tuple[str, StoredFile | bytes]] = [(f"Обращение {appeal.number}.txt".replace("/", "-"), text.encode())]
    kept = IncomingFile.objects.filter(message=message).select_related("stored")
    return [*papers, *((file.name or "без имени", file.stored) for file in kept)]
