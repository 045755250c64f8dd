"""Who is told of what, and every call that is to be made; the row is the queue."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.db.models import Q


class Webhook(models.Model):
    """Another system that is told what happens here: its address, what it hears of, its secrets (encrypted)."""

    name = models.CharField("какая система", max_length=200)
    url = models.CharField("адрес", max_length=500)
    events = models.JSONField("о чём сообщать", default=list)
    owner = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, related_name="+", verbose_name="кто отвечает за подключение"
    )
    secrets = models.TextField("секреты, зашифрованы")
    old_until = models.DateTimeField("прежний секрет действует до", null=True, blank=True)
    valid_from = models.DateField("действует с")
    valid_to = models.DateField("действует по")
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, blank=True, related_name="+", verbose_name="кто подключил"
    )
    created_at = models.DateTimeField("подключено", auto_now_add=True)
    ended_at = models.DateTimeField("завершено", null=True, blank=True)
    paused_at = models.DateTimeField("приостановлено", null=True, blank=True)
    paused_why = models.CharField("почему приостановлено", max_length=300, blank=True)
    failing_since = models.DateTimeField("не отвечает с", null=True, blank=True)
    failures = models.PositiveIntegerField("неудач подряд", default=0)
    not_before = models.DateTimeField("не обращаться раньше", null=True, blank=True)
    tried_at = models.DateTimeField("последнее обращение", null=True, blank=True)
    worked_at = models.DateTimeField("последнее удачное обращение", null=True, blank=True)

    class Meta:
        verbose_name = "сообщения другой системе"
        verbose_name_plural = "сообщения другим системам"
        ordering = ["name", "id"]

    def __str__(self) -> str:
        return self.name


class WebhookCall(models.Model):
    """One event told to one system, under one id for ever: ids and states, never personal data."""

    class State(models.TextChoices):
        WAITING = "waiting", "ждёт отправки"
        SENDING = "sending", "отправляется"
        DONE = "done", "принято"
        FAILED = "failed", "не принято"

    webhook = models.ForeignKey(Webhook, models.CASCADE, related_name="calls", verbose_name="кому")
    uid = models.CharField("номер", max_length=40, unique=True)
    event = models.CharField("событие", max_length=60)
    case = models.CharField("дело", max_length=60, help_text="В одном деле события приходят по порядку.")
    payload = models.JSONField("содержание")
    state = models.CharField("состояние", max_length=8, choices=State, default=State.WAITING)
    not_before = models.DateTimeField("не раньше")
    attempts = models.PositiveSmallIntegerField("попыток", default=0)
    leased_by = models.CharField("кто отправляет", max_length=100, blank=True)
    leased_at = models.DateTimeField("взято в работу", null=True, blank=True)
    status = models.PositiveSmallIntegerField("код ответа", null=True, blank=True)
    answer = models.CharField("что ответили", max_length=500, blank=True)
    created_at = models.DateTimeField("создано", auto_now_add=True)
    done_at = models.DateTimeField("принято", null=True, blank=True)

    class Meta:
        verbose_name = "обращение к другой системе"
        verbose_name_plural = "обращения к другим системам"
        indexes = [
            models.Index(fields=["not_before", "id"], condition=Q(state="waiting"), name="webhook_call_due"),
            models.Index(
                fields=["webhook", "case", "id"],
                condition=Q(state__in=["waiting", "sending"]),
                name="webhook_call_open",
            ),
            models.Index(fields=["webhook", "-id"], name="webhook_call_list"),
        ]

    def __str__(self) -> str:
        return self.uid
