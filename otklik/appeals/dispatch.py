"""Dispatch: the signed answer leaves by the applicant's channel, can be taken back for a moment; the case closes."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Final

from django.conf import settings
from django.db import IntegrityError, transaction
from django.db.models import QuerySet
from django.template.loader import render_to_string
from django.utils import timezone

from otklik.appeals import answer_ways, kinship, left_open, outcomes, signature, transitions, ways
from otklik.appeals.letters import compose
from otklik.appeals.models import FINISHED, AnswerCopy, Appeal, Dispatch, FrozenAnswer
from otklik.appeals.permissions import check_power
from otklik.appeals.pos import cases as pos
from otklik.appeals.pos import term as pos_term
from otklik.core import journal
from otklik.core.errors import DomainError
from otklik.core.models import StoredFile
from otklik.correspondence import delivery, social
from otklik.correspondence.models import ChannelCode, OutgoingMessage
from otklik.people import access as people_access
from otklik.people import staff
from otklik.people.models import Employee
from otklik.surveys import feedback

S = Appeal.Status
State = OutgoingMessage.State

ON_STATUS_PAGE: Final = "на странице состояния обращения"
WHY_NOT_CLOSED: Final = {
    State.QUEUED: "письмо с ответом ещё не ушло. Подождите, пока оно уйдёт, или отмените отправку.",
    State.SENDING: "письмо с ответом как раз отправляется. Подождите, пока оно уйдёт.",
    State.FAILED: "ответ не доставлен. Отправьте его снова или другим способом.",
    State.UNCERTAIN: "ответ не доставлен. Отправьте его снова или другим способом.",
}
NOT_IN_POS: Final = (
    "сообщение ПОС закрывает только ответ, внесённый в личный кабинет ПОС. Внесите его и отметьте «Ответ внесён в ПОС»."
)


class NotSent(DomainError):
    """There is nothing to take back."""

    code = "appeal.not_sent"
    text = "Обращение № {number}: отменить уже нельзя — письмо ушло."


class NotReadyToClose(DomainError):
    """Something about the appeal still waits for a person."""

    code = "appeal.not_ready_to_close"
    text = "Обращение № {number}: закрыть пока нельзя — {why}"


class NoAddress(DomainError):
    """Nobody knows where to send the answer."""

    code = "appeal.no_address"
    text = "Обращение № {number}: не указано, куда отправить ответ. Узнайте адрес у заявителя."


@dataclass(frozen=True)
class _Way:
    """How an answer goes out: channel, address, and its files.

    `public`: everybody reads it there; `unnamed`: nothing of people may go there, who ever reads it.
    """

    channel: str
    recipient: str
    files: list[tuple[str, StoredFile]] = field(default_factory=list)
    public: bool = False
    unnamed: bool = False


@dataclass(frozen=True)
class SeenByAll:
    """An answer in which nothing of people may stand: what does, and where its addressee reads alone.

    `messenger`: only he reads it, but the administrator has not allowed more there.
    """

    text: str
    kinds: list[str]
    private: str
    messenger: str = ""


def check_can_send(appeal: Appeal, user: Employee) -> None:
    """Raise where the user may not send the answer now."""
    check_power(user, "appeals.dispatch", "отправить ответ")
    transitions.check_can_move(appeal, S.SENT)
    if appeal.status == S.CLOSED:  # that arrow takes a closing back
        raise transitions.MoveRefused(number=appeal.number, now=S.CLOSED.label, to=S.SENT.label)


def check_can_undo(appeal: Appeal, user: Employee) -> None:
    """Raise where the letter has left already, or the user may not call it back."""
    check_power(user, "appeals.dispatch", "отменить отправку")
    transitions.check_can_move(appeal, S.SIGNED)
    message = _last_message(appeal) if appeal.status == S.SENT else None
    waits = message is not None and (
        message.state == State.BY_HAND or (message.state == State.QUEUED and message.not_before > timezone.now())
    )
    if not waits:
        raise NotSent(number=appeal.number)


def check_can_close(appeal: Appeal, user: Employee) -> None:
    """Raise where the user may not close the appeal: an answer is due, a reply unread, a letter not delivered yet."""
    check_power(user, "appeals.close", "закрыть обращение")
    transitions.check_can_move(appeal, S.CLOSED)
    if appeal.status != S.SENT and appeal.needs_answer:
        raise NotReadyToClose(number=appeal.number, why="оно требует ответа по существу, а ответ не отправлен.")
    if appeal.unseen_reply:
        raise NotReadyToClose(number=appeal.number, why="заявитель написал ещё. Прочитайте и отметьте прочитанным.")
    message = _last_message(appeal) if appeal.status == S.SENT else None
    if pos_term.holds(appeal.channel, appeal.regime) and (message is None or not _is_in_pos(message)):
        raise NotReadyToClose(number=appeal.number, why=NOT_IN_POS)
    if message is not None and (why := WHY_NOT_CLOSED.get(State(message.state))):
        raise NotReadyToClose(number=appeal.number, why=why)


def _is_in_pos(message: OutgoingMessage) -> bool:
    return message.channel == ChannelCode.POS and message.state == State.SENT


def seen_by_all(appeal: Appeal, answer: FrozenAnswer) -> SeenByAll | None:
    """Return what would be read if the answer went where the applicant asks; None where it may say everything."""
    place = social.place_of(appeal.answer_channel, appeal.answer_address)
    if place is None or not social.names_nobody(place):
        return None
    text = _for_all(appeal, answer, invites=not place.public)
    if place.public:
        return SeenByAll(text, social.personal_in(text), private_address(appeal))
    return SeenByAll(text, social.personal_in(text), "", messenger=ways.name(place.channel))


def private_address(appeal: Appeal) -> str:
    """Return where in its network the one who wrote reads alone; nothing elsewhere, or where that is not known."""
    channel = appeal.answer_channel
    if channel not in social.NETWORKS:
        return ""
    wrote = appeal.messages.filter(first=True).values_list("message__sender_address", flat=True).first()
    for address in (appeal.answer_address, wrote or ""):
        place = social.place_of(channel, address)
        if place is not None and not place.public:
            return place.address
    return ""


@transaction.atomic
def send(
    appeal: Appeal,
    *,
    by: Employee,
    on: date | None = None,
    at: datetime | None = None,
    imported: bool = False,
    privately: bool = False,
    outcome: str = outcomes.ANSWERED,
) -> Dispatch:
    """Send the signed answer by the applicant's channel; for some seconds it can be taken back.

    Every hash is recomputed first: only what was signed goes out. An imported answer is written down as sent.
    `privately`: in a network, to the one who wrote instead of under his comment. What everybody would read is refused
    while it tells of people and there is such a way. `outcome`: how those questions ended of which nobody said it.
    """
    if not imported:
        check_can_send(appeal, by)
        pos.check_way(appeal.channel, appeal.regime, appeal.answer_channel)
    answer = signature.frozen_of(appeal)
    if answer is None or appeal.status != S.SIGNED:
        raise transitions.MoveRefused(number=appeal.number, now=S(appeal.status).label, to=S.SENT.label)
    signature.verify_frozen(answer)
    at = at or timezone.now()
    on = on or timezone.localdate(at)
    if appeal.invitation is None and not imported:
        appeal.invitation = feedback.invite(channel=appeal.channel, on=on)
    way = _way(appeal, answer)
    private = private_address(appeal) if way.public else ""
    if private and privately:
        way = _Way(way.channel, private, files_of(appeal, answer))
    elif private:
        social.check_seen_by_all(_for_all(appeal, answer))
    if not imported:
        answer_ways.check(appeal, way.channel, way.recipient, on=on)
    message = _queue(appeal, answer, way, by=by, at=at, imported=imported)
    try:
        with transaction.atomic():
            row = Dispatch.objects.create(answer=answer, message=message, by=by, at=at)
    except IntegrityError as exc:  # of two who press at once the second sends nothing
        raise transitions.ChangedMeanwhile(number=appeal.number, now=S.SENT.label) from exc
    if not imported:
        outcomes.settle(appeal, code=outcome, by=by, on=on)
    transitions.move(
        appeal,
        S.SENT,
        by=by,
        action="appeal.sent",
        facts={"message": message.pk, "digest": answer.digest, "channel": way.channel},
        answered_on=on,
        invitation=appeal.invitation,
    )
    return row


@transaction.atomic
def undo(appeal: Appeal, *, by: Employee) -> None:
    """Take the letter back while it still waits; the appeal is «подписано» again."""
    check_can_undo(appeal, by)
    row = Dispatch.objects.select_related("message").get(answer=signature.frozen_of(appeal))
    delivery.cancel(row.message, by=by)
    row.delete()
    outcomes.take_back(appeal)
    transitions.move(
        appeal, S.SIGNED, by=by, action="appeal.send_undone", facts={"message": row.message_id}, answered_on=None
    )


@transaction.atomic
def send_another_way(appeal: Appeal, *, channel: str, address: str, by: Employee) -> Dispatch:
    """Send the same signed answer by another channel or to another address; the letter that failed is given up.

    A letter may come back after the appeal was closed: the answer goes out again, the appeal stays closed.
    """
    check_power(by, "appeals.dispatch", "отправить ответ другим способом")
    answer = signature.frozen_of(appeal)
    row = Dispatch.objects.filter(answer=answer).select_related("message").first() if answer else None
    if answer is None or row is None or appeal.status not in FINISHED:
        raise transitions.MoveRefused(number=appeal.number, now=S(appeal.status).label, to=S.SENT.label)
    if not address.strip():
        raise NoAddress(number=appeal.number)
    pos.check_way(appeal.channel, appeal.regime, channel)
    ways.check_address(channel, address)
    undelivered = row.message.state in (State.FAILED, State.UNCERTAIN, State.CANCELLED)
    answer_ways.check(appeal, channel, address, on=timezone.localdate(), failed=undelivered)
    signature.verify_frozen(answer)
    if row.message.state != State.CANCELLED:
        delivery.give_up(row.message, by=by)
    at, failed = timezone.now(), row.message_id
    message = _queue(appeal, answer, _way_to(appeal, answer, channel, address.strip()), by=by, at=at)
    if not Dispatch.objects.filter(pk=row.pk, message=failed).update(message=message, by=by, at=at):
        raise transitions.ChangedMeanwhile(number=appeal.number, now=S(appeal.status).label)
    row.refresh_from_db()
    journal.record(
        "appeal.sent_another_way", chain=f"appeal:{appeal.pk}", by=by, message=row.message_id, channel=channel
    )
    return row


def copy_ways(appeal: Appeal, *, on: date) -> list[str]:
    """Return the ways by which a copy of the answer may go besides it; none where no rule names them."""
    return [channel for channel in answer_ways.copies(appeal, on=on) if channel != appeal.answer_channel]


@transaction.atomic
def send_copy(appeal: Appeal, *, channel: str, address: str, by: Employee) -> AnswerCopy:
    """Send a copy of the answer that has gone its way: it replaces nothing, and closes nothing."""
    check_power(by, "appeals.dispatch", "отправить копию ответа")
    answer = signature.frozen_of(appeal)
    if answer is None or appeal.status not in FINISHED or not current().filter(answer=answer).exists():
        raise transitions.MoveRefused(number=appeal.number, now=S(appeal.status).label, to="копия ответа отправлена")
    address = address.strip()
    if not address:
        raise NoAddress(number=appeal.number)
    ways.check_address(channel, address)
    answer_ways.check(appeal, channel, address, on=timezone.localdate(), copy=True)
    if channel not in copy_ways(appeal, on=timezone.localdate()):
        raise ways.WrongAddress(what="этим способом копию не отправляют")
    signature.verify_frozen(answer)
    at = timezone.now()
    message = _queue(appeal, answer, _way_to(appeal, answer, channel, address), by=by, at=at)
    row = AnswerCopy.objects.create(answer=answer, message=message, by=by, at=at)
    journal.record("appeal.copy_sent", chain=f"appeal:{appeal.pk}", by=by, message=message.pk, channel=channel)
    return row


@transaction.atomic
def close(appeal: Appeal, *, reason: str, by: Employee, on: date | None = None, imported: bool = False) -> None:
    """End the work on an appeal. Without an answer it takes a reason, and that no answer is due.

    An answered one takes an outcome of every question, and that every copy of it is covered.
    """
    if not imported:
        check_can_close(appeal, by)
        pos.check_settled(appeal)
        left_open.check(appeal)
        if appeal.status == S.SENT:
            outcomes.check_covered(appeal)
            kinship.check_copies(appeal)
    reason = " ".join(reason.split())
    if not reason and appeal.status != S.SENT:
        raise NotReadyToClose(number=appeal.number, why="напишите причину, например «к сведению».")
    transitions.move(
        appeal,
        S.CLOSED,
        by=by,
        action="appeal.closed",
        closed_on=on or timezone.localdate(),
        close_reason=(reason or "ответ отправлен")[:300],
    )


@transaction.atomic
def drop_and_close(appeal: Appeal, *, why_dropped: str, reason: str, by: Employee) -> None:
    """Ask nobody for anything more, with a reason, and end the work: both or neither."""
    check_can_close(appeal, by)
    left_open.drop(appeal, reason=why_dropped, by=by)
    close(appeal, reason=reason, by=by)


@transaction.atomic
def undo_close(appeal: Appeal, *, to: str, by: Employee) -> None:
    """Take a closing back: the appeal is again in the state `to` it was closed from."""
    check_power(by, "appeals.close", "отменить закрытие")
    transitions.move(appeal, to, by=by, action="appeal.close_undone", closed_on=None, close_reason="")


def _queue(
    appeal: Appeal, answer: FrozenAnswer, way: _Way, *, by: Employee, at: datetime, imported: bool = False
) -> OutgoingMessage:
    """Put the letter into the outbox, in reply to what the applicant wrote last."""
    return delivery.queue(
        thread=appeal.thread,
        channel=way.channel,
        kind=OutgoingMessage.Kind.ANSWER,
        recipient=way.recipient,
        recipient_name=people_access.letter_name(appeal.applicant).dative,
        subject=_subject(appeal),
        text=_cover(appeal, answer, way),
        contact_point=appeal.contact_point if appeal.contact_point.channel == way.channel else None,
        files=way.files,
        by=by,
        undo_seconds=settings.UNDO_SECONDS,
        imported=imported,
        at=at,
    )


def _way(appeal: Appeal, answer: FrozenAnswer) -> _Way:
    """Return the way the applicant asked for. A site message without e-mail is answered on the status page."""
    address = appeal.answer_address.strip()
    if appeal.answer_channel == ChannelCode.WEBSITE:
        channel, address = (ChannelCode.EMAIL, address) if "@" in address else (ChannelCode.WEBSITE, ON_STATUS_PAGE)
        return _way_to(appeal, answer, channel, address)
    if not address and appeal.answer_channel in (ChannelCode.EMAIL, ChannelCode.POST):
        raise NoAddress(number=appeal.number)
    return _way_to(appeal, answer, appeal.answer_channel, address)


def _way_to(appeal: Appeal, answer: FrozenAnswer, channel: str, address: str) -> _Way:
    """Return a way to an address; where nothing of people may go, no files do: a letter names him whom it is for."""
    place = social.place_of(channel, address)
    if place is not None and social.names_nobody(place):
        return _Way(channel, address, public=place.public, unnamed=True)
    return _Way(channel, address, files_of(appeal, answer))


def by_mail(appeal: Appeal) -> list[int] | None:
    """Return the sizes of the files that the answer would carry by e-mail; None where it does not leave so."""
    answer = signature.frozen_of(appeal)
    if answer is None or appeal.status != S.SIGNED or not (address := appeal.answer_address.strip()):
        return None
    mailed = appeal.answer_channel == ChannelCode.EMAIL
    if not mailed and not (appeal.answer_channel == ChannelCode.WEBSITE and "@" in address):
        return None
    return [stored.size for _, stored in files_of(appeal, answer)]


def files_of(appeal: Appeal, answer: FrozenAnswer) -> list[tuple[str, StoredFile]]:
    """Return the letter, its signature or the scan in its place, and the attachments."""
    files = signature.frozen_files(answer)
    sign = answer.signature
    if sign.way == sign.Way.UKEP and sign.file is not None:
        files = [*files[:1], (f"{compose.letter_name(appeal)}.sig", sign.file), *files[1:]]
    elif sign.way == sign.Way.PAPER and sign.file is not None:
        files = [(f"Ответ {appeal.number} (скан).pdf", sign.file), *files[1:]]
    return files


def _subject(appeal: Appeal) -> str:
    """Return a subject without the applicant's own words: they may name him; the thread is kept by its headers."""
    return f"Ответ на {appeal.regime.citizen_word} № {appeal.number}"


