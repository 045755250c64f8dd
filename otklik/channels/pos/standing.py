"""Whether an answer carried into ПОС by hand is seen in the exports that came afterwards."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from django.db.models import Exists, Max, OuterRef, Q, QuerySet
from django.db.models.functions import TruncDate
from django.utils import timezone

from otklik.channels.pos import dictionary
from otklik.channels.pos.models import PosMessage
from otklik.correspondence.models import ChannelCode, IncomingMessage, OutgoingMessage

WAITING: Final = "waiting"
CONFIRMED: Final = "confirmed"
CONTRADICTED: Final = "contradicted"
THERE_ONLY: Final = "there_only"
_ANSWER: Final = Q(kind=OutgoingMessage.Kind.ANSWER, state=OutgoingMessage.State.SENT)


@dataclass(frozen=True)
class Standing:
    """What the last export says of our answer: `code` is one of the four above, empty where there is nothing to say."""

    code: str = ""
    words: str = ""

    @property
    def differs(self) -> bool:
        """Tell whether ПОС and we say different things."""
        return self.code in (CONTRADICTED, THERE_ONLY)


def posted(message: IncomingMessage) -> OutgoingMessage | None:
    """Return the answer of this conversation that was carried into ПОС, the newest."""
    if message.thread_id is None:
        return None
    letters = OutgoingMessage.objects.filter(_ANSWER, thread=message.thread_id, channel=ChannelCode.POS)
    return letters.order_by("-sent_at", "-id").first()


def of(row: PosMessage, answer: OutgoingMessage | None) -> Standing:
    """Compare our answer with what the last export says. An export of the same day may be older than the answer."""
    there = dictionary.is_answered(row)
    seen_on = timezone.localdate(row.seen_at)
    said = f"«{row.status or row.stage or 'без статуса'}»"
    if answer is None or answer.sent_at is None:
        if there:
            return Standing(THERE_ONLY, f"В ПОС на {seen_on:%d.%m.%Y} статус {said}, а здесь ответ не отмечен.")
        return Standing()
    if there:
        return Standing(CONFIRMED, f"Выгрузка от {seen_on:%d.%m.%Y} подтверждает: {said}.")
    if seen_on > timezone.localdate(answer.sent_at):
        words = f"Выгрузка от {seen_on:%d.%m.%Y} не подтверждает ответ: в ПОС статус {said}. Проверьте в кабинете."
        return Standing(CONTRADICTED, words)
    return Standing(WAITING, "Следующая выгрузка покажет, принят ли ответ в ПОС.")


def contradicted() -> QuerySet[PosMessage]:
    """Return the messages answered here on a day before an export in which ПОС does not call them answered."""
    mine = Q(message__thread__outgoing__channel=ChannelCode.POS)
    mine &= Q(message__thread__outgoing__kind=OutgoingMessage.Kind.ANSWER)
    mine &= Q(message__thread__outgoing__state=OutgoingMessage.State.SENT)
    rows = PosMessage.objects.exclude(dictionary.answered())
    rows = rows.annotate(answered_at=Max("message__thread__outgoing__sent_at", filter=mine)).filter(
        answered_at__isnull=False
    )
    return rows.filter(seen_at__date__gt=TruncDate("answered_at"))


def answered_there() -> QuerySet[PosMessage]:
    """Return the registered messages that ПОС calls answered and for which no answer is marked here."""
    letters = OutgoingMessage.objects.filter(_ANSWER, thread=OuterRef("message__thread"))
    registered = PosMessage.objects.filter(dictionary.answered(), message__state=IncomingMessage.State.REGISTERED)
    return registered.exclude(Exists(letters))
