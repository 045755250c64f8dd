"""Keys by which other programs enter in an employee's name. The secret itself is nowhere kept."""

from __future__ import annotations

from django.db import models
from django.db.models import F, Q

from otklik.people.models.staff import Employee


class AccessToken(models.Model):
    """A key of a program: whose rights it has, which of them, between which days."""

    name = models.CharField("что подключено", max_length=200)
    owner = models.ForeignKey(Employee, models.PROTECT, related_name="tokens", verbose_name="от чьего имени")
    digest = models.CharField("хеш ключа", max_length=64, unique=True, editable=False)
    hint = models.CharField("начало ключа", max_length=12, editable=False)
    scopes = models.JSONField("что разрешено", default=list)
    valid_from = models.DateField("действует с")
    valid_to = models.DateField("действует по")
    ended_at = models.DateTimeField("завершён", null=True, blank=True)
    last_used_on = models.DateField("последнее обращение", null=True, blank=True)
    created_by = models.ForeignKey(
        Employee, models.PROTECT, null=True, blank=True, related_name="+", verbose_name="кто выдал"
    )
    created_at = models.DateTimeField("когда выдан", auto_now_add=True)

    class Meta:
        verbose_name = "ключ доступа"
        verbose_name_plural = "ключи доступа"
        ordering = ["-id"]
        constraints = [models.CheckConstraint(condition=Q(valid_to__gte=F("valid_from")), name="token_validity")]

    def __str__(self) -> str:
        return f"ключ доступа {self.pk}"
