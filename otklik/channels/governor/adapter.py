"""The site of the Governor's public reception: an appeal under a covering letter, by e-mail or as a package."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, ClassVar

from otklik.channels.governor import cover, package
from otklik.channels.handover.reader import HandoverReader
from otklik.channels.mail import parse as letters
from otklik.channels.mail import routing
from otklik.correspondence import connections
from otklik.correspondence.channel import DeliveryError, Parsed, ParseError, Setting, SourceError, ToSend
from otklik.correspondence.models import ChannelCode

NO_NUMBER = "номер сопроводительного письма в тексте не найден: впишите его по приложенному письму"
NOT_PROVED = "отправитель узнан по адресу, а адрес можно подделать: сверьте номер сопроводительного письма"
IN_FILES = "Текст обращения — в приложенных файлах."


class GovernorChannel:
    """Reads letters that the mailbox recognised, packages of a clerk, and what another system handed over."""

    code: ClassVar[str] = ChannelCode.GOVERNOR.value
    repeats_safely: ClassVar[bool] = False
    settings: ClassVar[Sequence[Setting]] = (routing.FROM, routing.ABOUT)
    every: ClassVar[int] = 0
    sends: ClassVar[bool] = False
    guide: ClassVar[str] = "governor"

    def fetch(self) -> Iterable[object]:
        """Find nothing to bring: letters come by the mailbox, packages by a page."""
        return ()

    def parse(self, raw: Path) -> Parsed:
        """Read whichever of the three was kept."""
        with raw.open("rb") as file:
            start = file.read(64).lstrip()
        if start.startswith(b"PK\x03\x04"):
            return _package(raw)
        if start.startswith(b"{"):
            return HandoverReader().parse(raw)
        return _letter(raw)

    def send(self, item: ToSend) -> str:
        """Refuse: reports leave by e-mail or are carried by a person."""
        raise DeliveryError("Отчёт в Общественную приёмную передаёт сотрудник.", permanent=True)

    def try_out(self) -> str:
        """Say which letters are taken for the reception's: there is nobody to ask."""
        there = connections.drafted(self.code)
        rule = routing.Rule(self.code, routing.lines(there["letters_from"]), routing.lines(there["letters_about"]))
        if not rule.senders or not all("@" in one for one in rule.senders):
            raise SourceError("Укажите хотя бы один адрес или домен: op@nso.example или @nso.example.")
        about = f", в теме которых есть: {', '.join(rule.words)}" if rule.words else ""
        return f"Письма с адресов {', '.join(rule.senders)}{about} будут приняты как обращения из приёмной."


def _letter(raw: Path) -> Parsed:
    parsed = letters.parse(raw)
    if parsed.machine:  # «ваше письмо получено»: nobody's appeal
        return parsed
    found = cover.read(f"{parsed.subject}\n{parsed.text}", sender=parsed.sender_name or parsed.sender_address)
    notes = [*parsed.notes, NOT_PROVED, *([] if found.number else [NO_NUMBER])]
    return replace(parsed, notes=notes, facts=found.facts(), facts_schema=cover.SCHEMA)


def _package(raw: Path) -> Parsed:
    try:
        told, files = package.read(raw)
    except package.NotPackage as exc:
        raise ParseError("Это не пакет Общественной приёмной: откройте оригинал.") from exc
    facts = told.get("facts")
    if not isinstance(facts, dict):
        raise ParseError("В пакете нет сведений о сопроводительном письме: откройте оригинал.")
    number = str(facts.get("cover_number") or "")
    untold = "" if _text(told, "text") else f"Обращение при сопроводительном письме № {number}".removesuffix(" № ")
    return Parsed(
        text=_text(told, "text") or IN_FILES,
        subject=_text(told, "subject") or untold,
        sender_name=str(facts.get("sender") or ""),
        sender_address=_text(told, "sender_address"),
        files=files,
        facts=facts,
        facts_schema=cover.SCHEMA,
    )


def _text(told: dict[str, Any], name: str) -> str:
    value = told.get(name)
    return value if isinstance(value, str) else ""
