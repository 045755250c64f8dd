"""What each question of a reception ends with (п. 35.3): an oral answer, a case, an explanation, a refusal."""

from __future__ import annotations

from typing import IO, TYPE_CHECKING, Any, Final

from django.db import transaction
from django.utils import timezone

from otklik.appeals import fixed, registration, ways
from otklik.appeals.models import Appeal
from otklik.appeals.registration import Entry
from otklik.core import journal
from otklik.core.errors import DomainError
from otklik.core.terms import valid
from otklik.correspondence import inbox
from otklik.correspondence.models import ChannelCode, ContactPoint, IncomingMessage
from otklik.people import applicants
from otklik.people.applicants import Typed
from otklik.people.models import Employee
from otklik.reception import moves
from otklik.reception.holding import HOLD, AnswerNeeded, check_holds, check_open
from otklik.reception.models import CardQuestion, ReceptionCard

if TYPE_CHECKING:
    from collections.abc import Iterable

Outcome = CardQuestion.Outcome
Way = CardQuestion.Way
S = ReceptionCard.State
CHANNEL_OF: Final = {Way.POST.value: ChannelCode.POST, Way.EMAIL.value: ChannelCode.EMAIL}


class CaseMade(DomainError):
    """A case was made of the question: its outcome does not change."""

    code = "reception.case_made"
    text = "Вопрос {position}: обращение уже зарегистрировано, исход не меняется. Ответ готовят в обращении."
    status = 409


def oral(
    question: CardQuestion,
    *,
    answer: str,
    facts_evident: bool,
    consent: bool,
    material: int | None = None,
    by: Employee,
) -> None:
    """Keep an oral answer: only where the facts are evident and the applicant agrees to it; its text is in the card."""
    if not facts_evident:
        raise AnswerNeeded(
            what="Устно отвечают, только если факты очевидны и не требуют проверки (п. 35.3). Иначе — письменный ответ."
        )
    if not consent:
        raise AnswerNeeded(
            what="Отметьте согласие заявителя на устный ответ. Без согласия ответ даётся письменно (п. 35.3)."
        )
    if not answer.strip():
        raise AnswerNeeded(what="Напишите, что ответили: запись об этом делается в карточке (п. 35.3).")
    _decide(question, Outcome.ORAL, by, answer=answer.strip(), facts_evident=True, oral_consent=True, material=material)


def explain(question: CardQuestion, *, answer: str, material: int | None = None, by: Employee) -> None:
    """Keep where and in what order to apply, the matter being outside the official's competence."""
    if not answer.strip():
        raise AnswerNeeded(what="Напишите, куда и в каком порядке обратиться: контакты есть в Базе знаний.")
    _decide(question, Outcome.EXPLAINED, by, answer=answer.strip(), material=material)


def refuse(question: CardQuestion, *, earlier: Appeal | None, answer: str, by: Employee) -> None:
    """Keep a refusal: the matter was answered before (59-ФЗ ст. 13 ч. 6), and in which case."""
    if earlier is None:
        raise AnswerNeeded(what="Выберите обращение, в котором ответ уже давался: без него в приёме не отказывают.")
    if earlier.applicant_id not in applicants.group(question.card.applicant) or earlier.answered_on is None:
        raise AnswerNeeded(what=f"В обращении № {earlier.number} этому заявителю ответ не давался. Выберите другое.")
    if not answer.strip():
        raise AnswerNeeded(what="Напишите основание отказа: о каком ответе речь и что в нём сказано.")
    _decide(question, Outcome.REFUSED, by, answer=answer.strip(), answered_before=earlier)


