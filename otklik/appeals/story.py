"""What became of an appeal, as its applicant may know it: on the status page, in a conversation by telephone."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Final

from django.utils import timezone

from otklik.appeals.models import FINISHED, Appeal, Dispatch
from otklik.core import masking
from otklik.core.models import JournalEntry
from otklik.correspondence.models import ChannelCode, OutgoingMessage
from otklik.people import staff

S = Appeal.Status
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


@dataclass(frozen=True)
class Standing:
    """Where a matter stands in plain words: who is responsible (a unit, no person), what goes on, what is next."""

    who: str
    happens: str
    following: str
    told: tuple[str, ...] = ()  # what changed the term or the place, once it is in the journal


# What goes on in a state, and what follows, as somebody outside understands it.
_GOES_ON: Final[dict[str, tuple[str, str]]] = {
    S.REGISTERED: (
        "Определяем, о чём обращение и какой отдел ответит.",
        "Отдел получит обращение и начнёт готовить ответ.",
    ),
    S.CLASSIFIED: ("Тема определена, выбираем, кто ответит.", "Сотрудник отдела начнёт готовить ответ."),
    S.ASSIGNED: ("Сотрудник отдела изучает обращение.", "Он подготовит ответ и передаст его на проверку."),
    S.DRAFTING: ("Сотрудник отдела готовит ответ.", "Ответ проверит начальник, затем его подпишут."),
    S.APPROVAL: ("Ответ написан, его проверяет начальник.", "Ответ подпишут и отправят вам."),
    S.SIGNING: ("Ответ проверен и ждёт подписи.", "После подписи ответ отправят вам."),
    S.SIGNED: ("Ответ подписан.", "Отправим его вам в ближайшее рабочее время."),
}
_TOLD: Final = {
    "appeal.extended": "Срок ответа продлён. Уведомление об этом направлено вам.",
    "appeal.forwarded": "Обращение передано в другой орган, который и ответит. Уведомление направлено вам.",
    "appeal.forwarded_in_part": "Часть вопросов передана в другой орган. Уведомление направлено вам.",
    "appeal.paused": "Срок приостановлен.",
}


def standing(appeal: Appeal, answers: list[Dispatch]) -> Standing | None:
    """Return where a matter stands, None once it is answered or closed. What is not in the journal is not said."""
    if appeal.status not in _GOES_ON or (answers and appeal.status in FINISHED):
        return None
    happens, following = _GOES_ON[appeal.status]
    chain = JournalEntry.objects.filter(chain=f"appeal:{appeal.pk}", action__in=[*_TOLD, "appeal.resumed"])
    done = list(chain.order_by("seq").values_list("action", flat=True))
    # A pause is told while it lasts.
    done = [one for at, one in enumerate(done) if one != "appeal.paused" or "appeal.resumed" not in done[at:]]
    told = tuple(dict.fromkeys(_TOLD[one] for one in done if one in _TOLD))
    unit = appeal.unit or staff.department().registry_unit
    return Standing(unit.name if unit else staff.department().name, happens, following, told)


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