def _cover(appeal: Appeal, answer: FrozenAnswer, way: _Way) -> str:
    if way.unnamed:
        return _for_all(appeal, answer, invites=not way.public)
    addressee = people_access.letter_name(appeal.applicant)
    text = answer.text
    greeted = addressee.greeting and text.lstrip().startswith(addressee.greeting)
    return render_to_string(
        "appeals/letters/answer.txt",
        {
            "appeal": appeal,
            "greeting": "" if greeted else addressee.greeting,
            "text": text,
            "signature": answer.signature,
            "post": compose.signer_post(answer.signer, on=answer.signature.signed_on),
            "signer": answer.signer.short_name,
            "department": staff.department(),
            "status_url": f"{settings.BASE_URL}/status/",
            "feedback_url": _feedback_url(appeal),
            "files": way.files,
            "own_numbers": ", ".join(kinship.numbers(appeal)),
        },
    )


def _feedback_url(appeal: Appeal) -> str:
    return f"{settings.BASE_URL}/feedback/{appeal.invitation.token}/" if appeal.invitation else ""


def _for_all(appeal: Appeal, answer: FrozenAnswer, *, invites: bool = False) -> str:
    """Return an answer as everybody may read it: nobody is addressed by name, nothing leads to the case.

    `invites`: only its addressee reads it, so he is asked what he thinks of it.
    """
    greeting, text = people_access.letter_name(appeal.applicant).greeting, answer.text.strip()
    if greeting and text.startswith(greeting):
        text = text.removeprefix(greeting).lstrip(" ,.!\n")
    facts: dict[str, object] = {
        "text": text,
        "greeted": text.startswith("Здравствуйте"),
        "department": staff.department(),
    }
    facts |= {"appeal": appeal, "invites": invites, "feedback_url": _feedback_url(appeal) if invites else ""}
    return render_to_string("appeals/letters/answer_for_all.txt", facts).strip()


def current() -> QuerySet[Dispatch]:
    """Return the answers that count: not withdrawn, not followed by another one."""
    return Dispatch.objects.filter(answer__withdrawn_at=None, answer__followed_at=None)


def _last_message(appeal: Appeal) -> OutgoingMessage | None:
    row = current().filter(answer__appeal=appeal).select_related("message").first()
    return row.message if row else None
