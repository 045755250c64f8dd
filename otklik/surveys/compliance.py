"""п. 36: what people said of how they were dealt with."""

from __future__ import annotations

from datetime import date
from typing import Final

from otklik.core.compliance import Figure, Promise, end_of
from otklik.surveys.models import Response


def _said(on: date) -> Figure:
    rows = Response.objects.filter(at__lt=end_of(on))
    number, paper = rows.count(), rows.filter(source=Response.Source.PAPER).count()
    return Figure(f"Получено отзывов: {number}, из них на бумаге: {paper}", number)


PROMISES: Final = (
    Promise(
        "R36",
        "36",
        does="С ответом уходит ссылка на анкету, на местах висят QR-коды, бумажные анкеты вводят пачками и проверяют "
        "выборкой; отзывы отовсюду — в одном анализе, сказанное словами передают подразделению или в Базу знаний.",
        figure=_said,
        list_name="workplace:feedback",
        list_words="Отзывы",
    ),
)
