"""What the e-mail channel must remember: mailboxes and what they keep, servers for sending, letters of a demo stand."""

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


class LeftLetter(models.Model):
    """A letter the last poll left in its mailbox: not ours yet, and a clerk can see why."""

    class Reason(models.TextChoices):
        TOO_LARGE = "too_large", "больше предела"
        REFUSED = "refused", "сервер не выдаёт письмо целиком"
        BROKE = "broke", "на этом письме обрывается связь"
        NOT_KEPT = "not_kept", "не удалось сохранить у себя"

    mailbox = models.ForeignKey(MailboxState, models.CASCADE, related_name="left", verbose_name="ящик")
    uid = models.CharField("номер в ящике", max_length=20)
    reason = models.CharField("почему", max_length=10, choices=Reason)
    size = models.BigIntegerField("размер", null=True, blank=True)
    arrived_at = models.DateTimeField("пришло в ящик", null=True, blank=True)
    noticed_at = models.DateTimeField("замечено", auto_now_add=True)

    class Meta:
        verbose_name = "письмо, оставшееся в ящике"
        verbose_name_plural = "письма, оставшиеся в ящике"
        ordering = ["mailbox", "noticed_at", "id"]
        constraints = [models.UniqueConstraint("mailbox", "uid", name="left_letter_once")]

    def __str__(self) -> str:
        return f"письмо {self.uid}"


class SendingServer(models.Model):
    """What the server for sending said of itself when it was last greeted."""

    host = models.CharField("сервер", max_length=255, primary_key=True)
    most_bytes = models.BigIntegerField("наибольшее письмо", null=True, blank=True)
    reports = models.BooleanField("отчёты о доставке", default=False, help_text="DSN, RFC 3461.")
    greeted_at = models.DateTimeField("когда")

    class Meta:
        verbose_name = "сервер отправки"
        verbose_name_plural = "серверы отправки"

    def __str__(self) -> str:
        return self.host


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
