"""What cells of journals say, read: days and moments in every form people write, names, numbers."""

from __future__ import annotations

import re
from datetime import date, datetime, time, timedelta
from typing import Final

from django.utils import timezone

from otklik.people.applicants import Typed
from otklik.people.models import Applicant

_MONTHS: Final = ("янв", "фев", "мар", "апр", "ма", "июн", "июл", "авг", "сен", "окт", "ноя", "дек")
_TIME: Final = r"(?:\D{1,3}(?P<h>\d{1,2})[:.](?P<min>\d{2})(?:[:.]\d{2}(?:\.\d+)?)?)?"
_FORMS: Final = (
    re.compile(rf"(?P<d>\d{{1,2}})\s*[./\-]\s*(?P<m>\d{{1,2}})\s*[./\-]\s*(?P<y>\d{{4}}|\d{{2}})(?!\d){_TIME}.*", re.S),
    re.compile(rf"(?P<y>\d{{4}})[./\-](?P<m>\d{{1,2}})[./\-](?P<d>\d{{1,2}})(?!\d){_TIME}.*", re.S),
    re.compile(r"(?P<y>\d{4})(?P<m>\d{2})(?P<d>\d{2})(?:(?P<h>\d{2})(?P<min>\d{2})(?:\d{2})?)?"),
    re.compile(
        rf"«?(?P<d>\d{{1,2}})»?\s*(?P<word>[а-яё]{{3,8}})\.?\s*(?P<y>\d{{4}}|\d{{2}})\s*(?:г\.?|года)?{_TIME}.*",
        re.I | re.S,
    ),
)
_SERIAL: Final = re.compile(r"(\d{5})(?:[.,](\d+))?")
_FIRST: Final = date(1899, 12, 30)  # from which Excel counts days
_EARLIEST, _LATEST = 1990, 2100
_ORGANISATION: Final = re.compile(
    r"\b(ООО|ОАО|ЗАО|ПАО|АО|НАО|СНТ|СТ|ДНТ|ТСЖ|ТСН|МУП|ГУП|ГБУ|МБУ|МКУ|КФХ|ГСК|ФГУП|ФГБУ|фонд|администрация|"
    r"общество|товарищество|управление|министерство|департамент|прокуратура|кооператив)\b|[«\"]",
    re.IGNORECASE,
)
_WORD: Final = r"[А-ЯЁа-яё][а-яёА-ЯЁ]*(?:-[А-ЯЁ][а-яё]+)?"
_PERSON: Final = re.compile(rf"({_WORD})\s+([А-ЯЁ])\.?\s*([А-ЯЁ])\.?|({_WORD}(?:\s+{_WORD}){{1,3}})")
_SURNAME_FIRST: Final = re.compile(r"([А-ЯЁ][а-яё]+(?:-[А-ЯЁ][а-яё]+)?)\s+([А-ЯЁ])\.\s*([А-ЯЁ])?\.?")
_INITIALS_FIRST: Final = re.compile(r"([А-ЯЁ])\.\s*([А-ЯЁ])?\.?\s*([А-ЯЁ][а-яё]+(?:-[А-ЯЁ][а-яё]+)?)")


def moment(text: str) -> datetime | None:
    """Return when a cell says: a day with its time where one stands, noon where none; None where it is no day."""
    text = " ".join(text.replace("\xa0", " ").split())
    if not text:
        return None
    if found := _SERIAL.fullmatch(text):
        return _of_serial(int(found[1]), float(f"0.{found[2]}") if found[2] else None)
    for form in _FORMS:
        if found := form.fullmatch(text):
            return _of_parts(found.groupdict())
    return None


def day(text: str) -> date | None:
    """Return the day a cell says; None where it says none."""
    at = moment(text)
    return timezone.localdate(at) if at else None


def clock(text: str) -> time | None:
    """Return the time of day a cell says."""
    found = re.fullmatch(r"(\d{1,2})[:.\-](\d{2})(?:[:.]\d{2})?(?:\.\d+)?", text.strip())
    if found is None or int(found[1]) > 23 or int(found[2]) > 59:
        return None
    return time(int(found[1]), int(found[2]))


