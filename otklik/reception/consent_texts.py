"""What is said about recording of a reception (п. 35.2 пп. 2): editions with dates; a card keeps which one was said."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Final

from django.db import IntegrityError, transaction

from otklik.core import journal
from otklik.core.errors import DomainError
from otklik.core.terms import valid
from otklik.people.models import Employee
from otklik.reception.models import ConsentText

VALID_FROM: Final = date(2024, 8, 16)  # приказ № 2725-НПА
TEXT_MAX: Final = 4000
# Our own words: the order asks to inform and gives no text.
FIRST: Final = (
    "В этом помещении личный приём может записываться на видео и на аудио. Запись нужна, чтобы точно передать Ваши "
    "вопросы и наши ответы; её хранят отдельно и открывают только те, кому это разрешено.\n"
    "Согласиться или отказаться можно отдельно для видео и для аудио. Откажетесь от видео — приём пройдёт в помещении, "
    "где системы видеопротоколирования нет, Ваша очередь сохранится. Откажетесь от аудио — звук не записывают.\n"
    "Отказ не влияет на ответ. Передумать можно в любую минуту приёма: скажите об этом тому, кто его ведёт."
)


class NoText(DomainError):
    """An edition without words tells nobody anything."""

    code = "consent_text.empty"
    text = "Напишите, что говорят заявителю о видео- и аудиозаписи: не длиннее {most} знаков."


class DayTaken(DomainError):
    """Two editions cannot begin on one day, and the past is not rewritten."""

    code = "consent_text.day"
    text = "Новая редакция начинается позже прежней и не раньше сегодняшнего дня: выберите день после {after}."


def current(on: date) -> ConsentText:
    """Return the edition said on a day."""
    return ConsentText.objects.filter(valid(on)).order_by("-valid_from").first() or _first()


def load() -> None:
    """Add the first edition where there is none; what people have written stays."""
    if not ConsentText.objects.exists():
        _first()


@transaction.atomic
def replace(text: str, *, valid_from: date, today: date, by: Employee) -> ConsentText:
    """Begin a new edition on a day; the one before ends the day before, cards keep theirs."""
    text = text.replace("\r\n", "\n").strip()
    if not text or len(text) > TEXT_MAX:
        raise NoText(most=TEXT_MAX)
    before = ConsentText.objects.order_by("-valid_from").first() or _first()
    after = max(before.valid_from, today - timedelta(days=1))
    if valid_from <= after:
        raise DayTaken(after=f"{after:%d.%m.%Y}")
    ConsentText.objects.filter(pk=before.pk).update(valid_to=valid_from - timedelta(days=1))
    try:
        with transaction.atomic():
            row = ConsentText.objects.create(
                version=str(ConsentText.objects.count() + 1), text=text, valid_from=valid_from
            )
    except IntegrityError as exc:  # a colleague was quicker by a moment
        raise DayTaken(after=f"{valid_from:%d.%m.%Y}") from exc
    journal.record("reception.text_replaced", chain="dictionaries", by=by, consent_text=row.pk)
    return row


def _first() -> ConsentText:
    return ConsentText.objects.get_or_create(version="1", defaults={"text": FIRST, "valid_from": VALID_FROM})[0]
