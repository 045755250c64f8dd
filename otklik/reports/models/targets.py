"""What figures ought to be."""

from __future__ import annotations

from django.db import models
from django.db.models import F, Q

from otklik.people.models import Employee


class MeasureTarget(models.Model):
    """What a figure ought to be for a period: set by somebody, on some ground. Ended, never edited."""

    measure = models.CharField("показатель", max_length=40)
    value = models.FloatField("целевое значение")
    valid_from = models.DateField("действует с")
    valid_to = models.DateField("действует по", null=True, blank=True)
    basis = models.CharField("основание", max_length=300, blank=True)
    by = models.ForeignKey(Employee, models.PROTECT, related_name="+", verbose_name="кто задал")
    at = models.DateTimeField("когда задано", auto_now_add=True)

    class Meta:
        verbose_name = "целевое значение показателя"
        verbose_name_plural = "целевые значения показателей"
        ordering = ["measure", "-valid_from"]
        constraints = [
            models.UniqueConstraint("measure", "valid_from", name="measure_target_once"),
            models.CheckConstraint(
                condition=Q(valid_to=None) | Q(valid_to__gte=F("valid_from")), name="measure_target_dates"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.measure}: {self.value}"