def _of_serial(days: int, part: float | None) -> datetime | None:
    """Return the day Excel keeps as a number of days."""
    on = _FIRST + timedelta(days=days)
    if not _EARLIEST <= on.year < _LATEST:
        return None
    at = time(12) if part is None else (datetime.min + timedelta(minutes=round(part * 1440) % 1440)).time()
    return timezone.make_aware(datetime.combine(on, at))


def _of_parts(parts: dict[str, str | None]) -> datetime | None:
    year, month, number = int(parts["y"] or 0), _month(parts), int(parts["d"] or 0)
    if year < 100:
        year += 2000 if year < 70 else 1900
    hour, minute = parts.get("h"), parts.get("min")
    try:
        on = date(year, month, number)
        at = time(int(hour), int(minute or 0)) if hour else time(12)
    except ValueError:
        return None
    if not _EARLIEST <= on.year < _LATEST:
        return None
    return timezone.make_aware(datetime.combine(on, at))


def _month(parts: dict[str, str | None]) -> int:
    if not (word := parts.get("word")):
        return int(parts.get("m") or 0)
    word = word.lower()
    return next((place for place, start in enumerate(_MONTHS, 1) if word.startswith(start)), 0)


def is_organisation(name: str) -> bool:
    """Tell whether a name is of an organisation."""
    return bool(_ORGANISATION.search(name))


def applicant(told: dict[str, str]) -> Typed:
    """Return the applicant a row tells of: names in one cell or in three, the address beside the name or apart."""
    name = " ".join(told.get("name", "").replace("\n", ", ").split()).strip(" ,;")
    organisation, address = told.get("organisation", ""), told.get("address", "")
    last, first, patronymic = (told.get(field, "") for field in ("last_name", "first_name", "patronymic"))
    if name and not last:
        if is_organisation(name) and not organisation:
            organisation = name
        else:
            head, _, tail = name.partition(",")
            if tail.strip() and re.search(r"\d", tail) and 2 <= len(head.split()) <= 4:
                name, address = head.strip(), address or tail.strip()
            last, first, patronymic = names(name)
    kind = Applicant.Kind.ORGANISATION if organisation and not last else Applicant.Kind.PERSON
    emails = re.findall(r"[^\s,;<>]+@[^\s,;<>]+", told.get("email", ""))
    return Typed(
        kind=kind,
        last_name=last[:150],
        first_name=first[:150],
        patronymic=patronymic[:150],
        organisation=organisation[:300],
        inn=re.sub(r"\D", "", told.get("inn", ""))[:12],
        email=(emails[0] if emails else "")[:320],
        phone=re.split(r"[,;\n]", told.get("phone", ""))[0].strip()[:40],
        address=address[:500],
    )


def names(text: str) -> tuple[str, str, str]:
    """Return surname, name and patronymic of a cell: whole ones or initials; what is neither is all surname."""
    if found := re.fullmatch(rf"({_WORD})\s+([А-ЯЁ])\.?\s*(?:([А-ЯЁ])\.?)?", text):
        return found[1], f"{found[2]}.", f"{found[3]}." if found[3] else ""
    words = text.split()
    if 2 <= len(words) <= 3 and all(re.fullmatch(_WORD, word) for word in words):
        last, first, *rest = words
        return last, first, rest[0] if rest else ""
    return text, "", ""


def people(text: str) -> list[str]:
    """Return the names of employees in a cell, «Сидорова А. П.», the first before all; else the cell itself."""
    found = [
        (one.start(), f"{one[1]} {one[2]}.{f' {one[3]}.' if one[3] else ''}") for one in _SURNAME_FIRST.finditer(text)
    ]
    if not found:
        found = [
            (one.start(), f"{one[3]} {one[1]}.{f' {one[2]}.' if one[2] else ''}")
            for one in _INITIALS_FIRST.finditer(text)
        ]
    if found:
        return [name for _, name in sorted(found)]
    parts = [" ".join(part.split()) for part in re.split(r"[,;\n]", text)]
    return [part for part in parts if part][:5]
