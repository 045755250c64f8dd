"""Where a text names people: names, addresses, telephones, numbers, each to be replaced by a visible mark.

What is known of the applicant is found in all its cases, data of others by `personal_data`. In doubt a place is found:
whoever goes through them decides.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from typing import Final

from otklik.core import masking
from otklik.people import declension, personal_data
from otklik.people.models import Applicant

NAME, ADDRESS, ORGANISATION, EMAIL = "[имя]", "[адрес]", "[организация]", "[почта]"
PHONE, CADASTRAL, NUMBER, BORN, OTHER = "[телефон]", "[кадастровый номер]", "[номер]", "[дата рождения]", "[скрыто]"

_CADASTRAL: Final = re.compile(r"\b\d{2}:\d{2}:\d{1,7}(?::\d+)?(?:/\d+)*\b")
_DATE: Final = re.compile(r"\d{1,2}\.\d{1,2}\.\d{2,4}")
_CAPITAL: Final = re.compile(r"\b[А-ЯЁ][а-яё]+(?:-[А-ЯЁ][а-яё]+)?\b")
_MARKS: Final = {"name": NAME, "address": ADDRESS, "email": EMAIL, "phone": PHONE, "born": BORN}


@dataclass(frozen=True)
class Place:
    """A piece of a text that tells of a person, and the mark to stand there instead."""

    start: int
    end: int
    text: str
    mark: str


def places(text: str, applicant: Applicant, *, also: Iterable[str] = ()) -> list[Place]:
    """Return the places of a text in their order, none over another. `also`: words somebody named himself."""
    found: list[Place] = []
    for start, end, mark in _spans(text, applicant, also):
        if all(end <= one.start or start >= one.end for one in found):
            found.append(Place(start, end, text[start:end], mark))
    return _joined(text, sorted(found, key=lambda one: one.start))


def replaced(text: str, found: Iterable[Place], *, kept: Collection[str] = ()) -> str:
    """Return the text with marks in place; what is `kept` (in lower case) stays as it is."""
    parts, at = [], 0
    for one in found:
        parts += [text[at : one.start], one.text if one.text.casefold() in kept else one.mark]
        at = one.end
    return "".join([*parts, text[at:]])


def _spans(text: str, applicant: Applicant, also: Iterable[str]) -> Iterator[tuple[int, int, str]]:
    """Yield what is found, the surest first: of two that overlap the first one stands."""
    for words in filter(None, (one.strip() for one in also)):
        yield from _all(re.compile(re.escape(words), re.IGNORECASE), text, OTHER)
    # A plot leads to its owner for who knows where to ask: it is shown, though it is no personal data.
    yield from _all(_CADASTRAL, text, CADASTRAL)
    for known in filter(None, (applicant.organisation, applicant.address)):
        mark = ORGANISATION if known == applicant.organisation else ADDRESS
        yield from _all(_loosely(known), text, mark)
    for one in personal_data.found(text, doubtful=True):
        yield one.start, one.end, _MARKS.get(one.kind, NUMBER)
    own = declension.cases(applicant.last_name, applicant.first_name, applicant.patronymic)
    for match in _CAPITAL.finditer(text):
        if match[0].casefold() in own:
            yield match.start(), match.end(), NAME
    for match in masking.NUMBER.finditer(text):
        if not _DATE.fullmatch(match[0]):
            yield match.start(), match.end(), NUMBER


def _all(pattern: re.Pattern[str], text: str, mark: str) -> Iterator[tuple[int, int, str]]:
    return ((match.start(), match.end(), mark) for match in pattern.finditer(text))


def _loosely(known: str) -> re.Pattern[str]:
    """Return a pattern for words parted by whatever blanks and signs."""
    return re.compile(r"[\s,.«»\"]+".join(map(re.escape, re.findall(r"[\w\-/]+", known))), re.IGNORECASE)


def _joined(text: str, found: list[Place]) -> list[Place]:
    """Return the places, those of one name that follow each other as one."""
    joined: list[Place] = []
    for one in found:
        last = joined[-1] if joined else None
        if last and last.mark == one.mark == NAME and text[last.end : one.start].isspace():
            joined[-1] = Place(last.start, one.end, text[last.start : one.end], NAME)
        else:
            joined.append(one)
    return joined
