"""What came from the journal of another system and goes on to count: the term an appeal had there."""

from __future__ import annotations

from django.db import models

from otklik.appeals.models.spine import Appeal


class CarriedTerm(models.Model):
    """The term of an appeal as another system had counted it: it stands in the place of ours."""

    appeal = models.OneToOneField(Appeal, models.CASCADE, related_name="carried_term", verbose_name="обращение")
    due_on = models.DateField("срок в журнале")
    source = models.CharField("откуда", max_length=200, help_text="Название журнала.")

    class Meta:
        verbose_name = "перенесённый срок"
        verbose_name_plural = "перенесённые сроки"

    def __str__(self) -> str:
        return f"{self.appeal_id}: {self.due_on:%d.%m.%Y}"
