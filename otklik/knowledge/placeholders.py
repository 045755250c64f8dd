"""What stands in braces in a reply template, and how facts of an appeal take its place."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final

KNOWN: Final[dict[str, str]] = {
    "обращение": "«Уважаемая Мария Петровна!»",
    "заявитель": "кому: фамилия и инициалы в дательном падеже",
    "номер": "номер обращения",
    "дата": "дата регистрации",
    "дата поступления": "дата поступления",
    "тема": "о чём обращение",
    "срок": "дата, до которой дают ответ",
    "исполнитель": "фамилия и инициалы исполнителя",
    "телефон исполнителя": "рабочий телефон исполнителя",
}
_PLACEHOLDER: Final = re.compile(r"\{([^{}\n]{1,60})\}")


def names(text: str) -> list[str]:
    """Return the placeholders of a text, each once, in their order."""
    return list(dict.fromkeys(match.strip() for match in _PLACEHOLDER.findall(text)))


def unknown(text: str) -> list[str]:
    """Return the placeholders of a text that nobody fills."""
    return [name for name in names(text) if name not in KNOWN]


def fill(text: str, facts: Mapping[str, str]) -> tuple[str, tuple[str, ...]]:
    """Return the text with facts in place, and the placeholders that had none: they stay in the text to be seen."""
    empty: dict[str, None] = {}

    def fact(match: re.Match[str]) -> str:
        name = match[1].strip()
        if value := facts.get(name, "").strip():
            return value
        empty[name] = None
        return match[0]

    return _PLACEHOLDER.sub(fact, text), tuple(empty)
