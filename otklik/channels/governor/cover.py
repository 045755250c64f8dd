"""What a covering letter says: its number and date, until when it asks for an answer, and who the applicant is.

Nobody publishes the form of these letters: labels are looked for as offices write them, and what is not found a clerk
types. A date that is none is left out, never guessed.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from datetime import date
from typing import Any, Final

SCHEMA: Final = "governor/1"
LOOKED_AT: Final = 20_000  # characters
MONTHS: Final = ("янв", "фев", "мар", "апр", "ма", "июн", "июл", "авг", "сен", "окт", "ноя", "дек")

_DAY = r"(\d{1,2}[./-]\d{1,2}[./-]\d{2,4}|\d{4}-\d{2}-\d{2}|\d{1,2}\s+[а-я]{3,8}\s+\d{4})"
_NUMBER = r"([A-Za-zА-Яа-яЁё0-9][\w./\-–]*\d[\w./\-–]*)"
_I = re.IGNORECASE | re.MULTILINE
# From the surest to what is only likely; a number always has a digit in it.
_NUMBERS = tuple(
    re.compile(one, _I)
    for one in (
        rf"номер\s+сопроводительного\s+письма[ \t]*[:№N–-]*[ \t]*№?[ \t]*{_NUMBER}(?:[ \t]+от[ \t]+{_DAY})?",
        rf"сопроводительн\w+\s+письм\w*[ \t]*[:–-]?[ \t]*№?[ \t]*{_NUMBER}(?:[ \t]+от[ \t]+{_DAY})?",
        rf"^[ \t]*(?:исх(?:одящий|\.)?(?:[ \t]*номер)?|рег(?:истрационный|\.)[ \t]*(?:номер|№)|номер[ \t]+документа)"
        rf"[ \t]*[:№N.–-]*[ \t]*№?[ \t]*{_NUMBER}(?:[ \t]+от[ \t]+{_DAY})?",
        rf"№[ \t]*{_NUMBER}[ \t]+от[ \t]+{_DAY}",
    )
)
_WRITTEN = re.compile(
    rf"^[ \t]*(?:дата\s+(?:сопроводительного\s+)?письма|дата\s+документа|дата\s+регистрации)[ \t]*[:–-]?[ \t]*{_DAY}",
    _I,
)
_UNTIL = re.compile(
    r"(?:контрольный\s+срок|срок\s+контроля|срок\s+(?:исполнения|рассмотрения|ответа|подготовки\s+ответа)"
    rf"|на\s+контроле\s+до|ответ\w*\s+(?:в\s+срок\s+)?до|рассмотреть\s+до|в\s+срок\s+до)[^\d\n]{{0,25}}{_DAY}",
    _I,
)
_LABELS: Final = {
    "name": r"заявител[ья]|автор(?:\s+обращения)?|ф\.?\s?и\.?\s?о\.?(?:\s+заявителя)?|гражданин|гражданка",
    "organisation": r"организация(?:\s+заявителя)?|наименование\s+организации",
    "address": r"(?:почтовый\s+)?адрес(?:\s+заявителя)?|место\s+жительства|адрес\s+проживания",
    "phone": r"(?:контактный\s+)?телефон(?:\s+заявителя)?|тел\.",
    "email": r"(?:адрес\s+)?эл(?:ектронн\w+|\.)\s*почт\w*(?:\s+заявителя)?|e-?mail(?:\s+заявителя)?",
}
_LINES = {name: re.compile(rf"^[ \t]*(?:{label})[ \t]*[:–-][ \t]*(\S.*)$", _I) for name, label in _LABELS.items()}


@dataclass(frozen=True)
class Cover:
    """A covering letter. `applicant`: fields of `people.applicants.Typed` that were found."""

    number: str = ""
    on: date | None = None
    control_until: date | None = None
    sender: str = ""
    applicant: dict[str, str] = field(default_factory=dict)

    def facts(self) -> dict[str, Any]:
        """Return what is kept beside the message: the names every channel with covering letters uses."""
        told: dict[str, Any] = {
            "cover_number": self.number,
            "cover_date": self.on.isoformat() if self.on else "",
            "control_until": self.control_until.isoformat() if self.control_until else "",
            "sender": self.sender,
            "identified": True,
            # A blank form where nobody is named: who sends the covering letter is not the applicant.
            "applicant": self.applicant or {"last_name": ""},
        }
        if address := self.applicant.get("email"):
            told["answer"] = {"channel": "email", "address": address}
        elif address := self.applicant.get("address"):
            told["answer"] = {"channel": "post", "address": address}
        return told


def read(text: str, *, sender: str = "") -> Cover:
    """Return what a letter's subject and text say."""
    text = text[:LOOKED_AT]
    number, on = _number(text)
    written, until = _WRITTEN.search(text), _UNTIL.search(text)
    return Cover(
        number=number,
        on=on or (day(written[1]) if written else None),
        control_until=day(until[1]) if until else None,
        sender=sender,
        applicant=_applicant(text),
    )


def day(said: str) -> date | None:
    """Return a day written as 24.11.2026, 2026-11-24 or «24 ноября 2026», None where it is none."""
    said = said.strip().lower()
    try:
        if re.fullmatch(r"\d{4}-\d{2}-\d{2}", said):
            return date.fromisoformat(said)
        parts = re.split(r"[./\-\s]+", said)
        month = int(parts[1]) if parts[1].isdecimal() else _month(parts[1])
        year = int(parts[2]) + (2000 if len(parts[2]) == 2 else 0)
        found = date(year, month, int(parts[0]))
    except (ValueError, IndexError):
        return None
    return found if 2000 <= found.year <= 2100 else None


def _month(word: str) -> int:
    for number, start in enumerate(MONTHS, start=1):
        if word.startswith(start):
            return number
    raise ValueError(word)


def _number(text: str) -> tuple[str, date | None]:
    for pattern in _NUMBERS:
        for found in pattern.finditer(text):
            if day(found[1]) is None:  # «исх. от 24.11.2026» has no number
                return found[1].strip(".-–/")[:60], day(found[2]) if found[2] else None
    return "", None


def _applicant(text: str) -> dict[str, str]:
    """Return who wrote the appeal, by the lines that name him."""
    said = {name: found[1].strip() for name, line in _LINES.items() if (found := line.search(text))}
    told = {name: value[:most] for name, most in (("organisation", 300), ("address", 500)) if (value := said.get(name))}
    if found := re.search(r"[\w.+-]+@[\w-]+(?:\.[\w-]+)+", said.get("email", "")):
        told["email"] = found[0][:320]
    if found := re.search(r"\+?\d[\d\s()\-]{5,20}\d", said.get("phone", "")):
        told["phone"] = found[0]
    words = re.findall(r"[А-ЯЁ][а-яё]+(?:-[А-ЯЁ][а-яё]+)?", said.get("name", "").partition(",")[0])
    if 2 <= len(words) <= 3:
        told |= dict(zip(("last_name", "first_name", "patronymic"), words, strict=False))
    elif said.get("name"):
        told["last_name"] = said["name"].partition(",")[0][:150]
    return told
