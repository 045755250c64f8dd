"""What the e-mail channel itself must remember: each mailbox's last poll, and letters a demo stand caught."""

from __future__ import annotations

from django.db import models

from otklik.core.models import StoredFile


class MailboxState(models.Model):
    """The last poll of a mailbox, for the health page and for the clerk."""

    name = models.CharField("ящик", max_length=200, primary_key=True)
    polled_at = models.DateTimeField("опрошен", null=True, blank=True)
    error = models.CharField("ошибка", max_length=500, blank=True)
    seen = models.PositiveBigIntegerField("получено писем", default=0)

    class Meta:
        verbose_name = "состояние ящика"
        verbose_name_plural = "состояния ящиков"

    def __str__(self) -> str:
        return self.name


class CaughtLetter(models.Model):
    """A letter a demo stand would have sent; read on the page «Почта учебного стенда»."""

    message_id = models.CharField("Message-ID", max_length=200)
    recipient = models.CharField("кому", max_length=500)
    subject = models.CharField("тема", max_length=500, blank=True)
    raw = models.ForeignKey(StoredFile, models.PROTECT, related_name="+", verbose_name="письмо")
    at = models.DateTimeField("когда", auto_now_add=True)

    class Meta:
        verbose_name = "письмо учебного стенда"
        verbose_name_plural = "письма учебного стенда"
        ordering = ["-id"]

    def __str__(self) -> str:
        return f"письмо {self.pk}"
