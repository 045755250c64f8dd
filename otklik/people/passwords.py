"""Passwords that are tried first: lists leaked in the world, also typed in the other layout, and our own words."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any, Final

from django.contrib.auth.password_validation import CommonPasswordValidator
from django.core.exceptions import ValidationError

_LATIN: Final = "`qwertyuiop[]asdfghjkl;'zxcvbnm,."
_CYRILLIC: Final = "ёйцукенгшщзхъфывапролджэячсмитьбю"
_TO_LATIN: Final = str.maketrans(_CYRILLIC, _LATIN)

# What belongs to the product, the department and the region, and what everybody thinks of first.
KNOWN_WORDS: Final = (
    *("отклик", "otklik", "департамент", "departament", "department", "имущество", "имущества", "земля", "земельный"),
    *("земельных", "отношений", "дизо", "dizo", "новосибирск", "новосибирская", "novosibirsk", "область", "россия"),
    *("обращение", "обращения", "портал", "сервис", "сотрудник", "начальник", "админ", "admin", "administrator"),
    *("пароль", "parol", "password", "passw0rd", "привет", "privet", "welcome", "login", "user", "test", "тест"),
    *("qwerty", "йцукен", "asdfgh", "zxcvbn", "qazwsx", "wsxedc", "uiop", "1q2w3e", "q1w2e3", "letmein"),
    *("зима", "весна", "лето", "осень", "январь", "февраль", "март", "апрель", "май", "июнь", "июль"),
    *("август", "сентябрь", "октябрь", "ноябрь", "декабрь", "понедельник", "пятница", "солнышко", "любовь"),
)
LEAST_LEFT: Final = 5  # characters that are neither a known word nor a repeated sign
_SAME: Final = re.compile(r"(.)\1+")
_YEAR: Final = re.compile(r"(?:19|20)\d\d|123+4*5*6*7*8*9*0*")


class NotCommon(CommonPasswordValidator):
    """Refuses what stands in the list of leaked passwords, in either layout of the keyboard."""

    def validate(self, password: str, user: Any = None) -> None:
        """Refuse a password that was leaked before."""
        super().validate(password, user)
        super().validate(password.casefold().translate(_TO_LATIN), user)


class NotOfKnownWords:
    """Refuses a password of which little is left without known words, years and repeated signs."""

    def validate(self, password: str, user: Any = None) -> None:
        """Refuse a password that is put together from words an outsider knows."""
        own = [str(getattr(user, name, "") or "") for name in ("username", "last_name", "first_name", "patronymic")]
        if len(_left_of(password, own)) < LEAST_LEFT:
            raise ValidationError(
                "Пароль составлен из слов, которые подберут первыми: ваше имя, название системы или ведомства, месяц,"
                " год, ряд клавиш. Возьмите несколько не связанных между собой слов.",
                code="password_of_known_words",
            )

    def get_help_text(self) -> str:
        """Say the rule to who chooses a password."""
        return "Пароль не должен состоять из названий системы и ведомства, месяцев, годов и рядов клавиш."


def _left_of(password: str, own: Iterable[str]) -> str:
    """Return the password without known words in either layout, the owner's names, years and repeated signs."""
    left = password.casefold().translate(_TO_LATIN)
    for word in [*(name.casefold().translate(_TO_LATIN) for name in own if len(name) > 2), *_BY_LENGTH]:
        left = left.replace(word, "")
    return _SAME.sub(r"\1", _YEAR.sub("", left))


_BY_LENGTH: Final = sorted({word.translate(_TO_LATIN) for word in KNOWN_WORDS}, key=len, reverse=True)
