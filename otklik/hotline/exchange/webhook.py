"""Events an exchange sends by itself: documented JSON, signed.

The signature covers the moment and the body: `HMAC-SHA256(secret, "<t>." + body)`. What was signed long ago is refused;
what is sent twice within that time is harmless, for an event is kept once.
"""

from __future__ import annotations

import hmac
import re
from collections.abc import Iterable, Mapping
from hashlib import sha256
from typing import Any, Final

from otklik.core.errors import DomainError
from otklik.hotline.exchange.events import LONGEST_UID, Event, Source, clean, facts, number

HEADER: Final = "X-Otklik-Signature"
SHORTEST: Final = 32  # characters of the secret
FRESH: Final = 300  # seconds a signature holds
_SIGNATURE: Final = re.compile(r"t=(\d{9,11}),v1=([0-9a-f]{64})")


class BadSignature(DomainError):
    """Nobody we know has signed this."""

    code = "calls.bad_signature"
    text = "Подпись событий не принята: {why}."
    status = 401


def sign(secret: str, body: bytes, at: int) -> str:
    """Return the signature header of a body signed at a moment (seconds since 1970)."""
    return f"t={at},v1={hmac.new(secret.encode(), f'{at}.'.encode() + body, sha256).hexdigest()}"


def check(header: str, body: bytes, *, secret: str, now: float) -> None:
    """Raise BadSignature unless the body was signed with our secret a short while ago."""
    if len(secret) < SHORTEST:
        raise BadSignature(why=f"на сервере не задан секрет OTKLIK_EXCHANGE_SECRET (не короче {SHORTEST} знаков)")
    if not (told := _SIGNATURE.fullmatch(header.strip())):
        raise BadSignature(why=f"заголовок {HEADER} должен быть вида «t=<секунды>,v1=<64 знака>»")
    if abs(now - int(told.group(1))) > FRESH:
        raise BadSignature(why=f"подписано не сейчас; часы станции и сервера расходятся больше чем на {FRESH} с?")
    if not hmac.compare_digest(sign(secret, body, int(told.group(1))), told.group(0)):
        raise BadSignature(why="секрет другой или тело запроса изменено по дороге")


def translate(told: Iterable[Mapping[str, Any]]) -> list[Event]:
    """Return the events of a request whose form has been checked: `call_id`, `event`, `at` and facts."""
    return [
        Event(
            Source.WEBHOOK,
            clean(one["call_id"], LONGEST_UID),
            one["event"],
            one["at"],
            facts(
                queue=clean(one.get("queue")),
                dialled=clean(one.get("dialled")),
                number=number(one.get("number")),
                agent=clean(one.get("agent")),
                to=clean(one.get("to")),
                waited=one.get("waited"),
                talked=one.get("talked"),
                position=one.get("position"),
                direction="out" if one.get("direction") == "out" else "",
            ),
        )
        for one in told
    ]