def written(question: CardQuestion, *, way: str, address: str, by: Employee) -> Appeal:
    """Promise a written answer: the question becomes a case with its term, and only this official signs it.

    Registered as everything is, from a message written down by hand; all of it or nothing.
    """
    card = question.card
    check_holds(card, by)
    check_open(card)
    if way not in CHANNEL_OF:
        raise AnswerNeeded(what="Выберите, как отправить письменный ответ: почтой или электронной почтой.")
    address = " ".join(address.split())
    if not address:
        raise AnswerNeeded(what="Укажите почтовый адрес или адрес электронной почты для ответа (п. 35.3).")
    ways.check_address(CHANNEL_OF[way], address)
    with journal.together():
        _check_undecided(question)
        message = _write_down(card, question, address, by)
        default = registration.default_for(ChannelCode.RECEPTION)
        entry = Entry(
            regime=default.regime,
            contact_point=message.contact_point,
            subject=_short(question.text),
            needs_answer=True,
            applicant=Typed(),
            applicant_is=card.applicant,
            answer_channel=CHANNEL_OF[way],
            answer_address=address,
            written=default.written,
            received_on=timezone.localdate(card.started_at),
            questions=[(question.topic, question.need)] if question.topic and question.need else [],
        )
        appeal = registration.register(message, entry, by=by, power=HOLD)
        why = f"вёл личный приём {timezone.localdate(card.started_at):%d.%m.%Y}, карточка {card.number}"
        fixed.fix(appeal, by, why=why, by=by)
        _decide(question, Outcome.WRITTEN, by, way=way, address=address, appeal=appeal)
    return appeal


def take_paper(
    card: ReceptionCard, *, text: str, files: Iterable[tuple[str, bytes | IO[bytes]]] = (), by: Employee
) -> IncomingMessage:
    """Keep a written appeal handed over at the reception: it waits for registration as any other message."""
    check_holds(card, by)
    check_open(card)
    person = card.applicant
    message = inbox.write_down(
        channel=ChannelCode.RECEPTION,
        contact_point=_point(),
        sender_name=_name(person),
        sender_address=person.address,
        subject=f"Передано на личном приёме, карточка {card.number}",
        text=text,
        received_at=timezone.now(),
        files=files,
        by=by,
    )
    with transaction.atomic():
        inbox.add_facts(message, schema="hand", data={"applicant": _typed(person)})
        moves.move(card, S.OPEN, by=by, action="reception.paper_taken", facts={"message": message.pk})
    return message


def _decide(question: CardQuestion, outcome: str, by: Employee, **facts: Any) -> None:
    """Write an outcome over the one before, of whatever kind; nothing of the other outcome stays behind."""
    card = question.card
    check_holds(card, by)
    check_open(card)
    clean: dict[str, Any] = {
        "facts_evident": False,
        "oral_consent": False,
        "answer": "",
        "material": None,
        "answered_before": None,
        "way": "",
        "address": "",
    }
    with transaction.atomic():
        moves.move(
            card,
            S.OPEN,
            by=by,
            action="reception.question_decided",
            facts={"question": question.position, "outcome": str(outcome)},
        )
        rows = CardQuestion.objects.filter(pk=question.pk, appeal=None)
        if not rows.update(outcome=outcome, decided_at=timezone.now(), **clean | facts):
            raise CaseMade(position=question.position)
    question.refresh_from_db()
    question.card = card


def _check_undecided(question: CardQuestion) -> None:
    if CardQuestion.objects.filter(pk=question.pk, appeal__isnull=False).exists():
        raise CaseMade(position=question.position)


def _write_down(card: ReceptionCard, question: CardQuestion, address: str, by: Employee) -> IncomingMessage:
    person = card.applicant
    message = inbox.write_down(
        channel=ChannelCode.RECEPTION,
        contact_point=_point(),
        sender_name=_name(person),
        sender_address=address,
        subject=_short(question.text),
        text=f"{question.text}\n\nС личного приёма, карточка {card.number}, вопрос {question.position}.",
        received_at=card.started_at or timezone.now(),
        by=by,
    )
    inbox.add_facts(message, schema="hand", data={"applicant": _typed(person)})
    return message


def _point() -> ContactPoint | None:
    on = timezone.localdate()
    return ContactPoint.objects.filter(valid(on), channel=ChannelCode.RECEPTION).order_by("pk").first()


def _name(person: Any) -> str:
    full = f"{person.last_name} {person.first_name} {person.patronymic}".strip()
    return str(person.organisation or full)


def _typed(person: Any) -> dict[str, str]:
    names = ("kind", "last_name", "first_name", "patronymic", "organisation", "address")
    return {name: str(getattr(person, name)) for name in names}


def _short(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= 140 else line[:140].rsplit(" ", 1)[0] + "…"
