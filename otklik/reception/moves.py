"""Which state of a reception card may follow which: one table, and the only function that changes a card."""

from __future__ import annotations

from typing import Any, Final

from django.db import transaction
from django.db.models import F, QuerySet

from otklik.core import journal
from otklik.core.errors import DomainError
from otklik.core.models import JournalEntry
from otklik.people.models import Employee
from otklik.reception.authority import OF_OFFICIALS
from otklik.reception.models import ReceptionCard, Room

S = ReceptionCard.State
Consent = ReceptionCard.Consent
AGAINST_VIDEO: Final = frozenset({Consent.REFUSED.value, Consent.WITHDRAWN.value})

# From → to → when. An arrow to itself changes the card and keeps its state.
# docs/reception-states.md draws this table; a test compares the two.
ALLOWED: Final[dict[str, dict[str, str]]] = {
    S.CHECK_IN: {
        S.CHECK_IN: "документ сверен, данные внесены, о записи сообщено, выбрано помещение",
        S.READY: "все отметки приёмной есть",
        S.ENDED: "документа нет, он не совпал, или заявитель ушёл",
    },
    S.READY: {
        S.READY: "передан другому должностному лицу, выбрано другое помещение",
        S.CHECK_IN: "возвращён в приёмную: сверка, согласие или помещение заново",
        S.OPEN: "должностное лицо начало приём",
        S.ENDED: "заявитель ушёл, не дождавшись",
    },
    S.OPEN: {
        S.OPEN: "отметки и вопросы приёма, передача другому должностному лицу",
        S.PAUSED: "согласие на видео отозвано: нужно помещение без системы",
        S.FINISHED: "все отметки приёма есть",
        S.ENDED: "заявитель прервал приём",
    },
    S.PAUSED: {
        S.PAUSED: "выбрано помещение, отозвано и второе согласие",
        S.OPEN: "приём продолжен в другом помещении",
        S.ENDED: "заявитель отказался продолжать",
    },
    S.FINISHED: {},
    S.ENDED: {},
}

# Every other pair is refused, and why. docs/reception-states.md lists them; a test asks for each.
REFUSED: Final[dict[str, dict[str, str]]] = {
    S.CHECK_IN: {
        S.OPEN: "приём не начинают без отметок приёмной (п. 35.2)",
        S.PAUSED: "прерывать нечего: приём не начат",
        S.FINISHED: "приём не начат",
    },
    S.READY: {
        S.PAUSED: "прерывать нечего: приём не начат",
        S.FINISHED: "приём не начат",
    },
    S.OPEN: {
        S.CHECK_IN: "начатый приём в приёмную не возвращают: прервите его",
        S.READY: "приём уже начат",
    },
    S.PAUSED: {
        S.CHECK_IN: "начатый приём в приёмную не возвращают: выберите помещение и продолжите",
        S.READY: "приём уже начат: продолжите его в другом помещении",
        S.FINISHED: "сначала продолжите приём в другом помещении",
    },
    S.FINISHED: {
        S.CHECK_IN: "приём завершён",
        S.READY: "приём завершён",
        S.OPEN: "завершённый приём не начинают снова: запишите заявителя ещё раз",
        S.PAUSED: "приём завершён",
        S.FINISHED: "приём уже завершён",
        S.ENDED: "приём состоялся и завершён",
    },
    S.ENDED: {
        S.CHECK_IN: "приём не состоялся: запишите заявителя ещё раз",
        S.READY: "приём не состоялся: запишите заявителя ещё раз",
        S.OPEN: "приём не состоялся: запишите заявителя ещё раз",
        S.PAUSED: "приём не состоялся",
        S.FINISHED: "приём не состоялся",
        S.ENDED: "уже отмечено, что приём не состоялся",
    },
}


class MoveRefused(DomainError):
    """The table has no such arrow; it says why."""

    code = "reception.move_refused"
    text = "Карточка {number}: из состояния «{now}» нельзя перейти в «{to}» — {why}. Обновите страницу."
    status = 409


class ChangedMeanwhile(MoveRefused):
    """Somebody else changed the card between reading and writing."""

    code = "reception.changed_meanwhile"
    text = (
        "Карточку {number} только что изменил другой сотрудник: {who}. Теперь она в состоянии «{now}». "
        "Ваше действие не выполнено: обновите страницу и решите заново."
    )


