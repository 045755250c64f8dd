"""Covering letters: an authority sends an appeal on, keeps it under control and is told what was answered."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from typing import Any, Final

from django.db import transaction
from django.template.loader import render_to_string

from otklik.appeals import access, control_term, dispatch, ways
from otklik.appeals.models import FINISHED, Appeal, AppealMessage, Dispatch, FrozenAnswer
from otklik.appeals.permissions import check_power
from otklik.core import journal, typed
from otklik.core.errors import DomainError
from otklik.correspondence import delivery, inbox
from otklik.correspondence.models import ChannelCode, ContactPoint, IncomingMessage, MessageFacts, OutgoingMessage
from otklik.correspondence.text import fit
from otklik.people import staff
from otklik.people.models import Employee

# Channels by which appeals come under a covering letter; what is known of it stands in the facts of their messages.
CHANNELS: Final = (ChannelCode.GOVERNOR, ChannelCode.MEDO)
SCHEMA: Final = "governor/1"  # of facts that a clerk has typed
USUAL_DAYS: Final = 30  # 59-ФЗ, ст. 12


class NothingToReport(DomainError):
    """The sender is told of an answer that has left, once."""

    code = "cover.nothing_to_report"
    text = "Отчёт не отправлен: {why}"


@dataclass(frozen=True)
class Cover:
    """A covering letter as its channel or a clerk knows it; `address`: where the report goes, empty where unknown."""

    number: str = ""
    on: date | None = None
    control_until: date | None = None
    sender: str = ""
    address: str = ""

    @property
    def named(self) -> str:
        """«№ А26-00-123 от 24.11.2026»."""
        return " от ".join(
            part
            for part in (f"№ {self.number}" if self.number else "", f"{self.on:%d.%m.%Y}" if self.on else "")
            if part
        )

    def is_short(self, received_on: date) -> bool:
        """Say whether less time is asked for than the law gives."""
        return self.control_until is not None and (self.control_until - received_on).days < USUAL_DAYS


def of(message: IncomingMessage) -> Cover | None:
    """Return a message's covering letter; None where it came without one."""
    if message.channel not in CHANNELS:
        return None
    facts = message.facts.order_by("-version").first()
    return None if facts is None else _read(facts.data, message)


def of_each(messages: Iterable[IncomingMessage]) -> dict[int, Cover]:
    """Return the covering letters of many messages by the messages' ids, in one query."""
    came = {one.pk: one for one in messages if one.channel in CHANNELS}
    newest = {row.message_id: row.data for row in MessageFacts.objects.filter(message__in=came).order_by("version")}
    read = {pk: _read(data, came[pk]) for pk, data in newest.items()}
    return {pk: one for pk, one in read.items() if one is not None}


def of_appeal(appeal: Appeal) -> Cover | None:
    """Return the covering letter under which an appeal came."""
    message = _message(appeal)
    return of(message) if message else None


def may_have(message: IncomingMessage) -> bool:
    """Say whether a covering letter may be written down for a message."""
    return message.channel in CHANNELS


def write(message: IncomingMessage, cover: Cover, *, by: Employee) -> None:
    """Write down what a clerk read in the covering letter; what the channel knew otherwise stays."""
    check_power(by, "intake.decide", "записать сопроводительное письмо")
    last = message.facts.order_by("-version").first()
    said = {
        "cover_number": fit(cover.number, 60),
        "cover_date": cover.on.isoformat() if cover.on else "",
        "control_until": cover.control_until.isoformat() if cover.control_until else "",
        "sender": fit(cover.sender, 300),
        "report_to": fit(cover.address, 320),
    }
    with transaction.atomic():
        facts = inbox.add_facts(
            message,
            schema=last.schema if last else SCHEMA,
            data={**(last.data if last else {"identified": True}), **said},
        )
        journal.record("message.cover_written", chain=f"message:{message.pk}", by=by, version=facts.version)
        taken = AppealMessage.objects.filter(message=message, first=True).select_related("appeal__regime").first()
        if taken is not None:
            control_term.follow_cover(taken.appeal, cover, by=by)


def same(cover: Cover, message: IncomingMessage, *, user: Employee) -> list[IncomingMessage]:
    """Return messages under the same covering letter that the user may see: it may have come another way before."""
    if not cover.number:
        return []
    known = MessageFacts.objects.filter(data__cover_number=cover.number)
    if cover.on:
        known = known.filter(data__cover_date=cover.on.isoformat())
    rows = access.messages_of(user).filter(pk__in=known.values("message")).exclude(pk=message.pk)
    return list(rows.select_related("taken__appeal").order_by("-received_at")[:5])


