"""How far what the exchange tells has been heard."""

from __future__ import annotations

from django.db import models


class ExchangeState(models.Model):
    """One way by which an exchange is listened to: how far, whether it answers, what was not understood."""

    class Way(models.TextChoices):
        AMI = "ami", "события станции (AMI)"
        QUEUE_LOG = "queue_log", "журнал очереди"
        WEBHOOK = "webhook", "сообщения станции"

    way = models.CharField("как", max_length=10, choices=Way, primary_key=True)
    head = models.CharField(
        "начало файла", max_length=64, blank=True, help_text="Хеш первой строки: файл узнаётся и переименованным."
    )
    position = models.PositiveBigIntegerField("прочитано байт", default=0)
    since = models.DateTimeField(
        "с какого времени", null=True, blank=True, help_text="Что было раньше, при первом чтении не берётся."
    )
    connected_at = models.DateTimeField("на связи с", null=True, blank=True)
    heard_at = models.DateTimeField("последнее событие получено", null=True, blank=True)
    seen_at = models.DateTimeField("последний признак жизни", null=True, blank=True)
    error = models.CharField("что не так", max_length=300, blank=True)
    unread = models.PositiveIntegerField("не понято строк", default=0)
    unread_at = models.DateTimeField("когда последний раз не понято", null=True, blank=True)

    class Meta:
        verbose_name = "связь со станцией"
        verbose_name_plural = "связи со станцией"

    def __str__(self) -> str:
        return self.way
