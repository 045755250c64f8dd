"""What stands in braces in a reply template, in which cases, and how facts of an appeal take its place."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final, TypeAlias

from otklik.people import declension
from otklik.people.declension import CASES, InCase


@dataclass(frozen=True)
class Placeholder:
    """What a name in braces stands for, and its case where the author asks for none; without one it is not declined."""

    meaning: str
    case: str = ""


@dataclass(frozen=True)
class Filled:
    """A template with facts in place: what stayed in braces, and which words nobody is sure how to decline."""

    text: str
    empty: tuple[str, ...] = ()
    unsure: tuple[str, ...] = ()


# Words as they are, or words that can be had in any case.
Fact: TypeAlias = str | InCase

KNOWN: Final[dict[str, Placeholder]] = {
    "обращение": Placeholder("«Уважаемая Мария Петровна!»"),
    "заявитель": Placeholder("фамилия и инициалы заявителя", "дательный"),
    "заявитель полностью": Placeholder("фамилия, имя и отчество заявителя", "именительный"),
    "номер": Placeholder("номер обращения"),
    "дата": Placeholder("дата регистрации"),
    "дата поступления": Placeholder("дата поступления"),
    "тема": Placeholder("о чём обращение"),
    "срок": Placeholder("дата, до которой дают ответ"),
    "исполнитель": Placeholder("фамилия и инициалы исполнителя", "именительный"),
    "должность исполнителя": Placeholder("должность исполнителя", "именительный"),
    "телефон исполнителя": Placeholder("рабочий телефон исполнителя"),
    "подразделение": Placeholder("подразделение, которое готовит ответ", "именительный"),
}
_PLACEHOLDER: Final = re.compile(r"\{([^{}\n]{1,60})\}")

_PERSON: Final = declension.Name("Иванова", "Мария", "Петровна")
_COLLEAGUE: Final = declension.Name("Петров", "Олег", "Иванович")
EXAMPLE: Final[dict[str, Fact]] = {
    "обращение": _PERSON.greeting(),
    "заявитель": _PERSON.short,
    "заявитель полностью": _PERSON.whole,
    "номер": "О-2026-000123",
    "дата": "12.01.2026",
    "дата поступления": "12.01.2026",
    "тема": "О продлении договора аренды",
    "срок": "11.02.2026",
    "исполнитель": _COLLEAGUE.short,
    "должность исполнителя": declension.post("главный специалист"),
    "телефон исполнителя": "238-00-00",
    "подразделение": declension.post("отдел аренды"),
}


def names(text: str) -> list[str]:
    """Return the placeholders of a text, each once, in their order."""
    return list(dict.fromkeys(match.strip() for match in _PLACEHOLDER.findall(text)))


def unknown(text: str) -> list[str]:
    """Return the placeholders of a text that nobody fills: no such name, no such case, or a case of what has none."""
    return [name for name in names(text) if not _is_known(*_split(name))]


def fill(text: str, facts: Mapping[str, Fact]) -> Filled:
    """Return the text with facts in place; a placeholder without one stays in it to be seen."""
    empty: dict[str, None] = {}
    unsure: dict[str, None] = {}

    def fact(match: re.Match[str]) -> str:
        name, case = _split(match[1])
        found = facts.get(name, "")
        if not isinstance(found, str):
            declined = found(CASES.get(case, declension.NOMINATIVE))
            found = declined.text
            if found and not declined.sure:
                unsure[found] = None
        if found.strip():
            return found.strip()
        empty[match[1].strip()] = None
        return match[0]

    return Filled(_PLACEHOLDER.sub(fact, text), tuple(empty), tuple(unsure))


def pieces(filled: Filled) -> Iterator[tuple[str, str]]:
    """Return a filled text in pieces, each with what is amiss with it: «empty», «unsure», or nothing."""
    marks = {f"{{{name}}}": "empty" for name in filled.empty} | dict.fromkeys(filled.unsure, "unsure")
    longest_first = sorted(marks, key=len, reverse=True)
    split = re.split(f"({'|'.join(map(re.escape, longest_first))})", filled.text) if marks else [filled.text]
    for piece in split:
        yield piece, marks.get(piece, "")


def doubtful(facts: Mapping[str, Fact]) -> list[str]:
    """Return the words that stay as typed in every case, for nobody is sure how to decline them."""
    declined = [found(CASES["дательный"]) for found in facts.values() if not isinstance(found, str)]
    return list(dict.fromkeys(one.text for one in declined if one.text and not one.sure))


def _split(written: str) -> tuple[str, str]:
    """Return the name and the case: what is written after the colon, else the usual one."""
    name, colon, case = (part.strip() for part in written.partition(":"))
    return name, case if colon else KNOWN[name].case if name in KNOWN else ""


def _is_known(name: str, case: str) -> bool:
    known = KNOWN.get(name)
    return known is not None and (case == known.case or bool(known.case and case in CASES))
