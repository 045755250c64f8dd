"""The protocol of a quarter (п. 41): what a unit checked, changed, took off and misses; as a page and as PDF."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from datetime import date
from pathlib import Path
from typing import Final

from django.utils import timezone

from otklik.core import typeset
from otklik.knowledge.models import ReviewDuty, ReviewItem
from otklik.people import staff

SOURCE: Final = Path(__file__).parent / "data" / "protocol.typ"
State = ReviewItem.State
# In the order they are told, what each list is called.
_LISTS: Final = (
    (State.CONFIRMED, "Проверено, изменений не требуется"),
    (State.CHANGED, "Изменено"),
    (State.ARCHIVED, "Снято с публикации"),
    (State.CARRIED, "Не проверено в срок, перенесено в следующий квартал"),
    (State.WAITING, "Ещё не проверено"),
)


@dataclass(frozen=True)
class Line:
    """One material of the protocol."""

    title: str
    on: str
    by: str
    note: str
    acts: str


@dataclass(frozen=True)
class Protocol:
    """Everything the protocol says, as plain text."""

    title: str
    department: str
    unit: str
    period: str
    opened: str
    due: str
    closed: str
    lists: list[tuple[str, list[Line]]]
    missing: str
    empty: list[tuple[str, str]]
    signer: str


def of(duty: ReviewDuty) -> Protocol:
    """Return the protocol of a duty as it stands now, in a fixed number of queries."""
    lines: dict[str, list[Line]] = {state: [] for state, _ in _LISTS}
    for item in duty.items.select_related("decided_by").order_by("pk"):
        on = f"{timezone.localtime(item.decided_at):%d.%m.%Y}" if item.decided_at else ""
        who = str(item.decided_by or ("" if item.state == State.WAITING else "автоматически"))
        lines[item.state].append(Line(item.title, on, who, item.note, item.acts))
    return Protocol(
        title=f"Протокол актуализации Базы знаний за {duty.period}",
        department=staff.department().name,
        unit=duty.unit.name,
        period=duty.period,
        opened=f"{duty.opened_on:%d.%m.%Y}",
        due=f"{duty.due_on:%d.%m.%Y}",
        closed=_closed(duty),
        lists=[(title, lines[state]) for state, title in _LISTS if lines[state]],
        missing="Всё есть." if duty.has_all else duty.missing or "Не отвечено.",
        empty=list(duty.empty_sections.order_by("pk").values_list("title", "answer")),
        signer=str(duty.closed_by or ""),
    )


def _closed(duty: ReviewDuty) -> str:
    if not duty.closed_at:
        late = duty.due_on < timezone.localdate()
        return "не закрыта, срок прошёл" if late else "не закрыта"
    at = timezone.localtime(duty.closed_at)
    late_words = ", позже срока" if at.date() > duty.due_on else ""
    return f"{at:%d.%m.%Y}{late_words}{'' if duty.closed_by_id else ': разделы переданы другому подразделению'}"


def pdf(protocol: Protocol, *, on: date) -> bytes:
    """Return the protocol as PDF of a day."""
    return typeset.pdf(SOURCE, {"protocol": asdict(protocol) | {"made": f"{on:%d.%m.%Y}"}}, on=on)
