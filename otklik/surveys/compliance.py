"""п. 36: what people said of how they were dealt with."""

from __future__ import annotations

from datetime import date
from typing import Final

from otklik.core.compliance import Figure, Promise, end_of
from otklik.surveys.models import Response


def _said(on: date) -> Figure:
    number = Response.objects.filter(at__lt=end_of(on)).count()
    return Figure(f"Получено отзывов: {number}", number)


PROMISES: Final = (
    Promise(
        "R36",
        "36",
        does="С ответом уходит ссылка на анкету, на местах висят QR-коды; отзывы собираются в одном списке.",
        missing="Бумажная анкета и её ввод.",
        figure=_said,
        list_name="workplace:feedback",
        list_words="Отзывы",
    ),
)
