"""«Запрос сведений» to another body (59-ФЗ, ст. 10 ч. 2): letter, control date, reminder, reply, ground for extension.

It has a thread of its own, so what the body answers never looks like a word of the applicant; and the term of the
appeal runs on all the while.
"""

from __future__ import annotations

from contextlib import suppress
from datetime import date, timedelta
from typing import Any, Final

from django.conf import settings
from django.db import transaction
from django.db.models import Q, QuerySet
from django.template.loader import render_to_string
from django.utils import timezone

from otklik.appeals import access, search_feed, sed, ways
from otklik.appeals.errors import WrongDate
from otklik.appeals.models import (
    FINISHED,
    Appeal,
    AppealMessage,
    Direction,
    Inquiry,
    InquiryReply,
    InquiryRule,
)
from otklik.appeals.permissions import check_can_work, check_power
from otklik.core import calendar, journal
from otklik.core.errors import DomainError
from otklik.core.terms import valid
from otklik.core.workdays import Term
from otklik.correspondence import delivery, inbox
from otklik.correspondence.models import ChannelCode, IncomingMessage, OutgoingMessage, Thread
from otklik.people import staff
from otklik.people.models import Employee

KEEP: Final = "dictionaries.edit"
WAITING: Final = Q(answered_on=None, withdrawn_on=None)
CHANNELS: Final = (ChannelCode.EMAIL, ChannelCode.POST)
State = IncomingMessage.State


class BadInquiry(DomainError):
    """Something is missing or does not fit."""

    code = "appeal.bad_inquiry"
    text = "Запрос не подготовлен: {what}"


class WrongInquiryRule(DomainError):
    """A term of requests that cannot be kept."""

    code = "appeal.wrong_inquiry_rule"
    text = "Срок запроса не записан: {why}."


class InquiryChanged(DomainError):
    """Somebody was quicker."""

    code = "appeal.inquiry_changed"
    text = "Этот запрос только что изменили: ответ отметили или запрос отозвали. Обновите страницу."


class NoSuchReply(DomainError):
    """The message is not one that may be marked as the reply."""

    code = "appeal.no_such_reply"
    text = "Это сообщение нельзя отметить ответом на запрос: {why}"


def check_can_ask(appeal: Appeal, user: Employee) -> None:
    """Raise where the user may not ask other bodies: who works on the answer, and who registers and sends."""
    check_can_work(appeal, user)
    if appeal.status in FINISHED:
        raise BadInquiry(what="работа по обращению закончена.")


def rules(on: date) -> QuerySet[InquiryRule]:
    """Return the terms that may be asked by on a day."""
    return InquiryRule.objects.filter(valid(on))


@transaction.atomic
def add_rule(*, name: str, days: int, unit: str, roll: str, basis: str, valid_from: date, by: Employee) -> InquiryRule:
    """Write a term that holds from a day on; the one of the same name ends the day before."""
    check_power(by, KEEP, "вести сроки запросов сведений")
    before = InquiryRule.objects.select_for_update().filter(name=name)
    if before.filter(valid_from__gte=valid_from).exists():
        raise WrongInquiryRule(why="с этой или более поздней даты такой срок уже есть. Укажите дату позже")
    before.filter(Q(valid_to__isnull=True) | Q(valid_to__gte=valid_from)).update(
        valid_to=valid_from - timedelta(days=1)
    )
    row = InquiryRule.objects.create(name=name, days=days, unit=unit, roll=roll, basis=basis, valid_from=valid_from)
    journal.record("inquiries.rule_added", chain="dictionaries", by=by, new=row.pk, days=days, on=valid_from)
    return row


@transaction.atomic
def end_rule(rule: InquiryRule, *, last_day: date, by: Employee) -> None:
    """Let a term hold till a day, that day included; requests that stand on it keep their date."""
    check_power(by, KEEP, "вести сроки запросов сведений")
    if last_day < rule.valid_from:
        raise WrongInquiryRule(why=f"последний день раньше начала, {rule.valid_from:%d.%m.%Y}")
    if not InquiryRule.objects.filter(pk=rule.pk, valid_to=rule.valid_to).update(valid_to=last_day):
        raise WrongInquiryRule(why="его уже изменил другой сотрудник. Обновите страницу")
    journal.record("inquiries.rule_ended", chain="dictionaries", by=by, old=rule.pk, on=last_day)


def proposed_text(appeal: Appeal, rule: InquiryRule, *, by: Employee) -> str:
    """Return the letter of the template, to be finished by its author; the applicant is not named in it."""
    executor = appeal.executor or by
    facts = {
        "appeal": appeal,
        "rule": rule,
        "department": staff.department(),
        "executor": executor,
    }
    return render_to_string("appeals/letters/inquiry.txt", facts).strip() + "\n"


