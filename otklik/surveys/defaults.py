"""The questionnaires a fresh installation starts with. Wordings of п. 27.3 are kept to the letter."""

from __future__ import annotations

from datetime import date
from typing import Any, Final

from otklik.surveys.models import Questionnaire, SurveyPoint

VALID_FROM: Final = date(2024, 8, 16)  # приказ № 2725-НПА
NORM: Final = "п. 27.3"
GROUND: Final = "приказ от 16.08.2024 № 2725-НПА"

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
    "ground": GROUND,
    "questions": [
        {**_ANSWERED, "norm": NORM},
        {
            "code": "quality",
            "text": "Оцените качество работы консультанта",
            "kind": "choice",
            "answers": _GRADES,
            "required": True,
            "norm": NORM,
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


# The typical questionnaire of a QR code. What to do better is the comment every questionnaire has; whether one may be
# contacted is asked apart, after it: a consent of its own.
QR: Final[dict[str, Any]] = {
    "title": "Как мы поработали",
    "questions": [
        {
            "code": "channel",
            "text": "Как Вы к нам обращались?",
            "kind": "choice",
            "answers": [
                ["reception", "приходили лично"],
                ["hotline", "звонили"],
                ["written", "писали: почта, сайт, электронная почта"],
                ["pos", "через Госуслуги"],
                ["other", "иначе"],
            ],
            "required": True,
        },
        {
            "code": "about",
            "text": "По какому вопросу?",
            "kind": "several",
            "answers": [
                ["land", "земельный участок"],
                ["property", "здание, помещение, другое имущество"],
                ["payments", "аренда, выкуп, платежи"],
                ["documents", "справка, выписка, копия документа"],
                ["other", "другое"],
            ],
            "required": False,
        },
        _ANSWERED,
        {
            "code": "quality",
            "text": "Оцените качество нашей работы",
            "kind": "choice",
            "answers": _GRADES,
            "required": True,
        },
        {"code": "clear", "text": "Насколько понятно Вам объяснили?", "kind": "scale", "required": False},
        {"code": "polite", "text": "Насколько вежливы были сотрудники?", "kind": "scale", "required": False},
        {"code": "quick", "text": "Насколько быстро Вам помогли?", "kind": "scale", "required": False},
        {
            "code": "again",
            "text": "Пришлось ли обращаться по этому вопросу повторно?",
            "kind": "yes_no",
            "required": False,
        },
    ],
}

# Where people are asked from the first day: code, name, questionnaire, channel.
POINTS: Final = (
    ("11", "Линия консультаций", "consultation", "hotline"),
    ("12", "Сайт департамента", "qr", "website"),
    ("13", "Приёмная", "qr", "reception"),
)


def load() -> None:
    """Write the starting questionnaires and points where they are not there yet; a kept edition is never changed."""
    for code, content in (("consultation", CONSULTATION), ("written", WRITTEN), ("qr", QR)):
        Questionnaire.objects.get_or_create(code=code, edition=1, defaults={**content, "valid_from": VALID_FROM})
    for code, name, questionnaire, channel in POINTS:
        SurveyPoint.objects.get_or_create(
            code=code,
            defaults={"name": name, "questionnaire": questionnaire, "channel": channel, "valid_from": VALID_FROM},
        )
