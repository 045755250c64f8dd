"""What became of an appeal, as its applicant may know it: on the status page, in a conversation by telephone."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Final

from django.utils import timezone

from otklik.appeals.models import Appeal, Dispatch
from otklik.core import masking
from otklik.correspondence.models import ChannelCode, OutgoingMessage

ON_THIS_PAGE: Final = "Прочитайте его на этой странице"


@dataclass(frozen=True)
class Event:
    """One line of the story: when, what, and whether it is still ahead or going on."""

    on: date | None
    words: str
    detail: str = ""
    state: str = "done"  # done, now, ahead


def events(appeal: Appeal, answers: list[Dispatch]) -> list[Event]:
    """Return the story of an appeal whose `answers` have left, what is still ahead at its end."""
    told = [
        Event(appeal.received_on, "Получено"),
        Event(appeal.registered_on, "Зарегистрировано", f"№ {appeal.number}"),
    ]
    later = appeal.messages.filter(first=False, message__machine="", message__answers_inquiry=None).select_related(
        "message"
    )
    told += [Event(timezone.localdate(one.message.received_at), "Получено ваше дополнение") for one in later]
    told += [
        Event(timezone.localdate(one.message.sent_at or one.at), "Ответ отправлен", _where(one.message))
        for one in answers
    ]
    told.sort(key=lambda event: event.on or date.max)
    if appeal.status == Appeal.Status.CLOSED:
        return told if answers else [*told, Event(appeal.closed_on, "Рассмотрение закончено")]
    if appeal.status == Appeal.Status.SENT and answers:
        return told
    preparing = Event(None, "Готовится ответ", state="ahead" if appeal.status == Appeal.Status.REGISTERED else "now")
    return [*told, preparing, Event(None, "Ответ отправлен", state="ahead")]


def answers_of(appeal: Appeal) -> list[Dispatch]:
    """Return the answers that have left, oldest first: an employee can no longer call them back."""
    left = Dispatch.objects.filter(answer__appeal=appeal, message__state=OutgoingMessage.State.SENT)
    return list(left.select_related("message").order_by("at"))


def _where(message: OutgoingMessage) -> str:
    """Say where the answer went, masked: the page may be seen over a shoulder."""
    if message.channel == ChannelCode.EMAIL:
        return f"На электронную почту {masking.email(message.recipient)}"
    if message.channel == ChannelCode.POST:
        return "Письмом по почте"
    if message.channel == ChannelCode.HOTLINE:
        return "По телефону"
    return ON_THIS_PAGE if message.channel == ChannelCode.WEBSITE else ""
