"""Holding the reception (п. 35.1, 35.3): only the official of the card, with an authority of his own for the day.

Every mark is a move of the card, so of two windows one is told. An attempt that is refused stays in the journal.
"""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING, Final, NoReturn

from django.db import transaction
from django.db.models import F, Max, Q, QuerySet
from django.utils import timezone

from otklik.appeals.models import Appeal, Need, Topic
from otklik.core import journal
from otklik.core.errors import DomainError
from otklik.people import applicants, staff
from otklik.people.models import Employee
from otklik.reception import authority, moves
from otklik.reception.models import Appointment, Authority, CardQuestion, ReceptionCard

if TYPE_CHECKING:
    from collections.abc import Iterable

HOLD: Final = "reception.hold"
DESK: Final = "reception.desk"
READERS: Final = (HOLD, DESK, "reception.decide", "reception.recordings", "reception.figures")
S = ReceptionCard.State
Consent = ReceptionCard.Consent
MOST_QUESTIONS: Final = 30
_DAY: Final = timedelta(days=1)


class MayNotHold(DomainError):
    """Перепоручение не допускается: somebody else, a deputy, or no authority on that day (п. 35.1)."""

    code = "reception.may_not_hold"
    text = "Карточка {number}: вести приём может только {who}. {why} Попытка записана в журнал."
    status = 403


class WrongDay(DomainError):
    """A reception is begun on the day it was appointed for."""

    code = "reception.wrong_day"
    text = "Карточка {number}: приём назначен на {on:%d.%m.%Y}, сегодня {today:%d.%m.%Y}. Перенесите запись."


class NotHeld(DomainError):
    """The reception has not begun, is interrupted, or is over."""

    code = "reception.not_held"
    text = "Карточка {number}: {what}"
    status = 409


class AnswerNeeded(DomainError):
    """Something the order asks for was not typed."""

    code = "reception.answer_needed"
    text = "{what}"


def day_of(card: ReceptionCard) -> date:
    """Return the day the powers are asked for: of the reception once it has begun, of the appointment before."""
    return timezone.localdate(card.started_at or card.appointment.starts_at)


def check_holds(card: ReceptionCard, by: Employee, *, starting: bool = False) -> Authority:
    """Return by which order he holds this reception; refuse anybody else, and keep the attempt in the journal.

    Standing in for the official gives nothing here; the authority is his own or there is none.
    """
    found = authority.of(by, day_of(card)) if card.official_id == by.pk else None
    if card.official_id != by.pk:
        why = "Заместитель и другие должностные лица — только после передачи приёма."
        refuse(card, by, "not_his", why, starting=starting)
    if found is None:
        why = f"На {day_of(card):%d.%m.%Y} его полномочия не действуют."
        refuse(card, by, "no_authority", why, starting=starting)
    return found


def refuse(card: ReceptionCard, by: Employee, code: str, why: str, *, starting: bool = False) -> NoReturn:
    """Write the attempt down in a transaction of its own and raise MayNotHold."""
    with transaction.atomic():
        journal.record(
            "reception.start_refused" if starting else "reception.decision_refused",
            chain=moves.chain_of(card),
            by=by,
            refused_why=code,
            official=card.official_id,
        )
    raise MayNotHold(number=card.number, who=card.official.short_name, why=why)


def check_open(card: ReceptionCard) -> None:
    """Raise NotHeld where no reception is going on."""
    words = {
        S.CHECK_IN: "заявитель ещё в приёмной: документ, согласия и помещение не отмечены.",
        S.READY: "приём ещё не начат. Нажмите «Начать приём».",
        S.PAUSED: "приём прерван: дождитесь другого помещения и продолжите.",
        S.FINISHED: "приём завершён, карточка больше не меняется.",
        S.ENDED: "приём не состоялся, карточка закрыта.",
    }
    if card.state != S.OPEN:
        raise NotHeld(number=card.number, what=words[S(card.state)])


