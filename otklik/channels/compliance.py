"""п. 3.1: which channels are taken in, and how."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date
from typing import Final

from otklik.channels import registry
from otklik.channels.handover import handed
from otklik.core.compliance import Figure, Promise, is_today
from otklik.correspondence import reconciliation
from otklik.correspondence.models import ChannelCode, Connection

DAYS: Final = 14  # as many as the reconciliation shows
# Beyond the order: it may stay off.
BEYOND: Final = {ChannelCode.MAX}


def _taken_in(on: date) -> Figure:
    """Count what came, channel by channel; of today also which channels a program takes in and which are off."""
    seen = reconciliation.seen_of(on, days=DAYS)
    told = ", ".join(f"{ChannelCode(code).label} — {number}" for code, number in seen.most_common() if number)
    text = f"За {DAYS} дней поступило сообщений: {seen.total()}{f' ({told})' if told else ''}"
    return Figure(f"{text}. {_now()}" if is_today(on) else text, seen.total())


def _now() -> str:
    on = set(Connection.objects.filter(on=True).values_list("channel", flat=True))
    connected, by_program = set(registry.all_connected()), set(registry.all_channels())
    works = by_program - connected | connected & on
    parts = {
        "Принимает программа": works,
        "Выключены": connected - on,
        "Записывает сотрудник": set(ChannelCode.values) - by_program - BEYOND,
    }
    return ". ".join(f"{words}: {_names(codes)}" for words, codes in parts.items() if codes)


def _names(codes: Iterable[str]) -> str:
    there = set(codes)
    return ", ".join(str(code.label) for code in ChannelCode if code in there)


def _no_program() -> str:
    """Tell which channels of the order no program can take in yet, connected or not."""
    return _names(set(ChannelCode) - set(registry.all_channels()) - set(handed.CHANNELS) - BEYOND)


PROMISES: Final = (
    Promise(
        "R3.1",
        "3.1",
        does="Сообщения всех каналов попадают в один журнал приёма. Программа принимает сообщения каналов, которые "
        f"администратор включил на странице «Каналы»: {_names(registry.all_channels())}; остальные записывает "
        "сотрудник или передаёт по API система, куда они пришли. Выключенный канал сообщений не принимает: какие "
        "выключены сейчас, сказано рядом.",
        missing=f"Приём программой: {_no_program()}." if _no_program() else "",
        figure=_taken_in,
        list_name="workplace:reconciliation",
        list_words="Сверка приёма",
        query="last={on}",
    ),
)
