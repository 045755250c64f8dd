"""пп. 27.3 and 36: what people are asked and what they said."""

from __future__ import annotations

from datetime import date
from typing import Final

from django.db.models import Q

from otklik.core.compliance import Figure, Promise, end_of
from otklik.surveys.models import Questionnaire, Response


def _questions(on: date) -> Figure:
    valid = Q(valid_from__lte=on) & (Q(valid_to__isnull=True) | Q(valid_to__gte=on))
    edition = Questionnaire.objects.filter(valid, code="consultation").order_by("-edition").first()
    if edition is None:
        return Figure("Анкеты о консультации на этот день нет", 0)
    return Figure(f"Действует редакция {edition.edition} анкеты, вопросов: {len(edition.questions)}", edition.edition)


def _said(on: date) -> Figure:
    rows = Response.objects.filter(at__lt=end_of(on))
    number, paper = rows.count(), rows.filter(source=Response.Source.PAPER).count()
    return Figure(f"Получено отзывов: {number}, из них на бумаге: {paper}", number)


PROMISES: Final = (
    Promise(
        "R27.3",
        "27.3",
        does="Два вопроса о консультации и ответы хранятся дословно; новая формулировка — новая редакция анкеты.",
        missing="Задавать вопросы после звонка, записывать отказ, напоминать о QR-коде.",
        figure=_questions,
    ),
    Promise(
        "R36",
        "36",
        does="С ответом уходит ссылка на анкету; бумажные анкеты вводят пачками и проверяют выборкой; отзывы из всех "
        "источников — в одном анализе, сказанное словами передают подразделению или в Базу знаний.",
        missing="QR-код.",
        figure=_said,
        list_name="workplace:feedback",
        list_words="Отзывы",
    ),
)