def start(card: ReceptionCard, *, by: Employee, started_at: datetime | None = None) -> None:
    """Begin the reception: the official of the card, today, by his own authority.

    A card entered from paper is begun with the hour written on it, by the authority of that day.
    """
    if card.official_id == by.pk and not card.from_paper:
        on, today = timezone.localdate(card.appointment.starts_at), timezone.localdate()
        if on != today:
            raise WrongDay(number=card.number, on=on, today=today)
    found = check_holds(card, by, starting=True)
    if card.state == S.CHECK_IN:
        check_open(card)
    at = started_at if card.from_paper and started_at else timezone.now()
    with transaction.atomic():
        moves.move(card, S.OPEN, by=by, action="reception.started", started_at=at, authority=found)
        live = Appointment.objects.filter(pk=card.appointment_id, state__in=Appointment.LIVE)
        live.update(state=Appointment.State.RECEIVED, version=F("version") + 1)


def resume(card: ReceptionCard, *, by: Employee) -> None:
    """Go on in the other room after the consent to video was withdrawn."""
    check_holds(card, by)
    if card.state != S.PAUSED:
        raise NotHeld(number=card.number, what="приём не прерван, продолжать нечего.")
    moves.move(card, S.OPEN, by=by, action="reception.resumed")


def introduction(card: ReceptionCard) -> str:
    """Return what the official says first: who he is, whom he speaks with, what the reception is."""
    official, who = card.official, card.applicant
    name = " ".join(part for part in (who.first_name, who.patronymic) if part)
    post = f", {official.post[:1].lower()}{official.post[1:]}" if official.post else ""
    return (
        f"Здравствуйте{', ' + name if name else ''}. Меня зовут {official.full_name}{post}, "
        f"{staff.department().name}. Я веду личный приём и отвечу на ваши вопросы."
    )


def introduce(card: ReceptionCard, *, by: Employee) -> None:
    """Mark that the official has introduced himself (п. 35.3 пп. 1)."""
    check_holds(card, by)
    check_open(card)
    moves.move(card, S.OPEN, by=by, action="reception.introduced", introduced_at=timezone.now())


def applied_before(card: ReceptionCard, answer: bool | None, *, where: str = "", by: Employee) -> None:
    """Keep what was answered to «обращались ли в какой-либо орган и в каком порядке» (п. 35.3 пп. 2)."""
    check_holds(card, by)
    check_open(card)
    if answer is None:
        raise AnswerNeeded(what="Отметьте, обращался ли заявитель раньше: без этого приём не завершить (п. 35.3).")
    if answer and not where.strip():
        raise AnswerNeeded(what="Напишите, в какой орган и в каком порядке обращался заявитель, и что ему ответили.")
    moves.move(
        card,
        S.OPEN,
        by=by,
        action="reception.asked_before",
        applied_before=answer,
        applied_where=where.strip() if answer else "",
    )


def earlier_cases(card: ReceptionCard) -> QuerySet[Appeal]:
    """Return our own earlier cases of the applicant, merged rows included, the newest first."""
    rows = Appeal.objects.filter(applicant__in=applicants.group(card.applicant)).select_related("regime", "unit")
    return rows.exclude(pk__in=card.questions.filter(appeal__isnull=False).values("appeal")).order_by(
        "-registered_on", "-pk"
    )


def earlier_receptions(card: ReceptionCard) -> QuerySet[ReceptionCard]:
    """Return his earlier receptions, the newest first."""
    rows = ReceptionCard.objects.filter(applicant__in=applicants.group(card.applicant), state=S.FINISHED)
    return rows.exclude(pk=card.pk).select_related("official").order_by("-started_at")


