"""What the front office works with: numbers of cards and blanks, the words said about recording."""

from __future__ import annotations

from django.db import models
from django.db.models import Q

from otklik.people.models.staff import Validity


class CardCounter(models.Model):
    """The last number given out in one year: to cards, and to blanks printed in advance."""

    class Kind(models.TextChoices):
        CARD = "card", "карточки"
        BLANK = "blank", "бланки"

    kind = models.CharField("чего", max_length=5, choices=Kind)
    year = models.PositiveSmallIntegerField("год")
    last = models.PositiveIntegerField("последний номер", default=0)

    class Meta:
        verbose_name = "счётчик карточек приёма"
        verbose_name_plural = "счётчики карточек приёма"
        constraints = [models.UniqueConstraint("kind", "year", name="one_counter_of_cards_a_year")]

    def __str__(self) -> str:
        return f"{self.get_kind_display()} {self.year}: {self.last}"


class ConsentText(Validity):
    """What is said about recording of a reception (п. 35.2 пп. 2); a card keeps the version its applicant heard."""

    version = models.CharField("редакция", max_length=40, unique=True)
    text = models.TextField("что сообщают")

    class Meta:
        verbose_name = "текст о записи приёма"
        verbose_name_plural = "тексты о записи приёма"
        ordering = ["-valid_from", "-pk"]
        constraints = [
            models.CheckConstraint(condition=~Q(text=""), name="consent_text_not_empty"),
            models.UniqueConstraint("valid_from", name="one_consent_text_a_day"),
        ]

    def __str__(self) -> str:
        return f"редакция {self.version}"
