"""What the API itself must remember: answers that a repeat gets again, and requests of a minute."""

from __future__ import annotations

from django.db import models

from otklik.people.models import AccessToken


class KeptAnswer(models.Model):
    """The answer to a creation; a repeat with the same `Idempotency-Key` gets it and creates nothing."""

    token = models.ForeignKey(AccessToken, models.CASCADE, related_name="+", verbose_name="ключ доступа")
    key = models.CharField("ключ однократности", max_length=200)
    digest = models.CharField("хеш запроса", max_length=64)
    status = models.PositiveSmallIntegerField("код ответа", default=0)
    body = models.JSONField("ответ", default=dict)
    location = models.CharField("где создано", max_length=200, blank=True)
    at = models.DateTimeField("когда", auto_now_add=True, db_index=True)

    class Meta:
        verbose_name = "сохранённый ответ API"
        verbose_name_plural = "сохранённые ответы API"
        constraints = [models.UniqueConstraint("token", "key", name="answer_once")]

    def __str__(self) -> str:
        return f"ответ {self.pk}"


class RequestMinute(models.Model):
    """How many requests came by a key in one minute, all processes together."""

    token = models.ForeignKey(AccessToken, models.CASCADE, related_name="+", verbose_name="ключ доступа")
    minute = models.PositiveIntegerField("минута", help_text="Минут с начала 1970 года.")
    count = models.PositiveIntegerField("запросов", default=0)

    class Meta:
        verbose_name = "запросы за минуту"
        verbose_name_plural = "запросы за минуту"
        constraints = [models.UniqueConstraint("token", "minute", name="requests_once_a_minute")]
        indexes = [models.Index(fields=["minute"], name="requests_minute")]

    def __str__(self) -> str:
        return f"{self.token_id}: {self.count}"
