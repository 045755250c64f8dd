"""The transport's envelope, `envelope.ini` or `.ltr`: almost INI, without escapes, in windows-1251."""

from __future__ import annotations

import codecs
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

NAMES: Final = ("envelope.ini", "envelope.ltr")
MOST_BYTES: Final = 1024 * 1024
LETTER, RECIPIENTS, FILES = "ПИСЬМО КП ПС СЗИ", "АДРЕСАТЫ", "ФАЙЛЫ"


@dataclass(frozen=True)
class Envelope:
    """Who a package is for and what lies in it, as its envelope says. `recipients` are «УЗЕЛ~ШЛЮЗ»."""

    recipients: Sequence[str] = ()
    files: Sequence[str] = ()
    subject: str = ""
    keys: dict[str, str] = field(default_factory=dict)


def is_envelope(name: str) -> bool:
    """Say whether a file is an envelope by its name."""
    return name.lower() in NAMES or name.lower().endswith(".ltr")


def read(raw: bytes) -> Envelope:
    """Read an envelope; what is not known is passed over, a subject may hold «=»."""
    sections: dict[str, list[tuple[str, str]]] = {}
    current: list[tuple[str, str]] = []
    for line in _text(raw).splitlines():
        bare = line.strip()
        if bare.startswith("[") and bare.endswith("]"):
            current = sections.setdefault(bare[1:-1].strip().upper(), [])
        elif "=" in bare:
            key, _, value = bare.partition("=")
            current.append((key.strip(), value.strip()))
    keys = {key.upper(): value for key, value in sections.get(LETTER, [])}
    return Envelope(
        recipients=tuple(value for _, value in sections.get(RECIPIENTS, []) if value),
        files=tuple(value for _, value in sections.get(FILES, []) if value),
        subject=keys.get("ТЕМА", ""),
        keys=keys,
    )


def write(*, subject: str, recipients: Sequence[str], files: Sequence[str], at: datetime) -> bytes:
    """Return an envelope's bytes; line ends of the transport's programs."""
    lines = [
        f"[{LETTER}]",
        f"ТЕМА={' '.join(subject.split())[:200]}",
        "АВТООТПРАВКА=1",
        "ШИФРОВАНИЕ=0",
        "ЭЦП=0",
        "ДОСТАВЛЕНО=1",
        "ПРОЧТЕНО=1",
        f"ДАТА={at:%d.%m.%Y %H:%M:%S}",
        "",
        f"[{RECIPIENTS}]",
        *(f"{number}={one}" for number, one in enumerate(recipients)),
        "",
        f"[{FILES}]",
        *(f"{number}={one}" for number, one in enumerate(files)),
        "",
    ]
    return "\r\n".join(lines).encode("cp1251", "replace")


def _text(raw: bytes) -> str:
    if raw.startswith(codecs.BOM_UTF8):
        return raw.decode("utf-8-sig", "replace")
    text = raw.decode("cp1251", "replace")
    if LETTER in text or RECIPIENTS in text or FILES in text:
        return text
    return raw.decode("utf-8", "replace")
