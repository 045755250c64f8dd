"""The questionnaires a fresh installation starts with. Wordings of п. 27.3 are kept to the letter."""

from __future__ import annotations

from datetime import date
from typing import Any, Final

from otklik.surveys.models import Questionnaire

VALID_FROM: Final = date(2024, 8, 16)  # приказ № 2725-НПА

_ANSWERED: Final[dict[str, Any]] = {
    "code": "answered",
    "text": "Получен ли ответ на Ваш вопрос?",
    "kind": "choice",
    "answers": [["yes", "да"], ["no", "нет"]],
    "required": True,
}
_GRADES: Final = [
    ["satisfied", "удовлетворен"],
    ["partial", "частично удовлетворен"],
    ["unsatisfied", "не удовлетворен"],
]

CONSULTATION: Final[dict[str, Any]] = {
    "title": "Отзыв о консультации",
    "questions": [
        _ANSWERED,
        {
            "code": "quality",
            "text": "Оцените качество работы консультанта",
            "kind": "choice",
            "answers": _GRADES,
            "required": True,
        },
    ],
}

# п. 27.3 speaks of consultations; for a written answer the second question is about the answer itself.
WRITTEN: Final[dict[str, Any]] = {
    "title": "Отзыв об ответе департамента",
    "questions": [
        _ANSWERED,
        {
            "code": "quality",
            "text": "Оцените качество ответа",
            "kind": "choice",
            "answers": _GRADES,
            "required": True,
        },
        {
            "code": "clear",
            "text": "Понятно ли написан ответ?",
            "kind": "choice",
            "answers": [["yes", "да"], ["partly", "не всё понятно"], ["no", "нет"]],
            "required": False,
        },
    ],
}


def load() -> None:
    """Write the starting questionnaires where they are not there yet; a kept edition is never changed."""
    for code, content in (("consultation", CONSULTATION), ("written", WRITTEN)):
        Questionnaire.objects.get_or_create(code=code, edition=1, defaults={**content, "valid_from": VALID_FROM})
