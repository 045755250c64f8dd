"""How personal data looks in lists: enough to recognise a person one knows, not enough to learn one."""

from __future__ import annotations

import re

HIDDEN = "•••"

EMAIL = re.compile(r"\S+@\S+")
# Five digits and more, however they are parted: telephones, documents, accounts, cadastral numbers.
NUMBER = re.compile(r"\+?\d(?:[\s().:/–—-]*\d){4,}")


def email(value: str) -> str:
    """Return «i•••@example.org»."""
    name, at, host = value.strip().rpartition("@")
    return f"{name[:1]}{HIDDEN}{at}{host}" if at else _edge(value)


def phone(value: str) -> str:
    """Return «+7 ••• 67»: the country's sign and the last two digits."""
    digits = re.sub(r"\D", "", value)
    if len(digits) < 7:
        return HIDDEN if digits else ""
    ours = (len(digits) == 10 and "+" not in value) or (len(digits) == 11 and digits[0] == "8")  # as people say it here
    country = "7" if ours else digits[0]
    return f"+{country} {HIDDEN} {digits[-2:]}"


def person(last_name: str, first_name: str = "", patronymic: str = "") -> str:
    """Return «Ив••• М. П.»: the beginning of the surname and the initials."""
    initials = " ".join(f"{part.strip()[0]}." for part in (first_name, patronymic) if part.strip())
    return f"{_edge(last_name.strip(), 2)} {initials}".strip()


def address(value: str) -> str:
    """Return the town alone: «г. Новосибирск, •••»."""
    parts = [part.strip() for part in value.split(",") if part.strip() and not part.strip().isdigit()]
    return f"{parts[0]}, {HIDDEN}" if len(parts) > 1 else _edge(value.strip())


def words(text: str) -> str:
    """Return free text without what looks like an address of e-mail, a telephone or another long number."""
    return NUMBER.sub(HIDDEN, EMAIL.sub(HIDDEN, text))


def _edge(value: str, keep: int = 1) -> str:
    return f"{value[:keep]}{HIDDEN}" if value else ""
