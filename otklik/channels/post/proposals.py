"""What a recognised letter says of who wrote it, where he lives, when and about what: proposed, never decided."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any, Final

from otklik.core import russian
from otklik.people import personal_data
from otklik.people.applicants import Typed

OLDEST: Final = timedelta(days=366)  # an older date in a letter is of what it tells about
LONGEST: Final = 140
_FROM: Final = re.compile(r"^\W*(?:от|заявитель\w*|гр(?:ажданин\w*|ажданк\w*|\.)?)\s*:?\s+(?=[А-ЯЁ])", re.M | re.I)
_TITLE: Final = re.compile(
    r"^\W*(?:(?:повторное|коллективное)\s+)?(?:заявлени[ея]|обращени[ея]|жалоб[аы]|предложени[ея]|ходатайств[оа]|"
    r"запрос|просьба|претензия|уведомление)\b\W*$",
    re.M | re.I,
)
_MONTHS: Final = "январ феврал март апрел ма июн июл август сентябр октябр ноябр декабр".split()  # noqa: SIM905
_DATE: Final = re.compile(
    r"(?<![\d.])(?P<day>\d{1,2})\s?[.,/]\s?(?P<month>\d{1,2})\s?[.,/]\s?(?P<year>20\d\d)(?!\d)"
    r"|[«\"]?(?P<day2>\d{1,2})[»\"]?\s+(?P<named>[а-яё]{3,9})\s+(?P<year2>20\d\d)(?!\d)",
    re.I,
)
_WORD: Final = re.compile(r"[А-ЯЁа-яё]+(?:-[А-ЯЁа-яё]+)*")
_ORGANISATION: Final = re.compile(
    r"(?<!\w)(?:ООО|АО|ПАО|ОАО|ЗАО|СНТ|ДНТ|ТСЖ|ТСН|МУП|ГУП|ГБУ|МБУ|КФХ|ГСК|ПГК)\s*[«\"][^»\"\n]{2,80}[»\"]"
)


@dataclass(frozen=True)
class Fields:
    """What was read; any part may be missing."""

    applicant: Typed
    subject: str = ""
    written_on: date | None = None
    track: str = ""


def read(text: str, codes: list[str], *, on: date) -> Fields:
    """Return what a letter says about itself; `codes` are the bar codes of its pages, `on` the day it came."""
    spans = personal_data.found(text)
    start = begun.end() if (begun := _FROM.search(text)) else 0
    found = {kind: [(one.start, text[one.start : one.end]) for one in spans if one.kind == kind] for kind in _KINDS}
    last, first, patronymic = _name([said for at, said in found["name"] if at >= start - 1], signed=not begun)
    organisation = "" if last else _organisation(text, start)
    applicant = Typed(
        kind="organisation" if organisation else "person",
        last_name=last,
        first_name=first,
        patronymic=patronymic,
        organisation=organisation,
        address=_address([said for at, said in found["address"] if at >= start]),
        phone=next((said for at, said in found["phone"] if at >= start), ""),
        email=next((said for at, said in found["email"] if at >= start), ""),
    )
    return Fields(applicant, subject(text), written_on(text, on=on), next(filter(is_track, codes), ""))


_KINDS: Final = ("name", "address", "phone", "email")


def is_track(code: str) -> bool:
    """Tell whether this is the number of a postal item: 14 digits of our post, or 13 signs of the Postal Union."""
    plain = re.sub(r"[\s-]", "", code).upper()
    if re.fullmatch(r"\d{14}", plain):
        digits = list(map(int, plain))
        return (10 - (3 * sum(digits[0:13:2]) + sum(digits[1:13:2])) % 10) % 10 == digits[13]
    if re.fullmatch(r"[A-Z]{2}\d{9}[A-Z]{2}", plain):
        weighed = sum(int(digit) * weight for digit, weight in zip(plain[2:10], (8, 6, 4, 2, 3, 5, 9, 7), strict=True))
        return {10: 0, 11: 5}.get(11 - weighed % 11, 11 - weighed % 11) == int(plain[10])
    return False


def subject(text: str) -> str:
    """Return what a letter asks, in its own words: the first sentence after its title, or after «прошу»."""
    title = _TITLE.search(text)
    asked = re.search(r"(?<!\w)(?:прошу|просим|обращаюсь|требую)(?!\w)", text, re.I)
    if title is not None:
        body = text[title.end() :]
    elif asked is not None:
        body = text[asked.start() :]
    else:
        return ""
    said = " ".join(personal_data.replaced(" ".join(body.split())[:600], lambda _: "…").split())
    sentence = re.split(r"(?<=[^\W\d_]{3}[.!?])\s", said, maxsplit=1)[0].strip(" .")
    return sentence if len(sentence) <= LONGEST else sentence[:LONGEST].rsplit(" ", 1)[0] + "…"


def written_on(text: str, *, on: date) -> date | None:
    """Return the day a letter is dated with: the last date in it that may be one, by its signature as a rule."""
    found: date | None = None
    for match in _DATE.finditer(text):
        day = _day(match)
        if day is not None and on - OLDEST <= day <= on:
            found = day
    return found


def _day(match: re.Match[str]) -> date | None:
    month = match["month"] or next(
        (str(number) for number, stem in enumerate(_MONTHS, 1) if match["named"].lower().startswith(stem)), "0"
    )
    try:
        return date(int(match["year"] or match["year2"]), int(month), int(match["day"] or match["day2"]))
    except ValueError:
        return None


def _name(said: list[str], *, signed: bool) -> tuple[str, str, str]:
    """Return surname, name and patronymic in the nominative; where nobody says «от», whoever signed comes last."""
    whole = [words for one in said if len(words := _WORD.findall(one)) == 3 and all(len(word) > 1 for word in words)]
    if whole:
        return _nominative(whole[-1] if signed else whole[0])
    two = [words for one in said if len(words := _WORD.findall(one)) == 2 and all(len(word) > 1 for word in words)]
    if two:
        last, first, _ = _nominative([*(two[-1] if signed else two[0]), ""])
        return last, first, ""
    return "", "", ""


def _nominative(words: list[str]) -> tuple[str, str, str]:
    """Return «Сидоров Пётр Иванович» of «Сидорова Петра Ивановича»; what is in the nominative already stays."""
    last, first, patronymic = (word[:1].upper() + word[1:].lower() if word.isupper() else word for word in words)
    if _is_patronymic(first):  # «Мария Петровна Зайцева»
        last, first, patronymic = patronymic, last, first
    genders = {"femn"} if re.search(r"(?:вн|чн|шн)[аы]$", patronymic) else {"masc"} if patronymic else {"masc", "femn"}
    straight = re.search(r"(?:вич|ьич|мич|кич|вна|чна|шна)$", patronymic) or not patronymic
    if straight and not _only_oblique(first, genders):
        return last, first, patronymic
    return (
        _back(last, {"Surn"}, genders),
        _back(first, {"Name"}, genders),
        _back(patronymic, {"Patr"}, genders),
    )


def _is_patronymic(word: str) -> bool:
    return bool(re.search(r"(?:[оеё]вич|ьич|[оеё]вн|ичн)(?:|а|у|ы|ой|е|ем)$", word))


def _readings(word: str, marks: set[str], genders: set[str]) -> list[Any]:
    fits = {*genders, "ms-f"}
    read = russian.dictionary().parse(word)
    return [one for one in read if marks & one.tag.grammemes and fits & one.tag.grammemes]


def _only_oblique(first: str, genders: set[str]) -> bool:
    """Tell whether a first name is in the genitive and cannot be in the nominative: «Петра», «Марии»."""
    read = _readings(first, {"Name"}, genders)
    return bool(read) and not any("nomn" in one.tag for one in read)


def _back(word: str, marks: set[str], genders: set[str]) -> str:
    for one in _readings(word, marks, genders):
        if "gent" in one.tag and "sing" in one.tag and (said := one.inflect({"nomn", "sing"})):
            return "-".join(part[:1].upper() + part[1:] for part in said.word.split("-"))
    return word


def _address(said: list[str]) -> str:
    """Return the first address that a letter can be sent to: with an index or a house."""
    whole = [one for one in said if re.match(r"\d{6}", one) or re.search(r"\d", one)]
    return " ".join((whole or said or [""])[0].split()).strip(" ,")


def _organisation(text: str, start: int) -> str:
    match = _ORGANISATION.search(text, start)
    return " ".join(match[0].split()) if match else ""


def short(applicant: Typed) -> str:
    """Return who wrote, in one line: «Сидоров Пётр Иванович»."""
    person = " ".join(filter(None, (applicant.last_name, applicant.first_name, applicant.patronymic)))
    return applicant.organisation or person