class RoomHasVideo(DomainError):
    """Without consent to video nobody is received where the system is, switched off or not (п. 35.2)."""

    code = "reception.room_has_video"
    text = (
        "Заявитель не согласен на видео, а в помещении «{room}» есть система видеопротоколирования. "
        "«Запись выключена» её не заменяет (п. 35.2 Порядка): выберите помещение без системы."
    )


class EndedWithoutReason(DomainError):
    """A reception that did not take place says why."""

    code = "reception.no_reason"
    text = "Напишите, почему приём не состоялся: причина остаётся в карточке."


def can_move(card: ReceptionCard, to: str) -> bool:
    """Tell whether the table has an arrow from the card's state to `to`."""
    return to in ALLOWED[card.state]


def check_can_move(card: ReceptionCard, to: str) -> None:
    """Raise MoveRefused, with the reason, where the table has no arrow from the card's state to `to`."""
    if not can_move(card, to):
        why = REFUSED[card.state][to]
        raise MoveRefused(number=card.number, now=S(card.state).label, to=S(to).label, why=why)


@transaction.atomic
def move(
    card: ReceptionCard,
    to: str,
    *,
    by: Employee | None,
    action: str = "reception.moved",
    facts: dict[str, Any] | None = None,
    **changes: Any,
) -> None:
    """Move a card along one allowed arrow, write `changes` with it and put it down in the journal.

    The update names the state and the version it starts from: of two people pressing at once one succeeds, the other
    is told by name who was quicker. `facts` go to the journal: ids, codes, dates and digests only.
    """
    if "authority" in changes:  # whose order it is goes with it: the table compares
        changes.setdefault("authorised_id", changes["authority"].official_id)
    check_can_move(card, to)
    _check_words(card, to, changes)
    was = card.state
    updated = ReceptionCard.objects.filter(pk=card.pk, state=was, version=card.version).update(
        state=to, version=F("version") + 1, **changes
    )
    if not updated:
        now = ReceptionCard.objects.values_list("state", flat=True).get(pk=card.pk)
        who = last_hand(card)
        raise ChangedMeanwhile(number=card.number, now=S(now).label, to=S(to).label, who=who)
    card.state, card.version = str(to), card.version + 1
    for name, value in changes.items():
        setattr(card, name, value)
    journal.record(action, chain=chain_of(card), by=by, was=str(was), to=str(to), **(facts or {}))


def chain_of(card: ReceptionCard) -> str:
    """Return the journal's chain of a card."""
    return f"reception:{card.pk}"


def history(card: ReceptionCard) -> QuerySet[Any]:
    """Return what was done with a card, the oldest first; of the schedule of an official of this number nothing."""
    rows = JournalEntry.objects.filter(chain=chain_of(card)).exclude(action__in=OF_OFFICIALS)
    return rows.select_related("actor").order_by("seq")


def last_hand(card: ReceptionCard) -> str:
    """Return who changed the card last, by name."""
    entry = history(card).order_by("-seq").first()
    actor = entry.actor if isinstance(entry, JournalEntry) else None
    return actor.short_name if actor is not None else "система"


def _check_words(card: ReceptionCard, to: str, changes: dict[str, Any]) -> None:
    """Refuse in words what the table's constraints would refuse without them; the room itself is asked about video."""
    if to == S.ENDED and not (changes.get("ended_why") or card.ended_why).strip():
        raise EndedWithoutReason
    if to not in (S.READY, S.OPEN) or changes.get("video", card.video) not in AGAINST_VIDEO:
        return
    room = changes.get("room") or Room.objects.get(pk=changes.get("room_id", card.room_id))
    if room.has_video or changes.get("room_video", card.room_video):
        raise RoomHasVideo(room=room.name)


def diagram() -> str:
    """Return the table as a Mermaid state diagram, as docs/reception-states.md shows it."""
    lines = ["stateDiagram-v2", "    [*] --> check_in"]
    lines += [f"    {state.value}: {state.label}" for state in S]
    lines += [f"    {frm} --> {to}: {when}" for frm, arrows in ALLOWED.items() for to, when in arrows.items()]
    return "\n".join(lines)


def refusals() -> str:
    """Return the refused moves as a table, as docs/reception-states.md shows it."""
    lines = ["| из | в | почему нельзя |", "|---|---|---|"]
    lines += [
        f"| {S(frm).label} | {S(to).label} | {why} |" for frm, arrows in REFUSED.items() for to, why in arrows.items()
    ]
    return "\n".join(lines)
