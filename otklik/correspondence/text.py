"""Text that a database accepts and a person can read, whatever bytes it came from."""

from __future__ import annotations

import re
from typing import Any

# NUL is refused by PostgreSQL, lone surrogates by UTF-8; the other controls only confuse a reader.
_UNFIT = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ud800-\udfff]")
_TOKEN = re.compile(r"\[#([a-z2-9]{10})\]", re.IGNORECASE)
_ANSWER_MARK = re.compile(
    r"^\s*(?:(?:re|aw|sv|fwd?|fw|ha|нa|на|ответ|отв|пересл|пер|автоответ|автоматический ответ"
    r"|automatic reply|auto(?:reply|response)?)\s*(?:\[\d+\]|\(\d+\)|\^\d+)?\s*[:：]\s*)+",
    re.IGNORECASE,
)
_NAMED = r"уважаем\w+[^!.,\n]{0,60}"
_GREETING = re.compile(
    r"^\s*(?:(?:здравствуйте|добр(?:ый|ого) (?:день|вечер|дня|вечера|времени суток)|доброе утро)"
    rf"(?:,?\s+{_NAMED})?[!.,\s]+|{_NAMED}[!,]\s*)+",
    re.IGNORECASE,
)


def clean(text: str) -> str:
    """Return the text without what a database or a page cannot bear."""
    return _UNFIT.sub("", text)


def clean_each(value: Any) -> Any:
    """Return what JSON may hold with every text in it clean, names of fields, too."""
    if isinstance(value, dict):
        return {clean(str(name)): clean_each(one) for name, one in value.items()}
    if isinstance(value, list | tuple):
        return [clean_each(one) for one in value]
    return clean(value) if isinstance(value, str) else value


def fit(text: str, limit: int) -> str:
    """Return clean text on one line, cut to `limit` characters."""
    line = " ".join(clean(text).split())
    return line if len(line) <= limit else line[: limit - 1] + "…"


def without_greeting(text: str) -> str:
    """Return a text from its first words that tell something; one that only greets, as it is."""
    told = _GREETING.sub("", text).lstrip()
    return told[0].upper() + told[1:] if told else text


def tokens_in(subject: str) -> list[str]:
    """Return the marks of our threads that stand in a subject line."""
    return [token.lower() for token in _TOKEN.findall(subject)]


def token_mark(token: str) -> str:
    """Return a thread's token as it stands in a subject line."""
    return f"[#{token}]"


def subject_base(subject: str) -> str:
    """Return a subject without marks of replying and of ours, so that a letter and its reply compare equal."""
    base = _TOKEN.sub(" ", subject)
    while (shorter := _ANSWER_MARK.sub("", base)) != base:
        base = shorter
    return " ".join(base.split()).casefold()


def address_key(address: str) -> str:
    """Return an address as it is compared: without case and spaces around."""
    return address.strip().casefold()