# --- the report ------------------------------------------------------------------------------------------------------


def check_can_report(appeal: Appeal, user: Employee) -> FrozenAnswer:
    """Return the answer to be reported; raise where the sender cannot be told of it now, or has been told."""
    check_power(user, "appeals.dispatch", "отправить отчёт")
    if appeal.channel != ChannelCode.GOVERNOR:
        raise NothingToReport(why="обращение поступило не через Общественную приёмную.")
    sent = _sent(appeal)
    if appeal.status not in FINISHED or sent is None or sent.message.state != OutgoingMessage.State.SENT:
        raise NothingToReport(why="сначала ответ должен уйти заявителю.")
    if report_of(appeal) is not None:
        raise NothingToReport(why="он уже подготовлен или отправлен.")
    return sent.answer


@transaction.atomic
def report(appeal: Appeal, *, to: str, by: Employee) -> OutgoingMessage:
    """Tell the sender of the covering letter how the appeal was answered, with a copy of the answer.

    By e-mail where `to` is such an address, else a person carries it.
    """
    answer = check_can_report(appeal, by)
    return _report(appeal, answer, to=to, once_key=f"cover-report:{answer.pk}", by=by)


@transaction.atomic
def report_copy(appeal: Appeal, answer: FrozenAnswer, *, to: str, by: Employee) -> OutgoingMessage:
    """Tell the sender of the covering letter of a copy how it was answered: by the answer to another appeal."""
    check_power(by, "appeals.dispatch", "отправить отчёт")
    return _report(appeal, answer, to=to, once_key=f"cover-report:{answer.pk}:{appeal.pk}", by=by)


def _report(appeal: Appeal, answer: FrozenAnswer, *, to: str, once_key: str, by: Employee) -> OutgoingMessage:
    cover, to = of_appeal(appeal) or Cover(), to.strip()
    mailed = "@" in to
    if mailed:
        ways.check_address(ChannelCode.EMAIL, to)
    facts = {
        "appeal": appeal,
        "cover": cover,
        "signed_on": answer.signature.signed_on,
        "department": staff.department(),
    }
    message = delivery.queue(
        thread=appeal.thread,
        channel=ChannelCode.EMAIL if mailed else ChannelCode.GOVERNOR,
        kind=OutgoingMessage.Kind.REPORT,
        recipient=to,
        recipient_name=cover.sender,
        subject=f"О рассмотрении обращения № {appeal.number}" + (f" (Ваш {cover.named})" if cover.named else ""),
        text=render_to_string("appeals/letters/cover_report.txt", facts).strip() + "\n",
        contact_point=None if mailed else _point(appeal),
        files=dispatch.files_of(answer.appeal, answer),
        once_key=once_key,
        by=by,
    )
    journal.record("appeal.reported", chain=f"appeal:{appeal.pk}", by=by, message=message.pk)
    return message


def report_of(appeal: Appeal) -> OutgoingMessage | None:
    """Return the report on the answer that counts; None where there is none or it was taken back."""
    if appeal.channel != ChannelCode.GOVERNOR:
        return None
    rows = OutgoingMessage.objects.filter(thread=appeal.thread_id, kind=OutgoingMessage.Kind.REPORT)
    sent = _sent(appeal)
    return rows.filter(once_key=f"cover-report:{sent.answer_id}").first() if sent else None


def _sent(appeal: Appeal) -> Dispatch | None:
    gone = dispatch.current().filter(answer__appeal=appeal)
    return gone.select_related("answer__signature", "message").first()


def _point(appeal: Appeal) -> ContactPoint | None:
    return appeal.contact_point if appeal.contact_point.channel == ChannelCode.GOVERNOR else None


def _message(appeal: Appeal) -> IncomingMessage | None:
    if appeal.channel not in CHANNELS:
        return None
    first = AppealMessage.objects.filter(appeal=appeal, first=True).select_related("message").first()
    return first.message if first else None


def _read(data: dict[str, Any], message: IncomingMessage) -> Cover | None:
    if not any(data.get(name) for name in ("cover_number", "cover_date", "control_until")):
        return None
    sender = data.get("sender")
    address = data.get("report_to") or (message.sender_address if "@" in message.sender_address else "")
    return Cover(
        number=str(data.get("cover_number") or ""),
        on=typed.day(str(data.get("cover_date") or "")),
        control_until=typed.day(str(data.get("control_until") or "")),
        sender=sender if isinstance(sender, str) else "",
        address=str(address),
    )
