"""One row of an export as the message it becomes: the bytes that are kept, and what is read out of them."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from datetime import datetime, time
from typing import Any, Final

from django.utils import timezone

from otklik.channels.pos.columns import TITLES, PosRow, day_of, theme
from otklik.correspondence.channel import Arrived, Parsed, ParseError
from otklik.correspondence.models import ChannelCode
from otklik.correspondence.text import clean

SCHEMA: Final = "pos/1"
# An export of some cabinets has columns beyond the layout; these carry what the applicant wrote and who he is.
TEXTS: Final = ("Текст сообщения", "Текст обращения", "Описание", "Суть сообщения", "Текст")
PEOPLE: Final = ("ФИО заявителя", "Заявитель")
NO_TEXT: Final = "Текста сообщения в выгрузке нет: откройте его в личном кабинете ПОС по номеру {number}."
NO_NAME: Final = "Имени заявителя в выгрузке ПОС нет: при регистрации возьмите его в личном кабинете ПОС."
_TOLD: Final = ("epgu", "source", "came_to", "lies_in", "received", "planned", "stage", "status", "law", "fz59")


def arrived(row: PosRow, *, now: datetime) -> Arrived:
    """Return a row of an export as a message of the channel, known for ever by its number."""
    return Arrived(
        channel=ChannelCode.POS,
        external_id=row.number,
        digest=hashlib.sha256(f"pos:{row.number}".encode()).hexdigest(),  # its other cells change while it is worked on
        raw=raw(row),
        received_at=_received(row.fields, now),
        contact_point="pos",
    )


def raw(row: PosRow) -> bytes:
    """Return the bytes that are kept of a row: its cells under their titles, as the export wrote them."""
    cells = {TITLES[code]: said for code, said in row.fields.items()} | dict(row.extra)
    return json.dumps({"cells": cells, "doubts": list(row.doubts)}, ensure_ascii=False, indent=1).encode()


def read(content: bytes) -> Parsed:
    """Read the kept bytes of a row; raise ParseError where they are something else."""
    try:
        kept = json.loads(content)
        told, doubts = dict(kept["cells"]), kept.get("doubts")
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError) as exc:
        raise ParseError("Это не строка выгрузки ПОС: откройте оригинал.") from exc
    cells = {clean(title): clean(said) for title, said in told.items() if isinstance(said, str)}
    remarks = [clean(one) for one in doubts if isinstance(one, str)] if isinstance(doubts, list) else []
    codes = {title: code for code, title in TITLES.items()}
    fields = {codes[title]: said for title, said in cells.items() if title in codes}
    if not fields.get("number"):
        raise ParseError("В строке выгрузки ПОС нет номера сообщения.")
    extra = {title: said for title, said in cells.items() if title not in codes}
    name = next((extra[title] for title in PEOPLE if extra.get(title)), "")
    return Parsed(
        text=_text(fields, extra),
        subject=theme(fields) or f"Сообщение ПОС № {fields['number']}",
        sender_name=" ".join(name.split()),
        notes=[*([] if name else [NO_NAME]), *remarks],
        facts=facts(fields, extra),
        facts_schema=SCHEMA,
    )


def facts(fields: Mapping[str, str], extra: Mapping[str, str]) -> dict[str, Any]:
    """Return what is known of a message. Who writes in ПОС has signed in through ЕСИА; the answer goes back there."""
    return {
        "fields": dict(fields),
        "extra": dict(extra),
        "identified": True,
        "answer": {"channel": ChannelCode.POS.value, "address": f"ПОС № {fields['number']}"},
    }


def _text(fields: Mapping[str, str], extra: Mapping[str, str]) -> str:
    wrote = next((extra[title] for title in TEXTS if extra.get(title)), "")
    about = [f"{TITLES[code]}: {fields[code]}" for code in _TOLD if fields.get(code)]
    head = wrote or NO_TEXT.format(number=fields["number"])
    return "\n".join([head, "", f"Тематика: {theme(fields) or 'не указана'}", *about])


def _received(fields: Mapping[str, str], now: datetime) -> datetime:
    """Return when a message came: noon of the day the export names, now where it names none or one ahead."""
    day = day_of(fields.get("received", ""))
    if day is None or day.year < 2000:
        return now
    return min(timezone.make_aware(datetime.combine(day, time(12))), now)
