"""п. 3.1: which channels are taken in, and how."""

from __future__ import annotations

from datetime import date
from typing import Final

from otklik.channels.registry import all_channels
from otklik.core.compliance import Figure, Promise
from otklik.correspondence import inbox
from otklik.correspondence.models import ChannelCode

DAYS: Final = 14  # as many as the reconciliation shows


def _taken_in(on: date) -> Figure:
    seen = sum(row.seen for row in inbox.tally(on, days=DAYS))
    return Figure(f"За {DAYS} дней поступило сообщений: {seen}", seen)


def _by_themselves() -> str:
    return ", ".join(ChannelCode(code).label for code in all_channels())


PROMISES: Final = (
    Promise(
        "R3.1",
        "3.1",
        does=f"Сообщения всех каналов попадают в один журнал приёма. Сами поступают: {_by_themselves()}; сообщения "
        "остальных каналов сотрудник записывает вручную.",
        missing="Подключить приём из МЭДО, ПОС, Общественной приёмной Губернатора, ВКонтакте, Одноклассников, "
        "Telegram, с консультационной линии и из ЕКЦ.",
        figure=_taken_in,
        list_name="workplace:reconciliation",
        list_words="Сверка приёма",
        query="last={on}",
    ),
)
