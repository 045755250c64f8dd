"""What an answer should have before it goes on: remarks beside the text, none of them forbids anything."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

ATTACHMENT_WORDS = re.compile(r"\b(прилага|приложени[еюяи]|во вложении|вложенн)", re.IGNORECASE)
PLACEHOLDER = re.compile(r"\{[^{}\n]{1,60}\}|\[\s*(?:…|\.{3})[^\]\n]*\]")
GREETING = re.compile(r"^\s*уважаем(?:ый|ая|ые)\s+(?P<name>[^!,\n]{2,120})", re.IGNORECASE)
SHORT = 120  # characters: less hardly answers anybody's question


@dataclass(frozen=True)
class Check:
    """One line of the list: what is looked at, whether it is in order, and what to do otherwise."""

    code: str
    title: str
    passed: bool
    hint: str = ""


def placeholders(text: str) -> list[str]:
    """Return the places of a template that nobody has filled in, as they stand in the text."""
    return list(dict.fromkeys(PLACEHOLDER.findall(text)))


def of_text(
    text: str, *, greeting: str, attachments: Sequence[str], number: str, unsure: Sequence[str] = ()
) -> list[Check]:
    """Return the checks of a text. `greeting` is what the letterhead itself prints above it.

    `unsure`: names and posts that nobody declines surely; where the text has one, a person looks.
    """
    empty = placeholders(text)
    doubtful = [name for name in unsure if name in text]
    return [
        _greeting(text, greeting),
        Check(
            "substance",
            "Ответ по существу вопроса",
            len(text.strip()) >= SHORT,
            "Текст очень короткий. Проверьте, что на каждый вопрос дан ответ.",
        ),
        Check(
            "placeholders",
            "Все места шаблона заполнены",
            not empty,
            f"Заполните или уберите: {', '.join(empty)}." if empty else "",
        ),
        *([Check("cases", "Падеж имён и должностей", False, _look_at(doubtful))] if doubtful else ()),
        _attachments(text, attachments),
        Check("requisites", "Реквизиты: номер и дата обращения", bool(number), "У обращения нет номера."),
    ]


def _look_at(names: Sequence[str]) -> str:
    return f"Проверьте падеж, уверенно не склоняется: {', '.join(f'«{name}»' for name in names)}."


def _greeting(text: str, greeting: str) -> Check:
    typed = GREETING.match(text)
    if typed and greeting and typed["name"].strip().rstrip("!,").casefold() not in greeting.casefold():
        hint = f"На бланке уже стоит «{greeting}», а в тексте другое обращение. Сверьте имя."
        return Check("greeting", "Обращение по имени", False, hint)
    hint = "Имя заявителя неизвестно: письмо начнётся с общего обращения."
    return Check("greeting", "Обращение по имени", bool(greeting) and greeting.lower().startswith("уважаем"), hint)


def _attachments(text: str, attachments: Sequence[str]) -> Check:
    title, mentioned = "Приложения", bool(ATTACHMENT_WORDS.search(text))
    if mentioned and not attachments:
        return Check("attachments", title, False, "В тексте сказано о приложении, а файла нет. Прикрепите его.")
    if attachments and not mentioned:
        return Check("attachments", title, False, "Файл прикреплён, а в тексте о нём ни слова. Упомяните приложение.")
    return Check("attachments", title, True)