def send(
    appeal: Appeal,
    *,
    rule: InquiryRule,
    body: str,
    channel: str,
    address: str,
    text: str,
    sed_number: str = "",
    by: Employee,
    on: date | None = None,
) -> Inquiry:
    """Make the letter and put it on its way: by e-mail, or on paper carried by a person. Its control date is counted.

    The number is our own, after the appeal's, or the one that СЭД gave.
    """
    check_can_ask(appeal, by)
    on, body, address = on or timezone.localdate(), " ".join(body.split()), address.strip()
    missing = {"кому": body, "адрес": address, "текст": text.strip()}
    if names := ", ".join(name for name, there in missing.items() if not there):
        raise BadInquiry(what=f"не хватает: {names}.")
    if channel not in CHANNELS:
        raise BadInquiry(what="выберите, отправить его электронной почтой или на бумаге.")
    if "…" in text:
        raise BadInquiry(what="замените многоточие в тексте тем, что нужно узнать.")
    ways.check_address(channel, address)
    if on < appeal.registered_on:
        raise WrongDate(what="Запрос не может быть раньше регистрации обращения.")
    due = Term(rule.days, rule.basis, rule.unit, rule.roll).due(on, calendar.current())  # type: ignore[arg-type]
    with transaction.atomic():
        # One at a time: numbers of one appeal follow each other, and two presses make two letters only by two people.
        Appeal.objects.select_for_update(of=("self",)).get(pk=appeal.pk)
        number = " ".join(sed_number.split())[:60] or _next_number(appeal)
        if Inquiry.objects.filter(number=number).exists():
            raise BadInquiry(what=f"номер «{number}» уже у другого запроса.")
        thread = Thread.objects.create()
        message = delivery.queue(
            thread=thread,
            channel=channel,
            kind=OutgoingMessage.Kind.NOTICE,
            recipient=address,
            recipient_name=body,
            subject=f"Запрос сведений № {number} от {on:%d.%m.%Y}",
            text=text.strip() + "\n",
            undo_seconds=settings.UNDO_SECONDS,
            by=by,
        )
        row = Inquiry.objects.create(
            appeal=appeal,
            number=number,
            on=on,
            rule=rule,
            body=body[:300],
            channel=channel,
            address=address[:500],
            text=text.strip(),
            due_on=due.on,
            why=due.why,
            thread=thread,
            message=message,
            made_by=by,
        )
        if sed_number.strip():
            sed.note(appeal, direction=Direction.OUTGOING, number=number, on=on, by=by)
        _record("appeal.inquiry_sent", row, by, message=message.pk, due_on=due.on.isoformat())
    return row


def remind(row: Inquiry, *, by: Employee | None, on: date | None = None) -> OutgoingMessage:
    """Send the body a reminder by the same way, once a day."""
    if by is not None:
        check_can_ask(row.appeal, by)
    on = on or timezone.localdate()
    with transaction.atomic():
        waits = Inquiry.objects.filter(WAITING, pk=row.pk).exclude(reminded_on=on)
        if not waits.update(reminded_on=on):
            raise InquiryChanged
        facts = {"inquiry": row, "department": staff.department()}
        message = delivery.queue(
            thread=row.thread,
            channel=row.channel,
            kind=OutgoingMessage.Kind.NOTICE,
            recipient=row.address,
            recipient_name=row.body,
            subject=f"Напоминание о запросе № {row.number} от {row.on:%d.%m.%Y}",
            text=render_to_string("appeals/letters/inquiry_reminder.txt", facts).strip() + "\n",
            in_reply_to=row.message.message_id,
            references=[row.message.message_id],
            by=by,
        )
        _record("appeal.inquiry_reminded", row, by, message=message.pk)
    row.refresh_from_db()
    return message


def may_be_replies(row: Inquiry, user: Employee) -> list[IncomingMessage]:
    """Return the messages that may be the reply: of the case, not its first, and those nobody has taken that fit."""
    body = row.address if row.channel == ChannelCode.EMAIL else ""
    fits = Q(taken__appeal=row.appeal_id, taken__first=False) | Q(thread=row.thread_id)
    fits |= Q(subject__icontains=row.number) | (Q(sender_address__iexact=body) if body else Q(pk__in=[]))
    rows = access.messages_of(user).filter(fits, answers_inquiry=None, machine="")
    rows = rows.filter(Q(taken__appeal=row.appeal_id) | Q(taken=None, state=State.NEW))
    return list(rows.order_by("-received_at", "-pk")[:20])


