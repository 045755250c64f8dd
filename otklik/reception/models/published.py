"""What is told about receptions outside: telephones of the appointment, secret addresses of officials' calendars."""

from __future__ import annotations

from django.conf import settings
from django.db import models

from otklik.people.models.staff import Validity


class ReceptionPhone(Validity):
    """A telephone by which one makes an appointment (п. 28)."""

    number = models.CharField("телефон", max_length=40, help_text="С кодом города: 8 (383) 238-60-02.")
    note = models.CharField("примечание", max_length=200, blank=True, help_text="Например: приёмная руководителя.")
    order = models.PositiveSmallIntegerField("порядок", default=100)

    class Meta:
        verbose_name = "телефон записи на приём"
        verbose_name_plural = "телефоны записи на приём"
        ordering = ["order", "pk"]

    def __str__(self) -> str:
        return self.number


class CalendarFeed(models.Model):
    """The secret address by which an official's calendar program asks for his receptions; a new one ends the old."""

    official = models.OneToOneField(
        settings.AUTH_USER_MODEL, models.CASCADE, related_name="calendar_feed", verbose_name="должностное лицо"
    )
    token_hash = models.CharField("хеш ссылки", max_length=64, unique=True)
    made_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+", verbose_name="кто создал")
    made_at = models.DateTimeField("когда", auto_now=True)

    class Meta:
        verbose_name = "адрес календаря приёма"
        verbose_name_plural = "адреса календарей приёма"

    def __str__(self) -> str:
        return f"{self.official}"