def add_question(
    card: ReceptionCard, text: str, *, topic: Topic | None = None, need: Need | None = None, by: Employee
) -> CardQuestion:
    """Write down one question of the reception; each gets an outcome of its own."""
    check_holds(card, by)
    check_open(card)
    if not text.strip():
        raise AnswerNeeded(what="Напишите суть вопроса: она остаётся в карточке.")
    with transaction.atomic():
        last = card.questions.aggregate(last=Max("position"))["last"] or 0
        if last >= MOST_QUESTIONS:
            raise AnswerNeeded(what=f"В карточке уже {last} вопросов. Объедините похожие.")
        moves.move(card, S.OPEN, by=by, action="reception.question_added", facts={"question": last + 1})
        return CardQuestion.objects.create(card=card, position=last + 1, text=text.strip(), topic=topic, need=need)


def change_question(
    question: CardQuestion, text: str, *, topic: Topic | None, need: Need | None, by: Employee
) -> CardQuestion:
    """Correct what was asked and what it is about, until a case is made of it."""
    card = question.card
    check_holds(card, by)
    check_open(card)
    if not text.strip():
        raise AnswerNeeded(what="Напишите суть вопроса: она остаётся в карточке.")
    with transaction.atomic():
        facts = {"question": question.position}
        moves.move(card, S.OPEN, by=by, action="reception.question_changed", facts=facts)
        rows = CardQuestion.objects.filter(pk=question.pk, appeal=None)
        if not rows.update(text=text.strip(), topic=topic, need=need):
            raise NotHeld(number=card.number, what="по вопросу уже зарегистрировано обращение: исправляют его.")
    question.refresh_from_db()
    return question


def remove_question(question: CardQuestion, *, by: Employee) -> None:
    """Take a question typed by mistake out of the card; one with a case of its own stays."""
    card = question.card
    check_holds(card, by)
    check_open(card)
    with transaction.atomic():
        facts = {"question": question.position}
        moves.move(card, S.OPEN, by=by, action="reception.question_removed", facts=facts)
        if not CardQuestion.objects.filter(pk=question.pk, appeal=None).delete()[0]:
            raise NotHeld(number=card.number, what="по вопросу уже зарегистрировано обращение, убрать его нельзя.")


def withdraw_consent(card: ReceptionCard, kind: str, *, by: Employee) -> None:
    """Keep that consent to video or audio was withdrawn midway; without it, out of a room with video at once."""
    if card.official_id != by.pk and not by.has_power(DESK):
        refuse(card, by, "not_his", "Отзыв согласия отмечает ведущий приём или приёмная.")
    if kind not in ("video", "audio") or getattr(card, kind) != Consent.GIVEN:
        raise NotHeld(number=card.number, what="согласия на эту запись нет, отзывать нечего.")
    if card.state not in (S.OPEN, S.READY, S.PAUSED):
        check_open(card)
    leaves = kind == "video" and card.room_video
    to = {S.OPEN.value: S.PAUSED, S.READY.value: S.CHECK_IN}.get(card.state, card.state) if leaves else card.state
    facts = {"kind": kind}
    moves.move(card, to, by=by, action="reception.consent_withdrawn", facts=facts, **{kind: Consent.WITHDRAWN})


def seen_by(user: Employee) -> QuerySet[ReceptionCard]:
    """Return the cards an employee may open: his own; all of them for the front office, who decides, who counts."""
    if any(user.has_power(power) for power in READERS if power != HOLD):
        return ReceptionCard.objects.all()
    took_part = Q(official=user) | Q(handovers__was=user) | Q(instructions__executor=user)
    return ReceptionCard.objects.filter(pk__in=ReceptionCard.objects.filter(took_part).values("pk"))


def day_of_official(official: Employee, on: date) -> list[ReceptionCard]:
    """Return his cards of a day in the order of the hours, those ready to begin included."""
    begin = timezone.make_aware(datetime.combine(on, datetime.min.time()))
    rows: Iterable[ReceptionCard] = ReceptionCard.objects.filter(
        official=official, appointment__starts_at__gte=begin, appointment__starts_at__lt=begin + _DAY
    ).select_related("appointment", "applicant", "room", "official")
    return sorted(rows, key=lambda one: (one.appointment.starts_at, one.pk))