def link_reply(row: Inquiry, message: IncomingMessage, *, by: Employee | None, on: date | None = None) -> InquiryReply:
    """Mark a message as the reply; one that nobody has taken joins the case. It is no word of the applicant."""
    if by is not None:
        check_can_work(row.appeal, by)
    taken = AppealMessage.objects.filter(message=message).first()
    if taken is not None and (taken.appeal_id != row.appeal_id or taken.first):
        raise NoSuchReply(why="с него началось обращение или оно относится к другому обращению.")
    if row.withdrawn_on is not None:
        raise NoSuchReply(why="запрос отозван.")
    if timezone.localdate(message.received_at) < row.on:
        raise NoSuchReply(why="оно пришло раньше запроса.")
    with transaction.atomic():
        if taken is None:
            inbox.take(message, state=State.JOINED, thread=row.thread, by=by)
            AppealMessage.objects.create(appeal=row.appeal, message=message)
            search_feed.put(row.appeal)
        link, made = InquiryReply.objects.get_or_create(message=message, defaults={"inquiry": row, "linked_by": by})
        if not made:
            raise InquiryChanged
        _let_rest(row.appeal)
        Inquiry.objects.filter(pk=row.pk, answered_on=None).update(
            answered_on=on or timezone.localdate(message.received_at)
        )
        _record("appeal.inquiry_answered", row, by, message=message.pk)
    row.refresh_from_db()
    return link


def join_certain() -> bool:
    """Join one message that is certainly a reply in the thread of a request. Return False when there is none."""
    message = (
        IncomingMessage.objects.filter(
            state=State.NEW, match=IncomingMessage.Match.CERTAIN, thread__inquiry__isnull=False, machine=""
        )
        .exclude(thread__inquiry__withdrawn_on__isnull=False)
        .order_by("pk")
        .first()
    )
    if message is None:
        return False
    row = Inquiry.objects.select_related("appeal", "thread", "message").get(thread=message.thread_id)
    with suppress(inbox.AlreadyTaken, InquiryChanged):  # another worker or a clerk was quicker; look again
        link_reply(row, message, by=None)
    return True


def withdraw(row: Inquiry, reason: str, *, by: Employee) -> None:
    """Wait for it no more, and say why; the letter, where it has not left yet, does not."""
    check_can_ask(row.appeal, by)
    reason = " ".join(reason.split())
    if not reason:
        raise BadInquiry(what="напишите, почему ответ больше не нужен.")
    drop(row, reason, by=by)


@transaction.atomic
def drop(row: Inquiry, reason: str, *, by: Employee) -> None:
    """Wait for it no more. Called where the right has been asked: by who withdraws it and by who closes the case."""
    waits = Inquiry.objects.filter(WAITING, pk=row.pk)
    if not waits.update(withdrawn_on=timezone.localdate(), withdrawn_why=reason[:300]):
        raise InquiryChanged
    message = OutgoingMessage.objects.get(pk=row.message_id)
    with suppress(delivery.TooLate):
        delivery.cancel(message, by=by)
    _record("appeal.inquiry_withdrawn", row, by)
    row.refresh_from_db()


def of(appeal: Appeal) -> list[Inquiry]:
    """Return the requests of an appeal with what is shown of them."""
    rows = Inquiry.objects.filter(appeal=appeal).select_related("rule", "message", "made_by")
    return list(rows.prefetch_related("replies__message"))


def waiting(user: Employee) -> QuerySet[Inquiry]:
    """Return the requests that wait, of appeals the user sees, the soonest first."""
    rows = Inquiry.objects.filter(WAITING).select_related("appeal", "rule", "made_by").order_by("due_on", "pk")
    return rows if user.has_power(access.ALL) else rows.filter(appeal__in=access.visible_to(user))


def grounds_for_extension(appeal: Appeal) -> list[str]:
    """Return, in words for the decision, what the appeal waits for from other bodies; the clock runs all the while."""
    rows = Inquiry.objects.filter(WAITING, appeal=appeal).select_related("rule")
    return [
        f"направлен запрос сведений № {row.number} от {row.on:%d.%m.%Y} ({row.body}; {row.rule.basis}), "
        f"ответ ожидается до {row.due_on:%d.%m.%Y}"
        for row in rows
    ]


def _next_number(appeal: Appeal) -> str:
    count = Inquiry.objects.filter(appeal=appeal).count()
    return f"{appeal.number}/ЗС-{count + 1}"[-80:]


def _let_rest(appeal: Appeal) -> None:
    """Take «заявитель написал ещё» off where every unread word turns out to be a reply of a body."""
    others = appeal.messages.filter(first=False, message__machine="", message__answers_inquiry=None)
    if not others.exists():
        Appeal.objects.filter(pk=appeal.pk, unseen_reply=True).update(unseen_reply=False)
        appeal.unseen_reply = False


def _record(action: str, row: Inquiry, by: Employee | None, **more: Any) -> None:
    journal.record(action, chain=f"appeal:{row.appeal_id}", by=by, inquiry=row.pk, **more)
